import { type Tree, TreeList, TreeMap } from "../formats/tree.ts";
import { neededField, sortedFields, unreadable } from "./fields.ts";
import type { KeyGroup, MasterKey, SopsNames } from "./kind.ts";
import { KINDS, kindNamed, kindOfUri } from "./table.ts";

/**
 * The key groups in a file's metadata (docs/internals/sops.md §5): `age`, `pgp`, `kms`, …, `key_groups`,
 * `shamir_threshold`. Keys of kinds that SOPS lacks stand in `tsops.keys`, each with its URI and, where there are
 * several groups, the number of its group (docs/format.md).
 */

/** The fields of the metadata that {@link groupsToMetadata} writes: others are not its business. */
export const GROUP_FIELDS: readonly string[] = [
  ...KINDS.flatMap(({ sops }) => sops?.field ?? []),
  "key_groups",
  "shamir_threshold",
];

export interface KeyGroups {
  readonly groups: readonly KeyGroup[];
  /** How many groups are needed; 0 if the file does not say, which means all of them. */
  readonly threshold: number;
}

/**
 * The key groups that a file names, weakly typed as SOPS reads them. Keys at the top are the only group where there
 * are any, whatever `key_groups` says.
 * @throws TsopsError("parse") if an entry is malformed, or there is no key at all.
 */
export function groupsFromMetadata(sops: TreeMap): KeyGroups {
  const threshold = readThreshold(sops.get("shamir_threshold"));
  const own = readOwnKeys(sops);
  const top = readGroup(sops);
  const nested = top.length > 0 ? [] : mapsIn(sops.get("key_groups"), "key_groups").map(readGroup);
  if (nested.length === 0) {
    const only = [...top, ...own.map(({ key }) => key)];
    if (only.length === 0) throw unreadable("no keys found in it");
    return { groups: [only], threshold };
  }
  if (own.some(({ group }) => group >= nested.length)) {
    throw unreadable("a key in its tsops.keys is of a key group that is not there");
  }
  const ownOf = (i: number) => own.flatMap(({ key, group }) => (group === i ? [key] : []));
  return { groups: nested.map((group, i) => [...group, ...ownOf(i)]), threshold };
}

function readGroup(holder: TreeMap): MasterKey[] {
  return KINDS.flatMap((kind) => {
    if (!kind.sops) return [];
    const { field } = kind.sops;
    return mapsIn(holder.get(field), field).map((fields) => kind.fromMetadata(fields));
  });
}

/** The field of an entry in `tsops.keys` that says which group it is of, from 0. */
const GROUP = "group";

function readOwnKeys(sops: TreeMap): { key: MasterKey; group: number }[] {
  const own = sops.get("tsops");
  if (!(own instanceof TreeMap)) return [];
  return mapsIn(own.get("keys"), "tsops.keys").map((fields) => {
    const kind = kindOfUri(neededField(fields, "uri", "tsops"));
    const group = fields.get(GROUP);
    if (group !== undefined && !/^[0-9]{1,3}$/.test(String(group)))
      throw unreadable("the group of a key in its tsops.keys is not a number");
    const rest = fields.entries().filter(({ key }) => key !== GROUP);
    const key = kind.fromMetadata(TreeMap.of(rest.map((entry) => [entry.key, entry.value])));
    return { key, group: Number(group ?? 0) };
  });
}

/** The maps of a list; a single map counts as a list of one, an empty one as an empty list. */
function mapsIn(value: Tree | undefined, name: string): TreeMap[] {
  if (value === undefined || value === null) return [];
  if (value instanceof TreeMap) return value.entries().length === 0 ? [] : [value];
  const items = value instanceof TreeList ? value.values() : [value];
  return items.map((item) => {
    if (item instanceof TreeMap) return item;
    throw unreadable(`an entry of its ${name} is not a map`);
  });
}

function readThreshold(value: Tree | undefined): number {
  if (value === undefined || value === null || value === "") return 0;
  const number = typeof value === "string" && !/^[0-9]+$/.test(value) ? Number.NaN : Number(value);
  if (Number.isSafeInteger(number) && number >= 0) return number;
  throw unreadable("its shamir_threshold is not a number of key groups");
}

/** The threshold that counts: that of several groups without one is their number, one group has none to speak of. */
export function effectiveThreshold(groups: readonly unknown[], threshold: number): number {
  return threshold === 0 && groups.length > 1 ? groups.length : threshold;
}

/** How many groups open a file. */
export function groupsNeeded(groups: readonly unknown[], threshold: number): number {
  return groups.length > 1 ? effectiveThreshold(groups, threshold) : 1;
}

/**
 * The fields of the metadata for these groups, sorted. Inside key groups some lists are always there, as SOPS
 * writes them.
 */
export function groupsToMetadata(groups: readonly KeyGroup[], threshold: number): TreeMap {
  const [only] = groups;
  const number = effectiveThreshold(groups, threshold);
  const last: [string, Tree | undefined] = ["shamir_threshold", number === 0 ? undefined : BigInt(number)];
  if (groups.length === 1) return sortedFields([...listsOf(only!, false), last]);
  const lists = groups.map((group) => sortedFields([...listsOf(group, true), markOf(group)]));
  return sortedFields([["key_groups", groups.length === 0 ? undefined : new TreeList(lists)], last]);
}

/**
 * Something in a group that has no key which SOPS knows, for formats that do not write empty lists: without it, the
 * group would be gone, and the numbers of those behind it with it. It means nothing; SOPS ignores it.
 */
function markOf(group: KeyGroup): [string, Tree | undefined] {
  const empty = group.every((key) => kindNamed(key.kind).sops === undefined);
  return ["tsops", empty ? "keys" : undefined];
}

/** The list for `tsops.keys`; undefined if every key is of a kind that SOPS knows. */
export function ownKeysToMetadata(groups: readonly KeyGroup[]): TreeList | undefined {
  const entries = groups.flatMap((group, i) =>
    group
      .filter((key) => kindNamed(key.kind).sops === undefined)
      .map((key) => {
        const pairs = key.fields.entries().map((entry): [string, Tree] => [entry.key, entry.value]);
        return sortedFields(groups.length > 1 ? [...pairs, [GROUP, BigInt(i)]] : pairs);
      }),
  );
  return entries.length > 0 ? new TreeList(entries) : undefined;
}

function listsOf(group: KeyGroup, oneOfSeveral: boolean): [string, Tree | undefined][] {
  return KINDS.flatMap((kind): [string, Tree | undefined][] => {
    if (!kind.sops) return [];
    const { field, always = false } = kind.sops;
    const entries = group.filter((key) => key.kind === kind.name).map((key) => entryOf(key, kind.sops!));
    return [[field, entries.length > 0 || (oneOfSeveral && always) ? new TreeList(entries) : undefined]];
  });
}

/** A key's entry. SOPS writes some fields even where they are empty. */
function entryOf(key: MasterKey, { written = [] }: SopsNames): TreeMap {
  const pairs = key.fields.entries().map((entry): [string, Tree] => [entry.key, entry.value]);
  const empty = written.filter((name) => key.fields.get(name) === undefined);
  return sortedFields([...pairs, ...empty.map((name): [string, Tree] => [name, ""])]);
}
