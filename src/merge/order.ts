import type { Side } from "./sides.ts";

export interface Order {
  readonly names: readonly string[];
  /** Those whose order among each other is certain: what is new may stand anywhere. */
  readonly fixed: readonly string[];
  /** Both sides brought them into another order, and not into the same. */
  readonly clash: boolean;
}

interface Names {
  readonly base: readonly string[] | undefined;
  readonly a: readonly string[];
  readonly b: readonly string[];
}

/** The order of what is kept of three versions: the order of the side that changed it, and what is new behind its neighbour. */
export function mergedOrder({ base, a, b }: Names, keep: ReadonlySet<string>, prefer: Side): Order {
  const [onA, onB] = [new Set(a), new Set(b)];
  const common = new Set((base ?? a).filter((name) => keep.has(name) && onA.has(name) && onB.has(name)));
  const order = (names: readonly string[]) => names.filter((name) => common.has(name));
  const [left, right] = [order(a), order(b)];
  const before = base && order(base);
  const changedByA = before !== undefined && !equal(left, before);
  const changedByB = before !== undefined && !equal(right, before);
  const clash = changedByA && changedByB && !equal(left, right);
  // files that both sides made have no order that was there before
  const undecided = before === undefined && !equal(left, right);
  const leads = clash || undecided ? prefer === "b" : changedByB;
  const [main, other] = leads ? [b, a] : [a, b];
  if (clash && prefer === "base")
    return { names: woven(woven(base!, a, keep), b, keep), fixed: before!, clash };
  const names = woven(
    woven(
      main.filter((name) => keep.has(name)),
      other,
      keep,
    ),
    base ?? [],
    keep,
  );
  return { names, fixed: undecided ? [] : order(main), clash };
}

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

const equal = (x: readonly string[], y: readonly string[]): boolean =>
  x.length === y.length && x.every((name, i) => name === y[i]);
