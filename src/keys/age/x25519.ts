import {
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
} from "node:crypto";
import { TsopsError } from "../../errors.ts";
import { decodeBech32, encodeBech32 } from "./bech32.ts";
import {
  type AgeFile,
  decode64,
  derive,
  encode64,
  encryptFileKey,
  openFileKey,
  type Stanza,
} from "./file.ts";
import type { AgeIdentity } from "./identity.ts";

/** The native recipient type `age1…`: X25519, HKDF-SHA-256 and ChaCha20-Poly1305 (C2SP age, X25519 recipient). */

const LABEL = "age-encryption.org/v1/X25519";
// What DER (RFC 8410) puts before the 32 bytes of a private X25519 key. Not JWK: that would need the key as a string.
const PRIVATE_DER = Buffer.from("302e020100300506032b656e04220420", "hex");

/** An X25519 private key from its 32 bytes. */
export function privateKeyOf(scalar: Uint8Array): KeyObject {
  const key = Buffer.concat([PRIVATE_DER, scalar]);
  try {
    return createPrivateKey({ key, format: "der", type: "pkcs8" });
  } finally {
    key.fill(0);
  }
}

/** The 32 bytes of a private key's public key. */
export function publicBytesOf(key: KeyObject): Buffer {
  return Buffer.from(createPublicKey(key).export({ format: "jwk" }).x!, "base64url");
}

/** The shared secret. @throws if the other side's point is of low order (RFC 7748 section 6.1). */
export function agree(key: KeyObject, theirs: Uint8Array): Buffer {
  // as JWK (RFC 8037), which Node reads many times faster than DER
  const x = Buffer.from(theirs).toString("base64url");
  const publicKey = createPublicKey({ key: { kty: "OKP", crv: "X25519", x }, format: "jwk" });
  return diffieHellman({ privateKey: key, publicKey });
}

/**
 * A fresh key pair for one message. Made as bytes: Node 20 locks a key while it exports it as JWK, and if the garbage
 * collector then takes the job that generated the key, the job waits for that lock for ever.
 */
export function ephemeral(): { key: KeyObject; share: Buffer } {
  const { privateKey, publicKey } = generateKeyPairSync("x25519", {
    privateKeyEncoding: { format: "der", type: "pkcs8" },
    publicKeyEncoding: { format: "der", type: "spki" },
  });
  try {
    // the key ends the DER (RFC 8410)
    const share = Buffer.from(publicKey.subarray(-32));
    return { key: createPrivateKey({ key: privateKey, format: "der", type: "pkcs8" }), share };
  } finally {
    privateKey.fill(0);
  }
}

/** The public key in `age1…`. @throws TsopsError if it is malformed. */
export function parseX25519Recipient(text: string): Buffer {
  const { prefix, bytes } = decodeBech32(text);
  if (prefix !== "age" || bytes.length !== 32)
    throw new TsopsError("bad-key", "it is not an X25519 recipient");
  return bytes;
}

/** Whether it looks like one: post-quantum recipients and those of plugins have a second digit one. */
export function isX25519Recipient(text: string): boolean {
  return /^age1[^1]+$/.test(text);
}

export async function wrapX25519(recipient: Uint8Array, fileKey: Uint8Array): Promise<Stanza[]> {
  const { key, share } = ephemeral();
  const secret = agree(key, recipient);
  const wrapping = derive(secret, Buffer.concat([share, recipient]), LABEL);
  const body = await encryptFileKey(wrapping, fileKey);
  secret.fill(0);
  wrapping.fill(0);
  return [{ args: ["X25519", encode64(share)], body }];
}

/** The private key in `AGE-SECRET-KEY-1…`. */
function parsePrivate(text: string): KeyObject {
  const { prefix, bytes } = decodeBech32(text);
  try {
    if (prefix === "age-secret-key-" && bytes.length === 32) return privateKeyOf(bytes);
    throw new TsopsError("bad-credentials", "it is not an X25519 identity");
  } finally {
    bytes.fill(0);
  }
}

/** An identity `AGE-SECRET-KEY-1…`, or a private key from elsewhere. */
export class X25519Identity implements AgeIdentity {
  readonly needs = "nothing";
  readonly #key: KeyObject;
  readonly #public: Buffer;

  /** @throws TsopsError if the identity is malformed; the message holds nothing of it. */
  constructor(key: string | KeyObject) {
    this.#key = typeof key === "string" ? parsePrivate(key) : key;
    this.#public = publicBytesOf(this.#key);
  }

  get recipient(): string {
    return encodeBech32("age", this.#public);
  }

  get label(): string {
    return `the identity of ${this.recipient}`;
  }

  async unwrap(file: AgeFile): Promise<Buffer | null> {
    for (const { args, body } of file.stanzas) {
      if (args[0] !== "X25519") continue;
      const share = args.length === 2 ? decode64(args[1]!) : undefined;
      if (share?.length !== 32) throw new TsopsError("bad-key", "malformed age file: bad X25519 stanza");
      const secret = agree(this.#key, share);
      const wrapping = derive(secret, Buffer.concat([share, this.#public]), LABEL);
      const fileKey = await openFileKey(wrapping, body);
      secret.fill(0);
      wrapping.fill(0);
      if (fileKey) return fileKey;
    }
    return null;
  }
}
