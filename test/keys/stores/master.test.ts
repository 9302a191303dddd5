import { randomBytes } from "node:crypto";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { TsopsError } from "../../../src/errors.ts";
import { masterKeyId, unwrapWithMaster, wrapWithMaster } from "../../../src/keys/stores/master.ts";
import { strictBase64 } from "../../../src/net/base64.ts";

/** The wrapping of data keys by master keys that a store holds. */

const bytes = (first: number, count: number) =>
  Buffer.from(Array.from({ length: count }, (_, i) => first + i));
const MASTER = bytes(0, 32);

// computed with Go's standard library from the description in docs/format.md
const VECTORS: readonly [dataKey: Buffer, enc: string][] = [
  [bytes(0x20, 32), "v1:oKGio6SlpqeoqaqrGQv7fOOfdSLvfVgNTfZSyT+8i9GxtrhNv1kNa5flwwa3650bLPAY01UNLNy15SPT"],
  [
    bytes(0x20, 33),
    "v1:oKGio6SlpqeoqaqrGQv7fOOfdSLvfVgNTfZSyT+8i9GxtrhNv1kNa5flwwbE1hk3eTueyFjivphpu+JgYQ==",
  ],
];

test("the test vectors of docs/format.md", () => {
  assert.is(masterKeyId(MASTER), "b5c7762795bd9e3c");
  for (const [dataKey, enc] of VECTORS) {
    assert.is(wrapWithMaster(MASTER, dataKey, bytes(0xa0, 12)), enc);
    assert.equal(unwrapWithMaster(MASTER, enc), dataKey);
  }
});

test("what is wrapped comes back, and looks different each time", () => {
  const [master, dataKey] = [randomBytes(32), randomBytes(32)];
  const [one, other] = [wrapWithMaster(master, dataKey), wrapWithMaster(master, dataKey)];
  assert.is.not(one, other);
  assert.equal(unwrapWithMaster(master, one), dataKey);
  assert.equal(unwrapWithMaster(master, other), dataKey);
});

test("nothing else opens it: another master key, any changed bit, another length, another spelling", () => {
  const enc = VECTORS[0]![1];
  const refused = (text: string, master = MASTER): string => {
    try {
      unwrapWithMaster(master, text);
    } catch (error) {
      assert.instance(error, TsopsError, text);
      return (error as TsopsError).message;
    }
    throw new Error(`${text} was accepted`);
  };
  assert.match(refused(enc, randomBytes(32)), /changed, or wrapped with another key/);
  const raw = strictBase64(enc.slice(3))!;
  for (let i = 0; i < raw.length; i++) {
    const changed = Buffer.from(raw);
    changed[i]! ^= 1 << (i % 8);
    assert.match(refused(`v1:${changed.toString("base64")}`), /changed, or wrapped with another key/);
  }
  for (const length of [0, 12, 28, 44, 59, 62]) {
    const cut = Buffer.alloc(length, raw);
    assert.match(refused(`v1:${cut.toString("base64")}`), /not base64 of the right length/);
  }
  for (const text of [
    `${enc}=`,
    `${enc} `,
    enc.replace("+", "-"),
    VECTORS[1]![1].replaceAll("=", ""),
    "v1:",
  ]) {
    assert.match(refused(text), /not base64 of the right length/);
  }
  assert.match(refused(enc.slice(3)), /does not begin with a version/);
  assert.match(refused(""), /does not begin with a version/);
  assert.match(refused(enc.replace("v1", "v2")), /of version v2/);
});

test("an id says nothing of its key, and no two keys share one", () => {
  const keys = Array.from({ length: 100 }, () => randomBytes(32));
  const ids = keys.map((key) => masterKeyId(key));
  assert.is(new Set(ids).size, keys.length);
  for (const [i, id] of ids.entries()) {
    assert.match(id, /^[0-9a-f]{16}$/);
    assert.not.ok(keys[i]!.toString("hex").includes(id));
  }
});

test.run();
