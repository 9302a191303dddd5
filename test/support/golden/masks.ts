/**
 * What of an encrypted document can be compared: texts here are bytes as Latin-1, so that any byte survives.
 */

const CIPHERTEXT =
  /ENC\[AES256_GCM,data:([A-Za-z0-9+/=]*),iv:([A-Za-z0-9+/=]*),tag:([A-Za-z0-9+/=]*),type:(\w+)\]/g;
const WRAPPED_KEY = /-----BEGIN (AGE ENCRYPTED FILE|PGP MESSAGE)-----[\s\S]*?-----END \1-----/g;
const TIME = /(lastmodified|created_at)("?\s*[:=]\s*["']?)\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/g;
const VERSION = /(version)("?\s*[:=]\s*["']?)\d+\.\d+\.\d+/g;

const decodedLength = (text: string): number => Buffer.from(text, "base64").length;

/** An encrypted document with what is random or depends on the time masked; the rest must be the same. */
export function shape(document: string): string {
  return document
    .replace(WRAPPED_KEY, "<$1>")
    .replace(TIME, "$1$2<time>")
    .replace(VERSION, "$1$2<version>")
    .replace(
      CIPHERTEXT,
      (_, ...[data = "", iv = "", tag = "", type]: string[]) =>
        `ENC[${decodedLength(data)} bytes,iv ${decodedLength(iv)},tag ${decodedLength(tag)},${type}]`,
    );
}

/** Numbers of those ciphertexts of a document that a later one still has, byte for byte. */
export function persisting(before: string, after: string): number[] {
  const kept = new Set(Array.from(after.matchAll(CIPHERTEXT), ([text]) => text));
  return Array.from(before.matchAll(CIPHERTEXT), ([text], i) => (kept.has(text) ? i : -1)).filter(
    (i) => i >= 0,
  );
}
