import { relative } from "node:path";
import type { Config } from "../config/model.ts";
import type { Recipients } from "../document.ts";
import { TsopsError } from "../errors.ts";
import { mapFiles } from "../files/batch.ts";
import { explore } from "../files/discover.ts";
import { once } from "../keys/cache.ts";
import { loses } from "../keys/difference.ts";
import { textField } from "../keys/fields.ts";
import { groupsFromMetadata } from "../keys/metadata.ts";
import { printable } from "../printable.ts";
import type { Run } from "./command.ts";
import { ruleRecipients } from "./creation.ts";
import { readFound, searchOf } from "./found.ts";
import type { Io } from "./io.ts";
import { jobsFor } from "./jobs.ts";
import { note } from "./report.ts";
import { sessionOf } from "./session.ts";
import { loadSettings, ruleFor, type Settings } from "./settings.ts";
import { whomFor } from "./shared-key.ts";

/*
 * Files that share a data key (shared-key.ts) are open to whoever can open one of them. A file that was moved or copied to
 * another folder still has that key, and who may read it there need not be allowed to read those that it came from.
 */

/** Encrypted files that hold the same wrapped key, and are for the same people. */
interface Holders {
  readonly whom: Recipients;
  /** Absolute. */
  readonly files: string[];
}

/**
 * Another file that holds the same wrapped data key, and that some who are to open this file must not open: then this
 * one needs a new data key before they get it. Undefined if there is none, or nobody gets access who had none. Only where
 * rules have files share keys are others looked at: those in and below the configuration's folder.
 * @param before with its wrapped data keys.
 */
export async function sharedElsewhere(
  before: Recipients,
  after: Recipients,
  settings: Settings,
  run: Run,
): Promise<string | undefined> {
  const { config, file } = settings;
  if (!config?.rules?.some(({ shareDataKey }) => shareDataKey) || !loses(after, before)) return undefined;
  const { context } = await sessionOf(run);
  const all = await once(context, `holders of wrapped keys ${config.path}`, () => holdersBelow(config, run));
  for (const wrapped of wrappedIn(before))
    for (const { whom, files } of all.get(wrapped)?.values() ?? []) {
      const other = files.find((each) => each !== file);
      if (other !== undefined && loses(after, whom)) return relative(run.io.cwd, other);
    }
  return undefined;
}

/** By each wrapped key, and by whom files are for: thousands of files may share a key. */
type ByWrapped = ReadonlyMap<string, ReadonlyMap<string, Holders>>;

/** The encrypted files in and below a configuration's folder. */
async function holdersBelow({ folder }: Config, run: Run): Promise<ByWrapped> {
  const { files } = await explore([folder], searchOf(run));
  const all = new Map<string, Map<string, Holders>>();
  await mapFiles(files, await jobsFor(files.length, run), async ({ name: file }) => {
    const recipients = await recipientsIn(file, run);
    if (!recipients) return;
    const whom = await meantFor(file, recipients, run);
    const people = whomFor(whom);
    for (const wrapped of wrappedIn(recipients)) {
      const holders = all.get(wrapped) ?? new Map<string, Holders>();
      all.set(wrapped, holders);
      const same = holders.get(people);
      if (same) same.files.push(file);
      else holders.set(people, { whom, files: [file] });
    }
  });
  return all;
}

/** Those that stand in a file; undefined if it is not encrypted. What cannot be read is not this command's matter. */
async function recipientsIn(file: string, run: Run): Promise<Recipients | undefined> {
  // what the options say is about the files that were named
  const args = { ...run.args, "input-type": undefined, "filename-override": undefined };
  const found = await readFound(file, { ...run, args });
  return found.encryption === "whole" ? groupsFromMetadata(found.read.metadata.tree) : undefined;
}

function wrappedIn({ groups }: Recipients): Set<string> {
  const all = groups.flat().map(({ fields }) => textField(fields, "enc"));
  return new Set(all.filter((wrapped) => wrapped !== ""));
}

/**
 * Whom a file is for by its creation rule, which may have changed for many files at once; else by what stands in it. A rule
 * that cannot be used says nothing: the command says what is wrong with it where it is about that file.
 */
async function meantFor(file: string, recipients: Recipients, run: Run): Promise<Recipients> {
  try {
    const settings = await loadSettings(file, run);
    return (await ruleFor(settings)) ? await ruleRecipients(settings) : recipients;
  } catch (error) {
    if (error instanceof TsopsError) return recipients;
    throw error;
  }
}

/** Says why a file has or `would get` a new data key, if another one had the same. */
export async function noteShared(
  name: string,
  other: string | undefined,
  io: Io,
  gets: "has" | "would get" = "has",
): Promise<void> {
  if (other === undefined) return;
  const why = `it had the same one as ${printable(other)}, which not all of its recipients may read`;
  await note(io, `${name} ${gets} a new data key: ${why}`);
}
