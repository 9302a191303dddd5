import { readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { buildTrees } from "../../../src/formats/build.ts";
import { json } from "../../../src/formats/json/index.ts";
import { type Scalar, Time } from "../../../src/formats/scalar.ts";
import { decodeText } from "../../../src/formats/text.ts";
import { type Tree, TreeComment, TreeList, TreeMap } from "../../../src/formats/tree.ts";
import { yaml } from "../../../src/formats/yaml/index.ts";
import { printYaml, printYamlValue, yamlScalar } from "../../../src/formats/yaml/print/print.ts";
import { goldenCases } from "../../support/formats/flat-laws.ts";
import { plainTree } from "../../support/formats/laws.ts";

fc.configureGlobal({ includeErrorInReport: true });

type Note =
  | string
  | boolean
  | null
  | { map: (string | [string, Note])[] }
  | { list: (Note | { comment: string })[] };

/** What SOPS 3.13.3 printed for texts as values and as keys, and for trees with comments. */
const VECTORS = JSON.parse(
  readFileSync(new URL("../../../fixtures/yaml/print-vectors.json", import.meta.url), "utf8"),
) as { values: [string, string][]; keys: [string, string][]; comments: [Note[], string][] };

/** A comment is noted with `#`, an inline one with `~`. */
function treeOf(note: Note): Tree {
  if (note === null || typeof note !== "object") return note;
  const comment = (text: string) => new TreeComment(text.slice(1), text.startsWith("~"));
  if ("map" in note) {
    return new TreeMap(
      note.map.map((item) =>
        typeof item === "string" ? comment(item) : { key: item[0], value: treeOf(item[1]) },
      ),
    );
  }
  return new TreeList(
    note.list.map((item) =>
      typeof item === "object" && item !== null && "comment" in item ? comment(item.comment) : treeOf(item),
    ),
  );
}

const print = (...pairs: [string, Tree][]): string => printYaml([TreeMap.of(pairs)]);
const comment = (text: string, inline = false): TreeComment => new TreeComment(text, inline);

for (const [text, printed] of VECTORS.values) {
  test(`prints the text ${JSON.stringify(text)} as SOPS does`, () => {
    assert.is(print(["k", text], ["l", new TreeList([text])]), printed);
  });
}

for (const [text, printed] of VECTORS.keys) {
  test(`prints the key ${JSON.stringify(text).slice(0, 40)} as SOPS does`, () => {
    assert.is(print([text, TreeMap.of([["b", 1n]])], [`${text}2`, "v"]), printed);
  });
}

for (const [i, [documents, printed]] of VECTORS.comments.entries()) {
  test(`places comments as SOPS does, ${i + 1}`, () => {
    assert.is(printYaml(documents.map(treeOf) as TreeMap[]), printed);
  });
}

test("every type has its spelling", () => {
  const values: [Scalar, string][] = [
    [9223372036854775807n, "9223372036854775807"],
    [-5n, "-5"],
    [1, "1"],
    [1e6, "1e+06"],
    [-0, "-0"],
    [Number.NaN, ".nan"],
    [Number.NEGATIVE_INFINITY, "-.inf"],
    [true, "true"],
    [null, "null"],
    [Time.parse("2001-12-14T21:59:43.10-05:00")!, "2001-12-14T21:59:43.1-05:00"],
  ];
  for (const [value, text] of values) assert.is(print(["k", value]), `k: ${text}\n`);
});

test("lists are indented in maps, and by their marks in lists", () => {
  const inner = TreeMap.of([["k", new TreeList(["z"])]]);
  const tree = TreeMap.of([["a", new TreeList([new TreeList(["x", inner]), new TreeList(), new TreeMap()])]]);
  assert.is(printYaml([tree]), "a:\n    - - x\n      - k:\n            - z\n    - []\n    - {}\n");
  assert.is(printYaml([tree], 2), "a:\n  - - x\n    - k:\n        - z\n  - []\n  - {}\n");
});

test("an indent that YAML cannot have counts as SOPS has it", () => {
  const tree = TreeMap.of([["a", TreeMap.of([["b", 1n]])]]);
  assert.equal(
    [0, 1, 2, 9, 10].map((indent) => printYaml([tree], indent)),
    ["a:\n    b: 1\n", "a:\n  b: 1\n", "a:\n  b: 1\n", "a:\n         b: 1\n", "a:\n  b: 1\n"],
  );
});

test("documents are separated", () => {
  assert.is(
    printYaml([TreeMap.of([["a", 1n]]), new TreeMap(), TreeMap.of([["b", 2n]])]),
    "a: 1\n---\n{}\n---\nb: 2\n",
  );
});

test("a text that starts with a tab is kept, where SOPS prints null", () => {
  assert.is(print(["k", "\ta\nb"]), 'k: "\\ta\\nb"\n');
});

test("a literal's indentation indicator is the right one inside lists, where SOPS's file cannot be read again", () => {
  assert.is(
    print(["l", new TreeList([" a\nb", TreeMap.of([["k", "\na"]])])]),
    "l:\n    - |2-\n       a\n      b\n    - k: |2-\n\n        a\n",
  );
});

test("line breaks that only SOPS knows are escaped", () => {
  assert.is(print(["k", "a\u2028b"]), 'k: "a\\Lb"\n');
});

test("a key that looks like a merge key is quoted unless its value can be merged", () => {
  assert.is(print(["<<", "x"]), '"<<": x\n');
  assert.is(print(["<<", TreeMap.of([["a", 1n]])]), "!!merge <<:\n    a: 1\n");
});

test("comments of empty collections are not lost, and break nothing", () => {
  const tree = TreeMap.of([
    ["a", new TreeList([comment(" one")])],
    ["b", new TreeMap([comment(" two")])],
  ]);
  tree.items.push(comment(" three", true), { key: "c", value: new TreeMap() });
  const text = printYaml([tree]);
  for (const word of ["one", "two", "three"]) assert.match(text, `# ${word}`);
  assert.equal(
    buildTrees(yaml.read(text).entries, 1)[0]!
      .entries()
      .map(({ key }) => key),
    ["a", "b", "c"],
  );
});

test("several inline comments of a literal do not become part of it", () => {
  const tree = new TreeMap([
    comment(" a", true),
    comment(" b", true),
    { key: "k", value: "x\ny" },
    { key: "l", value: "z" },
  ]);
  assert.is(printYaml([tree]), "k: |- # a\n    x\n    y\n# b\nl: z\n");
});

test("a comment's line breaks of any kind make comment lines", () => {
  const tree = new TreeMap([comment(" a\nb\r\n; c\rd\u2028e\r"), { key: "k", value: 1n }]);
  assert.is(printYaml([tree]), "# a\n# b\n# ; c\n# d\n# e\nk: 1\n");
});

test("an empty line that a comment asks for does not become part of a literal that keeps such lines", () => {
  const tree = TreeMap.of([["z", new TreeList([TreeMap.of([["k", "\n"]]), comment("x")] as Tree[])]]);
  const [again] = buildTrees(yaml.read(printYaml([tree], 2)).entries, 1);
  assert.equal(plainTree(again), plainTree(tree));
});

test("bytes that are not UTF-8 become base64, in lines if they are long", () => {
  assert.is(print(["k", "\udcff\n"]), "k: !!binary /wo=\n");
  const long = "\udcff".repeat(54);
  assert.is(print(["k", long]), `k: !!binary |\n    ${"/".repeat(70)}\n    //\n`);
  assert.is(buildTrees(yaml.read(print(["k", long])).entries, 1)[0]!.get("k"), long);
});

test("single values are printed with a line break, whatever the file's indent is", () => {
  assert.is(printYamlValue("a b"), "a b\n");
  assert.is(printYamlValue(true), "true\n");
  assert.is(
    printYamlValue(new TreeList(["p", TreeMap.of([["q", 1n]]), new TreeList(["r"])])),
    "- p\n- q: 1\n- - r\n",
  );
});

test("one scalar is spelled for its place", () => {
  const block = { indent: 4, outer: 0 };
  assert.is(yamlScalar("a: b", block), "'a: b'");
  assert.is(yamlScalar("a, b", block), "a, b");
  assert.is(yamlScalar("a, b", { ...block, flow: true }), "'a, b'");
  assert.is(yamlScalar("a\nb\n", block), "|\n    a\n    b");
  assert.is(yamlScalar(" a\n\nb", block), "|4-\n     a\n\n    b");
  assert.is(yamlScalar("a\n\n", { indent: 2, outer: -1 }), "|+\n  a\n");
  assert.is(yamlScalar("a\nb", { ...block, flow: true }), '"a\\nb"');
  assert.is(yamlScalar("a\nb", { ...block, simpleKey: true }), '"a\\nb"');
  assert.is(yamlScalar("yes", block), '"yes"');
});

test("a scalar on its own is the one that the whole file has", () => {
  const texts = fc.oneof(
    fc.string(),
    fc
      .array(fc.constantFrom("a", " b", "", "#c", "\td", "- e", "'"), { minLength: 2 })
      .map((l) => l.join("\n")),
  );
  fc.assert(
    fc.property(texts, (text) => {
      const spelled = yamlScalar(text, { indent: 4, outer: 0 });
      // where all lines are empty SOPS's digit is as good as any
      if (/[^\n]/.test(text)) assert.is(print(["k", text]), `k: ${spelled}\n`);
      assert.is(buildTrees(yaml.read(`k: ${spelled}\n`).entries, 1)[0]!.get("k"), text.toWellFormed());
    }),
    { numRuns: 500 },
  );
});

const leaves: fc.Arbitrary<Scalar> = fc.oneof(
  fc.string({ unit: "grapheme" }),
  fc.constantFrom(...VECTORS.values.map(([text]) => text)),
  fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n }),
  fc.double({ noNaN: true }).filter((value) => !Number.isInteger(value) || Math.abs(value) >= 1e6),
  fc.boolean(),
  fc.constant(null),
);
const comments = fc
  .tuple(fc.constantFrom("", " c", "#x", " a b ", "!", "é", " a\n b"), fc.boolean())
  .map(([text, inline]) => comment(text, inline));
const trees = fc.letrec<{ tree: Tree; map: TreeMap; list: TreeList }>((tie) => ({
  tree: fc.oneof({ maxDepth: 4, depthSize: "small" }, leaves, tie("map"), tie("list")),
  map: fc
    .array(
      fc.oneof(
        {
          weight: 4,
          arbitrary: fc.tuple(
            fc.oneof(fc.string({ maxLength: 4 }), fc.constantFrom(...VECTORS.keys.map(([text]) => text))),
            tie("tree"),
          ),
        },
        comments,
      ),
      { maxLength: 4 },
    )
    .map((items) => {
      const seen = new Set<string>();
      return new TreeMap(
        items.flatMap((item): TreeMap["items"] => {
          if (item instanceof TreeComment) return [item];
          const [key, value] = item;
          if (key === "<<" || key === "sops" || seen.has(key)) return [];
          seen.add(key);
          return [{ key, value }];
        }),
      );
    }),
  list: fc
    .array(fc.oneof({ weight: 4, arbitrary: tie("tree") }, comments), { maxLength: 4 })
    .map((items) => new TreeList(items)),
}));

test("whatever is printed reads back", () => {
  fc.assert(
    fc.property(
      fc.array(trees.map, { minLength: 1, maxLength: 2 }),
      fc.constantFrom(2, 4, 8),
      (documents, indent) => {
        const reading = yaml.read(printYaml(documents, indent));
        assert.equal(buildTrees(reading.entries, reading.documents).map(plainTree), documents.map(plainTree));
      },
    ),
    { numRuns: 500 },
  );
});

/** SOPS 3.13 prints inline comments above their values once they were decrypted; here they stay. */
const INLINE = new Set(["yaml-crlf", "yaml-alias-comments", "opt-unencrypted-comment-regex"]);

for (const { name, plain, printed, indent } of goldenCases("yaml")) {
  if (INLINE.has(name)) continue;
  test(`golden ${name}`, () => {
    const reading = yaml.read(plain);
    assert.is(printYaml(buildTrees(reading.entries, reading.documents), indent), printed);
  });
}

const GOLDEN = new URL("../../../fixtures/golden/", import.meta.url);
const file = (path: string): string => decodeText(readFileSync(new URL(path, GOLDEN)));

test("golden conversion from JSON", () => {
  assert.ok(readdirSync(GOLDEN).includes("cli-convert-json-yaml"));
  const tree = json.read('{"a": "s", "b": {"c": [1, {"d": "x"}]}, "n": null, "f": 1.0}');
  assert.is(printYaml(buildTrees(tree.entries, 1)), file("cli-convert-json-yaml/exp/1.stdout"));
});

test.run();
