import { test } from "uvu";
import * as assert from "uvu/assert";
import { buildTrees } from "../../src/formats/build.ts";
import { Time } from "../../src/formats/scalar.ts";
import { type Tree, TreeComment, TreeList, TreeMap } from "../../src/formats/tree.ts";
import { yaml } from "../../src/formats/yaml/index.ts";
import { sameValues, valuesOf, valuesText } from "../../src/publish/values.ts";

const textOf = (text: string): string => {
  const { entries, documents } = yaml.read(text);
  return valuesText(valuesOf(buildTrees(entries, documents))).replace(/\n/g, "");
};

test("numbers, nulls, times and nested values as Go's encoder writes them", () => {
  assert.is(
    textOf("a: 9007199254740993\nb: 1.0\nc: 1e21\nd: null\ne: true\nf: 2025-01-02\ng: <&>\n"),
    '{"a": 9007199254740993,"b": 1,"c": 1e+21,"d": null,"e": true,"f": "2025-01-02T00:00:00Z","g": "\\u003c\\u0026\\u003e"}',
  );
  assert.is(textOf("a: {}\nb: []\nc: [1, {x: y}, [2]]\n"), '{"a": {},"b": [],"c": [1,{"x": "y"},[2]]}');
});

test("comments go, documents are put together, the last of equal keys counts", () => {
  assert.is(textOf("# x\na: 1 # y\nb:\n  # z\n  - 1\n---\na: 2\nc: 3\n"), '{"a": 2,"b": [1],"c": 3}');
  const twice = new TreeMap([
    { key: "a", value: 1n },
    new TreeComment("x"),
    { key: "__proto__", value: "kept" },
    { key: "a", value: 2n },
  ]);
  assert.is(valuesText(valuesOf([twice])).replace(/\n/g, ""), '{"__proto__": "kept","a": 2}');
});

test("what JSON has no place for", () => {
  const wrong = (value: Tree) => () => valuesText(valuesOf([TreeMap.of([["a", new TreeList([value])]])]));
  assert.throws(wrong("\udcff"), /not text/);
  assert.throws(wrong(Number.NaN), /NaN/);
  assert.not.throws(wrong(Time.parse("2025-01-02T00:00:00Z")!));
});

test("the same values in another order, and what differs a little", () => {
  const a = '{"a": 1, "b": {"c": [true, null], "d": "x"}}';
  assert.ok(sameValues(a, '{"b": {"d": "x", "c": [true, null]}, "a": 1}'));
  for (const b of [
    '{"a": 2, "b": {"c": [true, null], "d": "x"}}',
    '{"a": "1", "b": {"c": [true, null], "d": "x"}}',
    '{"a": 1, "b": {"c": [null, true], "d": "x"}}',
    '{"a": 1, "b": {"c": [true, null], "d": "x"}, "e": null}',
    '{"a": 1}',
    "{}",
  ]) {
    assert.not.ok(sameValues(a, b), b);
  }
  assert.not.ok(sameValues('{"a": 9007199254740993}', '{"a": 9007199254740992}'));
  assert.not.ok(sameValues('{"sops": {"mac": "x"}}', "{}"));
});

test.run();
