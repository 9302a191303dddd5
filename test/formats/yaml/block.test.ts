import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { applyEdits } from "../../../src/formats/text.ts";
import { TreeList, TreeMap } from "../../../src/formats/tree.ts";
import { yaml } from "../../../src/formats/yaml/index.ts";
import { METADATA } from "../../support/formats/laws.ts";
import { comments, failure, tryRead, values, withMetadata } from "../../support/formats/yaml.ts";
import { documents } from "../../support/formats/yaml-texts.ts";

const SMALL = TreeMap.of([["mac", "m"]]);
const OTHER = TreeMap.of([
  ["mac", "m"],
  ["pgp", new TreeList([TreeMap.of([["fp", "F\nG\n"]])])],
]);

const add = (text: string): string => applyEdits(text, yaml.addMetadata(yaml.read(text), SMALL, {}));
const remove = (text: string): string => applyEdits(text, yaml.removeMetadata(yaml.read(text)));

test("the block stands at the end of the first document", () => {
  const cases: [string, string][] = [
    ["a: 1\n", "a: 1\nsops:\n    mac: m\n"],
    ["a: 1", "a: 1\nsops:\n    mac: m"],
    ["a: 1\r\nb: 2\r\n", "a: 1\r\nb: 2\r\nsops:\r\n    mac: m\r\n"],
    ["  a: 1\n", "  a: 1\n  sops:\n      mac: m\n"],
    ["a: 1\n# c\n\n", "a: 1\n# c\n\nsops:\n    mac: m\n"],
    ["a: 1\n---\nb: 2\n", "a: 1\nsops:\n    mac: m\n---\nb: 2\n"],
    ["a: 1\n...\n# c\n", "a: 1\nsops:\n    mac: m\n...\n# c\n"],
    ["---\n---\nb: 2\n", "---\nsops:\n    mac: m\n---\nb: 2\n"],
    ["---", "---\nsops:\n    mac: m"],
    ["a: |+\n  x\n\n", "a: |+\n  x\n\nsops:\n    mac: m\n"],
    // A line break after these would be part of them.
    ["# h\na: 1\nb: |\n  x", "# h\nsops:\n    mac: m\na: 1\nb: |\n  x"],
    ["{a: 1}\n", '{a: 1, "sops": {"mac": "m"}}\n'],
    ["{a: 1,}\n", '{a: 1,"sops": {"mac": "m"},}\n'],
    ["{ }\n", '{ "sops": {"mac": "m"}}\n'],
    ["{a: 1 # c\n}\n", '{a: 1 # c\n, "sops": {"mac": "m"}}\n'],
  ];
  for (const [text, wanted] of cases) {
    assert.is(add(text), wanted);
    assert.is(remove(wanted), text);
  }
});

test("where there is no room for it, that is said", () => {
  for (const [text, code] of [
    ["~\n", "parse"],
    ["--- null\n", "parse"],
    ["", "empty-file"],
  ] as const) {
    const error = failure(() => add(text));
    assert.is(error.code, code);
    assert.ok(error.hint);
  }
});

test("SOPS's own blocks go from every document", () => {
  const text =
    "a: 1\nsops:\n    mac: m\n---\nsops:\n    mac: m\n---\nb: 1\nsops:\n    mac: m\n    v: |\n        x\n";
  assert.is(remove(text), "a: 1\n---\n{}\n---\nb: 1\n");
  assert.is(remove("sops:\n    mac: m\n"), "{}\n");
  assert.is(remove("# c\nsops:\n    mac: m"), "# c\n{}");
  assert.is(remove("sops:\n    mac: m\na: 1\n"), "a: 1\n");
  assert.is(remove('{"sops": {"mac": "m"}, a: 1}\n'), "{ a: 1}\n");
});

test("a comment behind the block's own key stays", () => {
  assert.is(remove("a: 1\nsops: # c\n    mac: m\n"), "a: 1\n# c\n");
  assert.is(remove("sops: # c\n    mac: m"), "{}\n# c");
  const text = "a: 1\nsops: # c\n    mac: m\n";
  assert.is(applyEdits(text, yaml.replaceMetadata(yaml.read(text), OTHER, {})).split("\n")[1], "# c");
});

test("empty lines behind the block do not come to belong to a text before it", () => {
  assert.is(remove("a: |+\n  x\nsops:\n    mac: m\n\n\nb: 1\n"), "a: |+\n  x\nb: 1\n");
  assert.is(remove("a: |+\n  x\n\nsops:\n    mac: m\n\n"), "a: |+\n  x\n\n");
  // that one ends before a comment
  assert.is(remove("a: |+\n  x\n# c\nsops:\n    mac: m\n\n"), "a: |+\n  x\n# c\n\n");
  assert.is(remove("a: |\n  x\n# c\nsops:\n    mac: m"), "a: |\n  x\n# c");
});

test("a block is printed with the indent that is asked for", () => {
  const text = applyEdits("a: 1\n", yaml.addMetadata(yaml.read("a: 1\n"), OTHER, { indent: 2 }));
  assert.is(text, "a: 1\nsops:\n  mac: m\n  pgp:\n    - fp: |\n        F\n        G\n");
});

test("a block that is added reads as it was given, changes nothing else, can be replaced, and goes without a trace", () => {
  fc.assert(
    fc.property(documents, (text) => {
      const reading = tryRead(text);
      if (!reading || reading.documents === 0) return;
      let added: string;
      try {
        added = withMetadata(text);
      } catch {
        return; // `~` alone
      }
      const again = yaml.read(added);
      assert.equal(again.metadata!.tree, METADATA);
      assert.equal(values(again), values(reading));
      assert.equal(comments(again).sort(), comments(reading).sort());
      assert.is(applyEdits(added, yaml.removeMetadata(again)), text);
      const replaced = applyEdits(added, yaml.replaceMetadata(again, OTHER, {}));
      const third = yaml.read(replaced);
      assert.equal(third.metadata!.tree, OTHER);
      assert.equal(values(third), values(reading));
      assert.is(applyEdits(replaced, yaml.removeMetadata(third)), text);
    }),
    { numRuns: 300 },
  );
});

test.run();
