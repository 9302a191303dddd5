import { lstatSync, mkdirSync, readlinkSync, type Stats, unlinkSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { TsopsError } from "../errors.ts";
import { errorCode, writeError } from "../files/errors.ts";
import { isMine } from "../files/planted.ts";
import { MAX_SOCKET_PATH_BYTES } from "../net/socket.ts";
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

/** Whether no socket can be there, because of the length of its path. */
export function isTooLong({ socket }: Place): boolean {
  return Buffer.byteLength(socket) > MAX_SOCKET_PATH_BYTES;
}

/** An agent that notices that nobody can reach it any more ends itself. @throws TsopsError("write") */
export function removeSocket({ socket }: Place): void {
  try {
    unlinkSync(socket);
  } catch (error) {
    if (errorCode(error) !== "ENOENT") throw writeError(error, socket);
  }
}

function checkFolder({ folder }: Place): void {
  const info = lstatSync(folder, { throwIfNoEntry: false });
  if (!info) return;
  if (!info.isDirectory()) throw refused(folder, "it is not a folder");
  if (!isMine(info.uid)) throw refused(folder, "it belongs to somebody else");
  if ((info.mode & 0o077) !== 0) throw refused(folder, "others may get into it");
  for (const above of wayTo(dirname(folder))) {
    // whoever may write there could put another folder in its place, unless the sticky bit forbids that
    const open = above.isDirectory() && (above.mode & 0o022) !== 0 && (above.mode & 0o1000) === 0;
    if (open || !(isMine(above.uid) || above.uid === 0))
      throw refused(folder, "others may put another in its place");
  }
}

/** Every folder and link on the way along a path, up to the root: each of them decides where the path leads to. */
function* wayTo(path: string): Generator<Stats> {
  const seen = new Set<string>();
  for (let left = [path]; left.length > 0; ) {
    const [at = "", ...others] = left;
    left = others;
    if (seen.has(at)) continue;
    seen.add(at);
    const info = lstatSync(at, { throwIfNoEntry: false });
    if (!info) continue;
    yield info;
    left.push(dirname(at));
    if (info.isSymbolicLink()) left.push(resolve(dirname(at), readlinkSync(at)));
  }
}

function refused(path: string, why: string): TsopsError {
  return new TsopsError("not-allowed", `${printable(path)} cannot be the agent's: ${why}`, {
    hint: "see who made it, and remove it; or set XDG_RUNTIME_DIR to a folder that is yours alone",
  });
}
