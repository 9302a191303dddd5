import { realpathSync } from "node:fs";
import { resolve } from "node:path";
import { TsopsError } from "../errors.ts";
import { type Io, wholeOf } from "./io.ts";

/*
 * A folder that others can write to may change while a command works on it: where a file stood when its folder was looked
 * through, a link to somewhere else may stand when it is read or written. So what was not named is remembered by its place.
 */

/** By the run, since names are plain words on their way through a command. */
const places = new WeakMap<Io, Map<string, string>>();

/** Remembers where a file is that a folder or a pattern brought in. */
export function rememberPlace(name: string, io: Io): void {
  const known = places.get(wholeOf(io)) ?? new Map<string, string>();
  places.set(wholeOf(io), known.set(name, placeOf(name, io)));
}

/**
 * Refuses a file that a folder or a pattern brought in, and that is somewhere else now.
 * @throws TsopsError("changed-on-disk")
 */
export function checkPlace(name: string, io: Io): void {
  const place = places.get(wholeOf(io))?.get(name);
  if (place === undefined || place === placeOf(name, io)) return;
  const message = "a link was put into the path of this file after its folder was searched";
  throw new TsopsError("changed-on-disk", message, {
    hint: "nothing was written; find out who did that, and name the file itself if it is intended",
    place: { file: name },
  });
}

function placeOf(name: string, io: Io): string {
  const path = resolve(io.cwd, name);
  try {
    return realpathSync.native(path);
  } catch {
    // it is gone: reading or writing it says so
    return path;
  }
}
