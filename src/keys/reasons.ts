import { TsopsError } from "../errors.ts";

/** An error as lines of a report. Only messages of our own: others may quote what they failed on. */
export function reasonsOf(error: unknown, service = ""): string[] {
  const own = error instanceof TsopsError;
  const lines = own ? [error.message, ...(error.hint ? error.hint.split("\n") : [])] : ["an internal error"];
  if (service === "") return lines;
  return [`${service}: ${lines[0]}`, ...lines.slice(1)];
}

/** An error that says in front what failed. Errors that say everything already (aborted, not allowed) stay as they are. */
export function prefixed(error: unknown, what: string): unknown {
  if (!(error instanceof TsopsError) || error.code !== "generic") return error;
  return new TsopsError("generic", `${what}: ${error.message}`, { hint: error.hint, cause: error });
}

/** Does something, and says of an error what failed. @throws what `work` throws, see {@link prefixed}. */
export async function naming<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw prefixed(error, what);
  }
}
