import { test } from "uvu";
import * as assert from "uvu/assert";
import { keyIdsOf } from "../../../src/keys/pgp/message.ts";
import { isUser, keyIdOf, names } from "../../../src/keys/pgp/names.ts";
import { armored, literal, packet, SEALED, toKey } from "../../support/keys/pgp-messages.ts";

const ID = "B8BA14654D5DA8DE";
const OTHER = "E7B9E49CB8E52BB2";
const KEY = Buffer.alloc(32, 7);

function refused(enc: string): string {
  try {
    keyIdsOf(enc);
  } catch (error) {
    return (error as Error).message;
  }
  return "not refused";
}

test("for whom a message is", () => {
  assert.equal(keyIdsOf(armored(toKey(ID), SEALED)), [ID]);
  assert.equal(keyIdsOf(armored(toKey(ID), toKey(OTHER), SEALED)), [ID, OTHER]);
  assert.equal(keyIdsOf(armored(toKey("0".repeat(16)), packet(20, KEY))), ["0".repeat(16)]);
  const v6 = (version: number, fingerprint: string) =>
    packet(
      1,
      Buffer.from(
        `06${((fingerprint.length + 2) / 2).toString(16).padStart(2, "0")}0${version}${fingerprint}19`,
        "hex",
      ),
    );
  assert.equal(keyIdsOf(armored(v6(4, `${"AB".repeat(12)}${ID}`), SEALED)), [ID]);
  assert.equal(keyIdsOf(armored(v6(6, `${ID}${"AB".repeat(24)}`), SEALED)), [ID]);
  assert.equal(keyIdsOf(armored(packet(1, Buffer.of(6, 0, 25)), SEALED)), ["0".repeat(16)]);
});

test("headers in the armor, a checksum, other line ends and blanks around it", () => {
  const enc = armored(toKey(ID), SEALED);
  const more = enc
    .replace("\n\n", "\nVersion: GnuPG v1\nComment: x\n\n")
    .replace("\n-----END", "\n=AbCd\n-----END");
  for (const text of [more, more.replaceAll("\n", "\r\n"), ` \n${more}\n\n`])
    assert.equal(keyIdsOf(text), [ID]);
});

test("packets in the old form, of indeterminate length and in parts", () => {
  const body = toKey(ID).subarray(2);
  const old = Buffer.concat([Buffer.of(0x85, 0, body.length), body]);
  assert.equal(keyIdsOf(armored(old, Buffer.of(0xc0 | 18, 0xe2, 1, 2, 3, 4, 0xe0, 5, 3, 1, 2, 3))), [ID]);
  assert.match(refused(armored(old, Buffer.of(0xa7, 1, 2, 3))), /without integrity protection/);
});

test("messages that open without the key, or do not show that they were changed", () => {
  const encrypted = [toKey(ID), SEALED];
  assert.match(refused(armored(literal(KEY))), /it is not encrypted at all/);
  assert.match(refused(armored(packet(8, KEY))), /it is not encrypted at all/);
  assert.match(refused(armored(packet(4, KEY), literal(KEY), packet(2, KEY))), /only signed/);
  assert.match(refused(armored(packet(3, KEY), SEALED)), /opens with a password/);
  assert.match(refused(armored(toKey(ID), packet(3, KEY), SEALED)), /opens with a password/);
  assert.match(refused(armored(toKey(ID), packet(9, KEY))), /without integrity protection/);
  assert.match(refused(armored(SEALED)), /encrypted to no key/);
  for (const first of [literal(KEY), packet(10, Buffer.from("PGP"))]) {
    assert.match(refused(armored(first, ...encrypted)), /not encrypted|does not belong there/);
    assert.match(refused(armored(...encrypted, first)), /there is more data after/);
  }
  assert.match(refused(armored(...encrypted, ...encrypted)), /there is more data after/);
});

test("what is no message at all", () => {
  const enc = armored(toKey(ID), SEALED);
  const cut = Buffer.concat([toKey(ID), SEALED]);
  for (const bad of [
    "",
    "x",
    enc.slice(0, 60),
    `${enc}\n${enc}`,
    enc.replace("MESSAGE", "SIGNATURE"),
    armored(),
  ]) {
    assert.match(refused(bad), /^it is damaged/);
  }
  for (let end = 1; end < cut.length; end++)
    assert.match(refused(armored(cut.subarray(0, end))), /^it is damaged/);
});

test("names of keys: fingerprints, ids of both lengths, with what people put around them", () => {
  const full = `D2FDDC4A5246E0E1192839E7${ID}`;
  for (const name of [full, full.toLowerCase(), `0x${full}`, `${full}!`, ID, `0x${ID}!`, ID.slice(-8)]) {
    assert.ok(names(name, [full]), name);
  }
  assert.ok(names(full.match(/.{4}/g)!.join(" "), [full]));
  for (const name of [OTHER, full.slice(1), full.slice(-7), "", "!", "pgp1", `${full}!!`]) {
    assert.not(names(name, [full]), name);
  }
  const long = `${ID}${"0".repeat(48)}`;
  assert.is(keyIdOf(long), ID);
  assert.is(keyIdOf(full), ID);
  assert.ok(names(ID, [long]));
  assert.not(names("0".repeat(16), [long]));
  assert.ok(isUser("pgp1@test.invalid", ["Pgp 1 <PGP1@test.invalid>"]));
  for (const name of ["", " ", "other@test.invalid", ID])
    assert.not(isUser(name, [`${ID} <pgp1@test.invalid>`]));
});

test.run();
