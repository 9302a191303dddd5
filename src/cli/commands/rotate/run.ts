import { resolve } from "node:path";
import { changed, TsopsError } from "../../../errors.ts";
import { sameKey } from "../../../keys/difference.ts";
import { exactKeys } from "../../../keys/groups.ts";
import type { KeyGroup, MasterKey } from "../../../keys/kind.ts";
import { saveRotated } from "../../../save.ts";
import { forEachFile } from "../../batch.ts";
import { keysFrom } from "../../creation.ts";
import { checkOutputOptions } from "../../files.ts";
import { encryptedFiles } from "../../found.ts";
import { showKey } from "../../recipients.ts";
import { note } from "../../report.ts";
import { loadSettings } from "../../settings.ts";
import { updateFile } from "../../update.ts";
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
  const inPlace = run.args["in-place"];
  const aligns = run.args["update-selector"];
  return await forEachFile(files, { what: "rotated", io: run.io }, async (name) => {
    const { config } = await loadSettings(resolve(run.io.cwd, name), run);
    const added = keysFrom(run.args, { prefix: "add-", config });
    const removed = keysFrom(run.args, { prefix: "rm-", config });
    const work = updateFile(
      name,
      run,
      async (file) => {
        const { open, session, settings, saving } = file;
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
        const text = await saveRotated(open, after, session, { ...saving, selection });
        await reportRemoved(file, after, run.io);
        return text;
      },
      {
        inPlace,
        vouch: {
          mends: { selector: aligns },
          after: ({ groups, threshold }) => ({
            groups: changedGroups(groups, added, removed).groups,
            threshold,
          }),
        },
      },
    );
    await work.catch((error) => {
      throw missingFile(error, added.length + removed.length > 0);
    });
  });
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
