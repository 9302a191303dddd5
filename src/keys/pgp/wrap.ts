import { randomBytes } from "node:crypto";
import type { Key, PublicKey, Subkey } from "openpgp";
import { TsopsError } from "../../errors.ts";
import { printable, shortened } from "../../printable.ts";
import type { KeyContext } from "../kind.ts";
import { CONFIG, loadOpenPgp } from "./library.ts";
import { publicRing, type Ring } from "./ring.ts";

/** Making messages in process, for the public keys that are given. */

/**
 * An armored message that gpg and SOPS read; undefined if no given key goes by this id.
 * @throws TsopsError if the key may not be used: expired, revoked, not for encrypting, ambiguous.
 */
export async function encryptInProcess(
  id: string,
  plain: Uint8Array,
  context: KeyContext,
): Promise<string | undefined> {
  const found = await findKey(id, await publicRing(context), context);
  if (!found) return undefined;
  const { key, part } = found;
  const date = context.now();
  await checkUsable(key, part, date);
  const openpgp = await loadOpenPgp();
  // given by us, since for keys that allow it the library would choose a form that gpg cannot read (SEIPD version 2)
  const sessionKey = { data: Uint8Array.from(randomBytes(32)), algorithm: "aes256" as const };
  const copy = Uint8Array.from(plain);
  try {
    const message = await openpgp.createMessage({ binary: copy, date });
    const armored = await openpgp.encrypt({
      message,
      sessionKey,
      encryptionKeys: key,
      encryptionKeyIDs: part ? [part.getKeyID()] : [],
      date,
      config: CONFIG,
    });
    return armored.replaceAll("\r\n", "\n").trim();
  } finally {
    copy.fill(0);
    sessionKey.data.fill(0);
  }
}

interface Found {
  readonly key: PublicKey;
  /** The subkey that was named; undefined if the key was, whose newest subkey for encrypting counts then. */
  readonly part?: Key | Subkey;
}

/** Fingerprints and long ids, with or without `0x`; a `!` at the end means just this key or subkey. */
async function findKey(id: string, ring: Ring, context: KeyContext): Promise<Found | undefined> {
  const [, hex = "", exact] =
    /^(?:0x)?([0-9a-f]{64}|[0-9a-f]{40}|[0-9a-f]{16})(!?)$/.exec(id.toLowerCase()) ?? [];
  if (hex === "") return undefined;
  const goesBy = (part: Key | Subkey): boolean =>
    part.getFingerprint() === hex || part.getKeyID().toHex() === hex;
  const copies = ring.keys.map(({ key }) => key).filter((key) => key.getKeys().some(goesBy));
  const [first, ...others] = copies;
  if (!first) return undefined;
  if (others.some((key) => key.getFingerprint() !== first.getFingerprint())) {
    throw new TsopsError("bad-key", "several of the given keys go by this id", {
      hint: "name the key by its fingerprint",
    });
  }
  // copies of a key may know of different subkeys and revocations
  let key: PublicKey = first.toPublic();
  for (const copy of others) key = await key.update(copy.toPublic(), context.now(), undefined);
  const part = key.getKeys().find(goesBy);
  const named = part && (exact || part.getFingerprint() !== key.getFingerprint());
  return named ? { key, part } : { key };
}

async function checkUsable(key: PublicKey, part: Key | Subkey | undefined, date: Date): Promise<void> {
  try {
    const { config } = await loadOpenPgp();
    await key.getEncryptionKey(part?.getKeyID(), date, undefined, { ...config, ...CONFIG });
  } catch (error) {
    const why = error instanceof Error ? error.message : "";
    const which = part ? "this key or subkey" : "it";
    if (/revoked/i.test(why)) {
      throw new TsopsError("no-such-key", "it has been revoked", { hint: "ask its owner for the new key" });
    }
    if (/expired/i.test(why)) {
      const end = await key.getExpirationTime().catch(() => null);
      const when = end instanceof Date && end <= date ? ` on ${end.toISOString().slice(0, 10)}` : "";
      throw new TsopsError("no-such-key", `it has expired${when}`, {
        hint: "ask its owner for a copy whose time was extended, and give that one",
      });
    }
    throw new TsopsError("no-such-key", `nothing can be encrypted to ${which}: ${printable(why)}`, {
      hint: `see its subkeys and what they are for: ${shortened(key.getFingerprint().toUpperCase())}`,
      cause: error,
    });
  }
}
