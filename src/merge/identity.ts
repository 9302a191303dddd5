import type { Scalar } from "../formats/scalar.ts";
import { Time } from "../formats/scalar.ts";
import { IDENTITY_KEYS, type Tree, TreeList, TreeMap } from "../formats/tree.ts";

/**
 * What names each item of some lists: the value of a key that every item has, unlike all others of its list. Undefined if
 * there is no such key, or nothing to name.
 */
export function identityOf(lists: readonly TreeList[]): ((item: Tree) => string) | undefined {
  if (lists.every((list) => list.values().length === 0)) return undefined;
  const key = IDENTITY_KEYS.find((key) =>
    lists.every((list) => {
      const names = list.values().map((item) => nameBy(item, key));
      return !names.includes(undefined) && new Set(names).size === names.length;
    }),
  );
  return key === undefined ? undefined : (item) => nameBy(item, key)!;
}

function nameBy(item: Tree, key: string): string | undefined {
  if (!(item instanceof TreeMap)) return undefined;
  const value = item.get(key);
  return typeof value === "string" || typeof value === "bigint" ? typedText(value) : undefined;
}

/** A scalar with its type, as a text. */
export function typedText(value: Scalar): string {
  if (value instanceof Time) return `time ${value.text}`;
  if (typeof value === "number") return `number ${Object.is(value, -0) ? "-0" : value}`;
  return `${value === null ? "null" : typeof value} ${value}`;
}

/** A tree as a text that equal trees share: order counts, comments do not. */
export function treeText(tree: Tree): string {
  if (tree instanceof TreeMap) {
    return `{${tree.entries().map(({ key, value }) => `${JSON.stringify(key)}:${treeText(value)}`)}}`;
  }
  if (tree instanceof TreeList) return `[${tree.values().map(treeText)}]`;
  return JSON.stringify(typedText(tree));
}
