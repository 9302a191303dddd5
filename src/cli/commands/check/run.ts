import { existsSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { baselineText, type Known, knownOf, readBaseline } from "../../../check/baseline.ts";
import { inOrder, type Marked, marked } from "../../../check/finding.ts";
import { countOf, type Report } from "../../../check/report.ts";
import { TsopsError } from "../../../errors.ts";
import { createFile } from "../../../files/atomic.ts";
import { decodeText } from "../../../formats/text.ts";
import { readInput } from "../../files.ts";
import { parseOlderThan } from "../../older.ts";
import { note } from "../../report.ts";
import { loadSettings, type Settings } from "../../settings.ts";
import type { CheckRun } from "./command.ts";
import type { Checking, Outcome } from "./content.ts";
import { checkFiles } from "./files.ts";
import { checkGit } from "./git.ts";
import { type Printing, printReport } from "./print.ts";
import { checkStaged, stagedBytes } from "./staged.ts";

/** `check`: 0 if nothing is wrong, 1 if something is, 2 or more if not everything could be checked. */
export async function check(run: CheckRun): Promise<number> {
  const printing = printingOf(run);
  const outcome: Outcome = { findings: [], failed: [], names: new Set() };
  const checking = await checkingOf(run, outcome);
  if (run.args.staged) await checkStaged(checking, outcome);
  else await checkFiles(checking, outcome);
  if (!run.args.staged || run.args.merges !== undefined) await checkGit(checking, outcome);
  const nameOf = namesFrom(topOf(run.io.cwd), run);
  const all = marked(inOrder(outcome.findings), nameOf);
  if (run.args["write-baseline"]) return await writeBaseline(all, nameOf, outcome, run);
  const known = await knownFindings(run);
  const findings = all.filter(({ fingerprint }) => !known.has(fingerprint));
  const { failed, names } = outcome;
  const report: Report = { findings, failed, files: names.size, known: all.length - findings.length };
  await printReport(report, { ...printing, nameOf, run });
  await noteStale(all, known, run);
  return exitOf(report, run);
}

async function checkingOf(run: CheckRun, { failed }: Outcome): Promise<Checking> {
  const limit = run.args["older-than"];
  const broken = new Set<string>();
  const settingsFor = async (name: string): Promise<Settings> => {
    const file = resolve(run.io.cwd, name);
    try {
      return await loadSettings(file, run);
    } catch (error) {
      if (!(error instanceof TsopsError) || error.code !== "config") throw error;
      const { message, place } = error;
      const said = `${place?.file}:${place?.line}: ${message}`;
      if (!broken.has(said)) failed.push({ file: place?.file, error: error.code, message });
      broken.add(said);
      return { file, config: undefined };
    }
  };
  return {
    run,
    staged: run.args.staged,
    older: limit === undefined ? undefined : parseOlderThan(limit, new Date()),
    deep: run.args.deep ? await (await import("./deep.ts")).loadDeepScan() : undefined,
    settingsFor,
  };
}

const OUTPUTS = ["text", "json", "sarif"] as const;

/** @throws TsopsError("usage") for an output that there is not, and for options that do not go together. */
function printingOf({ args, given }: CheckRun): Pick<Printing, "output"> {
  const output = OUTPUTS.find((name) => name === args.output);
  if (output === undefined) {
    throw new TsopsError("usage", "--output takes text, json or sarif", {
      hint: "to write to a file, redirect the output: tsops check --output sarif > tsops.sarif",
    });
  }
  if (args.json && given("output") && output !== "json")
    throw new TsopsError("usage", `--json and --output ${output} cannot be used together`, {
      hint: "use one of them",
    });
  if (args["write-baseline"] && args.baseline === undefined)
    throw new TsopsError("usage", "--write-baseline needs --baseline FILE", {
      hint: "tsops check --baseline .tsops-baseline.json --write-baseline",
    });
  return { output: args.json ? "json" : output };
}

function exitOf({ findings, failed }: Report, { args }: CheckRun): number {
  if (failed.length > 0) return 2;
  const wrong = countOf(findings, "error") + (args.strict ? countOf(findings, "warning") : 0);
  return wrong > 0 ? 1 : 0;
}

/** The top of the repository, or the working folder where there is none: names in reports begin there. */
function topOf(cwd: string): string {
  for (let at = cwd; ; at = dirname(at)) {
    if (existsSync(join(at, ".git"))) return at;
    if (dirname(at) === at) return cwd;
  }
}

function namesFrom(top: string, { io }: CheckRun): (file: string) => string {
  return (file) => relative(top, resolve(io.cwd, file)).replaceAll(sep, "/");
}

async function knownFindings({ args, io }: CheckRun): Promise<ReadonlySet<string>> {
  if (args.baseline === undefined) return new Set();
  const staged = args.staged ? await stagedBytes(args.baseline, io) : undefined;
  const bytes = staged ?? (await readInput(args.baseline, io)).bytes;
  return new Set(readBaseline(decodeText(bytes), args.baseline).map(({ fingerprint }) => fingerprint));
}

/** Who mended something may take it out of the baseline. */
async function noteStale(all: readonly Marked[], known: ReadonlySet<string>, run: CheckRun): Promise<void> {
  const whole = run.args.files.length === 0 && !run.args.staged;
  const met = new Set(all.map(({ fingerprint }) => fingerprint));
  const stale = [...known].filter((print) => !met.has(print)).length;
  if (!whole || stale === 0) return;
  const which = stale === 1 ? "1 finding of the baseline is" : `${stale} findings of the baseline are`;
  await note(run.io, `${which} not there any more: --write-baseline takes them out`);
}

async function writeBaseline(
  all: readonly Marked[],
  nameOf: (file: string) => string,
  { failed, names }: Outcome,
  run: CheckRun,
): Promise<number> {
  const file = run.args.baseline!;
  for (const { file: name, message } of failed) await note(run.io, `${name ?? "git"}: ${message}`);
  // what could not be read would be missing, and come as new
  if (failed.length > 0) {
    throw new TsopsError("write", "the baseline was not written: not everything could be checked", {
      hint: "mend what the lines above say, then try again",
    });
  }
  const looked = new Set([...names].map(nameOf));
  const kept = (await keptFindings(file, run)).filter(({ file: of }) => of === null || !looked.has(of));
  const found = knownOf(all, nameOf);
  const prints = new Set(found.map(({ fingerprint }) => fingerprint));
  const known = [...found, ...kept.filter(({ fingerprint }) => !prints.has(fingerprint))];
  await createFile(resolve(run.io.cwd, file), Buffer.from(baselineText(known)), { plaintext: false });
  await note(
    run.io,
    `${file}: ${known.length} ${known.length === 1 ? "finding is" : "findings are"} known now`,
  );
  return 0;
}

/** What a baseline says of other files than those that were looked at. A look at everything makes it anew. */
async function keptFindings(file: string, { args, io }: CheckRun): Promise<readonly Known[]> {
  if (args.files.length === 0 && !args.staged) return [];
  if (!existsSync(resolve(io.cwd, file))) return [];
  return readBaseline(decodeText((await readInput(file, io)).bytes), file);
}
