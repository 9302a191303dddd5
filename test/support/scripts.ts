import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "../..");

/** A new folder for a test file, removed when its process ends. */
export function scratchFolder(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "tsops-test-")));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

let scripts = 0;

/**
 * A script that imports from src/ as one plain file: node starts that faster than TypeScript.
 * @param external imports that are left as they are, and lead nowhere when it runs.
 */
export function script(folder: string, source: string, external: readonly string[] = []): string {
  const { outputFiles } = buildSync({
    stdin: { contents: source, resolveDir: ROOT, loader: "ts" },
    bundle: true,
    platform: "node",
    format: "esm",
    external: [...external],
    write: false,
    banner: {
      js: 'import { createRequire as requireFor } from "node:module"; const require = requireFor(import.meta.url);',
    },
  });
  const path = join(folder, `script-${++scripts}.mjs`);
  writeFileSync(path, outputFiles[0]!.contents);
  return path;
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Resolves when the program has printed this text. */
  printed(text: string): Promise<void>;
}

/** Starts a program without a terminal. */
export function start(
  argv: readonly string[],
  options: { env?: NodeJS.ProcessEnv; cwd?: string; input?: string } = {},
): Running {
  const [program = "", ...args] = argv;
  const child = spawn(program, args, { cwd: options.cwd, env: options.env ?? process.env, stdio: "pipe" });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk) => {
    stdout += chunk;
  });
  child.stderr.on("data", (chunk) => {
    stderr += chunk;
  });
  child.stdin.end(options.input ?? "");
  const ended = new Promise<Ended>((resolve) => {
    child.on("close", (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  const printed = async (text: string): Promise<void> => {
    while (!stdout.includes(text)) {
      if (child.exitCode !== null || child.signalCode !== null)
        throw new Error(`it ended first: ${stdout}${stderr}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };
  return { child, ended, printed };
}

export function node(path: string, ...args: string[]): string[] {
  return [process.execPath, path, ...args];
}

/** What is in a folder besides the names given. */
export function othersIn(folder: string, ...names: string[]): string[] {
  return readdirSync(folder).filter((name) => !names.includes(name));
}
