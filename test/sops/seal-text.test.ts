import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { TsopsError } from "../../src/errors.ts";
import { type Format, pathOf } from "../../src/formats/format.ts";
import { loadFormat } from "../../src/formats/index.ts";
import { formatPath } from "../../src/formats/path.ts";
import { significantText } from "../../src/sops/significant.ts";
import { TEXTS } from "../support/generate/texts.ts";
import { box, codeOf } from "../support/sealed.ts";

/** The text of a sealed file: what of it may change without the key, and that nothing else may. */

const YAML = `# first

a: one
m:
  # about b
  b: two words # inline
  port_unencrypted: 017

  l_unencrypted:
    - x
    - y: "q"
      z: !t &a [1, 2]
block: |
  line
  two
again_unencrypted: *a
`;
const JSON_TEXT = `{
  "a": {"b": [1, "x y"], "é_unencrypted": "\\u00e9 "},
  "c_unencrypted": 1.50
}
`;
const INI = `; note
[s]
a = x y
b_unencrypted = "z"

[t]
c = 1 ; inline
`;
const TOML = `# note
a = "x y"
b_unencrypted = 1_000
[t]
c = [1, { d = 2 }] # inline
d = 1979-05-27
e = '''
text'''
`;

/**
 * What a plaintext says and how it is spelled, without its white space. Whose a comment is can change with a blank line,
 * for SOPS and for us alike.
 */
function said(format: Format, text: string): string {
  const reading = format.read(text);
  const scalars = reading.entries.map(({ value }) => value);
  return `${values(format, text)}\n${significantText(format, reading, scalars, [])}`;
}

function values(format: Format, text: string): string {
  const entries = format.read(text).entries.filter(({ kind }) => kind !== "comment");
  return entries
    .map((entry) => `${entry.kind} ${formatPath(pathOf(entry))} ${typeof entry.value} ${String(entry.value)}`)
    .join("\n");
}

/**
 * Blanks or empty lines behind the ciphertext of a text of several lines would belong to a block scalar: the same text
 * comes back in quotes then. Where a document has such texts, what it says counts and not how that is spelled.
 */
function respells(format: Format, plain: string, secret: readonly boolean[]): boolean {
  const { entries } = format.read(plain);
  return format.name === "yaml" && entries.some(({ value }, i) => secret[i] && String(value).includes("\n"));
}

/** Places of a text that are not in its metadata, chosen by numbers. */
function placeOutside(format: Format, text: string, choice: number): number {
  const gone = format.removeMetadata(format.read(text));
  const places: number[] = [];
  for (let i = 0; i <= text.length; i++) {
    if (!gone.some(({ start, end }) => start <= i && i < end)) places.push(i);
  }
  return places[choice % places.length]!;
}

const MARKS = [..." \t\n\r\"'#!&*-:=,[]{}|>?%;/\\._+0178aENTx~\u00e9\ufeff"];
const changes = fc.array(
  fc.record({
    place: fc.nat(1_000_000),
    remove: fc.integer({ min: 0, max: 2 }),
    put: fc.oneof(
      fc.constant(""),
      fc.constantFrom(...MARKS),
      fc.constantFrom("\n  ", "\n\n", "\r\n", " \n", " #", "!!str ", "&a "),
    ),
  }),
  { minLength: 10, maxLength: 30 },
);

for (const [name, texts] of Object.entries(TEXTS)) {
  test(`${name}: any change outside of the metadata is refused, or changes nothing but white space`, async () => {
    const format = await loadFormat(name as Format["name"]);
    const { encrypt, decrypt } = await box(format, {
      kind: "encrypted_regex",
      value: "^(a|b|k|key[0-9]*[02468]|x)$",
    });
    let refused = 0;
    let held = 0;
    const property = fc.property(texts, changes, (plain, attacks) => {
      let sealed: string;
      try {
        sealed = encrypt(plain);
      } catch (error) {
        assert.instance(error, TsopsError); // not every text can be encrypted
        return;
      }
      for (const { place, remove, put } of attacks) {
        const at = placeOutside(format, sealed, place);
        const changed = sealed.slice(0, at) + put + sealed.slice(at + remove);
        let text: string;
        let secret: readonly boolean[];
        try {
          const opened = decrypt(changed);
          text = opened.text;
          secret = opened.items.map(({ encrypted }) => encrypted);
        } catch (error) {
          assert.instance(error, TsopsError);
          refused++;
          continue;
        }
        held++;
        const what = JSON.stringify({ changed, text });
        const same = respells(format, plain, secret) ? values : said;
        assert.is(same(format, text), same(format, plain), what);
      }
    });
    fc.assert(property, { numRuns: 150 });
    assert.ok(refused > 100 && held > 0, `${refused} refused, ${held} held`);
  });
}

test("white space is blank, tab, CR and LF, and nothing else", async () => {
  const format = await loadFormat("yaml");
  const characters = fc.constantFrom(..." \t\r\n\v\f\x1f!a\x85\u00a0\u2028\u3000é😀");
  const property = fc.property(fc.array(characters, { maxLength: 40 }), (parts) => {
    const text = parts.join("");
    const stripped = significantText(
      { ...format, seams: undefined },
      { text, entries: [], documents: 1 },
      [],
      [],
    );
    assert.is(stripped.toString(), text.replace(/[ \t\r\n]/g, ""));
  });
  fc.assert(property, { numRuns: 2000 });
});

/** Texts of the same characters but for white space, with the same values for us, that others read differently. */
const SEAMS: readonly (readonly [format: Format["name"], text: string, other: string])[] = [
  ["yaml", "x: !a &b {k: v}\n", "x: !a&b {k: v}\n"],
  ["yaml", "x: !t ''\n", "x: !t''\n"],
  ["yaml", "x: !t\n  k: v\n", "x:\n  !t k: v\n"],
  ["yaml", "x: &a\n  k: v\n", "x:\n  &a k: v\n"],
  ["yaml", "- !t\n  k: v\n", "- !t k: v\n"],
  ["yaml", "--- !t\nk: v\n", "---\n!t k: v\n"],
  ["yaml", "x: &a ?b\n", "x: &a?b\n"],
  ["yaml", "a: &x k\nb: {*x : v}\n", "a: &x k\nb: {*x: v}\n"],
  ["ini", "[s]\na = x\nb = y\n", "[s]\na = x\n b = y\n"],
  ["ini", "[s]\na = x\n[t]\nb = y\n", "[s]\na = x\n [t]\nb = y\n"],
  ["ini", "[s]\na = x\n\n  b = y\n", "[s]\na = x\n  b = y\n"],
  ["ini", "[s]\na = x\n b = y\n", "[s]\na = x\n b=y\n"],
  ["ini", "[s]\n a = x\n b = y\n", "[s]\n\ra = x\n b = y\n"],
  ["ini", "[s]\na = x ; c\n", "[s]\na = x;c\n"],
  ["ini", "[s]\n; a b = c\nk = v\n", "[s]\n; a\rb = c\nk = v\n"],
  ["dotenv", "A='x\nB=y'\n", "A='x\n\nB=y'\n"],
  ["ini", "[s]\na = x \\\nb = y\n", "[s]\na = x \\ \nb = y\n"],
  ["dotenv", "A='x\nB=y'\n", "A='x\n\r\nB=y'\n"],
  ["dotenv", "A=x\\\nB=y\n", "A=x\\\n\nB=y\n"],
  ["dotenv", "A=x'q\nB=y'\n", "A=x'q\n\nB=y'\n"],
  ["dotenv", "A='x' \"y\nB=z\"\n", "A='x' \"y\n\nB=z\"\n"],
  ["dotenv", "A='x\nB=y'\"z\nC=w\"\n", "A='x\nB=y'\"z\n\nC=w\"\n"],
  ["dotenv", "# a b=c\nA=x\n", "# a\rb=c\nA=x\n"],
];

/** The lines of a text from the first that another has not. */
function differing(text: string, other: string): string {
  const lines = text.trimEnd().split("\n");
  const others = other.split("\n");
  return lines.slice(lines.findIndex((line, i) => line !== others[i])).join("\n");
}

test("white space that means something to other readers of the format counts", async () => {
  for (const [name, text, other] of SEAMS) {
    const format = await loadFormat(name);
    const wrap = (inner: string) => (inner.startsWith("- ") ? `l:\n${inner}` : inner);
    // nothing is encrypted, so that the attack can be written down as it is
    const { encrypt, decrypt } = await box(format, { kind: "encrypted_regex", value: "^nothing$" });
    const sealed = encrypt(wrap(text));
    assert.is(decrypt(sealed).text, wrap(text));
    const changed = sealed.replace(differing(wrap(text), wrap(other)), () =>
      differing(wrap(other), wrap(text)),
    );
    assert.is.not(changed, sealed, text);
    assert.is(
      codeOf(() => decrypt(changed)),
      "seal-broken",
      `${text} -> ${other}`,
    );
  }
});

/** What formatters, minifiers and git do to files. */
const FORMATTED: readonly (readonly [
  format: Format["name"],
  what: string,
  text: string,
  edit: (sealed: string) => string,
])[] = [
  [
    "yaml",
    "indented by 4",
    YAML,
    (text) => text.replace(/^( *)((?:- )?)/gm, "$1$1$2").replace(/^( *)- (?=\S)/gm, "$1-   "),
  ],
  [
    "yaml",
    "list items indented",
    "l:\n- a\n- b_unencrypted: 1\nm: x\n",
    (text) => text.replace(/^- (.*)$/gm, "    - $1"),
  ],
  ["yaml", "blank lines", YAML, (text) => text.replace(/^(?=\w|#)/gm, "\n\n")],
  ["yaml", "no blank lines", YAML, (text) => text.replace(/\n\n+/g, "\n")],
  ["yaml", "CRLF", YAML, (text) => text.replaceAll("\n", "\r\n")],
  // behind the ciphertext of a block scalar they would become a part of its last line: it comes back in quotes then
  ["yaml", "trailing blanks", YAML, (text) => text.replace(/(?<![|>][-+]?|^block:.*)\n/gm, "  \n")],
  [
    "yaml",
    "blanks in flow",
    "l: [a, {b_unencrypted: 1}]\n",
    (text) => text.replace("[", "[ ").replaceAll(",'", ", '").replace("{", "{ "),
  ],
  [
    "yaml",
    "blanks in a directive",
    "%YAML 1.1\n---\na: !!str 1\n",
    (text) => text.replace("%YAML 1.1", "%YAML   1.1 ").replace("!!str ", "!!str   "),
  ],
  [
    "yaml",
    "a digit that says how deep a block is indented",
    "m_unencrypted:\n  b: |2\n     deep\n    x\n",
    (text) => text.replace("  b: |2\n     deep\n    x\n", "    b: |4\n         deep\n        x\n"),
  ],
  ["json", "minified", JSON_TEXT, (text) => text.replace(/\n\s*|(?<=":) /g, "")],
  [
    "json",
    "pretty",
    '{"a":{"b":[1,"x y"]},"c_unencrypted":1.50}',
    (text) => text.replace(/[{[,](?!data|iv|tag|type|AES)/g, "$&\n\t"),
  ],
  ["json", "CRLF", JSON_TEXT, (text) => text.replaceAll("\n", "\r\n")],
  [
    "json5",
    "a comment indented anew",
    "{\n  /* one\n   * two */\n  a: 1,\n}\n",
    (text) => text.replace(/^ +/gm, "\t\t"),
  ],
  ["ini", "no blanks round =", INI, (text) => text.replace(/^(\w+) *= */gm, "$1=")],
  ["ini", "indented", INI, (text) => text.replace(/^(?=\w)/gm, "\t")],
  ["ini", "blank lines", INI, (text) => text.replace(/^(?=\[)/gm, "\n")],
  ["ini", "CRLF", INI, (text) => text.replaceAll("\n", "\r\n")],
  ["ini", "trailing blanks", INI, (text) => text.replaceAll("\n", " \t\n")],
  ["toml", "no blanks round =", TOML, (text) => text.replace(/^(\w+) *= */gm, "$1=")],
  [
    "toml",
    "indented, blank lines, trailing blanks",
    TOML,
    (text) =>
      text
        .replace(/^(?=\w+ =)/gm, "  ")
        .replace(/(?<!''')\n/g, "  \n")
        .replace(/^(?=\[)/gm, "\n"),
  ],
  ["toml", "CRLF", TOML, (text) => text.replaceAll("\n", "\r\n")],
  [
    "dotenv",
    "blank lines",
    "A=x\nB_unencrypted='y'\n",
    (text) => text.replace("B_", "\n\nB_").replace("sops_", "\nsops_"),
  ],
];

for (const [name, what, plain, edit] of FORMATTED) {
  test(`${name}: the seal holds in a text that was formatted: ${what}`, async () => {
    const format = await loadFormat(name);
    const { encrypt, decrypt } = await box(format);
    const sealed = encrypt(plain);
    const changed = edit(sealed);
    assert.is.not(changed, sealed);
    const opened = decrypt(changed);
    assert.is(opened.sealed, true);
    assert.is(said(format, opened.text), said(format, plain));
  });
}

test("yaml: recorded spellings of several lines count only where they still fit", async () => {
  const { encrypt, decrypt } = await box(await loadFormat("yaml"));
  const plain = "m:\n  n:\n    a: >-\n      folded\n      text\n    b: 0x1F\nc: 1.50\n";
  const sealed = encrypt(plain);
  assert.match(sealed, "layout:");
  assert.is(decrypt(sealed).text, plain);
  for (const pad of ["        ", "                "]) {
    const deeper = sealed
      .replace(/^ +(?=n:)/m, pad)
      .replace(/^ +(?=[ab]:)/gm, `${pad}${pad}`)
      .replace(/^ +(?=ENC)/gm, `${pad}${pad}  `);
    const { text } = decrypt(deeper);
    const values = (await loadFormat("yaml")).read(text).entries.map(({ value }) => value);
    assert.equal(values, ["folded text", 31n, 1.5]);
    assert.match(text, "b: 0x1F\nc: 1.50");
  }
});

test.run();
