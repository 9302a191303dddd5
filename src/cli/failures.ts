import { resolve } from "node:path";
import { inFile, TsopsError } from "../errors.ts";
import type { Run } from "./command.ts";
import { note, reportError, tell } from "./report.ts";

/** A file that something went wrong with. */
export interface Failure {
  readonly name: string;
  readonly error: unknown;
}

/** Whoever has more kinds of errors than this has one cause for them. */
const SHOWN_ERRORS = 20;

/** Says what went wrong. What is the same for many files is said once, with how many they are. */
export async function reportFailures(failures: readonly Failure[], { io, args }: Run): Promise<void> {
  const alike = new Map<string, Failure[]>();
  for (const failure of failures) {
    const text = withoutName(failure, io.cwd);
    alike.set(text, [...(alike.get(text) ?? []), failure]);
  }
  for (const [first, ...others] of [...alike.values()].slice(0, SHOWN_ERRORS) as [Failure, ...Failure[]][]) {
    const error = inFile(first.error, first.name);
    await reportError(error, io);
    if (others.length === 0) continue;
    // of a configuration, say, that all of them need
    const named = error instanceof TsopsError && error.place?.file === first.name;
    await tell(io, sameLines(named ? others : [first, ...others], args.verbose));
  }
  const more = alike.size - SHOWN_ERRORS;
  if (more > 0) await note(io, `and ${more} more errors like these`);
}

function sameLines(files: readonly Failure[], verbose: boolean): string[] {
  if (verbose) return ["  the same for:", ...files.map(({ name }) => `    ${name}`)];
  if (files.length === 1) return [`  the same for ${files[0]!.name}`];
  return [`  the same for ${files.length} more files; --verbose lists them`];
}

/** What an error says, whatever the file is called. */
function withoutName({ name, error }: Failure, cwd: string): string {
  const code = error instanceof TsopsError ? error.code : (error as NodeJS.ErrnoException | undefined)?.code;
  const { message, hint, place } = (error ?? {}) as Partial<TsopsError>;
  const own = (text = "") => text.replaceAll(resolve(cwd, name), "\0").replaceAll(name, "\0");
  const { file = name, line, column } = place ?? {};
  return JSON.stringify([code, own(message), own(hint), own(file), line, column]);
}
