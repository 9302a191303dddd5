import { lstatSync, mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { TsopsError } from "../errors.ts";
import { isMine } from "../files/planted.ts";
import { printable } from "../printable.ts";
import type { Place } from "./place.ts";

/** Whether a place is the user's alone. Both ends look before they say anything. */

/** Makes the folder if it is missing. @throws TsopsError("not-allowed") if it is not the user's alone, "write". */
export function makePlace(place: Place): void {
  try {
    mkdirSync(place.folder, { mode: 0o700 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "EEXIST") {
      throw new TsopsError(
        "write",
        `the agent's folder ${printable(place.folder)} cannot be made (${code})`,
        {
          hint: "set XDG_RUNTIME_DIR or TMPDIR to a folder of yours",
          cause: error,
        },
      );
    }
  }
  checkFolder(place);
}

/**
 * Refuses a place that others could have prepared: the folder and the socket must be the user's own, for nobody else, and
 * no links.
 * @throws TsopsError("not-allowed")
 */
export function checkPlace(place: Place): void {
  checkFolder(place);
  const info = lstatSync(place.socket, { throwIfNoEntry: false });
  if (!info) return;
  if (!info.isSocket()) throw refused(place.socket, "it is not a socket");
  if (!isMine(info.uid)) throw refused(place.socket, "it belongs to somebody else");
  if ((info.mode & 0o077) !== 0) throw refused(place.socket, "others may open it");
}

function checkFolder({ folder }: Place): void {
  const info = lstatSync(folder, { throwIfNoEntry: false });
  if (!info) return;
  if (!info.isDirectory()) throw refused(folder, "it is not a folder");
  if (!isMine(info.uid)) throw refused(folder, "it belongs to somebody else");
  if ((info.mode & 0o077) !== 0) throw refused(folder, "others may get into it");
  const above = statSync(join(folder, ".."));
  // whoever may write there could put another folder in its place, unless the sticky bit forbids that
  const open = (above.mode & 0o022) !== 0 && (above.mode & 0o1000) === 0;
  if (open || !(isMine(above.uid) || above.uid === 0))
    throw refused(folder, "others may put another in its place");
}

function refused(path: string, why: string): TsopsError {
  return new TsopsError("not-allowed", `${printable(path)} cannot be the agent's: ${why}`, {
    hint: "see who made it, and remove it; or set XDG_RUNTIME_DIR to a folder that is yours alone",
  });
}
