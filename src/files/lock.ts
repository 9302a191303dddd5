import { createHash, randomUUID } from "node:crypto";
import fs, { closeSync, openSync, readFileSync, readlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { TsopsError } from "../errors.ts";
import { errorCode, readError, writeError } from "./errors.ts";
import { followLinks } from "./target.ts";
import { onWayOut } from "./wayout.ts";

/*
 * One process at a time changes a file. The lock is a small file beside it that names its holder, so a lock whose
 * holder was killed is found at once, by its process number. proper-lockfile was tried for this: it knows a lock
 * only by its age, and of four processes that found an old one, two held it at the same time now and then, because
 * each removed what it took for the old lock. Here only one process at a time may remove a lock, and looks again
 * before it does.
 */

export interface LockOptions {
  readonly signal?: AbortSignal;
  /** How long to wait for others, in milliseconds. Default one minute. */
  readonly timeout?: number;
}

const WINDOWS = process.platform === "win32";

/** Long enough for a change that asks key services; whoever waits longer wants to know. */
const TIMEOUT_MS = 60_000;
const SHORTEST_WAIT_MS = 4;
const LONGEST_WAIT_MS = 100;
/** A holder says so often that it is alive, for waiters that cannot look at its process. */
const SIGN_OF_LIFE_MS = 5_000;
/** A lock from another machine without a sign of life for so long is given up. */
const SILENT_MS = 30_000;
const MAX_LOCK_BYTES = 4096;

/** What a lock file says about who holds it. */
interface Holder {
  /** Differs for every lock that was ever taken. */
  readonly token: string;
  readonly pid: number;
  /** When the process started, in the system's own count: process numbers are used again. */
  readonly started: string;
  /** The machine, its boot and its table of processes: only there does the process number mean anything. */
  readonly where: string;
}

/**
 * Runs `work` while no other process that asks for the same file does, whatever name it calls the file by. The lock
 * is released on every way out.
 * @throws TsopsError("lock") if others hold it for too long, TsopsError("aborted"), TsopsError("no-such-file") if
 * the folder does not exist, TsopsError("write") if nothing can be written there; and what `work` throws.
 */
export async function withLock<T>(
  path: string,
  work: () => Promise<T>,
  options: LockOptions = {},
): Promise<T> {
  const lock = lockPath(path);
  const me: Holder = {
    token: randomUUID(),
    pid: process.pid,
    started: startOf("self"),
    where: whereabouts(),
  };
  let mine = false;
  // asked for before the lock is there, so that there is no moment at which a signal would leave it
  const done = onWayOut(() => {
    if (mine) unlinkIfThere(lock);
  });
  try {
    const take = (): boolean => (mine = create(lock, me));
    await acquire(lock, take, me, path, options);
    return await holding(lock, work);
  } finally {
    if (mine) await release(lock, me);
    done();
  }
}

async function holding<T>(lock: string, work: () => Promise<T>): Promise<T> {
  const alive = setInterval(
    () => void fs.promises.utimes(lock, new Date(), new Date()).catch(() => undefined),
    SIGN_OF_LIFE_MS,
  );
  alive.unref();
  try {
    return await work();
  } finally {
    clearInterval(alive);
  }
}

async function release(lock: string, me: Holder): Promise<void> {
  const holder = await readLock(lock);
  // it is somebody else's if this process was silent for so long that it was given up
  if (holder === undefined || holder.token === me.token)
    await fs.promises.unlink(lock).catch(() => undefined);
}

/** The lock's own place: the file's folder, so that everybody who can write the file meets there. */
function lockPath(path: string): string {
  try {
    const target = followLinks(path);
    const name = createHash("sha256").update(basename(target)).digest("hex").slice(0, 16);
    return join(dirname(target), `.tsops-${name}.lock`);
  } catch (error) {
    throw readError(error, path);
  }
}

async function acquire(
  lock: string,
  take: () => boolean,
  me: Holder,
  path: string,
  options: LockOptions,
): Promise<void> {
  const end = performance.now() + (options.timeout ?? TIMEOUT_MS);
  const watch = new Watch();
  for (let wait = SHORTEST_WAIT_MS; ; wait = Math.min(wait * 1.5, LONGEST_WAIT_MS)) {
    if (options.signal?.aborted) throw stopped();
    if (await tryTo(take, path)) return;
    const holder = await readLock(lock);
    if (holder && isStale(holder, me, watch.silence(holder.token + holder.sign))) {
      await breakLock(lock, holder.token, watch);
      continue;
    }
    if (performance.now() > end) throw heldTooLong(path, lock, holder);
    // waiters that came together should not ask together for ever
    await pause(wait * (0.5 + Math.random()), options.signal);
  }
}

/** Takes the lock; false if somebody has it. Synchronous, so that a signal finds it taken or not. */
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
    writeFileSync(fd, JSON.stringify(me));
    return true;
  } catch (error) {
    unlinkIfThere(lock);
    throw error;
  } finally {
    closeSync(fd);
  }
}

async function tryTo(take: () => boolean, path: string): Promise<boolean> {
  try {
    return take();
  } catch (error) {
    // that the file is not there says more than that its folder cannot be written to
    await fs.promises.access(path).catch((missing: unknown) => {
      throw readError(missing, path);
    });
    throw writeError(error, path);
  }
}

/** Who holds a lock, undefined if nobody does. `sign` changes with every sign of life. */
async function readLock(lock: string): Promise<(Holder & { sign: string }) | undefined> {
  try {
    const info = await fs.promises.lstat(lock);
    // what stands there may be anybody's work: a pipe or a link to a device would be read for ever
    const ours = info.isFile() && info.size <= MAX_LOCK_BYTES;
    return {
      ...parseHolder(ours ? await fs.promises.readFile(lock, "utf8") : ""),
      sign: String(info.mtimeMs),
    };
  } catch {
    return undefined;
  }
}

/** A lock that is being written, or that is not ours at all, is held by somebody unknown. */
function parseHolder(text: string): Holder {
  try {
    const { token, pid, started, where } = JSON.parse(text) as Record<string, unknown>;
    return { token: String(token), pid: Number(pid), started: String(started), where: String(where) };
  } catch {
    return { token: "", pid: 0, started: "", where: "" };
  }
}

/** Whether the holder is surely gone: its process where that can be seen, else after a long silence. */
function isStale(holder: Holder, me: Holder, silence: number): boolean {
  if (holder.where === me.where && Number.isSafeInteger(holder.pid) && holder.pid > 0)
    return !isRunning(holder);
  return silence > SILENT_MS;
}

function isRunning({ pid, started }: Holder): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // somebody else's process is running, too
    if (errorCode(error) !== "EPERM") return false;
  }
  const now = startOf(pid);
  return now === "" || started === "" || now === started;
}

/**
 * Removes a lock that was left behind. Only who holds the second lock may do so, after looking again: between
 * looking and removing, nobody else can have taken the first one.
 */
async function breakLock(lock: string, token: string, watch: Watch): Promise<void> {
  const guard = `${lock}-break`;
  let mine = false;
  const done = onWayOut(() => {
    if (mine) unlinkIfThere(guard);
  });
  try {
    closeSync(openSync(guard, "wx"));
    mine = true;
    if ((await readLock(lock))?.token === token) await fs.promises.unlink(lock).catch(() => undefined);
  } catch {
    const left = await fs.promises.stat(guard).catch(() => undefined);
    if (left && watch.silence(`guard ${left.mtimeMs}`) > SILENT_MS)
      await fs.promises.unlink(guard).catch(() => undefined);
    await pause(SHORTEST_WAIT_MS);
  } finally {
    if (mine) await fs.promises.unlink(guard).catch(() => undefined);
    done();
  }
}

function unlinkIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // then nobody has to
  }
}

/** How long something has been looking the same, by this process's own clock: those of two machines may differ. */
class Watch {
  private readonly since = new Map<string, number>();

  silence(state: string): number {
    const now = performance.now();
    const first = this.since.get(state) ?? now;
    this.since.set(state, first);
    return now - first;
  }
}

function whereabouts(): string {
  const orNothing = (read: () => string): string => {
    try {
      return read().trim();
    } catch {
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
  } catch {
    return "";
  }
}

async function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  try {
    const { setTimeout: sleep } = await import("node:timers/promises");
    await sleep(milliseconds, undefined, { signal });
  } catch {
    throw stopped();
  }
}

function stopped(): TsopsError {
  return new TsopsError("aborted", "stopped while waiting for another process");
}

function heldTooLong(path: string, lock: string, holder: Holder | undefined): TsopsError {
  const who = holder && holder.pid > 0 ? `process ${holder.pid}${place(holder)}` : "another process";
  return new TsopsError("lock", `${who} has been changing the file for too long`, {
    hint: `wait until it is done, or end it; if there is no such process any more, delete ${lock}`,
    place: { file: path },
  });
}

function place(holder: Holder): string {
  const host = holder.where.split(" ")[0] ?? "";
  // the lock file may be anybody's work
  return host === hostName() || !/^[\w.-]{1,64}$/.test(host) ? "" : ` on ${host}`;
}

/** Loaded only by those who take a lock: reading is the more common thing. */
function hostName(): string {
  return process.getBuiltinModule("node:os").hostname();
}
