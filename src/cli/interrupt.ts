import { TsopsError } from "../errors.ts";
import { takeSignals } from "../files/wayout.ts";
import { endLine, type Io, readAll, wholeOf } from "./io.ts";
import { note } from "./report.ts";

/** Runs in which somebody pressed Ctrl-C: nobody is asked any more. */
const interrupted = new WeakSet<Io>();

/** By the whole of a run: what ends its work, where Ctrl-C does not end the process itself. */
const stops = new WeakMap<Io, AbortSignal>();

/** For a run and its parts, until the result is called. */
export function stopsBy(io: Io, signal: AbortSignal): () => void {
  const whole = wholeOf(io);
  stops.set(whole, signal);
  return () => void stops.delete(whole);
}

/** For whatever waits, such as for another process that has the file's lock. */
export function stopOf(io: Io): AbortSignal | undefined {
  return stops.get(wholeOf(io));
}

export function stopped(): TsopsError {
  return new TsopsError("aborted", "stopped");
}

/** For Ctrl-C that came as a character. */
export function interruptedBy(io: Io): TsopsError {
  interrupted.add(io);
  return stopped();
}

/**
 * Waits for a person or for input. Ctrl-C ends the waiting as an error does, so that what was begun is undone on the
 * way out, and what is said next stands on a line of its own.
 * @throws TsopsError("aborted")
 */
export async function unlessInterrupted<T>(io: Io, wait: () => Promise<T>): Promise<T> {
  if (interrupted.has(io)) throw stopped();
  let end: (error: TsopsError) => void = () => undefined;
  const pressed = new Promise<never>((_, reject) => (end = reject));
  const release = takeSignals(["SIGINT"], () => {
    if (interrupted.has(io)) return;
    interrupted.add(io);
    endLine(io);
    end(stopped());
  });
  try {
    return await Promise.race([wait(), pressed]);
  } finally {
    release();
  }
}

/** All of standard input. At a terminal it is said what is waited for: nothing else shows that. */
export async function readStdin(what: string, io: Io): Promise<Buffer> {
  return await unlessInterrupted(io, async () => {
    if (io.stdin.isTTY)
      await note(io, `reading ${what} from standard input; Ctrl-D at the start of a line ends it`);
    return await readAll(io.stdin);
  });
}
