import { randomBytes } from "node:crypto";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type Scalar, Time } from "../../src/formats/scalar.ts";
import {
  encryptValue,
  looksEncrypted,
  openBytes,
  parseCipher,
  valueBytes,
  valueFromBytes,
} from "../../src/sops/cipher.ts";

const key = Buffer.alloc(32, 7);
const inputs = { dataKey: key, random: randomBytes };
const aad = "a:b:";

test("every kind of value comes back with its type", () => {
  const values: Exclude<Scalar, null>[] = [
    "text",
    "é😀\u0000",
    "\udc80 a byte that is not UTF-8",
    9223372036854775807n,
    -9223372036854775808n,
    0n,
    1.5,
    1e21,
    1e-7,
    -0,
    Number.POSITIVE_INFINITY,
    Number.NaN,
    true,
    false,
    Time.parse("2026-11-22T10:00:00.5+02:00")!,
  ];
  for (const value of values) {
    const cipher = parseCipher(encryptValue(value, aad, inputs));
    const bytes = openBytes(cipher, aad, key)!;
    const back = valueFromBytes(bytes, cipher.type);
    assert.equal(typeof back, typeof value);
    assert.equal(valueBytes(back!), valueBytes(value));
  }
});

test("bytes are those that Go writes", () => {
  const bytes = (value: Exclude<Scalar, null>) => valueBytes(value).toString();
  assert.is(bytes(1e21), "1000000000000000000000");
  assert.is(bytes(1e-7), "0.0000001");
  assert.is(bytes(-0), "-0");
  assert.is(bytes(1), "1");
  assert.is(bytes(Number.NEGATIVE_INFINITY), "-Inf");
  assert.is(bytes(true), "True");
  assert.is(bytes(Time.parse("2025-01-02T00:00:00+00:00")!), "2025-01-02T00:00:00Z");
});

test("another path, key, tag or IV does not open", () => {
  const cipher = parseCipher(encryptValue("secret", aad, inputs));
  assert.is(openBytes(cipher, "a:", key), undefined);
  assert.is(openBytes(cipher, aad, Buffer.alloc(32, 8)), undefined);
  assert.is(openBytes({ ...cipher, tag: Buffer.alloc(16) }, aad, key), undefined);
  assert.is(openBytes({ ...cipher, iv: Buffer.alloc(32) }, aad, key), undefined);
});

test("a tag of four bytes is refused, though node would take it", () => {
  const text = encryptValue("secret", aad, inputs);
  const short = text.replace(/tag:[^,]+/, `tag:${parseCipher(text).tag.subarray(0, 4).toString("base64")}`);
  assert.throws(() => parseCipher(short), /tag has a wrong length/);
});

test("base64 is checked strictly", () => {
  const text = encryptValue("secret value", aad, inputs);
  for (const bad of [
    text.replace("data:", "data:!"),
    text.replace(",iv:", " ,iv:"),
    text.replace("==,type", "=,type"),
    text.replace("data:", "data:\u0141"),
    text.replace("data:", "data:===="),
  ]) {
    assert.throws(() => parseCipher(bad), /not base64|wrong length/);
  }
});

test("bits behind the last byte are not looked at, as in Go", () => {
  const text = encryptValue("secret value", aad, inputs);
  const other = text.replace(/.(?===,type)/, (last) => String.fromCharCode(last.charCodeAt(0) + 1));
  assert.is.not(other, text);
  assert.equal(parseCipher(other), parseCipher(text));
});

test("text behind the bracket is ignored, text before it is not", () => {
  const text = encryptValue("x", aad, inputs);
  assert.ok(looksEncrypted(`${text} note`));
  assert.is(openBytes(parseCipher(`${text}\n`), aad, key)!.toString(), "x");
  assert.not.ok(looksEncrypted(` ${text}`));
});

test("type confusion: bytes that the type would not have written are refused", () => {
  const cases: [string, "int" | "float" | "bool" | "time"][] = [
    ["007", "int"],
    ["+1", "int"],
    ["9223372036854775808", "int"],
    ["0x10", "int"],
    ["1.0", "float"],
    ["1e3", "float"],
    ["abc", "float"],
    ["true", "bool"],
    ["1", "bool"],
    ["2025-02-30T00:00:00Z", "time"],
    ["2025-01-01", "time"],
  ];
  for (const [text, type] of cases)
    assert.is(valueFromBytes(Buffer.from(text), type), undefined, `${text} ${type}`);
});

test("a type that SOPS does not write is refused", () => {
  const text = encryptValue("x", aad, inputs).replace("type:str", "type:bytes");
  assert.throws(() => parseCipher(text), /type is not one/);
});

test("a value of 50 MB goes through", () => {
  const text = "x".repeat(50_000_000);
  const cipher = parseCipher(encryptValue(text, aad, inputs));
  assert.is(openBytes(cipher, aad, key)!.length, text.length);
});

test.run();
