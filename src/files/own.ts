import { createHash, randomBytes } from "node:crypto";
import { lstatSync, openSync, unlinkSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { errorCode } from "./errors.ts";

/*
 * Files of this program's own that stand beside those of the person: temporary files and locks. Their names are short
 * and plain, for every file system, and the target's own, so that what a killed process left is found by the next one.
 */

const OWN = /^\.tsops-[0-9a-f]+\.(tmp|lock|lock-break)$/;

/** Whether a file is one of ours by its name, without folders. */
export function isOwnName(name: string): boolean {
  return OWN.test(name);
}

/** The name beside a target for something of ours. */
export function ownName(target: string, ending: "tmp" | "lock"): string {
  const name = createHash("sha256").update(basename(target)).digest("hex").slice(0, 16);
  return join(dirname(target), `.tsops-${name}.${ending}`);
}

/** A name beside a target that nothing has. */
export function freshName(target: string): string {
  return join(dirname(target), `.tsops-${randomBytes(8).toString("hex")}.tmp`);
}

/** Nobody writes one file for that long: a temporary file of that age is left from a process that was killed. */
const LEFT_OVER_AFTER_MS = 10 * 60_000;

/** Opens a new file, in one step as far as signals can see; with a random name while the usual one is taken. */
export function openTemporary(target: string, mode: number): { path: string; fd: number } {
  const usual = ownName(target, "tmp");
  for (let tries = 0; tries < 2; tries++) {
    try {
      return { path: usual, fd: openSync(usual, "wx", mode) };
    } catch (error) {
      if (errorCode(error) !== "EEXIST") throw error;
    }
    const left = lstatSync(usual, { throwIfNoEntry: false });
    if (!left || Date.now() - left.mtimeMs <= LEFT_OVER_AFTER_MS) break;
    unlinkIfThere(usual);
  }
  const path = freshName(target);
  return { path, fd: openSync(path, "wx", mode) };
}

export function unlinkIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // it was renamed already, or somebody else took it away
  }
}
