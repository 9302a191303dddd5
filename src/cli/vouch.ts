import {
  type Compared,
  type Drift,
  driftError,
  driftFrom,
  type Protection,
  protectedBy,
  protectionOf,
} from "../config/drift.ts";
import type { Recipients } from "../document.ts";
import { TsopsError } from "../errors.ts";
import { pathOf } from "../formats/format.ts";
import { formatPath } from "../formats/path.ts";
import { compareGroups, differs } from "../keys/difference.ts";
import { bareValues } from "../sops/bare.ts";
import { type Bare, coverageChange } from "../sops/coverage.ts";
import { readEncrypted } from "../sops/decrypt.ts";
import { sealOf } from "../sops/seal.ts";
import { compileSelector, type Selector } from "../sops/selection.ts";
import type { Run } from "./command.ts";
import { keysOfEnvironment } from "./creation.ts";
import { describeDrift, formatDrift } from "./drift.ts";
import type { OpenFile } from "./files.ts";
import type { Io } from "./io.ts";
import { lossOf } from "./loss.ts";
import { askNo, interactive } from "./prompt.ts";
import { note } from "./report.ts";
import { ruleFor, type Settings } from "./settings.ts";

/**
 * What vouches for a file before it is written again (docs/security.md). A seal says only that its writer had the data
 * key, and everybody who knows public recipients can choose one: so a creation rule counts for sealed files, too.
 */

export interface VouchOptions {
  /** The recipients that the file is about to get: it is enough if they are those of the rule. */
  readonly after?: Recipients;
  /** The file is given the rule's recipients, or its selector, by this very command. */
  readonly mends?: { readonly recipients?: boolean; readonly selector?: boolean };
  /** What to do, where that is not what it is for other commands. */
  readonly hints?: Readonly<Record<"recipients" | "selector", string>>;
}

/**
 * Compares a file with its creation rule: recipients, threshold, selector. A difference is shown, and stops, or asks on
 * a terminal; `--yes` goes on.
 * @throws TsopsError("recipients-changed" | "selectors-changed")
 */
export async function checkDrift(
  { name, open, settings }: OpenFile<Compared>,
  run: Run,
  { after, mends = {}, hints = HINTS }: VouchOptions = {},
): Promise<void> {
  const before = without(await driftOf(open, settings, run.io), mends);
  // what is shown is what the file would be like then
  const later = after && without(await driftOf({ ...open, ...after }, settings, run.io), mends);
  const drift = after ? before && later : before;
  if (!drift) return;
  const [what, ...lines] = describeDrift(drift, settings, after !== undefined);
  await note(run.io, `${name} ${what}`, ...lines);
  if (run.args.yes) return;
  if (interactive(run.io) && (await askNo(`Go on with ${name} anyway?`, run.io))) return;
  throw driftError(drift, hints);
}

/** How a file differs from its rule; undefined if it does not, or if there is none. */
export async function driftOf(file: Compared, settings: Settings, io: Io): Promise<Drift | undefined> {
  const expected = await expectedProtection(file, settings, io);
  return expected && driftFrom(expected, protectedBy(file));
}

function without(drift: Drift | undefined, { recipients, selector }: NonNullable<VouchOptions["mends"]>) {
  if (!drift) return undefined;
  const left: Drift = {
    ...(!recipients && { groups: drift.groups, threshold: drift.threshold }),
    ...(!selector && { selector: drift.selector, macOnlyEncrypted: drift.macOnlyEncrypted }),
  };
  return Object.values(left).some((part) => part !== undefined) ? left : undefined;
}

const HINTS = {
  recipients:
    "somebody may have added themselves: tsops updatekeys gives the file the recipients of the rule,\n" +
    "--yes goes on with those that it has",
  selector:
    "values that the rule says to encrypt could be written plain: tsops updatekeys --update-selector changes that,\n" +
    "--yes goes on with the file's own",
};

/**
 * What a file should be like: what its rule says. Keys that the person's environment names go before those of a rule
 * where files are made, so they count here where they are just the file's, or the rule has none. Undefined without a rule.
 */
export async function expectedProtection(
  { groups }: Recipients,
  settings: Settings,
  io: Io,
): Promise<Protection | undefined> {
  const rule = await ruleFor(settings);
  if (!rule) return undefined;
  const expected = protectionOf(rule);
  const own = keysOfEnvironment(io.env);
  const counts = own.length > 0 && (!expected.groups || !differs(compareGroups([own], groups)));
  return counts ? { ...expected, groups: [own], threshold: 0 } : expected;
}

/** Whether a file gets a seal when it is written again, and what to say of it where that changes. */
export interface Sealing {
  readonly seal: boolean;
  readonly said?: string;
}

/**
 * A file whose seal holds keeps one; else the rule has to vouch for what would be sealed, or the person.
 * `decides`: the command is about who can read the file.
 */
export async function sealingOf(
  file: OpenFile,
  run: Run,
  { decides = false }: { decides?: boolean } = {},
): Promise<Sealing> {
  const { name, open, settings } = file;
  const wanted = settings.config?.seal ?? true;
  const had = sealOf(open.metadata) !== undefined;
  if (!wanted) {
    const said = had ? `${name} loses its seal: ${settings.config?.path} says seal: false` : undefined;
    return { seal: false, said };
  }
  if (open.decrypted.sealed) return { seal: true, said: decides ? await unruled(file, run.io) : undefined };
  const doubt = await doubtAbout(file, had, run.io);
  if (doubt !== undefined && !run.args.yes) {
    // without a configuration, who sets a value of a file by SOPS has nothing to decide, and would read this each time
    const usual = !had && !settings.config && !decides && !run.args.verbose;
    if (usual) return { seal: false };
    return { seal: false, said: `${name}: ${doubt}: it gets no seal without --yes` };
  }
  const which = had ? "new" : "first";
  return { seal: true, said: `${name} gets a ${which} seal, which vouches for what it says from now on` };
}

/** Whom a new data key is for, nothing but the file says: a seal does not make up for that. */
async function unruled({ name, open, settings }: OpenFile, io: Io): Promise<string | undefined> {
  if ((await expectedProtection(open, settings, io))?.groups) return undefined;
  return `${name}: no creation rule says who its recipients should be; its seal only says that its writer had the data key`;
}

/** Why a file that has no seal that holds should not just get one. */
async function doubtAbout({ open, settings }: OpenFile, had: boolean, io: Io): Promise<string | undefined> {
  const expected = await expectedProtection(open, settings, io);
  // whoever hands over a file may hand over the folder around it
  if (!expected?.groups || settings.by === "folder of the file")
    return "neither a seal nor a creation rule vouches for its recipients";
  if (driftFrom(expected, protectedBy(open))) return "it is not as its creation rule has it";
  if (had) return "its seal was not checked";
  const { wasSealedInGit } = await import("../git/history.ts");
  if (await wasSealedInGit(settings.file, io.env))
    return "a version of it in git had a seal, and this one has none, so somebody wrote it without tsops";
  return undefined;
}

/**
 * Names the values that a write put in plaintext although the rule wants them encrypted: after a yes to another selector.
 */
export async function warnOfPlain({ name, open, settings }: OpenFile, text: string, io: Io): Promise<void> {
  const selector = (await driftOf(open, settings, io))?.selector?.rule;
  if (!selector || selector.kind.includes("comment")) return;
  const { items } = open.decrypted;
  const before = new Set(
    items.filter(({ encrypted }) => !encrypted).map(({ entry }) => formatPath(pathOf(entry))),
  );
  const bare = bareValues(readEncrypted(text, open.format).reading, await compileSelector(selector));
  const fresh = bare.map((entry) => formatPath(pathOf(entry))).filter((path) => !before.has(path));
  if (fresh.length === 0) return;
  await note(
    io,
    `warning: ${name}: the creation rule says to encrypt these values, and they are written plain:`,
    ...shownPaths(fresh),
  );
}

/** More lines than this help nobody. */
const SHOWN_PATHS = 40;

/** Who cannot read the values any more may have seen them: they have to be changed where they are used. */
export async function reportRemoved(
  { name, open, settings }: OpenFile,
  after: Recipients,
  io: Io,
): Promise<void> {
  const loss = lossOf(open, after, settings);
  if (loss === undefined) return;
  const read = open.decrypted.items.filter(({ entry, encrypted }) => encrypted && entry.kind === "value");
  const paths = shownPaths(read.map(({ entry }) => formatPath(pathOf(entry))));
  await note(io, `${name}: ${loss}; change them where they are used:`, ...paths);
}

function shownPaths(paths: readonly string[]): string[] {
  const lines = paths.slice(0, SHOWN_PATHS).map((path) => `  ${path}`);
  if (paths.length > SHOWN_PATHS) lines.push(`  and ${paths.length - SHOWN_PATHS} more`);
  return lines;
}

/**
 * The selector that `--update-selector` gives a file: its rule's. Says which values stood there in plaintext until now.
 * Undefined if it has that already.
 * @throws TsopsError("selectors-changed") if something that is encrypted would become plain.
 */
export async function selectorOfRule(
  { name, open, settings }: OpenFile,
  io: Io,
): Promise<{ selector: Selector; macOnlyEncrypted: boolean } | undefined> {
  const expected = await expectedProtection(open, settings, io);
  const drift = expected && driftFrom({ ...expected, groups: undefined }, protectedBy(open));
  if (!expected?.selector || !drift) return undefined;
  const { bared, covered } = await coverageChange(open.decrypted, open.format, expected.selector);
  if (bared.length > 0) throw wouldBare(bared);
  await note(io, `${name} gets the selector of its creation rule:`, ...formatDrift(drift, settings));
  const values = covered.filter(({ kind }) => kind === "value");
  if (values.length > 0) {
    const paths = shownPaths(values.map(({ path }) => formatPath(path)));
    await note(io, "these values were in plaintext until now; change them if they are secrets:", ...paths);
  }
  return {
    selector: expected.selector,
    macOnlyEncrypted: open.metadata.macOnlyEncrypted && expected.macOnlyEncrypted,
  };
}

function wouldBare(bared: readonly Bare[]): TsopsError {
  const [first] = bared as readonly [Bare];
  const more = bared.length > 1 ? `, and ${bared.length - 1} more` : "";
  return new TsopsError(
    "selectors-changed",
    `with the selector of the rule the ${first.kind} at ${formatPath(first.path)} would become plain${more}`,
    { hint: "if that is meant, decrypt the file and encrypt it again; nothing was written" },
  );
}
