import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { buildTrees } from "../../../src/formats/build.ts";
import { type PathElement, pathOf } from "../../../src/formats/format.ts";
import { applyEdits } from "../../../src/formats/text.ts";
import { type Tree, TreeList, TreeMap } from "../../../src/formats/tree.ts";
import { sameTree, withValue } from "../../../src/formats/yaml/edit/trees.ts";
import { yaml } from "../../../src/formats/yaml/index.ts";
import { comments, failure, tryRead, values } from "../../support/formats/yaml.ts";
import { documents } from "../../support/formats/yaml-texts.ts";

const MAP = TreeMap.of([
  ["x", 1n],
  ["l", new TreeList(["p", TreeMap.of([["q", true]])])],
]);

const set = (text: string, path: PathElement[], value: Tree): string =>
  applyEdits(text, yaml.set(yaml.read(text), path, value, {}));
const unset = (text: string, path: PathElement[]): string =>
  applyEdits(text, yaml.unset(yaml.read(text), path));

test("set replaces a value in its style", () => {
  assert.is(set("a: 1 # c\nb: x\n", ["a"], 2n), "a: 2 # c\nb: x\n");
  assert.is(set('a: "x"\n', ["a"], "y"), 'a: "y"\n');
  assert.is(set("a: |\n  x\n", ["a"], "y\nz\n"), "a: |\n  y\n  z\n");
  assert.is(set("a: x # c\n", ["a"], "l1\nl2\n"), 'a: "l1\\nl2\\n" # c\n');
  assert.is(set("a: &x !!int 1\nb: *x\n", ["a"], "s"), "a: &x s\nb: 1\n");
  assert.is(set("a: {b: 1, c: [1, 2]}\n", ["a", "c", 1], "x, y"), "a: {b: 1, c: [1, 'x, y']}\n");
  assert.is(set("a:\n", ["a"], 1n), "a: 1\n");
  assert.is(set("a: {b}\n", ["a", "b"], 1n), "a: {b: 1}\n");
});

test("set replaces scalars by collections and back, and goes through null and scalars", () => {
  assert.is(
    set("a: 1 # c\nb: 2\n", ["a"], MAP),
    "a: # c\n    x: 1\n    l:\n        - p\n        - q: true\nb: 2\n",
  );
  assert.is(set("a: # k\n  b: 1 # c\n  # d\ne: 2\n", ["a"], "s"), "a: s # k\n  # d\ne: 2\n");
  assert.is(set("a:\n  b: 1\nc: 2\n", ["a"], new TreeList()), "a: []\nc: 2\n");
  assert.is(set("a: 1\n", ["a", "b", 0], "v"), "a:\n    b:\n        - v\n");
  assert.is(set("a: ~\n", ["a", "b"], "v"), "a:\n    b: v\n");
  assert.is(
    set(
      "l:\n- 1\n- 2\n",
      ["l", 0],
      TreeMap.of([
        ["k", "v"],
        ["m", "o"],
      ]),
    ),
    "l:\n- k: v\n  m: o\n- 2\n",
  );
  assert.is(set("a: [1]\n", ["a", 0], MAP), "a: [{x: 1, l: [p, {q: true}]}]\n");
});

test("set adds what is missing, with the indentation of its neighbours", () => {
  assert.is(set("a:\n  b: 1 # c\n# d\n", ["a", "z"], "v"), "a:\n  b: 1 # c\n  z: v\n# d\n");
  assert.is(set("a:\n      b: 1", ["a", "z"], "v"), "a:\n      b: 1\n      z: v");
  assert.is(set("a: 1\r\n", ["b"], "x\ny\n"), "a: 1\r\nb: |\r\n    x\r\n    y\r\n");
  assert.is(set("l:\n- 1\n", ["l", 9], TreeMap.of([["k", "v"]])), "l:\n- 1\n- k: v\n");
  assert.is(set("a: {}\n", ["a", "k"], "v"), "a: {k: v}\n");
  assert.is(set("a: []\n", ["a", 3], "v"), "a: [v]\n");
  assert.is(
    set("a: {\n  b: 1, # c\n  d: 2 # e\n}\n", ["a", "z"], 3n),
    "a: {\n  b: 1, # c\n  d: 2, # e\n  z: 3\n}\n",
  );
  assert.is(set("a: [k: 1]\n", ["a", 0, "m"], 2n), "a: [{k: 1, m: 2}]\n");
  assert.is(set("---\n", ["a"], 1n), "---\na: 1\n");
  assert.is(set("", ["a"], 1n), "a: 1\n");
  assert.is(set("a: 1\nsops:\n  mac: m\n", ["b"], 2n), "a: 1\nb: 2\nsops:\n  mac: m\n");
  // After the open end of a block scalar a line would become part of it.
  assert.is(set("a: |\n  x", ["b"], 2n), "b: 2\na: |\n  x");
});

test("unset takes a line and its comment, and leaves an empty collection", () => {
  assert.is(unset("a: 1\n# d\nb: 2 # c\nc: 3\n", ["b"]), "a: 1\n# d\nc: 3\n");
  assert.is(unset("a:\n  b: 1 # c\nd: 2\n", ["a", "b"]), "a: {}\nd: 2\n");
  assert.is(unset("l:\n  - a: 1\n    b: 2\n", ["l", 0, "a"]), "l:\n  - b: 2\n");
  assert.is(unset("l: [1, 2, 3]\n", ["l", 1]), "l: [1, 3]\n");
  assert.is(unset("l: [1, 2, 3]\n", ["l", 2]), "l: [1, 2]\n");
  assert.is(unset("l: [1]\n", ["l", 0]), "l: []\n");
  assert.is(unset("a: 1\nb: 2", ["b"]), "a: 1");
  assert.is(unset("a: 1\n", ["a"]), "{}\n");
});

test("paths that lead nowhere are said to", () => {
  for (const run of [
    () => unset("a: 1\n", ["b"]),
    () => unset("a: 1\n", ["a", "b"]),
    () => unset("a: [1]\n", ["a", 1]),
    () => set("a: [1]\n", ["a", "b"], 1n),
    () => set("a: 1\n", [0], 1n),
    () => set("a: 1\n", [], 1n),
  ]) {
    assert.is(failure(run).code, "bad-path");
  }
});

test("an alias is a copy, as in SOPS: one place changes and no other", () => {
  const text = "a: &x\n  k: 1\nb: *x\nc: &y 2\nd: *y\n";
  assert.is(set(text, ["a", "k"], 2n), "a: &x\n  k: 2\nb: {k: 1}\nc: &y 2\nd: *y\n");
  assert.is(set(text, ["a", "new"], 2n), "a: &x\n  k: 1\n  new: 2\nb: {k: 1}\nc: &y 2\nd: *y\n");
  assert.is(set(text, ["b", "k"], 2n), "a: &x\n  k: 1\nb: {k: 2}\nc: &y 2\nd: *y\n");
  assert.is(set(text, ["b"], 2n), "a: &x\n  k: 1\nb: 2\nc: &y 2\nd: *y\n");
  assert.is(set(text, ["c"], 3n), "a: &x\n  k: 1\nb: *x\nc: &y 3\nd: 2\n");
  assert.is(unset(text, ["a"]), "b: {k: 1}\nc: &y 2\nd: *y\n");
  assert.is(unset(text, ["b", "k"]), "a: &x\n  k: 1\nb: {}\nc: &y 2\nd: *y\n");
  assert.is(unset("a: &x [1e3, 1.5, .inf]\nb: *x\n", ["a"]), "b: [1000.0, 1.5, .inf]\n");
  assert.is(unset("a: &x 1e21\nb: *x\n", ["a"]), "b: 1e+21\n");
  // an alias inside of what another one repeats, and a merge key
  assert.is(
    set("a: &x {k: &y [1]}\nb: *x\nc: *y\n", ["b", "k", 0], 3n),
    "a: &x {k: &y [1]}\nb: {k: [3]}\nc: *y\n",
  );
  assert.is(
    set("a: &x\n  k: 1\nb:\n  <<: *x\n  m: 2\n", ["a", "k"], 3n),
    "a: &x\n  k: 3\nb:\n  <<: {k: 1}\n  m: 2\n",
  );
});

test("set in a document with aliases gives the tree that SOPS has then, and no place else changes", () => {
  const treesIn = (text: string): TreeMap[] => {
    const { entries, documents: count } = yaml.read(text);
    return buildTrees(
      entries.filter(({ kind }) => kind !== "comment"),
      count,
    );
  };
  const anchored = fc
    .tuple(
      fc.constantFrom("1", "{k: 1, l: [1, two]}", "\n  k: 1\n  l:\n  - 1\n  - two", "&y [1, 2]", '"t"'),
      fc.constantFrom("*x", "{<<: *x, m: 1}", "[*x, 2]", "\n  n: *x", "\n  - *x\n  - *x"),
      fc.constantFrom("*x", "5", "{q: *x}"),
    )
    .map(([a, b, c]) => `a: &x ${a}\nb: ${b}\nc: ${c}\n`);
  fc.assert(
    fc.property(
      fc.oneof(anchored, documents),
      fc.nat(),
      fc.constantFrom<Tree>(9n, "new", MAP),
      (text, n, value) => {
        const reading = tryRead(text);
        const entries = reading?.entries.filter(
          ({ kind, in: holder }) => kind !== "comment" && holder?.document === 0,
        );
        const entry = entries?.[n % Math.max(entries.length, 1)];
        if (!reading || !entry || reading.duplicates?.length) return;
        const before = treesIn(text);
        const path = pathOf(entry);
        let result: string;
        try {
          result = applyEdits(text, yaml.set(reading, path, value, {}));
        } catch (error) {
          assert.is(
            failure(() => {
              throw error;
            }).code,
            "print",
          );
          return;
        }
        const wanted = [withValue(before[0]!, path, value), ...before.slice(1)];
        for (const [i, tree] of treesIn(result).entries())
          assert.ok(sameTree(tree, wanted[i]!), `${text} -> ${result}`);
      },
    ),
    { numRuns: 400 },
  );
});

test("set and unset change what they are asked for and nothing else", () => {
  const scalars = fc.constantFrom<Tree>(
    1n,
    2.5,
    true,
    null,
    "v",
    "yes",
    "a: b",
    "l1\nl2\n",
    "l\n\n",
    "",
    "\t",
    "😀",
  );
  const trees = fc.oneof(
    scalars,
    fc.constantFrom<Tree>(MAP, new TreeMap(), new TreeList(["a", new TreeList([1n])])),
  );
  fc.assert(
    fc.property(documents, fc.nat(), fc.nat({ max: 3 }), trees, (text, n, kind, value) => {
      const reading = tryRead(text);
      const entries =
        reading?.entries.filter(({ kind, in: holder }) => kind !== "comment" && holder?.document === 0) ?? [];
      const entry = entries[n % Math.max(entries.length, 1)];
      if (!reading || !entry || entry.alias) return;
      const path = pathOf(entry);
      if (kind === 1) path.push("new");
      if (kind === 2) path.splice(-1, 1, typeof path.at(-1) === "string" ? "new" : 99);
      let result: string;
      try {
        result = applyEdits(
          text,
          kind === 3 ? yaml.unset(reading, path) : yaml.set(reading, path, value, {}),
        );
      } catch (error) {
        const { code } = failure(() => {
          throw error;
        });
        assert.ok(code === "print" || code === "bad-path");
        return;
      }
      const after = yaml.read(result);
      const at = JSON.stringify(path).slice(0, -1);
      const parent = JSON.stringify(path.slice(0, -1)).slice(0, -1);
      const others = (found: typeof after): string[] =>
        values({
          entries: found.entries.filter(
            (other) => !other.alias && !JSON.stringify(pathOf(other)).startsWith(at),
          ),
        }).filter((said) => !(kind === 3 || kind === 1) || !said.includes(`,${parent}`));
      if (typeof path.at(-1) === "string" && kind !== 1) {
        const empties = /^\["empty-/;
        const left = others(reading).filter((said) => !empties.test(said));
        for (const said of left) assert.ok(others(after).includes(said), `${said} in ${result}`);
      }
      const added = comments(after).filter((comment) => !comments(reading).includes(comment));
      assert.equal(added, [], result);
    }),
    { numRuns: 400 },
  );
});

test.run();
