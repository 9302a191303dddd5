import { TsopsError } from "../errors.ts";

/** A service opened a data key with another key than the one that the file names: what it says proves nothing. */
export function anotherKey(what: string): TsopsError {
  return new TsopsError("bad-key", what, {
    hint: "compare enc of the key in the file's metadata with the file's last good version in git",
  });
}
