import type { ChildProcess } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";
import { checkRoom, withRoom } from "../descriptors.ts";
import { TsopsError } from "../errors.ts";
import { printable } from "../printable.ts";

/** Other programs: gpg, age plugins, the commands that print identities. Never through a shell. */

type Environment = Readonly<Record<string, string | undefined>>;

const WINDOWS = process.platform === "win32";

/** What Windows runs without a shell, and with one. */
const EXTENSIONS = WINDOWS ? [".exe", ".com"] : [""];
export const SHELL_EXTENSIONS = WINDOWS ? [".exe", ".com", ".cmd", ".bat"] : [""];

/**
 * Where a program is on PATH; undefined if it is not. Only absolute folders count, so that nothing in the working
 * folder (a repository, perhaps a stranger's) is ever run. Every program that tsops starts by its name is found here.
 */
export function findProgram(
  name: string,
  env: Environment,
  extensions: readonly string[] = EXTENSIONS,
): string | undefined {
  const complete = extensions.some((extension) => name.toLowerCase().endsWith(extension));
  for (const folder of (env.PATH ?? env.Path ?? "").split(delimiter)) {
    if (!isAbsolute(folder)) continue;
    for (const extension of complete ? [""] : extensions) {
      const file = join(folder, name + extension);
      if (canRun(file)) return file;
    }
  }
  return undefined;
}

/** Whether a name says where the program is: then it is taken as it stands. */
export function isPath(name: string): boolean {
  return WINDOWS ? /[\\/]/.test(name) || /^[a-z]:/i.test(name) : name.includes("/");
}

/** The program's path: the one that was given, else the one on PATH. @throws TsopsError("program-failed"), exit 127 */
export function locateProgram(name: string, env: Environment): string {
  const found = isPath(name) ? name : findProgram(name, env);
  if (found !== undefined) return found;
  throw new TsopsError("program-failed", `${printable(name)} cannot be started: there is no such program`, {
    exit: 127,
    hint: "it is looked for in the absolute folders of PATH",
  });
}

/** Whether a file is a program that may be run. At once: node:fs/promises takes longer to load than these look. */
export function canRun(file: string): boolean {
  try {
    accessSync(file, WINDOWS ? constants.F_OK : constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

export interface Program {
  /** The first word is a path, or a name that is on the PATH of `env`. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly input?: Uint8Array;
  /** It is ended after so many seconds. */
  readonly limit: number;
  readonly signal?: AbortSignal;
  /** Collect what it writes to file descriptor 3, too. */
  readonly third?: boolean;
  /** It is ended if it prints more bytes. Default 16 MiB. */
  readonly maxOutput?: number;
}

export interface Outcome {
  /** Exit code; null if a signal ended it. */
  readonly code: number | null;
  /** The caller clears it where it is secret. */
  readonly stdout: Buffer;
  readonly stderr: string;
  /** What it wrote to file descriptor 3. */
  readonly third: string;
}

const MAX_OUTPUT = 2 ** 24;

/** What is open only while a program starts, besides both ends of its pipes. */
const STARTING = 4;

/**
 * Starts the program at a path; its standard error is collected, since it may say why it fails.
 * @throws TsopsError("program-failed") if nothing more can be opened.
 */
export function start(program: Omit<Program, "input" | "limit" | "maxOutput">, cwd?: string): ChildProcess {
  const [command = "", ...args] = program.argv;
  // Loaded only here: most runs start no other program.
  const { spawn } = process.getBuiltinModule("node:child_process");
  const stdio = new Array<"pipe">(program.third ? 4 : 3).fill("pipe");
  try {
    checkRoom(2 * stdio.length + STARTING);
  } catch (error) {
    throw cannotStart(command, error);
  }
  return spawn(command, args, { env: { ...program.env }, cwd, stdio, windowsHide: true });
}

/**
 * Runs a program to its end.
 * @throws TsopsError("program-failed") if it cannot be started, takes too long or prints too much,
 * TsopsError("aborted") if the signal says so.
 */
export async function run(program: Program): Promise<Outcome> {
  // where there is no room for its pipes it was not started
  return await withRoom(() => runOnce(program), program.signal);
}

async function runOnce(program: Program): Promise<Outcome> {
  const { argv, maxOutput = MAX_OUTPUT } = program;
  const name = argv[0] ?? "";
  if (program.signal?.aborted) throw aborted(name);
  const [, ...args] = argv;
  const child = start({ ...program, argv: [locateProgram(name, program.env), ...args] });
  return new Promise((resolve, reject) => {
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    const third: Buffer[] = [];
    let size = 0;
    const stop = (error: TsopsError): void => {
      finish();
      end(child);
      for (const chunk of stdout) chunk.fill(0);
      reject(error);
    };
    const onAbort = (): void => stop(aborted(name));
    const timer = setTimeout(() => stop(tookTooLong(name, program.limit)), program.limit * 1000);
    const finish = (): void => {
      clearTimeout(timer);
      program.signal?.removeEventListener("abort", onAbort);
    };
    const collect = (into: Buffer[]) => (chunk: Buffer) => {
      into.push(chunk);
      size += chunk.length;
      if (size > maxOutput) stop(printedTooMuch(name, maxOutput));
    };
    program.signal?.addEventListener("abort", onAbort);
    child.stdout?.on("data", collect(stdout));
    child.stderr?.on("data", collect(stderr));
    child.stdio[3]?.on("data", collect(third));
    // A program may end without reading all of its input; its exit code tells what that means.
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(program.input);
    child.on("error", (error) => {
      finish();
      reject(cannotStart(name, error));
    });
    child.on("close", (code) => {
      finish();
      const [errors, more] = [stderr, third].map((chunks) => Buffer.concat(chunks).toString());
      resolve({ code, stdout: Buffer.concat(stdout), stderr: errors!, third: more! });
      for (const chunk of stdout) chunk.fill(0);
    });
  });
}

/** Programs that were told to end, and have not yet. */
const ending = new Set<ChildProcess>();

function killAll(): void {
  for (const child of ending) child.kill("SIGKILL");
}

/** Ends a program, politely first; it does not outlive this one. */
export function end(child: ChildProcess, signal: NodeJS.Signals = "SIGTERM"): void {
  child.stdin?.destroy();
  child.stdout?.destroy();
  child.stderr?.destroy();
  child.stdio[3]?.destroy();
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill(signal);
  const force = setTimeout(() => child.kill("SIGKILL"), 2000);
  if (ending.size === 0) process.on("exit", killAll);
  ending.add(child);
  child.on("exit", () => {
    clearTimeout(force);
    ending.delete(child);
    if (ending.size === 0) process.off("exit", killAll);
  });
}

export function aborted(name: string): TsopsError {
  return new TsopsError("aborted", `${name} was stopped`);
}

export function tookTooLong(name: string, seconds: number): TsopsError {
  return new TsopsError("program-failed", `${name} did not answer within ${seconds} seconds`, {
    hint: "run it by hand: it may wait for something",
  });
}

function printedTooMuch(name: string, bytes: number): TsopsError {
  return new TsopsError("program-failed", `${name} printed more than ${bytes / 2 ** 20} MiB`);
}

/** The error for a program that did not start. */
export function cannotStart(name: string, error: unknown): TsopsError {
  return new TsopsError("program-failed", `${name} cannot be started: ${startFailure(error).why}`, {
    cause: error,
  });
}

export interface StartFailure {
  readonly why: string;
  readonly hint: string;
  /** What a shell exits with. */
  readonly exit: 126 | 127;
}

const START_FAILURES: Readonly<Record<string, readonly [why: string, hint: string, exit?: 127]>> = {
  ENOENT: ["there is no such program", "check the name and PATH", 127],
  EACCES: ["it may not be run", "check its permissions (chmod +x)"],
  EPERM: ["that is not permitted", "only root may run programs as other users"],
  EMFILE: [
    "too many files are open",
    "raise the limit (ulimit -n) or work on fewer files at once (--jobs 4)",
  ],
  ENFILE: ["too many files are open on this machine", "close some programs and try again"],
  E2BIG: ["the environment is too large", "use tsops exec-file, which has no such limit"],
  ERR_INVALID_ARG_VALUE: ["an argument has a zero byte", "leave it out"],
};

/** Why a program did not start. */
export function startFailure(error: unknown): StartFailure {
  const { code = "unknown cause" } = error as NodeJS.ErrnoException;
  const [why, hint, exit = 126] = START_FAILURES[code] ?? [code, "check that it runs without tsops"];
  return { why, hint, exit };
}
