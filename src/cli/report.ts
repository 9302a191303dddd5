import { TsopsError } from "../errors.ts";
import { append } from "../formats/append.ts";
import { type Io, type Line, takesColours, writeLines } from "./io.ts";

/**
 * Prints an error for a person: what is wrong, where, what to do next. A stack trace only if TSOPS_DEBUG is set.
 * @returns the exit code that belongs to it.
 */
export async function reportError(error: unknown, io: Io): Promise<number> {
  if (error instanceof TsopsError) {
    const [first = "", ...more] = errorLines(error);
    await tell(io, [{ text: first, colour: "red", head: "tsops:" }, ...more]);
    await debugTrace(error, io);
    return exitCodeOf(error);
  }
  if (isAbort(error)) return exitCodeOf(error);
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  const what = error instanceof Error ? `${error.name}${code ? ` ${code}` : ""}` : "unknown error";
  // the message of an unforeseen error could hold anything, so it is shown only where somebody asked for it
  await tell(io, [
    {
      text: `tsops: internal error (${what}): this is a fault of tsops, not of yours`,
      colour: "red",
      head: "tsops:",
    },
    "  nothing was written; set TSOPS_DEBUG=1 to see where it happened, and report that without secrets",
  ]);
  await debugTrace(error, io);
  return exitCodeOf(error);
}

export function exitCodeOf(error: unknown): number {
  if (error instanceof TsopsError) return error.exitCode;
  return isAbort(error) ? 130 : 1;
}

function isAbort(error: unknown): boolean {
  return (error as { name?: string } | undefined)?.name === "AbortError";
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
  const warns = text.startsWith("warning: ");
  const first: Line = `tsops: ${text}`;
  await tell(io, [
    warns ? { text: first, colour: "yellow", head: "tsops: warning:" } : first,
    ...more.map(differenceLine),
  ]);
}

/**
 * A line that nobody waits for. Where it cannot be written, as on a disk that is full, the work goes on without it: a
 * failure that nobody takes would end the process in the middle.
 */
export function mention(io: Io, text: string): void {
  note(io, text).catch(() => undefined);
}

/** Lines for a person, in colours where they may be: on standard error, or standard output. */
export async function tell(
  io: Io,
  lines: readonly Line[],
  output: "stdout" | "stderr" = "stderr",
): Promise<void> {
  const stream = io[output];
  await writeLines(stream, lines, { colours: takesColours(stream, io) });
}

/** What was added is green, what was removed is red, as git has it. */
export function differenceLine(text: string): Line {
  const [, sign] = /^ *(\+\+\+|---) /.exec(text) ?? [];
  return sign === undefined ? text : { text, colour: sign === "+++" ? "green" : "red" };
}
