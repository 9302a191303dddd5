import type { Readable, Writable } from "node:stream";
import { TsopsError } from "../errors.ts";
import { type Io, visibleLine, write } from "./io.ts";

/** Whether there is a person who can be asked. */
export function interactive(io: Io): boolean {
  return io.stdin.isTTY === true && io.stderr.isTTY === true;
}

/** Asks for a line and shows nothing of what is typed. @throws TsopsError("aborted") on Ctrl-C or end of input. */
export async function askHidden(question: string, io: Io, signal?: AbortSignal): Promise<string> {
  await write(io.stderr, visibleLine(question));
  // readline echoes through its output, so that goes nowhere
  const { Writable } = await import("node:stream");
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  try {
    return await readSilently(io, nowhere, signal);
  } finally {
    await write(io.stderr, "\n");
  }
}

/** Asks a question until the answer is y or n; undefined at the end of input. */
export async function askYes(
  question: string,
  io: Io,
  output: Io["stdout"] = io.stderr,
): Promise<boolean | undefined> {
  for (;;) {
    await write(output, `${visibleLine(question)} (y/n):`);
    const answer = await nextLine(io.stdin);
    if (answer === undefined) return undefined;
    if (/^(y|yes|n|no)$/i.test(answer.trim())) return /^y/i.test(answer.trim());
  }
}

/** Asks a question to which only a clear yes is one. */
export async function askNo(question: string, io: Io): Promise<boolean> {
  await write(io.stderr, `${visibleLine(question)} (y/N): `);
  return /^(y|yes)$/i.test(((await nextLine(io.stdin)) ?? "").trim());
}

/** Waits for Enter; false at the end of input. */
export async function waitForEnter(text: string, io: Io): Promise<boolean> {
  await write(io.stderr, visibleLine(text));
  return (await nextLine(io.stdin)) !== undefined;
}

async function readSilently(io: Io, output: Writable, signal?: AbortSignal): Promise<string> {
  const { createInterface } = await import("node:readline");
  return await new Promise((resolve, reject) => {
    const reader = createInterface({ input: io.stdin, output, terminal: io.stdin.isTTY === true, signal });
    let answered = false;
    reader.once("line", (line) => {
      answered = true;
      reader.close();
      resolve(line);
    });
    reader.once("SIGINT", () => reader.close());
    reader.once("close", () => answered || reject(new TsopsError("aborted", "stopped")));
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
