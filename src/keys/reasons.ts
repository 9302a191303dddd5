import { changed, type ErrorCode, TsopsError } from "../errors.ts";
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

/** Why nothing here can use a key, as an error: what is missing, and what to do as its hint. */
export function unavailable([why, ...next]: Lines): TsopsError {
  return new TsopsError("key-unavailable", why, { hint: next.join("\n") || undefined });
}

const KEY_FAILURES: readonly ErrorCode[] = [
  "generic",
  "key-unavailable",
  "bad-key",
  "bad-credentials",
  "bad-setting",
  "access-denied",
  "no-such-key",
  "service-unreachable",
  "service-failed",
  "program-failed",
];

/**
 * Whether a key failed by itself: a sentence that says which key and what for may be put in front. Others say
 * everything already: aborted, not allowed.
 */
export function isKeyFailure(error: unknown): error is TsopsError {
  return error instanceof TsopsError && KEY_FAILURES.includes(error.code);
}

/** An error that says in front what failed, if it is a key's. The exit code of a program is not ours then. */
export function prefixed(error: unknown, what: string): unknown {
  if (!isKeyFailure(error)) return error;
  return changed(error, { message: `${what}: ${error.message}`, exit: undefined, cause: error });
}

/** Does something, and says of an error what failed. @throws what `work` throws, see {@link prefixed}. */
export async function naming<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw prefixed(error, what);
  }
}
