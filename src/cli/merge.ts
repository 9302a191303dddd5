import { resolve } from "node:path";
import { driftFrom, protectedBy } from "../config/drift.ts";
import type { OpenDocument, Session } from "../document.ts";
import { TsopsError } from "../errors.ts";
import { formatOfFile } from "../formats/index.ts";
import {
  type MergedFile,
  type MergedKey,
  mergeVersions,
  openVersions,
  type Proposal,
  type Versions,
  type VersionTexts,
} from "../merge-files.ts";
import { printable, shellQuoted } from "../printable.ts";
import { describePlace, type Labels } from "../sops/conflicts.ts";
import { strangeTags } from "../sops/tags.ts";
import type { Run } from "./command.ts";
import { describeDrift, formatDrift } from "./drift.ts";
import { reportWarnings } from "./files.ts";
import { askNo, interactive } from "./prompt.ts";
import { note } from "./report.ts";
import { checkSealThere } from "./require-seal.ts";
import { loadSettings, type Settings } from "./settings.ts";
import { driftOf, expectedProtection, reportRemoved } from "./vouch.ts";

export interface MergeInput {
  readonly texts: VersionTexts;
  /** The file's name in the repository: it says the format, and which creation rule counts. */
  readonly path: string;
  readonly labels: Labels;
}

/** A merged file, and whether somebody has to look at it although it holds no conflicts. */
export interface Merged extends MergedFile {
  readonly doubtful: boolean;
}

/**
 * Merges three encrypted versions of a file, and says what there is to say about it.
 * @throws TsopsError if one of them cannot be opened, or the result cannot be as it has to be.
 */
export async function mergeTexts(
  { texts, path, labels }: MergeInput,
  run: Run,
  session: Session,
): Promise<Merged> {
  const { io } = run;
  const settings = await loadSettings(resolve(io.cwd, path), run);
  const versions = await openVersions(texts, formatOfFile(path), session);
  try {
    const { ours, theirs } = versions;
    await examine(ours, path, run);
    if (theirs.open) await examine(theirs.open, `${path} (theirs)`, run);
    await noteDrift(ours, path, settings, run);
    const merged = await mergeVersions(versions, session, {
      seal: sealingOf(versions) === "both" && (settings.config?.seal ?? true),
      labels,
      accept: (proposal) => accepts(proposal, path, settings, run),
    });
    await reportWarnings(merged.warnings, merged.plain, path, io);
    await noteSeal(versions, path, settings, run);
    if (!theirs.open) {
      await note(
        io,
        `warning: ${path}: theirs is plaintext: its changes are merged, and encrypted as in ours`,
        "  it stays in git's history: change the secrets in it; see what it changed before you add the file",
      );
    }
    if (merged.dataKey !== "ours") await note(io, `${path} gets a new data key: ${WHY_NEW[merged.dataKey]}`);
    await reportRemoved({ name: path, open: ours, settings }, merged.recipients, io);
    return { ...merged, doubtful: !theirs.open || lostSeal(versions) };
  } finally {
    versions.close();
  }
}

const WHY_NEW: Readonly<Record<Exclude<MergedKey, "ours">, string>> = {
  "new, for that of theirs":
    "theirs has one of its own, which only rotate or a new file gives it; see what it changed",
  "new, for who lost access": "somebody who knows the old one is no recipient any more",
};

/** Which sides have a seal that holds. A plaintext has nothing that one could be missing of. */
function sealingOf({ ours, theirs }: Versions): "both" | "ours" | "theirs" | "none" {
  const other = theirs.open?.decrypted.sealed;
  if (ours.decrypted.sealed) return (other ?? true) ? "both" : "ours";
  return other ? "theirs" : "none";
}

/** Whether theirs lost the seal that base had: SOPS wrote it, or somebody without a key changed what only a seal covers. */
function lostSeal(versions: Versions): boolean {
  return sealingOf(versions) === "ours" && versions.base?.open?.decrypted.sealed === true;
}

/** Says where the merged file has no seal although a side has one. */
async function noteSeal(versions: Versions, path: string, { config }: Settings, { io }: Run): Promise<void> {
  const sides = sealingOf(versions);
  if (sides === "both" && config?.seal === false)
    await note(io, `${path} loses its seal: ${config.path} says seal: false`);
  if (sides !== "ours" && sides !== "theirs") return;
  const without = sides === "ours" ? "theirs" : "ours";
  const word = shellQuoted(printable(path));
  await note(
    io,
    `warning: ${path}: ${without} has no seal, so the merged file gets none: compare it before you seal it`,
    ...(lostSeal(versions)
      ? [
          "  base had one: SOPS wrote theirs, or somebody without a key changed it; so the merge stops here",
          `  see what it changed: git diff HEAD -- ${word}; if that is right: git add ${word}`,
          `  to take ours as a whole instead: git checkout --ours ${word}`,
        ]
      : []),
  );
}

/** What is to be said of a version before anything is made of it. @throws TsopsError("seal-missing") */
async function examine({ metadata, decrypted }: OpenDocument, name: string, run: Run): Promise<void> {
  await checkSealThere(name, metadata, run);
  const { warnings, reading } = decrypted;
  await reportWarnings([...warnings, ...strangeTags(decrypted)], reading.text, name, run.io);
}

/** A merge gives nobody what one of the sides did not give already, so that a file differs from its rule stops nothing. */
async function noteDrift(ours: OpenDocument, path: string, settings: Settings, run: Run): Promise<void> {
  const drift = await driftOf(ours, settings, run.io);
  if (!drift) return;
  const [what, ...lines] = describeDrift(drift, settings);
  await note(run.io, `warning: ${path} ${what}`, ...lines);
}

/**
 * Whether recipients or a selector that not all sides have are right: as the creation rule has them. Without a rule, what
 * somebody with the data key sealed counts, and fewer recipients.
 */
async function accepts(proposal: Proposal, path: string, settings: Settings, run: Run): Promise<boolean> {
  const { what } = proposal;
  const trusted = settings.by !== "folder of the file";
  const expected = trusted ? await expectedProtection(proposal, settings, run.io) : undefined;
  const rules = what === "recipients" ? expected?.groups : expected?.selector;
  if (!expected || !rules) return proposal.vouched || (what === "recipients" && proposal.narrows);
  const { groups, threshold, selector, macOnlyEncrypted } = driftFrom(expected, protectedBy(proposal)) ?? {};
  const drift = what === "recipients" ? { groups, threshold } : { selector, macOnlyEncrypted };
  if (Object.values(drift).every((part) => part === undefined)) return true;
  await note(
    run.io,
    `${path}: with the ${what} of both sides it would not be as its creation rule has it:`,
    ...formatDrift(drift, settings),
  );
  return interactive(run.io) && (await askNo(`Merge the ${what} anyway?`, run.io));
}

/** More places than this help nobody. */
const SHOWN = 10;

/** Says which places are in conflict, and what to do. */
export async function noteConflicts(
  path: string,
  { conflicts }: Pick<MergedFile, "conflicts">,
  run: Run,
): Promise<void> {
  const lines = conflicts.slice(0, SHOWN).map((conflict) => {
    const place = describePlace(conflict);
    return `  ${place}${place === conflict.kind ? "" : ` (${conflict.kind})`}`;
  });
  const more = conflicts.length - SHOWN;
  const number = conflicts.length === 1 ? "a conflict" : `${conflicts.length} conflicts`;
  await note(
    run.io,
    `${path}: ${number}; ours stands there, and theirs is kept, encrypted:`,
    ...lines,
    ...(more > 0 ? [`  and ${more} more`] : []),
    `  to finish: tsops git resolve ${shellQuoted(printable(path))}`,
  );
}

/** Ends work that takes too long. @throws TsopsError("merge-conflict") */
export async function withinSeconds<T>(
  seconds: number,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const stop = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      stop.abort();
      reject(
        new TsopsError(
          "merge-conflict",
          `it was not merged within ${seconds} second${seconds === 1 ? "" : "s"}`,
          {
            hint: "--timeout gives it more time",
          },
        ),
      );
    }, seconds * 1000);
  });
  try {
    return await Promise.race([work(stop.signal), late]);
  } finally {
    clearTimeout(timer);
  }
}
