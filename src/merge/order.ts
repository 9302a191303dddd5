import { sameSequence } from "../sequences.ts";
import type { Side } from "./sides.ts";

export interface Order {
  readonly names: readonly string[];
  /** Those whose order among each other is certain: what is new may stand anywhere. */
  readonly fixed: readonly string[];
  /** Both sides moved them, and there is no order that has what each of them changed. */
  readonly clash: boolean;
}

interface Names {
  readonly base: readonly string[] | undefined;
  readonly a: readonly string[];
  readonly b: readonly string[];
  /** Those that all versions have and that stayed what they were. */
  readonly common: readonly string[];
}

/**
 * The order of what is kept of three versions: of each two names, the order of the side that changed it, and what is new
 * behind its neighbour.
 */
export function mergedOrder(
  { base, a, b, common: stayed }: Names,
  keep: ReadonlySet<string>,
  prefer: Side,
): Order {
  const common = new Set(stayed.filter((name) => keep.has(name)));
  const order = (names: readonly string[]) => names.filter((name) => common.has(name));
  const [left, right] = [order(a), order(b)];
  const before = base && order(base);
  const changedByA = before !== undefined && !sameSequence(left, before);
  const changedByB = before !== undefined && !sameSequence(right, before);
  const both = before && changedByA && changedByB ? bothChanges(before, left, right) : undefined;
  const clash = changedByA && changedByB && both === undefined;
  if (clash && prefer === "base")
    return { names: woven(woven(base!, a, keep), b, keep), fixed: before!, clash };
  // files that both sides made have no order that was there before
  const undecided = before === undefined && !sameSequence(left, right);
  const leads = clash || undecided ? prefer === "b" : changedByB;
  const versions = leads ? [b, a, base] : [a, b, base];
  const names = [both, ...versions].reduce(
    (names: string[], version) => woven(names, version ?? [], keep),
    [],
  );
  return { names, fixed: undecided ? [] : (both ?? order(leads ? b : a)), clash };
}

/** With more names than this, two orders that both changed are a clash: the check grows with their square. */
const MAX_NAMES = 1000;

/**
 * Each two names in the order of the side that changed it (both can only have turned them round). Undefined if that is no
 * order: one side put b before a, the other c before b, and a stays before c.
 */
function bothChanges(
  base: readonly string[],
  a: readonly string[],
  b: readonly string[],
): readonly string[] | undefined {
  if (sameSequence(a, b)) return a;
  if (base.length > MAX_NAMES) return undefined;
  const [onBase, onA, onB] = [places(base), places(a), places(b)];
  const comesFirst = (x: string, y: string, places: Places) => places.get(x)! < places.get(y)!;
  const turned = (x: string, y: string, side: Places) => comesFirst(x, y, side) !== comesFirst(x, y, onBase);
  const precedes = (x: string, y: string) =>
    comesFirst(x, y, onBase) !== (turned(x, y, onA) || turned(x, y, onB));
  // in an order, each name precedes another number of names
  const followers = new Map(base.map((x) => [x, base.filter((y) => x !== y && precedes(x, y)).length]));
  if (new Set(followers.values()).size < base.length) return undefined;
  return base.toSorted((x, y) => followers.get(y)! - followers.get(x)!);
}

type Places = ReadonlyMap<string, number>;

const places = (names: readonly string[]): Places => new Map(names.map((name, at) => [name, at]));

/** `names` with what else is kept of `others`, each behind the one that it follows there. */
function woven(names: readonly string[], others: readonly string[], keep: ReadonlySet<string>): string[] {
  const woven = names.filter((name) => keep.has(name));
  const there = new Set(woven);
  const known = new Set(others);
  let [at, last]: [number, string | undefined] = [0, undefined];
  for (const name of others) {
    if (there.has(name)) last = name;
    else if (keep.has(name)) {
      if (last !== undefined) at = woven.indexOf(last) + 1;
      last = undefined;
      // behind what only the first ones have
      while (at < woven.length && !known.has(woven[at]!)) at++;
      woven.splice(at++, 0, name);
      there.add(name);
    }
  }
  return woven;
}
