import { createHash, createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { TsopsError } from "../../errors.ts";
import { printable } from "../../printable.ts";
import type { Memory } from "../kept.ts";
import { SshIdentity, type SshSecret } from "./ssh.ts";
import { parseSshRecipient, readSshBlob, type SshPublicKey, sshBlob } from "./ssh-key.ts";
import { privateKeyOf } from "./x25519.ts";

/** Private SSH keys: OpenSSH's own form, read by sshpk, and PEM, read by node. */

const OPENSSH_BEGIN = "-----BEGIN OPENSSH PRIVATE KEY-----";
const OPENSSH_MAGIC = "openssh-key-v1\0";

export interface SshHelp {
  /** For the passphrase. */
  readonly ask: () => Promise<string>;
  /** The text of the `.pub` file beside it, which old forms of encrypted keys need. */
  readonly readPublic: () => Promise<string>;
  /** Where the unlocked key stays for other runs, in PKCS #8. */
  readonly memory?: () => Promise<Memory>;
}

/**
 * The identity in a private key file. Its passphrase is asked for only when a data key is wrapped for it, once.
 * @throws TsopsError("bad-credentials") if the key is malformed or of a type that age lacks.
 */
export async function parseSshIdentity(contents: Buffer, help: SshHelp): Promise<SshIdentity> {
  const openssh = contents.includes(OPENSSH_BEGIN);
  const locked = openssh ? isLockedOpenSsh(contents) : isLockedPem(contents);
  if (!openssh && !locked) {
    const secret = await readSecret(contents, openssh);
    return new SshIdentity(secret.publicKey, "nothing", async () => secret);
  }
  if (openssh && locked) checkCipher(contents);
  // OpenSSH's form says the public key in front: taking the private part apart can wait until it is needed
  const publicKey = openssh ? openSshPublicKey(contents) : parseSshRecipient(await help.readPublic());
  let secret: Promise<SshSecret> | undefined;
  return new SshIdentity(publicKey, locked ? "person" : "nothing", () => {
    const read = () => readSecret(contents, openssh);
    secret ??= locked
      ? unlock(contents, openssh, publicKey, help)
      : read().then((it) => belonging(it, publicKey, openssh));
    return secret;
  });
}

/** The key under its passphrase, which is asked for unless the key was unlocked before. */
async function unlock(
  contents: Buffer,
  openssh: boolean,
  publicKey: SshPublicKey,
  help: SshHelp,
): Promise<SshSecret> {
  const memory = await help.memory?.();
  const before = await memory?.recall();
  const known = before && secretIn(before);
  if (known?.publicKey.blob.equals(publicKey.blob)) return known;
  const secret = belonging(await readSecret(contents, openssh, await help.ask()), publicKey, openssh);
  const bytes = secret.whole.export({ format: "der", type: "pkcs8" });
  await memory?.keep(bytes);
  bytes.fill(0);
  return secret;
}

function secretIn(pkcs8: Buffer): ReadSecret | undefined {
  try {
    return secretOf(createPrivateKey({ key: pkcs8, format: "der", type: "pkcs8" }));
  } catch {
    return undefined;
  } finally {
    pkcs8.fill(0);
  }
}

function belonging(secret: ReadSecret, publicKey: SshPublicKey, openssh: boolean): ReadSecret {
  if (secret.publicKey.blob.equals(publicKey.blob)) return secret;
  const where = openssh ? "in front of it" : "of the .pub file beside it";
  throw new TsopsError("bad-credentials", `the private SSH key is not the one ${where}`);
}

/** The fields in front of OpenSSH's private part: cipher, key derivation, its options, and the public key. */
function openSshHeader(contents: Buffer): { cipher: string; publicBlob: Buffer } {
  const text = contents.toString("latin1");
  const base64 = /-----BEGIN OPENSSH PRIVATE KEY-----([A-Za-z0-9+/=\s]*)-----END/.exec(text)?.[1] ?? "";
  const bytes = Buffer.from(base64, "base64");
  const count = OPENSSH_MAGIC.length;
  if (bytes.toString("latin1", 0, count) !== OPENSSH_MAGIC) throw malformedKey();
  const head: Buffer[] = [];
  let at = count;
  const field = (): Buffer => {
    if (at + 4 > bytes.length) throw malformedKey();
    const end = at + 4 + bytes.readUInt32BE(at);
    if (end > bytes.length) throw malformedKey();
    const value = bytes.subarray(at + 4, end);
    at = end;
    return value;
  };
  for (let i = 0; i < 3; i++) head.push(field());
  at += 4; // the number of keys, always 1
  return { cipher: head[0]!.toString("latin1"), publicBlob: field() };
}

function isLockedOpenSsh(contents: Buffer): boolean {
  return openSshHeader(contents).cipher !== "none";
}

/** sshpk lacks the ciphers that authenticate. Better said before a passphrase is asked for. */
function checkCipher(contents: Buffer): void {
  const { cipher } = openSshHeader(contents);
  if (/^(3des-cbc|aes(128|192|256)-(cbc|ctr))$/.test(cipher)) return;
  throw new TsopsError("bad-credentials", `its cipher ${printable(cipher)} is not supported`, {
    hint: "change it with `ssh-keygen -p -Z aes256-ctr`",
  });
}

function openSshPublicKey(contents: Buffer): SshPublicKey {
  return readSshBlob(openSshHeader(contents).publicBlob);
}

function isLockedPem(contents: Buffer): boolean {
  return (
    contents.includes("-----BEGIN ENCRYPTED PRIVATE KEY-----") || contents.includes("Proc-Type: 4,ENCRYPTED")
  );
}

function malformedKey(cause?: unknown): TsopsError {
  return new TsopsError("bad-credentials", "it is not a private SSH key that can be read", {
    cause,
    hint: "it must be in OpenSSH's form or PEM, of the type ed25519 or rsa",
  });
}

interface ReadSecret extends SshSecret {
  /** As it was in the file. */
  readonly whole: KeyObject;
}

/** @throws TsopsError("bad-credentials") if the key is malformed or the passphrase wrong. */
async function readSecret(contents: Buffer, openssh: boolean, passphrase?: string): Promise<ReadSecret> {
  let key: KeyObject;
  try {
    key = openssh ? await readOpenSsh(contents, passphrase) : createPrivateKey({ key: contents, passphrase });
  } catch (cause) {
    if (passphrase !== undefined)
      throw new TsopsError("bad-credentials", "the passphrase is wrong", { cause });
    throw malformedKey(cause);
  }
  return secretOf(key);
}

function secretOf(whole: KeyObject): ReadSecret {
  const publicKey = publicKeyOf(whole);
  return { whole, publicKey, key: publicKey.type === "ssh-rsa" ? whole : montgomeryKeyOf(whole) };
}

/** What DER (RFC 8410) puts before the seed of an Ed25519 private key. */
const ED25519_DER = Buffer.from("302e020100300506032b657004220420", "hex");

async function readOpenSsh(contents: Buffer, passphrase: string | undefined): Promise<KeyObject> {
  const { default: sshpk } = await import("sshpk");
  const parsed = sshpk.parsePrivateKey(contents, "auto", { passphrase });
  const parts = new Map<string, Buffer>(parsed.parts.map(({ name, data }) => [name, data]));
  try {
    if (parsed.type === "rsa") return rsaKeyOf(parts);
    if (parsed.type !== "ed25519") return createPrivateKey(parsed.toBuffer("pkcs8"));
    // sshpk's DER has the public key in it as well, which OpenSSL does not take.
    const der = Buffer.concat([ED25519_DER, parts.get("k")!]);
    try {
      return createPrivateKey({ key: der, format: "der", type: "pkcs8" });
    } finally {
      der.fill(0);
    }
  } finally {
    for (const secret of ["k", "d", "p", "q", "iqmp"]) parts.get(secret)?.fill(0);
  }
}

/**
 * OpenSSH's form leaves out two numbers that follow from the others. sshpk writes zeros for them, which OpenSSL takes and
 * BoringSSL does not: they are computed here.
 */
function rsaKeyOf(parts: ReadonlyMap<string, Buffer>): KeyObject {
  const number = (name: string): bigint => BigInt(`0x${parts.get(name)!.toString("hex")}`);
  const encoded = (value: bigint): string => {
    const hex = value.toString(16);
    return Buffer.from(hex.padStart(hex.length + (hex.length % 2), "0"), "hex").toString("base64url");
  };
  const [n, e, d, p, q] = [number("n"), number("e"), number("d"), number("p"), number("q")];
  const [dp, dq, qi] = [d % (p - 1n), d % (q - 1n), number("iqmp")];
  const numbers = Object.entries({ n, e, d, p, q, dp, dq, qi }).map(([name, value]) => [
    name,
    encoded(value),
  ]);
  return createPrivateKey({ key: { kty: "RSA", ...Object.fromEntries(numbers) }, format: "jwk" });
}

/** A number as SSH writes it: a zero byte before it where its first bit is set (RFC 4251 section 5, mpint). */
function mpint(base64url: string | undefined): Buffer {
  const bytes = Buffer.from(base64url ?? "", "base64url");
  return (bytes[0] ?? 0) & 0x80 ? Buffer.concat([Buffer.alloc(1), bytes]) : bytes;
}

function publicKeyOf(key: KeyObject): SshPublicKey {
  const { e, n, x } = createPublicKey(key).export({ format: "jwk" });
  if (key.asymmetricKeyType === "ed25519") {
    return readSshBlob(sshBlob([Buffer.from("ssh-ed25519"), Buffer.from(x ?? "", "base64url")]));
  }
  if (key.asymmetricKeyType === "rsa") {
    return readSshBlob(sshBlob([Buffer.from("ssh-rsa"), mpint(e), mpint(n)]));
  }
  throw new TsopsError(
    "bad-credentials",
    `a private key of the type ${key.asymmetricKeyType} cannot be used`,
    {
      hint: "age knows SSH keys of the types ed25519 and rsa",
    },
  );
}

/** The X25519 key that an Ed25519 key stands for: the hash of its seed, as in RFC 8032 section 5.1.5. */
function montgomeryKeyOf(key: KeyObject): KeyObject {
  const der = key.export({ format: "der", type: "pkcs8" });
  const hash = createHash("sha512")
    .update(der.subarray(der.length - 32))
    .digest();
  der.fill(0);
  try {
    return privateKeyOf(hash.subarray(0, 32));
  } finally {
    hash.fill(0);
  }
}
