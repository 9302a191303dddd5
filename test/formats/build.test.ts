import { test } from "uvu";
import * as assert from "uvu/assert";
import { buildTrees } from "../../src/formats/build.ts";
import type { FormatName } from "../../src/formats/format.ts";
import { loadFormat } from "../../src/formats/index.ts";
import { TreeComment, TreeMap } from "../../src/formats/tree.ts";

/** The entries at the top, each with what it is and how many comments are in it. */
async function tops(text: string, format: FormatName): Promise<string[]> {
  const { entries, documents } = (await loadFormat(format)).read(text);
  const [tree] = buildTrees(entries, documents);
  return tree!.items.map((item) => {
    if (item instanceof TreeComment) return "comment";
    const { key, value } = item;
    const { items } = value as TreeMap;
    const comments = items.filter((inner: unknown) => inner instanceof TreeComment).length;
    return `${key} ${value instanceof TreeMap ? "map" : "list"} ${items.length - comments}+${comments}`;
  });
}

test("a collection of comments alone stays what it is behind an empty one of the same name", async () => {
  assert.equal(await tops("{a: [], a: {\n// c\n}}", "json5"), ["a list 0+0", "a map 0+1"]);
  assert.equal(await tops("{a: {}, a: {\n// c\n}}", "json5"), ["a map 0+0", "a map 0+1"]);
  assert.equal(await tops("{a: {}, a: [1]}", "json5"), ["a map 0+0", "a list 1+0"]);
});

test("comments in an empty collection are in it", async () => {
  assert.equal(await tops("[a]\n; c\n[b]\n", "ini"), ["DEFAULT map 0+0", "a map 0+0", "b map 0+1"]);
  assert.equal(await tops("[a]\n# c\n[b]\n", "toml"), ["a map 0+1", "b map 0+0"]);
  assert.equal(await tops("{a: [\n// c\n]}", "json5"), ["a list 0+1"]);
});

test.run();
