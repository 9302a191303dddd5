import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";
import { TsopsError } from "../errors.ts";
import { WRAPPED_BY_CLUSTER } from "../keys/cluster/wrapped.ts";
import { strictBase64 } from "../net/base64.ts";

/**
 * How the cluster's key service wraps data keys with keys that it derives from a master secret (docs/format.md, keys of
 * a cluster): HKDF-SHA-256 (RFC 5869) and AES-256-GCM (NIST SP 800-38D). Nothing is stored but what wrapping gives.
 */

/** A master secret with the id by which wrapped keys say that they need it. The id says nothing of the secret. */
export interface MasterSecret {
  readonly id: string;
  readonly secret: Buffer;
}

const PREFIX = "tsops-cluster:v1:";
const ID_LABEL = "tsops cluster v1 secret id";
/** A key id follows it, and holds no NUL: labels cannot be taken for one another. */
const KEY_LABEL = "tsops cluster v1 key\0";
const ID_BYTES = 8;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** A data key has 32 bytes, a share of one 33 (docs/internals/sops.md §4). */
const MAX_PLAINTEXT = 64;

/** The master secret takes the bytes over. */
export function masterSecret(secret: Buffer): MasterSecret {
  return { id: derive(secret, ID_LABEL, ID_BYTES).toString("hex"), secret };
}

/** Wraps with the key that the secret gives for a key id; the result is text. @throws TsopsError("usage") */
export function encryptKey(plaintext: Uint8Array, { id, secret }: MasterSecret, keyId: string): string {
  if (plaintext.length === 0 || plaintext.length > MAX_PLAINTEXT) {
    throw new TsopsError("usage", `only data keys are wrapped, of at most ${MAX_PLAINTEXT} bytes`);
  }
  const nonce = randomBytes(NONCE_BYTES);
  const key = derive(secret, KEY_LABEL + keyId, 32);
  try {
    const cipher = createCipheriv("aes-256-gcm", key, nonce, { authTagLength: TAG_BYTES });
    cipher.setAAD(additional(id, keyId));
    const encrypted = Buffer.concat([nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
    return `${PREFIX}${id}:${encrypted.toString("base64")}`;
  } finally {
    key.fill(0);
  }
}

/**
 * Opens what {@link encryptKey} gave, with whichever of the secrets it needs.
 * @throws TsopsError if it is damaged, of another key id, or needs a secret that is not there.
 */
export function openKey(wrapped: string, secrets: readonly MasterSecret[], keyId: string): Buffer {
  const { secretId, encrypted } = parse(wrapped);
  const master = secrets.find(({ id }) => id === secretId);
  if (!master) {
    throw new TsopsError(
      "key-unavailable",
      `it needs the master secret ${secretId}, which is not held here`,
      {
        hint: "give the key service that secret as well, after the newest: --master-secret may be repeated",
      },
    );
  }
  const key = derive(master.secret, KEY_LABEL + keyId, 32);
  const end = encrypted.length - TAG_BYTES;
  const decipher = createDecipheriv("aes-256-gcm", key, encrypted.subarray(0, NONCE_BYTES), {
    authTagLength: TAG_BYTES,
  });
  key.fill(0);
  decipher.setAAD(additional(secretId, keyId)).setAuthTag(encrypted.subarray(end));
  const plaintext = decipher.update(encrypted.subarray(NONCE_BYTES, end));
  try {
    decipher.final();
    return plaintext;
  } catch {
    plaintext.fill(0);
    throw damaged("it was changed, or is of another key id");
  }
}

function parse(wrapped: string): { secretId: string; encrypted: Buffer } {
  const [, secretId, text] = WRAPPED_BY_CLUSTER.exec(wrapped) ?? [];
  if (secretId === undefined || text === undefined) {
    const later = /^tsops-cluster:v(?!1:)\d+:/.test(wrapped);
    throw damaged(later ? "only a later version of tsops can read it" : "it does not have the form of one");
  }
  const encrypted = strictBase64(text);
  if (!encrypted || encrypted.length <= NONCE_BYTES + TAG_BYTES) {
    throw damaged("it does not have the form of one");
  }
  return { secretId, encrypted };
}

function damaged(why: string): TsopsError {
  return new TsopsError("bad-key", `the wrapped data key cannot be opened: ${why}`, {
    hint: "compare it with the file's last good version in git",
  });
}

function derive(secret: Uint8Array, label: string, length: number): Buffer {
  return Buffer.from(hkdfSync("sha256", secret, new Uint8Array(0), label, length));
}

function additional(secretId: string, keyId: string): Buffer {
  return Buffer.from(`${PREFIX}${secretId}:${keyId}`);
}
