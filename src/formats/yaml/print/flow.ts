import { spellFloat } from "../../numbers.ts";
import type { Scalar } from "../../scalar.ts";
import { type Tree, TreeList, TreeMap } from "../../tree.ts";
import { canBePlainHere, otherScalar, quoteDouble } from "../spell/quotes.ts";
import { meansItself, yamlScalar } from "./scalar.ts";

/** Keys longer than this need a `?`: SOPS's reader looks for the colon no further than 1024 characters. */
const SIMPLE_KEY = 1000;

/** A tree on one line, in flow style, without its comments; `quotes` puts every string in double quotes. */
export function flowTree(tree: Tree, quotes = false): string {
  if (tree instanceof TreeList) {
    return `[${tree
      .values()
      .map((item) => flowTree(item, quotes))
      .join(", ")}]`;
  }
  if (!(tree instanceof TreeMap)) return flowScalar(tree, quotes);
  const pairs = tree.entries().map(({ key, value }) => flowKey(key, quotes) + flowTree(value, quotes));
  return `{${pairs.join(", ")}}`;
}

/** A key with its colon and a blank. */
export function flowKey(key: string, quotes = false): string {
  const text = !quotes && /^[A-Za-z_][\w-]*$/.test(key) && meansItself(key) ? key : quoteDouble(key);
  return text.length > SIMPLE_KEY ? `? ${text} : ` : `${text}: `;
}

/** A float stays one: an alias of `1e3` that is written out must not become the integer 1000. */
export function flowScalar(value: Scalar, quotes = false, flow = true): string {
  if (typeof value === "number" && Number.isFinite(value)) return spellFloat(value);
  if (typeof value !== "string") return otherScalar(value);
  if (!value.isWellFormed()) return yamlScalar(value, { indent: 0, outer: -1, flow: true });
  return !quotes && canBePlainHere(value, flow) && meansItself(value) ? value : quoteDouble(value);
}
