import { resolve } from "node:path";
import { changed, TsopsError } from "../../../errors.ts";
import { inSeconds } from "../../../formats/scalar.ts";
import { sameKey } from "../../../keys/difference.ts";
import { exactKeys } from "../../../keys/groups.ts";
import type { KeyGroup, MasterKey } from "../../../keys/kind.ts";
import { saveRotated } from "../../../save.ts";
import { forEachFile, Otherwise } from "../../batch.ts";
import { keysFrom } from "../../creation.ts";
import { checkOutputOptions } from "../../files.ts";
import { encryptedFiles } from "../../found.ts";
import { type OlderThan, parseOlderThan } from "../../older.ts";
import { showKey } from "../../recipients.ts";
import { note } from "../../report.ts";
import { loadSettings, ruleFor } from "../../settings.ts";
import { sharedKey } from "../../shared-key.ts";
import { type Updating, updateFile } from "../../update.ts";
import { reportRemoved, selectorOfRule } from "../../vouch.ts";
import type { RotateRun } from "./command.ts";

/** `rotate`: a new data key for the same recipients, more (`--add-…`) or fewer (`--rm-…`). */
export async function rotate(run: RotateRun): Promise<number> {
  const given = run.args.files;
  if (given.length === 0)
    throw new TsopsError("no-file", "no file specified", { hint: "name the files to rotate" });
  checkOutputOptions(run.args, given);
  const files = await encryptedFiles(given, run, { writes: run.args["in-place"] });
  if (files.length > 1 && !run.args["in-place"]) {
    throw new TsopsError("usage", "several files cannot all go to standard output", {
      hint: "use --in-place",
    });
  }
  const now = new Date();
  const limit = run.args["older-than"];
  const older = limit === undefined ? undefined : parseOlderThan(limit, now);
  const changes = older ? "" : ` with --older-than ${inSeconds(now)}`;
  const batch = { what: "rotated", run, further: `the same command${changes} goes on with what is left` };
  const newer = new Otherwise(older?.words ?? "");
  return await forEachFile(files, batch, async (name) => {
    const { config } = await loadSettings(resolve(run.io.cwd, name), run);
    const change = {
      added: keysFrom(run.args, { prefix: "add-", config }),
      removed: keysFrom(run.args, { prefix: "rm-", config }),
    };
    try {
      if ((await older?.spares(name, run)) || !(await rotateOne(name, run, change, older))) {
        if (files.length === 1 || run.args.verbose)
          await note(run.io, `${name} is ${newer.words}: it stays as it is`);
        return newer;
      }
      return undefined;
    } catch (error) {
      throw missingFile(error, change.added.length + change.removed.length > 0);
    }
  });
}

interface Change {
  readonly added: readonly MasterKey[];
  readonly removed: readonly MasterKey[];
}

/** @returns false if somebody else did it meanwhile. */
async function rotateOne(
  name: string,
  run: RotateRun,
  { added, removed }: Change,
  older: OlderThan | undefined,
): Promise<boolean> {
  const aligns = run.args["update-selector"];
  let done = true;
  const change = async (file: Updating): Promise<string | undefined> => {
    const { open, session, settings, saving } = file;
    if (older?.sparesThat(open.metadata)) {
      done = false;
      return undefined;
    }
    const [exact = []] = await exactKeys([added], session.context);
    const { groups, missing } = changedGroups(open.groups, exact, removed);
    const selection = aligns ? await selectorOfRule(file, run.io) : undefined;
    if (groups.every((group) => group.length === 0)) {
      throw new TsopsError("usage", "no master key would be left", {
        hint: "add one with --add-age or the like",
      });
    }
    for (const key of missing) {
      await note(run.io, `warning: ${name} has no key ${showKey(key, settings)}, so none was removed`);
    }
    const after = { groups, threshold: open.threshold };
    const shared = await sharedKey(await ruleFor(settings), settings.file, after, session);
    const text = await saveRotated(open, after, session, { ...saving, selection, shared });
    await reportRemoved(file, after, run.io);
    return text;
  };
  await updateFile(name, run, change, {
    inPlace: run.args["in-place"],
    vouch: {
      mends: { selector: aligns },
      after: ({ groups, threshold }) => ({ groups: changedGroups(groups, added, removed).groups, threshold }),
    },
  });
  return done;
}

/** SOPS has codes of its own for a file that is not there (docs/internals/sops.md §8). */
function missingFile(error: unknown, changesKeys: boolean): unknown {
  if (!(error instanceof TsopsError) || error.code !== "no-such-file") return error;
  return changed(error, { code: changesKeys ? "add-remove-missing-file" : "read" });
}

/** Keys are added to the first group, and taken out of every group (docs/internals/sops.md §7). */
function changedGroups(
  groups: readonly KeyGroup[],
  added: readonly MasterKey[],
  removed: readonly MasterKey[],
) {
  const gone: MasterKey[] = [];
  const kept = groups.map((group) =>
    group.filter((key) => {
      const out = removed.some((other) => sameKey(key, other));
      if (out) gone.push(key);
      return !out;
    }),
  );
  const missing = removed.filter((key) => !gone.some((other) => sameKey(other, key)));
  const [first = [], ...rest] = kept;
  const fresh = added.filter((key) => !first.some((other) => sameKey(key, other)));
  return { groups: [[...first, ...fresh], ...rest], missing };
}
