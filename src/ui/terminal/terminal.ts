import { writeSync } from "node:fs";
import type { ReadStream, WriteStream } from "node:tty";
import { onWayOut, takeSignals } from "../../files/wayout.ts";
import type { Size } from "../state/state.ts";
import { type Input, KeyReader } from "./keys.ts";

/** Alternate screen, pastes in brackets, news of the focus. The title is left alone. */
const ENTER = "\x1b[?1049h\x1b[?2004h\x1b[?1004h\x1b[2J\x1b[H";
/** All of it back, whatever was on: colours, the cursor, the mouse. */
const LEAVE = "\x1b[0m\x1b[?1004l\x1b[?2004l\x1b[?25h\x1b[2J\x1b[H\x1b[?1049l";

/** When no more of what has begun comes for so long, nothing more will come. In milliseconds. */
const WAIT_MS = { soon: 40, late: 1000 } as const;

export interface Listeners {
  readonly input: (input: Input) => void;
  readonly resize: () => void;
  /** It is on the screen again, after a suspension. */
  readonly resumed: () => void;
  /** The terminal is gone. */
  readonly closed: () => void;
}

/**
 * The terminal while the editor has it. Taking it is the first act of all, so that nothing that is typed is shown by the
 * terminal itself; it is given back on every way out.
 */
export class Terminal {
  readonly #stdin: ReadStream;
  readonly #stdout: WriteStream;
  readonly #reader = new KeyReader();
  #listeners: Listeners | undefined;
  /** What was typed before anybody listened. */
  readonly #early: Input[] = [];
  #entered = false;
  #lent = false;
  #timer: NodeJS.Timeout | undefined;
  readonly #undo: (() => void)[] = [];

  /** It understands no escape sequences, so it gets none. */
  readonly isDumb: boolean;

  constructor(stdin: ReadStream, stdout: WriteStream, isDumb = false) {
    this.#stdin = stdin;
    this.#stdout = stdout;
    this.isDumb = isDumb;
  }

  /** Takes the terminal. */
  open(): void {
    this.#stdin.setRawMode(true);
    this.#undo.push(onWayOut(() => this.#leave()));
    // before Node prints the error, which must not be lost with the alternate screen
    const crashed = (): void => this.#leave();
    process.on("uncaughtExceptionMonitor", crashed);
    this.#undo.push(() => process.off("uncaughtExceptionMonitor", crashed));
    if (process.platform !== "win32") this.#undo.push(takeSignals(["SIGTSTP"], () => this.suspend()));
    this.#enter();
    this.#stdin.on("data", this.#onData);
    this.#stdin.on("end", this.#onClosed).on("close", this.#onClosed).on("error", this.#onClosed);
    this.#stdout.on("resize", this.#onResize).on("error", this.#onClosed);
  }

  listen(listeners: Listeners): void {
    this.#listeners = listeners;
    for (const input of this.#early.splice(0)) listeners.input(input);
  }

  get size(): Size {
    const { columns, rows } = this.#stdout;
    return { width: columns || 80, height: rows || 24 };
  }

  /** Whether something else has the terminal. */
  get isLent(): boolean {
    return this.#lent;
  }

  write(text: string): void {
    if (this.#entered) this.#stdout.write(text);
  }

  /** Gives the terminal to something else until that is done. */
  async lend<T>(work: () => Promise<T>): Promise<T> {
    this.#stdin.off("data", this.#onData);
    this.#stdin.pause();
    this.#leave();
    this.#lent = true;
    try {
      return await work();
    } finally {
      this.#lent = false;
      this.#stdin.setRawMode(true);
      this.#enter();
      this.#stdin.on("data", this.#onData);
      this.#stdin.resume();
      this.#listeners?.resumed();
    }
  }

  /** Stops the process as Ctrl-Z does, and comes back with `fg`. */
  suspend(): void {
    if (process.platform === "win32") return;
    this.#leave();
    const resumed = (): void => {
      process.off("SIGCONT", resumed);
      // who has the terminal meanwhile goes on with it
      if (this.#lent) return;
      this.#stdin.setRawMode(true);
      this.#enter();
      this.#listeners?.resumed();
    };
    process.on("SIGCONT", resumed);
    process.kill(process.pid, "SIGSTOP");
  }

  /** Gives the terminal back. */
  close(): void {
    clearTimeout(this.#timer);
    this.#stdin.off("data", this.#onData);
    this.#stdin.off("end", this.#onClosed).off("close", this.#onClosed).off("error", this.#onClosed);
    this.#stdout.off("resize", this.#onResize).off("error", this.#onClosed);
    this.#leave();
    this.#stdin.pause();
    for (const undo of this.#undo.splice(0)) undo();
  }

  #enter(): void {
    this.#entered = true;
    this.#put(this.isDumb ? "" : ENTER);
  }

  #leave(): void {
    if (!this.#entered) return;
    this.#entered = false;
    this.#put(this.isDumb ? "" : LEAVE);
    try {
      this.#stdin.setRawMode(false);
    } catch {
      // the terminal is gone
    }
  }

  /** At once: the process may be about to end. */
  #put(text: string): void {
    try {
      writeSync((this.#stdout as { fd?: number }).fd ?? 1, text);
    } catch {
      // the terminal is gone, or takes nothing now
    }
  }

  readonly #onData = (chunk: Buffer): void => {
    clearTimeout(this.#timer);
    this.#hand(this.#reader.read(chunk));
    const { waits } = this.#reader;
    if (waits) this.#timer = setTimeout(() => this.#hand(this.#reader.flush()), WAIT_MS[waits]);
  };

  #hand(inputs: readonly Input[]): void {
    for (const input of inputs) {
      if (this.#listeners) this.#listeners.input(input);
      else this.#early.push(input);
    }
  }

  readonly #onClosed = (): void => this.#listeners?.closed();
  readonly #onResize = (): void => this.#listeners?.resize();
}
