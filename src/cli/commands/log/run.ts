import { TsopsError } from "../../../errors.ts";
import type { Here } from "../../../git/compared.ts";
import { type Commit, commitsOf } from "../../../git/log.ts";
import { Objects } from "../../../git/objects.ts";
import { gitIn } from "../../../git/program.ts";
import { requireRepository } from "../../../git/repository.ts";
import { fileDifferenceJson } from "../../difference-json.ts";
import { FileComparison, type FileDifference } from "../../file-differences.ts";
import type { Line } from "../../io.ts";
import { writeJson } from "../../json.ts";
import { tell } from "../../report.ts";
import { type Range, type Revision, splitWords } from "../../revisions.ts";
import { sessionOf } from "../../session.ts";
import { differenceLines, type Showing, summaryOf } from "../../show-differences.ts";
import { showingOf } from "../../showing.ts";
import type { LogRun } from "./command.ts";

/** `log`: the commits that changed encrypted files. */
export async function log(run: LogRun): Promise<number> {
  const { args, io } = run;
  const { top } = await requireRepository(io.cwd, io.env, { placed: true });
  const here = { git: (await gitIn(io.cwd, io.env, { placed: true }))! };
  const { revisions, files } = await splitWords(args.revisions, args["--"], {
    here,
    cwd: io.cwd,
    bare: top === undefined,
  });
  if (args.follow && files.length !== 1)
    throw new TsopsError("usage", "--follow needs one file", { hint: "tsops log --follow -- FILE" });
  const commits = await commitsOf(here, {
    revisions: revisions.flatMap(idsOf),
    options: optionsOf(run),
    patterns: files,
  });
  const comparison = new FileComparison(await sessionOf(run));
  const objects = new Objects(here);
  try {
    return (await showAll(commits, { comparison, objects, here }, run)) ? 0 : 1;
  } finally {
    objects.close();
    await comparison.close();
  }
}

function idsOf(revision: Revision | Range): string[] {
  if (revision.kind === "revision") return [revision.id];
  const { from, to, symmetric } = revision;
  return symmetric ? [`${from}...${to}`] : [`^${from}`, to];
}

/** Only options that are known here reach git, each as one word with its value. */
function optionsOf({ args }: LogRun): string[] {
  const valued = (["max-count", "skip", "since", "until"] as const).flatMap((name) =>
    args[name] === undefined ? [] : [`--${name}=${args[name]}`],
  );
  const repeated = (["author", "grep"] as const).flatMap((name) =>
    args[name].map((value) => `--${name}=${value}`),
  );
  const flags = (["reverse", "follow", "all", "no-merges"] as const).flatMap((name) =>
    args[name] ? [`--${name}`] : [],
  );
  return [...valued, ...repeated, ...flags, ...(args["first-parent"] ? ["--first-parent", "-m"] : [])];
}

interface Work {
  readonly comparison: FileComparison;
  readonly objects: Objects;
  readonly here: Here;
}

/** @returns whether all that is shown could be read. */
async function showAll(commits: readonly Commit[], work: Work, run: LogRun): Promise<boolean> {
  const { args, io } = run;
  const { showing, settings } = await showingOf(run, args.reveal);
  const results: unknown[] = [];
  let first = true;
  let complete = true;
  for (const commit of commits) {
    const files = await differencesOf(commit, work);
    if (files.length === 0) continue;
    complete &&= !files.some(({ incomplete }) => incomplete);
    if (args.json) {
      const { id, parents, author, email, date, message } = commit;
      const shown = files.map((file) => fileDifferenceJson(file, showing, settings));
      results.push({ commit: id, parents, author, email, date, message, files: shown });
      continue;
    }
    const lines = args.oneline ? onelineOf(commit, files, run) : headOf(commit);
    const details = args.oneline && !args.patch ? [] : detailsOf(files, showing, args.patch);
    await tell(io, [...(first || args.oneline ? [] : [""]), ...lines, ...details], "stdout");
    first = false;
  }
  if (args.json) await writeJson(io, { commits: results });
  return complete;
}

async function differencesOf({ changes }: Commit, { comparison, objects }: Work): Promise<FileDifference[]> {
  const found: FileDifference[] = [];
  for (const change of changes) {
    const outcome = await comparison.ofChange(change, objects, undefined);
    if (typeof outcome !== "string") found.push(outcome);
    await comparison.trim();
  }
  return found;
}

function headOf({ id, parents, author, email, date, message }: Commit): Line[] {
  const lines = message.trimEnd().split("\n");
  return [
    { text: `commit ${id}`, colour: "yellow" },
    ...(parents.length > 1 ? [`Merge: ${parents.map((parent) => parent.slice(0, 7)).join(" ")}`] : []),
    `Author: ${author} <${email}>`,
    `Date:   ${date}`,
    "",
    ...lines.map((line) => `    ${line}`),
    "",
  ];
}

function onelineOf({ id, message }: Commit, files: readonly FileDifference[], { args }: LogRun): Line[] {
  const head = id.slice(0, 10);
  const summary = args.patch
    ? ""
    : ` [${files.map((file) => `${file.path}: ${summaryOf(file)}`).join("; ")}]`;
  return [{ text: `${head} ${message.split("\n", 1)[0]}${summary}`, colour: "yellow", head }];
}

function detailsOf(files: readonly FileDifference[], showing: Showing, patch: boolean): Line[] {
  if (patch) return files.flatMap((file) => differenceLines(file, showing));
  return files.map((file) => `${file.path}: ${summaryOf(file)}`);
}
