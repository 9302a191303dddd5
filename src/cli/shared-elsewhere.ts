import { relative } from "node:path";
import type { Config } from "../config/model.ts";
import type { Recipients } from "../document.ts";
import { mapFiles } from "../files/batch.ts";
import { explore } from "../files/discover.ts";
import { statOf } from "../files/stat.ts";
import { MAX_TEXT_BYTES } from "../formats/text.ts";
import { once } from "../keys/cache.ts";
import { loses } from "../keys/difference.ts";
import { textField } from "../keys/fields.ts";
import { groupsFromMetadata } from "../keys/metadata.ts";
import { printable } from "../printable.ts";
import type { Run } from "./command.ts";
import { ruleRecipients } from "./creation.ts";
import { readInput } from "./files.ts";
import { readIfEncrypted, searchOf } from "./found.ts";
import { jobsFor } from "./jobs.ts";
import { sessionOf } from "./session.ts";
import { loadSettings, ruleFor, type Settings } from "./settings.ts";

/*
 * Files that share a data key (shared-key.ts) are open to whoever can open one of them. A file that was moved or copied to
 * another folder still has that key, and who may read it there need not be allowed to read those that it came from.
 */

/** An encrypted file, and what its master keys wrapped. */
interface Holder {
  /** Absolute. */
  readonly file: string;
  readonly recipients: Recipients;
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
  const holders = await once(context, `holders of wrapped keys ${config.path}`, () =>
    holdersBelow(config, run),
  );
  for (const wrapped of wrappedIn(before))
    for (const other of holders.get(wrapped) ?? [])
      if (other.file !== file && loses(after, await meantFor(other, run)))
        return relative(run.io.cwd, other.file);
  return undefined;
}

/** The encrypted files in and below a configuration's folder, by each wrapped key that they hold. */
async function holdersBelow({ folder }: Config, run: Run): Promise<ReadonlyMap<string, readonly Holder[]>> {
  const { files } = await explore([folder], searchOf(run));
  const holders = new Map<string, Holder[]>();
  await mapFiles(files, await jobsFor(files.length, run), async ({ name }) => {
    const recipients = await recipientsIn(name, run);
    if (!recipients) return;
    for (const wrapped of wrappedIn(recipients))
      holders.set(wrapped, [...(holders.get(wrapped) ?? []), { file: name, recipients }]);
  });
  return holders;
}

/** Those that stand in a file; undefined if it is not encrypted. What cannot be read is not this command's matter. */
async function recipientsIn(file: string, run: Run): Promise<Recipients | undefined> {
  if ((statOf(file)?.size ?? 0) > MAX_TEXT_BYTES) return undefined;
  const { bytes } = await readInput(file, run.io);
  // what the options say is about the files that were named
  const found = await readIfEncrypted(bytes, file, {
    ...run.args,
    "input-type": undefined,
    "filename-override": undefined,
  });
  return found.encryption === "whole" ? groupsFromMetadata(found.read.metadata.tree) : undefined;
}

function wrappedIn({ groups }: Recipients): Set<string> {
  const all = groups.flat().map(({ fields }) => textField(fields, "enc"));
  return new Set(all.filter((wrapped) => wrapped !== ""));
}

/** Whom a file is for by its creation rule, which may have changed for many files at once; else by what stands in it. */
async function meantFor({ file, recipients }: Holder, run: Run): Promise<Recipients> {
  const settings = await loadSettings(file, run);
  return (await ruleFor(settings)) ? await ruleRecipients(settings) : recipients;
}

/** Why a file gets a new data key, for messages. */
export function keptFrom(other: string): string {
  return `it had the same one as ${printable(other)}, which not all of its recipients may read`;
}
