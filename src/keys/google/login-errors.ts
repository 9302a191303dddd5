import { type ErrorCode, TsopsError } from "../../errors.ts";
import type { Throttle } from "../../net/attempt.ts";
import { failureOf, networkPasses, statusPasses } from "../../net/failure.ts";
import { throttleBy } from "../../net/service.ts";
import { prefixed } from "../reasons.ts";
import { stripped } from "./stripped.ts";

/** What the token services of Google and of other systems answer, in sentences. None of their own words is shown. */

interface Found {
  readonly where: string;
  readonly owner: string;
}

/** Whether the token service says that there are too many requests. */
export function throttleOfLogin(error: unknown): Throttle | undefined {
  const { response } = (error ?? {}) as {
    response?: { status?: number; headers?: { get?(name: string): string | null } };
  };
  return throttleBy(response?.status, response?.headers?.get?.("retry-after"));
}

/** Whether an error passes by itself: a busy service, a connection that broke. */
export function passesLogin(error: unknown): boolean {
  const { status } = partsOf(error);
  return status === undefined ? networkPasses(error) : statusPasses(status);
}

/** The error for credentials that Google does not take, or that cannot be shown to it. */
export function explainedLogin(error: unknown, found: Found): unknown {
  const what = `${found.owner} (${found.where})`;
  if (error instanceof TsopsError) return prefixed(error, `no access token for ${what}`);
  const { status, reason } = partsOf(error);
  const make = (code: ErrorCode, message: string, hint: string) =>
    new TsopsError(code, message, { hint, cause: stripped(error) });
  if (reason === "invalid_grant" || reason === "invalid_rapt") {
    return make(
      "bad-credentials",
      `the login of ${what} has expired or was revoked`,
      "log in again with `gcloud auth application-default login`, or get a new key or token for the account; a clock that is wrong does this too",
    );
  }
  if (statusPasses(status)) {
    return make(
      "service-failed",
      `the service that gives tokens for ${what} fails (status ${status})`,
      "try again in a few minutes",
    );
  }
  if (status !== undefined) {
    return make(
      "bad-credentials",
      `no access token is given for ${what}: status ${status}`,
      "check that the account exists and is enabled, that its key was not deleted, and what the identity provider's conditions say",
    );
  }
  const failure = failureOf(error, { authority: "SSL_CERT_FILE" });
  if (failure) {
    return make(
      "service-unreachable",
      `no access token for ${what}: the server that gives it cannot be reached: ${failure.why}`,
      failure.hint,
    );
  }
  return make(
    "bad-credentials",
    `the Google credentials of ${what} cannot be used: a part of them is missing or damaged`,
    "download them again, or log in with `gcloud auth application-default login`",
  );
}

/** What can be told apart about an error of Google's library, whichever part of it threw. */
function partsOf(error: unknown): { status?: number; reason?: string } {
  const { response, status, message } = (error ?? {}) as {
    response?: { status?: number; data?: { error?: unknown } };
    status?: unknown;
    message?: unknown;
  };
  const text = response?.data?.error ?? message;
  const word = typeof text === "string" ? /\b(invalid_grant|invalid_rapt)\b/.exec(text)?.[1] : undefined;
  return {
    status: response?.status ?? (typeof status === "number" ? status : undefined),
    reason: word,
  };
}
