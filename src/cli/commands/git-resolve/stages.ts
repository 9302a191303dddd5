import { existsSync, realpathSync } from "node:fs";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import type { Session } from "../../../document.ts";
import { TsopsError } from "../../../errors.ts";
import { createNew, replaceFile } from "../../../files/atomic.ts";
import { withLock } from "../../../files/lock.ts";
import { formatOfFile } from "../../../formats/index.ts";
import { decodeText, encodeText } from "../../../formats/text.ts";
import { Objects } from "../../../git/objects.ts";
import { type Repository, repositoryAt } from "../../../git/repository.ts";
import { unmergedFiles } from "../../../git/staged.ts";
import type { Choice } from "../../../merge/choose.ts";
import { recognize } from "../../../recognize.ts";
import { holdsConflicts } from "../../../sops/held.ts";
import { readInput } from "../../files.ts";
import { mergeTexts } from "../../merge.ts";
import { note } from "../../report.ts";
import type { GitResolveRun } from "./command.ts";

/** The versions that the index has of a file that is not merged. */
type Stages = Readonly<Record<Choice, Buffer | undefined>>;

/**
 * Where git merged without the driver: merges the versions that are in the index, and leaves the result in the file, as the
 * driver would.
 * @returns the exit code where that was all; undefined where the file holds conflicts now, or did before.
 */
export async function mergeStages(
  name: string,
  choice: Choice | undefined,
  run: GitResolveRun,
  session: Session,
): Promise<number | undefined> {
  const path = resolve(run.io.cwd, name);
  const now = existsSync(path) ? (await readInput(name, run.io)).bytes : undefined;
  const state = now && (await stateOf(decodeText(now), name));
  if (state === "held") return undefined;
  const stages = await stagesOf(path, run);
  if (!stages) {
    if (state === "encrypted") return undefined;
    throw new TsopsError(
      "merge-conflict",
      "the file is not readable as an encrypted one, and git has no versions of it",
      {
        hint: "was it committed with conflict markers? git log FILE shows its last good version: check that out",
        exit: 1,
      },
    );
  }
  const { ours, theirs, base } = stages;
  if (!ours || !theirs) return await offerBoth(name, stages, choice, run);
  if (state === "encrypted" && now && !now.equals(ours)) {
    await note(
      run.io,
      `${name} holds no conflicts, and is not what either side has: is it resolved already? Then git add ${name}`,
      `  to begin anew: git checkout -m ${name}`,
    );
    return 0;
  }
  const texts = { base: base && decodeText(base), ours: decodeText(ours), theirs: decodeText(theirs) };
  const labels = { ours: "ours", theirs: "theirs", base: "base" };
  const merged = await mergeTexts({ texts, path: name, labels }, run, session);
  await withLock(path, () => replaceFile(path, encodeText(merged.text)));
  if (merged.conflicts.length > 0) return undefined;
  await note(run.io, `${name} is merged, without conflicts: git add ${name}`);
  return merged.doubtful ? 1 : 0;
}

/** `held`: an encrypted file with conflicts in it. */
async function stateOf(text: string, name: string): Promise<"held" | "encrypted" | "other"> {
  try {
    const { metadata } = await recognize(text, formatOfFile(name));
    return holdsConflicts(metadata) ? "held" : "encrypted";
  } catch (error) {
    if (error instanceof TsopsError) return "other";
    throw error;
  }
}

async function stagesOf(path: string, { io }: GitResolveRun): Promise<Stages | undefined> {
  const folder = dirname(path);
  const repository = await repositoryAt(folder, io.env, { placed: true });
  if (!repository?.top) return undefined;
  const real = join(realpathSync(folder), basename(path));
  const inside = relative(realpathSync(repository.top), real).split(sep).join("/");
  const files = await unmergedFiles(repository, [inside]);
  if (files.length === 0) return undefined;
  return await readStages(repository, new Map(files.map(({ stage, id }) => [stage, id])));
}

async function readStages(repository: Repository, ids: ReadonlyMap<number, string>): Promise<Stages> {
  const objects = new Objects(repository);
  try {
    const read = async (stage: number) => {
      const id = ids.get(stage);
      return id === undefined ? undefined : (await objects.read(id))?.bytes;
    };
    return { base: await read(1), ours: await read(2), theirs: await read(3) };
  } finally {
    objects.close();
  }
}

/** One side changed the file, and the other deleted it: git asks no driver then. */
async function offerBoth(
  name: string,
  stages: Stages,
  choice: Choice | undefined,
  run: GitResolveRun,
): Promise<number> {
  const deleted = stages.ours ? "theirs" : "ours";
  const kept = stages.ours ?? stages.theirs;
  if (!kept) {
    await note(run.io, `${name} is gone on both sides: git rm ${name}`);
    return 1;
  }
  if (choice === undefined) {
    const other = deleted === "ours" ? "theirs" : "ours";
    await note(
      run.io,
      `${name} was deleted by ${deleted}, and changed by ${other}:`,
      `  to keep it as ${other} has it: tsops git resolve --${other} ${name}`,
      `  to delete it: git rm ${name}`,
    );
    return 1;
  }
  const text = stages[choice];
  if (!text) {
    await note(run.io, `${name} was deleted by ${choice}: git rm ${name}`);
    return 1;
  }
  const path = resolve(run.io.cwd, name);
  if (existsSync(path)) await withLock(path, () => replaceFile(path, text));
  else await createNew(path, text, { mode: 0o666 });
  await note(run.io, `${name} is as ${choice} has it: git add ${name}`);
  return 0;
}
