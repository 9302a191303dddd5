import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type Container, type Entry, type PathElement, pathOf } from "../../../src/formats/format.ts";
import { Time } from "../../../src/formats/scalar.ts";
import { placeOf } from "../../../src/formats/text.ts";
import { TreeMap } from "../../../src/formats/tree.ts";
import { yaml } from "../../../src/formats/yaml/index.ts";
import { valueBytes } from "../../../src/sops/cipher.ts";
import { describe, failure, fixture, tryRead } from "../../support/formats/yaml.ts";
import { documents } from "../../support/formats/yaml-texts.ts";

interface Place {
  doc: number;
  path: string[];
  before: string | number | null;
  inline: boolean;
  order: number;
}

interface CommentVector {
  class: string;
  yaml: string;
  comments: (Place & { line: number; text: string; lost: boolean; copies?: Place[] })[];
}

test("comments belong where SOPS's own loader puts them", () => {
  for (const vector of fixture<CommentVector[]>("comment-vectors.json")) {
    const { entries } = yaml.read(vector.yaml);
    const held = entries.filter(({ kind, lost }) => kind === "comment" && !lost);
    const placed = held.map((entry, order) => {
      const next = entries.slice(entries.indexOf(entry) + 1).find(({ kind }) => kind !== "comment");
      const before = next === undefined ? null : elementIn(entry.in!, next);
      const path = pathOf(entry).filter((element) => typeof element === "string");
      return { entry, place: { doc: rootOf(entry), path, before, inline: entry.inline === true, order } };
    });
    for (const { line, text, lost, copies, ...place } of vector.comments) {
      const at = `${vector.class}: ${JSON.stringify(vector.yaml)}: ${text}`;
      const own = entries.find(
        ({ kind, start, alias }) => kind === "comment" && !alias && placeOf(vector.yaml, start).line === line,
      );
      assert.ok(own, at);
      assert.is(own.value, text, at);
      assert.is(own.lost ?? false, lost, at);
      assert.is(vector.yaml.slice(own.start, own.end), `#${text}`, at);
      if (lost) continue;
      assert.equal(placed.find(({ entry }) => entry === own)!.place, place, at);
      for (const copy of copies ?? []) assert.equal(placed[copy.order]!.place, copy, at);
    }
  }
});

const rootOf = (entry: Entry): number => entry.in!.document;

/** Key or index under which a container holds an entry, at any depth; null if it does not. */
function elementIn(container: Container, entry: Entry): PathElement | null {
  if (entry.in === container) return entry.key!;
  for (let inner = entry.in; inner; inner = inner.parent) {
    if (inner.parent === container) return inner.key!;
  }
  return null;
}

interface ScalarVector {
  yaml: string;
  exit?: number;
  values?: { path: string[]; type?: string; plain?: string; plain_base64?: string; kind?: string }[];
}

test("scalars have the types and bytes that SOPS gives them", () => {
  for (const vector of fixture<ScalarVector[]>("scalar-vectors.json")) {
    const at = JSON.stringify(vector.yaml);
    if (!vector.values) {
      assert.is(failure(() => yaml.read(vector.yaml)).exitCode, vector.exit === 1 ? 2 : vector.exit, at);
      continue;
    }
    const entries = yaml.read(vector.yaml).entries.filter(({ kind }) => kind !== "comment");
    const found = entries.map((entry) => {
      const path = pathOf(entry).filter((element) => typeof element === "string");
      const { value, kind } = entry;
      if (kind !== "value") return [path, kind.replace("-", " ")];
      if (value === null) return [path, "null"];
      const bytes = valueBytes(value!).toString("base64");
      return [path, typeName(value!), bytes];
    });
    const wanted = vector.values.map(({ path, type, plain, plain_base64, kind }) => {
      if (kind) return [path, kind];
      return type === "null"
        ? [path, "null"]
        : [path, type, plain_base64 ?? Buffer.from(plain!).toString("base64")];
    });
    assert.equal(found, wanted, at);
  }
});

function typeName(value: unknown): string {
  if (value instanceof Time) return "time";
  return { string: "str", bigint: "int", number: "float", boolean: "bool" }[typeof value as "string"]!;
}

test("reading throws nothing but TsopsError, whatever the text", () => {
  const pieces = [
    ..." \n\n\t#-?:,[]{}&*!|>'\"%@`~<=a1é😀\r\u2028\u0085\ufeff\ud800\0",
    "- ",
    ": ",
    "\r\n",
    "---\n",
    "...\n",
  ];
  const more = [
    "|-\n",
    ">+2\n",
    "&a ",
    "*a ",
    "!t ",
    "!!int ",
    "%YAML 1.1\n",
    "<<: ",
    "\\x",
    "\\u00e9",
    "k: v\n",
    "# c\n",
  ];
  const text = fc
    .array(fc.constantFrom(...pieces, ...more), { maxLength: 40 })
    .map((parts) => parts.join(""));
  fc.assert(
    fc.property(text, (text) => void tryRead(text)),
    { numRuns: 1000 },
  );
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => void tryRead(text)),
    { numRuns: 300 },
  );
});

test("reading a damaged document throws nothing but TsopsError", () => {
  const damage = fc.tuple(
    fc.nat(),
    fc.nat({ max: 6 }),
    fc.constantFrom("", " ", "\n", "\t", ":", "#", "'", "- ", "{", "}", "\r"),
  );
  fc.assert(
    fc.property(documents, damage, (text, [place, length, piece]) => {
      const at = place % (text.length + 1);
      tryRead(text.slice(0, at) + piece + text.slice(at + length));
    }),
    { numRuns: 500 },
  );
});

test("every entry's span lies in the text, and no two overlap", () => {
  fc.assert(
    fc.property(documents, (text) => {
      const reading = tryRead(text);
      const spans = (reading?.entries ?? []).filter(
        ({ kind, alias }) => !alias && (kind === "value" || kind === "comment"),
      );
      spans.sort((a, b) => a.start - b.start || a.end - b.end);
      for (const [i, { start, end }] of spans.entries()) {
        assert.ok(start <= end && end <= text.length);
        assert.ok(i === 0 || spans[i - 1]!.end <= start);
      }
    }),
    { numRuns: 300 },
  );
});

test("aliases are expanded in their place", () => {
  assert.equal(describe(yaml.read("a: &x # i\n  k: 1 # c\nb: *x # l\n<<: [*x]\nz: &s v\ny: *s\n")), [
    "a: # i anchored",
    "a: # c inline anchored",
    "/a/k =bigint 1 anchored",
    ": # l inline",
    "b: # i alias",
    "b: # c inline alias",
    "/b/k =bigint 1 alias",
    "<<: # i alias",
    "<<: # c inline alias",
    "/<</0/k =bigint 1 alias",
    "/z =string v anchored",
    "/y =string v alias",
  ]);
  const [, , , , first, , copy, , , other] = yaml.read(
    "a: &x # i\n  k: 1 # c\nb: *x # l\n<<: [*x]\n",
  ).entries;
  assert.is(first!.alias, copy!.alias);
  assert.is.not(copy!.alias, other!.alias);
  assert.is(copy!.alias!.originals.length, 3);
});

test("an anchor holds across documents, and the last of two counts", () => {
  const text = "a: &x 1\nb: &x 2\nc: *x\n---\nd: *x\n";
  assert.equal(describe(yaml.read(text)).slice(2), ["/c =bigint 2 alias", "/d =bigint 2 alias"]);
});

test("aliases cannot be used to exhaust memory or stack", () => {
  let bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (let i = 1; i < 12; i++) bomb += `a${i}: &a${i} [${`*a${i - 1}, `.repeat(10)}]\n`;
  assert.match(failure(() => yaml.read(bomb)).message, /repeat too much/);
  assert.match(failure(() => yaml.read("a: &x [*x]\n")).message, /inside the value that it repeats/);
  assert.match(failure(() => yaml.read("a: &x\n  b: *x\n")).message, /inside the value that it repeats/);
  let chain = "a0: &a0 [x]\n";
  for (let i = 1; i < 1100; i++) chain += `a${i}: &a${i} [*a${i - 1}]\n`;
  assert.match(failure(() => yaml.read(chain)).message, /nested more than 1000|repeat too much/);
  assert.match(failure(() => yaml.read("a: *x\n")).message, /no anchor/);
});

test("nesting is limited, with a clear word", () => {
  assert.is(yaml.read(`a: ${"[".repeat(900)}${"]".repeat(900)}\n`).entries.length, 1);
  for (const deep of ["[", '{"a":', "- ", "? "]) {
    assert.match(failure(() => yaml.read(deep.repeat(100_000))).message, /nested more than 1000 deep/);
  }
  let block = "";
  for (let i = 0; i < 1100; i++) block += `${" ".repeat(i)}a:\n`;
  assert.match(failure(() => yaml.read(block)).message, /nested more than 1000 deep/);
});

test("line breaks that only SOPS knows, control characters and other encodings are refused", () => {
  for (const [text, message] of [
    ["a: x\u0085b: 1\n", /line break U\+0085/],
    ["a: x\u2028", /line break U\+2028/],
    ["a: # c\u2029\n", /line break U\+2029/],
    ["a: 1\rb: 2\n", /carriage return/],
    ["a: \0", /U\+0000/],
    ["a: '\x7f'", /U\+007F/],
    ["a: \udcff", /not UTF-8/],
    ["a: \ud800", /not UTF-8/],
    ["a: 1\n\ufeffb: 2\n", /byte order mark/],
  ] as const) {
    const error = failure(() => yaml.read(text));
    assert.is(error.code, "parse");
    assert.match(error.message, message);
    assert.ok(error.place?.line && error.hint, error.message);
  }
  assert.equal(describe(yaml.read('\ufeffa: "\\N\\L\\P\\0\\x7f"\n')), ["/a =string \x85\u2028\u2029\0\x7f"]);
});

test("what SOPS does not read is refused, with its place", () => {
  const cases: [string, RegExp, number, number][] = [
    ["%YAML 1.2\n---\na: 1\n", /YAML 1.2/, 1, 1],
    ["%FOO x\n---\na: 1\n", /unknown directive/, 1, 1],
    ["a: b: c\n", /second key/, 1, 5],
    ["a: 1\n  b: 2\n", /second key/, 2, 4],
    ["a:\n\tb: 1\n", /tab/, 2, 1],
    ["a: [1\n", /expected/, 2, 1],
    ["a: 'x\n", /never closed/, 1, 4],
    ['a: "\\/"\n', /unknown escape/, 1, 5],
    ['a: "\\ud83d\\ude00"\n', /does not stand for a character/, 1, 5],
    ["a: @x\n", /nothing can start/, 1, 4],
    ["a: {x: ENC[y]}\n", /expected/, 1, 11],
    ["a: 1\n...\nb: 2\n", /document ends/, 3, 1],
    ["a: !h!x 1\n", /not declared/, 1, 4],
    ["a: !!int x\n", /does not fit its tag/, 1, 10],
    ["- 1\n", /a list/, 1, 1],
    ["just text\n", /a single value/, 1, 1],
    ["{a: 1}: 2\n", /cannot be a key/, 1, 1],
    ["<<: 1\n", /cannot be merged/, 1, 1],
    ["m:\n  a: 1\n  a: 2\n", /twice/, 3, 3],
  ];
  for (const [text, message, line, column] of cases) {
    const error = failure(() => yaml.read(text));
    assert.match(error.message, message, text);
    assert.is(error.code, "parse", text);
    assert.equal([error.place?.line, error.place?.column], [line, column], text);
  }
  assert.is(failure(() => yaml.read("# only a comment\n")).code, "parse");
});

test("keys and numbers that SOPS reads but cannot encrypt have its exit code", () => {
  for (const text of [
    "1: a\n",
    "true: a\n",
    "2025-01-02: a\n",
    "~: a\n",
    "1.5: a\n",
    "m: {1: a}\n",
    "a: 9223372036854775808\n",
  ]) {
    assert.is(failure(() => yaml.read(text)).exitCode, 23, text);
  }
  assert.equal(describe(yaml.read('"1": a\n!!str 2: b\nyes: c\n')), [
    "/1 =string a",
    "/2 =string b",
    "/yes =string c",
  ]);
});

test("duplicate keys are an error in the first document and noted in others", () => {
  const text = "a: 1\n---\nb: 1\nb: 2\n";
  const reading = yaml.read(text);
  assert.equal(reading.duplicates, [text.lastIndexOf("b")]);
  assert.equal(describe(reading), ["/a =bigint 1", "/b =bigint 1", "/b =bigint 2"]);
  const many = Array.from({ length: 20 }, (_, i) => `k${i}: 1\n`).join("");
  assert.match(failure(() => yaml.read(`${many}k3: 2\n`)).message, /twice/);
});

test("documents are counted, also empty ones", () => {
  assert.is(yaml.read("").documents, 0);
  const reading = yaml.read("a: 1\n---\n---\n# c\n---\n{}\n");
  assert.is(reading.documents, 4);
  assert.equal(describe(reading), ["/a =bigint 1", "/ empty-map", ": # c", "/ empty-map", "/ empty-map"]);
});

test("the sops entry is taken out of all documents and read from the first", () => {
  const text =
    "a: 1\nsops:\n  mac: m # x\n  age:\n    - enc: |\n        l1\n        l2\n---\nsops: {mac: n}\nb: 2\n";
  const reading = yaml.read(text);
  assert.equal(describe(reading), ["/a =bigint 1", "/b =bigint 2"]);
  assert.is(reading.metadata!.tree.get("mac"), "m");
  assert.equal(reading.metadata!.entries.map(pathOf), [["mac"], ["age", 0, "enc"]]);
  assert.equal(yaml.read("a: 1\nsops: x\n").metadata, { tree: new TreeMap(), entries: [] });
  assert.is(yaml.read("a:\n  sops: {b: 1}\n").metadata, undefined);
});

test("a list item of type comment is a comment in an encrypted file", () => {
  const note = "ENC[AES256_GCM,data:A,iv:A,tag:A,type:comment]";
  const text = `l:\n  - ${note}\n  - x\n  - "${note}"\nm:\n- ${note}\nsops: {mac: m}\n`;
  assert.equal(describe(yaml.read(text)), [
    `l: #${note}`,
    "/l/0 =string x",
    `l: #${note}`,
    "/m empty-list",
    `m: #${note}`,
  ]);
  assert.equal(describe(yaml.read(`l:\n  - ${note}\n`)), [`/l/0 =string ${note}`]);
});

test("flow collections have spans, block collections none", () => {
  const text = "a: {b: [1]}\nc:\n  d: 1\n";
  const [inner, outer] = yaml.read(text).entries;
  assert.equal([inner!.in!.start, inner!.in!.end], [7, 10]);
  assert.equal([inner!.in!.parent!.start, inner!.in!.parent!.end], [3, 11]);
  assert.is(outer!.in!.start, undefined);
});

test("keys such as __proto__ are keys", () => {
  const reading = yaml.read("__proto__: {constructor: 1}\n");
  assert.equal(describe(reading), ["/__proto__/constructor =bigint 1"]);
});

test("a hundred thousand values are read at once", () => {
  const value = `ENC[AES256_GCM,data:${"A".repeat(32)},iv:${"B".repeat(43)}=,tag:${"C".repeat(22)}==,type:str]`;
  const group = Array.from({ length: 100 }, (_, i) => `  k${i}: ${value} #${value}\n`).join("");
  const text = Array.from({ length: 1000 }, (_, i) => `g${i}:\n${group}`).join("");
  assert.is(yaml.read(text).entries.length, 200_000);
});

test.run();
