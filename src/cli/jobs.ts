import { readFileSync } from "node:fs";
import { TsopsError } from "../errors.ts";
import type { Run } from "./command.ts";
import { note } from "./report.ts";

/** How many files are worked on side by side: waiting for key services overlaps, the rest has one thread anyway. */
const USUAL = 16;
const MOST = 256;

/** What a run has open itself: Node has about twenty, then there are scripts, standard streams and name lookups. */
const OWN = 40;
/** What a file has open at most at once, with some keys of several services, or another program and its pipes. */
const PER_FILE = 4;

/**
 * How many of so many files are worked on side by side: as many as `--jobs` says, or else TSOPS_JOBS, but not more than
 * this process has room for.
 * @throws TsopsError("usage") if that is no number from 1 to 256.
 */
export async function jobsFor(files: number, run: Run): Promise<number> {
  const { args, io } = run;
  const [jobs, by] =
    args.jobs === undefined ? [Number(io.env.TSOPS_JOBS || USUAL), "TSOPS_JOBS"] : [args.jobs, "--jobs"];
  if (!Number.isInteger(jobs) || jobs < 1 || jobs > MOST) {
    throw new TsopsError("usage", `${by} is not a number from 1 to ${MOST}`, {
      hint: `it says how many files are worked on side by side; ${USUAL} if nothing says so`,
    });
  }
  const wanted = Math.min(jobs, files);
  if (wanted <= 1) return 1;
  const room = roomForFiles();
  if (room >= wanted) return wanted;
  if (args.verbose)
    await note(io, `${room} files at once instead of ${wanted}: this process may open few (ulimit -n)`);
  return room;
}

/** Only Linux says how much a process may open. Elsewhere it is found out when there is no room (files/batch.ts). */
function roomForFiles(): number {
  const most = /^Max open files +(\d+)/m.exec(limitsOfProcess())?.[1];
  if (most === undefined) return Number.POSITIVE_INFINITY;
  return Math.max(1, Math.floor((Number(most) - OWN) / PER_FILE));
}

function limitsOfProcess(): string {
  try {
    return readFileSync("/proc/self/limits", "latin1");
  } catch {
    return "";
  }
}
