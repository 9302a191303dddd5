import { join } from "node:path";
import { TsopsError } from "../../../errors.ts";
import { driverSettings } from "../../../git/drivers.ts";
import { type Git, gitIn } from "../../../git/program.ts";
import { readSettings, type Scope } from "../../../git/settings.ts";
import { writeLines } from "../../io.ts";
import { note } from "../../report.ts";
import { type AttributesPlace, attributesPlan, attributesRemoval } from "./attributes.ts";
import type { GitInstallRun, GitUninstallRun } from "./command.ts";
import { hooksPlan, hooksRemoval } from "./hooks.ts";
import { ownFile, type Place, placeOf, shownPath } from "./place.ts";
import { carryOut, type Plan, type Step, settingRemovals, settingSteps, together } from "./plan.ts";
import { chooseProgram } from "./program.ts";

/** `git install`: tells git of the drivers, the files that they are for, and the guard. */
export async function install(run: GitInstallRun): Promise<number> {
  const { args, io } = run;
  if (args.uninstall) return await uninstall(run);
  const attributes = attributesWanted(args.attributes);
  const { program, remark } = await chooseProgram(io);
  if (remark !== undefined) await note(io, remark);
  if (args.global) return await installGlobally(run, driverSettings(program));
  const place = await placeOf(run);
  const settings = await readSettings(place.here.git);
  checkOwnConfiguration(place);
  const { force, append } = args;
  const plan = together([
    settingSteps(driverSettings(program), settings, { scope: "local", force }),
    await attributesPlan(place, run, { wanted: attributes, force }),
    ...(args["no-guard"] ? [] : [await hooksPlan(place, { program, settings, append, force })]),
  ]);
  return await finish(plan, place, run);
}

/** git would write through a link. @throws TsopsError("write") */
function checkOwnConfiguration({ repository: { commonFolder } }: Place): void {
  ownFile(join(commonFolder, "config"), commonFolder);
}

function attributesWanted(value: string | undefined): AttributesPlace | undefined {
  if (value === undefined || value === "committed" || value === "local") return value;
  throw new TsopsError("usage", `--attributes is committed or local, not ${JSON.stringify(value)}`, {
    hint: "committed: in .gitattributes, for everybody; local: in .git/info/attributes, for this clone",
  });
}

/** For all repositories of a person; their files are a matter of each. */
async function installGlobally(
  run: GitInstallRun,
  wanted: ReturnType<typeof driverSettings>,
): Promise<number> {
  const place = await anywhere(run);
  const settings = await readSettings(place.here.git);
  const plan = settingSteps(wanted, settings, { scope: "global", force: run.args.force });
  const remark =
    "the drivers are for files that a repository names: run tsops git install in each, or commit .gitattributes";
  return await finish(together([plan, { steps: [], remarks: [{ lines: [remark] }] }]), place, run);
}

/** `git uninstall`: what was there before. */
export async function uninstall(run: GitUninstallRun | GitInstallRun): Promise<number> {
  const { args, io } = run;
  const { program } = await chooseProgram(io);
  const scope: Scope = args.global ? "global" : "local";
  const place = args.global ? await anywhere(run) : await placeOf(run);
  const settings = await readSettings(place.here.git);
  if (!args.global) checkOwnConfiguration(place);
  const plan = together([
    settingRemovals(driverSettings(program), settings, scope),
    ...(args.global ? [] : [attributesRemoval(place), hooksRemoval(place, settings, program)]),
  ]);
  return await finish(plan, place, run);
}

/** git's global configuration needs no repository. */
async function anywhere({ io }: GitInstallRun | GitUninstallRun): Promise<Place> {
  const git = await gitIn(io.cwd, io.env);
  if (git === undefined) throw new TsopsError("git", "git is not installed");
  return { io, here: { git }, repository: noRepository(git, io.cwd) };
}

function noRepository(git: Git, folder: string) {
  return { git, top: undefined, gitFolder: folder, commonFolder: folder };
}

/** Says what is done, and does it. Exit code 1 if something was left out that a person has to see to. */
async function finish(plan: Plan, place: Place, run: GitInstallRun | GitUninstallRun): Promise<number> {
  const { io, args } = run;
  for (const step of plan.steps) {
    if (!args["dry-run"]) await carryOut(step, place);
    await writeLines(io.stdout, [stepLine(step, args["dry-run"], place)]);
  }
  for (const { lines } of plan.remarks) {
    const [first, ...more] = lines;
    await note(io, first, ...more);
  }
  if (plan.steps.length === 0) await writeLines(io.stdout, ["nothing to change"]);
  return plan.remarks.some(({ refused }) => refused) ? 1 : 0;
}

function stepLine(step: Step, dry: boolean, place: Place): string {
  const would = (done: string, todo: string) => (dry ? `would ${todo}` : done);
  if (step.kind === "setting") {
    const where = step.scope === "global" ? "git's global configuration" : "the repository's configuration";
    return step.values.length === 0
      ? `${would("took", "take")} ${step.key} out of ${where}`
      : `${would("set", "set")} ${step.key} in ${where}: ${step.what}`;
  }
  const shown = shownPath(step.path, place);
  return step.bytes === undefined
    ? `${would("removed", "remove")} ${shown}`
    : `${would("wrote", "write")} ${shown}: ${step.what}`;
}
