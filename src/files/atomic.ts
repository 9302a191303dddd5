import {
  accessSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  promises,
  realpathSync,
  renameSync,
  type Stats,
  statSync,
  writeFile,
  writeFileSync,
} from "node:fs";
import { dirname, relative, sep } from "node:path";
import { withRoom } from "../descriptors.ts";
import { TsopsError } from "../errors.ts";
import { errorCode, writeError } from "./errors.ts";
import { openTemporary, unlinkIfThere } from "./own.ts";
import { checkNotPlanted, isMine } from "./planted.ts";
import { changedSince, type Fingerprint } from "./read.ts";
import { statOf } from "./stat.ts";
import { followLinks } from "./target.ts";
import { checkWay } from "./way.ts";
import { onWayOut } from "./wayout.ts";

/*
 * Files are replaced as a whole: written beside the target, flushed, renamed over it. write-file-atomic does nearly
 * that, but it writes with a single write(2), which a full disk cuts short without an error: it then puts the cut-off
 * file in the place of the good one (tried on a full tmpfs). It also opens its temporary file without O_EXCL.
 *
 * What only looks at names and modes is done synchronously: handing it to a thread and back costs several times the
 * work, which counts with a thousand files. Flushing, which waits for the disk, is not.
 *
 * What a rename cannot keep: other hard links go on naming the old content, and extended attributes and ACLs are
 * those of a new file, because Node cannot read them. The bits for the group that a file with an ACL shows are no
 * permission for the group: given to a new file, they would let in people who had no access. So the plaintext that
 * replaces a ciphertext is for the owner alone.
 */

/** Who may read what is created: nobody but the owner, or whoever the umask allows. */
const PRIVATE = 0o600;
const SHARED = 0o666;

export interface ReplaceOptions {
  /** Permission bits. Default: those of the file that is replaced, or 0666 less the umask. */
  readonly mode?: number;
  /** Write only if the file still says what it said then. */
  readonly expected?: Fingerprint;
  /** It is plaintext that replaces a ciphertext: others get no access, and no file is trusted that others prepared. */
  readonly plaintext?: boolean;
}

/** What a person may want to know about a file that was replaced. */
export interface Replaced {
  /** How many other names it had, hard links, which go on naming the old content; and by which number to find them. */
  readonly otherNames: number;
  readonly inode: number;
  /** Whether others had access to it that they have no more. */
  readonly narrowed: boolean;
}

/**
 * Replaces a file's content, or creates the file. At every moment, whatever happens, the path leads to the old
 * content or to the new one, whole. Mode and (where allowed) owner stay; of a symbolic link, the target is replaced.
 * @throws TsopsError("write") or TsopsError("changed-on-disk"); the file is then as it was.
 */
export async function replaceFile(
  path: string,
  bytes: Uint8Array,
  options: ReplaceOptions = {},
): Promise<Replaced> {
  return await replace(path, bytes, {
    ...options,
    newMode: options.plaintext ? PRIVATE : SHARED,
    flush: true,
  });
}

/**
 * Writes to where `--output` points: replaces the file there (its mode stays) or creates one, for its owner alone if
 * it holds plaintext. Devices and pipes such as `/dev/stdout` are written to as they are.
 * @param options.parents make the folders that are missing.
 * @param options.below the folder that was named; the rest of the path was not, so no link in it is followed.
 * @throws TsopsError("write"); a file that was there is then as it was.
 */
export async function createFile(
  path: string,
  bytes: Uint8Array,
  { plaintext, parents = false, below }: { plaintext: boolean; parents?: boolean; below?: string },
): Promise<void> {
  try {
    if (below !== undefined) checkWay(below, relative(below, path).replaceAll(sep, "/"));
    if (parents) mkdirSync(dirname(path), { recursive: true, mode: plaintext ? 0o700 : 0o777 });
    const there = statIfThere(path);
    const open = there && descriptorOf(path);
    if (open !== undefined && there?.isFile()) return await writeByThread(open, bytes);
    if (there && !there.isFile() && !there.isDirectory()) {
      if (plaintext && open === undefined && !there.isCharacterDevice())
        checkNotPlanted(path, realpathSync.native(path), there);
      const device = await withRoom(() => promises.open(path, constants.O_WRONLY));
      return await device.writeFile(bytes).finally(() => device.close());
    }
  } catch (error) {
    throw writeError(error, path);
  }
  // a new copy of what stands encrypted elsewhere can be made again: waiting for the disk would be for nothing
  await replace(path, bytes, {
    newMode: plaintext ? PRIVATE : SHARED,
    chosen: true,
    plaintext,
    flush: !plaintext,
  });
}

/** Whether `createFile` replaces a file at this path. */
export function isReplaced(path: string): boolean {
  return descriptorOf(path) === undefined && statOf(path)?.isFile() === true;
}

/** What `/dev/stdout` and its like stand for: a file that is open already, whose own name may be gone. */
function descriptorOf(path: string): number | undefined {
  if (path === "/dev/stdout") return 1;
  if (path === "/dev/stderr") return 2;
  const number = /^\/(?:dev|proc\/self)\/fd\/(\d{1,9})$/.exec(path)?.[1];
  return number === undefined ? undefined : Number(number);
}

/**
 * Creates a file and never overwrites one. It appears whole or not at all.
 * @param options.mode permission bits; default 0600, for its owner alone.
 * @throws TsopsError("write"), also if something of that name is there.
 */
export async function createNew(
  path: string,
  bytes: Uint8Array,
  { mode = PRIVATE }: { mode?: number } = {},
): Promise<void> {
  let temporary: Temporary | undefined;
  try {
    temporary = await writeBeside(path, bytes, { mode, flush: true });
    linkOrRename(temporary.path, path);
    await flushFolder(dirname(path));
  } catch (error) {
    throw errorCode(error) === "EEXIST" ? exists(path) : writeError(error, path);
  } finally {
    temporary?.discard();
  }
}

interface Replacing extends ReplaceOptions {
  /** Permission bits of a file that was not there. */
  readonly newMode: number;
  /** The file there is the person's choice for this very content, so its mode is, too. */
  readonly chosen?: boolean;
  readonly flush: boolean;
}

async function replace(path: string, bytes: Uint8Array, options: Replacing): Promise<Replaced> {
  const { newMode, plaintext = false, flush } = options;
  let temporary: Temporary | undefined;
  try {
    const target = isLink(path) ? followLinks(path) : path;
    const before = statIfThere(target);
    if (before && !before.isFile()) throw notAFile(path, before.isDirectory());
    if (plaintext) checkNotPlanted(path, target, before);
    // a rename would go through, but who took away the permission to write meant it
    if (before) accessSync(target, constants.W_OK);
    // what replaces a file must be on the disk before the old content is gone
    const flushed = flush || before !== undefined;
    const finish = (fd: number): void => {
      if (before && process.platform !== "win32") keepOwner(fd, before);
      const mode = options.mode ?? (before && modeOver(before, options, fd));
      if (mode !== undefined) keepMode(fd, mode);
    };
    temporary = await writeBeside(target, bytes, {
      mode: before ? PRIVATE : newMode,
      flush: flushed,
      finish,
    });
    if (options.expected && (await changedSince(options.expected))) throw changed(path);
    await renameOver(temporary.path, target);
    temporary.gone();
    if (flushed) await flushFolder(dirname(target));
    const narrowed =
      plaintext && before !== undefined && (before.mode & ~statSync(target).mode & 0o077) !== 0;
    return { otherNames: Math.max(0, (before?.nlink ?? 1) - 1), inode: before?.ino ?? 0, narrowed };
  } catch (error) {
    throw writeError(error, path);
  } finally {
    temporary?.discard();
  }
}

/** The permission bits for what replaces a file. */
function modeOver(before: Stats, { plaintext, chosen }: Replacing, fd: number): number {
  if (!plaintext) return before.mode;
  const sameGroup = fstatSync(fd).gid === before.gid;
  const keeps = chosen && isMine(before.uid) && before.nlink <= 1;
  if (!keeps) return before.mode & 0o700;
  return before.mode & (sameGroup ? 0o777 : 0o707);
}

interface Temporary {
  readonly path: string;
  /** It has no temporary name any more; the name may be another process's by now. */
  gone(): void;
  /** Takes the file away unless it is gone. */
  discard(): void;
}

/** More than this is written by another thread. */
const AT_ONCE_BYTES = 2 ** 20;

/** Writes a new file in the target's folder, and flushes it if need be. Leaves nothing behind if that fails. */
async function writeBeside(
  target: string,
  bytes: Uint8Array,
  { mode, flush, finish }: { mode: number; flush: boolean; finish?: (fd: number) => void },
): Promise<Temporary> {
  let path: string | undefined;
  // asked for before the file is there, so that there is no moment at which a signal would leave it
  const done = onWayOut(() => {
    if (path !== undefined) unlinkIfThere(path);
  });
  const gone = (): void => {
    path = undefined;
    done();
  };
  const discard = (): void => {
    if (path !== undefined) unlinkIfThere(path);
    gone();
  };
  let fd: number | undefined;
  try {
    const opened = await withRoom(() => {
      const made = openTemporary(target, mode);
      // at once: a signal may come before this is awaited
      path = made.path;
      return made;
    });
    fd = opened.fd;
    if (bytes.length > AT_ONCE_BYTES) await writeByThread(fd, bytes);
    else writeFileSync(fd, bytes);
    finish?.(fd);
    if (flush) await flushByThread(fd);
    const open = fd;
    fd = undefined;
    closeSync(open);
    return { path: opened.path, gone, discard };
  } catch (error) {
    if (fd !== undefined) closeQuietly(fd);
    discard();
    throw error;
  }
}

// not with node:util: some runtimes load it at need, which takes as long as a small file
function writeByThread(fd: number, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    writeFile(fd, bytes, (error) => (error ? reject(error) : resolve()));
  });
}

function flushByThread(fd: number): Promise<void> {
  return new Promise((resolve, reject) => {
    fsync(fd, (error) => (error ? reject(error) : resolve()));
  });
}

function closeQuietly(fd: number): void {
  try {
    closeSync(fd);
  } catch {
    // the error that led here says more
  }
}

/** Some file systems know no modes; what the file has now is stricter. */
function keepMode(fd: number, mode: number): void {
  try {
    fchmodSync(fd, mode & 0o7777);
  } catch {
    // see above
  }
}

function keepOwner(fd: number, before: { uid: number; gid: number }): void {
  const { uid, gid } = fstatSync(fd);
  if (uid === before.uid && gid === before.gid) return;
  // only root may give files away; a group that one belongs to may be kept all the same
  try {
    fchownSync(fd, before.uid, before.gid);
  } catch {
    try {
      fchownSync(fd, uid, before.gid);
    } catch {
      // it is the writer's own, then
    }
  }
}

/** On Windows a virus scanner or an editor holds files for moments in which they cannot be replaced. */
const WINDOWS_TRIES_MS: readonly number[] = process.platform === "win32" ? [10, 30, 100, 300, 600] : [];

async function renameOver(from: string, to: string): Promise<void> {
  for (const wait of WINDOWS_TRIES_MS) {
    try {
      renameSync(from, to);
      return;
    } catch (error) {
      if (!["EPERM", "EACCES", "EBUSY"].includes(errorCode(error) ?? "")) throw error;
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }
  renameSync(from, to);
}

/** Gives a file its name unless that is taken. File systems without hard links cannot do both in one step. */
function linkOrRename(from: string, to: string): void {
  try {
    linkSync(from, to);
    return;
  } catch (error) {
    if (!["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"].includes(errorCode(error) ?? "")) throw error;
  }
  if (statIfThere(to)) throw Object.assign(new Error("the file exists"), { code: "EEXIST" });
  renameSync(from, to);
}

/**
 * Makes a rename outlive a loss of power. Not every system can; both the old and the new content are whole, so
 * failing here would only hide that the new one is in place.
 */
async function flushFolder(folder: string): Promise<void> {
  try {
    const fd = await withRoom(() => openSync(folder, "r"));
    await flushByThread(fd).finally(() => closeSync(fd));
  } catch {
    // see above
  }
}

function isLink(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;
}

function statIfThere(path: string): Stats | undefined {
  return statSync(path, { throwIfNoEntry: false });
}

function notAFile(path: string, folder: boolean): TsopsError {
  return new TsopsError(
    "write",
    `this is ${folder ? "a folder" : "not a regular file"}, so it cannot be replaced`,
    {
      hint: folder ? "name a file" : "write to a regular file, or to standard output",
      place: { file: path },
    },
  );
}

function exists(path: string): TsopsError {
  return new TsopsError("write", "the file exists already, and is not overwritten", {
    hint: "choose another name, or move the file away",
    place: { file: path },
  });
}

function changed(path: string): TsopsError {
  return new TsopsError("changed-on-disk", "the file was changed by somebody else in the meantime", {
    hint: "nothing was written; look at the change, then do it again",
    place: { file: path },
  });
}
