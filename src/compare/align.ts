import type { Child, Node, Numbering } from "./node.ts";
import { sameness } from "./node.ts";

/** Which things of one list are which of another: pairs of indices, each index once at most, by the first. */
export type Pairs = readonly (readonly [before: number, after: number])[];

/** What tells the items of a list apart, whatever else in them changes. */
export const IDENTITY_KEYS = ["name", "id", "key"] as const;

/**
 * The items of two lists that belong together: by an identity key if every item has one and no two have the same; else
 * equal ones in their order, then equal ones elsewhere, then those of one kind that stand between the same neighbours.
 */
export function alignLists(before: readonly Child[], after: readonly Child[], numbering: Numbering): Pairs {
  for (const key of IDENTITY_KEYS) {
    const [old, now] = [identities(before, key), identities(after, key)];
    if (old && now) return alignKeys(old, now);
  }
  const [old, now] = [before, after].map((list) => list.map(({ node }) => numbering.of(node))) as [
    number[],
    number[],
  ];
  const inOrder = commonSubsequence(old, now);
  const pairs = [...inOrder, ...rest(old, now, inOrder)];
  return sorted([...pairs, ...neighbours(before, after, { inOrder, taken: pairs })]);
}

/** The keys of two maps that are the same: of keys that occur several times the first is the first's, and so on. */
export function alignKeys(before: readonly unknown[], after: readonly unknown[]): Pairs {
  return rest(before, after, []);
}

/** What the identity key of each item is; undefined if it does not tell them apart. */
export function identities(list: readonly Child[], key: string): string[] | undefined {
  const found = list.map(({ node }) => identityOf(node, key));
  const all = found.filter((identity) => identity !== undefined);
  return all.length === list.length && new Set(all).size === all.length ? all : undefined;
}

function identityOf(node: Node, key: string): string | undefined {
  if (node.kind !== "map") return undefined;
  const [child, other] = node.children.filter((candidate) => candidate.key === key);
  if (other || child?.node.kind !== "leaf" || child.node.item.value === null) return undefined;
  return sameness(child.node.item);
}

/** Equal things that are in no pair yet, first with first. */
function rest<T>(before: readonly T[], after: readonly T[], taken: Pairs): Pairs {
  const [old, now] = [new Set(taken.map(([i]) => i)), new Set(taken.map(([, k]) => k))];
  const free = new Map<T, number[]>();
  after.forEach((thing, k) => {
    if (now.has(k)) return;
    const places = free.get(thing);
    if (places) places.push(k);
    else free.set(thing, [k]);
  });
  for (const places of free.values()) places.reverse();
  return before.flatMap((thing, i) => {
    const k = old.has(i) ? undefined : free.get(thing)?.pop();
    return k === undefined ? [] : [[i, k] as const];
  });
}

/** Items of one kind between two pairs: the first of them with the first, and so on. */
function neighbours(
  before: readonly Child[],
  after: readonly Child[],
  { inOrder, taken }: { inOrder: Pairs; taken: Pairs },
): Pairs {
  const [old, now] = [new Set(taken.map(([i]) => i)), new Set(taken.map(([, k]) => k))];
  const pairs: [number, number][] = [];
  let [from, to] = [0, 0];
  for (const [end, stop] of [...inOrder, [before.length, after.length] as const]) {
    const waiting: number[] = [];
    for (let k = to; k < stop; k++) if (!now.has(k)) waiting.push(k);
    for (let i = from; i < end; i++) {
      if (old.has(i)) continue;
      const at = waiting.findIndex((k) => after[k]!.node.kind === before[i]!.node.kind);
      if (at < 0) continue;
      pairs.push([i, waiting[at]!]);
      // what was passed over comes before, and must not be matched crosswise
      waiting.splice(0, at + 1);
    }
    [from, to] = [end + 1, stop + 1];
  }
  return pairs;
}

/** Where a table of all pairs would be larger than this, equal things are matched first with first. */
const MAX_TABLE = 4_000_000;

/** A longest sequence that is part of both, in order; of very long lists a long one. */
export function commonSubsequence<T>(before: readonly T[], after: readonly T[]): Pairs {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start++;
  let [end, stop] = [before.length, after.length];
  while (end > start && stop > start && before[end - 1] === after[stop - 1]) {
    end--;
    stop--;
  }
  const middle = between(before.slice(start, end), after.slice(start, stop));
  return [
    ...before.slice(0, start).map((_, i) => [i, i] as const),
    ...middle.map(([i, k]) => [i + start, k + start] as const),
    ...before.slice(end).map((_, i) => [i + end, i + stop] as const),
  ];
}

function between<T>(before: readonly T[], after: readonly T[]): Pairs {
  if (before.length === 0 || after.length === 0) return [];
  if (before.length * after.length > MAX_TABLE) {
    const pairs = alignKeys(before, after);
    const kept = new Set(increasing(pairs.map(([, k]) => k)));
    return pairs.filter((_, i) => kept.has(i));
  }
  const width = after.length + 1;
  // lengths of what the ends from i and k on have in common
  const lengths = new Uint32Array((before.length + 1) * width);
  for (let i = before.length - 1; i >= 0; i--) {
    for (let k = after.length - 1; k >= 0; k--) {
      const [down, right] = [lengths[(i + 1) * width + k]!, lengths[i * width + k + 1]!];
      lengths[i * width + k] =
        before[i] === after[k] ? lengths[(i + 1) * width + k + 1]! + 1 : Math.max(down, right);
    }
  }
  const pairs: [number, number][] = [];
  for (let [i, k] = [0, 0]; i < before.length && k < after.length; ) {
    if (before[i] === after[k]) pairs.push([i++, k++]);
    else if (lengths[(i + 1) * width + k]! >= lengths[i * width + k + 1]!) i++;
    else k++;
  }
  return pairs;
}

/** The places of a longest sequence of increasing numbers; no number occurs twice. */
export function increasing(numbers: readonly number[]): number[] {
  // ends[n]: the place of the least number that an increasing sequence of n + 1 can end with
  const ends: number[] = [];
  const before: (number | undefined)[] = [];
  numbers.forEach((number, place) => {
    let [low, high] = [0, ends.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (numbers[ends[middle]!]! < number) low = middle + 1;
      else high = middle;
    }
    before[place] = ends[low - 1];
    ends[low] = place;
  });
  const places: number[] = [];
  for (let place = ends.at(-1); place !== undefined; place = before[place]) places.push(place);
  return places.reverse();
}

function sorted(pairs: Pairs): Pairs {
  return [...pairs].sort(([a], [b]) => a - b);
}
