import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";
import { TsopsError } from "../../errors.ts";
import { strictBase64 } from "../../net/base64.ts";

/**
 * Master keys that a secret store holds: 32 bytes, from which two things are derived with HKDF-SHA-256 (RFC 5869), each
 * with a label of its own, so that neither says anything about the other or about the master key: an id, which files
 * name it by, and the key that wraps data keys with AES-256-GCM. docs/format.md has the encoding and test vectors.
 */
export const MASTER_KEY_BYTES = 32;
const ID_LABEL = "tsops master key id v1";
const WRAP_LABEL = "tsops master key wrap v1";
const VERSION = "v1";
const IV_BYTES = 12;
const TAG_BYTES = 16;
/** A data key, or a share of one with its x-byte (docs/internals/sops.md §4). */
const WRAPPED_SIZES: readonly number[] = [32, 33];

/** Names a master key without revealing anything of it: 16 hexadecimal digits. */
export function masterKeyId(master: Uint8Array): string {
  return Buffer.from(hkdfSync("sha256", master, "", ID_LABEL, 8)).toString("hex");
}

/** A data key or share, wrapped: `v1:` and base64. `iv` is for the test vectors only: twice the same one is fatal. */
export function wrapWithMaster(
  master: Uint8Array,
  dataKey: Uint8Array,
  iv: Uint8Array = randomBytes(IV_BYTES),
): string {
  const key = wrappingKey(master);
  try {
    const cipher = createCipheriv("aes-256-gcm", key, iv, { authTagLength: TAG_BYTES });
    cipher.setAAD(boundTo(master));
    const parts = [iv, cipher.update(dataKey), cipher.final(), cipher.getAuthTag()];
    return `${VERSION}:${Buffer.concat(parts).toString("base64")}`;
  } finally {
    key.fill(0);
  }
}

/**
 * The data key or share that was wrapped; the caller clears it.
 * @throws TsopsError if `enc` is malformed, of a later version, or was not wrapped with this master key.
 */
export function unwrapWithMaster(master: Uint8Array, enc: string): Buffer {
  const { iv, encrypted, tag } = parseWrapped(enc);
  const key = wrappingKey(master);
  let plain: Buffer | undefined;
  try {
    const decipher = createDecipheriv("aes-256-gcm", key, iv, { authTagLength: TAG_BYTES });
    decipher.setAAD(boundTo(master));
    decipher.setAuthTag(tag);
    plain = decipher.update(encrypted);
    decipher.final();
    return plain;
  } catch (cause) {
    plain?.fill(0);
    throw damaged("it was changed, or wrapped with another key", cause);
  } finally {
    key.fill(0);
  }
}

function parseWrapped(enc: string): { iv: Buffer; encrypted: Buffer; tag: Buffer } {
  const version = /^v(\d{1,9}):/.exec(enc)?.[0];
  if (version === undefined) throw damaged("it does not begin with a version");
  if (version !== `${VERSION}:`) {
    throw new TsopsError("key-unavailable", `the wrapped data key is of version ${version.slice(0, -1)}`, {
      hint: "a newer tsops wrote it: update tsops",
    });
  }
  const bytes = strictBase64(enc.slice(version.length));
  const size = (bytes?.length ?? 0) - IV_BYTES - TAG_BYTES;
  if (!bytes || !WRAPPED_SIZES.includes(size)) throw damaged("it is not base64 of the right length");
  return {
    iv: bytes.subarray(0, IV_BYTES),
    encrypted: bytes.subarray(IV_BYTES, IV_BYTES + size),
    tag: bytes.subarray(IV_BYTES + size),
  };
}

function damaged(why: string, cause?: unknown): TsopsError {
  return new TsopsError("bad-key", `the wrapped data key is damaged: ${why}`, {
    hint: "compare the file's metadata with its last good version in git",
    cause,
  });
}

function wrappingKey(master: Uint8Array): Buffer {
  return Buffer.from(hkdfSync("sha256", master, "", WRAP_LABEL, 32));
}

/** The AAD: what a wrapped key is, and which master key it is for. Not where that is kept, so that it can move. */
function boundTo(master: Uint8Array): Buffer {
  return Buffer.from(`${WRAP_LABEL}\n${masterKeyId(master)}`);
}
