import { printable } from "../../printable.ts";
import { canRun, findProgram, isPath, type Outcome, run } from "../../programs/run.ts";
import { environmentFor } from "../environment.ts";
import type { KeyContext } from "../kind.ts";

/** The gpg program: its keyring, its agent, its smart cards. Called as SOPS calls it. */

/** A person may have to find a card or type a passphrase into pinentry. */
const LIMIT_SECONDS = 300;

/** The program that SOPS_GPG_EXEC names, else gpg on PATH; undefined if it is not there. */
export function findGpg({ env }: KeyContext): string | undefined {
  const name = env.SOPS_GPG_EXEC || "gpg";
  if (!isPath(name)) return findProgram(name, env);
  return canRun(name) ? name : undefined;
}

/** For reports, where it is not there. */
export function noGpg({ env }: KeyContext): string {
  return env.SOPS_GPG_EXEC
    ? `there is no program ${printable(env.SOPS_GPG_EXEC)} (SOPS_GPG_EXEC)`
    : "there is no program gpg on PATH";
}

export interface GpgResult extends Outcome {
  /** What it printed to its standard error, for a message. */
  readonly reason: string;
}

/**
 * Encrypts, for keys that are there: gpg would ask the server of a mail address for one, and files choose the name. What
 * it says is in English, so that a key that it does not have can be told from one that it refuses. */
export function encryptWithGpg(
  program: string,
  id: string,
  plain: Uint8Array,
  context: KeyContext,
): Promise<GpgResult> {
  const args = ["--no-default-recipient", "--yes", "--encrypt", "-a", "-r", id];
  return gpg(
    [program, ...args, "--trusted-key", longKeyId(id), "--no-encrypt-to", "--no-auto-key-locate"],
    plain,
    context,
    ENGLISH,
  );
}

export interface GpgDecryption extends GpgResult {
  /** Its status output, which says what opened the message. */
  readonly status: string;
}

/** On Windows gpg cannot be given other descriptors than the standard ones: status and messages come together there. */
const STATUS_FD = process.platform === "win32" ? 2 : 3;

/**
 * Decrypts. It may ask a person, in the person's language. Passwords that its agent remembers do not count; a GnuPG
 * that is too old to know the option for that does not ask its agent for them.
 */
export async function decryptWithGpg(
  program: string,
  enc: string,
  context: KeyContext,
): Promise<GpgDecryption> {
  const args = ["--status-fd", String(STATUS_FD), "-d"];
  const decrypt = (more: readonly string[]) =>
    gpg([program, ...more, ...args], Buffer.from(enc), context, { third: true });
  let result = await decrypt([NO_PASSWORDS]);
  if (result.code !== 0 && result.stderr.includes(`"${NO_PASSWORDS}"`)) result = await decrypt([]);
  return { ...result, status: STATUS_FD === 2 ? result.stderr : result.third };
}

const NO_PASSWORDS = "--no-symkey-cache";

/** A key as gpg lists it. */
export interface ListedKey {
  readonly primary: string;
  /** The ids of the key and its subkeys. */
  readonly keyIds: readonly string[];
}

/** The public keys that go by a name; none if gpg has none. */
export async function listKeys(program: string, name: string, context: KeyContext): Promise<ListedKey[]> {
  const args = ["--batch", "--with-colons", "--with-fingerprint", "--list-keys", "--", name];
  const { stdout } = await gpg([program, ...args], Buffer.alloc(0), context, ENGLISH);
  const keys: { primary: string; keyIds: string[] }[] = [];
  for (const line of stdout.toString("latin1").split("\n")) {
    const [type, , , , keyId = "", , , , , fingerprint = ""] = line.split(":");
    if (type === "pub") keys.push({ primary: "", keyIds: [] });
    const key = keys.at(-1);
    if (type === "pub" || type === "sub") key?.keyIds.push(keyId);
    else if (type === "fpr" && key?.primary === "") key.primary = fingerprint;
  }
  return keys;
}

/** A secret key as gpg lists it. */
export interface SecretKeyRecord {
  readonly keyId: string;
  /** One letter: e expired, r revoked, i invalid, d disabled, u ultimately trusted, … */
  readonly validity: string;
  readonly encrypts: boolean;
  /** Where the secret part is: here, on a smart card, or elsewhere. */
  readonly secret: "here" | "card" | "elsewhere";
}

/** The secret keys and subkeys that go by an id (doc/DETAILS of GnuPG); none if gpg has none. */
export async function listSecretKeys(
  program: string,
  id: string,
  context: KeyContext,
): Promise<{ keys: SecretKeyRecord[]; reason: string }> {
  const args = ["--batch", "--with-colons", "--list-secret-keys", "--", id];
  const { stdout, reason } = await gpg([program, ...args], Buffer.alloc(0), context, ENGLISH);
  const records = stdout
    .toString("latin1")
    .split("\n")
    .map((line) => line.split(":"))
    .filter(([type]) => type === "sec" || type === "ssb");
  const keys = records.map(([, validity = "", , , keyId = "", ...rest]): SecretKeyRecord => {
    const [capabilities = "", token = ""] = [rest[6], rest[9]];
    return { keyId, validity, encrypts: capabilities.includes("e"), secret: placeOf(token) };
  });
  return { keys, reason };
}

/** What gpg says of a secret part: nothing or `+` if it has it, `#` if not, else a card's serial number. */
function placeOf(token: string): SecretKeyRecord["secret"] {
  if (token === "#") return "elsewhere";
  return token === "" || token === "+" ? "here" : "card";
}

interface GpgOptions {
  readonly variables?: Readonly<Record<string, string>>;
  /** Whether it gets a third descriptor to write to. */
  readonly third?: boolean;
}

const ENGLISH: GpgOptions = { variables: { LC_ALL: "C", LANGUAGE: "C" } };

async function gpg(
  argv: readonly string[],
  input: Uint8Array,
  context: KeyContext,
  { variables = {}, third = false }: GpgOptions = {},
): Promise<GpgResult> {
  const env = await environmentFor(context, "gpg", variables);
  const outcome = await run({ argv, input, env, limit: LIMIT_SECONDS, signal: context.signal, third });
  const said = outcome.stderr.replace(/^\[GNUPG:\].*\n?/gm, "").replace(/^gpg: /gm, "");
  return { ...outcome, reason: printable(said) || "it gives no reason" };
}

/** The last 16 digits, as SOPS gives them to --trusted-key; a `!` at the end, which names a subkey, stays. */
function longKeyId(fingerprint: string): string {
  return fingerprint.slice(fingerprint.endsWith("!") ? -17 : -16);
}
