import type { ChildProcess } from "node:child_process";
import fs from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";
import { TsopsError } from "../errors.ts";
import { once } from "./cache.ts";
import type { KeyContext } from "./kind.ts";

/** Other programs: gpg, age plugins, the commands that print identities. Never through a shell. */

/** Variables that hold identities or lead to them: no program that tsops starts gets them. */
const OWN_SECRETS: readonly string[] = [
  "SOPS_AGE_KEY",
  "SOPS_AGE_KEY_CMD",
  "SOPS_AGE_SSH_PRIVATE_KEY_CMD",
  "TSOPS_PGP_KEY",
  "TSOPS_PGP_PASSPHRASE",
];

/** Variables that turned out to hold master keys in this run; programs do not get them either. */
export function secretVariables(context: KeyContext): Set<string> {
  return once(context, "secret variables", () => new Set());
}

/** The environment for a program: the context's without identities. Commands need the rest of it (tokens, agents). */
export function environmentFor(
  context: KeyContext,
  more: Readonly<Record<string, string>> = {},
): Record<string, string | undefined> {
  const hidden = secretVariables(context);
  const kept = Object.entries(context.env).filter(
    ([name]) => !OWN_SECRETS.includes(name.toUpperCase()) && !hidden.has(name),
  );
  return { ...Object.fromEntries(kept), ...more };
}

/**
 * Where a program is on PATH; undefined if it is not. Only absolute folders count, so that nothing in the working
 * folder (a repository, perhaps a stranger's) is ever run.
 */
export async function findProgram(name: string, env: KeyContext["env"]): Promise<string | undefined> {
  const windows = process.platform === "win32";
  for (const folder of (env.PATH ?? env.Path ?? "").split(delimiter)) {
    if (!isAbsolute(folder)) continue;
    const file = join(folder, windows ? `${name}.exe` : name);
    const found = await fs.promises.access(file, windows ? fs.constants.F_OK : fs.constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return file;
  }
  return undefined;
}

export interface Program {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly input?: Uint8Array;
  /** It is ended after so many seconds. */
  readonly limit: number;
  readonly signal?: AbortSignal;
  /** Collect what it writes to file descriptor 3, too. */
  readonly third?: boolean;
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

/** Starts a program; its standard error is collected, since it may say why it fails. */
export function start(program: Omit<Program, "input" | "limit">, cwd?: string): ChildProcess {
  const [command = "", ...args] = program.argv;
  // Loaded only here: most runs start no other program.
  const { spawn } = process.getBuiltinModule("node:child_process");
  const stdio = new Array<"pipe">(program.third ? 4 : 3).fill("pipe");
  return spawn(command, args, { env: { ...program.env }, cwd, stdio, windowsHide: true });
}

/**
 * Runs a program to its end.
 * @throws TsopsError("generic") if it cannot be started, takes too long or prints more than 16 MiB,
 * TsopsError("aborted") if the signal says so.
 */
export async function run(program: Program): Promise<Outcome> {
  const name = program.argv[0] ?? "";
  if (program.signal?.aborted) throw aborted(name);
  const child = start(program);
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
      if (size > MAX_OUTPUT) stop(new TsopsError("generic", `${name} printed more than 16 MiB`));
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

/** Ends a program, politely first. */
export function end(child: ChildProcess, signal: NodeJS.Signals = "SIGTERM"): void {
  child.stdin?.destroy();
  child.stdout?.destroy();
  child.stderr?.destroy();
  child.stdio[3]?.destroy();
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill(signal);
  const force = setTimeout(() => child.kill("SIGKILL"), 2000);
  child.on("exit", () => clearTimeout(force));
}

export function aborted(name: string): TsopsError {
  return new TsopsError("aborted", `${name} was stopped`);
}

export function tookTooLong(name: string, seconds: number): TsopsError {
  return new TsopsError("generic", `${name} did not answer within ${seconds} seconds`);
}

/** The error for a program that did not start. */
export function cannotStart(name: string, error: unknown): TsopsError {
  const code = (error as NodeJS.ErrnoException).code;
  const why = code === "ENOENT" ? "there is no such program" : code === "EACCES" ? "it may not be run" : code;
  return new TsopsError("generic", `${name} cannot be started: ${why ?? "unknown cause"}`, { cause: error });
}
