import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { TsopsError } from "../../src/errors.ts";
import { buildTrees } from "../../src/formats/build.ts";
import { dotenv } from "../../src/formats/dotenv.ts";
import { aadOf, type PathElement, pathOf } from "../../src/formats/format.ts";
import { type Scalar, Time } from "../../src/formats/scalar.ts";
import { applyEdits } from "../../src/formats/text.ts";
import { type Tree, TreeComment, TreeList, TreeMap } from "../../src/formats/tree.ts";
import { codeOf } from "../support/sealed.ts";
import { FLAT_METADATA, flatMetadataLaw, goldenCases } from "./flat-laws.ts";
import { modelSet, modelUnset, plainTree, replacingLaw, spliceLaw, tryRead } from "./laws.ts";

fc.configureGlobal({ includeErrorInReport: true });

const lines = fc.oneof(
  fc.constantFrom(
    "A=1",
    "B=",
    "C=a b ",
    'D="q"',
    "E=l1\\nl2",
    "F=\\\\n",
    "G=x\r",
    "=v",
    "export H=1",
    " I=1",
    "A=2",
  ),
  fc.constantFrom(
    "",
    "#",
    "# c",
    "#a=b",
    "#\r",
    "J=#x",
    "K==",
    "sops=1",
    "SOPS_X=1",
    "L=\udcff\udc80",
    "M=ENC[x]",
    "N=\u2028",
  ),
  fc
    .tuple(fc.stringMatching(/^[^#=\n\ud800-\udfff][^=\n\ud800-\udfff]*$/), fc.string())
    .map(([k, v]) => `${k}=${v}`),
);
const texts = fc
  .tuple(fc.array(lines, { maxLength: 8 }), fc.boolean())
  .map(([all, closed]) => all.join("\n") + (closed && all.length > 0 ? "\n" : ""));

function setting(text: string, path: PathElement[], value: Tree): string {
  return applyEdits(text, dotenv.set(dotenv.read(text), path, value, {}));
}

function unsetting(text: string, path: PathElement[]): string {
  return applyEdits(text, dotenv.unset(dotenv.read(text), path));
}

function adding(text: string): string {
  return applyEdits(text, dotenv.addMetadata(dotenv.read(text), FLAT_METADATA, {}));
}

const treeOf = (text: string): TreeMap => buildTrees(dotenv.read(text).entries, 1)[0]!;
const printed = (...pairs: [string, Tree][]): string => dotenv.print([TreeMap.of(pairs)], {});

test("a line is a key and a value, and nothing of either is trimmed", () => {
  const reading = dotenv.read('A=1\n B = "x" \nC==a=b\n\n#c\nD=l1\\nl2\nE=\n');
  assert.equal(
    reading.entries.map((entry) => [entry.kind, entry.key, entry.value]),
    [
      ["value", "A", "1"],
      ["value", " B ", ' "x" '],
      ["value", "C", "=a=b"],
      ["comment", undefined, "c"],
      ["value", "D", "l1\nl2"],
      ["value", "E", ""],
    ],
  );
  assert.equal(reading.entries.map(aadOf), ["A:", " B :", "C:", ":", "D:", "E:"]);
});

test("# is a comment in the first column only, and a carriage return stays in the value", () => {
  assert.equal(
    dotenv.read("A=1\r\nB=#x\r\n #C=1\n").entries.map((entry) => [entry.key, entry.value]),
    [
      ["A", "1\r"],
      ["B", "#x\r"],
      [" #C", "1"],
    ],
  );
});

test("of equal keys both are read, and the later ones are named", () => {
  const reading = dotenv.read("A=1\nB=2\nA=3\n");
  assert.equal(
    reading.entries.map(({ key, value }) => [key, value]),
    [
      ["A", "1"],
      ["B", "2"],
      ["A", "3"],
    ],
  );
  assert.equal(reading.duplicates, [8]);
});

for (const [text, line] of [
  ["A=1\ns3cret\n", 2],
  ["A=1\r\n\r\nB=2\r\n", 2],
  ["   \n", 1],
] as const) {
  test(`a line without an equals sign is refused: ${JSON.stringify(text)}`, () => {
    let error: TsopsError | undefined;
    try {
      dotenv.read(text);
    } catch (thrown) {
      error = thrown as TsopsError;
    }
    assert.is(error?.code, "parse");
    assert.is(error?.exitCode, 2);
    assert.equal(error?.place, { line, column: 1 });
    assert.not.match(error?.message ?? "", "s3cret");
    assert.ok(error?.hint);
  });
}

test("keys that start with sops_ are metadata, wherever they stand", () => {
  const reading = dotenv.read("sops_mac=m\nA=1\nsops_age__list_0__map_enc=x\\ny\n");
  assert.equal(
    reading.entries.map((entry) => entry.key),
    ["A"],
  );
  assert.equal(
    plainTree(reading.metadata?.tree),
    plainTree(
      TreeMap.of([
        ["mac", "m"],
        ["age", new TreeList([TreeMap.of([["enc", "x\ny"]])])],
      ]),
    ),
  );
  assert.equal(reading.metadata?.entries.map(pathOf), [["mac"], ["age", 0, "enc"]]);
  assert.is(dotenv.read("SOPS_X=1\nsops=2\n").metadata, undefined);
});

test("malformed metadata does not stop the reading", () => {
  const reading = dotenv.read("A=1\nsops_age__list_3=x\n");
  assert.equal(
    reading.entries.map((entry) => entry.value),
    ["1"],
  );
  assert.is(
    codeOf(() => reading.metadata?.tree),
    "parse",
  );
});

test("a block goes to the end, and without a last line break it ends without one", () => {
  const other = TreeMap.of([
    ["mac", "m"],
    ["version", "3.13.3"],
  ]);
  const add = (text: string) => applyEdits(text, dotenv.addMetadata(dotenv.read(text), other, {}));
  assert.is(add("A=1\n"), "A=1\nsops_mac=m\nsops_version=3.13.3\n");
  assert.is(add("A=1"), "A=1\nsops_mac=m\nsops_version=3.13.3");
  assert.is(add(""), "sops_mac=m\nsops_version=3.13.3\n");
});

test("any text is read or refused with its place", () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.string({ unit: "binary" }), fc.string(), texts),
      (text) => void tryRead(dotenv, text),
    ),
  );
});

test("ciphertexts in the place of values, and back", () => {
  fc.assert(
    fc.property(texts, (text) => {
      if (!tryRead(dotenv, text)) return;
      replacingLaw(dotenv, text);
    }),
    { numRuns: 500 },
  );
});

test("metadata comes and goes without a trace", () => {
  fc.assert(
    fc.property(texts, (text) => {
      if (!tryRead(dotenv, text)) return;
      flatMetadataLaw(dotenv, text);
      spliceLaw(dotenv, text);
    }),
    { numRuns: 500 },
  );
});

test("what a plaintext holds is spelled as it stood there", () => {
  fc.assert(
    fc.property(texts, (text) => {
      const reading = tryRead(dotenv, text);
      for (const entry of reading?.entries ?? []) {
        assert.is(dotenv.spell(reading!, entry, entry.value!), text.slice(entry.start, entry.end));
      }
    }),
  );
});

test("other types are spelled as SOPS spells them", () => {
  const reading = dotenv.read("A=1\n");
  const spell = (value: Scalar) => dotenv.spell(reading, reading.entries[0]!, value);
  assert.equal([12, 5n, true, null].map(spell), ["12.0", "5", "true", "<nil>"]);
  assert.is(spell("a\nb"), "a\\nb");
});

test("a comment cannot hold a line break", () => {
  const reading = dotenv.read("#c\n");
  assert.is(
    codeOf(() => dotenv.spell(reading, reading.entries[0]!, "a\nb")),
    "print",
  );
});

test("set replaces the first of equal keys, or adds a line before the metadata", () => {
  assert.is(setting("A=1\nA=2\n", ["A"], "x\ny"), "A=x\\ny\nA=2\n");
  assert.is(setting("A=1\n", ["B"], "2"), "A=1\nB=2\n");
  assert.is(setting("A=1", ["B"], "2"), "A=1\nB=2");
  assert.is(setting("", ["B"], 12), "B=12.0\n");
  assert.is(setting("A=1\nsops_mac=m\n", ["B"], "2"), "A=1\nB=2\nsops_mac=m\n");
});

test("set refuses what a line cannot hold", () => {
  const code = (path: PathElement[], value: Tree) => codeOf(() => setting("A=1\n", path, value));
  assert.is(code(["B"], new TreeList()), "print");
  assert.is(code(["A", "x"], "1"), "print");
  assert.is(code(["a=b"], "1"), "print");
  assert.is(code(["#a"], "1"), "print");
  assert.is(code(["a\nb"], "1"), "print");
  assert.is(code([0], "1"), "bad-path");
  assert.is(code(["sops_mac"], "1"), "already-encrypted");
});

test("set and unset do to the text what SOPS does to the tree", () => {
  const keys = fc.constantFrom("A", "B", "E", "new", "");
  const property = fc.property(texts, keys, fc.string(), fc.boolean(), (text, key, value, encrypted) => {
    const reading = tryRead(dotenv, text);
    if (!reading || value.includes("\\n")) return;
    const from = encrypted && !reading.metadata ? adding(text) : text;
    const before = treeOf(from);
    const done = setting(from, [key], value);
    assert.equal(plainTree(treeOf(done)), plainTree(modelSet(before, [key], value)));
    const gone = unsetting(done, [key]);
    assert.equal(plainTree(treeOf(gone)), plainTree(modelUnset(treeOf(done), [key])));
    if (from !== text) {
      const plain = applyEdits(done, dotenv.removeMetadata(dotenv.read(done)));
      assert.is(plain, setting(text, [key], value));
    }
  });
  fc.assert(property, { numRuns: 500 });
});

test("unset takes the line, and keeps a text without a last line break so", () => {
  assert.is(unsetting("A=1\n# c\nB=2\n", ["A"]), "# c\nB=2\n");
  assert.is(unsetting("A=1\nB=2", ["B"]), "A=1");
  assert.is(unsetting("A=1\nA=2\n", ["A"]), "A=2\n");
  assert.is(
    codeOf(() => unsetting("A=1\n", ["B"])),
    "bad-path",
  );
});

test("trees are printed as SOPS prints them", () => {
  const tree = new TreeMap([
    { key: "A", value: 1n },
    new TreeComment(" two\nlines"),
    { key: "B", value: Time.parse("2025-01-02T00:00:00.5Z")! },
    { key: "C", value: "l1\nl2" },
    { key: "D", value: null },
  ]);
  assert.is(dotenv.print([tree], {}), "A=1\n# two\n#lines\nB=2025-01-02T00:00:00Z\nC=l1\\nl2\nD=<nil>\n");
});

test("nested values and keys that would be read as something else are not printed", () => {
  assert.is(
    codeOf(() => printed(["A", new TreeMap()])),
    "print",
  );
  assert.is(
    codeOf(() => printed(["A", new TreeList()])),
    "print",
  );
  assert.is(
    codeOf(() => printed(["A=B", "1"])),
    "print",
  );
  assert.is(
    codeOf(() => printed(["#A", "1"])),
    "print",
  );
});

test("of single values only texts are printed", () => {
  assert.is(dotenv.printValue("x", {}), "x");
  assert.is(
    codeOf(() => dotenv.printValue(1n, {})),
    "print",
  );
});

for (const { name, plain, encrypted, printed: wanted } of goldenCases("env")) {
  test(`golden ${name}`, () => {
    const reading = dotenv.read(plain);
    assert.is(dotenv.print(buildTrees(reading.entries, 1), {}), wanted);
    const sealed = dotenv.read(encrypted);
    assert.equal(sealed.entries.map(pathOf), reading.entries.map(pathOf));
    assert.match(String(sealed.metadata?.tree.get("mac")), /^ENC\[AES256_GCM,/);
    // SOPS's own block is the one that is printed here
    const bare = applyEdits(encrypted, dotenv.removeMetadata(sealed));
    assert.is(applyEdits(bare, dotenv.addMetadata(dotenv.read(bare), sealed.metadata!.tree, {})), encrypted);
  });
}

test.run();
