import { closeSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/*
 * How modules of src/ are started in processes of their own: as JavaScript where scripts/test.mjs has made that, else
 * from the sources.
 */
const COMPILED = process.env.COMPILED_TESTS;
const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** What Node needs to load such a module. */
export const LOADER: readonly string[] = COMPILED ? [] : ["--import", import.meta.resolve("tsx")];

/** The path of a module, by its name: `src/cli/main.ts`. */
export function modulePath(name: string): string {
  return COMPILED ? join(COMPILED, name.replace(/\.ts$/, ".js")) : join(ROOT, name);
}

/** How a program is started: a script by Node, with these options, and anything else by itself. */
export function argvOf(path: string, nodeOptions: readonly string[] = []): [string, ...string[]] {
  return /\.[cm]?[jt]s$/.test(path) ? [process.execPath, ...nodeOptions, path] : [path];
}

/** The program that is tested instead of what is in src/: an executable, or an installed package (scripts/test.mjs). */
export const OTHER_PROGRAM: string | undefined = process.env.TSOPS_PROGRAM || undefined;

/** Whether Node runs the program, so that NODE_OPTIONS and hooks reach into it. */
export const BY_NODE = OTHER_PROGRAM === undefined || isScript(OTHER_PROGRAM);

function isScript(path: string): boolean {
  const file = openSync(path, "r");
  try {
    const start = Buffer.alloc(2);
    readSync(file, start);
    return start.toString() === "#!";
  } finally {
    closeSync(file);
  }
}

/** The command line, to be followed by its arguments. */
export const PROGRAM: readonly string[] = OTHER_PROGRAM
  ? argvOf(OTHER_PROGRAM)
  : argvOf(modulePath("src/cli/main.ts"), LOADER);
