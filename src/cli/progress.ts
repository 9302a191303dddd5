import { type Io, writePassing } from "./io.ts";
import { isAsking } from "./prompt.ts";

/** What a bar shows. */
export interface Shown {
  /** What is done, in the words of the summary. */
  readonly what: string;
  readonly total: number;
  readonly done: number;
  /** How many need nothing, or came out in another way. */
  readonly rest?: number;
  readonly failed?: number;
}

/** A run that is over by then needs no bar. Milliseconds. */
const MOMENT = 500;
const WIDTH = 25;

/**
 * How far a run is: a line that is drawn again and again, on a terminal, once the run takes more than a moment. Logs are not
 * to be filled with it, so a terminal of a CI system has none either. It goes when anything else is printed (`io.ts`).
 */
export class Progress {
  private readonly io: Io;
  private readonly start: number;
  /** What the bar said last. */
  private last = "";

  constructor(io: Io) {
    this.io = io;
    this.start = nowOf(io);
  }

  async show({ what, total, done, rest = 0, failed = 0 }: Shown): Promise<void> {
    const { io } = this;
    if (!takesBars(io) || isAsking(io) || nowOf(io) - this.start < MOMENT) return;
    const part = total === 0 ? 1 : (done + rest + failed) / total;
    const state = `${Math.floor(100 * part)} ${failed}`;
    if (state === this.last) return;
    this.last = state;
    const failures = failed > 0 ? `, ${failed} failed` : "";
    const bar = "#".repeat(Math.floor(part * WIDTH)).padEnd(WIDTH, ".");
    const line = `${what} ${done}${failures} of ${total} [${bar}]`;
    // a line that is broken cannot be cleared
    await writePassing(io.stderr, line.slice(0, (io.stderr.columns || 80) - 1));
  }
}

function takesBars({ stderr, env }: Io): boolean {
  return stderr.isTTY === true && env.TERM !== "dumb" && !env.CI;
}

function nowOf({ now }: Io): number {
  return now ? now() : performance.now();
}
