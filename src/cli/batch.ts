import { inFile, TsopsError } from "../errors.ts";
import { mapFiles } from "../files/batch.ts";
import type { Run } from "./command.ts";
import type { Failure } from "./failures.ts";
import { stopsBy } from "./interrupt.ts";
import { clearPassing, type Io } from "./io.ts";
import { jobsFor } from "./jobs.ts";
import { Progress, type Shown } from "./progress.ts";
import { note, reportError } from "./report.ts";
import { Stop } from "./stop.ts";
import { Together } from "./together.ts";

/** What the work on a file gives if the file is none of those that the command is about. */
export const PASSED_OVER = Symbol("passed over");

/** What else may come of a file than what the command is for, in the words of the summary. */
export class Otherwise {
  readonly words: string;
  /** In JSON. */
  readonly status: string;

  constructor(words: string, status = words.replaceAll(" ", "-")) {
    this.words = words;
    this.status = status;
  }
}

/** What came of the files so far. */
interface Tally {
  readonly total: number;
  done: number;
  passedOver: number;
  /** By the number of the file. */
  readonly failures: Map<number, Failure>;
  /** What came of each, in the words of JSON. */
  readonly states: Map<number, string>;
  readonly otherwise: Map<string, number>;
}

interface Batch {
  /** What is done to the files, in the words of the summary. */
  readonly what: string;
  readonly run: Run;
  /** One file after the other. */
  readonly inOrder?: boolean;
  /** What is said of a file stands together; for what asks nobody. */
  readonly together?: boolean;
  /** How to go on where some files are left: "the same command goes on". */
  readonly further?: string;
  /** Prints what came of each file as JSON (docs/json.md). */
  readonly results?: boolean;
}

/** How to go on with a command that passes over what is done only where it looks for the files itself. */
export function goesOn(command: string, done: string, named: boolean): string {
  if (!named) return "the same command goes on with what is left";
  return `${command} with a folder, or with a pattern in quotes, goes on: it passes over what is ${done}`;
}

/** What is done to a file, which says what there is to say where it is told to. */
type Work = (name: string, io: Io) => Promise<unknown>;

/**
 * Does the same to many files: goes on after an error, shows how far it is on a terminal, and sums up at the end. Ctrl-C
 * and SIGTERM let the files that are being worked on come to their end (stop.ts).
 * @returns 0, or 1 if there were errors; the error of a single file is thrown.
 * @throws TsopsError("aborted") with where it stopped.
 */
export async function forEachFile(names: readonly string[], batch: Batch, work: Work): Promise<number> {
  const { what, run, inOrder = false, together = false, further, results = false } = batch;
  const { io } = run;
  const jobs = await jobsFor(inOrder ? 1 : names.length, run);
  if (names.length === 1) {
    try {
      const came = await work(names[0]!, io);
      if (results) await writeResults([resultOf(names[0]!, came, batch)], batch);
      return 0;
    } catch (error) {
      if (results) await writeResults([{ name: names[0]!, error }], batch);
      throw inFile(error, names[0]!);
    }
  }
  if (names.length >= MANY) compileLess();
  const tally: Tally = {
    total: names.length,
    done: 0,
    passedOver: 0,
    failures: new Map(),
    states: new Map(),
    otherwise: new Map(),
  };
  const progress = new Progress(io);
  let busy = 0;
  const stop: Stop = new Stop(io, () => reportError(stoppedAt(tally, batch, { stop, busy }), io));
  const released = stopsBy(io, stop.signal);
  try {
    const outputs = together && !inOrder ? new Together(io) : undefined;
    const one = async (name: string, index: number): Promise<unknown> => {
      busy++;
      try {
        return await work(name, outputs?.part(index) ?? io);
      } finally {
        busy--;
      }
    };
    const ended = async (result: PromiseSettledResult<unknown>, index: number): Promise<void> => {
      count({ name: names[index]!, index }, result, tally, stop);
      await outputs?.end(index);
      if (!stop.signal.aborted) await progress.show(shownOf(tally, what));
    };
    await mapFiles(names, jobs, one, { signal: stop.signal, ended });
  } finally {
    released();
    stop.end();
    await clearPassing();
  }
  const failures = [...tally.failures].sort(([a], [b]) => a - b).map(([, failure]) => failure);
  if (results) await writeResults(resultsOf(names, tally, batch), batch);
  if (failures.length > 0) await (await import("./failures.ts")).reportFailures(failures, run);
  if (stop.signal.aborted) throw stoppedAt(tally, batch, { stop, busy });
  const left = failures.length;
  if (left > 0 && left < names.length && further !== undefined && failures.some(mayComeThrough))
    await note(io, `${left} ${left === 1 ? "file is" : "files are"} left: ${further}`);
  await note(io, summaryOf(tally, what));
  return left > 0 ? 1 : 0;
}

/** Whether the same command may come through another time: what is damaged has to be mended first. */
function mayComeThrough({ error }: Failure): boolean {
  return !(error instanceof TsopsError && TO_BE_MENDED.has(error.code));
}

const TO_BE_MENDED: ReadonlySet<string> = new Set(["no-metadata", "bad-metadata", "parse", "merge-conflict"]);

function count(
  { name, index }: { name: string; index: number },
  result: PromiseSettledResult<unknown>,
  tally: Tally,
  stop: Stop,
): void {
  if (result.status === "rejected") {
    const { reason: error } = result;
    // at a question, Ctrl-C is its answer
    if (error instanceof TsopsError && error.code === "aborted") stop.abort();
    // what fails after that fails because of it: programs get the signal, too
    if (!stop.signal.aborted) tally.failures.set(index, { name, error });
    return;
  }
  const came = result.value;
  if (came === PASSED_OVER) {
    tally.passedOver++;
    return;
  }
  tally.states.set(index, came instanceof Otherwise ? came.status : DONE);
  if (came instanceof Otherwise) {
    tally.otherwise.set(came.words, (tally.otherwise.get(came.words) ?? 0) + 1);
  } else tally.done++;
}

const DONE = "";

/** What a file came to that is not otherwise: `rotated`, `would-rotate`. */
function statusOf(state: string, { what }: Batch): string {
  return state === DONE ? what.replace(":", "").replaceAll(" ", "-") : state;
}

/** What a file came to; undefined for one that the command was not about, or that it did not come to. */
type Result = { readonly file: string; readonly status: string } | Failure | undefined;

function resultsOf(names: readonly string[], { states, failures }: Tally, batch: Batch): Result[] {
  return names.map((file, i) => {
    const state = states.get(i);
    return failures.get(i) ?? (state === undefined ? undefined : { file, status: statusOf(state, batch) });
  });
}

function resultOf(file: string, came: unknown, batch: Batch): Result {
  if (came === PASSED_OVER) return undefined;
  return { file, status: statusOf(came instanceof Otherwise ? came.status : DONE, batch) };
}

async function writeResults(results: readonly Result[], { run }: Batch): Promise<void> {
  const { failureJson, writeJson } = await import("./json.ts");
  const files = results.flatMap((result) => result ?? []);
  await writeJson(run.io, {
    files: files.map((result) => ("error" in result ? failureJson(result) : result)),
  });
}

/** @param busy how many files were being worked on and are not waited for. */
function stoppedAt(
  { total, done }: Tally,
  { what, further }: Batch,
  { stop, busy }: { stop: Stop; busy: number },
): TsopsError {
  const looks = /^would |:$|^checked$/.test(what);
  const next = further === undefined ? "" : `; ${further}`;
  const halfway = busy > 0 ? ` or, up to ${busy} of them, done` : "";
  return new TsopsError("aborted", `stopped: ${done} of ${total} files were ${looks ? "looked at" : what}`, {
    hint: `${looks ? "nothing was changed" : `the others are as they were${halfway}`}${next}`,
    exit: stop.exit,
  });
}

/** `synced 1 of 3 files, 1 left unchanged, 1 failed`. */
function summaryOf({ total, done, passedOver, failures, otherwise }: Tally, what: string): string {
  const meant = total - passedOver;
  const parts = [...otherwise].map(([words, count]) => `, ${count} ${words}`);
  if (failures.size > 0) parts.push(`, ${failures.size} failed`);
  const nothing = meant === 0 ? ": nothing was left to do" : "";
  return `${what} ${done} of ${meant} files${parts.join("")}${nothing}`;
}

function shownOf({ total, done, passedOver, failures, otherwise }: Tally, what: string): Shown {
  const rest = [...otherwise.values()].reduce((sum, count) => sum + count, passedOver);
  return { what, total, done, rest, failed: failures.size };
}

const MANY = 100;

/**
 * Many small files keep V8 recompiling what it has barely run, in other threads, for a fifth of all the CPU time. Here
 * code has to be eight times as busy as by default (67,584 units) before it is compiled anew; huge files get there, too.
 */
function compileLess(): void {
  process.getBuiltinModule("node:v8").setFlagsFromString("--interrupt-budget=540000");
}
