import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { TsopsError } from "../../../src/errors.ts";
import { buildTrees } from "../../../src/formats/build.ts";
import { aadOf, type PathElement, pathOf } from "../../../src/formats/format.ts";
import { ini } from "../../../src/formats/ini/index.ts";
import type { Scalar } from "../../../src/formats/scalar.ts";
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
import { box, codeOf } from "../../support/sealed.ts";

fc.configureGlobal({ includeErrorInReport: true });

const VALUES = [
  ...'1|text|two words|\'sq\'|"dq"|`bq`|"""tq"""|x ; c|x;c|"a;b"|`a;b`|"""a#b""" ; lost|`a` junk|\'|"|""'.split(
    "|",
  ),
  ..."|  |;c|a=b|%(a)s|\\|ENC[x]".split("|"),
  ...[
    "a \\\n  b",
    "a\\\n\n",
    "`m\nl`",
    "`m\nl` ; c",
    '"""m\n\nl""" # c',
    '"""m\nl"""',
    '"""m\nl""" junk',
    "é\u00a0",
    "\udcff",
    "a\rb",
  ],
];
const blanks = fc.constantFrom("", "", "", " ", "\t");
const keyLine = fc
  .tuple(
    blanks,
    fc.constantFrom("a", "b", "long_key", "-", "`q k`", '"dq"', "é", "a.b"),
    blanks,
    fc.constantFrom("=", ":"),
    blanks,
    fc.constantFrom(...VALUES),
    blanks,
  )
  .map((parts) => parts.join(""));
const comment = fc
  .tuple(blanks, fc.constantFrom("#", ";"), fc.constantFrom("", " c", "c", "; x", " # y", ";;;; ", " ENC[x]"))
  .map((parts) => parts.join(""));
const header = fc
  .tuple(
    blanks,
    fc.constantFrom("[a]", "[b]", "[DEFAULT]", "[ s ]", "[x]y]"),
    blanks,
    fc.constantFrom("", "", "; sc", "junk", "# [x"),
  )
  .map((parts) => parts.join(""));
const lines = fc.oneof(
  { weight: 5, arbitrary: keyLine },
  { weight: 2, arbitrary: comment },
  header,
  fc.constantFrom("", "\t"),
);
const texts = fc
  .tuple(fc.array(lines, { maxLength: 9 }), fc.constantFrom("\n", "\n", "\r\n"), fc.boolean())
  .map(([all, eol, closed]) => all.join(eol) + (closed && all.length > 0 ? eol : ""));

const treeOf = (text: string): TreeMap => buildTrees(ini.read(text).entries, 1)[0]!;

/** Sections with their keys, values and comments, as short as can be. */
function said(text: string): unknown[] {
  return treeOf(text).items.map((section) => {
    if (section instanceof TreeComment) return section.text;
    const { items } = section.value as TreeMap;
    return [
      section.key,
      ...items.map((item) => (item instanceof TreeComment ? `# ${item.text}` : [item.key, item.value])),
    ];
  });
}

function value(text: string): Scalar | undefined {
  return ini.read(text).entries.find((entry) => entry.kind === "value" && entry.key === "k")?.value;
}

function setting(text: string, path: PathElement[], tree: Tree): string {
  return applyEdits(text, ini.set(ini.read(text), path, tree, {}));
}

function unsetting(text: string, path: PathElement[]): string {
  return applyEdits(text, ini.unset(ini.read(text), path));
}

function ciphered(text: string): string {
  const reading = ini.read(text);
  const edits = reading.entries.flatMap((entry) => {
    if (entry.value === undefined || entry.value === "") return [];
    return [{ start: entry.start, end: entry.end, text: ini.spellCipher(reading, entry, "ENC[x]") }];
  });
  return applyEdits(text, edits);
}

test("keys before the first section are in DEFAULT, which is there even when it is empty", () => {
  assert.equal(said("a = 1\n[s]\nb = 2\n"), [
    ["DEFAULT", ["a", "1"]],
    ["s", ["b", "2"]],
  ]);
  assert.equal(said("[s]\nb = 2\n"), [["DEFAULT"], ["s", ["b", "2"]]]);
  assert.equal(said(""), [["DEFAULT"]]);
  assert.equal(said("[DEFAULT]\na = 1\n"), [["DEFAULT"], ["DEFAULT", ["a", "1"]]]);
});

/** What ini.v1 reads as the value of `k`. */
const READ: readonly (readonly [string, string])[] = [
  ["k=v", "v"],
  ["k : v ", "v"],
  ["k = a=b:c", "a=b:c"],
  ["k =", ""],
  ["k = 'it'", "it"],
  ["k = 'it's'", "'it's'"],
  ['k = "a b"', "a b"],
  ["k = \"a'", "\"a'"],
  ["k = `a;b#c`", "a;b#c"],
  ["k = `a`b` junk", "a`b"],
  ['k = """a"b"""', 'a"b'],
  ['k = """', '"""'],
  ["k = a ; c", "a"],
  ["k = a#c", "a"],
  ['k = "a;b"', '"a'],
  ["k = ;c", ""],
  ["k = a\\nb", "a\\nb"],
  ["k = %(x)s", "%(x)s"],
  ["k = a \\\n   b", "a b"],
  ["k = a \\\n   b \\\nc ; d", "a b c ; d"],
  ["k = a \\\n\nx = 1", "a "],
  ["k = a \\\n[s]", "a [s]"],
  ["k = `m\n l`", "m\n l"],
  ['k = """m\n\nl"""', "m\n\nl"],
  ['k = """m\r\nl"""\r\n', "m\r\nl"],
  ["k = `m\nl` \\\nn`", "m\nl` \\\nn"],
  ["k = v\u00a0", "v"],
  ["k = \ufeffv", "\ufeffv"],
  ["\ufeffk = v", "v"],
  ["`k` = v", "v"],
  ['"k" = v', "v"],
  ['"""k""" = v', "v"],
  ["  k  = v", "v"],
  ["k = 1\nk = 2", "2"],
];
for (const [text, wanted] of READ) {
  test(`reads ${JSON.stringify(text)}`, () => {
    assert.is(value(text), wanted);
  });
}

for (const [text, message] of [
  ["s3cret", /has no `=`/],
  ["= s3cret", /has no name/],
  ['"" = s3cret', /has no name/],
  ["`k = s3cret", /never closed/],
  ["[s3cret", /never closed/],
  ["[] s3cret", /has no name/],
  ["k = `s3cret", /never closed/],
  ['k = """s3cret\nx', /never closed/],
] as const) {
  test(`refuses ${JSON.stringify(text)} with its place`, () => {
    let error: TsopsError | undefined;
    try {
      ini.read(`a = 1\n${text}\n`);
    } catch (thrown) {
      error = thrown as TsopsError;
    }
    assert.is(error?.code, "parse");
    assert.is(error?.exitCode, 2);
    assert.is(error?.place?.line, 2);
    assert.match(error?.message ?? "", message);
    assert.not.match(`${error?.message}${error?.hint}`, "s3cret");
  });
}

test("a key that is a dash gets a number, from 1 in each section", () => {
  assert.equal(said("- = a\n- = b\n[s]\n- = c\n"), [
    ["DEFAULT", ["#1", "a"], ["#2", "b"]],
    ["s", ["#1", "c"]],
  ]);
});

test("a comment belongs to the key below it, after which it comes; several lines are one", () => {
  assert.equal(said("; one\n  # two\n\n; three\nk = v\n"), [
    ["DEFAULT", ["k", "v"], "# one\n# two\n; three"],
  ]);
  assert.equal(said("k = v ; c\n"), [["DEFAULT", ["k", "v"], "# c"]]);
});

test("a section's comment comes first in it, and has the section's path", () => {
  const text = "a = 1\n\n; above\n[s] ; behind\nb = 2 # inline\n";
  assert.equal(said(text), [
    ["DEFAULT", ["a", "1"]],
    ["s", "# above\n; behind", ["b", "2"], "# inline"],
  ]);
  assert.equal(ini.read(text).entries.map(aadOf), ["DEFAULT:a:", "s:", "s:b:", "s:"]);
});

test("what SOPS loses is marked so, and has a span of its own", () => {
  const text = "; above\nk = 1 ; inline\nk = 2\n; end\n";
  const reading = ini.read(text);
  assert.equal(
    reading.entries.map(({ kind, key, value, lost = false, start, end }) => [
      kind,
      key,
      value,
      lost,
      text.slice(start, end),
    ]),
    [
      ["comment", "k", "1", true, "1"],
      ["comment", undefined, "above", true, "above"],
      ["comment", undefined, "inline", true, "inline"],
      ["value", "k", "2", false, "2"],
      ["comment", undefined, "end", true, "end"],
    ],
  );
  assert.equal(aadOf(reading.entries[0]!), "DEFAULT:k:");
  assert.equal(reading.duplicates, [23]);
  assert.equal(said(text), [["DEFAULT", ["k", "2"]]]);
  assert.not.match(ciphered(text), /above|inline|end|1|2/);
});

test("a second comment for a key is lost, the first is not", () => {
  const lost = ini.read("; above\nk = 1 ; inline\n").entries.map((entry) => entry.lost ?? false);
  assert.equal(lost, [false, false, true]);
});

test("equal sections stay apart", () => {
  assert.equal(said("[s]\na = 1\n[s]\na = 2\n"), [["DEFAULT"], ["s", ["a", "1"]], ["s", ["a", "2"]]]);
});

test("a comment that starts with bare marks, at which SOPS would crash, starts with its words", () => {
  assert.equal(said(";;;;;\n; About\n;;;;;\nk = v\n"), [["DEFAULT", ["k", "v"], "# About\n;;;;;"]]);
  assert.is(ciphered(";;;;;\n; About\n;;;;;\nk = v\n"), ";;;;;ENC[x]\nk = ENC[x]\n");
});

test("a ciphertext keeps the place of its value and the quotes", () => {
  assert.is(ciphered("a  =  1 ; c\n"), "a  =  ENC[x] ;ENC[x]\n".replace(";E", "; E"));
  assert.is(ciphered("a='1'\r\nb:\"2\"\r\nc=`3`\r\n"), "a='ENC[x]'\r\nb:\"ENC[x]\"\r\nc=`ENC[x]`\r\n");
  assert.is(ciphered('a = """m\nl"""\n'), 'a = """ENC[x]"""\n');
  assert.is(ciphered("a = 1 \\\n 2\n"), "a = ENC[x]\n");
});

test("behind a value of several lines in quotes SOPS would not see a comment, so the quotes go", () => {
  assert.is(ciphered('a = """m\nl""" ; c\n'), "a = ENC[x] ; ENC[x]\n");
});

test("a ciphertext never stands behind a section's header, where its bracket would end the name", () => {
  assert.is(ciphered("[s] ; c\n"), "; ENC[x]\n[s]\n");
  assert.is(ciphered("# a\n\n[s] ; c\n"), "# ENC[x]\n\n[s]\n");
});

test("values are spelled in their quotes as long as those fit, else in others that read back", () => {
  const reading = ini.read("p = x\nq = 'x'\nc = x ; c\n");
  const [plain, quoted, commented] = reading.entries;
  const spell = (entry: typeof plain, text: Scalar) => ini.spell(reading, entry!, text);
  assert.equal(
    ["a b", "a;b", " a", "a\nb", "a`b", '"a"', "a\\", ""].map((text) => spell(plain, text)),
    ["a b", "`a;b`", '" a"', '"""a\nb"""', "a`b", '`"a"`', '"a\\"', ""],
  );
  assert.equal(
    ["a b", "it's", "a;b"].map((text) => spell(quoted, text)),
    ["'a b'", "it's", "`a;b`"],
  );
  assert.is(spell(commented, "a;b"), "`a;b`");
  assert.equal(
    [12, 5n, true, null].map((scalar) => spell(plain, scalar)),
    ["12.0", "5", "true", "<nil>"],
  );
});

test("a value that no quotes fit is refused", () => {
  const reading = ini.read("k = x\n");
  assert.is(
    codeOf(() => ini.spell(reading, reading.entries[0]!, 'a"""`\nb`\n"""c\n')),
    "print",
  );
});

test("any text is read or refused with its place", () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.string({ unit: "binary" }), fc.string(), texts),
      (text) => void tryRead(ini, text),
    ),
    {
      numRuns: 500,
    },
  );
});

/** A value of three quotes at the very end is one only there: any line behind it makes it an open one. */
const threeQuotesAtEnd = (text: string): boolean => text.endsWith('"""');

test("ciphertexts in the place of values, and back", () => {
  fc.assert(
    fc.property(texts, (text) => {
      if (tryRead(ini, text)) replacingLaw(ini, text);
    }),
    { numRuns: 200 },
  );
});

test("metadata comes and goes without a trace", () => {
  fc.assert(
    fc.property(texts, (text) => {
      if (!tryRead(ini, text) || threeQuotesAtEnd(text)) return;
      flatMetadataLaw(ini, text);
      spliceLaw(ini, text);
    }),
    { numRuns: 200 },
  );
});

test("what is encrypted decrypts to the same bytes, and shows no value", async () => {
  const { encrypt, decrypt } = await box(ini);
  fc.assert(
    fc.property(texts, (text) => {
      if (!tryRead(ini, text) || threeQuotesAtEnd(text)) return;
      assert.is(decrypt(encrypt(text)).text, text);
    }),
    { numRuns: 200 },
  );
  const text = "; s3cret\n[a] ; s3cret\nk = s3cret\nk = `s3cret\n` s3cret\n; s3cret\n";
  assert.not.match(encrypt(text), "s3cret");
});

test("the metadata is the section sops", () => {
  const reading = ini.read("a = 1\n; note\n\n[sops]\nmac = m\nage__list_0__map_enc = x\\ny\n\n[b]\nc = 2\n");
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
  assert.equal(said(reading.text), [
    ["DEFAULT", ["a", "1"]],
    ["b", ["c", "2"]],
  ]);
  assert.is(reading.entries.find((entry) => entry.value === "note")?.lost, true);
});

test("malformed metadata does not stop the reading", () => {
  for (const text of ["[sops]\nage__list_3 = x\n", "[sops]\n[sops]\n"]) {
    const reading = ini.read(text);
    assert.is(
      codeOf(() => reading.metadata?.tree),
      "parse",
    );
  }
});

test("a block goes to the end behind an empty line, aligned, with the file's line breaks", () => {
  const add = (text: string) =>
    applyEdits(
      text,
      ini.addMetadata(
        ini.read(text),
        TreeMap.of([
          ["mac", "m"],
          ["version", "3"],
        ]),
        {},
      ),
    );
  assert.is(add("a = 1\n"), "a = 1\n\n[sops]\nmac     = m\nversion = 3\n");
  assert.is(add("a = 1"), "a = 1\n\n[sops]\nmac     = m\nversion = 3");
  assert.is(add("a = 1\r\n"), "a = 1\r\n\r\n[sops]\r\nmac     = m\r\nversion = 3\r\n");
  assert.is(add(""), "[sops]\nmac     = m\nversion = 3\n");
});

test("a block between sections goes, and the sections stay", () => {
  const text = "[a]\nx = 1\n\n[sops]\nmac = m\n\n; c\n[b]\ny = 2\n";
  const plain = applyEdits(text, ini.removeMetadata(ini.read(text)));
  assert.is(plain, "[a]\nx = 1\n\n\n; c\n[b]\ny = 2\n");
});

test("set replaces a value in its place, with its quotes and its comment", () => {
  assert.is(setting("[s]\na  :  '1' ; c\n", ["s", "a"], "2"), "[s]\na  :  '2' ; c\n");
  assert.is(setting("a = 1\na = 2\n", ["DEFAULT", "a"], "3"), "a = 1\na = 3\n");
  assert.is(setting("[s]\na =\n", ["s", "a"], "1"), "[s]\na = 1\n");
  assert.is(setting("[s]\na=\n", ["s", "a"], "1"), "[s]\na=1\n");
  assert.is(setting("[s]\na = 1\n", ["s", "a"], 12), "[s]\na = 12.0\n");
});

test("set adds a key behind the last of its section, laid out like the others", () => {
  assert.is(setting("[s]\n  a=1\n\n[t]\n", ["s", "b"], "2"), "[s]\n  a=1\n  b=2\n\n[t]\n");
  assert.is(
    setting("[s]\nlong_key = 1\na        = 2", ["s", "b"], "3"),
    "[s]\nlong_key = 1\na        = 2\nb        = 3",
  );
  assert.is(setting("[s]\n; c\n", ["s", "b"], "2"), "[s]\nb = 2\n; c\n");
  assert.is(setting("; license\n[s]\n", ["DEFAULT", "b"], "2"), "b = 2\n; license\n[s]\n");
  assert.is(setting("a = 1 \\", ["DEFAULT", "b"], "2"), "a = 1 \\\n\nb = 2");
});

test("set adds a section at the end, before the metadata", () => {
  assert.is(setting("[s]\na = 1\n", ["t", "b"], "2"), "[s]\na = 1\n\n[t]\nb = 2\n");
  assert.is(
    setting("[s]\na = 1\n\n[sops]\nmac = m\n", ["t", "b"], "2"),
    "[s]\na = 1\n\n[t]\nb = 2\n\n[sops]\nmac = m\n",
  );
  assert.is(setting("a = 1", ["t"], TreeMap.of([["b", "2"]])), "a = 1\n\n[t]\nb = 2");
  assert.is(setting("[s]\na = 1\nb = 2\n\n[t]\n", ["s"], TreeMap.of([["c", "3"]])), "[s]\nc = 3\n\n[t]\n");
});

test("set refuses what an INI file cannot hold", () => {
  const code = (path: PathElement[], tree: Tree) => codeOf(() => setting("[s]\na = 1\n", path, tree));
  assert.is(code(["s"], "1"), "print");
  assert.is(code(["s", "a"], new TreeMap()), "print");
  assert.is(code(["s", "a", "b"], "1"), "print");
  assert.is(code(["s", "-"], "1"), "print");
  assert.is(code(["s", "a\nb"], "1"), "print");
  assert.is(code(["a\nb", "x"], "1"), "print");
  assert.is(code(["", "x"], "1"), "print");
  assert.is(code([0, "x"], "1"), "bad-path");
  assert.is(code(["s", 0], "1"), "bad-path");
  assert.is(code(["sops", "mac"], "1"), "already-encrypted");
});

test("unset takes a key with all its lines, or a section", () => {
  assert.is(unsetting('[s]\n; c\na = """m\nl""" ; d\nb = 2\n', ["s", "a"]), "[s]\n; c\nb = 2\n");
  assert.is(unsetting("a = 1\nb = 2\na = 3", ["DEFAULT", "a"]), "b = 2");
  assert.is(unsetting("[s]\na = 1\n\n[t]\nb = 2\n", ["t"]), "[s]\na = 1\n");
  assert.is(
    codeOf(() => unsetting("[s]\n", ["s", "a"])),
    "bad-path",
  );
});

test("set and unset do to the text what SOPS does to the tree", () => {
  const names = fc.constantFrom("a", "b", "new", "with space", "k=v", '"dq', "#x", "[x", "é");
  const sections = fc.constantFrom("DEFAULT", "a", "b", "new", "a]b", " s ");
  const values = fc.oneof(
    fc.constantFrom("", "x", " x", "a;b", "a\nb", "'q'", "a\\", '"', "`", "\\"),
    fc.string(),
  );
  const property = fc.property(
    texts,
    fc.tuple(sections, names),
    values,
    fc.boolean(),
    (text, path, scalar, encrypted) => {
      const reading = tryRead(ini, text);
      if (!reading || threeQuotesAtEnd(text)) return;
      const from = encrypted ? applyEdits(text, ini.addMetadata(reading, FLAT_METADATA, {})) : text;
      const before = treeOf(from);
      const done = setting(from, path, scalar);
      assert.equal(plainTree(treeOf(done)), plainTree(modelSet(before, path, scalar)));
      assert.is(ini.read(done).metadata !== undefined, encrypted);
      const gone = unsetting(done, path);
      assert.equal(plainTree(treeOf(gone)), plainTree(modelUnset(treeOf(done), path)));
    },
  );
  fc.assert(property, { numRuns: 300 });
});

test("trees are printed as SOPS prints them, and so that they can be read again", () => {
  const section = new TreeMap([
    new TreeComment("about s"),
    { key: "a", value: 1n },
    new TreeComment("about a\nmore"),
    { key: "long key", value: "x;y" },
    { key: "k=v", value: "" },
    { key: "q", value: '"quoted"' },
  ]);
  const tree = TreeMap.of([
    ["DEFAULT", new TreeMap()],
    ["s", section],
    ["t", TreeMap.of([["z", 12]])],
  ]);
  const text = ini.print([tree], {});
  assert.is(
    text,
    '; about s\n[s]\n; about a\n; more\na        = 1\nlong key = `x;y`\n`k=v`    = \nq        = `"quoted"`\n\n[t]\nz = 12.0\n',
  );
  assert.is(ini.print([treeOf(text)], {}), text);
});

test("trees that are not made of sections of scalars are not printed", () => {
  const code = (...pairs: [string, Tree][]) => codeOf(() => ini.print([TreeMap.of(pairs)], {}));
  assert.is(code(["a", "1"]), "print");
  assert.is(code(["a", new TreeList()]), "print");
  assert.is(code(["a", TreeMap.of([["b", new TreeMap()]])]), "print");
  assert.is(code(["", new TreeMap()]), "print");
  assert.is(code(["a", TreeMap.of([["", "1"]])]), "print");
});

test("single values are printed as JSON, on one line", () => {
  assert.is(ini.printValue(1n, {}), "1");
  assert.is(ini.printValue(new TreeList([1n, "a"]), {}), '[1,"a"]');
});

for (const { name, plain, encrypted, printed } of goldenCases("ini")) {
  test(`golden ${name}`, () => {
    const reading = ini.read(plain);
    assert.is(ini.print(buildTrees(reading.entries, 1), {}), printed);
    const sealed = ini.read(encrypted);
    const kept = reading.entries.filter((entry) => !entry.lost);
    assert.equal(sealed.entries.map(pathOf), kept.map(pathOf));
    assert.match(String(sealed.metadata?.tree.get("mac")), /^ENC\[AES256_GCM,/);
    // SOPS's own block is the one that is printed here
    const bare = applyEdits(encrypted, ini.removeMetadata(sealed));
    assert.is(applyEdits(bare, ini.addMetadata(ini.read(bare), sealed.metadata!.tree, {})), encrypted);
  });
}

test.run();
