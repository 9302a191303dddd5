import { inFile } from "../errors.ts";
import { type Alike, alike, type Failure, isInOwnFile } from "./alike.ts";
import type { Run } from "./command.ts";
import type { Io } from "./io.ts";
import { note, reportError, tell } from "./report.ts";

export type { Failure } from "./alike.ts";

/** Whoever has more kinds of errors than this has one cause for them. */
const SHOWN_ERRORS = 20;
/** So few files are named each. */
const FEW = 2;

/** Says what went wrong. What is the same for many files is said once, with how many they are. */
export async function reportFailures(failures: readonly Failure[], { io, args }: Run): Promise<void> {
  const kinds = alike(failures, io.cwd, args.verbose);
  const shown = args.verbose ? kinds.length : SHOWN_ERRORS;
  for (const kind of kinds.slice(0, shown)) await reportAlike(kind, io, args.verbose);
  const left = kinds.slice(shown);
  if (left.length === 0) return;
  const files = left.reduce((sum, kind) => sum + kind.failures.length, 0);
  await note(
    io,
    `and ${counted(left.length, "other error")} of ${counted(files, "file")}; --verbose shows them`,
  );
}

async function reportAlike({ failures, exact }: Alike, io: Io, verbose: boolean): Promise<void> {
  const errors = failures.map(({ name, error }) => inFile(error, name));
  const [first, ...others] = failures.map(({ name }) => name);
  // the place may be in a configuration that all of them need
  const own = isInOwnFile(failures[0]!, io.cwd);
  if (failures.length <= FEW && own) {
    for (const error of errors) await reportError(error, io);
    return;
  }
  await reportError(errors[0], io);
  if (failures.length === 1) return;
  const names = own ? others : [first!, ...others];
  const much = exact ? "the same" : "the same but for ids or times in it";
  const lines = verbose
    ? ["  the same for:", ...names.map((name) => `    ${name}`)]
    : [
        `  ${much} for ${names.length}${own ? " more" : ""} files; --verbose ${exact ? "lists" : "shows"} them`,
      ];
  await tell(io, lines);
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}
