import fc from "fast-check";
import { getStaticTOMLValue, parseTOML } from "toml-eslint-parser";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { TsopsError } from "../../../src/errors.ts";
import { buildTrees } from "../../../src/formats/build.ts";
import { type Entry, pathOf } from "../../../src/formats/format.ts";
import { type Scalar, Time } from "../../../src/formats/scalar.ts";
import { applyEdits } from "../../../src/formats/text.ts";
import { toml } from "../../../src/formats/toml/index.ts";
import { TreeComment, TreeList, TreeMap } from "../../../src/formats/tree.ts";
import { mutated } from "../../support/formats/json-texts.ts";
import { canonical, METADATA, replacingLaw, said, spliceLaw, tryRead } from "../../support/formats/laws.ts";
import { tomlDocuments, tomlTexts } from "../../support/formats/toml-texts.ts";
import { trees } from "../../support/formats/trees.ts";

fc.configureGlobal({ includeErrorInReport: true });

function treeOf(text: string): TreeMap {
  return buildTrees(toml.read(text).entries, 1)[0]!;
}

function reads(text: string): [string, Scalar | undefined][] {
  return toml.read(text).entries.map((entry) => [pathOf(entry).join("/"), entry.value]);
}

function refused(text: string): TsopsError {
  try {
    toml.read(text);
  } catch (error) {
    if (error instanceof TsopsError) return error;
    throw error;
  }
  throw new Error(`read without an error: ${text}`);
}

function adding(text: string, block = METADATA): string {
  return applyEdits(text, toml.addMetadata(toml.read(text), block, {}));
}

function without(text: string): string {
  return applyEdits(text, toml.removeMetadata(toml.read(text)));
}

test("tables, dotted keys, arrays of tables and inline tables make one tree", () => {
  const text = `a = 1
b.c."d e" = 'x'
[t]
x = [1, [2, {y = 3, z.w = 4}], []]
[t.'sub'.deep]
k = {}
[[l]]
n = 1
[[l]]
[l.sub]
n = 2
[[l.sub.m]]
n = 3
[empty]
[e.f]
`;
  assert.equal(reads(text), [
    ["a", 1n],
    ["b/c/d e", "x"],
    ["t/x/0", 1n],
    ["t/x/1/0", 2n],
    ["t/x/1/1/y", 3n],
    ["t/x/1/1/z/w", 4n],
    ["t/x/2", undefined],
    ["t/sub/deep/k", undefined],
    ["l/0/n", 1n],
    ["l/1/sub/n", 2n],
    ["l/1/sub/m/0/n", 3n],
    ["empty", undefined],
    ["e/f", undefined],
  ]);
  const kinds = toml.read(text).entries.map(({ kind }) => kind);
  assert.equal(
    kinds.filter((kind) => kind !== "value"),
    ["empty-list", "empty-map", "empty-map", "empty-map"],
  );
  for (const empty of ["", "\n", "\ufeff"]) assert.equal(reads(empty), [["", undefined]]);
  assert.is(toml.read("[[l]]\n[[l]]\n").entries.length, 2);
});

test("values of all types", () => {
  const cases: [string, Scalar][] = [
    ["+99", 99n],
    ["1_000", 1000n],
    ["0xDEAD_beef", 0xdeadbeefn],
    ["0o755", 0o755n],
    ["0b11010110", 0b11010110n],
    ["-9223372036854775808", -(2n ** 63n)],
    ["9223372036854775808", 2 ** 63],
    ["6.626e-34", 6.626e-34],
    ["1.0", 1],
    ["-0.0", -0],
    ["1e06", 1e6],
    ["inf", Infinity],
    ["-inf", -Infinity],
    ["+nan", Number.NaN],
    ["true", true],
    ["1979-05-27T07:32:00Z", Time.parse("1979-05-27T07:32:00Z")!],
    ["1979-05-27 00:32:00.9990-07:00", Time.parse("1979-05-27T00:32:00.999-07:00")!],
    ["1979-05-27t07:32z", Time.parse("1979-05-27T07:32:00Z")!],
    ["1979-05-27T07:32:00", "1979-05-27T07:32:00"],
    ["1979-05-27 07:32:00.5", "1979-05-27 07:32:00.5"],
    ["1979-05-27", "1979-05-27"],
    ["07:32:00", "07:32:00"],
    ["2016-12-31T23:59:60Z", "2016-12-31T23:59:60Z"],
    [`"a\\u00e9\\U0001F600\\t\\\\\\"\\x41\\e"`, 'aé😀\t\\"A\x1b'],
    ["'C:\\x\"'", 'C:\\x"'],
    ['"""\nRoses\r\nViolets\\\n   blue""\\""""', 'Roses\nVioletsblue"""'],
    ['""""two quotes"""""', '"two quotes""'],
    ["'''\nraw \\ '' text'''", "raw \\ '' text"],
    ["''''''", ""],
    [`"\\u00610"`, "a0"],
  ];
  for (const [text, value] of cases) {
    const [entry] = toml.read(`a = ${text} # c`).entries.filter(({ kind }) => kind === "value");
    assert.equal(canonical(entry!.value), canonical(value), text);
    assert.equal([entry!.start, entry!.end], [4, 4 + text.length], text);
  }
});

test("what TOML does not allow is refused where it stands", () => {
  const complete = "this table is complete where it is defined, and nothing can be added here";
  const cases: [string, string, number, number][] = [
    ["a = 1\na = 2", "this key is defined twice", 2, 1],
    ["[a]\nb = 1\n[a]", "this key is defined twice", 3, 2],
    ["a.b = 1\n[a]", "this key is defined twice", 2, 2],
    ["[a]\n[[a]]", "this key is defined twice", 2, 3],
    ["a = [1]\n[[a]]", "this key is defined twice", 2, 3],
    ["a = {b = 1}\n[a.c]", complete, 2, 2],
    ["a = {}\na.b = 1", complete, 2, 1],
    ["[a.b]\n[a]\nb.c = 1", complete, 3, 1],
    ["a = 1\na.b = 2", "this key holds a value, and is not a table", 2, 1],
    ["a = {b = 1, b = 2}", "this key is defined twice", 1, 13],
    ["a", "an equals sign was expected after the key", 1, 2],
    ["a = ", "a value was expected here", 1, 5],
    ["a = b", "this is not a value", 1, 5],
    ["a = 1 b = 2", "the line was expected to end here", 1, 7],
    ["a = [1 2]", "a comma or the closing bracket was expected here", 1, 8],
    ["a = [1,", "this array has no closing bracket", 1, 5],
    ["a = {b = 1", "this inline table has no closing bracket", 1, 5],
    ["[a", "a closing bracket was expected after the table's name", 1, 3],
    ["[[a]", "]] was expected after the table's name", 1, 5],
    ["[]", "a key was expected here", 1, 2],
    ["é = 1", "a key was expected here", 1, 1],
    ['a = "x', "this text has no closing quote", 1, 5],
    ['a = "x\ny"', "this text has no closing quote", 1, 5],
    ['a = """x""', "this text has no closing quotes", 1, 5],
    ['a = "\\q"', "TOML has no such escape", 1, 6],
    ['a = "\\ud800"', "there is no character with this number", 1, 6],
    ['a = "\u0001"', "a text may not hold a raw control character", 1, 6],
    ["# \u0001", "a comment may not hold a control character", 1, 3],
    ["a = 01", "a number may not start with a zero", 1, 5],
    ["a = 1__0", "an underscore in a number must be between digits", 1, 5],
    ["a = 0b_1", "an underscore in a number must be between digits", 1, 5],
    ["a = 1_e5", "an underscore in a number must be between digits", 1, 5],
    ["a = 1e999", "this number is too large for a 64-bit float", 1, 5],
    ["a = 2025-02-29", "there is no such date or time", 1, 5],
    ["a = 25:00:00", "there is no such date or time", 1, 5],
    ['"""a""" = 1', "a key may not be a multi-line string", 1, 1],
    ["sops = 1", "the entry named sops is not a table", 1, 8],
    ["[[sops]]", "the entry named sops is not a table", 1, 1],
    ["a = '\udc80'", "this byte is not UTF-8", 1, 6],
  ];
  for (const [text, message, line, column] of cases) {
    const error = refused(text);
    assert.is(error.code, "parse", text);
    assert.is(error.message, message, text);
    assert.equal(error.place, { line, column }, text);
  }
});

test("comments belong to the table they stand in; those behind a value come before it", () => {
  const text = `# head
a = 1 # about a
b.c = 2 # about c
[t] # on t
# in t
x = [ # in x
  1, # about 1
  # alone
  2 # about 2
] # behind x
y = {} # about y
# still t
[u]
`;
  const found = toml.read(text).entries.map((entry) => {
    const at = entry.in ? pathOf(entry.in).join("/") : "";
    if (entry.kind !== "comment") return `${at}=${entry.value ?? entry.kind}`;
    return `${entry.inline ? "<" : ""}${at}#${entry.value}`;
  });
  assert.equal(found, [
    "# head",
    "<# about a",
    "=1",
    "<b# about c",
    "b=2",
    "t# on t",
    "t# in t",
    "t/x# in x",
    "<t/x# about 1",
    "t/x=1",
    "t/x# alone",
    "<t/x# about 2",
    "t/x=2",
    "t# behind x",
    "<t# about y",
    "t=empty-map",
    "t# still t",
    "=empty-map",
  ]);
});

test("a ciphertext keeps the quotes of its string, and a local date comes back without any", () => {
  const cases: [string, string][] = [
    ['"x"', '"ENC[x]"'],
    ["'x'", "'ENC[x]'"],
    ['"""x"""', '"""ENC[x]"""'],
    ['"""\nx"""', '"""\nENC[x]"""'],
    ["'''\nx'''", "'''\nENC[x]'''"],
    ["1979-05-27", "'''ENC[x]'''"],
    ["07:32:00", "'''ENC[x]'''"],
    ["1979-05-27T07:32:00Z", '"ENC[x]"'],
    ["12", '"ENC[x]"'],
    ["true", '"ENC[x]"'],
  ];
  for (const [plain, cipher] of cases) {
    const reading = toml.read(`a = ${plain}\n`);
    const [entry] = reading.entries as [Entry];
    assert.is(toml.spellCipher(reading, entry, "ENC[x]"), cipher);
    const encrypted = toml.read(`a = ${cipher}\n`);
    const [other] = encrypted.entries as [Entry];
    assert.is(other.value, "ENC[x]");
    assert.is(toml.spell(encrypted, other, entry.value!), plain);
    assert.is(toml.spellCipher(encrypted, other, "ENC[x]"), cipher);
  }
  // Text that looks like a date stays a text.
  const reading = toml.read('a = "1979-05-27"');
  assert.is(toml.spell(reading, reading.entries[0]!, "1979-05-27"), '"1979-05-27"');
  const crlf = toml.read('a = """\r\nx\r\ny"""\r\n');
  assert.is(toml.spell(crlf, crlf.entries[0]!, "x\ny"), '"""\r\nx\r\ny"""');
  assert.is(toml.spellCipher(crlf, crlf.entries[0]!, "ENC[x]"), '"""\r\nENC[x]"""');
});

test("spelling falls back to quotes that can hold the text", () => {
  const spelled = (like: string, value: Scalar) => {
    const reading = toml.read(`a = ${like}`);
    return toml.spell(reading, reading.entries[0]!, value);
  };
  assert.is(spelled("'x'", "it's"), `"it's"`);
  assert.is(spelled("'x'", "a\nb"), '"a\\nb"');
  assert.is(spelled("'''x'''", "a'''b"), `"""a'''b"""`);
  assert.is(spelled("'''x'''", "a'"), `"""a'"""`);
  assert.is(spelled('"""x"""', 'a"""b"'), '"""a\\"""b\\""""');
  assert.is(spelled('"""x"""', "\na\r"), '"""\n\na\\r"""');
  assert.is(spelled('"x"', '"\\\u0001\x7f\udc80'), '"\\"\\\\\\u0001\\u007f\\ufffd"');
  assert.is(spelled("1", 1), "1.0");
  assert.is(spelled("1", 1e21), "1e+21");
  assert.is(spelled("1", 2 ** 63), "9223372036854776000.0");
  assert.is(spelled("1", -0), "-0.0");
  assert.is(spelled("1", Number.NaN), "nan");
  assert.is(spelled("1", -Infinity), "-inf");
  assert.is(spelled("1", false), "false");
  assert.is(spelled("1", Time.parse("2026-01-02T03:04:05.5+01:00")!), "2026-01-02T03:04:05.5+01:00");
  assert.throws(
    () => spelled("1", null),
    (error: TsopsError) => error.exitCode === 4,
  );
  const reading = toml.read("# x");
  assert.is(toml.spell(reading, reading.entries[0]!, " y"), " y");
  assert.throws(
    () => toml.spell(reading, reading.entries[0]!, "a\nb"),
    (error: TsopsError) => error.code === "print",
  );
});

test("metadata is a table at the end, and goes without a trace", () => {
  const block = TreeMap.of([
    [
      "age",
      new TreeList([
        TreeMap.of([
          ["enc", "a\nb\n"],
          ["recipient", "age1"],
        ]),
      ]),
    ],
    ["mac", "m"],
    ["tsops", TreeMap.of([["seal", "s"]])],
  ]);
  const written = `[sops]
mac = "m"

[[sops.age]]
enc = """
a
b
"""
recipient = "age1"

[sops.tsops]
seal = "s"`;
  assert.is(adding("a = 1\n", block), `a = 1\n\n${written}\n`);
  assert.is(adding("a = 1", block), `a = 1\n\n${written}`);
  assert.is(adding("", block), `${written}\n`);
  assert.is(adding("a = 1\r\n", block), `a = 1\r\n\r\n${written.replaceAll("\n", "\r\n")}\r\n`);
  const texts = [
    "",
    "\n",
    "\n\n",
    "a = 1",
    "a = 1\n",
    "a = 1\n\n",
    "[t]",
    "# c",
    "# c\n",
    "\ufeff",
    "\ufeffa=1",
    " ",
  ];
  for (const text of [...texts, "a = 1\r\n", "a = 1 \t", "\r\n"]) {
    assert.is(without(adding(text)), text, JSON.stringify(text));
  }
});

test("key groups are arrays of tables inside arrays of tables", () => {
  const age = (recipient: string) => TreeMap.of([["recipient", recipient]]);
  const group = (recipient: string) =>
    TreeMap.of([
      ["hc_vault", new TreeList()],
      ["age", new TreeList([age(recipient), age("x")])],
    ]);
  const block = TreeMap.of([
    ["key_groups", new TreeList([group("a"), group("b")])],
    ["mac", ""],
  ]);
  const { metadata } = toml.read(adding("a = 1\n", block));
  assert.equal(canonical(metadata!.tree), canonical(block));
  const paths = metadata!.entries.map((entry) => pathOf(entry).join("/"));
  assert.equal(
    paths.filter((path) => path.endsWith("recipient")),
    ["0/age/0", "0/age/1", "1/age/0", "1/age/1"].map((path) => `key_groups/${path}/recipient`),
  );
});

test("a block that was moved goes with its lines, and comments behind it stay", () => {
  assert.is(
    without("a = 1\n\n[sops]\nmac = 'm'\n[sops.x]\n\n# about b\n[b]\nc = 1\n"),
    "a = 1\n\n# about b\n[b]\nc = 1\n",
  );
  assert.is(without("a = 1\n[sops]\nmac = 'm'\n[b]\nc = 1\n"), "a = 1\n[b]\nc = 1\n");
  assert.is(without("a = 1\nsops.mac = 'm' # x\nb = 2\n"), "a = 1\nb = 2\n");
  assert.is(without("sops = {mac = 'm'}\nb = 2\n"), "b = 2\n");
  const { entries } = toml.read("[t]\nx = 1\n\n[sops]\n# inside\nmac = 'm'\n# behind\n");
  assert.equal(
    entries.map((entry) => [entry.kind, pathOf(entry)]),
    [
      ["value", ["t", "x"]],
      ["comment", []],
    ],
  );
});

test("a block is replaced in its place", () => {
  const other = TreeMap.of([["mac", "n"]]);
  const replaced = (text: string) => applyEdits(text, toml.replaceMetadata(toml.read(text), other, {}));
  assert.is(
    replaced("a = 1\n\n[sops]\nmac = 'm'\n[[sops.age]]\n\n[b]\n"),
    'a = 1\n\n[sops]\nmac = "n"\n\n[b]\n',
  );
  assert.is(replaced(adding("a = 1\n")), 'a = 1\n\n[sops]\nmac = "n"\n');
  assert.is(replaced("sops.mac = 'm'\na = 1\n"), 'a = 1\n\n[sops]\nmac = "n"\n');
  assert.is(replaced("[sops]\nmac = 'm'\n[b]\nc = 1\n[sops.x]\n"), '[sops]\nmac = "n"\n[b]\nc = 1\n');
});

test("printing: values first, then tables, comments where they can stand", () => {
  const tree = new TreeMap([
    new TreeComment(" head"),
    {
      key: "t",
      value: TreeMap.of([
        ["x", 1n],
        ["u", TreeMap.of([["y z", "a\nb"]])],
      ]),
    },
    new TreeComment(" about b", true),
    { key: "b", value: 1.5 },
    {
      key: "l",
      value: new TreeList([TreeMap.of([["n", new TreeList([1n, TreeMap.of([])])]]), new TreeMap()]),
    },
    { key: "e", value: new TreeMap() },
  ]);
  const printed = `b = 1.5 # about b
e = {}

# head
[t]
x = 1

[t.u]
"y z" = """
a
b"""

[[l]]
n = [1, {}]

[[l]]
`;
  assert.is(toml.print([tree], {}), printed);
  assert.is(toml.print([new TreeMap()], {}), "");
  assert.is(toml.printValue(new TreeList([1n, "x"]), {}), '[1, "x"]');
  assert.throws(
    () => toml.print([TreeMap.of([["a", null]])], {}),
    (error: TsopsError) => error.exitCode === 4,
  );
});

test("size and depth are no trouble", () => {
  assert.match(refused(`a = ${"[".repeat(100_000)}`).message, /nested deeper/);
  assert.match(refused(`${"a.".repeat(100_000)}a = 1`).message, /nested deeper/);
  const long = "x".repeat(2_000_000);
  assert.equal(reads(`a = "${long}"\nb = '''${long}'''`), [
    ["a", long],
    ["b", long],
  ]);
  assert.is(toml.read(`a = [1${"\n# c".repeat(100_000)}\n]`).entries.length, 100_001);
  const many = Array.from({ length: 100_000 }, (_, i) => `k${i} = "ENC[AES256_GCM,data:AAAA]" # c\n`).join(
    "",
  );
  assert.is(without(adding(many)), many);
});

test("property: arbitrary and broken texts are read, or refused with a place", () => {
  const some = fc.oneof(fc.string({ unit: "binary" }), mutated(tomlTexts));
  fc.assert(
    fc.property(some, (text) => void tryRead(toml, text)),
    { numRuns: 500 },
  );
});

test("property: reads what toml-eslint-parser reads, and nothing else", () => {
  fc.assert(
    fc.property(fc.oneof(tomlTexts, mutated(tomlTexts)), (text) => {
      // That parser takes a lone carriage return for a line break, and numbers beyond 64 bits.
      if (/\r(?!\n)|[eE]\+?\d{3}|\p{Surrogate}|sops/u.test(text)) return;
      let accepted = true;
      let value: unknown;
      try {
        const ast = parseTOML(text.replace(/^\ufeff/, " "));
        // It sets the prototype for __proto__.
        value = text.includes("__proto__") ? undefined : getStaticTOMLValue(ast);
      } catch {
        accepted = false;
      }
      const reading = tryRead(toml, text);
      assert.is(reading !== undefined, accepted, text);
      if (reading && value !== undefined) assert.equal(plain(treeOf(text)), plain(value), text);
    }),
    { numRuns: 1000 },
  );
});

/** Both readings on common ground: dates as a mark, integers as floats. */
function plain(value: unknown): unknown {
  if (value instanceof TreeMap) return pairs(value.entries().map((entry) => [entry.key, entry.value]));
  if (value instanceof TreeList) return { list: value.values().map(plain) };
  if (value instanceof Time || value instanceof Date) return "date";
  if (typeof value === "string" && /^\d{4}-\d\d-\d\d|^\d\d:\d\d/.test(value)) return "date";
  if (typeof value === "bigint" || typeof value === "number") return { number: String(Number(value)) };
  if (Array.isArray(value)) return { list: value.map(plain) };
  return typeof value === "object" && value !== null ? pairs(Object.entries(value)) : value;
}

function pairs(entries: [string, unknown][]): [string, unknown][] {
  return entries
    .map(([key, value]): [string, unknown] => [key, plain(value)])
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

test("line breaks of both kinds: each string keeps its own", () => {
  replacingLaw(toml, `a = """a\n"""\r\nb = {c = QQQ}\n`.replace("QQQ", "''''''"));
  replacingLaw(toml, `a = """\r\nx"""\nb = '''\r\ny'''\n`);
});

test("property: ciphertexts replace values and comments, and go again", () => {
  fc.assert(
    fc.property(tomlDocuments, (text) => replacingLaw(toml, text)),
    { numRuns: 300 },
  );
});

test("property: metadata comes and goes without a trace", () => {
  fc.assert(
    fc.property(tomlDocuments, (text) => {
      const reading = toml.read(text);
      const added = toml.read(adding(text));
      assert.equal(canonical(added.metadata!.tree), canonical(METADATA));
      assert.equal(added.entries.map(said), reading.entries.map(said));
      assert.is(without(added.text), text);
      const other = TreeMap.of([
        ["mac", "m"],
        ["pgp", new TreeList([TreeMap.of([["fp", "F"]])])],
      ]);
      const replaced = toml.read(applyEdits(added.text, toml.replaceMetadata(added, other, {})));
      assert.equal(canonical(replaced.metadata!.tree), canonical(other));
      assert.equal(replaced.entries.map(said), reading.entries.map(said));
      assert.is(without(replaced.text), text);
      spliceLaw(toml, text);
    }),
    { numRuns: 300 },
  );
});

test("property: what is printed reads as the same", () => {
  fc.assert(
    fc.property(trees(), (tree) => {
      const map = TreeMap.of([
        ["x", tree],
        ["y", 1n],
      ]);
      assert.equal(canonical(treeOf(toml.print([map], {}))), canonical(map));
    }),
    { numRuns: 300 },
  );
});

test.run();
