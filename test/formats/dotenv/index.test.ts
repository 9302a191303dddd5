import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { TsopsError } from "../../../src/errors.ts";
import { buildTrees } from "../../../src/formats/build.ts";
import { dotenv } from "../../../src/formats/dotenv/index.ts";
import { aadOf, type PathElement, pathOf } from "../../../src/formats/format.ts";
import { type Scalar, Time } from "../../../src/formats/scalar.ts";
import { applyEdits } from "../../../src/formats/text.ts";
import { type Tree, TreeComment, TreeList, TreeMap } from "../../../src/formats/tree.ts";
import { FLAT_METADATA, flatMetadataLaw, goldenCases } from "../../support/formats/flat-laws.ts";
import {
  modelSet,
  modelUnset,
  plainTree,
  replacingLaw,
  spliceLaw,
  tryRead,
} from "../../support/formats/laws.ts";
import { codeOf } from "../../support/sealed.ts";

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

test("a line of nothing but CR is an empty line", () => {
  const text = "A=1\r\n\r\nB=2\r\n";
  assert.equal(
    dotenv.read(text).entries.map((entry) => entry.value),
    ["1\r", "2\r"],
  );
  assert.match(dotenv.read(text).remarks?.[0]?.message ?? "", "Windows line ends (CR LF)");
});

test("metadata in quotes, as other programs write it, is read without them", () => {
  for (const quote of ["'", '"']) {
    const text = `A=${quote}ENC[x]${quote}\nsops_mac=${quote}ENC[m]${quote}\nsops_pgp__list_0__map_enc=${quote}a\\nb${quote}\n`;
    const reading = dotenv.read(text);
    assert.is(reading.entries[0]?.value, "ENC[x]");
    assert.is(reading.metadata?.tree.get("mac"), "ENC[m]");
    const [mac, enc] = reading.metadata!.entries;
    assert.is(text.slice(mac!.start, mac!.end), "ENC[m]");
    assert.is(enc?.value, "a\nb");
    assert.is(applyEdits(text, dotenv.removeMetadata(reading)), `A=${quote}ENC[x]${quote}\n`);
  }
});

test("where the metadata ends in CR LF, something turned all of the file into that: no CR is part of anything", () => {
  const text = "# c\r\nA=ENC[x]\r\nB=2\r\n\r\nsops_mac=m\r\n";
  const reading = dotenv.read(text);
  assert.equal(
    reading.entries.map((entry) => entry.value),
    [" c", "ENC[x]", "2"],
  );
  assert.is(reading.metadata?.tree.get("mac"), "m");
  const [, cipher, plain] = reading.entries;
  // a value that had a CR of its own does not get a second one
  assert.is(dotenv.spell(reading, cipher!, "1"), "1\r");
  assert.is(dotenv.spell(reading, cipher!, "1\r"), "1\r");
  assert.is(dotenv.spellCipher(reading, plain!, "ENC[y]"), "ENC[y]\r");
  assert.is(setting(text, ["B"], "3"), text.replace("B=2", "B=3"));
  assert.is(setting(text, ["C"], "3"), text.replace("sops_mac", "C=3\r\nsops_mac"));
  assert.is(applyEdits(text, dotenv.removeMetadata(reading)), "# c\r\nA=ENC[x]\r\nB=2\r\n\r\n");
  const replaced = applyEdits(text, dotenv.replaceMetadata(reading, FLAT_METADATA, {}));
  assert.not.match(replaced, /[^\r]\n/);
  assert.ok(replaced.endsWith("\r\n") && !replaced.endsWith("\r\r\n"));
});

test("a block at the end without a line break comes out again, with CR LF too", () => {
  assert.is(
    applyEdits(
      "A=1\r\nsops_a=1\r\nsops_b=2",
      dotenv.removeMetadata(dotenv.read("A=1\r\nsops_a=1\r\nsops_b=2")),
    ),
    "A=1",
  );
});

const remarksIn = (text: string) => dotenv.read(text).remarks ?? [];

test("names that no shell can have are remarked on", () => {
  assert.equal(remarksIn("A=1\n_b2=x\n#c-d=x\n"), []);
  for (const [text, what] of [
    ["export API_KEY='x'\n", /named `export API_KEY`, as SOPS reads dotenv$/],
    ["DB = x\n", /named `DB `, spaces included, as SOPS reads dotenv$/],
    ["my-key=x\n", /named `my-key`.* no shell has such a name$/],
    ["tls.crt=x\n", /named `tls\.crt`/],
    ["=x\n", /^there is no name before the `=`$/],
    ["  =x\n", /^there is no name before the `=`$/],
    ["  #PASSWORD=x\n", /named the text before the `=`/],
    ["aGVsbG8gd29ybGQsIHRoaXMgaXMgYSBzZWNyZXQgb2YgbWluZQ+=\n", /named the text before the `=`/],
  ] as const) {
    const [remark] = remarksIn(text);
    assert.match(remark?.message ?? "", what);
    assert.is(remark?.offset, 0);
  }
});

for (const [text, refused] of [
  ['KEY="a\nbcd=\nx=e"\nC=1\n', [7, 12]],
  ["KEY='a\nb=c'  # d\n", [7]],
  ['export KEY = "a\r\nb="\r\n', [17]],
  ['A="x\nB=1\n', []],
  ['A="x"\nB="y"\n', []],
  ['A="x\nB="y"\n', []],
  ["A=it's\nB=that's\n", []],
  ['A="x\\\nB=1\nC=2"\n', [6, 10]],
] as const) {
  test(`lines that go on with a value in quotes: ${JSON.stringify(text)}`, () => {
    const offsets = remarksIn(text).filter((remark) => remark.refused);
    assert.equal(
      offsets.map((remark) => remark.offset),
      refused,
    );
  });
}

test("a value in quotes that goes on where no = stands is told as that", () => {
  try {
    dotenv.read('KEY="s3cret\nmore"\n');
    assert.unreachable();
  } catch (error) {
    assert.match((error as TsopsError).message, "goes on with a value in quotes");
    assert.equal((error as TsopsError).place, { line: 2, column: 1 });
    assert.not.match((error as TsopsError).message, "more");
  }
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
  ]);
  assert.is(dotenv.print([tree], {}), "A=1\n# two\n#lines\nB=2025-01-02T00:00:00Z\nC=l1\\nl2\n");
});

test("null cannot be set: SOPS writes a text that is read as a value", () => {
  assert.is(
    codeOf(() => setting("A=1\n", ["A"], null)),
    "print",
  );
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
