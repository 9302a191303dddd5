import { inFile, TsopsError } from "../errors.ts";
import { mapFiles } from "../files/batch.ts";
import { endBy, takeSignals } from "../files/wayout.ts";
import { interruptedBy } from "./interrupt.ts";
import { clearPassing, type Io, write, writePassing } from "./io.ts";
import { isAsking } from "./prompt.ts";
import { note, reportError } from "./report.ts";

/** What the work on a file gives if the file is none of those that the command is about. */
export const PASSED_OVER = Symbol("passed over");

/** What else may come of a file than what the command is for, in the words of the summary. */
export class Otherwise {
  readonly words: string;

  constructor(words: string) {
    this.words = words;
  }
}

/** What came of the files so far. */
interface Tally {
  readonly total: number;
  done: number;
  passedOver: number;
  readonly errors: unknown[];
  readonly otherwise: Map<string, number>;
  /** What the bar said last. */
  shown: string;
}

interface Batch {
  /** What is done to the files, in the words of the summary. */
  readonly what: string;
  readonly io: Io;
  /** One file after the other. */
  readonly inOrder?: boolean;
}

/** Whoever has more errors than this has one cause for them. */
const SHOWN_ERRORS = 20;

/** After as many milliseconds it is said what is waited for. */
const LONG_MS = 1000;
const WAITING = "waiting for the files that are being worked on; Ctrl-C ends that";

/** How many files are worked on side by side: waiting for key services overlaps, the rest has one thread anyway. */
const SIDE_BY_SIDE = 16;

/**
 * Does the same to many files: goes on after an error, shows how far it is on a terminal, and sums up at the end. Ctrl-C
 * lets the files that are being worked on come to their end; a second one does not wait for them.
 * @returns 0, or 1 if there were errors; the error of a single file is thrown.
 * @throws TsopsError("aborted") with where it stopped.
 */
export async function forEachFile(
  names: readonly string[],
  { what, io, inOrder = false }: Batch,
  work: (name: string) => Promise<unknown>,
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
  const tally: Tally = {
    total: names.length,
    done: 0,
    passedOver: 0,
    errors: [],
    otherwise: new Map(),
    shown: "",
  };
  const stop = new AbortController();
  let waiting: NodeJS.Timeout | undefined;
  const release = takeSignals(["SIGINT"], () => {
    if (stop.signal.aborted) return endBy("SIGINT");
    interruptedBy(io);
    void write(io.stderr, "\n");
    stop.abort();
    waiting = setTimeout(() => void note(io, WAITING), LONG_MS);
  });
  try {
    const one = async (name: string): Promise<void> => {
      await workOn(name, work, tally, stop);
      if (!stop.signal.aborted) await drawBar(tally, what, io);
    };
    await mapFiles(names, inOrder ? 1 : SIDE_BY_SIDE, one, { signal: stop.signal });
  } finally {
    clearTimeout(waiting);
    release();
    await clearPassing();
  }
  const shown = unlike(tally.errors);
  for (const error of shown.slice(0, SHOWN_ERRORS)) await reportError(error, io);
  const more = shown.length - SHOWN_ERRORS;
  if (more > 0) await note(io, `and ${more} more errors like these`);
  if (stop.signal.aborted) throw stoppedAt(tally, what);
  await note(io, summaryOf(tally, what));
  return tally.errors.length > 0 ? 1 : 0;
}

async function workOn(
  name: string,
  work: (name: string) => Promise<unknown>,
  tally: Tally,
  stop: AbortController,
): Promise<void> {
  try {
    const came = await work(name);
    if (came === PASSED_OVER) tally.passedOver++;
    else if (came instanceof Otherwise) {
      tally.otherwise.set(came.words, (tally.otherwise.get(came.words) ?? 0) + 1);
    } else tally.done++;
  } catch (error) {
    // at a question, Ctrl-C is its answer
    if (error instanceof TsopsError && error.code === "aborted") stop.abort();
    // what fails after that fails because of it: programs get the signal, too
    if (!stop.signal.aborted) tally.errors.push(inFile(error, name));
  }
}

function stoppedAt({ total, done }: Tally, what: string): TsopsError {
  const did = /^would |:$/.test(what) ? "looked at" : what;
  return new TsopsError("aborted", `stopped: ${done} of ${total} files were ${did}`, {
    hint: "the others are as they were",
  });
}

/** `synced 1 of 3 files, 1 left unchanged, 1 failed`. */
function summaryOf({ total, done, passedOver, errors, otherwise }: Tally, what: string): string {
  const meant = total - passedOver;
  const parts = [...otherwise].map(([words, count]) => `, ${count} ${words}`);
  if (errors.length > 0) parts.push(`, ${errors.length} failed`);
  const nothing = meant === 0 ? ": nothing was left to do" : "";
  return `${what} ${done} of ${meant} files${parts.join("")}${nothing}`;
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

const BAR_WIDTH = 25;

/** A bar on a terminal, nothing elsewhere: logs should not fill with it. It goes when anything else is printed. */
async function drawBar(tally: Tally, what: string, io: Io): Promise<void> {
  if (!io.stderr.isTTY || isAsking(io)) return;
  const { total, done, passedOver, errors, otherwise } = tally;
  const rest = [...otherwise.values()].reduce((sum, count) => sum + count, passedOver);
  const part = (done + rest + errors.length) / total;
  const shown = `${Math.floor(100 * part)} ${errors.length}`;
  if (shown === tally.shown) return;
  tally.shown = shown;
  const failed = errors.length > 0 ? `, ${errors.length} failed` : "";
  const bar = "#".repeat(Math.floor(part * BAR_WIDTH)).padEnd(BAR_WIDTH, ".");
  const line = `${what} ${done}${failed} of ${total} [${bar}]`;
  // a line that is broken cannot be cleared
  await writePassing(io.stderr, line.slice(0, (io.stderr.columns || 80) - 1));
}
