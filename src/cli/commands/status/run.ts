import { realpathSync } from "node:fs";
import { resolve } from "node:path";
import { pathKey } from "../../../git/listing.ts";
import { reportFailures } from "../../failures.ts";
import type { Io } from "../../io.ts";
import { writeJson } from "../../json.ts";
import { tell } from "../../report.ts";
import { filesOrAll, type Surveyed, survey } from "../../survey.ts";
import { listingsFor } from "../../worktrees.ts";
import type { StatusRun } from "./command.ts";
import { statusJson } from "./json.ts";
import { statusLines } from "./lines.ts";
import { type Status, summaryOf } from "./summary.ts";

/**
 * `status`: what files are, without a key and without a judgement: exit code 0 whatever they are, 1 if some cannot be read.
 */
export async function status(run: StatusRun): Promise<number> {
  const { args, io } = run;
  const found = await filesOrAll(args.files, run);
  const { files, failures } = await survey(found, run, "looked at");
  const unmerged = await unmergedOf(files, io);
  const states = files.map((file): Status => ({ ...file, unmerged: unmerged.has(file) }));
  const now = Date.now();
  const summary = summaryOf(states, failures.length);
  if (args.json) await writeJson(io, statusJson(states, failures, summary));
  else await tell(io, statusLines(states, summary, { now, io, verbose: args.verbose }), "stdout");
  await reportFailures(failures, run);
  return failures.length > 0 ? 1 : 0;
}

/** The files of which git says that their merge is not finished. */
async function unmergedOf(files: readonly Surveyed[], io: Io): Promise<Set<Surveyed>> {
  const paths = files.map(({ file }) => realPathOf(resolve(io.cwd, file)));
  const listings = await listingsFor(paths, io);
  return new Set(files.filter((_, i) => listings[i]?.unmerged.has(pathKey(paths[i]!))));
}

function realPathOf(path: string): string {
  try {
    return realpathSync.native(path);
  } catch {
    return path;
  }
}
