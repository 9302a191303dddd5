import { createHash } from "node:crypto";
import { Time } from "../formats/scalar.ts";
import { type Tree, TreeList, TreeMap } from "../formats/tree.ts";
import { keepForRun, once } from "./cache.ts";
import type { KeyContext, KeyGroup, MasterKey } from "./kind.ts";

/**
 * What runs leave each other through the keeper (`tsops agent`). Everything there has a name that is a hash of exactly what
 * was opened: whoever has the wrapped bytes finds what they open to, and nothing else. So a file cannot ask for
 * another file's data key, nor for that of a key with other fields, such as another encryption context.
 */

/** The name of something: a hash over its parts, each behind its length. */
export function nameOfKept(what: string, ...parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash("sha256");
  for (const part of ["tsops agent 1", what, ...parts]) {
    const bytes = Buffer.from(part);
    const length = Buffer.alloc(8);
    length.writeBigUInt64BE(BigInt(bytes.length));
    hash.update(length).update(bytes);
  }
  return hash.digest("base64url");
}

/** How the keys of a file may be used in a run: the services by their names, "" for this program. */
export type Ways = readonly string[];

/** A data key that one key opens is kept under that key and the way it was opened. */
export function nameOfOne(key: MasterKey, way: string): string {
  return nameOfKept("key", way, wordsOf(key));
}

/** One that takes several groups is kept for all of them together. */
export function nameOfGroups(groups: readonly KeyGroup[], threshold: number, ways: Ways): string {
  const lists = groups.map((group) => JSON.stringify(group.map(wordsOf)));
  return nameOfKept("groups", String(threshold), JSON.stringify(ways), ...lists);
}

function wordsOf({ kind, id, fields }: MasterKey): string {
  return JSON.stringify([kind, id, plain(fields)]);
}

/** A tree in arrays and texts: two different ones never look the same. */
function plain(tree: Tree): unknown {
  if (tree instanceof TreeMap) return ["map", ...tree.entries().map(({ key, value }) => [key, plain(value)])];
  if (tree instanceof TreeList) return ["list", ...tree.values().map(plain)];
  if (tree instanceof Time) return ["time", tree.text];
  if (typeof tree === "bigint" || typeof tree === "number") return [typeof tree, String(tree)];
  return tree;
}

/**
 * The names under which a data key may be kept, with the key that each is for. Where it takes several groups, it is kept
 * for all of them together, and not for one key.
 */
export function namesOf(
  groups: readonly KeyGroup[],
  threshold: number,
  ways: Ways,
): Map<string, MasterKey | undefined> {
  const [group, ...others] = groups;
  if (!group || others.length > 0) return new Map([[nameOfGroups(groups, threshold, ways), undefined]]);
  return new Map(group.flatMap((key) => ways.map((way) => [nameOfOne(key, way), key])));
}

/** What reports call the agent where it had what a key opens. */
const AGENT = "tsops agent";

type OnOpened = (key: MasterKey, way: string) => void;

export interface Unwrapping {
  readonly context: KeyContext;
  /** In bytes: what has another one was not kept by tsops. */
  readonly length: number;
  readonly onOpened?: OnOpened;
  readonly unwrap: (onOpened: OnOpened) => Promise<Buffer>;
}

/** A data key that is kept under one of the names; else it is unwrapped, and kept under that of the key that did it. */
export async function keptOr(
  names: ReadonlyMap<string, MasterKey | undefined>,
  { context, length, onOpened, unwrap }: Unwrapping,
): Promise<Buffer> {
  const kept = await findKept([...names.keys()], context);
  if (kept?.bytes.length === length) {
    const key = names.get(kept.name);
    if (key) onOpened?.(key, AGENT);
    return kept.bytes;
  }
  kept?.bytes.fill(0);
  let [name = ""] = names.keys();
  const dataKey = await unwrap((key, way) => {
    const its = nameOfOne(key, way);
    if (names.has(its)) name = its;
    onOpened?.(key, way);
  });
  await keep("data key", name, dataKey, context);
  return dataKey;
}

/** The place for what a passphrase opened: under a hash of what it opened. */
export interface Memory {
  /** The caller clears it. */
  recall(): Promise<Buffer | undefined>;
  /** A copy; only after it proved right. */
  keep(bytes: Uint8Array): Promise<void>;
}

export function memoryOf(what: string, locked: Uint8Array, context: KeyContext): Memory {
  const name = nameOfKept(what, locked);
  return {
    recall: async () => (await findKept([name], context))?.bytes,
    keep: async (bytes) => await keep("unlocked", name, bytes, context),
  };
}

/** The first that is kept of some names, for which the keeper is asked once a run. Gives a copy. */
async function findKept(
  names: readonly string[],
  context: KeyContext,
): Promise<{ name: string; bytes: Buffer } | undefined> {
  const keeper = await context.keeper?.();
  if (!keeper || names.length === 0) return undefined;
  const about = `kept ${names.join(" ")}`;
  const found = await once(context, about, async () => {
    const kept = await keeper.find(names);
    if (kept) keepForRun(context, about, kept.bytes);
    return kept;
  });
  return found && { name: found.name, bytes: Buffer.from(found.bytes) };
}

/** Has the keeper keep something, once a run. */
async function keep(
  sort: "data key" | "unlocked",
  name: string,
  bytes: Uint8Array,
  context: KeyContext,
): Promise<void> {
  const keeper = await context.keeper?.();
  if (keeper) await once(context, `keeps ${name}`, () => keeper.keep(sort, name, bytes));
}
