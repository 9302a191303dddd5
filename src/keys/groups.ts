import { TsopsError } from "../errors.ts";
import { append } from "../formats/append.ts";
import { once } from "./cache.ts";
import { textField } from "./fields.ts";
import type { KeyContext, KeyGroup, MasterKey } from "./kind.ts";
import { effectiveThreshold } from "./metadata.ts";
import { keepFromPrograms } from "./program.ts";
import { reasonsOf } from "./reasons.ts";
import { type GroupResult, groupReport, type KeyResult } from "./report.ts";
import { combineShares, splitSecret } from "./shamir.ts";
import { describeKey, inDecryptionOrder, kindNamed } from "./table.ts";

export { groupsFromMetadata, groupsToMetadata, type KeyGroups } from "./metadata.ts";
export { describeKey } from "./table.ts";

/** Data keys have 32 bytes, a group's share of one an x-byte more (SPEC section 4). */
const DATA_KEY_BYTES = 32;

/** Something else that wraps and unwraps, such as a key service on another machine. */
export interface KeyService {
  /** For reports: its address. */
  readonly name: string;
  /** As {@link KeyKind.unwrap}. */
  unwrap(key: MasterKey): Promise<Buffer | null>;
  /** As {@link KeyKind.wrap}. */
  wrap(key: MasterKey, dataKey: Uint8Array): Promise<MasterKey>;
}

/** Who does the work: this program unless `local` is false, then the services in their order. */
export interface KeyServices {
  readonly local?: boolean;
  readonly services?: readonly KeyService[];
}

export interface UnwrapOptions extends KeyServices {
  /** Kinds in the order in which their keys are tried: see parseDecryptionOrder. */
  readonly order: readonly string[];
  readonly context: KeyContext;
}

/**
 * Wraps a data key for every key of every group: the key itself if there is one group, else shares of it, of which
 * `threshold` groups (all of them if it is 0) are needed. The groups come back with a new `enc` in each key.
 * @throws TsopsError("config") if groups and threshold do not fit, TsopsError("generic") that names the keys that failed.
 */
export async function wrapDataKey(
  dataKey: Uint8Array,
  groups: readonly KeyGroup[],
  threshold: number,
  context: KeyContext,
  by: KeyServices = {},
): Promise<KeyGroup[]> {
  if (groups.length === 0 || groups.some((group) => group.length === 0)) {
    throw new TsopsError("config", groups.length === 0 ? "there is no master key" : "a key group is empty", {
      hint: "name at least one master key for each group",
    });
  }
  keepFromPrograms(groups, context);
  const many = groups.length > 1;
  const parts = many
    ? await splitSecret(dataKey, groups.length, effectiveThreshold(groups, threshold))
    : [dataKey];
  const wraps = groups.map((group, i) => group.map((key) => wrapKey(key, parts[i]!, context, by)));
  const results = await Promise.all(wraps.map((group) => Promise.allSettled(group)));
  if (many) for (const part of parts) part.fill(0);
  const failed = results.flatMap((group, i) =>
    group.flatMap((result, k) =>
      result.status === "rejected" ? [{ key: groups[i]![k]!, cause: result.reason }] : [],
    ),
  );
  if (failed.length > 0) throw cannotWrap(failed);
  return results.map((group) =>
    group.flatMap((result) => (result.status === "fulfilled" ? [result.value] : [])),
  );
}

/** Keys as `wrap` would use them, so that they can be compared with those of a file. Most kinds leave nothing open. */
export async function exactKeys(groups: readonly KeyGroup[], context: KeyContext): Promise<KeyGroup[]> {
  keepFromPrograms(groups, context);
  const exact = async (key: MasterKey) => kindNamed(key.kind).exact?.(key, context) ?? key;
  return Promise.all(groups.map((group) => Promise.all(group.map(exact))));
}

function cannotWrap(failed: readonly { key: MasterKey; cause: unknown }[]): unknown {
  const abort = failed.find(({ cause }) => isAbort(cause));
  if (abort) return abort.cause;
  const reasons = failed.map(({ key, cause }) => {
    const [why = "", ...advice] = reasonsOf(cause);
    return { line: `${describeKey(key)}: ${withoutStart(why)}`, advice };
  });
  const advice = new Set(reasons.flatMap((reason) => reason.advice));
  return new TsopsError("generic", `${CANNOT_WRAP}${reasons.map(({ line }) => line).join("; ")}`, {
    cause: failed[0]!.cause,
    hint: advice.size > 0 ? [...advice].join("\n") : undefined,
  });
}

const CANNOT_WRAP = "cannot wrap the data key for ";

/** Kinds say what they could not do, for which key: that is said already. */
function withoutStart(why: string): string {
  return why.startsWith(CANNOT_WRAP) ? why.slice(why.indexOf(": ") + 2) : why;
}

function isAbort(error: unknown): boolean {
  return error instanceof TsopsError && error.code === "aborted";
}

async function wrapKey(
  key: MasterKey,
  part: Uint8Array,
  context: KeyContext,
  { local = true, services = [] }: KeyServices,
): Promise<MasterKey> {
  const causes: string[] = [];
  const advice: string[] = [];
  const ways = [
    ...(local ? [{ name: "", wrap: () => kindNamed(key.kind).wrap(key, part, context) }] : []),
    ...services.map((service) => ({ name: service.name, wrap: () => service.wrap(key, part) })),
  ];
  for (const way of ways) {
    try {
      return await way.wrap();
    } catch (error) {
      if (isAbort(error) || (ways.length === 1 && way.name === "")) throw error;
      const [cause = "", ...next] = reasonsOf(error, way.name);
      causes.push(withoutStart(cause));
      append(advice, next);
    }
  }
  if (causes.length === 0) throw new TsopsError("generic", NO_WAY[0]!, { hint: NO_WAY[1] });
  throw new TsopsError("generic", causes.join("; "), { hint: advice.join("\n") || undefined });
}

const NO_WAY = [
  "no key service may be used",
  "leave --enable-local-keyservice=false (SOPS_ENABLE_LOCAL_KEYSERVICE) away, or name one with --keyservice",
];

/**
 * The data key: each group's keys are tried in order until one works, until as many groups are open as are needed
 * (all of them if the threshold is 0). The caller owns the buffer and clears it.
 * @throws TsopsError("no-data-key") whose hint is a report: for each key what was tried, why not, what to do.
 */
export async function unwrapDataKey(
  groups: readonly KeyGroup[],
  threshold: number,
  options: UnwrapOptions,
): Promise<Buffer> {
  const needed = groups.length > 1 ? effectiveThreshold(groups, threshold) : 1;
  const size = groups.length > 1 ? DATA_KEY_BYTES + 1 : DATA_KEY_BYTES;
  const parts: Buffer[] = [];
  const results: GroupResult[] = [];
  keepFromPrograms(groups, options.context);
  try {
    for (const group of groups) {
      if (parts.length === needed && parts.length > 0) break;
      const { part, keys } = await openGroup(group, size, options);
      if (part) parts.push(part);
      results.push({ opened: part !== null, keys });
    }
    if (parts.length < needed || parts.length === 0) throw groupReport(results, groups.length, needed);
    return groups.length > 1 ? await combineShares(parts) : Buffer.from(parts[0]!);
  } finally {
    for (const part of parts) part.fill(0);
  }
}

async function openGroup(
  group: KeyGroup,
  size: number,
  options: UnwrapOptions,
): Promise<{ part: Buffer | null; keys: KeyResult[] }> {
  const keys: KeyResult[] = [];
  for (const key of inDecryptionOrder(group, options.order)) {
    const reasons: string[] = [];
    const part = await openKey(key, size, options, reasons);
    if (part) return { part, keys };
    keys.push({ key, reasons });
  }
  return { part: null, keys };
}

/** What a key opens to, here or at a service; null with the reasons. */
async function openKey(
  key: MasterKey,
  size: number,
  { context, local = true, services = [] }: UnwrapOptions,
  reasons: string[],
): Promise<Buffer | null> {
  const kind = kindNamed(key.kind);
  const ways = [
    ...(local ? [{ name: "", unwrap: () => kind.unwrap(key, context) }] : []),
    ...services.map((service) => ({ name: service.name, unwrap: () => service.unwrap(key) })),
  ];
  if (ways.length === 0) append(reasons, NO_WAY);
  for (const way of ways) {
    try {
      if (context.signal?.aborted) throw new TsopsError("aborted", "stopped");
      const part = await unwrapOnce(key, way.name, context, way.unwrap);
      if (part?.length === size) return part;
      const bytes = part?.length;
      part?.fill(0);
      if (bytes !== undefined) reasons.push(`it opens to ${bytes} bytes, but ${size} are due`);
      else if (way.name === "") append(reasons, kind.whyNot?.(key, context) ?? ["nothing here can open it"]);
      else reasons.push(`${way.name} cannot open it`);
    } catch (error) {
      if (isAbort(error)) throw error;
      append(reasons, reasonsOf(error, way.name));
    }
  }
  return null;
}

function unwrappedKeys(context: KeyContext): Map<string, Promise<Buffer | null>> {
  return once(context, "unwrapped keys", () => new Map());
}

/** Clears what was unwrapped in a run: call it at the run's end. Data keys that were handed out are their owners'. */
export async function forgetKeys(context: KeyContext): Promise<void> {
  const known = unwrappedKeys(context);
  const results = [...known.values()];
  known.clear();
  for (const result of results) (await result.catch(() => null))?.fill(0);
}

/** Many files hold the same wrapped key: it is unwrapped once a run, and so are failures. Gives a copy. */
async function unwrapOnce(
  key: MasterKey,
  way: string,
  context: KeyContext,
  unwrap: () => Promise<Buffer | null>,
): Promise<Buffer | null> {
  const known = unwrappedKeys(context);
  const name = JSON.stringify([way, key.kind, key.id, textField(key.fields, "enc")]);
  let result = known.get(name);
  if (!result) {
    result = unwrap();
    known.set(name, result);
  }
  const part = await result;
  return part && Buffer.from(part);
}
