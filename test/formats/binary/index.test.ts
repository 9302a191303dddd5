import { readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { TsopsError } from "../../../src/errors.ts";
import { binary } from "../../../src/formats/binary/index.ts";
import { type Entry, pathOf } from "../../../src/formats/format.ts";
import { json } from "../../../src/formats/json/index.ts";
import { applyEdits, decodeText, encodeText } from "../../../src/formats/text.ts";
import { TreeMap } from "../../../src/formats/tree.ts";
import { METADATA } from "../../support/formats/laws.ts";
import { assertLinear } from "../../support/pace.ts";

fc.configureGlobal({ includeErrorInReport: true });

const GOLDEN = new URL("../../../fixtures/golden/", import.meta.url);
const CIPHER = "ENC[AES256_GCM,data:YQ==,iv:YQ==,tag:YQ==,type:str]";

/** Encrypts as the caller does: the wrapper, then the metadata as JSON; an empty text is no ciphertext. */
function wrap(text: string): string {
  const wrapper = binary.wrapper!.wrap(text === "" ? "" : CIPHER, {});
  return applyEdits(wrapper, json.addMetadata(json.read(wrapper), METADATA, {}));
}

/** Decrypts as the caller does: only what looks encrypted is spelled. */
function unwrap(wrapped: string, text: string): string {
  const reading = binary.wrapper!.read(wrapped);
  const [entry] = reading.entries as [Entry];
  const { start, end } = entry;
  const spelled = entry.value === CIPHER ? [{ start, end, text: binary.spell(reading, entry, text) }] : [];
  return applyEdits(wrapped, [...spelled, ...binary.removeMetadata(reading)]);
}

function failing(run: () => unknown): TsopsError {
  try {
    run();
  } catch (error) {
    if (error instanceof TsopsError) return error;
    throw error;
  }
  throw new Error("it did not fail");
}

test("a plaintext is one entry", () => {
  const { entries, documents } = binary.read("a\nb");
  assert.is(documents, 1);
  assert.equal(
    entries.map((entry) => [pathOf(entry), entry.value, entry.start, entry.end]),
    [[["data"], "a\nb", 0, 3]],
  );
});

for (const name of readdirSync(GOLDEN).filter((name) => name.startsWith("binary-"))) {
  test(`golden ${name}`, () => {
    const files = readdirSync(new URL(`${name}/in/`, GOLDEN));
    const read = (file: string) => decodeText(readFileSync(new URL(`${name}/in/${file}`, GOLDEN)));
    const encrypted = files.filter((file) => file.startsWith("golden.enc")).map(read);
    assert.ok(encrypted.length > 0);
    for (const text of encrypted) {
      const reading = binary.wrapper!.read(text);
      const [{ value }] = reading.entries as [Entry];
      assert.ok(value === "" || String(value).startsWith("ENC[AES256_GCM,"));
      assert.ok(reading.metadata?.tree.get("mac"));
      // What is written here is what SOPS writes, but for the metadata.
      const wrapper = binary.wrapper!.wrap(String(value), {});
      assert.is(applyEdits(text, json.removeMetadata(reading)), wrapper);
    }
  });
}

test("any text comes back, bytes that are not UTF-8 as well", () => {
  const bytes = fc.uint8Array({ maxLength: 40 });
  fc.assert(
    fc.property(bytes, (content) => {
      const text = decodeText(content);
      assert.equal(new Uint8Array(encodeText(unwrap(wrap(text), text))), content);
    }),
  );
  for (const text of ["", "\ufeff", '{"data":"x","sops":{}}', "ENC[", '"'])
    assert.is(unwrap(wrap(text), text), text);
});

test("a value that the wrapper holds plain comes out as it is", () => {
  assert.is(unwrap('{"data":"a\\u00e9\\n","sops":{"mac":""}}', ""), "aé\n");
});

test("what is no wrapper is refused with a place", () => {
  for (const text of ["hello", "", '{"data":"ENC[']) {
    const error = failing(() => binary.wrapper!.read(text));
    assert.is(error.code, "parse");
    assert.is(error.place?.line, 1);
  }
  for (const text of ['{"sops":{}}', '{"data":1,"sops":{}}', '{"x":"ENC[","sops":{}}', '{"data":{"x":""}}']) {
    const error = failing(() => binary.wrapper!.read(text));
    assert.is(error.exitCode, 4);
    assert.is(error.place?.line, 1);
  }
  const error = failing(() => binary.wrapper!.read('{"data":"",\n"b":"","sops":{}}'));
  assert.equal(error.place, { line: 2, column: 5 });
});

test("set takes the one place there is, and texts only", () => {
  const reading = binary.read("old\n");
  assert.is(applyEdits("old\n", binary.set(reading, ["data"], "new", {})), "new");
  assert.is(failing(() => binary.set(reading, ["x"], "new", {})).code, "bad-path");
  assert.is(failing(() => binary.set(reading, [], "new", {})).code, "bad-path");
  assert.is(failing(() => binary.set(reading, ["data"], 1n, {})).code, "print");
  assert.is(failing(() => binary.unset(reading, ["data"])).code, "print");
});

test("printing wants a text named data", () => {
  assert.is(
    binary.print(
      [
        TreeMap.of([
          ["x", 1n],
          ["data", "a\n"],
        ]),
      ],
      {},
    ),
    "a\n",
  );
  assert.is(failing(() => binary.print([TreeMap.of([["data", 1n]])], {})).exitCode, 4);
  assert.is(failing(() => binary.print([new TreeMap()], {})).exitCode, 4);
  assert.is(failing(() => binary.printValue("x", {})).exitCode, 4);
});

test("50 MB are no trouble", () =>
  assertLinear((lines) => {
    const text = "<x\n".repeat(lines);
    assert.ok(unwrap(wrap(text), text) === text);
    const big = `{"data":"${"A".repeat(3 * lines)}","sops":{"mac":"m"}}`;
    assert.is(unwrap(big, "").length, 3 * lines);
  }, 2_100_000));

test.run();
