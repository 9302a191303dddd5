import {
  constants,
  createHash,
  createPublicKey,
  type KeyObject,
  privateDecrypt,
  publicEncrypt,
} from "node:crypto";
import { TsopsError } from "../../errors.ts";
import { strictBase64 } from "../../net/base64.ts";
import { shortened } from "../../printable.ts";
import { type AgeFile, decode64, derive, encode64, openFileKey, type Stanza, sealFileKey } from "./file.ts";
import type { AgeIdentity } from "./identity.ts";
import { agree, ephemeral, privateKeyOf, publicBytesOf } from "./x25519.ts";

/** SSH keys as age recipients (C2SP age, ssh-rsa and ssh-ed25519 recipients). */

const RSA_LABEL = "age-encryption.org/v1/ssh-rsa";
const ED25519_LABEL = "age-encryption.org/v1/ssh-ed25519";
const MIN_RSA_BITS = 2048;

/** A public key as SSH writes it. `blob` is its wire form (RFC 4253 section 6.6), which age's hashes cover. */
export interface SshPublicKey {
  readonly type: "ssh-ed25519" | "ssh-rsa";
  readonly blob: Buffer;
  /** The numbers in it: exponent and modulus, or the point. */
  readonly parts: readonly Buffer[];
}

/** The length-prefixed fields of SSH's wire form (RFC 4251 section 5). @throws TsopsError("generic") if one is cut off. */
export function sshFields(blob: Buffer): Buffer[] {
  const fields: Buffer[] = [];
  for (let at = 0; at < blob.length; ) {
    const end = at + 4 <= blob.length ? at + 4 + blob.readUInt32BE(at) : Number.POSITIVE_INFINITY;
    if (end > blob.length) throw new TsopsError("generic", "the SSH key is cut off");
    fields.push(blob.subarray(at + 4, end));
    at = end;
  }
  return fields;
}

/** Undoes `sshFields`. */
export function sshBlob(fields: readonly Uint8Array[]): Buffer {
  return Buffer.concat(
    fields.flatMap((field) => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(field.length);
      return [length, field];
    }),
  );
}

/** A public key from its wire form. @throws TsopsError("generic") if it is malformed or of a type that age lacks. */
export function readSshBlob(blob: Buffer): SshPublicKey {
  const [name, ...parts] = sshFields(blob);
  const type = name?.toString("latin1");
  if (type === "ssh-ed25519" && parts.length === 1 && parts[0]!.length === 32) return { type, blob, parts };
  if (type === "ssh-rsa" && parts.length === 2) {
    const key = { type, blob, parts } as const;
    const bits = rsaPublicKey(key).asymmetricKeyDetails?.modulusLength ?? 0;
    if (bits < MIN_RSA_BITS)
      throw new TsopsError("generic", `the RSA key has fewer than ${MIN_RSA_BITS} bits`);
    return key;
  }
  throw new TsopsError("generic", "only SSH keys of the types ssh-ed25519 and ssh-rsa can be used", {
    hint: "make a key with `ssh-keygen -t ed25519`, or better an age identity",
  });
}

/** A line such as `ssh-ed25519 AAAA… comment`. @throws TsopsError("generic") if it is malformed. */
export function parseSshRecipient(line: string): SshPublicKey {
  const [type, base64 = ""] = line.trim().split(/[ \t]+/);
  const blob = strictBase64(base64);
  if (!blob) throw new TsopsError("generic", "the SSH key is not proper base64");
  const key = readSshBlob(blob);
  if (key.type !== type) throw new TsopsError("generic", "the SSH key is of another type than it says");
  return key;
}

export function sshLine(key: SshPublicKey): string {
  return `${key.type} ${key.blob.toString("base64")}`;
}

function rsaPublicKey({ parts }: Pick<SshPublicKey, "parts">): KeyObject {
  const [e, n] = parts.map((part) => part.toString("base64url"));
  return createPublicKey({ key: { kty: "RSA", e, n }, format: "jwk" });
}

/** The short hash by which a stanza names its key. */
function tagOf(key: SshPublicKey): string {
  return encode64(createHash("sha256").update(key.blob).digest().subarray(0, 4));
}

/** The stanzas that are for a key. */
function stanzasFor(key: SshPublicKey, file: AgeFile): Stanza[] {
  const count = key.type === "ssh-rsa" ? 2 : 3;
  return file.stanzas.filter(({ args }) => {
    if (args[0] !== key.type) return false;
    if (args.length !== count) throw new TsopsError("generic", `malformed age file: bad ${key.type} stanza`);
    return args[1] === tagOf(key);
  });
}

export async function wrapSsh(recipient: SshPublicKey, fileKey: Uint8Array): Promise<Stanza[]> {
  return recipient.type === "ssh-rsa" ? wrapRsa(recipient, fileKey) : wrapEd25519(recipient, fileKey);
}

const OAEP = {
  padding: constants.RSA_PKCS1_OAEP_PADDING,
  oaepHash: "sha256",
  oaepLabel: Buffer.from(RSA_LABEL),
} as const;

function wrapRsa(recipient: SshPublicKey, fileKey: Uint8Array): Stanza[] {
  const body = publicEncrypt({ key: rsaPublicKey(recipient), ...OAEP }, fileKey);
  return [{ args: ["ssh-rsa", tagOf(recipient)], body }];
}

/** The shared secret, tied to the SSH key: age multiplies it by a number that is derived from the key's wire form. */
function tweak(secret: Buffer, blob: Buffer): Buffer {
  const factor = derive(Buffer.alloc(0), blob, ED25519_LABEL);
  const tied = agree(privateKeyOf(factor), secret);
  secret.fill(0);
  return tied;
}

/** The X25519 public key that an Ed25519 key stands for (RFC 7748 section 4.1). */
export async function montgomeryPoint(key: SshPublicKey): Promise<Uint8Array> {
  const { ed25519 } = await import("@noble/curves/ed25519.js");
  try {
    return ed25519.utils.toMontgomery(key.parts[0]!);
  } catch (cause) {
    throw new TsopsError("generic", "the SSH key is not a point of its curve", { cause });
  }
}

async function wrapEd25519(recipient: SshPublicKey, fileKey: Uint8Array): Promise<Stanza[]> {
  const theirs = await montgomeryPoint(recipient);
  const { key, share } = ephemeral();
  const secret = tweak(agree(key, theirs), recipient.blob);
  const wrapping = derive(secret, Buffer.concat([share, theirs]), ED25519_LABEL);
  const body = sealFileKey(wrapping, fileKey);
  secret.fill(0);
  wrapping.fill(0);
  return [{ args: ["ssh-ed25519", tagOf(recipient), encode64(share)], body }];
}

/** The private half, once it is known. */
export interface SshSecret {
  readonly publicKey: SshPublicKey;
  /** The RSA key, or the X25519 key that an Ed25519 key stands for. */
  readonly key: KeyObject;
}

/**
 * An SSH private key. `secret` gives the private half, and asks for its passphrase if there is one: it is called only
 * when a stanza names the public key, or a file the recipient that was derived from it.
 */
export class SshIdentity implements AgeIdentity {
  readonly needs: "nothing" | "person";
  readonly #publicKey: SshPublicKey;
  readonly #secret: () => Promise<SshSecret>;
  #derived: Promise<string | undefined> | undefined;

  constructor(publicKey: SshPublicKey, needs: SshIdentity["needs"], secret: () => Promise<SshSecret>) {
    this.needs = needs;
    this.#publicKey = publicKey;
    this.#secret = secret;
  }

  get recipient(): string {
    return sshLine(this.#publicKey);
  }

  get label(): string {
    return `the key ${shortened(this.recipient)}`;
  }

  async derived(recipient: string): Promise<AgeIdentity | undefined> {
    const { derivedRecipient, DerivedIdentity } = await import("./ssh-to-age.ts");
    // a file has many recipients, and this key the same one for all of them
    this.#derived ??= derivedRecipient(this.#publicKey);
    if ((await this.#derived) !== recipient) return undefined;
    return new DerivedIdentity(recipient, this, async () => (await this.#secret()).key);
  }

  async unwrap(file: AgeFile): Promise<Buffer | null> {
    const stanzas = stanzasFor(this.#publicKey, file);
    for (const stanza of stanzas) {
      const { key } = await this.#secret();
      const fileKey =
        this.#publicKey.type === "ssh-rsa"
          ? unwrapRsa(key, stanza)
          : unwrapEd25519(key, this.#publicKey, stanza);
      if (fileKey) return fileKey;
    }
    if (stanzas.length === 0) return null;
    throw new TsopsError("generic", "the wrapped data key names this SSH key, but does not open with it");
  }
}

function unwrapRsa(key: KeyObject, stanza: Stanza): Buffer | null {
  try {
    return privateDecrypt({ key, ...OAEP }, stanza.body);
  } catch {
    return null;
  }
}

function unwrapEd25519(key: KeyObject, publicKey: SshPublicKey, stanza: Stanza): Buffer | null {
  const share = decode64(stanza.args[2]!);
  if (share.length !== 32) throw new TsopsError("generic", "malformed age file: bad ssh-ed25519 stanza");
  const secret = tweak(agree(key, share), publicKey.blob);
  const wrapping = derive(secret, Buffer.concat([share, publicBytesOf(key)]), ED25519_LABEL);
  const fileKey = openFileKey(wrapping, stanza.body);
  secret.fill(0);
  wrapping.fill(0);
  return fileKey;
}
