import { relative, resolve } from "node:path";
import { isReplaced } from "../files/atomic.ts";
import { withLock } from "../files/lock.ts";
import { takeSignals } from "../files/wayout.ts";
import { stopOf } from "./interrupt.ts";
import { endLine, type Io } from "./io.ts";
import { mention } from "./report.ts";

/**
 * Works on a file while nobody else changes it. Who has it is waited for, which a line says. Ctrl-C ends the waiting as an
 * error does, so that what was typed into an editor is kept; once the work has begun, it does what it always does.
 * @param path absolute
 * @throws TsopsError as withLock
 */
export async function alone<T>(path: string, io: Io, work: () => Promise<T>): Promise<T> {
  const whole = stopOf(io);
  const stop = new AbortController();
  const release = whole
    ? () => undefined
    : takeSignals(["SIGINT"], () => {
        endLine(io);
        stop.abort();
      });
  const begin = async (): Promise<T> => {
    release();
    return await work();
  };
  const name = relative(io.cwd, path);
  const waiting = (who: string): void => mention(io, `${name}: waiting for ${who}, which changes it`);
  try {
    return await withLock(path, begin, { signal: whole ?? stop.signal, waiting });
  } finally {
    release();
  }
}

/**
 * Works on what goes to `--output`, while nobody else changes the file that it replaces: it may be the very file that is
 * read. Nothing else there has a lock.
 */
export async function aloneAt<T>(output: string | undefined, io: Io, work: () => Promise<T>): Promise<T> {
  const path = resolve(io.cwd, output ?? "");
  return output !== undefined && isReplaced(path) ? await alone(path, io, work) : await work();
}
