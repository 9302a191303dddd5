import {
  type BigIntStats,
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  linkSync,
  lstatSync,
  openSync,
  readFileSync,
  readlinkSync,
  statfsSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import { isShortage } from "../descriptors.ts";
import { TsopsError } from "../errors.ts";
import { errorCode } from "./errors.ts";
import { openTemporary, ownName, unlinkIfThere } from "./own.ts";

/*
 * What stands in a lock file, and how it is known that nobody holds it any more.
 *
 * A lock appears whole: it is written under another name, and link(2) gives it its own, which only one process can do.
 * A process of this machine is looked at: its number and start must be those of the lock. Another machine's is known to
 * be alive by the times that it sets. A lock also names its own inode: a copy of one, such as git, rsync or a backup
 * brings along, has another, and is nobody's.
 */

/** What a lock file says about who holds it. */
export interface Holder {
  /** Differs for every lock that was ever taken. */
  readonly token: string;
  readonly pid: number;
  /** When the process started, in the system's own count: process numbers are used again. */
  readonly started: string;
  /** The machine, its boot and its table of processes: only there does the process number mean anything. */
  readonly where: string;
}

/** A lock file as it stands there. */
export interface Standing extends Partial<Holder> {
  readonly path: string;
  readonly kind: "lock" | "empty" | "unreadable" | "foreign";
  /** Changes with every sign of life, and with everything else. */
  readonly state: string;
  readonly modified: number;
  /** Whether it is a copy of a lock. */
  readonly copy: boolean;
}

const WINDOWS = process.platform === "win32";
const MAX_BYTES = 4096;

/** A lock from another machine without a sign of life for so long is given up. */
export const SILENT_MS = 30_000;
/** Clocks of machines that share a folder do not differ by more: such a lock need not be watched first. */
const OLD_MS = 10 * 60_000;
/** Where a lock cannot appear whole, it is filled by the next call of its process. */
const FILLED_AFTER_MS = 1_000;

/** Where and since when this process runs. That does not change, and a thousand locks need not ask for it. */
let here: Pick<Holder, "started" | "where"> | undefined;

/** Who this process is, with a token for one lock. @throws the system's error if nothing more can be opened. */
export function myself(token: string): Holder {
  here ??= { started: startOf("self"), where: whereabouts() };
  return { token, pid: process.pid, ...here };
}

/** Takes the lock; false if somebody has it. Synchronous, so that a signal finds it taken or not. */
export function takeLock(lock: string, me: Holder): boolean {
  if (lstatSync(lock, { throwIfNoEntry: false })) return false;
  clearHalf(lock, me);
  const { path: half, fd } = openTemporary(lock, 0o644);
  try {
    const inode = fill(fd, me);
    return linkNew({ half, inode }, lock, me);
  } finally {
    unlinkIfThere(half);
  }
}

/** What a process left that was killed just then. */
function clearHalf(lock: string, me: Holder): void {
  const half = ownName(lock, "tmp");
  try {
    const left = lookAt(half);
    if (left?.kind === "lock" && left.where === me.where && isDead(left, me, 0)) unlinkIfThere(half);
  } catch {
    // then another name serves
  }
}

/** @returns its inode. */
function fill(fd: number, me: Holder): string {
  try {
    // others are to see who holds it, whatever the umask
    fchmodSync(fd, 0o644);
    const inode = String(fstatSync(fd, { bigint: true }).ino);
    writeFileSync(fd, JSON.stringify({ ...me, inode }));
    return inode;
  } finally {
    closeSync(fd);
  }
}

function linkNew({ half, inode }: { half: string; inode: string }, lock: string, me: Holder): boolean {
  try {
    linkSync(half, lock);
  } catch (error) {
    const code = errorCode(error) ?? "";
    if (["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"].includes(code)) return create(lock, me);
    // NFS also says EEXIST of a link that it did make; ENOENT: somebody took the half for one that was left
    if (code !== "EEXIST" && code !== "ENOENT") throw error;
  }
  // most often this says it, and there may be no room to open it
  if (seenAt(lock)?.inode === inode) return true;
  return lookAt(lock)?.token === me.token;
}

/** For file systems without hard links, such as FAT. */
function create(lock: string, me: Holder): boolean {
  let fd: number;
  try {
    fd = openSync(lock, "wx", 0o644);
  } catch (error) {
    const code = errorCode(error);
    // Windows says EPERM or EBUSY while a lock that was just removed is still going
    if (code === "EEXIST" || (WINDOWS && (code === "EPERM" || code === "EBUSY"))) return false;
    throw error;
  }
  try {
    fill(fd, me);
    return true;
  } catch (error) {
    unlinkIfThere(lock);
    throw error;
  }
}

/** What a lock looks like from outside: this opens nothing. */
export interface Seen {
  readonly inode: string;
  /** Changes with every sign of life, and with everything else. */
  readonly state: string;
}

export function seenAt(lock: string): Seen | undefined {
  const info = lstatSync(lock, { bigint: true, throwIfNoEntry: false });
  return info && { inode: String(info.ino), state: stateOf(info) };
}

function stateOf({ ino, mtimeNs, size }: BigIntStats): string {
  return `${ino} ${mtimeNs} ${size}`;
}

/**
 * What stands in the place of a lock, undefined if nothing does.
 * @throws TsopsError("lock") if it is a folder, a link or the like: nothing is read there, and nobody ever takes it away;
 * the system's error if nothing more can be opened, which says nothing of the lock.
 */
export function lookAt(lock: string): Standing | undefined {
  const info = lstatSync(lock, { bigint: true, throwIfNoEntry: false });
  if (!info) return undefined;
  if (!info.isFile()) throw inTheWay(lock, kindOf(info));
  const there = {
    path: lock,
    modified: Number(info.mtimeMs),
    state: stateOf(info),
    copy: false,
  };
  if (info.size === 0n) return { ...there, kind: "empty" };
  if (info.size > MAX_BYTES) return { ...there, kind: "foreign" };
  let text: string;
  try {
    text = readQuickly(lock);
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    if (isShortage(error)) throw error;
    return { ...there, kind: "unreadable" };
  }
  const holder = parse(text);
  if (!holder) return { ...there, kind: "foreign" };
  const copy = holder.inode !== String(info.ino) && inodesLast(lock);
  return { ...there, ...holder, kind: "lock", copy, state: `${there.state} ${holder.token}` };
}

/** Neither follows a link nor waits for a pipe that was put there a moment ago. */
function readQuickly(path: string): string {
  const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants;
  return readFileSync(path, { encoding: "utf8", flag: (O_RDONLY | O_NOFOLLOW | O_NONBLOCK) as never });
}

function parse(text: string): (Holder & { inode: string }) | undefined {
  try {
    const { token, pid, started, where, inode } = JSON.parse(text) as Record<string, unknown>;
    if (typeof token !== "string" || typeof where !== "string" || typeof pid !== "number") return undefined;
    return { token, pid, started: String(started), where, inode: String(inode) };
  } catch {
    return undefined;
  }
}

/**
 * Whether nobody holds a lock any more.
 * @param silence for how long it has been looking the same.
 * @throws TsopsError("lock") if it is no lock.
 */
export function isDead(lock: Standing, me: Holder, silence: number): boolean {
  const old = Date.now() - lock.modified > OLD_MS;
  switch (lock.kind) {
    case "empty":
      return old || silence > FILLED_AFTER_MS;
    case "foreign":
      // one that is being filled has a moment for that
      if (old || silence > FILLED_AFTER_MS / 10) throw inTheWay(lock.path, "a file that is not a lock");
      return false;
    case "unreadable":
      return old || silence > SILENT_MS;
    default:
      if (lock.where === me.where) return !isRunning(lock, me);
      return lock.copy || old || silence > SILENT_MS;
  }
}

function isRunning({ pid = 0, started = "" }: Standing, me: Holder): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  if (started === "" && me.started !== "") return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    // somebody else's process is running, too
    if (errorCode(error) !== "EPERM") return false;
  }
  const now = startOf(pid);
  // not every system tells, and not of everybody's processes
  return now === "" || now === started;
}

/** File systems, by their numbers in statfs(2), that give one file another inode number elsewhere, or later. */
const CHANGING_INODES: readonly number[] = [
  0x65735546, // FUSE
  0x01021997, // 9p
  0xfe534d42, // SMB
  0xff534d42,
  0x517b,
  0x786f4256, // VirtualBox
  0x4d44, // FAT
  0x2011bab0, // exFAT
];

function inodesLast(lock: string): boolean {
  if (process.platform !== "linux") return true;
  try {
    return !CHANGING_INODES.includes(statfsSync(dirname(lock)).type >>> 0);
  } catch {
    return false;
  }
}

/** Removes a lock that nobody holds. @throws TsopsError("lock") if that is not allowed, as in a sticky folder. */
export function removeLock(lock: string): void {
  try {
    unlinkSync(lock);
  } catch (error) {
    const code = errorCode(error);
    if (code === "ENOENT" || (WINDOWS && (code === "EPERM" || code === "EBUSY"))) return;
    throw inTheWay(lock, `a lock that nobody holds any more and that cannot be removed (${code})`);
  }
}

function inTheWay(lock: string, what: string): TsopsError {
  return new TsopsError("lock", `there is ${what} in the place of the lock: ${lock}`, {
    hint: "nothing was written; look at it, then remove it: tsops did not put it there",
  });
}

function kindOf(info: BigIntStats): string {
  if (info.isDirectory()) return "a folder";
  return info.isSymbolicLink() ? "a symbolic link" : "something that is not a file";
}

function whereabouts(): string {
  const orNothing = (read: () => string): string => {
    try {
      return read().trim();
    } catch (error) {
      if (isShortage(error)) throw error;
      return "";
    }
  };
  const boot = orNothing(() => readFileSync("/proc/sys/kernel/random/boot_id", "utf8"));
  return [hostName(), boot, orNothing(() => readlinkSync("/proc/self/ns/pid"))].join(" ");
}

/** When a process started: field 22 of proc(5)'s stat, counted after the name, which may hold anything. */
function startOf(pid: number | "self"): string {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "latin1");
    return text.slice(text.lastIndexOf(")") + 2).split(" ")[19] ?? "";
  } catch (error) {
    // without it, others would take this process for one that is gone
    if (isShortage(error)) throw error;
    return "";
  }
}

/** Loaded only by those who take a lock: reading is the more common thing. */
export function hostName(): string {
  return process.getBuiltinModule("node:os").hostname();
}
