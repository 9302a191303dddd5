import { type ChildProcess, spawn } from "node:child_process";
import { TsopsError } from "../errors.ts";
import { sentByTerminal } from "../exec/run.ts";
import { endBy, endingSignals, takeSignals } from "../files/wayout.ts";
import { isPath, startFailure } from "../programs/run.ts";

export interface EditorOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  readonly signal?: AbortSignal;
}

/** How an editor ended. `crashed`: not because anybody wanted it to. */
export type EditorEnd = { ok: true } | { ok: false; crashed: boolean; error: TsopsError };

/** How long an editor may take to end when it is told to, in milliseconds. */
const GRACE_MS = 1000;

/**
 * Runs an editor on this process's own terminal and waits for it. Ctrl-C there is the editor's own affair; a signal
 * to this process (or, without a terminal, any ending signal) ends the editor first and then this process.
 * @throws TsopsError("editor") if it cannot be started, TsopsError("aborted").
 */
export async function runEditor(
  argv: readonly [string, ...string[]],
  options: EditorOptions,
): Promise<EditorEnd> {
  if (options.signal?.aborted) throw stopped();
  let child: ChildProcess | undefined;
  let ending: NodeJS.Signals | undefined;
  const release = takeSignals(endingSignals(), (signal) => {
    if (sentByTerminal(signal)) return;
    ending = signal;
    end(child, signal);
  });
  const abort = (): void => end(child, "SIGTERM");
  options.signal?.addEventListener("abort", abort);
  try {
    child = start(argv, options);
    const { code, signal } = await ended(child, argv[0]);
    if (ending) endBy(ending);
    if (ending || options.signal?.aborted) throw stopped();
    return outcome(code, signal);
  } finally {
    options.signal?.removeEventListener("abort", abort);
    release();
  }
}

function start(
  [program, ...args]: readonly [string, ...string[]],
  { env, cwd }: EditorOptions,
): ChildProcess {
  const options = { env: { ...env }, cwd, stdio: "inherit" } as const;
  // the editor was looked for already: a bare name would be looked for again, perhaps in the working folder
  if (!isPath(program) && process.platform !== "win32") throw missing(program);
  // editors come as .cmd files on Windows ("code"), and only cmd.exe runs those
  if (process.platform === "win32") {
    // nor in the working folder: it may be a stranger's
    const own = { ...options.env, NoDefaultCurrentDirectoryInExePath: "1" };
    const line = [program, ...args].map((word) => `"${word}"`).join(" ");
    return spawn(line, { ...options, env: own, shell: true });
  }
  return spawn(program, args, options);
}

function end(child: ChildProcess | undefined, signal: NodeJS.Signals): void {
  child?.kill(signal);
  const force = setTimeout(() => child?.kill("SIGKILL"), GRACE_MS);
  child?.once("exit", () => clearTimeout(force));
}

function ended(child: ChildProcess, program: string) {
  return new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve, reject) => {
    child.once("exit", (code, signal) => resolve({ code, signal }));
    child.once("error", (error) => {
      if (child.pid === undefined) reject(cannotStart(error, program));
    });
  });
}

function outcome(code: number | null, signal: NodeJS.Signals | null): EditorEnd {
  if (code === 0) return { ok: true };
  if (signal === "SIGINT") return { ok: false, crashed: false, error: stopped() };
  const how = signal ? `was ended by ${signal}` : `ended with exit code ${code}`;
  const crashed = signal !== null && !endingSignals().includes(signal);
  const hint = "nothing was saved";
  return { ok: false, crashed, error: new TsopsError("editor", `the editor ${how}`, { hint }) };
}

function missing(program: string): TsopsError {
  return cannotStart(Object.assign(new Error("not on PATH"), { code: "ENOENT" }), program);
}

function cannotStart(cause: NodeJS.ErrnoException, program: string): TsopsError {
  return new TsopsError("editor", `could not run the editor ${program}: ${startFailure(cause).why}`, {
    hint: "set SOPS_EDITOR or EDITOR to your editor's command; a path with spaces needs quotes in it",
    cause,
  });
}

function stopped(): TsopsError {
  return new TsopsError("aborted", "the edit was stopped", { hint: "nothing was saved" });
}
