import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Format } from "../../src/formats/format.ts";
import { loadFormat } from "../../src/formats/index.ts";
import { TreeMap } from "../../src/formats/tree.ts";
import { box, codeOf } from "../support/sealed.ts";

/**
 * The seal of a file with `mac_only_encrypted`: its plain part can be edited with a text editor and without any key,
 * and nothing that is encrypted can be touched. Encrypted is what is named pw and pw2.
 */

type Change = readonly [what: string, from: string | RegExp, to: string];

interface Case {
  readonly format: Format["name"];
  readonly plain: string;
  /** Changes of the encrypted text that hold; the plaintext then has the same change. */
  readonly edits: readonly Change[];
  /** Changes that are refused. */
  readonly attacks: readonly Change[];
}

const CASES: readonly Case[] = [
  {
    format: "yaml",
    plain: `# head
port: 8080
name: &n app
copy: *n
empty: {}
db:
  # note
  pw: secret
  host: h # inline
list:
  - plain
  - pw: one
    x: y
  - pw: two
  - more: 1
both:
  - pw: a
    pw2: b
  - pw: c
block:
  pw: |
    line
anchored:
  pw: &s x
last: 1
---
pw: in another document
`,
    edits: [
      ["a value", "port: 8080", "port: 017"],
      ["a key", "port:", "ports:"],
      ["a new key", "port: 8080", "new: {a: [1]}\nport: 8080"],
      ["a key that goes", "port: 8080\n", ""],
      ["a comment", "# head", "# other"],
      ["a new comment", "port: 8080", "port: 8080 # new"],
      ["a comment beside a secret", "# note", "# noted"],
      ["an inline comment", "# inline", "# out of line"],
      ["the order", /(port: 8080\n)(name: &n app\n)/, "$2$1"],
      ["a tag on a plain value", "port: 8080", "port: !x 8080"],
      ["an empty map", "empty: {}", "empty: []"],
      ["a list item before secrets", "- plain", "- plain\n  - plain2"],
      ["a list item that goes", "  - plain\n", ""],
      ["a list item between secrets", "    x: y\n", "    x: y\n  - between\n"],
      ["a plain value beside a secret in a list", "x: y", "x: z"],
      ["a document between", /---\n/, "---\nnew: 1\n---\n"],
      ["a document behind", /$/, "---\nother: 1\n"],
      ["a value before a secret", "  host: h", "  host: h\n  user: u"],
    ],
    attacks: [
      ["a tag", "  pw: ENC", "  pw: !env ENC"],
      ["quotes", /( {2}pw: )(ENC.*)/, '$1"$2"'],
      ["an anchor", "  pw: ENC", "  pw: &a ENC"],
      ["a tag on what holds it", "db:", "db: !include"],
      ["an anchor on what holds it", "db:", "db: &db"],
      ["a tag on a list that holds it", "list:", "list: !x"],
      ["a tag on its key", "- pw: ENC", "- !x pw: ENC"],
      ["quotes of its key", /^ {2}pw:/m, '  "pw":'],
      ["quotes of the key above", "db:", '"db":'],
      ["the name of the key above", "db:", "db2:"],
      ["a secret goes", /^ {2}pw: .*\n/m, ""],
      ["secrets change places", /(pw: )(ENC.*)(\n {4}x: y\n {2}- pw: )(ENC.*)/, "$1$4$3$2"],
      ["a border between secrets", /\n {4}pw2:/, "\n  - pw2:"],
      [
        "a secret in another list item",
        /(- pw: ENC.*)\n {4}x: y\n {2}- (pw: ENC.*)/,
        "$1\n    x: y\n  - - $2",
      ],
      ["a plain value becomes a secret's alias", "last: 1", "last: *s"],
      ["a directive", /^/, "%YAML 1.1\n---\n"],
    ],
  },
  {
    format: "json",
    plain: '{\n  "a": 1,\n  "db": {"pw": "secret", "x": [1, {"pw": "p"}, {"pw": "q"}]},\n  "e": {}\n}\n',
    edits: [
      ["a value", '"a": 1', '"a": 1.50'],
      ["a key", '"a"', '"b"'],
      ["a new key", '"a": 1', '"n": null, "a": 1'],
      ["the order", '"a": 1,\n', ""],
      ["a list item before", "[1,", "[0, 1,"],
      ["a list item that goes", "[1, {", "[{"],
      ["an empty map", '"e": {}', '"e": []'],
    ],
    attacks: [
      ["an escape", '"pw": "E', '"pw": "\\u0045'],
      ["secrets change places", /(\{"pw": ")(ENC[^"]*)("\}, \{"pw": ")(ENC[^"]*)/, "$1$4$3$2"],
      ["a secret in another place", /, (\{"pw": "ENC[^"]*"\})\]/, ", [$1]]"],
      ["two secrets in one item", /"\}, \{"pw"/, '", "pw"'],
      ["another value of the same name", /"db": \{/, '"db": {}, "db": {'],
      ["an empty value of the same name", /\{"pw": "/, '{"pw": "", "pw": "'],
      ["the same name for Go", '"db": {', '"db": {"PW": "plain", '],
    ],
  },
  {
    format: "json5",
    plain: "// head\n{\n  a: 1,\n  /* b */ pw: 'secret',\n  l: [0x1, {pw: 'p'}, {pw: \"q\"}],\n}\n",
    edits: [
      ["a value", "a: 1", "a: .5"],
      ["a key", "a: 1", "'b': 1"],
      ["a comment", "// head", "/* other */"],
      ["a comment beside a secret", "/* b */", ""],
      ["a list item", "0x1,", "1, 2,"],
    ],
    attacks: [
      ["quotes", /pw: '(ENC[^']*)'/, 'pw: "$1"'],
      ["two secrets in one item", /'\}, \{pw/, "', pw"],
    ],
  },
  {
    format: "toml",
    plain: `# head
a = 1_000
pw = "secret"
[t]
x = "y" # inline
pw = 1979-05-27
[[l]]
b = 1
[[l]]
pw = '''
long'''
[[l]]
pw = "two"
`,
    edits: [
      ["a value", "1_000", "0x1F"],
      ["a key", "a = ", "'b' = "],
      ["a comment", "# head", "# other"],
      ["an inline comment", "# inline", ""],
      ["a list item", "[[l]]\nb = 1\n", "[[l]]\nb = 1\n[[l]]\nb = 2\n"],
      ["a list item that goes", "[[l]]\nb = 1\n", ""],
      ["a table", "[t]", "[t.u]\nv = 1\n[t]"],
    ],
    attacks: [
      ["quotes", /pw = "(ENC.*)"/, "pw = '$1'"],
      ["a date becomes a text", /'''E/, "'''\nE"],
      ["a text becomes a date", /'''\nE/, "'''E"],
      ["the table's name", "[t]", "[u]"],
      ["a secret in another item", /(pw = '''\nENC.*'''\n)\[\[l\]\]\npw/, "$1pw2"],
    ],
  },
  {
    format: "ini",
    plain: `; head
[s]
a = x
pw = secret
b = y
[t]
c = z
pw = two
`,
    edits: [
      ["a value", "a  = x", 'a  = """y"""'],
      ["a key", "c  = z", "d  = z"],
      ["a new key", "b  = y", "b  = y\nn  = m"],
      ["a key that goes", "c  = z\n", ""],
      ["a comment", "; head", "# other"],
      ["a comment above a secret", "a  = x\n", "a  = x\n; new\n"],
      ["a section", "[t]", "[n]\nx = 1\n[t]"],
      ["a line that continues a plain value", "c  = z", "c  = z\n   more = 1"],
    ].map(
      ([what, from, to]) =>
        [what!, new RegExp(from!.replace(/ {2}= /g, " *= ").replace("[t]", "\\[t\\]")), to!] as const,
    ),
    attacks: [
      ["quotes", /pw *= (ENC.*)/, 'pw = "$1"'],
      ["quotes of its key", /pw( *)=/, '"pw"$1='],
      ["a comment behind it, which is value for Python", /(pw *= ENC.*)/, "$1 ; x"],
      ["a line that continues it for Python", /\nb/, "\n  b"],
      ["it continues another line for Python", /\npw/, "\n  pw"],
      ["the section's name", "[t]", "[u]"],
      ["a plain value of the same name", /^pw/m, "pw = plain\npw"],
      ["the same name for Python", /^b( *=)/m, "PW$1"],
    ],
  },
  {
    format: "dotenv",
    plain: "# head\nA=x\npw=secret\nB=y\npw2=two\n",
    edits: [
      ["a value", "A=x", "A='x y'"],
      ["a key", "B=", "export B="],
      ["a new key", "B=y", "B=y\n\nC=z"],
      ["a key that goes", "A=x\n", ""],
      ["a comment", "# head", "# other"],
      ["a new comment", "B=y", "# new\nB=y"],
    ],
    attacks: [
      ["the order", /(pw=ENC.*\n)B=y\n(pw2=ENC.*\n)/, "$2B=y\n$1"],
      ["a secret goes", /pw2=.*\n/, ""],
      ["a text that takes a secret in for other readers", /A=x\n(pw=.*\n)B=y/, "A='x\n$1B=y'"],
      ["a text that takes a secret in for shells", /A=x\n(pw=.*\n)B=y/, "A=x'\n$1B=y'"],
      ["a line that goes on with the secret", "A=x", "A=x\\"],
      ["a comment that goes on with the secret", /A=x\n/, "# x\\\n"],
      ["an empty value of the same name", "A=x", "pw="],
      ["the same name for shells", "B=y", "export pw=y"],
      ["the same name for some libraries", "B=y", "pw =y"],
      ["the same name with a colon", "B=y", "pw: y=y"],
      ["the same name in quotes", "B=y", "'pw'=y"],
      ["the same name on Windows", "B=y", "Pw=y"],
    ],
  },
];

for (const { format: name, plain, edits, attacks } of CASES) {
  const setUp = async () => {
    const format = await loadFormat(name);
    const selector = { kind: "encrypted_regex", value: "^pw" } as const;
    const metadata = TreeMap.of([
      ["encrypted_regex", "^pw"],
      ["mac_only_encrypted", true],
      ["version", "3.13.3"],
    ]);
    const { encrypt, decrypt } = await box(format, selector);
    const sealed = encrypt(plain, { metadata });
    assert.is(decrypt(sealed).text, plain);
    assert.is(decrypt(sealed).sealed, true);
    return { sealed, decrypt };
  };

  test(`${name}: mac_only_encrypted: the plain part can be edited without a key`, async () => {
    const { sealed, decrypt } = await setUp();
    for (const [what, from, to] of edits) {
      const changed = sealed.replace(from, to);
      assert.is.not(changed, sealed, what);
      const opened = decrypt(changed);
      assert.is(opened.sealed, true, what);
      assert.is(opened.text, plain.replace(from, to), what);
    }
  });

  test(`${name}: mac_only_encrypted: what is encrypted cannot be touched`, async () => {
    const { sealed, decrypt } = await setUp();
    for (const [what, from, to] of attacks) {
      const changed = sealed.replace(from, to);
      assert.is.not(changed, sealed, what);
      const code = codeOf(() => decrypt(changed));
      assert.ok(
        ["seal-broken", "mac-mismatch", "tree-decryption", "parse"].includes(code!),
        `${what}: ${code}`,
      );
    }
  });
}

test("mac_only_encrypted: recorded spellings do no harm where plain values have come and gone", async () => {
  const metadata = TreeMap.of([
    ["encrypted_regex", "^pw"],
    ["mac_only_encrypted", true],
    ["version", "3.13.3"],
  ]);
  const { encrypt, decrypt } = await box(await loadFormat("json"), { kind: "encrypted_regex", value: "^pw" });
  const sealed = encrypt('{"a": 1, "pw": 1.50, "b": 2, "pw2": 1e1}', { metadata });
  assert.match(sealed, '"layout"');
  const changed = sealed.replace('"a": 1', '"n": 0, "a": 1');
  assert.is(decrypt(changed).text, '{"n": 0, "a": 1, "pw": 1.5, "b": 2, "pw2": 10}');
  assert.is(decrypt(sealed.replace('"b": 2', '"b": 3')).text, '{"a": 1, "pw": 1.50, "b": 3, "pw2": 1e1}');
});

test.run();
