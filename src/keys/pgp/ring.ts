import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Key, PrivateKey } from "openpgp";
import { withRoom } from "../../descriptors.ts";
import { append } from "../../formats/append.ts";
import { printable } from "../../printable.ts";
import { once } from "../cache.ts";
import type { KeyContext } from "../kind.ts";
import { CONFIG, loadOpenPgp, type OpenPgp } from "./library.ts";

/**
 * The keys that are given for use in process: armored in variables, in files that variables name, and in the files of
 * the GnuPG home that SOPS reads itself (`pubring.gpg`, `secring.gpg`, which GnuPG 2.1 and later no longer makes).
 */

export interface RingKey<K extends Key = Key> {
  readonly key: K;
  /** For reports. */
  readonly place: string;
}

export interface Ring<K extends Key = Key> {
  readonly keys: readonly RingKey<K>[];
  /** What went wrong, a line each. */
  readonly problems: readonly string[];
  /** The places that there are not. */
  readonly absent: readonly string[];
}

interface Place {
  readonly name: string;
  /** What stands there; undefined if there is nothing. @throws with a code if it cannot be read. */
  read(): Buffer | undefined;
}

const MAX_FILE_BYTES = 2 ** 26;

/** Secret keys. Read once a run. */
export async function secretRing(context: KeyContext): Promise<Ring<PrivateKey>> {
  const { keys, ...rest } = await ownRing(context);
  return { keys: keys.filter((item): item is RingKey<PrivateKey> => item.key.isPrivate()), ...rest };
}

/** Public keys, those of the given secret keys too. Read once a run. */
export function publicRing(context: KeyContext): Promise<Ring> {
  return once(context, "pgp public keys", async () => {
    const [ring, own] = [await load(publicPlaces(context)), await ownRing(context)];
    return {
      keys: [...ring.keys, ...own.keys],
      problems: [...ring.problems, ...own.problems],
      absent: [...ring.absent, ...own.absent],
    };
  });
}

/** All that stands where secret keys are given: people may put public keys beside them. */
function ownRing(context: KeyContext): Promise<Ring> {
  return once(context, "pgp secret keys", () => load(secretPlaces(context)));
}

/** Where GnuPG has its files, as SOPS finds it. */
function gnupgHome({ env, home }: KeyContext): string {
  return env.GNUPGHOME || join(home, ".gnupg");
}

function secretPlaces(context: KeyContext): Place[] {
  const { TSOPS_PGP_KEY: text } = context.env;
  const folder = gnupgHome(context);
  const secring = filePlace(join(folder, "secring.gpg"));
  const pubring = filePlace(join(folder, "pubring.gpg"));
  return [
    { name: "TSOPS_PGP_KEY", read: () => (text ? Buffer.from(text) : undefined) },
    variablePlace("TSOPS_PGP_KEY_FILE", context),
    // as SOPS does: GnuPG once meant to merge the two
    { name: secring.name, read: () => secring.read() ?? pubring.read() },
  ];
}

function publicPlaces(context: KeyContext): Place[] {
  return [
    variablePlace("TSOPS_PGP_PUBLIC_KEYS_FILE", context),
    filePlace(join(gnupgHome(context), "pubring.gpg")),
  ];
}

function filePlace(path: string): Place {
  const read = (): Buffer | undefined => {
    try {
      return readFileSync(path);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "ENOENT" || code === "ENOTDIR") return undefined;
      throw error;
    }
  };
  return { name: printable(path), read };
}

/** A file that a variable names has to be there. */
function variablePlace(variable: string, { env }: KeyContext): Place {
  const path = env[variable];
  if (!path) return { name: variable, read: () => undefined };
  return { name: `${variable} (${printable(path)})`, read: () => readFileSync(path) };
}

async function load(places: readonly Place[]): Promise<Ring> {
  const keys: RingKey[] = [];
  const problems: string[] = [];
  const absent: string[] = [];
  for (const { name, read } of places) {
    let contents: Buffer | undefined;
    try {
      contents = await withRoom(read);
      if (contents === undefined) absent.push(name);
      else
        append(
          keys,
          (await parse(contents)).map((key) => ({ key, place: name })),
        );
    } catch (error) {
      problems.push(`${name}: ${problemOf(error)}`);
    } finally {
      contents?.fill(0);
    }
  }
  return { keys, problems, absent };
}

class Unreadable extends Error {}

function problemOf(error: unknown): string {
  if (error instanceof Unreadable) return error.message;
  const { code } = error as NodeJS.ErrnoException;
  if (code === "ENOENT") return "there is no such file";
  return code ? `it cannot be read (${code})` : "it holds no PGP key that can be read";
}

const ARMORED = /-----BEGIN PGP (PUBLIC|PRIVATE) KEY BLOCK-----[\s\S]*?-----END PGP \1 KEY BLOCK-----/g;

/** The keys of a file: binary, or any number of armored blocks with any text around them. */
async function parse(contents: Buffer): Promise<Key[]> {
  if (contents.length > MAX_FILE_BYTES) throw new Unreadable("it is too large for a file of keys");
  const openpgp = await loadOpenPgp();
  // the first byte of a binary packet has its highest bit set, text has not
  if (contents.length > 0 && contents[0]! >= 0x80) return readAll(openpgp, { binaryKeys: contents });
  const blocks = contents.toString("latin1").match(ARMORED) ?? [];
  if (blocks.length === 0) throw new Unreadable("it holds no armored PGP key (BEGIN PGP … KEY BLOCK)");
  return (await Promise.all(blocks.map((armoredKeys) => readAll(openpgp, { armoredKeys })))).flat();
}

function readAll(
  openpgp: OpenPgp,
  from: { armoredKeys: string } | { binaryKeys: Uint8Array },
): Promise<Key[]> {
  return "armoredKeys" in from
    ? openpgp.readKeys({ ...from, config: CONFIG })
    : openpgp.readKeys({ binaryKeys: Uint8Array.from(from.binaryKeys), config: CONFIG });
}
