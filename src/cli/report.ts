import { TsopsError } from "../errors.ts";
import { append } from "../formats/append.ts";
import { type Io, visible, write } from "./io.ts";

/**
 * Prints an error for a person: what is wrong, where, what to do next. A stack trace only if TSOPS_DEBUG is set.
 * @returns the exit code that belongs to it.
 */
export async function reportError(error: unknown, io: Io): Promise<number> {
  if (error instanceof TsopsError) {
    await write(io.stderr, `${formatError(error)}\n`);
    await debugTrace(error, io);
    return error.exitCode;
  }
  if ((error as { name?: string } | undefined)?.name === "AbortError") return 130;
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  const what = error instanceof Error ? `${error.name}${code ? ` ${code}` : ""}` : "unknown error";
  // the message of an unforeseen error could hold anything, so it is shown only where somebody asked for it
  await write(
    io.stderr,
    `tsops: internal error (${what}): this is a fault of tsops, not of yours\n` +
      "  nothing was written; set TSOPS_DEBUG=1 to see where it happened, and report that without secrets\n",
  );
  await debugTrace(error, io);
  return 1;
}

/** Message, place and hint on lines of their own, free of control characters. */
export function formatError(error: TsopsError): string {
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
  return lines.map(visible).join("\n");
}

async function debugTrace(error: unknown, io: Io): Promise<void> {
  if (!io.env.TSOPS_DEBUG) return;
  for (let e = error; e instanceof Error; e = e.cause)
    await write(io.stderr, `${visible(e.stack ?? String(e))}\n`);
}

/** A line for a person that is not an error. */
export async function note(io: Io, text: string): Promise<void> {
  await write(io.stderr, `tsops: ${text.split("\n").map(visible).join("\n")}\n`);
}
