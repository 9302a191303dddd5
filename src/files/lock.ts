import { randomUUID } from "node:crypto";
import { accessSync, linkSync, lutimesSync, renameSync } from "node:fs";
import { isShortage, withRoom } from "../descriptors.ts";
import { TsopsError } from "../errors.ts";
import { readError, writeError } from "./errors.ts";
import {
  type Holder,
  hostName,
  isDead,
  lookAt,
  myself,
  removeLock,
  type Seen,
  type Standing,
  seenAt,
  takeLock,
} from "./lockfile.ts";
import { freshName, ownName, unlinkIfThere } from "./own.ts";
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
  /** Is told once who is waited for, if that takes more than a moment. */
  readonly waiting?: (who: string) => void;
  /** For tests. */
  readonly clock?: Clock;
}

/** This process's own clock: those of two machines may differ. */
export interface Clock {
  /** Milliseconds since some moment. */
  now(): number;
  pause(milliseconds: number, signal?: AbortSignal): Promise<void>;
}

/** Long enough for a change that asks key services; whoever waits longer wants to know. */
const TIMEOUT_MS = 60_000;
const SHORTEST_WAIT_MS = 4;
const LONGEST_WAIT_MS = 100;
const MOMENT_MS = 1000;
/** A holder says so often that it is alive, for waiters that cannot look at its process. */
const SIGN_OF_LIFE_MS = 5_000;

/**
 * Runs `work` while no other process that asks for the same file does, whatever name it calls the file by. The lock
 * is released on every way out.
 * @throws TsopsError("lock") if others hold it for too long or something else stands in its place,
 * TsopsError("aborted"), TsopsError("no-such-file") if the folder does not exist, TsopsError("write") if nothing can be
 * written there; and what `work` throws.
 */
export async function withLock<T>(
  path: string,
  work: () => Promise<T>,
  options: LockOptions = {},
): Promise<T> {
  const lock = lockPath(path);
  let held: Held | undefined;
  // asked for before the lock is there, so that there is no moment at which a signal would leave it
  const done = onWayOut(() => {
    if (held) unlinkIfThere(lock);
  });
  try {
    try {
      const me = await withRoom(() => myself(randomUUID()), options.signal);
      const take = (): boolean => {
        if (takeLock(lock, me)) held = new Held(lock, me);
        return held !== undefined;
      };
      await acquire({ lock, path, me }, take, options);
    } catch (error) {
      throw options.signal?.aborted && isShortage(error) ? stopped() : meaningOf(error, path);
    }
    return await holding(held!, work);
  } finally {
    await held?.release();
    done();
  }
}

async function holding<T>(held: Held, work: () => Promise<T>): Promise<T> {
  const alive = setInterval(() => held.giveSign(), SIGN_OF_LIFE_MS);
  alive.unref();
  try {
    return await work();
  } finally {
    clearInterval(alive);
  }
}

/**
 * A lock that this process holds. It is known by how it looks from outside, which this process alone decides: to open it
 * and read who holds it, there may be no room.
 */
class Held {
  private readonly lock: string;
  private readonly me: Holder;
  private last: Seen | undefined;

  constructor(lock: string, me: Holder) {
    this.lock = lock;
    this.me = me;
    this.last = seenAt(lock);
  }

  giveSign(): void {
    try {
      const now = seenAt(this.lock);
      if (now === undefined || now.inode !== this.last?.inode) return;
      lutimesSync(this.lock, new Date(), new Date());
      // what somebody else changed is not taken for its looks any more
      if (now.state === this.last.state) this.last = seenAt(this.lock);
    } catch {
      // the next one may come through
    }
  }

  /** It is somebody else's if this process was silent for so long that it was given up. */
  async release(): Promise<void> {
    try {
      const now = seenAt(this.lock);
      if (now === undefined) return;
      const { lock, me } = this;
      const mine = now.state === this.last?.state || (await withRoom(() => lookAt(lock)?.token === me.token));
      if (mine) unlinkIfThere(lock);
    } catch {
      // so is what stands there now
    }
  }
}

/** The lock's own place: the file's folder, so that everybody who can write the file meets there. */
function lockPath(path: string): string {
  try {
    return ownName(followLinks(path), "lock");
  } catch (error) {
    throw readError(error, path);
  }
}

async function acquire(
  { lock, path, me }: { readonly lock: string; readonly path: string; readonly me: Holder },
  take: () => boolean,
  { signal, timeout = TIMEOUT_MS, waiting, clock = REAL }: LockOptions,
): Promise<void> {
  const start = clock.now();
  let said = waiting === undefined;
  const watch = new Watch(clock);
  // every round comes to its end: there the time is looked at, and there it waits
  for (let wait = SHORTEST_WAIT_MS; ; wait = Math.min(wait * 1.5, LONGEST_WAIT_MS)) {
    if (signal?.aborted) throw stopped();
    const there = await withRoom(() => {
      if (take()) return TAKEN;
      const standing = lookAt(lock);
      if (standing && isDead(standing, me, watch.silence(standing))) breakLock(lock, standing, me, watch);
      return standing;
    }, signal);
    if (there === TAKEN) return;
    const passed = clock.now() - start;
    if (passed > timeout) throw heldTooLong(path, lock, there);
    if (!said && passed > MOMENT_MS) {
      said = true;
      waiting?.(nameOf(there));
    }
    // waiters that came together should not ask together for ever
    await clock.pause(wait * (0.5 + Math.random()), signal);
  }
}

const TAKEN = Symbol("taken");

/**
 * Takes away what a killed process of this machine left beside a file: its lock, and what it was writing, which may be a
 * plaintext. For files that nobody is about to change.
 */
export function clearLeft(path: string): void {
  try {
    const lock = ownName(path, "lock");
    const there = lookAt(lock);
    if (there?.kind !== "lock") return;
    const me = myself(randomUUID());
    if (there.where === me.where && isDead(there, me, 0)) breakLock(lock, there, me, new Watch(REAL));
  } catch {
    // whoever changes the file is told
  }
}

/** That the file is not there says more than that its folder cannot be written to. */
function meaningOf(error: unknown, path: string): unknown {
  if (error instanceof TsopsError) return error;
  try {
    accessSync(path);
  } catch (missing) {
    return readError(missing, path);
  }
  return writeError(error, path);
}

/**
 * Removes a lock that was left behind. Only who holds the second lock may do so, after looking again: between
 * looking and removing, nobody else can have taken the first one.
 */
function breakLock(lock: string, left: Standing, me: Holder, watch: Watch): void {
  const guard = `${lock}-break`;
  if (takeLock(guard, me)) {
    try {
      if (lookAt(lock)?.state === left.state) {
        // its holder may have been killed while it wrote, perhaps a plaintext; once the lock is gone, a file of this
        // name is the next holder's
        unlinkIfThere(lock.replace(/lock$/, "tmp"));
        removeLock(lock);
      }
    } finally {
      unlinkIfThere(guard);
    }
    return;
  }
  const there = lookAt(guard);
  if (there && isDead(there, me, watch.silence(there))) takeAway(there);
}

/** Removes a second lock, for which there is no third: it is looked at again when nobody else can reach it. */
function takeAway({ path, state }: Standing): void {
  const aside = freshName(path);
  try {
    renameSync(path, aside);
  } catch {
    // somebody else was faster; if it is not allowed, the time limit holds
    return;
  }
  if (!looksLike(aside, state)) {
    try {
      linkSync(aside, path);
    } catch {
      // somebody took it meanwhile
    }
  }
  unlinkIfThere(aside);
}

/** No if it cannot be looked at: then it has to be put back. */
function looksLike(path: string, state: string): boolean {
  try {
    return lookAt(path)?.state === state;
  } catch {
    return false;
  }
}

/** How long something has been looking the same. */
class Watch {
  private readonly since = new Map<string, number>();
  private readonly clock: Clock;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  silence({ path, state }: Standing): number {
    const now = this.clock.now();
    const key = `${state} ${path}`;
    const first = this.since.get(key) ?? now;
    this.since.set(key, first);
    return now - first;
  }
}

const REAL: Clock = {
  now: () => performance.now(),
  pause: async (milliseconds, signal) => {
    try {
      const { setTimeout: sleep } = await import("node:timers/promises");
      await sleep(milliseconds, undefined, { signal });
    } catch {
      throw stopped();
    }
  },
};

function stopped(): TsopsError {
  return new TsopsError("aborted", "stopped while waiting for another process");
}

function heldTooLong(path: string, lock: string, holder: Standing | undefined): TsopsError {
  return new TsopsError("lock", `${nameOf(holder)} has been changing the file for too long`, {
    hint: `wait until it is done, or end it; if there is no such process any more, delete ${lock}`,
    place: { file: path },
  });
}

function nameOf(holder: Standing | undefined): string {
  const { pid = 0 } = holder ?? {};
  return pid > 0 ? `process ${pid}${place(holder)}` : "another process";
}

function place(holder: Standing | undefined): string {
  const host = holder?.where?.split(" ")[0] ?? "";
  // the lock file may be anybody's work
  return host === hostName() || !/^[\w.-]{1,64}$/.test(host) ? "" : ` on ${host}`;
}
