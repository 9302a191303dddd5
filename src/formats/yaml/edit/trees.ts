import { buildTrees } from "../../build.ts";
import type { Entry, PathElement, Reading } from "../../format.ts";
import { type Scalar, sameScalar } from "../../scalar.ts";
import { type Tree, TreeList, TreeMap } from "../../tree.ts";
import type { YamlAlias } from "../read/walk.ts";

/**
 * The documents of a reading without comments. What an alias repeats is one mark in its place: a change of the
 * anchored value changes it as well.
 */
export function treesOf(reading: Reading): TreeMap[] {
  const seen = new Set<unknown>();
  const entries = reading.entries.flatMap((entry): Entry[] => {
    if (entry.kind === "comment") return [];
    if (!entry.alias) return [entry];
    if (seen.has(entry.alias)) return [];
    seen.add(entry.alias);
    const { holder, key } = entry.alias as YamlAlias;
    return holder ? [{ ...entry, kind: "value", in: holder, key, value: "*" }] : [];
  });
  return buildTrees(entries, reading.documents);
}

/** The tree with a value set as SOPS sets it (docs/internals/sops.md §7). */
export function withValue(tree: Tree, path: readonly PathElement[], value: Tree): Tree {
  const [first, ...rest] = path;
  if (first === undefined) return value;
  if (tree instanceof TreeMap && typeof first === "string") {
    const entries = tree.entries();
    const at = entries.findIndex((entry) => entry.key === first);
    if (at < 0) return new TreeMap([...entries, { key: first, value: wrap(rest, value) }]);
    return new TreeMap(
      entries.map((entry, i) =>
        i === at ? { key: first, value: withValue(entry.value, rest, value) } : entry,
      ),
    );
  }
  if (tree instanceof TreeList && typeof first === "number") {
    const items = tree.values();
    if (first >= items.length) return new TreeList([...items, wrap(rest, value)]);
    return new TreeList(items.map((item, i) => (i === first ? withValue(item, rest, value) : item)));
  }
  return wrap(path, value);
}

/** The tree without what stands at a path that exists. */
export function without(tree: Tree, path: readonly PathElement[]): Tree {
  const [first, ...rest] = path;
  if (tree instanceof TreeMap) {
    const at = tree.entries().findIndex((entry) => entry.key === first);
    return new TreeMap(
      tree.entries().flatMap((entry, i) => {
        if (i !== at) return [entry];
        return rest.length === 0 ? [] : [{ key: entry.key, value: without(entry.value, rest) }];
      }),
    );
  }
  if (!(tree instanceof TreeList)) return tree;
  return new TreeList(
    tree.values().flatMap((item, i) => {
      if (i !== first) return [item];
      return rest.length === 0 ? [] : [without(item, rest)];
    }),
  );
}

/** The value with what is missing around it: a map for a key, a list of one item for an index, as in SOPS. */
export function wrap(path: readonly PathElement[], value: Tree): Tree {
  return path.reduceRight<Tree>(
    (inner, element) =>
      typeof element === "string" ? TreeMap.of([[element, inner]]) : new TreeList([inner]),
    value,
  );
}

/** Whether two trees say the same; the order of keys counts only where `ordered`. */
export function sameTree(a: Tree, b: Tree, ordered = true): boolean {
  if (a instanceof TreeMap) {
    if (!(b instanceof TreeMap)) return false;
    const [left, right] = [a.entries(), b.entries()];
    if (left.length !== right.length) return false;
    const others = ordered ? undefined : new Map(right.map((entry) => [entry.key, entry]));
    return left.every((entry, i) => {
      const other = others ? others.get(entry.key) : right[i]!;
      return other !== undefined && entry.key === other.key && sameTree(entry.value, other.value, ordered);
    });
  }
  if (a instanceof TreeList) {
    if (!(b instanceof TreeList)) return false;
    const [left, right] = [a.values(), b.values()];
    return left.length === right.length && left.every((item, i) => sameTree(item, right[i]!, ordered));
  }
  return !(b instanceof TreeMap) && !(b instanceof TreeList) && sameValue(a as Scalar, b as Scalar);
}

/** Numbers also across types: SOPS prints the float 1.0 as `1` (docs/internals/sops.md §6). */
function sameValue(a: Scalar, b: Scalar): boolean {
  if (typeof a === "number" && typeof b === "bigint") return Number(b) === a;
  if (typeof a === "bigint" && typeof b === "number") return sameValue(b, a);
  return sameScalar(a, b);
}
