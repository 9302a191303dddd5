import { type ErrorCode, TsopsError } from "../errors.ts";
import type { Lines } from "./kind.ts";

/** An error as lines of a report. Only messages of our own: others may quote what they failed on. */
export function reasonsOf(error: unknown, service = ""): string[] {
  const own = error instanceof TsopsError;
  const lines = own ? [error.message, ...(error.hint ? error.hint.split("\n") : [])] : ["an internal error"];
  return inService(lines, service);
}

/** Lines that say which service they are from; none if it is this program. */
export function inService([first = "", ...rest]: readonly string[], service: string): string[] {
  return [service === "" ? first : `${service}: ${first}`, ...rest];
}

/** Lines as an error: what is wrong, and what to do as its hint. @param what is put in front. */
export function failure([why, ...next]: Lines, what = "", code: ErrorCode = "generic"): TsopsError {
  return new TsopsError(code, what === "" ? why : `${what}: ${why}`, { hint: next.join("\n") || undefined });
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
