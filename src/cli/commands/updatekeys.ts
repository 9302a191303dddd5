import { groupsNeeded } from "../../config/drift.ts";
import type { OpenDocument, Recipients, Session } from "../../document.ts";
import { TsopsError } from "../../errors.ts";
import { compareGroups, differs, loses } from "../../keys/difference.ts";
import { exactKeys } from "../../keys/groups.ts";
import { effectiveThreshold } from "../../keys/metadata.ts";
import { saveRecipients, saveRotated } from "../../save.ts";
import type { Args } from "../args.ts";
import { forEachFile } from "../batch.ts";
import { ruleRecipients } from "../creation.ts";
import { missingFileExits } from "../files.ts";
import type { Io } from "../io.ts";
import { differenceJson, writeJson } from "../json.ts";
import { askYes } from "../prompt.ts";
import { formatDifference, formatThreshold } from "../recipients.ts";
import { differenceLine, note, tell } from "../report.ts";
import type { Settings } from "../settings.ts";
import { updateFile } from "../update.ts";
import { driftOf, reportRemoved, selectorOfRule } from "../vouch.ts";
import { encryptedFiles } from "./decrypt.ts";

/**
 * `updatekeys`: gives files the keys of their creation rule. The difference is shown as SOPS shows it. Where keys that
 * could open the file cannot any more (they are taken away, or more groups are needed), it gets a new data key.
 */
export async function updatekeys(args: Args, io: Io): Promise<number> {
  const files = await encryptedFiles(args.list("files"), args, io, { writes: true });
  const results: unknown[] = [];
  const work = forEachFile(files, "synced", io, (name) => updateOne(name, args, io, results), {
    inOrder: true,
  });
  return await work.finally(() => (args.flag("json") ? writeJson(io, { files: results }) : undefined));
}

async function updateOne(name: string, args: Args, io: Io, results: unknown[]): Promise<void> {
  const aligns = args.flag("update-selector");
  // standard output is for the JSON alone
  const output = args.flag("json") ? "stderr" : "stdout";
  let result: Result = { status: "up-to-date" };
  const work = updateFile(
    name,
    args,
    io,
    async (open, session, options, settings) => {
      const recipients = await recipientsOfRule(open, settings, args, session);
      const selection = aligns ? await selectorOfRule(open, settings, name, io) : undefined;
      const shown = shownChanges(open, recipients, settings);
      if (shown === undefined && !selection) {
        const drift = await driftOf(open, settings, io);
        if (drift) result = { status: "selector-differs" };
        await note(
          io,
          drift ? `${name}: its keys are up to date, its selector is not` : `${name} is up to date`,
        );
        return undefined;
      }
      if (shown !== undefined) await tell(io, [CHANGES, ...shown.map(differenceLine)], output);
      const changes = changesJson(open, recipients, settings, selection);
      if (!args.flag("yes") && !(await agreed(io, io[output]))) {
        result = { status: "declined", ...changes };
        await note(io, `${name} is left unchanged`);
        return undefined;
      }
      const rotate = loses(open, recipients);
      const save = rotate ? saveRotated : saveRecipients;
      const text = await save(open, recipients, session, { ...options, selection });
      result = { status: "synced", ...changes, newDataKey: rotate };
      if (rotate) await reportRemoved(recipients, open, settings, io);
      await note(io, `${name} synced with ${shown === undefined ? "its creation rule" : "new keys"}`);
      return text;
    },
    { vouch: { mends: { recipients: true, selector: aligns } } },
  );
  try {
    await missingFileExits(1, work);
    results.push({ file: name, ...result });
  } catch (error) {
    results.push({ file: name, error: error instanceof TsopsError ? error.code : "internal" });
    throw error;
  }
}

const CHANGES = "The following changes will be made to the file's groups:";

/** What came of a file, for `--json`. */
interface Result extends Partial<ReturnType<typeof changesJson>> {
  readonly status: "up-to-date" | "selector-differs" | "declined" | "synced";
  readonly newDataKey?: boolean;
}

function changesJson(
  open: OpenDocument,
  { groups, threshold }: Recipients,
  settings: Settings,
  selection: object | undefined,
) {
  const words = { common: "kept", added: "added", removed: "removed" } as const;
  return {
    groups: differenceJson(compareGroups(open.groups, groups), settings, words),
    threshold: { before: open.threshold, after: threshold },
    selectorChanges: selection !== undefined,
  };
}

/** The rule's recipients; the option's threshold goes before the rule's, and where neither says one all groups are needed. */
async function recipientsOfRule(
  open: OpenDocument,
  settings: Settings,
  args: Args,
  session: Session,
): Promise<Recipients> {
  const rule = await ruleRecipients(settings);
  const groups = await exactKeys(rule.groups, session.context);
  // a single group has no threshold to speak of: the file's field stays as SOPS leaves it
  const due = groups.length > 1 ? groupsNeeded(groups, rule.threshold) : open.threshold;
  const wanted = args.number("shamir-secret-sharing-threshold") || due;
  return { groups, threshold: Math.min(wanted, groups.length) };
}

/** The changes of keys and threshold as SOPS shows them; undefined if there are none. */
function shownChanges(
  open: OpenDocument,
  { groups, threshold }: Recipients,
  settings: Settings,
): string[] | undefined {
  const differences = compareGroups(open.groups, groups);
  if (!differs(differences) && threshold === effectiveThreshold(open.groups, open.threshold))
    return undefined;
  return [...formatThreshold(open.threshold, threshold), ...formatDifference(differences, settings)];
}

async function agreed(io: Io, output: Io["stdout"]): Promise<boolean> {
  const answer = await askYes("Is this okay?", io, output);
  if (answer !== undefined) return answer;
  throw new TsopsError("generic", "there is nobody to ask", {
    hint: "use --yes to go on without a question",
  });
}
