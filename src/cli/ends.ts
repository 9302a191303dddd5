import type { Io } from "./io.ts";

/** What is to be done when a run ends, and nobody else will do. */
const ends = new WeakMap<Io, (() => void)[]>();

export function atEnd(io: Io, work: () => void): void {
  ends.set(io, [...(ends.get(io) ?? []), work]);
}

/** For the end of a run, and before it waits for a program that may stay for days. */
export function endRun(io: Io): void {
  for (const work of ends.get(io) ?? []) work();
}
