import { lstatSync, readlinkSync, type Stats, statSync } from "node:fs";
import { dirname, isAbsolute, join, resolve, sep } from "node:path";
import { TsopsError } from "../errors.ts";

/*
 * Where others can write, too, they can put a file or a link of theirs in the place that plaintext goes to, and read it
 * there. Linux refuses to open such files and to follow such links (protected_regular and protected_symlinks in
 * proc_sys_fs(5)), but not everywhere, and a rename is not asked about that.
 */

/** As many as Linux follows. */
const MOST_LINKS = 40;

/**
 * Refuses to put plaintext where somebody else may have prepared the place: every link on the way, and the file that
 * is there, must be one's own, or stand in a folder where nobody but its owner or oneself could have put it.
 * @param target where the path leads to.
 * @param there what stands there.
 * @throws TsopsError("write")
 */
export function checkNotPlanted(path: string, target: string, there: Stats | undefined): void {
  if (process.platform === "win32") return;
  for (const { at, folder, uid } of linksOn(path)) {
    // root needs no tricks
    if (!isMine(uid) && uid !== 0 && !isClosed(folder, uid)) throw planted("link", at);
  }
  if (there && !isMine(there.uid) && !isClosed(dirname(target), there.uid)) throw planted("file", target);
}

/** Whether a file or link is this user's own. Windows has no such numbers. */
export function isMine(uid: number): boolean {
  return process.platform === "win32" || uid === process.geteuid?.();
}

/** Whether only this owner, or oneself, can have put something into a folder. */
function isClosed(folder: string, owner: number): boolean {
  const { uid, mode } = statSync(folder);
  return (uid === owner || isMine(uid)) && (mode & 0o022) === 0;
}

interface Link {
  readonly at: string;
  readonly folder: string;
  readonly uid: number;
}

/** Every symbolic link that the system follows on the way along a path. */
function* linksOn(path: string): Generator<Link> {
  let parts = resolve(path).split(sep);
  let at: string = sep;
  for (let hops = 0; parts.length > 0 && hops <= MOST_LINKS; ) {
    const [part = "", ...rest] = parts;
    parts = rest;
    const next = join(at, part);
    const info = part === ".." ? undefined : lstatSync(next, { throwIfNoEntry: false });
    if (!info?.isSymbolicLink()) {
      at = next;
      continue;
    }
    hops++;
    yield { at: next, folder: at, uid: info.uid };
    const to = readlinkSync(next);
    if (isAbsolute(to)) at = sep;
    parts = [...to.split(sep), ...rest];
  }
}

function planted(what: "file" | "link", at: string): TsopsError {
  const message = `this ${what} is somebody else's, in a folder that others can write to`;
  return new TsopsError("write", message, {
    hint: `its owner could read the plaintext: choose another name, or remove the ${what}`,
    place: { file: at },
  });
}
