import type { Key, PrivateKey, SecretKeyPacket, SecretSubkeyPacket } from "openpgp";
import { TsopsError } from "../../errors.ts";
import { printable } from "../../printable.ts";
import { once } from "../cache.ts";
import { memoryOf } from "../kept.ts";
import type { KeyContext } from "../kind.ts";
import { isKeyFailure } from "../reasons.ts";
import { CONFIG, loadOpenPgp, type OpenPgp } from "./library.ts";
import { isUser, names } from "./names.ts";
import { type Ring, type RingKey, secretRing } from "./ring.ts";

/** Opening messages in process, with the secret keys that are given. */

type SecretPacket = SecretKeyPacket | SecretSubkeyPacket;

export interface Opened {
  /** Null if no given key is one that the message is for. */
  readonly plain: Buffer | null;
  /** What there was to try, a line each. */
  readonly tried: readonly string[];
}

/**
 * Opens an armored message with the key that is named, and no other.
 * @throws TsopsError if a key is there, but its passphrase is not, or if the message is damaged.
 */
export async function openInProcess(enc: string, name: string, context: KeyContext): Promise<Opened> {
  const ring = await secretRing(context);
  if (ring.keys.length === 0) return { plain: null, tried: ringLines(ring) };
  const openpgp = await loadOpenPgp();
  let unread: Message | undefined = await messageOf(enc);
  const candidates = candidatesFor(unread, ring);
  const unusable: string[] = [];
  let failure: unknown;
  for (const { key, packets, place } of candidates) {
    const fault = await faultOf(key, packets);
    if (fault !== undefined) {
      unusable.push(`${place}: ${key.getFingerprint().toUpperCase()} cannot be used: ${fault}`);
      continue;
    }
    if (!goesBy(key, name)) {
      unusable.push(
        `${place}: ${key.getFingerprint().toUpperCase()} may open it, but is not the key that is named`,
      );
      continue;
    }
    try {
      await unlock(key, packets, context);
      // decrypting uses the message up
      const message = unread ?? (await messageOf(enc));
      unread = undefined;
      const { data } = await openpgp.decrypt({
        message,
        decryptionKeys: key,
        format: "binary",
        config: CONFIG,
      });
      const plain = Buffer.from(data);
      data.fill(0);
      return { plain, tried: [] };
    } catch (error) {
      if (error instanceof TsopsError && !isKeyFailure(error)) throw error;
      failure ??= error;
    }
  }
  if (failure === undefined) return { plain: null, tried: [...unusable, ...ringLines(ring)] };
  throw failure instanceof TsopsError ? failure : damaged(failure);
}

/** Why none of the parts can decrypt: not there (a stub), not bound to the key, not for encrypting. Expired ones can. */
async function faultOf(key: PrivateKey, packets: readonly SecretPacket[]): Promise<string | undefined> {
  const { config } = await loadOpenPgp();
  let fault = "";
  for (const packet of packets) {
    try {
      await key.getDecryptionKeys(packet.getKeyID(), null, undefined, { ...config, ...CONFIG });
      return undefined;
    } catch (error) {
      fault = error instanceof Error ? printable(error.message) : "unknown cause";
    }
  }
  return /gnu-dummy/i.test(fault) ? "it is a stub, whose secret part is elsewhere" : fault;
}

/** What the given keys are, for reports. */
export function ringLines({ keys, problems, absent }: Ring): string[] {
  const places = new Map<string, string[]>();
  for (const { key, place } of keys)
    places.set(place, [...(places.get(place) ?? []), key.getFingerprint().toUpperCase()]);
  const holds = [...places].map(([place, fingerprints]) => {
    const more = fingerprints.length > 3 ? ` and ${fingerprints.length - 3} more` : "";
    return `${place} holds ${fingerprints.slice(0, 3).join(", ")}${more}`;
  });
  const nothing = absent.length > 0 ? [`not set or not there: ${absent.join(", ")}`] : [];
  return [...holds, ...problems, ...nothing];
}

/** Of the key and its subkeys. */
export function fingerprintsOf(key: Key): string[] {
  return key.getKeys().map((part) => part.getFingerprint().toUpperCase());
}

/** Whether a key goes by a name: a fingerprint or id of its own or of a subkey, or a part of a user id. */
export function goesBy(key: Key, name: string): boolean {
  return names(name, fingerprintsOf(key)) || isUser(name, key.getUserIDs());
}

export interface Candidate extends RingKey<PrivateKey> {
  /** The parts of the key that the message is for. */
  readonly packets: readonly SecretPacket[];
}

type Message = Awaited<ReturnType<OpenPgp["readMessage"]>>;

/** @throws TsopsError if it is no message. */
export async function messageOf(enc: string): Promise<Message> {
  const openpgp = await loadOpenPgp();
  return openpgp.readMessage({ armoredMessage: enc, config: CONFIG }).catch((error: unknown) => {
    throw damaged(error);
  });
}

/** The given keys that a message is for. */
export function candidatesFor(message: Message, ring: Ring<PrivateKey>): Candidate[] {
  const ids = message.getEncryptionKeyIDs();
  return ring.keys
    .map((item) => {
      // an id of zeros hides for whom a message is: it may be anyone's
      const parts = item.key.getKeys().filter((part) => ids.some((id) => part.getKeyID().equals(id, true)));
      return { ...item, packets: parts.map((part) => part.keyPacket as SecretPacket) };
    })
    .filter(({ packets }) => packets.length > 0);
}

function damaged(error: unknown): TsopsError {
  const why =
    error instanceof Error ? printable(error.message.replace(/^Error decrypting message: /, "")) : "";
  return new TsopsError("bad-key", `it is damaged, or made for another key${why && ` (${why})`}`, {
    hint: "compare the file's sops metadata with the last good version in git",
    cause: error,
  });
}

/**
 * Makes the secret parts usable: by TSOPS_PGP_PASSPHRASE, else by asking, once a run for a key.
 * @throws TsopsError if there is no passphrase or it is wrong.
 */
export function unlock(
  key: PrivateKey,
  packets: readonly SecretPacket[],
  context: KeyContext,
): Promise<void> {
  const known = once(context, "pgp unlocked", () => new Map<string, Promise<void>>());
  const name = packets.map((packet) => packet.getFingerprint()).join();
  let work = known.get(name);
  if (!work) {
    work = unlockNow(key, packets, context);
    known.set(name, work);
  }
  return work;
}

/** Parts that are under a passphrase. */
export function lockedOf(packets: readonly SecretPacket[]): SecretPacket[] {
  return packets.filter((packet) => !packet.isDummy() && !packet.isDecrypted());
}

async function unlockNow(
  key: PrivateKey,
  packets: readonly SecretPacket[],
  context: KeyContext,
): Promise<void> {
  const name = `the PGP key ${key.getFingerprint().toUpperCase()}`;
  const given = context.env.TSOPS_PGP_PASSPHRASE;
  if (given ? await opens(packets, given) : lockedOf(packets).length === 0) return;
  const locked = lockedOf(packets).map((packet) => packet.write());
  const memory = memoryOf("pgp key", Buffer.concat(locked), context);
  const before = await memory.recall();
  const opened = before !== undefined && (await opens(packets, before.toString()));
  before?.fill(0);
  if (opened) return;
  if (!context.prompt) {
    const [code, why] = given
      ? (["bad-credentials", "TSOPS_PGP_PASSPHRASE is not its passphrase"] as const)
      : (["key-unavailable", "there is nobody to ask for its passphrase"] as const);
    throw new TsopsError(code, `${name} is locked: ${why}`, {
      hint: "put the passphrase into TSOPS_PGP_PASSPHRASE",
    });
  }
  const passphrase = await context.prompt(`passphrase of ${name}`);
  if (!(await opens(packets, passphrase)))
    throw new TsopsError("bad-credentials", `the passphrase of ${name} is wrong`, { hint: "try again" });
  const bytes = Buffer.from(passphrase);
  await memory.keep(bytes);
  bytes.fill(0);
}

/** Whether a passphrase unlocks all of them, which it then does. */
export async function opens(packets: readonly SecretPacket[], passphrase: string): Promise<boolean> {
  for (const packet of lockedOf(packets)) {
    try {
      await packet.decrypt(passphrase);
    } catch (error) {
      const why = error instanceof Error ? error.message : "";
      if (/incorrect key passphrase/i.test(why)) return false;
      throw new TsopsError("bad-credentials", `a PGP key cannot be unlocked: ${printable(why)}`, {
        cause: error,
      });
    }
    // that nobody exchanged the public part in the file
    await packet.validate().catch((error: unknown) => {
      throw new TsopsError(
        "bad-credentials",
        "the secret and public parts of a PGP key do not belong together",
        {
          cause: error,
        },
      );
    });
  }
  return true;
}
