import { relative, resolve } from "node:path";
import type { Drift } from "../config/drift.ts";
import type { Rule } from "../config/model.ts";
import { inFile, TsopsError } from "../errors.ts";
import { mapFiles } from "../files/batch.ts";
import type { Found } from "../files/discover.ts";
import { topOf } from "../git/listing.ts";
import type { KeyGroup } from "../keys/kind.ts";
import { groupsFromMetadata } from "../keys/metadata.ts";
import { holdsConflicts } from "../sops/conflicts.ts";
import type { EncryptedText } from "../sops/decrypt.ts";
import { sealOf } from "../sops/seal.ts";
import type { Run } from "./command.ts";
import type { Failure } from "./failures.ts";
import { readInput } from "./files.ts";
import { findFiles, isTooLarge, readIfEncrypted } from "./found.ts";
import { clearPassing } from "./io.ts";
import { jobsFor } from "./jobs.ts";
import { rememberPlace } from "./place.ts";
import { Progress } from "./progress.ts";
import { isDotenvxKeys } from "./protected.ts";
import { ruleFor, type Settings, settingsForReading } from "./settings.ts";
import { driftOf } from "./vouch.ts";

/** What can be said of files without a key. */
export type Surveyed = EncryptedFile | PlainFile | DamagedFile;

interface Known {
  readonly file: string;
  readonly settings: Settings;
  /** Its creation rule. */
  readonly rule: Rule | undefined;
}

export interface EncryptedFile extends Known {
  readonly state: "encrypted";
  readonly read: EncryptedText;
  readonly groups: readonly KeyGroup[];
  readonly threshold: number;
  readonly drift: Drift | undefined;
  readonly sealed: boolean;
  /** Whether it holds what a merge could not decide. */
  readonly conflicts: boolean;
}

/** A file that a creation rule is for, and that is not encrypted. */
export interface PlainFile extends Known {
  readonly state: "plaintext";
}

/** A file that was encrypted, and cannot be read as such: conflict markers of a merge, for one. */
export interface DamagedFile extends Known {
  readonly state: "damaged";
  readonly error: TsopsError;
}

export interface Survey {
  /** In the order in which they were found; those that no rule is for and that are not encrypted are left out. */
  readonly files: readonly Surveyed[];
  /** What could not be read at all. */
  readonly failures: readonly Failure[];
}

/**
 * The files that are meant. Without paths it is about all of the repository, as with git, or about the working folder where
 * there is none; their names begin at the working folder.
 */
export async function filesOrAll(paths: readonly string[], run: Run): Promise<Found[]> {
  if (paths.length > 0) return await findFiles(paths, run, { writes: false });
  const { cwd } = run.io;
  const top = topOf(cwd);
  const all = await findFiles([top === undefined ? "." : relative(cwd, top) || "."], run, { writes: false });
  return all.map((found) => {
    const name = relative(cwd, resolve(cwd, found.name));
    rememberPlace(name, run.io);
    return { ...found, name };
  });
}

/** Looks at files side by side. */
export async function survey(found: readonly Found[], run: Run, what: string): Promise<Survey> {
  const failures: Failure[] = [];
  const progress = new Progress(run.io);
  let done = 0;
  const results = await mapFiles(found, await jobsFor(found.length, run), async (file) => {
    const seen = await surveyFile(file, run);
    await progress.show({ what, total: found.length, done: ++done });
    return seen;
  });
  await clearPassing();
  const files = results.flatMap((result, i) => {
    if (result.status === "fulfilled") return result.value ?? [];
    failures.push({ name: found[i]!.name, error: result.reason });
    return [];
  });
  return { files, failures };
}

/** @returns undefined for a file that is not encrypted and that no creation rule is for. */
export async function surveyFile({ name, named }: Found, run: Run): Promise<Surveyed | undefined> {
  if (!named && (await isTooLarge(name, run.io))) return undefined;
  const { bytes } = await readInput(name, run.io);
  const settings = await settingsForReading(resolve(run.io.cwd, name), run);
  const rule = await ruleFor(settings);
  const known = { file: name, settings, rule };
  const found = await readIfEncrypted(bytes, name, run.args, rule);
  if (found.encryption === "none") {
    const due = rule !== undefined && (named || !isDotenvxKeys(name));
    return due ? { ...known, state: "plaintext" } : undefined;
  }
  if (found.encryption === "damaged") return { ...known, state: "damaged", error: placed(found.error, name) };
  const { read } = found;
  try {
    const { groups, threshold } = groupsFromMetadata(read.metadata.tree);
    const { metadata, format } = read;
    const drift = await driftOf({ groups, threshold, metadata, format }, settings, run.io);
    const sealed = sealOf(metadata) !== undefined;
    const conflicts = holdsConflicts(metadata);
    return { ...known, state: "encrypted", read, groups, threshold, drift, sealed, conflicts };
  } catch (error) {
    if (!(error instanceof TsopsError) || error.code !== "parse") throw error;
    return { ...known, state: "damaged", error: placed(error, name) };
  }
}

function placed(error: TsopsError, file: string): TsopsError {
  return inFile(error, file) as TsopsError;
}

/**
 * When a file was last written, in milliseconds; NaN if it says nothing that is a time. Files do not say when their data key
 * was made: it is at least as old as this (`created_at` of a master key stays when the file is rotated, as in SOPS).
 */
export function writtenAt({ read }: Pick<EncryptedFile, "read">): number {
  return Date.parse(read.metadata.lastModified);
}
