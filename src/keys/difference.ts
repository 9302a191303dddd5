import type { KeyGroup, MasterKey } from "./kind.ts";
import { groupsNeeded } from "./metadata.ts";
import { kindNamed } from "./table.ts";

/** Who can open a file: the groups, and how many of them are needed (0: all). docs/internals/sops.md §4. */
export interface Recipients {
  readonly groups: readonly KeyGroup[];
  readonly threshold: number;
}

/** How the keys of one group change. */
export interface GroupDifference {
  readonly common: readonly MasterKey[];
  readonly added: readonly MasterKey[];
  readonly removed: readonly MasterKey[];
}

export function sameKey(a: MasterKey, b: MasterKey): boolean {
  return a.kind === b.kind && (a.id === b.id || covers(a, b) || covers(b, a));
}

/** Whether a key stands for another one, too. */
function covers(key: MasterKey, other: MasterKey): boolean {
  return kindNamed(key.kind).covers?.(key, other) ?? false;
}

/** Group by group, as SOPS compares them: by their number. */
export function compareGroups(before: readonly KeyGroup[], after: readonly KeyGroup[]): GroupDifference[] {
  return Array.from({ length: Math.max(before.length, after.length) }, (_, i) => {
    const [old = [], now = []] = [before[i], after[i]];
    const missing = (keys: KeyGroup) => (key: MasterKey) => !keys.some((other) => sameKey(key, other));
    return {
      common: now.filter((key) => !missing(old)(key)),
      added: now.filter(missing(old)),
      removed: old.filter(missing(now)),
    };
  });
}

export function differs(differences: readonly GroupDifference[]): boolean {
  return differences.some(({ added, removed }) => added.length + removed.length > 0);
}

/** What access is granted on: the Azure key without its version, the AWS key without role, profile and context. */
export function holderOf(key: MasterKey): string {
  return `${key.kind} ${kindNamed(key.kind).holder?.(key) ?? key.id}`;
}

/** Of some keys, those whose holder has none left: a newer version of the same key has the same readers. */
export function holdersGone(keys: readonly MasterKey[], after: readonly KeyGroup[]): MasterKey[] {
  const left = new Set(after.flat().map(holderOf));
  return oneEach(keys.filter((key) => !left.has(holderOf(key))));
}

function oneEach(keys: readonly MasterKey[]): MasterKey[] {
  return [...new Map(keys.map((key) => [holderOf(key), key])).values()];
}

/**
 * Whether any set of keys that could open a file cannot do so any more: then it may hold the data key, and that must be
 * a new one. It looks at the largest sets that do not open `after`, since with more keys a set opens no less: of each
 * choice of one group less than are needed, all keys that are in no other group. Where there are too many of these
 * choices to look at each, the answer is yes.
 */
export function loses(before: Recipients, after: Recipients): boolean {
  const { groups } = after;
  const closed = Math.min(Math.max(groupsNeeded(after.groups, after.threshold) - 1, 0), groups.length);
  if (choices(groups.length, closed) > MAX_CHOICES) return true;
  for (const chosen of subsets(groups, closed)) {
    const others = new Set(
      groups
        .filter((group) => !chosen.includes(group))
        .flat()
        .map(holderOf),
    );
    if (
      opens(
        before.groups.flat().filter((key) => !others.has(holderOf(key))),
        before,
      )
    )
      return true;
  }
  return false;
}

/** Whether holders of these keys can open a file together. */
export function opens(keys: readonly MasterKey[], file: Recipients): boolean {
  const holders = new Set(keys.map(holderOf));
  const opened = file.groups.filter((group) => group.some((key) => holders.has(holderOf(key)))).length;
  return opened > 0 && opened >= groupsNeeded(file.groups, file.threshold);
}

/**
 * Some of the smallest sets of keys that could open a file and do not any more, for a message: at most `limit`, and
 * none that has keys whose holders are gone.
 */
export function weakerSets(before: Recipients, after: Recipients, limit: number): MasterKey[][] {
  const gone = holdersGone(before.groups.flat(), after.groups);
  const groups = before.groups.map((group) =>
    oneEach(group.filter((key) => !gone.some((g) => sameHolder(g, key)))),
  );
  const found = new Map<string, MasterKey[]>();
  let tries = 0;
  for (const chosen of subsets(groups, groupsNeeded(groups, before.threshold))) {
    for (const keys of onesOf(chosen)) {
      if (found.size === limit || ++tries > MAX_CHOICES) return [...found.values()];
      const set = oneEach(keys);
      if (!opens(set, after)) found.set(set.map(holderOf).sort().join("\n"), set);
    }
  }
  return [...found.values()];
}

function sameHolder(a: MasterKey, b: MasterKey): boolean {
  return holderOf(a) === holderOf(b);
}

/** Each way to take one key of each group. */
function* onesOf([group, ...rest]: readonly KeyGroup[]): Generator<MasterKey[]> {
  if (!group) return void (yield []);
  for (const key of group) for (const others of onesOf(rest)) yield [key, ...others];
}

const MAX_CHOICES = 20_000;

/** How many ways there are to choose `size` of `count` things; at least, where that is more than anybody counts. */
function choices(count: number, size: number): number {
  let number = 1;
  for (let i = 0; i < Math.min(size, count - size) && number <= MAX_CHOICES; i++) {
    number = (number * (count - i)) / (i + 1);
  }
  return number;
}

function* subsets<T>(items: readonly T[], size: number): Generator<readonly T[]> {
  if (size === 0) return void (yield []);
  for (let i = 0; i + size <= items.length; i++) {
    for (const rest of subsets(items.slice(i + 1), size - 1)) yield [items[i]!, ...rest];
  }
}
