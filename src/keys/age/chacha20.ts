import { createCipheriv, createDecipheriv } from "node:crypto";

/**
 * ChaCha20-Poly1305 (RFC 8439) with its tag at the end: node:crypto's, or Web Crypto's where node:crypto has none, as in
 * bun. What the machine's rules forbid (FIPS) neither of them has.
 */

const NAME = "ChaCha20-Poly1305";
const TAG_BYTES = 16;

export async function encryptBytes(
  key: Uint8Array,
  nonce: Uint8Array,
  plaintext: Uint8Array,
): Promise<Buffer> {
  try {
    const cipher = createCipheriv("chacha20-poly1305", key, nonce, { authTagLength: TAG_BYTES });
    return Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
  } catch (error) {
    if (!isUnknown(error)) throw error;
    return await encryptByWebCrypto(key, nonce, plaintext);
  }
}

/** The plaintext, or null if the key is another one or the text was changed. */
export async function openBytes(
  key: Uint8Array,
  nonce: Uint8Array,
  encrypted: Uint8Array,
): Promise<Buffer | null> {
  const end = encrypted.length - TAG_BYTES;
  if (end < 0) return null;
  let decipher: ReturnType<typeof nodeDecipher>;
  try {
    decipher = nodeDecipher(key, nonce);
  } catch (error) {
    if (!isUnknown(error)) throw error;
    return await openByWebCrypto(key, nonce, encrypted);
  }
  decipher.setAuthTag(encrypted.subarray(end));
  const plaintext = decipher.update(encrypted.subarray(0, end));
  try {
    decipher.final();
    return plaintext;
  } catch {
    plaintext.fill(0);
    return null;
  }
}

function nodeDecipher(key: Uint8Array, nonce: Uint8Array) {
  return createDecipheriv("chacha20-poly1305", key, nonce, { authTagLength: TAG_BYTES });
}

function isUnknown(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === "ERR_CRYPTO_UNKNOWN_CIPHER";
}

/** For the tests, too: releases of Node that have both are compared. */
export async function encryptByWebCrypto(
  key: Uint8Array,
  nonce: Uint8Array,
  plaintext: Uint8Array,
): Promise<Buffer> {
  const web = await webKey(key, "encrypt");
  return Buffer.from(await crypto.subtle.encrypt({ name: NAME, iv: nonce }, web, plaintext));
}

export async function openByWebCrypto(
  key: Uint8Array,
  nonce: Uint8Array,
  encrypted: Uint8Array,
): Promise<Buffer | null> {
  const web = await webKey(key, "decrypt");
  try {
    return Buffer.from(await crypto.subtle.decrypt({ name: NAME, iv: nonce }, web, encrypted));
  } catch (error) {
    // what Web Crypto says of a tag that does not fit
    if ((error as Error).name === "OperationError") return null;
    throw error;
  }
}

function webKey(key: Uint8Array, use: "encrypt" | "decrypt") {
  // newer than the types: https://wicg.github.io/webcrypto-modern-algos/
  return crypto.subtle.importKey("raw-secret" as "raw", key, NAME, false, [use]);
}
