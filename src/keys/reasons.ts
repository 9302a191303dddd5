import { TsopsError } from "../errors.ts";

/** An error as lines of a report. Only messages of our own: others may quote what they failed on. */
export function reasonsOf(error: unknown, service = ""): string[] {
  const own = error instanceof TsopsError;
  const lines = own ? [error.message, ...(error.hint ? error.hint.split("\n") : [])] : ["an internal error"];
  if (service === "") return lines;
  return [`${service}: ${lines[0]}`, ...lines.slice(1)];
}
