import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { TsopsError } from "../../src/errors.ts";
import { type Entry, type Format, type FormatName, pathOf } from "../../src/formats/format.ts";
import { loadFormat } from "../../src/formats/index.ts";
import { json } from "../../src/formats/json/index.ts";
import { applyEdits } from "../../src/formats/text.ts";
import { TreeMap } from "../../src/formats/tree.ts";
import { yaml } from "../../src/formats/yaml/index.ts";
import type { Decrypted } from "../../src/sops/decrypt.ts";
import { encryptDraft } from "../../src/sops/encrypt.ts";
import { SOPS_VERSION, treeWith } from "../../src/sops/metadata.ts";
import { compileSelector, DEFAULT_SELECTOR } from "../../src/sops/selection.ts";
import { TEXTS } from "../support/generate/texts.ts";
import { type Box, box } from "../support/sealed.ts";

/** What a plaintext that was edited becomes, with the block of metadata that the file had. */

const previous = (decrypted: Decrypted) => ({ previous: { decrypted, sameKey: true } });

/** A draft, with the block in it. */
async function encryptedDraft(draft: string, opened: Decrypted, { dataKey }: Box): Promise<string> {
  return encryptDraft(draft, opened.format, {
    dataKey,
    random: randomBytes,
    lastModified: "2026-11-22T10:00:00Z",
    selection: await compileSelector(DEFAULT_SELECTOR),
    metadata: treeWith(new TreeMap(), { version: SOPS_VERSION }),
    seal: true,
    ...previous(opened),
  });
}

test("a comment that is added at the end is encrypted, with a line break behind it or without", async () => {
  const { encrypt, decrypt } = await box(yaml);
  const opened = decrypt(encrypt("a: 1\n"));
  for (const comment of ["# secret", "  # secret", "    # secret", "      # secret"]) {
    for (const end of ["", "\n", "\n\n", "\r\n"]) {
      const plain = `a: 1\n${comment}${end}`;
      const text = encrypt(plain, previous(opened));
      assert.not.match(text, "secret");
      assert.is(decrypt(text).text, plain);
    }
  }
});

test("a comment in a draft is encrypted where it stands below the metadata, too", async () => {
  const some = await box(yaml);
  const opened = some.decrypt(some.encrypt("a: 1\n"));
  for (const comment of [
    "# secret",
    "# secret\n",
    "    # secret\n",
    "\n  # secret\n# more of the secret\n",
  ]) {
    const text = await encryptedDraft(opened.draft + comment, opened, some);
    assert.not.match(text, "secret");
    assert.is(some.decrypt(text).text, `a: 1\n${comment}`);
  }
});

test("a comment does not become one of the metadata when the key between them goes", async () => {
  const some = await box(yaml);
  // a block scalar at an end without a line break: the metadata stand before it
  const opened = some.decrypt(some.encrypt("a: 1\n  # secret\nb: |\n  x"));
  const draft = yaml.read(opened.draft);
  const text = await encryptedDraft(applyEdits(draft.text, yaml.unset(draft, ["a"])), opened, some);
  assert.not.match(text, "secret");
  assert.is(some.decrypt(text).text, "  # secret\nb: |\n  x");
});

test("empty lines below the metadata are those of a text that is put before them", async () => {
  const { encrypt, decrypt } = await box(yaml);
  const opened = decrypt(encrypt("a: |\n  x").replace("\na: ", "\n\na: "));
  const plain = `b: |+\n  y\n${opened.text}`;
  const again = decrypt(encrypt(plain, previous(opened)));
  assert.is(again.text, plain);
  assert.equal(
    again.items.map(({ value }) => value),
    ["y\n\n", "x"],
  );
});

test("a file that lost its last line break takes a text that ends with a block scalar and empty lines", async () => {
  const { encrypt, decrypt } = await box(yaml);
  for (const before of ["a: |\n  x\n", "a: >\n\n", "a: 1\n"]) {
    const opened = decrypt(encrypt(before).trimEnd());
    for (const plain of ["a: >\n  x\n\n", "a: |\n  x\n\n\n", "a: |+\n  x\n\n", "a: |-\n  x\n\n"]) {
      assert.is(decrypt(encrypt(plain, previous(opened))).text, plain);
    }
  }
});

/** Values in their order, and which comments there are. */
function said(entries: readonly Entry[], values: readonly unknown[]): unknown {
  const all = entries.map((entry, i) => ({ entry, text: `${typeof values[i]} ${String(values[i])}` }));
  // numbers come back as SOPS prints them
  const value = (text: string) => text.replace(/^(?:number|bigint) /, "");
  return {
    values: all
      .filter(({ entry }) => entry.kind !== "comment")
      .map(({ entry, text }) => [entry.kind, entry.in?.document, pathOf(entry), value(text)]),
    // an alias that is written out repeats them; empty ones are not encrypted, or become a blank
    comments: [
      ...new Set(all.flatMap(({ entry, text }) => (entry.kind === "comment" ? [text.trimEnd()] : []))),
    ]
      .filter((text) => text !== "string")
      .sort(),
  };
}

function orRefused<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    // the last guard must find nothing
    if (!(error instanceof TsopsError) || /would not decrypt/.test(error.message)) throw error;
    return undefined;
  }
}

const LINES = ["# c", "  # c", "    # c", "; c", "// c", "", "", "z1: 1", "z2 = 2", "z3: |+", "z4: >", "  t"];
const LINE_EDITS = fc.array(
  fc.record({ place: fc.nat(1000), takes: fc.nat(3), put: fc.constantFrom(...LINES) }),
  { maxLength: 4 },
);

function withLines(text: string, edits: readonly { place: number; takes: number; put: string }[]): string {
  const lines = text.split("\n");
  for (const { place, takes, put } of edits) {
    const at = place % (lines.length + 1);
    if (takes === 0) lines.splice(at, 1);
    else lines.splice(at, 0, put);
  }
  return lines.join("\n");
}

/** Tools cut the line break at the end of a file, and add some. */
const ENDS: readonly ((text: string) => string)[] = [
  (text) => text,
  (text) => text.trimEnd(),
  (text) => `${text}\n\n`,
];

function saysItsPlaintext(format: Format, { text, items }: Decrypted): void {
  const { entries } = format.read(text);
  const plain = said(
    entries,
    entries.map(({ value }) => value),
  );
  const verified = said(
    items.map(({ entry }) => entry),
    items.map(({ value }) => value),
  );
  assert.equal(plain, verified, text);
}

for (const [name, texts] of Object.entries(TEXTS)) {
  test(`${name}: an edited text says in the encrypted file what it says, and all is encrypted`, async () => {
    const format = await loadFormat(name as FormatName);
    const { encrypt, decrypt } = await box(format, { kind: "unencrypted_suffix", value: "_none" });
    const ends = fc.constantFrom(...ENDS);
    const property = fc.property(texts, LINE_EDITS, ends, LINE_EDITS, (text, first, end, second) => {
      const start = withLines(text, first);
      const file = orRefused(() => encrypt(start));
      if (file === undefined) return;
      // an empty block scalar stays as it is, and would come to have lines
      const opened = orRefused(() => decrypt(end(file)));
      if (opened === undefined) return;
      saysItsPlaintext(format, opened);
      const plain = withLines(opened.text, second);
      const again = orRefused(() => encrypt(plain, previous(opened)));
      if (again === undefined) return;
      const last = decrypt(again);
      assert.is(last.text, plain);
      saysItsPlaintext(format, last);
      const left = last.items.filter(({ encrypted, value }) => !encrypted && value);
      assert.equal(
        left.map(({ value }) => value),
        [],
        again,
      );
    });
    fc.assert(property, { numRuns: 60 });
  });
}

/** As SOPS writes it: nothing says how the floats were spelled, and they are printed as `-0` and `1`. */
const FLOATS_OF_SOPS = [
  {
    format: json,
    plain: '{\n\t"m": -0.0,\n\t"f": 1.0,\n\t"l": [1.0, 1, -0.0, 0],\n\t"a": 5\n}\n',
    without: /,\s*"tsops": \{[^}]*\}/,
  },
  {
    format: yaml,
    plain: "m: -0.0\nf: 1.0\nl: [1.0, 1, -0.0, 0]\na: 5\n",
    without: / *tsops:\n.*layout: .*\n/,
  },
];
for (const { format, plain, without } of FLOATS_OF_SOPS) {
  for (const sameKey of [true, false]) {
    test(`floats of SOPS stay floats when something else changes, or the data key: ${format.name}, ${sameKey}`, async () => {
      const { encrypt, decrypt } = await box(format);
      const made = encrypt(plain, { seal: false });
      assert.match(made, without);
      const opened = decrypt(made.replace(without, ""));
      const floats = (text: string) => text.match(/type:\w+/g)!.slice(0, 7);
      const before = ["float", "float", "float", "int", "float", "int", "int"].map((type) => `type:${type}`);
      assert.equal(floats(made), before);
      assert.match(opened.text, /m"?: -0\b[^.]/);
      const text = encrypt(opened.text.replace("5", "6"), { previous: { decrypted: opened, sameKey } });
      assert.equal(floats(text), before);
      assert.equal(
        decrypt(text).items.map(({ value }) => value),
        [-0, 1, 1, 1n, -0, 0n, 6n],
      );
    });
  }
}

test("a version that SOPS cannot read is read, and corrected when the file is written", async () => {
  const some = await box(yaml);
  const made = some.encrypt("a: x\n", { seal: false });
  for (const line of [
    "",
    "    version: 3\n",
    "    version: abc\n",
    "    version: null\n",
    "    version: 3.9\n",
  ]) {
    const text = made.replace(/ {4}version: .*\n/, line);
    assert.is.not(text, made);
    const opened = some.decrypt(text);
    assert.is(opened.text, "a: x\n");
    const metadata = opened.metadata.tree;
    assert.match(some.encrypt("a: y\n", { ...previous(opened), metadata }), `    version: ${SOPS_VERSION}\n`);
  }
  const old = some.decrypt(made.replace(SOPS_VERSION, "3.7.1"));
  const written = some.encrypt("a: y\n", { ...previous(old), metadata: old.metadata.tree });
  assert.match(written, "    version: 3.7.1\n");
});

test("what SOPS cannot encrypt is an error of decrypting in an encrypted file", async () => {
  const { encrypt, decrypt } = await box(yaml);
  const text = encrypt("a: x\n");
  for (const line of ["1: b", "~: b", "2001-01-01: b", "b: 18446744073709551615"]) {
    const error = failureOf(() => decrypt(`${line}\n${text}`));
    assert.is(error.code, "tree-decryption", line);
    assert.is(error.exitCode, 25, line);
    const plain = failureOf(() => encrypt(`a: x\n${line}\n`));
    assert.is(plain.exitCode, 23, line);
  }
});

function failureOf(work: () => unknown): TsopsError {
  try {
    work();
  } catch (error) {
    if (error instanceof TsopsError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

test.run();
