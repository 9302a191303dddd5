import { TsopsError } from "../../errors.ts";
import { compareGroups, differs, loses } from "../../keys/difference.ts";
import { exactKeys } from "../../keys/groups.ts";
import { saveRecipients, saveRotated } from "../../save.ts";
import type { Args } from "../args.ts";
import { forEachFile } from "../batch.ts";
import { ruleRecipients } from "../creation.ts";
import { missingFileExits } from "../files.ts";
import { type Io, write } from "../io.ts";
import { askYes } from "../prompt.ts";
import { formatDifference, formatThreshold } from "../recipients.ts";
import { note } from "../report.ts";
import { updateFile } from "../update.ts";
import { reportRemoved } from "../vouch.ts";
import { encryptedFiles } from "./decrypt.ts";

/**
 * `updatekeys`: gives files the keys of their creation rule. The difference is shown as SOPS shows it. Where keys that
 * could open the file cannot any more (they are taken away, or more groups are needed), it gets a new data key.
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
      const shown = formatThreshold(open.threshold, threshold) + formatDifference(differences, settings);
      await write(io.stdout, `The following changes will be made to the file's groups:\n${shown}`);
      if (!args.flag("yes") && !(await agreed(io))) {
        await note(io, `${name} is left unchanged`);
        return undefined;
      }
      const after = { groups, threshold };
      const rotate = loses(open, after);
      const text = await (rotate ? saveRotated : saveRecipients)(open, after, session, options);
      if (rotate) await reportRemoved(after, open, settings, io);
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
