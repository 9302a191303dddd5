import { resolve } from "node:path";
import { inFile, TsopsError } from "../errors.ts";
import type { Run } from "./command.ts";
import type { Io } from "./io.ts";
import { note, reportError, tell } from "./report.ts";

/** A file that something went wrong with. */
export interface Failure {
  readonly name: string;
  readonly error: unknown;
}

/** Whoever has more kinds of errors than this has one cause for them. */
const SHOWN_ERRORS = 20;
/** So few files are named each. */
const FEW = 2;

/** Says what went wrong. What is the same for many files is said once, with how many they are. */
export async function reportFailures(failures: readonly Failure[], { io, args }: Run): Promise<void> {
  const alike = new Map<string, Failure[]>();
  for (const failure of failures) {
    const text = withoutName(failure, io.cwd);
    const same = alike.get(text);
    if (same) same.push(failure);
    else alike.set(text, [failure]);
  }
  const shown = args.verbose ? alike.size : SHOWN_ERRORS;
  for (const same of [...alike.values()].slice(0, shown)) await reportAlike(same, io, args.verbose);
  const more = alike.size - shown;
  if (more > 0) await note(io, `and ${more} more errors like these; --verbose shows them`);
}

async function reportAlike(same: readonly Failure[], io: Io, verbose: boolean): Promise<void> {
  const errors = same.map(({ name, error }) => inFile(error, name));
  const [first, ...others] = same.map(({ name }) => name);
  const place = errors[0] instanceof TsopsError ? errors[0].place : undefined;
  if (same.length <= FEW && place?.file === first) {
    for (const error of errors) await reportError(error, io);
    return;
  }
  await reportError(errors[0], io);
  if (same.length === 1) return;
  // the place may be in a configuration that all of them need
  const names = place?.file === first ? others : [first!, ...others];
  const lines = verbose
    ? ["  the same for:", ...names.map((name) => `    ${name}`)]
    : [`  the same for ${names.length}${place?.file === first ? " more" : ""} files; --verbose lists them`];
  await tell(io, lines);
}

/** What an error says, whatever the file is called. */
function withoutName({ name, error }: Failure, cwd: string): string {
  const code = error instanceof TsopsError ? error.code : (error as NodeJS.ErrnoException | undefined)?.code;
  const { message, hint, place } = (error ?? {}) as Partial<TsopsError>;
  const own = (text = "") => text.replaceAll(resolve(cwd, name), "\0").replaceAll(name, "\0");
  const { file = name, line, column } = place ?? {};
  return JSON.stringify([code, own(message), own(hint), own(file), line, column]);
}
