import { inFile, TsopsError } from "../errors.ts";
import { mapFiles } from "../files/batch.ts";
import type { Io } from "./io.ts";
import { write } from "./io.ts";
import { note, reportError } from "./report.ts";

/** What the work on a file gives if the file is none of those that the command is about. */
export const PASSED_OVER = Symbol("passed over");

/** Whoever has more errors than this has one cause for them. */
const SHOWN_ERRORS = 20;

/** How many files are worked on side by side: waiting for key services overlaps, the rest has one thread anyway. */
const SIDE_BY_SIDE = 16;

/**
 * Does the same to many files: goes on after an error, shows how far it is on a terminal, and sums up at the end.
 * @returns 0, or 1 if there were errors; the error of a single file is thrown.
 */
export async function forEachFile(
  names: readonly string[],
  what: string,
  io: Io,
  work: (name: string) => Promise<unknown>,
  { inOrder = false }: { inOrder?: boolean } = {},
): Promise<number> {
  if (names.length === 1) {
    try {
      await work(names[0]!);
      return 0;
    } catch (error) {
      throw inFile(error, names[0]!);
    }
  }
  if (names.length >= MANY) compileLess();
  const errors: unknown[] = [];
  let passedOver = 0;
  let done = 0;
  const progress = progressLine(names.length, what, io);
  await mapFiles(names, inOrder ? 1 : SIDE_BY_SIDE, async (name) => {
    try {
      if ((await work(name)) === PASSED_OVER) passedOver++;
    } catch (error) {
      errors.push(inFile(error, name));
    }
    await progress(++done);
  });
  const shown = unlike(errors);
  for (const error of shown.slice(0, SHOWN_ERRORS)) await reportError(error, io);
  if (shown.length > SHOWN_ERRORS)
    await note(io, `and ${shown.length - SHOWN_ERRORS} more errors like these`);
  const meant = names.length - passedOver;
  const nothing = meant === 0 ? ": nothing was left to do" : "";
  await note(io, `${what} ${meant - errors.length} of ${meant} files${nothing}`);
  return errors.length > 0 ? 1 : 0;
}

/** What is wrong with the configuration is wrong for all files: once is enough. */
function unlike(errors: readonly unknown[]): unknown[] {
  const seen = new Set<string>();
  return errors.filter((error) => {
    if (!(error instanceof TsopsError)) return true;
    const text = JSON.stringify([error.message, error.place]);
    if (seen.has(text)) return false;
    seen.add(text);
    return true;
  });
}

const MANY = 100;

/**
 * Many small files keep V8 recompiling what it has barely run, in other threads, for a fifth of all the CPU time. Here
 * code has to be eight times as busy as by default (67,584 units) before it is compiled anew; huge files get there, too.
 */
function compileLess(): void {
  process.getBuiltinModule("node:v8").setFlagsFromString("--interrupt-budget=540000");
}

/** A bar on a terminal, nothing elsewhere: logs should not fill with it. */
function progressLine(total: number, what: string, io: Io): (done: number) => Promise<void> {
  if (!io.stderr.isTTY) return async () => undefined;
  let shown = -1;
  return async (done) => {
    const percent = Math.floor((100 * done) / total);
    if (percent === shown) return;
    shown = percent;
    const bar = "#".repeat(Math.floor(percent / 4)).padEnd(25, ".");
    await write(io.stderr, `\r${what} [${bar}] ${done}/${total}${done === total ? "\n" : ""}`);
  };
}
