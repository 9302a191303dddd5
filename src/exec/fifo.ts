import { execFile } from "node:child_process";
import { constants, openSync } from "node:fs";
import { chown } from "node:fs/promises";
import { Socket } from "node:net";
import { delimiter, isAbsolute } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { findProgram } from "../programs/run.ts";

/** Where mkfifo(1) is if PATH does not say so. */
const USUAL_FOLDERS = ["/usr/bin", "/bin", "/usr/local/bin", "/run/current-system/sw/bin"];

/**
 * Makes a fifo, 0600: a file whose content never is anywhere, but goes from one process to another.
 * @returns false where there are none: on Windows, on some file systems, or if the program mkfifo is missing.
 */
export async function makeFifo(
  path: string,
  env: Readonly<Record<string, string | undefined>>,
  owner?: { readonly uid: number; readonly gid: number },
): Promise<boolean> {
  if (process.platform === "win32") return false;
  const folders = [...(env.PATH ?? "").split(delimiter).filter(isAbsolute), ...USUAL_FOLDERS];
  try {
    const program = findProgram("mkfifo", { PATH: folders.join(delimiter) });
    if (program === undefined) return false;
    await promisify(execFile)(program, ["-m", "600", path], {
      env: { PATH: folders.join(delimiter) },
      timeout: 10_000,
    });
    if (owner) await chown(path, owner.uid, owner.gid);
    return true;
  } catch {
    return false;
  }
}

const SHORTEST_WAIT_MS = 1;
const LONGEST_WAIT_MS = 20;

/**
 * Gives bytes to the first process that reads a fifo, and closes it. Waits for a reader without blocking: opening
 * for writing in the usual way would hold one of Node's few threads, for ever if nobody reads.
 * Resolves when everything is read, the reader goes away early, or the signal says that there will be none.
 */
export async function feedFifo(path: string, bytes: Uint8Array, signal: AbortSignal): Promise<void> {
  const fd = await openForReader(path, signal);
  if (fd === undefined) return;
  await new Promise<void>((resolve) => {
    const pipe = new Socket({ fd, readable: false, writable: true });
    const stop = (): void => void pipe.destroy();
    signal.addEventListener("abort", stop);
    // EPIPE: the reader did not want all of it
    pipe.on("error", () => undefined);
    pipe.once("close", () => {
      signal.removeEventListener("abort", stop);
      resolve();
    });
    pipe.end(bytes);
  });
}

async function openForReader(path: string, signal: AbortSignal): Promise<number | undefined> {
  for (let wait = SHORTEST_WAIT_MS; !signal.aborted; wait = Math.min(wait * 1.5, LONGEST_WAIT_MS)) {
    try {
      // this never blocks, and a descriptor is what a socket needs
      return openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
    } catch (error) {
      // ENXIO: nobody has opened it for reading yet
      if ((error as NodeJS.ErrnoException).code !== "ENXIO") return undefined;
    }
    await sleep(wait, undefined, { signal }).catch(() => undefined);
  }
  return undefined;
}
