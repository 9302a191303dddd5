import { createHash } from "node:crypto";
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { encodeText } from "../../src/formats/text.ts";
import { computeMac } from "../../src/sops/mac.ts";

const macOf = (texts: readonly string[]) =>
  computeMac(
    texts.map((value) => ({ value, encrypted: true })),
    false,
  );

test("values are hashed as their bytes, one after the other, whatever they are and however many", () => {
  // halves of a character, which are bytes that are not UTF-8, stay what they are beside each other
  const text = fc.oneof(fc.constantFrom("", "a", "\ud83d", "\ude00", "\udc80", "é😀"), fc.string());
  const texts = fc.array(text, { maxLength: 20 });
  const property = fc.property(
    texts,
    fc.constantFrom(1, 60),
    fc.constantFrom(1, 4097),
    (some, times, long) => {
      const all = Array.from({ length: times }, () => some.map((one) => one.repeat(long))).flat();
      const hash = createHash("sha512");
      for (const one of all) hash.update(encodeText(one));
      assert.is(macOf(all), hash.digest("hex").toUpperCase());
    },
  );
  fc.assert(property, { numRuns: 50 });
});

test("values that are together longer than a text can be", () => {
  const long = "x".repeat(33 * 2 ** 20);
  assert.match(macOf(new Array(16).fill(long)), /^[0-9A-F]{128}$/);
});

test.run();
