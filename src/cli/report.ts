import { TsopsError } from "../errors.ts";
import { append } from "../formats/append.ts";
import { type Io, writeLines } from "./io.ts";

/**
 * Prints an error for a person: what is wrong, where, what to do next. A stack trace only if TSOPS_DEBUG is set.
 * @returns the exit code that belongs to it.
 */
export async function reportError(error: unknown, io: Io): Promise<number> {
  if (error instanceof TsopsError) {
    await writeLines(io.stderr, errorLines(error));
    await debugTrace(error, io);
    return error.exitCode;
  }
  if ((error as { name?: string } | undefined)?.name === "AbortError") return 130;
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  const what = error instanceof Error ? `${error.name}${code ? ` ${code}` : ""}` : "unknown error";
  // the message of an unforeseen error could hold anything, so it is shown only where somebody asked for it
  await writeLines(io.stderr, [
    `tsops: internal error (${what}): this is a fault of tsops, not of yours`,
    "  nothing was written; set TSOPS_DEBUG=1 to see where it happened, and report that without secrets",
  ]);
  await debugTrace(error, io);
  return 1;
}

/** Message with its place, and the lines of the hint. */
export function errorLines(error: TsopsError): string[] {
  const { file, line, column } = error.place ?? {};
  const where = [file, line, column].filter((part) => part !== undefined).join(":");
  const head = where === "" ? "tsops: " : `tsops: ${file === undefined ? `line ${where}` : where}: `;
  const lines = [head + error.message];
  const hint =
    error.hint ?? (error.code === "parse" ? "correct the text there and try again; nothing was written" : "");
  if (hint !== "")
    append(
      lines,
      hint.split("\n").map((text) => `  ${text}`),
    );
  return lines;
}

async function debugTrace(error: unknown, io: Io): Promise<void> {
  if (!io.env.TSOPS_DEBUG) return;
  for (let e = error; e instanceof Error; e = e.cause) {
    const frames = (e.stack ?? "").split("\n").filter((line) => /^ {4}at /.test(line));
    await writeLines(io.stderr, [`${e.name}: ${e.message}`, ...frames]);
  }
}

/** A line for a person that is not an error, and what belongs to it on lines of their own. */
export async function note(io: Io, text: string, ...more: readonly string[]): Promise<void> {
  await writeLines(io.stderr, [`tsops: ${text}`, ...more]);
}
