import * as fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { decodeBech32, encodeBech32 } from "../../../src/keys/age/bech32.ts";

test("the examples of BIP 173", () => {
  const sound = [
    "A12UEL5L",
    "an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1tt5tgs",
    "abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw",
    "split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w",
  ];
  for (const text of sound) {
    const { prefix, bytes } = decodeBech32(text);
    assert.is(encodeBech32(prefix, bytes), text.toLowerCase());
  }
  const bad = [
    "\u00201nwldj5",
    "pzry9x0s0muk",
    "1pzry9x0s0muk",
    "x1b4n0q5v",
    "li1dgmt3",
    "A1G7SGD8",
    "1qzzfhee",
    "A12uEL5L",
  ];
  for (const text of [...bad, "", "1", "split1cheo2y9e2w"])
    assert.throws(() => decodeBech32(text), /checksum/, text);
});

test("any bytes come back, and any changed character is noticed", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 60 }),
      fc.nat(),
      fc.integer({ min: 1, max: 31 }),
      (bytes, at, step) => {
        const text = encodeBech32("age-x-", bytes);
        assert.equal(decodeBech32(text.toUpperCase()), { prefix: "age-x-", bytes: Buffer.from(bytes) });
        const alphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
        const i = "age-x-1".length + (at % (text.length - "age-x-1".length));
        const other = alphabet[(alphabet.indexOf(text[i]!) + step) % 32];
        assert.throws(() => decodeBech32(text.slice(0, i) + other + text.slice(i + 1)), /checksum/);
      },
    ),
  );
});

test("the error holds nothing of the text", () => {
  try {
    decodeBech32("AGE-SECRET-KEY-1WKSSHGHAKCEXCK55YRXH5H2JPYZKREWJ4CDQ5W9F5WN4LGFWYRGSFTKKRX");
    assert.unreachable();
  } catch (error) {
    assert.not.match(String(error), /WKSS|wkss/);
  }
});

test.run();
