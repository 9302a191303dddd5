import { TsopsError } from "../../errors.ts";
import { strictBase64 } from "../../net/base64.ts";

/**
 * What a wrapped data key must look like before anything is asked to open it: packets that encrypt a session key to
 * public keys, then one packet that is encrypted with it and tells if it was changed (RFC 9580 sections 4.2 and 10.3).
 * gpg would print the contents of other messages just as well, and those prove no key.
 */

const TAG = {
  publicKey: 1,
  signature: 2,
  password: 3,
  onePass: 4,
  compressed: 8,
  unprotected: 9,
  literal: 11,
};
/** With a modification detection code or AEAD; the second one is GnuPG's own. */
const PROTECTED: readonly number[] = [18, 20];

const REFUSED: Readonly<Record<number, string>> = {
  [TAG.signature]: "it is only signed, not encrypted",
  [TAG.password]: "it opens with a password, too, whoever has the key",
  [TAG.onePass]: "it is only signed, not encrypted",
  [TAG.compressed]: "it is not encrypted at all",
  [TAG.unprotected]: "it is encrypted without integrity protection, so it may have been changed",
  [TAG.literal]: "it is not encrypted at all",
};

/**
 * The ids of the keys that a message is encrypted to, 16 hexadecimal digits each; zeros where it hides one.
 * @throws TsopsError("bad-key") if it is no message, or not one that only keys can open.
 */
export function keyIdsOf(enc: string): string[] {
  const bytes = dearmor(enc);
  const ids: string[] = [];
  let at = 0;
  while (at < bytes.length) {
    const { tag, start, end } = packetAt(bytes, at);
    if (tag === TAG.publicKey) ids.push(keyIdOf(bytes.subarray(start, end)));
    else if (!PROTECTED.includes(tag)) {
      throw notWrapped(REFUSED[tag] ?? `there is a packet in it that does not belong there (tag ${tag})`);
    } else if (ids.length === 0) throw notWrapped("it is encrypted to no key");
    else if (end < bytes.length) throw notWrapped("there is more data after the encrypted part");
    else return ids;
    at = end;
  }
  throw damaged(ids.length > 0 ? "it is cut off" : "it is empty");
}

const BEGIN = "-----BEGIN PGP MESSAGE-----";
const END = "-----END PGP MESSAGE-----";

/** The packets of exactly one armored message (RFC 9580 section 6.2). The checksum is left to who opens it. */
function dearmor(enc: string): Buffer {
  const lines = enc
    .trim()
    .split(/\r?\n/)
    .map((line) => line.trimEnd());
  if (lines.shift() !== BEGIN || lines.pop() !== END) throw damaged("it is not an armored PGP message");
  while (/^[A-Za-z]+: /.test(lines[0] ?? "")) lines.shift();
  if (lines.at(-1)?.startsWith("=")) lines.pop();
  const bytes = strictBase64(lines.join(""));
  if (!bytes) throw damaged("its armor was changed");
  return bytes;
}

interface Packet {
  readonly tag: number;
  /** Where its body is; the lengths of its parts are still in it where it came in parts. */
  readonly start: number;
  readonly end: number;
}

function packetAt(bytes: Buffer, at: number): Packet {
  const first = bytes[at]!;
  if ((first & 0x80) === 0) throw damaged("it does not consist of PGP packets");
  if ((first & 0x40) === 0) return oldPacketAt(bytes, at, first);
  let { length, start, partial } = newLength(bytes, at + 1);
  const body = start;
  while (partial) ({ length, start, partial } = newLength(bytes, start + length));
  return { tag: first & 0x3f, start: body, end: within(bytes, start + length) };
}

function oldPacketAt(bytes: Buffer, at: number, first: number): Packet {
  const tag = (first >> 2) & 0xf;
  const kind = first & 3;
  // of indeterminate length: up to the end
  if (kind === 3) return { tag, start: at + 1, end: bytes.length };
  const size = 1 << kind;
  const start = within(bytes, at + 1 + size);
  return { tag, start, end: within(bytes, start + bytes.readUIntBE(at + 1, size)) };
}

function newLength(bytes: Buffer, at: number): { length: number; start: number; partial: boolean } {
  const first = bytes[within(bytes, at + 1) - 1]!;
  if (first < 192) return { length: first, start: at + 1, partial: false };
  if (first >= 224 && first < 255) {
    const length = 2 ** (first & 0x1f);
    within(bytes, at + 1 + length);
    return { length, start: at + 1, partial: true };
  }
  const start = within(bytes, at + (first === 255 ? 5 : 2));
  const length = first === 255 ? bytes.readUInt32BE(at + 1) : ((first - 192) << 8) + bytes[at + 1]! + 192;
  return { length, start, partial: false };
}

function within(bytes: Buffer, end: number): number {
  if (end > bytes.length) throw damaged("it is cut off");
  return end;
}

const HIDDEN = "0".repeat(16);

/** The recipient of an encrypted session key, of version 3 or 6 (RFC 9580 section 5.1). */
function keyIdOf(body: Buffer): string {
  const hex = (from: number, to: number): string => body.toString("hex", from, to).toUpperCase();
  if (body[0] === 3 && body.length > 9) return hex(1, 9);
  if (body[0] !== 6 || body.length < 2 + body[1]!) throw damaged("its recipients cannot be read");
  if (body[1] === 0) return HIDDEN;
  // a fingerprint behind its version: the id is its end in version 4, and its beginning since
  return body[2] === 4 ? hex(2 + body[1]! - 8, 2 + body[1]!) : hex(3, 11);
}

export function isHidden(keyId: string): boolean {
  return keyId === HIDDEN;
}

function damaged(why: string): TsopsError {
  return new TsopsError("bad-key", `it is damaged: ${why}`, {
    hint: "compare the file's sops metadata with the last good version in git",
  });
}

/** What opens it would prove nothing: others may know, or have chosen, what is in it. */
export function notWrapped(why: string): TsopsError {
  return new TsopsError("bad-key", `it is not a data key that was wrapped for this key: ${why}`, {
    hint: "somebody who knows its content may have put it there: restore the file from git",
  });
}
