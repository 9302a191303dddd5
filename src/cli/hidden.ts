import { createInterface, type Key } from "node:readline";
import { Writable } from "node:stream";
import { interruptedBy, stopped } from "./interrupt.ts";
import { type Io, write } from "./io.ts";

/** How long a terminal has to be silent behind Enter until what was pasted is over, in milliseconds. */
const QUIET_MS = 100;

/** Terminals that know this mark where a paste begins and ends. */
const MARK_PASTES = "\x1b[?2004h";
const DO_NOT_MARK = "\x1b[?2004l";

/**
 * Asks for a line that is typed and not shown; more lines if a text of several was pasted. All of a paste is read here, so that
 * its rest does not become the shell's next commands.
 * @throws TsopsError("aborted") on Ctrl-C or end of input.
 */
export async function readHidden(question: string, io: Io): Promise<string[]> {
  const terminal = io.stdin.isTTY === true;
  // readline echoes through its output, so that goes nowhere
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const reader = createInterface({ input: io.stdin, output: nowhere, terminal });
  const lines = linesOf(reader, io);
  // it may fail while the question is being written
  lines.catch(() => undefined);
  try {
    // not before the terminal has stopped to show what is typed
    await write(io.stderr, `${terminal ? MARK_PASTES : ""}${question}`);
    return await lines;
  } finally {
    reader.close();
    await write(io.stderr, `${terminal ? DO_NOT_MARK : ""}\n`);
  }
}

function linesOf(reader: ReturnType<typeof createInterface>, io: Io): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const lines: string[] = [];
    let pasting = false;
    let quiet: NodeJS.Timeout | undefined;
    // behind the first Enter every key belongs to the same paste
    const wait = (): void => {
      clearTimeout(quiet);
      if (lines.length > 0 && !pasting) quiet = setTimeout(answer, QUIET_MS);
    };
    const onKey = (_text: string | undefined, key: Key | undefined): void => {
      if (key?.name === "paste-start") pasting = true;
      if (key?.name === "paste-end") pasting = false;
      wait();
    };
    const end = (): void => {
      clearTimeout(quiet);
      io.stdin.off("keypress", onKey);
    };
    const answer = (): void => {
      end();
      resolve(reader.line === "" ? lines : [...lines, reader.line]);
    };
    io.stdin.on("keypress", onKey);
    reader.on("line", (line) => {
      lines.push(line);
      wait();
    });
    reader.once("SIGINT", () => {
      end();
      reject(interruptedBy(io));
    });
    reader.once("close", () => {
      if (lines.length > 0) return answer();
      end();
      reject(stopped());
    });
  });
}
