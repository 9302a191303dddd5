import { endBy, takeSignals } from "../files/wayout.ts";
import { forMany } from "../signals.ts";
import { interruptedBy } from "./interrupt.ts";
import { endLine, type Io } from "./io.ts";
import { mention } from "./report.ts";

/** After as many milliseconds it is said what is waited for. */
const LONG_MS = 1000;
const WAITING = "waiting for the files that are being worked on; Ctrl-C ends that";
/** So long whoever ends a run by SIGTERM waits: some kill it a few seconds later, and then nothing is said. */
const GRACE_MS = 2000;
/** So long the last words may take. */
const UNREAD_MS = 500;

/**
 * The early end of a run over many files, by Ctrl-C or by SIGTERM, as CI has it for a job that is cancelled. The files that
 * are being worked on come to their end; a second signal does not wait for them, nor does SIGTERM for long.
 */
export class Stop {
  private readonly controller = new AbortController();
  private readonly release: () => void;
  private timer: NodeJS.Timeout | undefined;
  private by: NodeJS.Signals | undefined;

  /** @param say says how far the run came, where nothing is waited for any more. */
  constructor(io: Io, say: () => Promise<unknown>) {
    forMany(this.signal);
    this.release = takeSignals(["SIGINT", "SIGTERM"], (signal) => {
      const again = this.signal.aborted;
      this.by = signal;
      if (again) return endBy(signal);
      interruptedBy(io);
      this.abort();
      if (signal === "SIGINT") endLine(io);
      this.timer =
        signal === "SIGINT"
          ? setTimeout(() => mention(io, WAITING), LONG_MS)
          : setTimeout(() => void endAfter(say, signal), GRACE_MS);
    });
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** The exit code of a run that ended like this. */
  get exit(): number {
    return this.by === "SIGTERM" ? 143 : 130;
  }

  abort(): void {
    this.controller.abort();
  }

  end(): void {
    clearTimeout(this.timer);
    this.release();
  }
}

async function endAfter(say: () => Promise<unknown>, signal: NodeJS.Signals): Promise<void> {
  // whoever started the program may have closed what it writes to, or read it no more
  const unread = setTimeout(() => endBy(signal), UNREAD_MS);
  await say().catch(() => undefined);
  clearTimeout(unread);
  endBy(signal);
}
