import fc from "fast-check";
import JSON5 from "json5";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { TsopsError } from "../../../src/errors.ts";
import { buildTrees } from "../../../src/formats/build.ts";
import { type Entry, type PathElement, pathOf } from "../../../src/formats/format.ts";
import { json5 } from "../../../src/formats/json5/index.ts";
import { type Scalar, Time } from "../../../src/formats/scalar.ts";
import { applyEdits } from "../../../src/formats/text.ts";
import { type Tree, TreeComment, TreeList, TreeMap } from "../../../src/formats/tree.ts";
import { documents, JSON_NOTATION, mutated } from "../../support/formats/json-texts.ts";
import {
  metadataLaw,
  pathsOf,
  replacingLaw,
  said,
  setLaw,
  spliceLaw,
  tryRead,
  unsetLaw,
} from "../../support/formats/laws.ts";
import { trees } from "../../support/formats/trees.ts";

fc.configureGlobal({ includeErrorInReport: true });

const texts = documents({
  keys: fc.oneof(JSON_NOTATION.keys, fc.constantFrom("a", "$b", "_", "été", "\\u0061b", "'q'", "NaN", "𝒜")),
  scalars: fc.oneof(
    JSON_NOTATION.scalars,
    fc.constantFrom(
      "+1",
      "0x1F",
      "-0xff",
      ".5",
      "5.",
      "Infinity",
      "-Infinity",
      "+NaN",
      "NaN",
      "0xFFFFFFFFFFFFFFFFFF",
    ),
    fc.constantFrom("'it\\'s'", "'\"'", '"a\\\nb"', "'\\\r\n'", "'\\x41\\0\\v\\q'", "'// no comment'", "''"),
  ),
  gaps: fc.constantFrom(
    "",
    " ",
    "\n",
    "\r\n",
    "\t",
    "\u00a0",
    "// c\n",
    "/* b */",
    "/**/",
    "//\r\n",
    "/*\n*/",
    "\n// d\n",
  ),
  trailingCommas: true,
});

function reads(text: string): [PathElement[], Scalar | undefined][] {
  return json5.read(text).entries.map((entry) => [pathOf(entry), entry.value]);
}

function refused(text: string): TsopsError {
  try {
    json5.read(text);
  } catch (error) {
    if (error instanceof TsopsError) return error;
    throw error;
  }
  throw new Error(`read without an error: ${text}`);
}

/** Comments as `*`, values as they are, inline ones with a mark. */
function order(text: string): string[] {
  return json5.read(text).entries.map(({ kind, value, inline, in: holder }) => {
    const at = holder ? pathOf(holder).join(".") : "";
    return kind === "comment"
      ? `${inline ? "<" : ""}${at}*${String(value).trim()}`
      : `${kind === "value" ? value : kind}`;
  });
}

function setting(text: string, path: PathElement[], value: Tree): string {
  return applyEdits(text, json5.set(json5.read(text), path, value, {}));
}

function unsetting(text: string, path: PathElement[]): string {
  return applyEdits(text, json5.unset(json5.read(text), path));
}

test("numbers", () => {
  const text =
    "{a:[+1,-1,0x1F,-0x10,0x0000000000000000001,9223372036854775808,.5,5.,-0,1e3,Infinity,-Infinity,NaN,+NaN]}";
  assert.equal(
    reads(text).map(([, value]) => value),
    [1n, -1n, 31n, -16n, 1n, 2 ** 63, 0.5, 5, 0n, 1000, Infinity, -Infinity, Number.NaN, Number.NaN],
  );
  for (const bad of ["01", "1e", "0x", "--1", "1_0", "+", "1.2.3", "0b1"]) refused(`{a:${bad}}`);
  assert.is(refused("{a:1e999}").message, "this number is too large for a 64-bit float");
});

test("strings keep what they say", () => {
  const text = `{a:'it\\'s',b:"\\x41\\u00e9\\0\\v\\q",c:'a\\\nb\\\r\nc\\\u2028d',d:'\u2028',e:'\\ud83d\udc80'}`;
  assert.equal(
    reads(text).map(([, value]) => value),
    ["it's", "Aé\0\vq", "abcd", "\u2028", "\ufffd\ufffd"],
  );
  for (const bad of ["'a\nb'", "'\\1'", "'\\01'", "'\\x4'", "'\\u12'", "'"]) refused(`{a:${bad}}`);
});

test("keys are names or strings", () => {
  assert.equal(
    reads("{a:1,$_:2,été:3,\\u0061b:4,'c d':5,\"e\":6,NaN:7,null:8,__proto__:9}").map(([path]) => path[0]),
    ["a", "$_", "été", "ab", "c d", "e", "NaN", "null", "__proto__"],
  );
  for (const bad of ["1", "a-b", "\\u0020", "1a", "-a", "[]"]) refused(`{${bad}:1}`);
  assert.equal(json5.read("{a:1,'a':2,\\u0061:3}").duplicates, [5, 11]);
});

test("comments belong to the innermost brackets around them; those behind a value are about it", () => {
  const text = `// head
{ // first
  a: 1, // about a
  // about b
  b: [ /* in b */ 1, 2 /* about 2 */, // about 2 as well
    3, /* for 4 */ 4,
  ], // behind b
  c: {}, // about c
  d: { /* alone */ },
  e /* key */ : /* value */ 5 // last
  // tail
} // end
`;
  assert.equal(order(text), [
    "*head",
    "*first",
    "<*about a",
    "1",
    "*about b",
    "b*in b",
    "1",
    "<b*about 2",
    "<b*about 2 as well",
    "2",
    "3",
    "b*for 4",
    "4",
    "*behind b",
    "<*about c",
    "empty-map",
    "d*alone",
    "*key",
    "*value",
    "<*last",
    "5",
    "*tail",
    "*end",
  ]);
});

test("comments stay about the same with metadata in the document", () => {
  for (const text of [
    "{a:1/*x*/}",
    "{a:1//x\n}",
    "{a:1,/*x*/}",
    "{/*x*/}",
    "{a:[1/*x*/]/*y*/}//z",
    "{\n a: 1 // x\n // y\n}\n",
  ]) {
    metadataLaw(json5, text);
    spliceLaw(json5, text);
  }
});

test("metadata is written in the document's own style, and a trailing comma with a trailing comma", () => {
  const block = TreeMap.of([
    ["mac", "m"],
    ["a b", new TreeList([true])],
  ]);
  const adding = (text: string) => applyEdits(text, json5.addMetadata(json5.read(text), block, {}));
  assert.is(adding("{a:1}"), '{a:1,sops:{mac:"m","a b":[true]}}');
  assert.is(adding("{'a': 1}"), "{'a': 1, 'sops': {'mac': \"m\", 'a b': [true]}}");
  assert.is(
    adding("{\n  a: 1, // x\n}\n"),
    '{\n  a: 1, // x\n  sops: {\n    mac: "m",\n    "a b": [\n      true\n    ]\n  },\n}\n',
  );
  assert.is(
    adding("{\n  a: 1 // x\n}"),
    '{\n  a: 1, // x\n  sops: {\n    mac: "m",\n    "a b": [\n      true\n    ]\n  }\n}',
  );
});

test("a block anywhere goes, with one comma", () => {
  const without = (text: string) => applyEdits(text, json5.removeMetadata(json5.read(text)));
  assert.is(without("{sops:{},a:1}"), "{a:1}");
  assert.is(without("{a:1,sops:{},b:2,}"), "{a:1,b:2,}");
  assert.is(without("{a:1, /* x */ 'sops': {} /* y */}"), "{a:1 /* x */ /* y */}");
  assert.is(without("{sops:{},}"), "{}");
});

test("spelling keeps quotes, ciphertexts get them where there are none", () => {
  const text = `{a:'x',b:"y",c:1}`;
  const reading = json5.read(text);
  const [a, b, c] = reading.entries as [Entry, Entry, Entry];
  assert.is(json5.spell(reading, a, `it's "\u2028\u0001\n`), `'it\\'s "\\u2028\\x01\\n'`);
  assert.is(json5.spell(reading, b, `it's "`), `"it's \\""`);
  assert.is(json5.spell(reading, c, "x"), '"x"');
  assert.is(json5.spell(reading, a, 1), "1.0");
  assert.is(json5.spell(reading, a, -Infinity), "-Infinity");
  assert.is(json5.spell(reading, a, Number.NaN), "NaN");
  assert.is(json5.spell(reading, a, -5n), "-5");
  assert.is(json5.spell(reading, a, null), "null");
  assert.is(json5.spell(reading, a, Time.parse("2026-01-02T03:04:05Z")!), "'2026-01-02T03:04:05Z'");
  assert.equal(
    [a, b, c].map((entry) => json5.spellCipher(reading, entry, "ENC[]")),
    ["'ENC[]'", '"ENC[]"', '"ENC[]"'],
  );
});

test("a comment that would end early is refused", () => {
  const reading = json5.read("{/* a */ x: 1 // b\n}");
  const [block, line] = reading.entries.filter(({ kind }) => kind === "comment") as [Entry, Entry];
  assert.is(json5.spell(reading, block, " x\ny "), " x\ny ");
  assert.is(json5.spell(reading, line, " */ "), " */ ");
  assert.throws(
    () => json5.spell(reading, block, "*/"),
    (error: TsopsError) => error.code === "print",
  );
  assert.throws(
    () => json5.spell(reading, line, "a\u2028b"),
    (error: TsopsError) => error.code === "print",
  );
});

test("set and unset go with neighbours, commas and comments", () => {
  const text = "{\n  a: 1, // one\n  'b': [1, 2,],\n  // before c\n  c: {}, // three\n}\n";
  assert.is(setting(text, ["d"], 4n), text.replace("three\n", "three\n  d: 4,\n"));
  assert.is(setting(text, ["b", 2], "x"), text.replace("2,]", '2, "x",]'));
  assert.is(setting(text, ["c", "x y"], 1n), text.replace("{},", '{\n    "x y": 1\n  },'));
  assert.is(setting(text, ["a"], "s"), text.replace("1,", '"s",'));
  assert.is(setting("{a: 'x'}", ["a"], "y"), "{a: 'y'}");
  assert.is(setting("{a: 1 /* x */}", ["b"], 2n), "{a: 1, /* x */\nb: 2}");
  assert.is(unsetting(text, ["a"]), text.replace("\n  a: 1, // one", ""));
  assert.is(unsetting(text, ["c"]), text.replace("\n  c: {}, // three", ""));
  assert.is(unsetting(text, ["b", 1]), text.replace("1, 2,]", "1, ]"));
  assert.is(unsetting("{a: 1, /* x */ b: 2}", ["b"]), "{a: 1 /* x */}");
});

test("printing: names without quotes where they need none, comments, infinities", () => {
  const tree = TreeMap.of([
    ["a", new TreeList([Infinity, new TreeComment(" c"), 1])],
    ["b c", Number.NaN],
  ]);
  tree.items.unshift(new TreeComment(" two\n lines"), new TreeComment(" about a", true));
  assert.is(
    json5.print([tree], { indent: 2 }),
    "// two\n// lines\n".replace(/^/, "{\n  ").replace("\n// lines", "\n  // lines") +
      '  a: [\n    Infinity,\n    // c\n    1\n  ], // about a\n  "b c": NaN\n}\n',
  );
  const again = json5.read(json5.print([tree], {}));
  assert.is(again.entries.filter(({ kind }) => kind === "comment").length, 4);
});

test("errors name the place", () => {
  const cases: [string, string, number, number][] = [
    ["", "the file is empty", 1, 1],
    ["// x\n", "the file is empty", 2, 1],
    ["[1]", "the file holds an array, and only an object can be encrypted by its values", 1, 1],
    ["{a:1} b", "there is something after the end of the document", 1, 7],
    ["{a:1,,}", "a key was expected here", 1, 6],
    ["{,}", "a key was expected here", 1, 2],
    ["{a:1 b:2}", "a comma or the closing brace was expected here", 1, 6],
    ["{a:b}", "this is not a value", 1, 4],
    ["{a:1 /* }", "this comment has no end", 1, 6],
    ["{a:1\n/ }", "this character is not allowed here", 2, 1],
    ["{a:'x", "this text has no closing quote", 1, 4],
    ["{a:'\n'}", "a text may not hold a raw line break", 1, 5],
    ["{a:[", "the file ends inside the array that starts at line 1, column 4", 1, 5],
    ["{a#:1}", "a colon was expected after the key", 1, 3],
  ];
  for (const [text, message, line, column] of cases) {
    const error = refused(text);
    if (!text.includes("#")) assert.is(error.message, message, text);
    assert.equal(error.place, { line, column }, text);
  }
});

test("deep nesting and long runs of comments are no trouble", () => {
  assert.match(refused("{a:".repeat(200_000)).message, /nested deeper/);
  assert.is(json5.read(`{a:1,${"/**/".repeat(200_000)}}`).entries.length, 200_001);
  assert.is(json5.read(`{${"𝒜".repeat(1_000_000)}:1}`).entries.length, 1);
});

test("property: arbitrary and broken texts are read, or refused with a place", () => {
  const some = fc.oneof(fc.string({ unit: "binary" }), mutated(texts));
  fc.assert(
    fc.property(some, (text) => void tryRead(json5, text)),
    { numRuns: 500 },
  );
});

test("property: reads what the json5 package reads, and nothing else", () => {
  const objects = fc.oneof(texts, mutated(texts), mutated(texts));
  fc.assert(
    fc.property(objects, (text) => {
      // The package warns about these on the console; it reads no numbers beyond floats differently.
      if (/[\u2028\u2029]|[eE]\+?\d{3}|sops|[\ud800-\udfff]/i.test(text)) return;
      let value: unknown;
      let accepted = true;
      try {
        value = JSON5.parse(text);
      } catch {
        accepted = false;
      }
      const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
      const reading = tryRead(json5, text);
      assert.is(reading !== undefined, accepted && isObject, text);
      if (reading && !reading.duplicates && !text.includes("\\ud")) {
        assert.equal(canonical(buildTrees(reading.entries, 1)[0]!), canonical(value), text);
      }
    }),
    { numRuns: 1000 },
  );
});

/** Keys sorted, since JavaScript moves those that look like integers; of an integer what a float holds. */
function canonical(value: unknown): unknown {
  if (value instanceof TreeMap)
    return { map: sorted(value.entries().map((entry) => [entry.key, entry.value])) };
  if (value instanceof TreeList) return { list: value.values().map(canonical) };
  if (Array.isArray(value)) return { list: value.map(canonical) };
  if (typeof value === "bigint" || typeof value === "number") return { number: String(Number(value)) };
  return typeof value === "object" && value !== null ? { map: sorted(Object.entries(value)) } : value;
}

function sorted(pairs: [string, unknown][]): [string, unknown][] {
  return pairs
    .map(([key, value]): [string, unknown] => [key, canonical(value)])
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

test("property: ciphertexts replace values and comments, and go again", () => {
  fc.assert(
    fc.property(texts, (text) => replacingLaw(json5, text)),
    { numRuns: 300 },
  );
});

test("property: metadata comes and goes without a trace", () => {
  const indent = fc.option(fc.nat(4), { nil: undefined });
  fc.assert(
    fc.property(texts, indent, (text, n) => metadataLaw(json5, text, { indent: n })),
    { numRuns: 300 },
  );
  fc.assert(
    fc.property(texts, (text) => spliceLaw(json5, text)),
    { numRuns: 300 },
  );
});

test("property: set does what it does in SOPS, and keeps comments", () => {
  const more = fc.array(fc.oneof(fc.constantFrom("a", "b", "zz"), fc.constantFrom(0, 99)), { maxLength: 2 });
  fc.assert(
    fc.property(texts, fc.nat(), trees(), more, (text, n, value, rest) => {
      const paths = pathsOf(json5.read(text));
      setLaw(json5, text, [...(paths.length === 0 ? [] : paths[n % paths.length]!), ...rest], value);
    }),
    { numRuns: 300 },
  );
  fc.assert(
    fc.property(texts, (text) => {
      const before = json5.read(text);
      const after = json5.read(setting(text, ["a new key"], 1n));
      assert.equal(comments(after.entries), comments(before.entries), text);
    }),
    { numRuns: 200 },
  );
});

function comments(entries: readonly Entry[]): unknown[] {
  return entries.filter(({ kind }) => kind === "comment").map(said);
}

test("property: unset does what it does in SOPS", () => {
  fc.assert(
    fc.property(texts, fc.nat(), (text, n) => {
      const reading = json5.read(text);
      if (reading.duplicates) return;
      const paths = pathsOf(reading);
      if (paths.length > 0) unsetLaw(json5, text, paths[n % paths.length]!);
    }),
    { numRuns: 300 },
  );
});

test("property: what is printed reads as the same", () => {
  fc.assert(
    fc.property(trees(), (tree) => {
      const [again] = buildTrees(json5.read(json5.print([TreeMap.of([["x", tree]])], {})).entries, 1);
      // A float without a fraction prints as an integer, as in SOPS's JSON, so numbers compare as floats here.
      assert.equal(canonical(again), canonical(TreeMap.of([["x", tree]])));
    }),
    { numRuns: 200 },
  );
});

test.run();
