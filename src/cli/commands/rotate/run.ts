import { resolve } from "node:path";
import type { OpenDocument } from "../../../document.ts";
import { changed, TsopsError } from "../../../errors.ts";
import { inSeconds } from "../../../formats/scalar.ts";
import { decodeText } from "../../../formats/text.ts";
import { sameKey } from "../../../keys/difference.ts";
import { exactKeys } from "../../../keys/groups.ts";
import type { KeyGroup, MasterKey } from "../../../keys/kind.ts";
import { saveRotated } from "../../../save.ts";
import { forEachFile, Otherwise } from "../../batch.ts";
import { keysFrom } from "../../creation.ts";
import { checkOutputOptions, checkResults, readEncryptedAs, readInput } from "../../files.ts";
import { encryptedFiles } from "../../found.ts";
import { writeJson } from "../../json.ts";
import { parseOlderThan } from "../../older.ts";
import { showKey } from "../../recipients.ts";
import { note } from "../../report.ts";
import { loadSettings, ruleFor } from "../../settings.ts";
import { sharedKey } from "../../shared-key.ts";
import { type Updating, updateFile } from "../../update.ts";
import { reportRemoved, selectorOfRule } from "../../vouch.ts";
import { agreed, choose, noFile } from "./choose.ts";
import type { RotateRun } from "./command.ts";

const DONE = new Otherwise("rotated meanwhile", "rotated-meanwhile");

/** `rotate`: a new data key for the same recipients, more (`--add-…`) or fewer (`--rm-…`). */
export async function rotate(run: RotateRun): Promise<number> {
  const { files: given, plan, where, "dry-run": dry } = run.args;
  if (given.length === 0 && plan === undefined) throw noFile();
  checkOutputOptions(run.args, given.length > 0 ? given : [plan!]);
  checkResults(run.args, dry);
  const now = new Date();
  const chooses = where.length > 0 || plan !== undefined || dry;
  const chosen = chooses ? await choose(run, now) : undefined;
  const files = chosen?.names ?? (await encryptedFiles(given, run, { writes: run.args["in-place"] }));
  if (dry) return await listFiles(files, run);
  if (files.length > 1 && !run.args["in-place"]) {
    throw new TsopsError("usage", "several files cannot all go to standard output", {
      hint: "use --in-place",
    });
  }
  if (where.length > 0 && !(await agreed(files, run))) return await nothing(run);
  const limit = run.args["older-than"];
  const older = limit === undefined ? undefined : parseOlderThan(limit, now);
  // a time that is still to come spares nothing, neither now nor in the next run
  const goesOn = plan !== undefined || older?.isBefore(now);
  const changes = goesOn ? "" : ` with --older-than ${inSeconds(now)}`;
  const batch = {
    what: "rotated",
    run,
    further: `the same command${changes} goes on with what is left`,
    results: run.args.json,
  };
  const newer = new Otherwise(older?.words ?? "", "not-older");
  return await forEachFile(files, batch, async (name) => {
    const { config } = await loadSettings(resolve(run.io.cwd, name), run);
    const change = {
      added: keysFrom(run.args, { prefix: "add-", config }),
      removed: keysFrom(run.args, { prefix: "rm-", config }),
    };
    try {
      const stays = (open: OpenDocument) => older?.sparesThat(open.metadata) || chosen?.isDone(name, open);
      // those that were chosen were looked at already
      const spared = !chosen && (await older?.spares(name, run));
      if (spared || !(await rotateOne(name, run, change, stays))) {
        if (chosen) return DONE;
        if (files.length === 1 || run.args.verbose)
          await note(run.io, `${name} is ${newer.words}: it stays as it is`);
        return newer;
      }
      // nobody named it, and there is no summary of one file
      if (chosen && files.length === 1) await note(run.io, `rotated ${name}`);
      return undefined;
    } catch (error) {
      throw missingFile(error, change.added.length + change.removed.length > 0);
    }
  });
}

async function nothing({ args, io }: RotateRun): Promise<number> {
  if (args.json) await writeJson(io, { files: [] });
  return 0;
}

/** `--dry-run` */
async function listFiles(names: readonly string[], run: RotateRun): Promise<number> {
  const batch = { what: "would rotate", run, together: true, results: run.args.json };
  return await forEachFile(names, batch, async (name, io) => {
    // what cannot be read, or is not encrypted, says so
    await readEncryptedAs(decodeText((await readInput(name, io)).bytes), name, run.args);
    await note(io, `would rotate ${name}`);
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
  stays: (open: OpenDocument) => boolean | undefined,
): Promise<boolean> {
  const aligns = run.args["update-selector"];
  let done = true;
  const change = async (file: Updating): Promise<string | undefined> => {
    const { open, session, settings, saving } = file;
    if (stays(open)) {
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
