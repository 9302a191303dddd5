import { resolve } from "node:path";
import type { Drift } from "../../../config/drift.ts";
import type { Recipients, Session } from "../../../document.ts";
import { changed, TsopsError } from "../../../errors.ts";
import { decodeText } from "../../../formats/text.ts";
import { compareGroups, differs, loses } from "../../../keys/difference.ts";
import { checkGroups, exactKeys } from "../../../keys/groups.ts";
import { effectiveThreshold, groupsFromMetadata, groupsNeeded } from "../../../keys/metadata.ts";
import { saveRecipients, saveRotated } from "../../../save.ts";
import type { EncryptedText } from "../../../sops/decrypt.ts";
import { forEachFile, Otherwise } from "../../batch.ts";
import { ruleRecipients } from "../../creation.ts";
import { formatDrift } from "../../drift.ts";
import { missingFileExits, type OpenFile, readEncryptedAs, readInput } from "../../files.ts";
import { encryptedFiles } from "../../found.ts";
import { type Io, quotedPath, writeLines } from "../../io.ts";
import { differenceJson, writeJson } from "../../json.ts";
import { lossOf } from "../../loss.ts";
import { askYes } from "../../prompt.ts";
import { refuseProtected } from "../../protected.ts";
import { formatDifference, formatThreshold } from "../../recipients.ts";
import { differenceLine, note, tell } from "../../report.ts";
import { checkSealThere } from "../../require-seal.ts";
import { sessionOf } from "../../session.ts";
import { loadSettings, ruleFor, type Settings } from "../../settings.ts";
import { noteShared, sharedElsewhere } from "../../shared-elsewhere.ts";
import { sharedKey } from "../../shared-key.ts";
import { updateFile } from "../../update.ts";
import { checkDrift, driftOf, reportRemoved, selectorOfRule } from "../../vouch.ts";
import type { UpdatekeysRun } from "./command.ts";

const UP_TO_DATE = new Otherwise("up to date");
const UNCHANGED = new Otherwise("left unchanged");

/**
 * `updatekeys`: gives files the keys of their creation rule. The difference is shown as SOPS shows it. Where keys that
 * could open the file cannot any more (they are taken away, or more groups are needed), it gets a new data key.
 */
export async function updatekeys(run: UpdatekeysRun): Promise<number> {
  const { check, "dry-run": dry, yes, json } = run.args;
  const files = await encryptedFiles(run.args.files, run, { writes: !check && !dry });
  const results = new Map<string, unknown>();
  let differ = 0;
  const work = async (name: string, io: Io): Promise<Otherwise | undefined> => {
    let result: Result = { status: "up-to-date" };
    const report = (more: Result) => void (result = more);
    try {
      const look = check || dry ? inspect : updateOne;
      const came = await missingFileExits(1, look(name, { ...run, io }, report));
      if (came === undefined) differ++;
      results.set(name, { file: name, ...result });
      return came;
    } catch (error) {
      results.set(name, { file: name, error: error instanceof TsopsError ? error.code : "internal" });
      throw error;
    }
  };
  const done = dry ? "would sync" : "synced";
  const batch = {
    what: check ? "out of date:" : done,
    run,
    inOrder: !(yes || check || dry),
    together: true,
    further: check || dry ? undefined : "the same command goes on with what is left",
  };
  const inTheirOrder = () => files.flatMap((name) => results.get(name) ?? []);
  const code = await forEachFile(files, batch, work).finally(() =>
    json ? writeJson(run.io, { files: inTheirOrder() }) : undefined,
  );
  return check && differ > 0 ? 1 : code;
}

/** What came of a file, for `--json`. */
interface Result extends Partial<ReturnType<typeof changesJson>> {
  readonly status: "up-to-date" | "selector-differs" | "differs" | "declined" | "synced";
  readonly newDataKey?: boolean;
}

type Report = (result: Result) => void;

function changesJson(
  file: Recipients,
  { groups, threshold }: Recipients,
  settings: Settings,
  selection: unknown,
) {
  const words = { common: "kept", added: "added", removed: "removed" } as const;
  return {
    groups: differenceJson(compareGroups(file.groups, groups), settings, words),
    threshold: { before: file.threshold, after: threshold },
    selectorChanges: selection !== undefined,
  };
}

/** Standard output is for the JSON alone. */
function outputOf(args: UpdatekeysRun["args"]): "stdout" | "stderr" {
  return args.json ? "stderr" : "stdout";
}

/** A file beside its creation rule, as far as no key is needed. */
interface Compared extends OpenFile<Recipients & Pick<EncryptedText, "metadata" | "format">> {
  readonly recipients: Recipients;
  /** The changes of its keys; undefined if there are none. */
  readonly shown: string[] | undefined;
  readonly selector: Drift | undefined;
}

async function compare(name: string, run: UpdatekeysRun): Promise<Compared> {
  const { bytes } = await readInput(name, run.io);
  const { metadata, format } = await readEncryptedAs(decodeText(bytes), name, run.args);
  await checkSealThere(name, metadata, run);
  const settings = await loadSettings(resolve(run.io.cwd, name), run);
  const open = { ...groupsFromMetadata(metadata.tree), metadata, format };
  const recipients = await recipientsOfRule(open, settings, run.args, await sessionOf(run));
  const shown = shownChanges(open, recipients, settings);
  return {
    name,
    open,
    settings,
    recipients,
    shown,
    selector: selectorDrift(await driftOf(open, settings, run.io)),
  };
}

/** A file that is up to date is not opened: its keys are not asked. */
async function updateOne(name: string, run: UpdatekeysRun, report: Report): Promise<Otherwise | undefined> {
  await refuseProtected(name, run);
  const file = await compare(name, run);
  const aligns = run.args["update-selector"];
  if (file.shown !== undefined || (aligns && file.selector)) return await syncOne(name, run, report);
  await checkDrift(file, run, { mends: { recipients: true } });
  return await upToDate(file, run, report);
}

async function upToDate(
  { name, selector }: Pick<Compared, "name" | "selector">,
  run: UpdatekeysRun,
  report: Report,
): Promise<Otherwise> {
  if (selector) report({ status: "selector-differs" });
  const what = selector ? `${name}: its keys are up to date, its selector is not` : `${name} is up to date`;
  await note(run.io, what);
  return UP_TO_DATE;
}

async function syncOne(name: string, run: UpdatekeysRun, report: Report): Promise<Otherwise | undefined> {
  const aligns = run.args["update-selector"];
  let came: Otherwise | undefined;
  const work = updateFile(
    name,
    run,
    async (file) => {
      const { open, session, settings, saving } = file;
      const recipients = await recipientsOfRule(open, settings, run.args, session);
      const selection = aligns ? await selectorOfRule(file, run.io) : undefined;
      const shown = shownChanges(open, recipients, settings);
      if (shown === undefined && !selection) {
        // somebody else was faster
        const selector = selectorDrift(await driftOf(open, settings, run.io));
        came = await upToDate({ name, selector }, run, report);
        return undefined;
      }
      await showChanges(name, shown, outputOf(run.args), run.io);
      const changes = changesJson(open, recipients, settings, selection);
      if (!run.args.yes && !(await agreed(run.io, outputOf(run.args)))) {
        came = UNCHANGED;
        report({ status: "declined", ...changes });
        await note(run.io, `${name} is left unchanged`);
        return undefined;
      }
      const shares = await sharedElsewhere(open, recipients, settings, run);
      const rotate = loses(open, recipients) || shares !== undefined;
      report({ status: "synced", newDataKey: rotate, ...changes });
      const options = { ...saving, selection };
      const text = rotate
        ? await saveRotated(open, recipients, session, {
            ...options,
            shared: await sharedKey(await ruleFor(settings), settings.file, recipients, session),
          })
        : await saveRecipients(open, recipients, session, options);
      if (rotate) await reportRemoved(file, recipients, run.io);
      await noteShared(name, shares, run.io);
      await note(run.io, `${name} synced with ${shown === undefined ? "its creation rule" : "new keys"}`);
      return text;
    },
    { vouch: { mends: { recipients: true, selector: aligns } } },
  );
  await work;
  return came;
}

/**
 * `--check` and `--dry-run`: what would change. No key is needed, and nothing is written. Undefined if something is not
 * in line.
 */
async function inspect(name: string, run: UpdatekeysRun, report: Report): Promise<Otherwise | undefined> {
  const compared = await compare(name, run);
  const { open: file, settings, recipients, shown, selector } = compared;
  const check = run.args.check;
  if (shown === undefined && !(selector && (check || run.args["update-selector"])))
    return await upToDate(compared, run, report);
  const shares = await sharedElsewhere(file, recipients, settings, run);
  const newDataKey = loses(file, recipients) || shares !== undefined;
  report({ status: "differs", newDataKey, ...changesJson(file, recipients, settings, selector) });
  if (check) {
    if (!run.args.json) await writeLines(run.io.stdout, [quotedPath(name)]);
    await note(
      run.io,
      `${name} is not as its creation rule has it:`,
      ...(shown ?? []),
      ...selectorLines(selector, settings),
    );
    return undefined;
  }
  await showChanges(name, shown, outputOf(run.args), run.io);
  if (run.args["update-selector"] && selector)
    await note(
      run.io,
      `${name} would get the selector of its creation rule:`,
      ...selectorLines(selector, settings),
    );
  const loss = lossOf(file, recipients, settings);
  if (loss !== undefined) await note(run.io, `${name} would get a new data key: ${loss}`);
  await noteShared(name, shares, run.io, "would get");
  return undefined;
}

function selectorDrift(drift: Drift | undefined): Drift | undefined {
  if (!drift?.selector && !drift?.macOnlyEncrypted) return undefined;
  return { selector: drift.selector, macOnlyEncrypted: drift.macOnlyEncrypted };
}

function selectorLines(drift: Drift | undefined, settings: Settings): string[] {
  return drift ? formatDrift(drift, settings) : [];
}

/** As SOPS: the file's name goes to standard error, the changes to standard output. */
async function showChanges(
  name: string,
  shown: readonly string[] | undefined,
  output: "stdout" | "stderr",
  io: Io,
): Promise<void> {
  await note(io, `Syncing keys for file ${name}`);
  if (shown === undefined) return;
  const head = "The following changes will be made to the file's groups:";
  await tell(io, [head, ...shown.map(differenceLine)], output);
}

/** The rule's recipients; the option's threshold goes before the rule's, and where neither says one all groups are needed. */
async function recipientsOfRule(
  file: Recipients,
  settings: Settings,
  args: UpdatekeysRun["args"],
  session: Session,
): Promise<Recipients> {
  const rule = await ruleRecipients(settings);
  const option = args["shamir-secret-sharing-threshold"];
  // a rule that cannot be is said before any key is asked, and where it stands
  try {
    checkGroups(rule.groups, Math.min(option || rule.threshold, rule.groups.length));
  } catch (error) {
    const { thresholdPlace, place } = (await ruleFor(settings)) ?? {};
    throw !option && error instanceof TsopsError ? changed(error, { place: thresholdPlace ?? place }) : error;
  }
  const groups = await exactKeys(rule.groups, session.context);
  // a single group has no threshold to speak of: the file's field stays as SOPS leaves it
  const due = groups.length > 1 ? groupsNeeded(groups, rule.threshold) : file.threshold;
  return { groups, threshold: Math.min(option || due, groups.length) };
}

/** The changes of keys and threshold as SOPS shows them; undefined if there are none. */
function shownChanges(
  file: Recipients,
  { groups, threshold }: Recipients,
  settings: Settings,
): string[] | undefined {
  const differences = compareGroups(file.groups, groups);
  if (!differs(differences) && threshold === effectiveThreshold(file.groups, file.threshold))
    return undefined;
  return [...formatThreshold(file.threshold, threshold), ...formatDifference(differences, settings)];
}

async function agreed(io: Io, output: "stdout" | "stderr"): Promise<boolean> {
  const answer = await askYes("Is this okay?", io, io[output]);
  if (answer !== undefined) return answer;
  throw new TsopsError("usage", "there is nobody to ask", {
    hint: "use --yes to go on without a question",
  });
}
