import { createHmac, randomBytes } from "node:crypto";
import { TsopsError } from "../errors.ts";
import { append } from "../formats/append.ts";
import { forgetSecrets, once } from "./cache.ts";
import { keepFromPrograms } from "./environment.ts";
import { textField } from "./fields.ts";
import type { KeyContext, KeyGroup, KeyService, Lines, MasterKey, Opened } from "./kind.ts";
import { effectiveThreshold, groupsNeeded } from "./metadata.ts";
import { naming, reasonsOf, unavailable } from "./reasons.ts";
import { type Failure, type GroupResult, groupReport, type KeyResult } from "./report.ts";
import { checkThreshold, combineShares, splitSecret } from "./shamir.ts";
import { describeKey, inDecryptionOrder, kindNamed, shownId } from "./table.ts";

export { groupsFromMetadata, groupsToMetadata, type KeyGroups } from "./metadata.ts";
export { describeKey } from "./table.ts";

/** Data keys have 32 bytes (docs/internals/sops.md §4). */
export const DATA_KEY_BYTES = 32;

/** Who does the work: this program unless `local` is false, then the services in their order. */
export interface KeyServices {
  readonly local?: boolean;
  readonly services?: readonly KeyService[];
}

export interface WrapOptions extends KeyServices {
  readonly context: KeyContext;
}

export interface UnwrapOptions extends WrapOptions {
  /** Kinds in the order in which their keys are tried: see parseDecryptionOrder. */
  readonly order: readonly string[];
  /** Told which key opened, once for each group, and the service that did it; "" is this program. */
  readonly onOpened?: (key: MasterKey, service: string) => void;
}

/**
 * Wraps a data key for every key of every group: the key itself if there is one group, else shares of it, of which
 * `threshold` groups (all of them if it is 0) are needed. The groups come back with a new `enc` in each key.
 * @throws TsopsError("config") if groups and threshold do not fit, TsopsError that names the keys that failed, with the
 * code of the first one.
 */
export async function wrapDataKey(
  dataKey: Uint8Array,
  groups: readonly KeyGroup[],
  threshold: number,
  options: WrapOptions,
): Promise<KeyGroup[]> {
  checkGroups(groups, threshold);
  keepFromPrograms(groups, options.context);
  const many = groups.length > 1;
  const parts = many
    ? await splitSecret(dataKey, groups.length, effectiveThreshold(groups, threshold))
    : [dataKey];
  const wraps = groups.map((group, i) => group.map((key) => wrapKey(key, parts[i]!, options)));
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

/** Whether a data key can be wrapped for groups at all: no key is asked. @throws TsopsError("config") */
export function checkGroups(groups: readonly KeyGroup[], threshold: number): void {
  if (groups.length === 0 || groups.some((group) => group.length === 0)) {
    throw new TsopsError("config", groups.length === 0 ? "there is no master key" : "a key group is empty", {
      hint: "name at least one master key for each group",
    });
  }
  if (groups.length > 1) checkThreshold(groups.length, effectiveThreshold(groups, threshold));
}

/** Keys as `wrap` would use them, so that they can be compared with those of a file. Most kinds leave nothing open. */
export async function exactKeys(groups: readonly KeyGroup[], context: KeyContext): Promise<KeyGroup[]> {
  keepFromPrograms(groups, context);
  const exact = async (key: MasterKey) => {
    const use = await kindNamed(key.kind).use();
    return (await use.exact?.(key, context)) ?? key;
  };
  return Promise.all(groups.map((group) => Promise.all(group.map(exact))));
}

function cannotWrap(failed: readonly { key: MasterKey; cause: unknown }[]): unknown {
  const abort = failed.find(({ cause }) => isAbort(cause));
  if (abort) return abort.cause;
  const reasons = failed.map(({ key, cause }) => {
    const [why = "", ...advice] = reasonsOf(cause);
    return { line: `${describeKey(key)}: ${why}`, advice };
  });
  const message = `${CANNOT_WRAP} ${reasons.map(({ line }) => line).join("; ")}`;
  return together(
    failed.map(({ cause }) => cause),
    message,
    reasons.flatMap(({ advice }) => advice),
  );
}

const CANNOT_WRAP = "cannot wrap the data key for";

/** Several errors as one, with the code of the first. */
function together(errors: readonly unknown[], message: string, advice: readonly string[]): TsopsError {
  const [cause] = errors;
  const code = cause instanceof TsopsError ? cause.code : "generic";
  // it is about a key, whatever the code says elsewhere
  return new TsopsError(code, message, {
    hint: [...new Set(advice)].join("\n") || undefined,
    exit: 1,
    cause,
  });
}

function isAbort(error: unknown): boolean {
  return error instanceof TsopsError && error.code === "aborted";
}

async function wrapKey(
  key: MasterKey,
  part: Uint8Array,
  { context, local = true, services = [] }: WrapOptions,
): Promise<MasterKey> {
  const errors: unknown[] = [];
  const causes: string[] = [];
  const advice: string[] = [];
  const ways = [
    ...(local ? [{ name: "", wrap: () => wrapOnce(key, part, context) }] : []),
    ...services.map((service) => ({ name: service.name, wrap: () => service.wrap(key, part) })),
  ];
  for (const way of ways) {
    try {
      return await way.wrap();
    } catch (error) {
      if (isAbort(error) || (ways.length === 1 && way.name === "")) throw error;
      const [cause = "", ...next] = reasonsOf(error, way.name);
      errors.push(error);
      causes.push(cause);
      append(advice, next);
    }
  }
  throw errors.length === 0 ? unavailable(NO_WAY) : together(errors, causes.join("; "), advice);
}

const NO_WAY: Lines = [
  "no key service may be used",
  "leave out --enable-local-keyservice=false (SOPS_ENABLE_LOCAL_KEYSERVICE), or name one with --keyservice",
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
  const { context, local = true, services = [], order } = options;
  // most runs have no agent
  if (!(await context.keeper?.())) return await unwrapGroups(groups, threshold, options);
  const { keptOr, namesOf } = await import("./kept.ts");
  const ways = [...(local ? [""] : []), ...services.map(({ name }) => name)];
  const inOrder = groups.map((group) => inDecryptionOrder(group, order));
  return await keptOr(namesOf(inOrder, threshold, ways), {
    ...options,
    length: DATA_KEY_BYTES,
    unwrap: async (onOpened) => await unwrapGroups(groups, threshold, { ...options, onOpened }),
  });
}

async function unwrapGroups(
  groups: readonly KeyGroup[],
  threshold: number,
  options: UnwrapOptions,
): Promise<Buffer> {
  const needed = groupsNeeded(groups, threshold);
  const fault = groups.length > 1 ? shareFault : keyFault;
  const parts: { bytes: Buffer; group: number }[] = [];
  const results: GroupResult[] = [];
  keepFromPrograms(groups, options.context);
  try {
    for (const [i, group] of groups.entries()) {
      if (parts.length === needed && parts.length > 0) break;
      const { part, keys } = await openGroup(group, fault, options);
      if (part) parts.push({ bytes: part, group: i + 1 });
      results.push({ opened: part !== null, keys });
    }
    if (parts.length < needed || parts.length === 0) throw groupReport(results, groups.length, needed);
    if (groups.length === 1) return Buffer.from(parts[0]!.bytes);
    checkDistinct(parts);
    return await combineShares(parts.map(({ bytes }) => bytes));
  } finally {
    for (const { bytes } of parts) bytes.fill(0);
  }
}

/** Why what a key opens to cannot be what it should be; undefined if it can. */
type Fault = (part: Buffer) => string | undefined;

function keyFault({ length }: Buffer): string | undefined {
  return length === DATA_KEY_BYTES ? undefined : `it opens to ${length} bytes instead of ${DATA_KEY_BYTES}`;
}

/**
 * A share has an x-byte behind its bytes: the number of its group, from 1 on (docs/internals/sops.md §4); it may be
 * larger than the number of groups, where one was taken out of the file. With x = 0 it would be the data key by itself,
 * whatever the other groups hold.
 */
function shareFault(part: Buffer): string | undefined {
  const due = DATA_KEY_BYTES + 1;
  if (part.length !== due) return `it opens to ${part.length} bytes instead of ${due}`;
  if (part.at(-1) !== 0) return undefined;
  return "it opens to a part of the data key with the number 0, which no group has: somebody may have made it up";
}

/** @throws TsopsError("no-data-key") if two groups hold the same part. */
function checkDistinct(parts: readonly { bytes: Buffer; group: number }[]): void {
  const groupOf = new Map<number, number>();
  for (const { bytes, group } of parts) {
    const x = bytes.at(-1)!;
    const other = groupOf.get(x);
    if (other !== undefined) {
      throw new TsopsError(
        "no-data-key",
        `the key groups ${other} and ${group} hold parts of the data key with the same number, ${x}`,
        { hint: "the parts of different groups must differ: restore the file from git" },
      );
    }
    groupOf.set(x, group);
  }
}

async function openGroup(
  group: KeyGroup,
  fault: Fault,
  options: UnwrapOptions,
): Promise<{ part: Buffer | null; keys: KeyResult[] }> {
  const keys: KeyResult[] = [];
  for (const key of inDecryptionOrder(group, options.order)) {
    const failures: Failure[] = [];
    const part = await openKey(key, fault, options, failures);
    if (part) return { part, keys };
    keys.push({ key, failures });
  }
  return { part: null, keys };
}

/** What a key opens to, here or at a service; null with what failed. */
async function openKey(
  key: MasterKey,
  fault: Fault,
  { context, local = true, services = [], onOpened }: UnwrapOptions,
  failures: Failure[],
): Promise<Buffer | null> {
  const ways = [
    ...(local ? [{ name: "", unwrap: () => unwrapHere(key, context) }] : []),
    ...services.map((service) => ({ name: service.name, unwrap: () => service.unwrap(key) })),
  ];
  if (ways.length === 0) failures.push({ error: unavailable(NO_WAY), service: "" });
  for (const way of ways) {
    try {
      if (context.signal?.aborted) throw new TsopsError("aborted", "stopped");
      const opened = await unwrapOnce(key, way.name, context, way.unwrap);
      if ("why" in opened) {
        failures.push({ error: unavailable(opened.why), service: way.name });
        continue;
      }
      const wrong = fault(opened.key);
      if (wrong === undefined) {
        onOpened?.(key, way.name);
        return opened.key;
      }
      opened.key.fill(0);
      failures.push({ error: new TsopsError("bad-key", wrong), service: "" });
    } catch (error) {
      if (isAbort(error)) throw error;
      failures.push({ error, service: way.name });
    }
  }
  return null;
}

async function unwrapHere(key: MasterKey, context: KeyContext): Promise<Opened> {
  return (await kindNamed(key.kind).use()).unwrap(key, context);
}

/** Has a key wrap by itself: for a key service, or a master key in a secret. @throws TsopsError that names the key. */
export async function wrapOne(key: MasterKey, data: Uint8Array, context: KeyContext): Promise<MasterKey> {
  return naming(`${CANNOT_WRAP} ${shownId(key)}`, () => wrapHere(key, data, context));
}

/**
 * A key wraps a data key once a run, also where files share it: then all of them hold the same wrapped form, which is
 * unwrapped once, too.
 */
async function wrapOnce(key: MasterKey, part: Uint8Array, context: KeyContext): Promise<MasterKey> {
  const secret = once(context, "secret for names of data keys", () => randomBytes(32));
  // a name that says nothing about the data key, not even to whoever knows one
  const tag = createHmac("sha256", secret).update(part).digest("base64");
  return await once(context, `wrapped ${JSON.stringify([tag, key.kind, key.id])}`, () =>
    wrapHere(key, part, context),
  );
}

async function wrapHere(key: MasterKey, part: Uint8Array, context: KeyContext): Promise<MasterKey> {
  return (await kindNamed(key.kind).use()).wrap(key, part, context);
}

function unwrappedKeys(context: KeyContext): Map<string, Promise<Opened>> {
  return once(context, "unwrapped keys", () => new Map());
}

/** Clears what was unwrapped in a run: call it at the run's end. Data keys that were handed out are their owners'. */
export async function forgetKeys(context: KeyContext): Promise<void> {
  const known = unwrappedKeys(context);
  const results = [...known.values()];
  known.clear();
  forgetSecrets(context);
  // one that a service still works on must not keep the others
  await Promise.all(
    results.map(async (result) => {
      const opened = await result.catch(() => undefined);
      if (opened && "key" in opened) opened.key.fill(0);
    }),
  );
  // those that came meanwhile
  forgetSecrets(context);
}

/** Forgets data keys, and all else that was asked, read or fetched to open files: identities, passphrases, logins. */
export async function forgetAll(context: KeyContext): Promise<void> {
  await forgetKeys(context);
  context.cache.clear();
}

/**
 * Where a person may have mended what failed (a network, a login) and tries again in the same run: what failed is not
 * held against the next try. Passphrases and logins are forgotten, too.
 */
export async function forgetFailures(context: KeyContext): Promise<void> {
  const { forgetServices } = await import("../net/service.ts");
  await forgetAll(context);
  forgetServices(context.cache);
}

/** Many files hold the same wrapped key: it is unwrapped once a run, and so are failures. Gives a copy. */
async function unwrapOnce(
  key: MasterKey,
  way: string,
  context: KeyContext,
  unwrap: () => Promise<Opened>,
): Promise<Opened> {
  const known = unwrappedKeys(context);
  const name = JSON.stringify([way, key.kind, key.id, textField(key.fields, "enc")]);
  let result = known.get(name);
  if (!result) {
    result = unwrap();
    known.set(name, result);
  }
  const opened = await result;
  return "key" in opened ? { key: Buffer.from(opened.key) } : opened;
}
