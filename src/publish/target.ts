import { changed, type ErrorCode, TsopsError } from "../errors.ts";
import { codeOfStatus, failureOf } from "../net/failure.ts";

/** What stands at a target already: its bytes, nothing, or something that may not be read. */
export type Standing = Buffer | "nothing" | "unreadable";

/**
 * Somewhere that files are published to: one of these for each destination, in a file of its own that alone knows the
 * service and its SDK. Names have slashes between folders, on every system.
 */
export interface Target {
  /** What goes there: the encrypted file, or the decrypted values as JSON. */
  readonly takes: "file" | "values";
  /** The address of a name there, as SOPS shows it. */
  addressOf(name: string): string;
  /** @throws TsopsError with the cause in a sentence and a hint; "not-allowed". */
  read(name: string): Promise<Standing>;
  /** Puts bytes there, whole or not at all. @throws as {@link Target.read}; "write" for a folder. */
  write(name: string, bytes: Buffer): Promise<void>;
}

/** A cause in a sentence, and the next step. */
export interface Explanation {
  readonly code: ErrorCode;
  readonly cause: string;
  readonly hint: string;
}

/** The error for what could not be published. Errors of our own say by themselves what to do. */
export function notPublished(address: string, error: unknown, explanation: Explanation): TsopsError {
  if (error instanceof TsopsError) {
    const hint = error.hint ?? explanation.hint;
    return changed(error, { message: `${address}: ${error.message}`, hint, place: undefined });
  }
  return new TsopsError(explanation.code, `${address}: ${explanation.cause}`, {
    hint: explanation.hint,
    cause: error,
  });
}

/** The cause where there was no answer, or one that every service gives. */
export function explainNetwork(error: unknown, status: number | undefined, where: string): Explanation {
  if (status === 429) {
    return {
      code: "service-failed",
      cause: `${where} answers that there are too many requests`,
      hint: "try again later",
    };
  }
  if (status !== undefined && status >= 500) {
    return {
      code: "service-failed",
      cause: `${where} fails at the moment (status ${status})`,
      hint: "try again later",
    };
  }
  if (status !== undefined) {
    return {
      code: codeOfStatus(status),
      cause: `${where} refuses it (status ${status})`,
      hint: "see the service's own log",
    };
  }
  const failure = failureOf(error);
  return {
    code: "service-unreachable",
    cause: `${where} cannot be reached${failure ? `: ${failure.why}` : ""}`,
    hint: failure?.hint ?? "check the network, a proxy and the address",
  };
}
