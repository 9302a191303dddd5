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
import { type Io, writeLines } from "../io.ts";
import { askYes } from "../prompt.ts";
import { formatDifference, formatThreshold } from "../recipients.ts";
import { note } from "../report.ts";
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
  return await forEachFile(files, "synced", io, (name) => updateOne(name, args, io), {
    inOrder: true,
  });
}

async function updateOne(name: string, args: Args, io: Io): Promise<void> {
  const aligns = args.flag("update-selector");
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
        await note(
          io,
          drift ? `${name}: its keys are up to date, its selector is not` : `${name} is up to date`,
        );
        return undefined;
      }
      if (shown !== undefined)
        await writeLines(io.stdout, ["The following changes will be made to the file's groups:", ...shown]);
      if (!args.flag("yes") && !(await agreed(io))) {
        await note(io, `${name} is left unchanged`);
        return undefined;
      }
      const rotate = loses(open, recipients);
      const save = rotate ? saveRotated : saveRecipients;
      const text = await save(open, recipients, session, { ...options, selection });
      if (rotate) await reportRemoved(recipients, open, settings, io);
      await note(io, `${name} synced with ${shown === undefined ? "its creation rule" : "new keys"}`);
      return text;
    },
    { vouch: { mends: { recipients: true, selector: aligns } } },
  );
  await missingFileExits(1, work);
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

async function agreed(io: Io): Promise<boolean> {
  const answer = await askYes("Is this okay?", io, io.stdout);
  if (answer !== undefined) return answer;
  throw new TsopsError("generic", "there is nobody to ask", {
    hint: "use --yes to go on without a question",
  });
}
