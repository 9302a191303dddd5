import { resolve } from "node:path";
import { Approvals } from "../../../config/approvals.ts";
import { Configurations } from "../../../config/find.ts";
import { TsopsError } from "../../../errors.ts";
import { allowedValues } from "../../../keys/allow-lists.ts";
import { printable } from "../../../printable.ts";
import { readNaming } from "../../allowed.ts";
import { homeOf, type Io, writeLines } from "../../io.ts";
import type { AllowRun } from "./command.ts";

/** `allow`: approves what a configuration names, as it is now; shows, lists and withdraws approvals. */
export async function allow(run: AllowRun): Promise<number> {
  const approvals = new Approvals(run.io.env, homeOf(run.io));
  const modes = (["dry-run", "list", "revoke"] as const).filter((name) => run.args[name]);
  if (modes.length > 1) {
    throw new TsopsError("usage", `--${modes[0]} and --${modes[1]} cannot be used together`);
  }
  if (run.args.list) return await list(approvals, run.io);
  const path = await fileFrom(run);
  return run.args.revoke ? await revoke(path, approvals, run.io) : await approve(path, approvals, run);
}

async function approve(path: string, approvals: Approvals, run: AllowRun): Promise<number> {
  const { content, names } = await read(path);
  const values = allowedValues(names);
  const shown = printable(path);
  if (values.length === 0) {
    await say(run.io, `${shown} names nothing that needs an approval`);
    return 0;
  }
  await say(run.io, `${shown} names:`, ...values.map(({ words }) => `  ${words}`));
  const known = approvals.has(path, content);
  if (run.args["dry-run"]) {
    await say(run.io, known ? "that is approved" : "that is not approved");
    return 0;
  }
  if (!known) approvals.add(path, content);
  await say(run.io, known ? "that was approved already" : "approved, until the file changes");
  return 0;
}

async function revoke(path: string, approvals: Approvals, io: Io): Promise<number> {
  const count = approvals.remove(path);
  if (count > 0) {
    await say(io, `${printable(path)} is not approved any more`);
    return 0;
  }
  throw new TsopsError("usage", "there was no approval of it", {
    place: { file: path },
    hint: "`tsops allow --list` shows which there are",
  });
}

async function list(approvals: Approvals, io: Io): Promise<number> {
  for (const { path, current } of approvals.list()) {
    await say(io, current ? printable(path) : `${printable(path)} (it says something else now, or is gone)`);
  }
  return 0;
}

/** The file that was named, else the configuration that counts in the working folder. */
async function fileFrom(run: AllowRun): Promise<string> {
  const named = run.args.file;
  if (named !== undefined) return resolve(run.io.cwd, named);
  const search = new Configurations({ cwd: run.io.cwd, env: run.io.env, option: run.args.config });
  const { path } = await search.find();
  if (path !== undefined) return path;
  throw new TsopsError("config", "there is no .sops.yaml or .sopsrc from this folder upwards", {
    hint: "name the configuration: tsops allow FILE",
  });
}

async function read(path: string): ReturnType<typeof readNaming> {
  try {
    return await readNaming(path);
  } catch (error) {
    if (error instanceof TsopsError) throw error;
    const code = (error as NodeJS.ErrnoException).code ?? "unknown cause";
    throw new TsopsError("config", `the configuration cannot be read (${code})`, {
      place: { file: path },
      hint: "name a .sops.yaml or .sopsrc that is there",
      cause: error,
    });
  }
}

async function say(io: Io, ...lines: readonly string[]): Promise<void> {
  await writeLines(io.stdout, lines);
}
