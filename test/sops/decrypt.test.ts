import { randomBytes } from "node:crypto";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Format } from "../../src/formats/format.ts";
import { json } from "../../src/formats/json/index.ts";
import { yaml } from "../../src/formats/yaml/index.ts";
import { encryptBytes } from "../../src/sops/cipher.ts";
import { type Box, box, codeOf } from "../support/sealed.ts";

/** What a reader of an encrypted file must not take for what it is not. */

/** A comment of the list `l`, as SOPS encrypts it: it becomes an item. */
const commentOf = ({ dataKey }: Box, text: string): string =>
  encryptBytes(Buffer.from(text), "comment", "l:", { dataKey, random: randomBytes });

const FOREIGN = "ENC[AES256_GCM,data:AAAA,iv:AAAA,tag:AAAAAAAAAAAAAAAAAAAAAA==,type:comment]";

/** A file whose list `l` gets one more item in front of the item that is encrypted as `mark`. */
function withItem(text: string, item: string, format: Format): string {
  return format === json
    ? text.replace(/("l": \[\s*)/, `$1"${item}",\n`)
    : text.replace(/(l:\n)( *)- /, `$1$2- ${item}\n$2- `);
}

const PLAIN = { json: '{\n\t"l": [\n\t\t"a",\n\t\t"b"\n\t]\n}\n', yaml: "l:\n  - a\n  - b\n" };

for (const format of [json, yaml]) {
  const plain = PLAIN[format.name as "json" | "yaml"];

  test(`${format.name}: an item that only looks like a comment of SOPS is no value of an encrypted list`, async () => {
    const some = await box(format);
    const made = some.encrypt(plain, { seal: false });
    const elsewhere = encryptBytes(Buffer.from("c"), "comment", "m:", {
      dataKey: some.dataKey,
      random: randomBytes,
    });
    for (const item of [FOREIGN, elsewhere, "ENC[AES256_GCM,$(anything),type:comment]"]) {
      const text = withItem(made, item, format);
      assert.is.not(text, made);
      for (const ignoreMac of [false, true]) {
        assert.is(
          codeOf(() => some.decrypt(text, { ignoreMac })),
          "tree-decryption",
        );
      }
    }
  });

  test(`${format.name}: such an item of a list that stays plain counts in the MAC`, async () => {
    const some = await box(format, { kind: "encrypted_regex", value: "^secret$" });
    const made = some.encrypt(plain, { seal: false });
    const text = withItem(made, FOREIGN, format);
    assert.is.not(text, made);
    assert.is(
      codeOf(() => some.decrypt(text)),
      "mac-mismatch",
    );
  });
}

test("json: comments that SOPS put into a list are left out, with a warning", async () => {
  const some = await box(json);
  const [c, d] = [commentOf(some, " one"), commentOf(some, "two")];
  const made = some.encrypt('{"l": ["a", {"k": 1}, [2]], "m": 3}\n', { seal: false });
  const list = /\["ENC.*?\]"\]\]/.exec(made)![0];
  const [, a, map, inner] = /^\[(".*?"), (\{.*?\}), (\[.*\])\]$/.exec(list)!;
  const said = (items: readonly string[]) => made.replace(list, () => `[${items.join(", ")}]`);
  const cases = [
    [`"${c}"`, a, map, inner],
    [`"${c}"`, `"${d}"`, a, map, inner],
    [a, `"${c}"`, map, `"${d}"`, inner],
    [a, map, inner, `"${c}"`, `"${d}"`],
    [`"${c}"`, a, map, inner, `"${d}"`],
  ] as string[][];
  for (const items of cases) {
    const { text, warnings, draft } = some.decrypt(said(items));
    assert.is(text, '{"l": ["a", {"k": 1}, [2]], "m": 3}\n', items.join(", "));
    assert.match(draft, /^\{"l": \["a", \{"k": 1\}, \[2\]\], "m": 3, "sops"/);
    assert.is(warnings.length, 1);
    assert.match(warnings[0]!.message, /comment/);
  }
});

test("json: a list of nothing but comments of SOPS is empty", async () => {
  const some = await box(json);
  const [c, d] = [commentOf(some, " one"), commentOf(some, "two")];
  const made = some.encrypt('{"l": [], "m": 3}\n', { seal: false });
  for (const items of [`"${c}"`, `"${c}", "${d}"`, `"${c}", "${d}", "${commentOf(some, "three")}"`]) {
    assert.is(some.decrypt(made.replace("[]", () => `[${items}]`)).text, '{"l": [], "m": 3}\n');
  }
});

test.run();
