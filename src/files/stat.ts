import { type Stats, statSync } from "node:fs";

/** What a path leads to; undefined if there is nothing, or it may not be looked at: using it says why. */
export function statOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}
