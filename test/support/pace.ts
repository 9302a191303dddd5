import { setTimeout as sleep } from "node:timers/promises";
import * as assert from "uvu/assert";

/** Tests say nothing about how fast the machine is: they wait for what happens, and compare costs with each other. */

/** Only a test that would wait for ever gets here. */
const HANGS_MS = 180_000;

/** Waits until something has happened. @throws if it never does. */
export async function until(happened: () => boolean | Promise<boolean>, what = "it"): Promise<void> {
  for (const start = performance.now(); !(await happened()); await sleep(5)) {
    if (performance.now() - start > HANGS_MS) throw new Error(`${what} did not happen`);
  }
}

/** What becomes of work that has to end. @throws if it never does. */
export async function ending<T>(work: Promise<T>): Promise<T> {
  const stop = new AbortController();
  const never = sleep(HANGS_MS, undefined, { signal: stop.signal }).then(() => {
    throw new Error("it did not end");
  });
  try {
    return await Promise.race([work, never]);
  } finally {
    stop.abort();
    never.catch(() => undefined);
  }
}

/** Something that others wait at until it is opened. */
export interface Gate {
  readonly opened: Promise<void>;
  open(): void;
}

export function gate(): Gate {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open: () => open() };
}

/** The CPU time that work takes, in microseconds: what other processes do meanwhile is not in it. */
export async function cost(work: () => unknown): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

const TIMES = 8;
/** For eight times as much, linear work takes 8 times as long, quadratic work 64 times. */
const STILL_LINEAR = 24;
const TRIES = 3;

/**
 * Sees that work grows with its size, and not with its square. `size` should be so large that the square would be felt.
 * Garbage collection and the compiler come in between at times, so it may try again.
 */
export async function assertLinear(work: (size: number) => unknown, size: number): Promise<void> {
  await work(size);
  const ratios: number[] = [];
  for (let i = 0; i < TRIES; i++) {
    const once = await cost(() => work(size));
    const more = await cost(() => work(TIMES * size));
    if (more < STILL_LINEAR * once) return;
    ratios.push(Math.round(more / once));
  }
  assert.unreachable(`${TIMES} times as much takes ${ratios.join(", ")} times as long`);
}
