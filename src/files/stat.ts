import fs from "node:fs";

/** What a path leads to; undefined if there is nothing, or it may not be looked at: using it says why. */
export function statOf(path: string): fs.Stats | undefined {
  try {
    return fs.statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}
