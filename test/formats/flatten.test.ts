import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { TsopsError } from "../../src/errors.ts";
import { flatBlock, flatPath, flatten } from "../../src/formats/flatten.ts";
import { pathOf } from "../../src/formats/format.ts";
import { type Tree, TreeList, TreeMap } from "../../src/formats/tree.ts";
import { plainTree } from "../support/formats/laws.ts";

/** A block of these lines, one after the other in a text `key=value\n`. */
function block(pairs: readonly (readonly [string, string])[]) {
  let text = "";
  const lines = pairs.map(([key, value]) => {
    const keyStart = text.length;
    const start = keyStart + key.length + 1;
    text += `${key}=${value}\n`;
    return { key, value, keyStart, start, end: start + value.length };
  });
  return flatBlock(text, lines);
}

function refusal(pairs: readonly (readonly [string, string])[]): TsopsError {
  try {
    block(pairs).tree;
  } catch (error) {
    assert.instance(error, TsopsError);
    return error as TsopsError;
  }
  throw new Error("no error");
}

const TREE = TreeMap.of([
  [
    "age",
    new TreeList([
      TreeMap.of([
        ["enc", "E"],
        ["recipient", "r"],
      ]),
      TreeMap.of([
        ["enc", "F"],
        ["recipient", "s"],
      ]),
    ]),
  ],
  [
    "key_groups",
    new TreeList([
      TreeMap.of([["kms", new TreeList([TreeMap.of([["context", TreeMap.of([["a", "b"]])]])])]]),
    ]),
  ],
  ["mac", "m"],
]);

test("a tree's keys are joined with __map_ and __list_", () => {
  assert.equal(
    flatten(TREE).map(({ key, value }) => `${key}=${value}`),
    [
      "age__list_0__map_enc=E",
      "age__list_0__map_recipient=r",
      "age__list_1__map_enc=F",
      "age__list_1__map_recipient=s",
      "key_groups__list_0__map_kms__list_0__map_context__map_a=b",
      "mac=m",
    ],
  );
});

test("flat keys make the tree again, and name their paths", () => {
  const found = block(flatten(TREE).map(({ key, value }) => [key, String(value)]));
  assert.equal(plainTree(found.tree), plainTree(TREE));
  assert.equal(pathOf(found.entries[1]!), ["age", 0, "recipient"]);
  assert.equal(pathOf(found.entries[4]!), ["key_groups", 0, "kms", 0, "context", "a"]);
  assert.is(found.entries[5]!.value, "m");
});

test("any tree of texts without empty collections comes back", () => {
  const keys = fc.oneof(
    fc.constantFrom("a", "b", "__proto__", "a_", "x__y", "1"),
    fc.string({ minLength: 1, maxLength: 4 }),
  );
  const trees = fc.letrec<{ tree: Tree; map: TreeMap }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4, depthSize: "small" },
      fc.string(),
      tie("map"),
      fc.array(tie("tree"), { minLength: 1, maxLength: 3 }).map((items) => new TreeList(items)),
    ),
    map: fc
      .uniqueArray(fc.tuple(keys, tie("tree")), { minLength: 1, maxLength: 3, selector: ([key]) => key })
      .map((pairs) => TreeMap.of(pairs)),
  }));
  fc.assert(
    fc.property(trees.map, (tree) => {
      const flat = flatten(tree);
      // a key that ends in underscores runs into the separator behind it
      if (flat.some(({ key }) => /___(?:map|list)_/.test(key))) return;
      assert.equal(
        plainTree(block(flat.map(({ key, value }) => [key, String(value)])).tree),
        plainTree(tree),
      );
    }),
  );
});

test("keys that hold a separator cannot be flattened", () => {
  assert.throws(
    () => flatten(TreeMap.of([["a__map_b", "x"]])),
    (error: TsopsError) => error.code === "print",
  );
});

test("malformed keys are an error only when the tree is asked for, with the place and without the value", () => {
  const cases: readonly (readonly [readonly (readonly [string, string])[], RegExp, number])[] = [
    [
      [
        ["mac", "s3cret"],
        ["mac", "s3cret"],
      ],
      /twice/,
      2,
    ],
    [
      [
        ["age", "s3cret"],
        ["age__list_0", "s3cret"],
      ],
      /has a value/,
      1,
    ],
    [
      [
        ["x", "1"],
        ["age__list_0", "s3cret"],
        ["age__map_a", "s3cret"],
      ],
      /map and a list/,
      2,
    ],
    [[["age__list_1", "s3cret"]], /gap/, 1],
    [
      [
        ["age__list_x", "1"],
        ["age__list_0", "s3cret"],
      ],
      /map and a list/,
      1,
    ],
  ];
  for (const [pairs, message, line] of cases) {
    block(pairs).entries;
    const error = refusal(pairs);
    assert.match(error.message, message);
    assert.not.match(error.message, "s3cret");
    assert.is(error.place?.line, line);
    assert.is(error.code, "parse");
    assert.is(error.exitCode, 1, "as SOPS");
  }
});

test("a path is split at the separators from the left", () => {
  assert.equal(flatPath("a__map_b__list_12__map_c"), ["a", "b", 12, "c"]);
  assert.equal(flatPath("__list_x"), ["", "x"]);
  assert.equal(flatPath("a__mapb_list_0"), ["a__mapb_list_0"]);
});

test.run();
