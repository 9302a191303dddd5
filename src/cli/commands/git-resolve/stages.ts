import { existsSync, realpathSync } from "node:fs";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import type { Session } from "../../../document.ts";
import { TsopsError } from "../../../errors.ts";
import { createNew, replaceFile } from "../../../files/atomic.ts";
import type { ReadFile } from "../../../files/read.ts";
import { formatOfFile } from "../../../formats/index.ts";
import { decodeText, encodeText } from "../../../formats/text.ts";
import { Objects } from "../../../git/objects.ts";
import { type Repository, repositoryAt } from "../../../git/repository.ts";
import { type StagedFile, unmergedFiles } from "../../../git/staged.ts";
import type { Choice } from "../../../merge/choose.ts";
import { sameButLineEnds, withEndsLike } from "../../../merge/line-ends.ts";
import { printable, shellQuoted } from "../../../printable.ts";
import { recognize } from "../../../recognize.ts";
import { holdsConflicts } from "../../../sops/held.ts";
import { alone } from "../../alone.ts";
import { readInput } from "../../files.ts";
import type { Io } from "../../io.ts";
import { mergeTexts } from "../../merge.ts";
import { note } from "../../report.ts";
import type { GitResolveRun } from "./command.ts";

interface Stage {
  readonly mode: string;
  readonly text: string;
}

/** The versions that the index has of a file that is not merged. */
type Stages = Readonly<Record<Choice, Stage | undefined>>;

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
  const now = existsSync(path) ? await readInput(name, run.io) : undefined;
  const text = now && decodeText(now.bytes);
  const state = text === undefined ? undefined : await stateOf(text, name);
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
  refuseOtherThings(name, stages);
  const { ours, theirs, base } = stages;
  if (!ours || !theirs) return await offerBoth({ name, path, now }, stages, choice, run);
  if (state === "encrypted" && text !== undefined && !sameButLineEnds(text, ours.text)) {
    await note(
      run.io,
      `${name} holds no conflicts, and is not what either side has: is it resolved already? Then git add ${word(name)}`,
      `  to begin anew: git checkout -m ${word(name)}`,
      ...(choice === undefined || choice === "base"
        ? []
        : [
            `  --${choice} is for conflicts; to take ${choice} as a whole: git checkout --${choice} ${word(name)}`,
          ]),
    );
    return 0;
  }
  const texts = { base: base?.text, ours: ours.text, theirs: theirs.text };
  const labels = { ours: "ours", theirs: "theirs", base: "base" };
  const merged = await mergeTexts({ texts, path: name, labels }, run, session);
  const mode = base?.mode === ours.mode ? theirs.mode : ours.mode;
  await writeAs({ path, now }, { mode, text: merged.text }, run.io);
  if (merged.conflicts.length > 0) return undefined;
  await note(run.io, `${name} is merged, without conflicts: git add ${word(name)}`);
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
  return await readStages(repository, files);
}

async function readStages(repository: Repository, files: readonly StagedFile[]): Promise<Stages> {
  const objects = new Objects(repository);
  try {
    const read = async (number: number): Promise<Stage | undefined> => {
      const file = files.find(({ stage }) => stage === number);
      if (!file) return undefined;
      const { id, mode } = file;
      if (mode === SUBMODULE) return { mode, text: "" };
      const object = await objects.read(id);
      // what is there and cannot be read is not what somebody deleted
      if (!object) throw missing(id);
      return { mode, text: decodeText(object.bytes) };
    };
    return { base: await read(1), ours: await read(2), theirs: await read(3) };
  } finally {
    objects.close();
  }
}

function missing(id: string): TsopsError {
  return new TsopsError("git", `git's object ${id}, a version of the file, is not in this repository`, {
    hint: "git fetch it, or see git fsck; a partial clone fetches it with git cat-file -p ID",
  });
}

const SUBMODULE = "160000";
const EXECUTABLE = "100755";

function word(name: string): string {
  return shellQuoted(printable(name));
}

/** A link's text is a path, and no version of a file. @throws TsopsError("merge-conflict") */
function refuseOtherThings(name: string, stages: Stages): void {
  for (const side of ["ours", "theirs", "base"] as const) {
    const mode = stages[side]?.mode;
    if (mode === undefined || mode.startsWith("100")) continue;
    const what = mode === SUBMODULE ? "a submodule" : "a link";
    throw new TsopsError("merge-conflict", `it is ${what} in ${side}, so there is nothing to merge`, {
      hint: `take one of them as it is: git checkout --ours ${word(name)}, or --theirs; then git add ${word(name)}`,
      exit: 1,
    });
  }
}

/** The file, and what stood in it when it was looked at: what comes in between is not written over. */
interface Place {
  readonly path: string;
  readonly now: ReadFile | undefined;
}

/** Writes a version as git would check it out: with the line ends of what is there, and executable if it is that. */
async function writeAs({ path, now }: Place, { mode, text }: Stage, io: Io): Promise<void> {
  const bytes = encodeText(withEndsLike(text, now && decodeText(now.bytes)));
  const executable = mode === EXECUTABLE;
  if (now === undefined) await createNew(path, bytes, { mode: executable ? 0o777 : 0o666 });
  else await alone(path, io, () => replaceFile(path, bytes, { expected: now.fingerprint }));
}

/** One side has the file, and the other does not: git asks no driver then. */
async function offerBoth(
  { name, ...place }: Place & { readonly name: string },
  stages: Stages,
  choice: Choice | undefined,
  run: GitResolveRun,
): Promise<number> {
  if (!stages.ours && !stages.theirs) {
    await note(run.io, `${name} is gone on both sides: git rm ${word(name)}`);
    return 1;
  }
  const [has, misses] = stages.ours ? (["ours", "theirs"] as const) : (["theirs", "ours"] as const);
  if (choice === undefined) {
    const lines = stages.base
      ? [
          `${name} was deleted by ${misses}, and changed by ${has}:`,
          `  to keep it as ${has} has it: tsops git resolve --${has} ${word(name)}`,
        ]
      : [
          `${name} is only in ${has}, which made it or gave it this name, and git could not decide what to do:`,
          `  to keep it: git add ${word(name)}`,
        ];
    await note(run.io, lines[0]!, ...lines.slice(1), `  to delete it: git rm ${word(name)}`);
    return 1;
  }
  const chosen = stages[choice];
  if (!chosen) {
    const why = stages.base ? `${name} was deleted by ${choice}` : `${choice} has no ${name}`;
    await note(run.io, `${why}: git rm ${word(name)}`);
    return 1;
  }
  await writeAs(place, chosen, run.io);
  await note(run.io, `${name} is as ${choice} has it: git add ${word(name)}`);
  return 0;
}
