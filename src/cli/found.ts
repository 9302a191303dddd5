import { resolve } from "node:path";
import type { Rule } from "../config/model.ts";
import { TsopsError } from "../errors.ts";
import { type DiscoverOptions, explore, type Found, type PassedOver } from "../files/discover.ts";
import { clearLeft } from "../files/lock.ts";
import { statOf } from "../files/stat.ts";
import { formatOfFile } from "../formats/index.ts";
import { decodeText, MAX_TEXT_BYTES } from "../formats/text.ts";
import { CIPHER_HEAD } from "../sops/cipher.ts";
import type { EncryptedText } from "../sops/decrypt.ts";
import type { Args } from "./args.ts";
import type { Run } from "./command.ts";
import { inputFormat, readEncryptedAs, readInput } from "./files.ts";
import type { Io } from "./io.ts";
import { rememberPlace } from "./place.ts";
import { isKeyFile, whoReads } from "./protected.ts";
import { note } from "./report.ts";

interface Wishes {
  /** The command writes to the files that it works on. */
  readonly writes: boolean;
  /** Whether it is about a file of this name. Default: yes. */
  about?(name: string): Promise<boolean>;
  /** Whether it is about a file, by what stands in it. Default: yes. */
  wanted?(file: Found): Promise<boolean>;
}

/**
 * The files that were named, and those of folders and patterns that a command is about. What was not named is only read
 * through links that stay in their folder, and never written through any; a line says so.
 */
export async function findFiles(
  given: readonly string[],
  run: Run,
  { writes, about = yes, wanted = yes }: Wishes,
): Promise<Found[]> {
  const { files, passedOver, ignored } = await explore(given, searchOf(run));
  const found: Found[] = [];
  const notes: string[] = [];
  for (const file of files) {
    const { name, named, link, unreadable } = file;
    if (unreadable) {
      found.push(file);
      continue;
    }
    if (!named) rememberPlace(name, run.io);
    if (writes && !link) clearLeft(resolve(run.io.cwd, name));
    if (!named && isKeyFile(name, run.io)) continue;
    if (
      !named &&
      ((await whoReads(name, run)) !== undefined || !(await about(name)) || !(await isWanted(file, wanted)))
    )
      continue;
    if (link && writes) notes.push(`${name} is a link: name it to change what it points to`);
    else found.push(file);
  }
  for (const item of passedOver)
    if (item.why === "repository" || (await about(item.name))) notes.push(lineFor(item, writes));
  await noteAll(notes, run.io);
  if (ignored > 0 && (run.args.verbose || found.length === 0))
    await note(
      run.io,
      `${ignored} ${ignored === 1 ? "name" : "names"} that git ignores: left out, --no-ignore takes all`,
    );
  return found;
}

/** How folders and patterns are searched: what git ignores does not count, unless `--no-ignore` says so. */
export function searchOf({ args, io }: Pick<Run, "args" | "io">): DiscoverOptions {
  const { cwd } = io;
  if (args["no-ignore"]) return { cwd };
  // most runs are about files that are named
  return { cwd, scopes: async (folders) => (await import("./worktrees.ts")).scopesFor(folders, io) };
}

/** The files that were named, and the encrypted ones below the folders and patterns. */
export async function encryptedFiles(
  given: readonly string[],
  run: Run,
  { writes = false } = {},
): Promise<string[]> {
  const wanted = ({ name }: { name: string }) => isEncrypted(name, run);
  return (await findFiles(given, run, { writes, wanted })).map(({ name }) => name);
}

/** Whether a file that a folder or a pattern brought in is encrypted, or was before it was damaged. */
export async function isEncrypted(name: string, run: Run): Promise<boolean> {
  return (await encryptionOf(name, run)) !== "none";
}

/** Damaged: it was encrypted before, and whoever asks for encrypted files is to be told that it cannot be read. */
type Encryption = "none" | "whole" | "damaged";

export async function encryptionOf(name: string, run: Run): Promise<Encryption> {
  return (await readFound(name, run)).encryption;
}

export async function readFound(name: string, run: Run): Promise<ReadIfEncrypted> {
  if (await isTooLarge(name, run.io)) return { encryption: "none" };
  return await readIfEncrypted((await readInput(name, run.io)).bytes, name, run.args);
}

/** Whether a file that a folder brought in is so large that it can be none of ours; a line says so. */
export async function isTooLarge(name: string, io: Io): Promise<boolean> {
  const { size = 0 } = statOf(resolve(io.cwd, name)) ?? {};
  if (size <= MAX_TEXT_BYTES) return false;
  await note(io, `${name} is larger than 512 MiB, and is skipped`);
  return true;
}

export async function encryptionIn(bytes: Buffer, name: string, args: Args): Promise<Encryption> {
  return (await readIfEncrypted(bytes, name, args)).encryption;
}

/** A file read as an encrypted one, or why it cannot be. */
export type ReadIfEncrypted =
  | { readonly encryption: "whole"; readonly read: EncryptedText }
  | { readonly encryption: "damaged"; readonly error: TsopsError }
  | { readonly encryption: "none" };

/** @param rule may say which format the file has. */
export async function readIfEncrypted(
  bytes: Buffer,
  name: string,
  args: Args,
  rule?: Pick<Rule, "format">,
): Promise<ReadIfEncrypted> {
  if (!mayBeEncrypted(bytes)) return { encryption: "none" };
  try {
    return { encryption: "whole", read: await readEncryptedAs(decodeText(bytes), name, args) };
  } catch (error) {
    if (!(error instanceof TsopsError)) return { encryption: "none" };
    const { beginsWrapped, lostMetadata } = await import("../sops/lost.ts");
    if (error.code === "no-metadata") {
      const left = lostMetadata(decodeText(bytes), await inputFormat(args, name, rule));
      return left ? { encryption: "damaged", error } : { encryption: "none" };
    }
    if (!DAMAGED.has(error.code)) return { encryption: "none" };
    // any text may show an encrypted value: a manual, for instance, which is no file of values
    const named = formatOfFile(args["filename-override"] ?? name) !== "binary";
    const damaged = named || error.code === "merge-conflict" || beginsWrapped(decodeText(bytes));
    return damaged && holds(bytes, "ENC[") ? { encryption: "damaged", error } : { encryption: "none" };
  }
}

const DAMAGED: ReadonlySet<string> = new Set(["merge-conflict", "parse", "bad-metadata", "read"]);

/** A quick look: no encrypted file is without this word, and what is left of one has ciphertexts. */
export function mayBeEncrypted(bytes: Buffer): boolean {
  return holds(bytes, "sops") || holds(bytes, CIPHER_HEAD);
}

/** Whether a text is in a file, also one that was saved as UTF-16. */
function holds(bytes: Buffer, text: string): boolean {
  return bytes.includes(text) || bytes.includes(text, 0, "utf16le");
}

/** A file that cannot be read counts: working on it says so, and the others are not held up by it. */
async function isWanted(file: Found, wanted: NonNullable<Wishes["wanted"]>): Promise<boolean> {
  try {
    return await wanted(file);
  } catch (error) {
    if (error instanceof TsopsError && ["read", "no-such-file"].includes(error.code)) return true;
    throw error;
  }
}

async function yes(): Promise<boolean> {
  return true;
}

/** Says what a folder or pattern brought in that is not read. */
export async function notePassedOver(passedOver: readonly PassedOver[], io: Io): Promise<void> {
  await noteAll(
    passedOver.map((item) => lineFor(item, false)),
    io,
  );
}

function lineFor({ name, why }: PassedOver, writes: boolean): string {
  if (why === "repository")
    return `${name} is a git repository of its own, and is skipped: name it to go into it`;
  if (why === "no-file") return `${name} is not a regular file, and is skipped`;
  return `${name} is a link that leads out of the folder: name it to ${writes ? "change" : "read"} what it points to`;
}

/** A tree of a thousand links is not worth a screen each. */
const SHOWN = 10;

async function noteAll(lines: readonly string[], io: Io): Promise<void> {
  for (const line of lines.slice(0, SHOWN)) await note(io, line);
  const more = lines.length - SHOWN;
  if (more > 0) await note(io, `and ${more} more that are skipped like these`);
}

export function noDryRun(): TsopsError {
  return new TsopsError("usage", "--dry-run needs files, and standard input is none");
}
