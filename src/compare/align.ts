import { IDENTITY_KEYS } from "../formats/tree.ts";
import { commonSubsequence, equalPairs, type Pairs } from "../sequences.ts";
import type { Child, Node, Numbering } from "./node.ts";
import { sameness } from "./node.ts";

/**
 * The items of two lists that belong together: by an identity key if every item has one and no two have the same; else
 * equal ones in their order, then equal ones elsewhere, then those of one kind that stand between the same neighbours.
 */
export function alignLists(before: readonly Child[], after: readonly Child[], numbering: Numbering): Pairs {
  for (const key of IDENTITY_KEYS) {
    const [old, now] = [identities(before, key), identities(after, key)];
    if (old && now) return equalPairs(old, now);
  }
  const [old, now] = [before, after].map((list) => list.map(({ node }) => numbering.of(node))) as [
    number[],
    number[],
  ];
  const inOrder = commonSubsequence(old, now);
  const pairs = [...inOrder, ...rest(old, now, inOrder)];
  return sorted([...pairs, ...neighbours(before, after, { inOrder, taken: pairs })]);
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
  const free = (things: readonly T[], gone: ReadonlySet<number>) =>
    things.flatMap((thing, place) => (gone.has(place) ? [] : [{ thing, place }]));
  const old = free(before, new Set(taken.map(([i]) => i)));
  const now = free(after, new Set(taken.map(([, k]) => k)));
  const pairs = equalPairs(
    old.map(({ thing }) => thing),
    now.map(({ thing }) => thing),
  );
  return pairs.map(([i, k]) => [old[i]!.place, now[k]!.place] as const);
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

function sorted(pairs: Pairs): Pairs {
  return [...pairs].sort(([a], [b]) => a - b);
}
