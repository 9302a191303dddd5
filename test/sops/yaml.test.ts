import { test } from "uvu";
import * as assert from "uvu/assert";
import { yaml } from "../../src/formats/yaml/index.ts";
import { valuesOf } from "../../src/sops/items.ts";
import { box } from "../support/sealed.ts";

const CASES: Record<string, string> = {
  basic:
    "# head\na: 1 # inline\n\nb:\n  c: [x, 'y', \"z\"]\n  # foot\n\nd: |\n  two\n  lines\ne: >-\n  folded\n  text\n",
  "aliases are written out and come back":
    "a: &x\n  k: 1 # c\n  # d\n  l: [1, &y 2]\nb: *x\nc:\n  <<: *x\n  m: *y\nd: &s text\ne: [*s, *s]\n",
  "aliases of which only one side is encrypted":
    "a: &x secret\nb_unencrypted: *x\nc_unencrypted: &y {k: v}\nd: *y\ne: &z []\nf_unencrypted: {g: *z}\n",
  "no final line break": "a: 1\nb: two",
  crlf: "a: 1\r\n# c\r\nb: |\r\n  x\r\n  y\r\n",
  documents: "---\na: 1\n# end\n---\nb: 2\n...\n---\nc: 3\n",
  spellings:
    'a: 0x1F\nb: 1.50\nc: 017\nd: 2001-12-14\ne: True\nf: ~\ng: +1\nh: .5\ni: 1_000\nj: !!str 5\nk: !!int "5"\n',
  "flow root": '{a: 1, b: [x, "y"], c: {}}\n',
  blocks: "a: |+\n  keep\n\n\nb: >\n  folded\n  lines\n\n  more\nc: |2-\n    indented\nd: |\n\n  leading\n",
  "empty comments": "a: 1\n#\nl:\n  - x\n  #\n  - y\n#\n",
  quotes: "a: \"\\u00e9 \\x41 é\"\nb: 'it''s'\nc: \"multi\n  line\"\nd: plain\n  folded\n",
  bom: "\ufeffa: 1\n",
  "explicit keys": "? a\n: 1\n? |\n  block\n: 2\n",
};

for (const [name, plain] of Object.entries(CASES)) {
  test(name, async () => {
    const { encrypt, decrypt } = await box(yaml);
    const text = encrypt(plain);
    const opened = decrypt(text);
    assert.is(opened.text, plain);
    assert.equal(opened.warnings, []);
    const again = encrypt(opened.text, { previous: { decrypted: opened, sameKey: true } });
    const ciphers = (of: string) =>
      [...of.matchAll(/ENC\[AES256_GCM,data:[^\]]*type:(?!str\]\s*$)[^\]]*\]/g)].length;
    assert.is(ciphers(again), ciphers(text));
    assert.is(decrypt(again).text, plain);
    const bare = encrypt(plain, { seal: false });
    assert.is(decrypt(bare).text, plain);
  });
}

test("a change touches the lines of the value, MAC, time and seal only", async () => {
  const { encrypt, decrypt } = await box(yaml);
  const plain = CASES.basic!;
  const text = encrypt(plain);
  const changed = plain.replace("a: 1", "a: 2");
  const next = encrypt(changed, {
    previous: { decrypted: decrypt(text), sameKey: true },
    lastModified: "2026-11-23T00:00:00Z",
  });
  const after = next.split("\n");
  const lines = text.split("\n").filter((line, i) => line !== after[i]);
  assert.equal(lines.map((line) => line.trim().split(":")[0]).sort(), ["a", "lastmodified", "mac", "seal"]);
  assert.is(decrypt(next).text, changed);
});

const VALUES_AT_THE_END = [
  "a: |\n  x\n",
  "a: |\n  x",
  "a: |+\n  x\n\n",
  "a: 1\nb_unencrypted: >+\n  x\n\n\n",
  "a: |+\n  x\n\n---\nb: 1\n",
  "a: 1\n---\nl:\n- |+\n  x",
  "a: |\n  x\n# c\n",
  "a: |+\n  x\n# c\n",
  "a: |+\n  x\n\n# c\n",
];

test("line breaks that come or go at the end of an encrypted document do not change its last value", async () => {
  const { encrypt, decrypt } = await box(yaml);
  for (const plain of VALUES_AT_THE_END) {
    const text = encrypt(plain);
    const texts = [text.trimEnd(), `${text.trimEnd()}\n`, `${text}\n`, `${text}\n \n`];
    for (const damaged of [...texts, text.replace("\n---", "\n\n---")]) {
      const opened = decrypt(damaged);
      const { entries } = yaml.read(opened.text);
      const found = entries.map((entry) => entry.value);
      assert.equal(found, valuesOf(opened.items), JSON.stringify([plain, opened.text]));
      const again = encrypt(opened.text, { previous: { decrypted: opened, sameKey: true } });
      assert.is(decrypt(again).text, opened.text);
    }
  }
});

/** The encrypted text with its block right above a line, and something in between. */
function withBlockAbove(line: string, text: string, between: string): string {
  const at = text.indexOf("\nsops:") + 1;
  return text.slice(0, at).replace(`\n${line}`, `\n${text.slice(at)}${between}${line}`);
}

test("lines behind a block in the middle do not become part of the value before it", async () => {
  const { encrypt, decrypt } = await box(yaml);
  for (const scalar of ["|+\n  x\n\n", "|\n  x\n", "|-\n  x\n", ">+\n  x\n\n", "'x'\n"]) {
    const text = encrypt(`a: ${scalar}b: 1\n`, { seal: false });
    for (const between of ["", "\n", "\n \n", "# c\n", "\n  # c\n", "    # c\n"]) {
      const opened = decrypt(withBlockAbove("b: ", text, between), { ignoreMac: false });
      const found = yaml.read(opened.text).entries.filter(({ kind }) => kind === "value");
      assert.equal(
        found.map(({ value }) => value),
        opened.items.filter(({ entry }) => entry.kind === "value").map(({ value }) => value),
        JSON.stringify([scalar, between, opened.text]),
      );
    }
  }
});

test("a comment keeps its byte order mark", async () => {
  const { encrypt, decrypt } = await box(yaml);
  const plain = "a: 1 # x\ufeffy\n";
  assert.is(decrypt(encrypt(plain)).text, plain);
});

test("a comment expression that would match a comment's ciphertext is named", async () => {
  const { encrypt } = await box(yaml, { kind: "unencrypted_comment_regex", value: "ENC" });
  assert.throws(() => encrypt("a: 1\n# end\n"), /comment expression/);
});

test.run();
