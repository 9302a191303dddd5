import { fstatSync } from "node:fs";
import type { Readable } from "node:stream";
import type { ReadStream } from "node:tty";
import { TsopsError } from "../errors.ts";
import { unlessInterrupted } from "./interrupt.ts";
import { type Io, visibleLine, write } from "./io.ts";

/** Whether there is a person who can be asked. */
export function interactive(io: Io): boolean {
  return io.stdin.isTTY === true && io.stderr.isTTY === true;
}

/**
 * One question at a time: files are worked on side by side, and one terminal has one answer. While somebody is asked,
 * no progress bar is drawn.
 */
async function asking<T>(io: Io, ask: () => Promise<T>): Promise<T> {
  const before = turns.get(io);
  const turn = (async () => {
    await before?.catch(() => undefined);
    return await unlessInterrupted(io, ask);
  })();
  turns.set(io, turn);
  try {
    return await turn;
  } finally {
    if (turns.get(io) === turn) turns.delete(io);
  }
}

/** The last question of each run that has no answer yet. */
const turns = new WeakMap<Io, Promise<unknown>>();

export function isAsking(io: Io): boolean {
  return turns.has(io);
}

/**
 * Asks for a line and shows nothing of what is typed. Of several lines none is taken: a pasted text would be cut off.
 * @throws TsopsError("aborted") on Ctrl-C or end of input, TsopsError("usage") for several lines.
 */
export async function askHidden(
  question: string,
  io: Io,
  { severalLines }: { severalLines?: TsopsError } = {},
): Promise<string> {
  const lines = await asking(io, async () => {
    const { readHidden } = await import("./hidden.ts");
    return await readHidden(visibleLine(asPrompt(question)), io);
  });
  const [line = "", ...more] = lines;
  if (more.length === 0) return line;
  throw (
    severalLines ??
    new TsopsError("usage", "what was typed or pasted has several lines, and only one is possible", {
      hint: "nothing was used; try again with one line",
    })
  );
}

/** Prompts end with a colon and a blank, whoever words them: plugins and agents do as they like. */
function asPrompt(question: string): string {
  const text = question.trimEnd();
  return text.endsWith("?") ? `${text} ` : `${text.replace(/[.:]+$/, "")}: `;
}

/** Asks a question until the answer is y or n; undefined at the end of input. */
export async function askYes(
  question: string,
  io: Io,
  output: Io["stdout"] = io.stderr,
): Promise<boolean | undefined> {
  return await asking(io, async () => {
    for (;;) {
      await write(output, `${visibleLine(question)} (y/n): `);
      const answer = await nextLine(io.stdin);
      if (answer === undefined) return undefined;
      if (isYes(answer) || isNo(answer)) return isYes(answer);
    }
  });
}

/** Asks a question to which only a clear yes is one. At a terminal, what was typed before it does not count. */
export async function askNo(question: string, io: Io): Promise<boolean> {
  const text = `${visibleLine(`${question} (y/N):`)} `;
  return await asking(io, async () => {
    if (isThereAlready(io.stdin) || !("setRawMode" in io.stdin)) {
      await write(io.stderr, text);
      return isYes(await nextLine(io.stdin));
    }
    const input = new Freshly(io.stdin);
    try {
      await input.throwAway();
      await write(io.stderr, text);
      return isYes(await input.line());
    } finally {
      input.close();
    }
  });
}

function isYes(answer: string | undefined): boolean {
  return /^(y|yes)$/i.test((answer ?? "").trim());
}

function isNo(answer: string): boolean {
  return /^(n|no)$/i.test(answer.trim());
}

/**
 * Asks a question that comes at any time, until the answer is y or n. What was typed before it was shown does not
 * count, whether it is still in the terminal or pipe or half a line; nor does what is typed once nobody waits for the
 * answer. Whoever is about to answer a question that is taken back would answer the next one unread, so that one waits
 * for Enter.
 * False at the end of input and when the signal comes.
 */
export async function askAnew(
  question: string,
  io: Io,
  output: Io["stdout"],
  signal: AbortSignal,
): Promise<boolean> {
  const input = new Freshly(io.stdin);
  const gone = new Promise<"gone">((resolve) => signal.addEventListener("abort", () => resolve("gone")));
  const answerTo = async (text: string): Promise<string | undefined> => {
    await write(output, text);
    const answer = await Promise.race([input.line(), gone]);
    if (answer !== "gone") return answer;
    takenBack.add(io.stdin);
    await write(output, "\nThe question was withdrawn: no answer is needed any more.\n");
    return undefined;
  };
  try {
    await input.throwAway();
    if (signal.aborted) return false;
    if (takenBack.has(io.stdin)) {
      if ((await answerTo("There is another question: press Enter to see it.")) === undefined) return false;
      takenBack.delete(io.stdin);
      await input.throwAway();
    }
    for (;;) {
      const answer = await answerTo(`${visibleLine(question)} (y/n): `);
      if (answer === undefined) return false;
      if (isYes(answer) || isNo(answer)) return isYes(answer);
    }
  } finally {
    input.close();
  }
}

/** Where the last question was taken back when it was shown already. */
const takenBack = new WeakSet<Readable>();

/** Whether nothing will come that is not there yet: in a file, and in a device that is no terminal. */
function isThereAlready(stream: Io["stdin"] & { readonly fd?: unknown }): boolean {
  if (typeof stream.fd !== "number") return false;
  const info = fstatSync(stream.fd);
  return info.isFile() || (info.isCharacterDevice() && !stream.isTTY);
}

/** After as many turns the input is taken for one that never ends. */
const MAX_TURNS = 1000;

/** What comes in from now on. */
class Freshly {
  readonly #stream: Io["stdin"];
  #text = "";
  #ended: boolean;
  #wake: () => void = () => undefined;
  readonly #onData = (chunk: Buffer): void => {
    this.#text += chunk.toString("latin1");
    this.#wake();
  };
  readonly #onEnd = (): void => {
    this.#ended = true;
    this.#wake();
  };

  constructor(stream: Io["stdin"]) {
    this.#stream = stream;
    this.#ended = stream.readableEnded || stream.destroyed || isThereAlready(stream);
    if (this.#ended) return;
    stream.on("data", this.#onData).on("end", this.#onEnd).on("close", this.#onEnd).on("error", this.#onEnd);
    stream.resume();
  }

  /** Reads until there is nothing more. Of a terminal, a line without its end comes only when it is set to raw. */
  async throwAway(): Promise<void> {
    const terminal = this.#stream.isTTY === true ? (this.#stream as unknown as ReadStream) : undefined;
    const raw = terminal?.isRaw;
    terminal?.setRawMode?.(true);
    let quiet = 0;
    let pressed = "";
    for (let turns = 0; quiet < 3 && turns < MAX_TURNS && !this.#ended; turns++) {
      await new Promise((resolve) => setImmediate(resolve));
      quiet = this.#text === "" ? quiet + 1 : 0;
      pressed += this.#text;
      this.#text = "";
    }
    terminal?.setRawMode?.(raw === true);
    // in raw mode that is a character like others
    if (terminal && pressed.includes("\x03")) process.kill(process.pid, "SIGINT");
  }

  /** The next line; undefined at the end. */
  async line(): Promise<string | undefined> {
    for (;;) {
      const end = this.#text.indexOf("\n");
      if (end >= 0) {
        const line = this.#text.slice(0, end);
        this.#text = this.#text.slice(end + 1);
        return line;
      }
      if (this.#ended) return undefined;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  close(): void {
    this.#stream.off("data", this.#onData).off("end", this.#onEnd).off("close", this.#onEnd);
    this.#stream.off("error", this.#onEnd);
    this.#stream.pause();
  }
}

/** Waits for Enter; false at the end of input. */
export async function waitForEnter(text: string, io: Io): Promise<boolean> {
  return await asking(io, async () => {
    await write(io.stderr, visibleLine(text));
    return (await nextLine(io.stdin)) !== undefined;
  });
}

/** What was read of a stream beyond the line that was asked for: several answers can be piped in at once. */
const started = new WeakMap<Readable, { rest: string; chunks: AsyncIterator<Buffer> }>();

async function nextLine(stream: Readable): Promise<string | undefined> {
  let state = started.get(stream);
  if (!state) {
    state = { rest: "", chunks: stream[Symbol.asyncIterator]() };
    started.set(stream, state);
  }
  for (;;) {
    const end = state.rest.indexOf("\n");
    if (end >= 0) {
      const line = state.rest.slice(0, end).replace(/\r$/, "");
      state.rest = state.rest.slice(end + 1);
      return line;
    }
    const { value, done } = await state.chunks.next();
    if (done) {
      const line = state.rest;
      state.rest = "";
      return line === "" ? undefined : line;
    }
    state.rest += value.toString();
  }
}
