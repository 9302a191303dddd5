import { constants, createHash, type KeyObject, privateDecrypt, publicEncrypt } from "node:crypto";
import { TsopsError } from "../../errors.ts";
import { shortened } from "../../printable.ts";
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
import { montgomeryPoint, rsaPublicKey, type SshPublicKey, sshLine } from "./ssh-key.ts";
import { DerivedIdentity, derivedRecipient } from "./ssh-to-age.ts";
import { agree, ephemeral, privateKeyOf, publicBytesOf } from "./x25519.ts";

/** SSH keys as age recipients (C2SP age, ssh-rsa and ssh-ed25519 recipients). */

const RSA_LABEL = "age-encryption.org/v1/ssh-rsa";
const ED25519_LABEL = "age-encryption.org/v1/ssh-ed25519";

/** The short hash by which a stanza names its key. */
function tagOf(key: SshPublicKey): string {
  return encode64(createHash("sha256").update(key.blob).digest().subarray(0, 4));
}

/** The stanzas that are for a key. */
function stanzasFor(key: SshPublicKey, file: AgeFile): Stanza[] {
  const count = key.type === "ssh-rsa" ? 2 : 3;
  return file.stanzas.filter(({ args }) => {
    if (args[0] !== key.type) return false;
    if (args.length !== count) throw new TsopsError("bad-key", `malformed age file: bad ${key.type} stanza`);
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

async function wrapEd25519(recipient: SshPublicKey, fileKey: Uint8Array): Promise<Stanza[]> {
  const theirs = await montgomeryPoint(recipient);
  const { key, share } = ephemeral();
  const secret = tweak(agree(key, theirs), recipient.blob);
  const wrapping = derive(secret, Buffer.concat([share, theirs]), ED25519_LABEL);
  const body = await encryptFileKey(wrapping, fileKey);
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
          : await unwrapEd25519(key, this.#publicKey, stanza);
      if (fileKey) return fileKey;
    }
    if (stanzas.length === 0) return null;
    throw new TsopsError("bad-key", "the wrapped data key names this SSH key, but does not open with it");
  }
}

function unwrapRsa(key: KeyObject, stanza: Stanza): Buffer | null {
  try {
    return privateDecrypt({ key, ...OAEP }, stanza.body);
  } catch {
    return null;
  }
}

async function unwrapEd25519(
  key: KeyObject,
  publicKey: SshPublicKey,
  stanza: Stanza,
): Promise<Buffer | null> {
  const share = decode64(stanza.args[2]!);
  if (share.length !== 32) throw new TsopsError("bad-key", "malformed age file: bad ssh-ed25519 stanza");
  const secret = tweak(agree(key, share), publicKey.blob);
  const wrapping = derive(secret, Buffer.concat([share, publicBytesOf(key)]), ED25519_LABEL);
  const fileKey = await openFileKey(wrapping, stanza.body);
  secret.fill(0);
  wrapping.fill(0);
  return fileKey;
}
