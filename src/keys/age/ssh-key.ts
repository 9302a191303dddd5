import { createPublicKey, type KeyObject } from "node:crypto";
import { TsopsError } from "../../errors.ts";
import { strictBase64 } from "../../net/base64.ts";

/** SSH's public keys, as far as age takes them. */

const MIN_RSA_BITS = 2048;

/** A public key as SSH writes it. `blob` is its wire form (RFC 4253 section 6.6), which age's hashes cover. */
export interface SshPublicKey {
  readonly type: "ssh-ed25519" | "ssh-rsa";
  readonly blob: Buffer;
  /** The numbers in it: exponent and modulus, or the point. */
  readonly parts: readonly Buffer[];
}

/** The fields of SSH's wire form, with their lengths (RFC 4251 section 5). @throws TsopsError("bad-key") if one is cut off. */
export function sshFields(blob: Buffer): Buffer[] {
  const fields: Buffer[] = [];
  for (let at = 0; at < blob.length; ) {
    const end = at + 4 <= blob.length ? at + 4 + blob.readUInt32BE(at) : Number.POSITIVE_INFINITY;
    if (end > blob.length) throw new TsopsError("bad-key", "the SSH key is cut off");
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

/** A public key from its wire form. @throws TsopsError("bad-key") if it is malformed or of a type that age lacks. */
export function readSshBlob(blob: Buffer): SshPublicKey {
  const [name, ...parts] = sshFields(blob);
  const type = name?.toString("latin1");
  if (type === "ssh-ed25519" && parts.length === 1 && parts[0]!.length === 32) return { type, blob, parts };
  if (type === "ssh-rsa" && parts.length === 2) {
    const key = { type, blob, parts } as const;
    const bits = rsaPublicKey(key).asymmetricKeyDetails?.modulusLength ?? 0;
    if (bits < MIN_RSA_BITS)
      throw new TsopsError("bad-key", `the RSA key has fewer than ${MIN_RSA_BITS} bits`);
    return key;
  }
  throw new TsopsError("bad-key", "only SSH keys of the types ssh-ed25519 and ssh-rsa can be used", {
    hint: "make a key with `ssh-keygen -t ed25519`, or better an age identity",
  });
}

/** A line such as `ssh-ed25519 AAAA… comment`. @throws TsopsError("bad-key") if it is malformed. */
export function parseSshRecipient(line: string): SshPublicKey {
  const [type, base64 = ""] = line.trim().split(/[ \t]+/);
  const blob = strictBase64(base64);
  if (!blob) throw new TsopsError("bad-key", "the SSH key is not proper base64");
  const key = readSshBlob(blob);
  if (key.type !== type) throw new TsopsError("bad-key", "the SSH key is of another type than it says");
  return key;
}

export function sshLine(key: SshPublicKey): string {
  return `${key.type} ${key.blob.toString("base64")}`;
}

export function rsaPublicKey({ parts }: Pick<SshPublicKey, "parts">): KeyObject {
  const [e, n] = parts.map((part) => part.toString("base64url"));
  return createPublicKey({ key: { kty: "RSA", e, n }, format: "jwk" });
}

/** The X25519 public key that an Ed25519 key stands for (RFC 7748 section 4.1). */
export async function montgomeryPoint(key: SshPublicKey): Promise<Uint8Array> {
  const { ed25519 } = await import("@noble/curves/ed25519.js");
  try {
    return ed25519.utils.toMontgomery(key.parts[0]!);
  } catch (cause) {
    throw new TsopsError("bad-key", "the SSH key is not a point of its curve", { cause });
  }
}
