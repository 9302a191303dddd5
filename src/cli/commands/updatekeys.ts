import { TsopsError } from "../../errors.ts";
import { compareGroups, couldOpen, differs, keysGone } from "../../keys/difference.ts";
import { exactKeys } from "../../keys/groups.ts";
import { saveRecipients, saveRotated } from "../../save.ts";
import type { Args } from "../args.ts";
import { forEachFile } from "../batch.ts";
import { ruleRecipients } from "../creation.ts";
import { missingFileExits } from "../files.ts";
import { type Io, writeLines } from "../io.ts";
import { askYes } from "../prompt.ts";
import { formatDifference, formatThreshold } from "../recipients.ts";
import { note } from "../report.ts";
import { updateFile } from "../update.ts";
import { reportRemoved } from "../vouch.ts";
import { encryptedFiles } from "./decrypt.ts";

/**
 * `updatekeys`: gives files the keys of their creation rule. The difference is shown as SOPS shows it. A key that is
 * taken away and could open the file brings a new data key with it.
 */
export async function updatekeys(args: Args, io: Io): Promise<number> {
  const files = await encryptedFiles(args.list("files"), args, io);
  return await forEachFile(files, "synced", io, (name) => updateOne(name, args, io), {
    inOrder: true,
  });
}

async function updateOne(name: string, args: Args, io: Io): Promise<void> {
  const work = updateFile(
    name,
    args,
    io,
    async (open, session, options, settings) => {
      const groups = await exactKeys((await ruleRecipients(settings)).groups, session.context);
      const wanted = args.number("shamir-secret-sharing-threshold") || open.threshold;
      const threshold = Math.min(wanted, groups.length);
      const differences = compareGroups(open.groups, groups);
      if (!differs(differences) && threshold === open.threshold) {
        await note(io, `${name} is up to date`);
        return undefined;
      }
      await writeLines(io.stdout, [
        "The following changes will be made to the file's groups:",
        ...formatThreshold(open.threshold, threshold),
        ...formatDifference(differences, settings),
      ]);
      if (!args.flag("yes") && !(await agreed(io))) {
        await note(io, `${name} is left unchanged`);
        return undefined;
      }
      const gone = keysGone(open.groups, groups);
      const rotate = couldOpen(gone, open.groups, open.threshold);
      const text = await (rotate ? saveRotated : saveRecipients)(
        open,
        { groups, threshold },
        session,
        options,
      );
      if (rotate) await reportRemoved(gone, groups, open, settings, io);
      await note(io, `${name} synced with new keys`);
      return text;
    },
    { vouch: false },
  );
  await missingFileExits(1, work);
}

async function agreed(io: Io): Promise<boolean> {
  const answer = await askYes("Is this okay?", io, io.stdout);
  if (answer !== undefined) return answer;
  throw new TsopsError("generic", "there is nobody to ask", {
    hint: "use --yes to go on without a question",
  });
}
