import { closeSync, openSync } from "node:fs";

/*
 * A process may have so many files, connections and pipes open at once, and so may a machine. Where there is no room for
 * one more, what is open is closed again in a moment: files that were worked on side by side wait for each other.
 */

/** The process's own limit, and the machine's. */
const SHORT: ReadonlySet<unknown> = new Set(["EMFILE", "ENFILE"]);

/** For so long nothing can be opened at all before that is an error. */
const PATIENCE_MS = 30_000;
/** Who waits asks much more often than this. */
const OVER_MS = 5_000;
const SHORTEST_MS = 5;
const LONGEST_MS = 200;

/** Since when nothing could be opened. It is the process's, as descriptors are. */
let shortSince: number | undefined;
/** When somebody found no room the last time. */
let lastMet = 0;

/** Whether an error says that nothing more can be opened, wherever that was found out. */
export function isShortage(error: unknown): boolean {
  for (let [at, depth] = [error, 0]; typeof at === "object" && at !== null && depth < 8; depth++) {
    const { code, errno, cause, errors } = at as Record<string, unknown> & { errors?: unknown[] };
    if (SHORT.has(code) || SHORT.has(errno)) return true;
    at = (Array.isArray(errors) ? errors[0] : undefined) ?? cause;
  }
  return false;
}

/**
 * Does what opens something; while there is no room for that, again after a moment.
 * @param work changes nothing where it fails.
 * @throws what `work` throws, also where there was no room for half a minute or the signal ends the waiting.
 */
export async function withRoom<T>(work: () => T | Promise<T>, signal?: AbortSignal): Promise<T> {
  // of its own, too: what is opened inside may find room each time, and something else never
  let until = Number.POSITIVE_INFINITY;
  for (let wait = SHORTEST_MS; ; wait = Math.min(wait * 1.5, LONGEST_MS)) {
    try {
      const result = await work();
      shortSince = undefined;
      return result;
    } catch (error) {
      if (!isShortage(error) || signal?.aborted || !mayPass() || performance.now() >= until) throw error;
      until = Math.min(until, performance.now() + PATIENCE_MS);
    }
    await new Promise((resolve) => setTimeout(resolve, wait * (0.5 + Math.random())));
  }
}

/**
 * Whether a shortage is worth waiting for. Those who find out that it lasts do so together, not one after the other.
 * Connections that nobody uses are closed for it: a server may keep them for minutes.
 */
export function mayPass(): boolean {
  closeUnused();
  const now = performance.now();
  // one that nobody has met for a while is over, whoever found that out
  if (shortSince === undefined || now - lastMet > OVER_MS) shortSince = now;
  lastMet = now;
  return now - shortSince < PATIENCE_MS;
}

/**
 * Looks whether so many descriptors can be opened, where that can be known. To be asked before a program is started: where its start finds no room,
 * Node leaves some of its pipes open for ever (tried with 20.20), and makes none of those that callers use.
 * @throws the system's error if they cannot
 */
export function checkRoom(count: number): void {
  if (process.platform === "win32") return;
  const opened: number[] = [];
  try {
    while (opened.length < count) opened.push(openSync("/dev/null", "r"));
  } catch (error) {
    // without /dev/null nothing is known
    if (isShortage(error)) throw error;
  } finally {
    for (const descriptor of opened) closeSync(descriptor);
  }
}

/** What keeps connections for later, such as an agent of node:http. */
interface Keeper {
  readonly freeSockets: Readonly<Record<string, readonly { destroy(): unknown }[] | undefined>>;
}

/** Whoever needs a keeper no more just forgets it, so nothing here holds it. */
const keepers = new Set<WeakRef<Keeper>>();

/** Has the unused connections of a keeper closed where there is no room for something else. */
export function closeForRoom(keeper: Keeper): void {
  for (const known of keepers) if (!known.deref()) keepers.delete(known);
  keepers.add(new WeakRef(keeper));
}

function closeUnused(): void {
  for (const known of keepers)
    for (const sockets of Object.values(known.deref()?.freeSockets ?? {}))
      for (const socket of [...(sockets ?? [])]) socket.destroy();
}
