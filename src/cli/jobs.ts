import { TsopsError } from "../errors.ts";
import type { Run } from "./command.ts";

/** How many files are worked on side by side: waiting for key services overlaps, the rest has one thread anyway. */
const USUAL = 16;
const MOST = 256;

/** What `--jobs` says, or else TSOPS_JOBS. @throws TsopsError("usage") if it is no number from 1 to 256. */
export function jobsOf({ args, io: { env } }: Run): number {
  const [jobs, by] =
    args.jobs === undefined ? [Number(env.TSOPS_JOBS || USUAL), "TSOPS_JOBS"] : [args.jobs, "--jobs"];
  if (Number.isInteger(jobs) && jobs >= 1 && jobs <= MOST) return jobs;
  throw new TsopsError("usage", `${by} is not a number from 1 to ${MOST}`, {
    hint: `it says how many files are worked on side by side; ${USUAL} if nothing says so`,
  });
}
