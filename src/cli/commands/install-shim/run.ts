import {
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  type Stats,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, delimiter, join, resolve } from "node:path";
import { TsopsError } from "../../../errors.ts";
import { writeError } from "../../../files/errors.ts";
import { freshName, unlinkIfThere } from "../../../files/own.ts";
import { canRun, findProgram, SHELL_EXTENSIONS } from "../../../programs/run.ts";
import type { Io } from "../../io.ts";
import { note } from "../../report.ts";
import type { InstallShimRun } from "./command.ts";

const WINDOWS = process.platform === "win32";
/** What programs look for. */
const NAME = WINDOWS ? "sops.cmd" : "sops";
/** The second line of a script of ours. */
const MARK = "made by tsops install-shim";

/**
 * `install-shim`: a link named sops to this program; on Windows, where links need privileges, a script that starts it. It
 * answers `--version` as tsops always does: SOPS's words in the first line, its own name in the second.
 */
export async function installShim(run: InstallShimRun): Promise<number> {
  const { args, io } = run;
  const folder = resolve(io.cwd, args.folder!);
  const path = join(folder, NAME);
  if (args.uninstall) return await uninstall(path, io);
  const program = await programOf(io);
  const there = kindOf(path, program);
  if (there === "the program") {
    await note(io, `${path} is tsops itself`);
    return await sayWhatIsFound(folder, path, io);
  }
  if (there === "folder" || (there === "foreign" && !args.force)) {
    const what = there === "folder" ? "a folder" : "something that is not of tsops";
    throw new TsopsError("write", `${path} is ${what}`, {
      hint: there === "folder" ? "name another folder" : "name another folder, or replace it with --force",
    });
  }
  put(path, folder, program);
  await note(io, `${path} is tsops now`);
  return await sayWhatIsFound(folder, path, io);
}

async function uninstall(path: string, io: Io): Promise<number> {
  const there = kindOf(path);
  if (there === "nothing") {
    await note(io, `there is no ${path}`);
    return 0;
  }
  if (there !== "ours")
    throw new TsopsError("write", `${path} was not made by tsops install-shim: it stays`, {
      hint: "if it is to go, remove it yourself",
    });
  try {
    unlinkSync(path);
  } catch (error) {
    throw writeError(error, path);
  }
  await note(io, `removed ${path}`);
  return 0;
}

/**
 * How this program is started. The name on PATH, if that is this program, outlives an update; the file behind it is often
 * in a folder that is named by the release.
 */
async function programOf({ env, program = [] }: Io): Promise<readonly string[]> {
  const file = program.at(-1);
  if (file === undefined) throw new Error("the command line does not know how it was started");
  const named = findProgram("tsops", env, SHELL_EXTENSIONS);
  if (named !== undefined && realPath(named) === realPath(file)) return [named];
  return WINDOWS || canRun(file) ? [...(WINDOWS ? program : [file])] : program;
}

type Kind = "nothing" | "ours" | "the program" | "folder" | "foreign";

function kindOf(path: string, program: readonly string[] = []): Kind {
  const info = lookAt(path);
  if (!info) return "nothing";
  if (info.isDirectory()) return "folder";
  if (info.isSymbolicLink())
    return /^tsops([-.][\w.-]+)?$/.test(basename(readlinkSync(path))) ? "ours" : "foreign";
  const file = program.at(-1);
  if (file !== undefined && realPath(file) === realPath(path)) return "the program";
  return info.isFile() && info.size < 4096 && readFileSync(path, "utf8").split("\n")[1]?.includes(MARK)
    ? "ours"
    : "foreign";
}

function lookAt(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    throw writeError(error, path);
  }
}

/** Beside it and renamed, so that there is always a whole one. */
function put(path: string, folder: string, program: readonly string[]): void {
  const half = freshName(path);
  try {
    mkdirSync(folder, { recursive: true });
    const [file = "", ...more] = program;
    if (WINDOWS) writeFileSync(half, windowsScript(program), { flag: "wx" });
    else if (more.length === 0) symlinkSync(file, half);
    else writeFileSync(half, shellScript(program), { flag: "wx", mode: 0o755 });
    renameSync(half, path);
  } catch (error) {
    unlinkIfThere(half);
    throw writeError(error, path);
  }
}

function shellScript(program: readonly string[]): string {
  const words = program.map((word) => `'${word.replaceAll("'", "'\\''")}'`);
  return `#!/bin/sh\n# ${MARK}\nexec ${words.join(" ")} "$@"\n`;
}

function windowsScript(program: readonly string[]): string {
  // a percent sign would name a variable
  const words = program.map((word) => `"${word.replaceAll("%", "%%")}"`);
  return `@echo off\r\nrem ${MARK}\r\n${words.join(" ")} %*\r\n`;
}

/** Which `sops` a program finds, and what to do if that is another one. */
async function sayWhatIsFound(folder: string, path: string, io: Io): Promise<number> {
  const found = findProgram("sops", io.env, SHELL_EXTENSIONS);
  const onPath = (io.env.PATH ?? io.env.Path ?? "").split(delimiter).some((each) => resolve(each) === folder);
  if (found !== undefined && resolve(found) === path) return 0;
  const before = onPath ? `${found ?? "another one"} comes before it on PATH` : "its folder is not on PATH";
  await note(io, `warning: programs do not find it: ${before}`, `  ${advice(folder)}`);
  return 0;
}

function advice(folder: string): string {
  if (WINDOWS)
    return `put ${folder} at the start of Path, in the settings of your account's environment variables`;
  return `put this into ~/.profile, or into your shell's own file: export PATH="${folder.replace(/["$`\\]/g, "\\$&")}:$PATH"`;
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
