import { resolve } from "node:path";
import type { Recipients } from "../../../document.ts";
import { TsopsError } from "../../../errors.ts";
import { compareGroups, loses } from "../../../keys/difference.ts";
import type { KeyGroup } from "../../../keys/kind.ts";
import { effectiveThreshold } from "../../../keys/metadata.ts";
import { saveRecipients, saveRotated } from "../../../save.ts";
import type { Args } from "../../args.ts";
import type { Run } from "../../command.ts";
import { keysFrom } from "../../creation.ts";
import { missingFileExits, type OpenFile } from "../../files.ts";
import { write } from "../../io.ts";
import { askNo, interactive } from "../../prompt.ts";
import { formatDifference, showKey } from "../../recipients.ts";
import { note } from "../../report.ts";
import { loadSettings } from "../../settings.ts";
import { noteShared, sharedElsewhere } from "../../shared-elsewhere.ts";
import { type Updating, updateFile } from "../../update.ts";
import { reportRemoved } from "../../vouch.ts";
import type { GroupsAddRun, GroupsDeleteRun, GroupsRun } from "./command.ts";

/** `groups` alone says what it can do, as SOPS does. */
export async function groups(run: GroupsRun): Promise<number> {
  await write(
    run.io.stdout,
    "tsops groups add|delete: change a file's key groups; see tsops groups --help\n",
  );
  return 0;
}

/** `groups add -f FILE --age …`: one more group; a new data key too, if more groups are needed than before. */
export async function addGroup(run: GroupsAddRun): Promise<number> {
  const file = fileOption(run.args);
  const { config } = await loadSettings(resolve(run.io.cwd, file), run);
  const group = keysFrom(run.args, { config });
  if (group.length === 0) {
    throw new TsopsError("usage", "the new group has no master key", {
      hint: "name one with --age, --pgp, …",
    });
  }
  const work = updateFile(
    file,
    run,
    async (file) => {
      const after = withGroup(file.open, group, run.args);
      checkThreshold(after.threshold, after.groups.length);
      return await saveChanged(file, after, run);
    },
    { inPlace: run.args["in-place"], vouch: { after: (open) => withGroup(open, group, run.args) } },
  );
  return await missingFileExits(2, work);
}

function withGroup(open: Recipients, group: KeyGroup, args: Args): Recipients {
  return { groups: [...open.groups, group], threshold: thresholdOption(args) ?? open.threshold };
}

/** `groups delete -f FILE INDEX`: one group less; a new data key too, if some keys cannot open the file any more. */
export async function deleteGroup(run: GroupsDeleteRun): Promise<number> {
  const text = run.args.index;
  if (text === undefined || !/^\d+$/.test(text)) {
    throw new TsopsError("usage", "the number of the group is missing, or not a number", {
      hint: "tsops groups delete -i -f FILE 0 deletes what is shown as Group 1",
    });
  }
  const index = Number(text);
  const work = updateFile(
    fileOption(run.args),
    run,
    async (file) => {
      const { open } = file;
      if (!open.groups[index]) {
        const last = open.groups.length - 1;
        throw new TsopsError("usage", `there is no group with the number ${index}`, {
          hint:
            last === 0
              ? "the file has one group, which has the number 0"
              : `numbers go from 0 to ${last}; what is shown as Group 1 has the number 0`,
        });
      }
      const { groups: left, threshold: needed } = withoutGroup(open, index, run.args);
      if (left.length === 0) {
        throw new TsopsError("usage", "this is the only key group", { hint: "add another group first" });
      }
      const after = { groups: left, threshold: checkThreshold(needed, left.length) };
      if (!(await agreed(file, index, after, run))) return undefined;
      return await saveChanged(file, after, run);
    },
    { inPlace: run.args["in-place"], vouch: { after: (open) => withoutGroup(open, index, run.args) } },
  );
  return await missingFileExits(2, work);
}

/**
 * Says which group goes and what is left: the argument counts from 0 as in SOPS, and what is shown counts from 1. A person
 * at a terminal is asked; SOPS asks nobody.
 */
async function agreed(
  { name, open: { groups }, settings }: OpenFile,
  index: number,
  after: Recipients,
  run: Run,
): Promise<boolean> {
  const gone = groups[index]!.map((key) => `--- ${showKey(key, settings)}`);
  await note(run.io, `${name} loses Group ${index + 1} of ${groups.length} (number ${index}):`, ...gone);
  const left = formatDifference(compareGroups(after.groups, after.groups), settings);
  const needed =
    after.groups.length > 1
      ? `, of which ${effectiveThreshold(after.groups, after.threshold)} are needed`
      : "";
  const count = after.groups.length === 1 ? "one group" : `${after.groups.length} groups`;
  await note(run.io, `what is left is ${count}${needed}:`, ...left);
  if (run.args.yes || !interactive(run.io) || (await askNo(`Delete Group ${index + 1} of ${name}?`, run.io)))
    return true;
  await note(run.io, `${name} is left unchanged`);
  return false;
}

function withoutGroup(open: Recipients, index: number, args: Args): Recipients {
  const groups = open.groups.filter((_, i) => i !== index);
  return { groups, threshold: thresholdOption(args) ?? open.threshold };
}

/** With a new data key, if some could open the file before who cannot any more, or would open other files with the old one. */
async function saveChanged(file: Updating, after: Recipients, run: Run): Promise<string> {
  const { name, open, session, settings, saving } = file;
  const shares = await sharedElsewhere(open, after, settings, run);
  if (!loses(open, after) && shares === undefined) return await saveRecipients(open, after, session, saving);
  const text = await saveRotated(open, after, session, saving);
  await reportRemoved(file, after, run.io);
  await noteShared(name, shares, run.io);
  return text;
}

function fileOption(args: Args): string {
  const file = args.file;
  if (file === undefined)
    throw new TsopsError("no-file", "no file specified", { hint: "name it with --file" });
  return file;
}

function thresholdOption(args: Args): number | undefined {
  const threshold = args["shamir-secret-sharing-threshold"];
  return threshold === 0 ? undefined : threshold;
}

function checkThreshold(threshold: number, groupCount: number): number {
  if (threshold <= groupCount) return threshold;
  throw new TsopsError(
    "usage",
    `${threshold} key groups would be needed to decrypt, and there would be ${groupCount}`,
    { hint: "set another threshold with --shamir-secret-sharing-threshold" },
  );
}
