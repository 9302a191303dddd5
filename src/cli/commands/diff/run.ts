import { resolve } from "node:path";
import { TsopsError } from "../../../errors.ts";
import { statOf } from "../../../files/stat.ts";
import { type Comparison, compared, emptyTree, resolveRevision } from "../../../git/compared.ts";
import { Objects } from "../../../git/objects.ts";
import { gitIn } from "../../../git/program.ts";
import { repositoryAt, requireRepository } from "../../../git/repository.ts";
import { fileDifferenceJson } from "../../difference-json.ts";
import { FileComparison, type FileDifference } from "../../file-differences.ts";
import { readInput } from "../../files.ts";
import { write, writeLines } from "../../io.ts";
import { writeJson } from "../../json.ts";
import { note, tell } from "../../report.ts";
import { asRevision, endsOf, type Range, type Revision, splitWords } from "../../revisions.ts";
import { sessionOf } from "../../session.ts";
import { differenceLines } from "../../show-differences.ts";
import { showingOf } from "../../showing.ts";
import type { DiffRun } from "./command.ts";
import { summaryLines } from "./summary.ts";

/** `diff`: versions in git, or two files. */
export async function diff(run: DiffRun): Promise<number> {
  const { args } = run;
  checkTogether(run);
  const comparison = new FileComparison(await sessionOf(run));
  try {
    const two = await twoFiles(run);
    const found = two ? await ofFiles(two, comparison, run) : await ofRepository(comparison, run);
    if (!args.quiet) await show(found, run);
    const differs = found.length > 0 && (args["exit-code"] || args.quiet);
    return differs || found.some(({ incomplete }) => incomplete) ? 1 : 0;
  } finally {
    await comparison.close();
  }
}

function checkTogether({ args }: DiffRun): void {
  const forms = (["json", "summary", "quiet"] as const).filter((name) => args[name]);
  const [one, other] = args.summary && args.reveal ? ["summary", "reveal"] : forms;
  if (other === undefined) return;
  throw new TsopsError("usage", `--${one} and --${other} cannot be used together`, {
    hint: "use one of them",
  });
}

/** Two files are compared with each other where they are no revisions, and no `--` says that they are of a repository. */
async function twoFiles({ args, io }: DiffRun): Promise<readonly [string, string] | undefined> {
  const words = [...args.revisions, ...(args["no-index"] ? args["--"] : [])];
  const [one, other] = words;
  const areTwo = one !== undefined && other !== undefined && words.length === 2;
  if (args["no-index"]) {
    if (areTwo && !args.staged) return [one, other];
    throw new TsopsError("usage", "--no-index needs two files, and nothing else");
  }
  if (!areTwo || args["--"].length > 0 || args.staged) return undefined;
  if (!words.every((word) => statOf(resolve(io.cwd, word))?.isFile())) return undefined;
  const git = await gitIn(io.cwd, io.env, { placed: true });
  if (git === undefined || !(await repositoryAt(io.cwd, io.env, { placed: true }))) return [one, other];
  for (const word of words) if (await asRevision(word, { git })) return undefined;
  return [one, other];
}

async function ofFiles(
  [one, other]: readonly [string, string],
  comparison: FileComparison,
  { io }: DiffRun,
): Promise<FileDifference[]> {
  const [before, after] = [(await readInput(one, io)).bytes, (await readInput(other, io)).bytes];
  const found = await comparison.ofFiles([one, before], [other, after]);
  if (found === "not encrypted")
    await note(io, `neither ${one} nor ${other} is encrypted: diff compares them`);
  return typeof found === "string" || before.equals(after) ? [] : [found];
}

async function ofRepository(comparison: FileComparison, run: DiffRun): Promise<FileDifference[]> {
  const { args, io } = run;
  const { top } = await requireRepository(io.cwd, io.env, { placed: true });
  const here = { git: (await gitIn(io.cwd, io.env, { placed: true }))! };
  const { revisions, files } = await splitWords(args.revisions, args["--"], {
    here,
    cwd: io.cwd,
    bare: top === undefined,
  });
  const what = await comparisonOf(revisions, here, args.staged);
  if (top === undefined && what.kind !== "commits")
    throw new TsopsError("git", "a bare repository has no work tree and no index", {
      hint: "name two revisions: tsops diff REVISION REVISION",
    });
  const objects = new Objects(here);
  const found: FileDifference[] = [];
  try {
    let others = 0;
    for (const change of await compared(here, what, files)) {
      const outcome = await comparison.ofChange(change, objects, top);
      if (outcome === "not encrypted") others++;
      else if (outcome !== "same") found.push(outcome);
      await comparison.trim();
    }
    if (found.length === 0 && others > 0 && files.length > 0 && !args.quiet)
      await note(io, "what changed there is not encrypted: git diff shows it");
    return found;
  } finally {
    objects.close();
  }
}

async function comparisonOf(
  revisions: readonly (Revision | Range)[],
  here: Parameters<typeof compared>[0],
  staged: boolean,
): Promise<Comparison> {
  const [first, second] = revisions;
  if (revisions.length > 2 || (second && [first, second].some((one) => one?.kind === "range")))
    throw new TsopsError("usage", "there are too many revisions: two can be compared");
  if (staged) {
    if (second || first?.kind === "range")
      throw new TsopsError("usage", "--staged takes one revision at most", {
        hint: "what is staged is compared with it, or with HEAD",
      });
    const from = first?.id ?? (await resolveRevision(here, "HEAD")) ?? (await emptyTree(here));
    return { kind: "staged", from };
  }
  if (!first) return { kind: "work tree" };
  if (first.kind === "range") {
    const [from, to] = await endsOf(first, here);
    return { kind: "commits", from, to };
  }
  if (second?.kind === "revision") return { kind: "commits", from: first.id, to: second.id };
  return { kind: "commit to work tree", from: first.id };
}

async function show(files: readonly FileDifference[], run: DiffRun): Promise<void> {
  const { args, io } = run;
  const { showing, settings } = await showingOf(run, args.reveal);
  if (args.json) {
    const shown = files.map((file) => fileDifferenceJson(file, showing, settings));
    return await writeJson(io, { files: shown });
  }
  if (args.summary) return await write(io.stdout, `${summaryLines(files, showing.key).join("\n")}\n`);
  for (const [i, file] of files.entries()) {
    if (i > 0) await writeLines(io.stdout, [""]);
    await tell(io, differenceLines(file, showing), "stdout");
  }
}
