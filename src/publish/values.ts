import { TsopsError } from "../errors.ts";
import { buildTrees } from "../formats/build.ts";
import { json } from "../formats/json/index.ts";
import { type Tree, TreeComment, TreeList, TreeMap } from "../formats/tree.ts";

/**
 * The values of a decrypted file as one map, as SOPS gives them to Vault: without comments, all documents together,
 * of equal keys the last. Maps in lists stay maps (SOPS makes lists of `Key` and `Value` of them).
 * @throws TsopsError("print") if a text holds bytes that are no text: JSON has no place for them.
 */
export function valuesOf(documents: readonly TreeMap[]): TreeMap {
  const values = sortedTree(new TreeMap(documents.flatMap(({ items }) => items)));
  return values as TreeMap;
}

function sortedTree(tree: Tree): Tree {
  if (tree instanceof TreeMap) {
    const last = new Map(tree.entries().map(({ key, value }) => [checked(key), sortedTree(value)]));
    return TreeMap.of([...last].sort(([a], [b]) => (a < b ? -1 : 1)));
  }
  if (tree instanceof TreeList) {
    return new TreeList(
      tree.items.flatMap((item) => (item instanceof TreeComment ? [] : [sortedTree(item)])),
    );
  }
  return typeof tree === "string" ? checked(tree) : tree;
}

function checked(text: string): string {
  if (text.isWellFormed()) return text;
  throw new TsopsError("print", "a value holds bytes that are not text, and Vault keeps only text", {
    hint: "encode the value first, for instance with base64, or publish the encrypted file to another place",
  });
}

/** A tree as JSON, with the numbers that Go's encoder would write. @throws TsopsError("print") for infinities and NaN. */
export function valuesText(values: TreeMap): string {
  return json.printValue(values, { indent: 0 });
}

/** Whether two JSON texts of maps say the same, whatever the order of their keys. 1 and 1.0 are different. */
export function sameValues(a: string, b: string): boolean {
  const [first, second] = [a, b].map((text) => {
    // below another key, since a key `sops` at the root would be taken for metadata
    const [tree] = buildTrees(json.read(`{"values": ${text}}`).entries, 1);
    return valuesText(valuesOf([tree!]));
  });
  return first === second;
}
