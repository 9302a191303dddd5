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

/** The command line, to be followed by its arguments. */
export const PROGRAM: readonly string[] = [process.execPath, ...LOADER, modulePath("src/cli/main.ts")];
