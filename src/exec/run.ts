import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { constants } from "node:os";
import { isatty } from "node:tty";
import { TsopsError } from "../errors.ts";
import { takeSignals } from "../files/wayout.ts";
import { locateProgram, startFailure } from "../programs/run.ts";
import type { Account } from "./user.ts";

/** A command line for `/bin/sh`, as SOPS's exec-env and exec-file take it, or a program with its arguments. */
export type Command = string | readonly [program: string, ...args: string[]];

export interface RunOptions {
  /** The child's whole environment; see `childEnvironment`. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** This process's own environment: its PATH says where the program is. One that a file sets is for the child. */
  readonly ownEnv?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  /** Run as that user, without this process's other groups: Node cannot give the child those of the user. */
  readonly account?: Account;
  /** Aborting it ends the child with SIGTERM. */
  readonly signal?: AbortSignal;
}

const WINDOWS = process.platform === "win32";

/** What a terminal sends to everybody in the foreground: the child has it already. */
const FROM_TERMINAL: readonly NodeJS.Signals[] = ["SIGINT", "SIGQUIT", "SIGWINCH"];
const PASSED_ON: readonly NodeJS.Signals[] = WINDOWS
  ? ["SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"]
  : ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGWINCH", "SIGCONT"];

/**
 * Runs a command in the foreground with this process's own standard streams, and waits for it. Signals go to the
 * child; this process outlives it. (SOPS's `--same-process` replaces the process. Node cannot do that, so it is this
 * too: a parent that passes everything through.)
 * @returns the child's exit code, or 128 + the signal's number if one ended it.
 * @throws TsopsError("program-failed") if it cannot be started, with the exit code 127 (not found) or 126, as a shell
 * gives; TsopsError("aborted").
 */
export async function run(command: Command, options: RunOptions): Promise<number> {
  if (options.signal?.aborted) throw stopped();
  let child: ChildProcess | undefined;
  const pass = (signal: NodeJS.Signals): void => {
    if (!sentByTerminal(signal)) child?.kill(signal);
  };
  const release = takeSignals(PASSED_ON, pass);
  const abort = (): void => pass("SIGTERM");
  options.signal?.addEventListener("abort", abort);
  try {
    child = start(located(command, options), options, "inherit");
    if (options.signal?.aborted) abort();
    const code = await ended(child, command);
    if (options.signal?.aborted) throw stopped();
    return code;
  } finally {
    options.signal?.removeEventListener("abort", abort);
    release();
  }
}

/**
 * Starts a command and does not wait for it (`--background`): like SOPS, with none of the standard streams.
 * @throws TsopsError("program-failed") if it cannot be started.
 */
export async function runInBackground(command: Command, options: Omit<RunOptions, "signal">): Promise<void> {
  const child = start(located(command, options), options, "ignore");
  await new Promise<void>((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", (error) => reject(cannotStart(error, command)));
  });
  child.unref();
}

/**
 * Whether a child has a signal already, because a terminal sent it to everybody: passing on a Ctrl-C would give it to
 * the child twice, and many programs take the second one as "at once".
 */
export function sentByTerminal(signal: NodeJS.Signals): boolean {
  return FROM_TERMINAL.includes(signal) && [0, 1, 2].some((fd) => isatty(fd));
}

function located(command: Command, { env, ownEnv = env }: RunOptions): Command {
  if (typeof command === "string") return command;
  const [program, ...args] = command;
  return [locateProgram(program, ownEnv), ...args];
}

function start(
  command: Command,
  { env, cwd, account }: RunOptions,
  stdio: SpawnOptions["stdio"],
): ChildProcess {
  const user = account && process.getuid?.() === 0 ? { uid: account.uid, gid: account.gid } : {};
  const options: SpawnOptions = { env: { ...env }, cwd, stdio, ...user };
  try {
    if (typeof command !== "string") return spawn(command[0], command.slice(1), options);
    // cmd.exe wants its command line quoted in its own way, which Node knows
    if (WINDOWS) return spawn(command, { ...options, shell: true });
    return spawn("/bin/sh", ["-c", command], options);
  } catch (error) {
    throw cannotStart(error, command);
  }
}

function ended(child: ChildProcess, command: Command): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once("error", (error) => {
      // a signal that could not be sent is an error event too
      if (child.pid === undefined) reject(cannotStart(error, command));
    });
    child.once("exit", (code, signal) => resolve(signal ? 128 + constants.signals[signal] : (code ?? 1)));
  });
}

function cannotStart(error: unknown, command: Command): TsopsError {
  const name = typeof command === "string" ? "the shell" : command[0];
  const { why, hint, exit } = startFailure(error);
  return new TsopsError("program-failed", `${name} cannot be started: ${why}`, { hint, exit, cause: error });
}

function stopped(): TsopsError {
  return new TsopsError("aborted", "the program was stopped");
}
