import { TsopsError } from "../errors.ts";
import { Time } from "./scalar.ts";
import { type Tree, TreeList, TreeMap } from "./tree.ts";

/**
 * A document's values as JavaScript has them. Maps are objects without a prototype, so that a key `__proto__` is a key
 * like any other; of duplicate keys the first counts. Integers are numbers where a number holds them exactly, else
 * bigints. Times are texts in RFC 3339. Comments are left out.
 */
export type PlainValue =
  | string
  | number
  | bigint
  | boolean
  | null
  | PlainValue[]
  | { [key: string]: PlainValue };

export function toPlain(tree: Tree): PlainValue {
  if (tree instanceof TreeMap) {
    const map: { [key: string]: PlainValue } = Object.create(null);
    for (const { key, value } of tree.entries()) if (!(key in map)) map[key] = toPlain(value);
    return map;
  }
  if (tree instanceof TreeList) return tree.values().map(toPlain);
  if (tree instanceof Time) return tree.text;
  if (typeof tree === "bigint") return Number.isSafeInteger(Number(tree)) ? Number(tree) : tree;
  return tree;
}

/** The other way: an integral number is an integer, as it is in JSON. @throws TsopsError("invalid-set-value") */
export function fromPlain(value: PlainValue): Tree {
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "bigint") {
    if (BigInt.asIntN(64, value) === value) return value;
    throw new TsopsError("invalid-set-value", "the integer does not fit 64 bits", {
      hint: "set it as a text",
    });
  }
  if (typeof value === "number")
    return Number.isSafeInteger(value) && !Object.is(value, -0) ? BigInt(value) : value;
  if (Array.isArray(value)) return new TreeList(value.map(fromPlain));
  if (typeof value !== "object") {
    throw new TsopsError("invalid-set-value", `a ${typeof value} cannot be encrypted`, {
      hint: "use texts, numbers, booleans, null, lists and maps of them",
    });
  }
  return TreeMap.of(Object.entries(value).map(([key, inner]) => [key, fromPlain(inner)]));
}
