import { setTimeout as sleep } from "node:timers/promises";
import { TsopsError } from "../errors.ts";

/** How long a key management system may take to answer, all tries together; `TSOPS_KMS_TIMEOUT` overrides it. */
const LIMIT_SECONDS = 20;
/** Waits before another try where the service said that there were too many requests, or failed by itself. */
const PAUSES_MS: readonly number[] = [200, 600, 1800];

/** For whom a server is asked: the variables that say how, and what ends it. */
export interface Caller {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal?: AbortSignal;
}

export interface AttemptOptions {
  /** Whether an error will pass by itself: throttling, a connection that broke. Default: none does. */
  readonly passes?: (error: unknown) => boolean;
}

/**
 * Calls a service in bounded time: with a signal that ends the call, and again after a pause (with jitter) where the
 * error is one that passes. SDKs must have their own retries turned off, so that the bound holds.
 * @throws TsopsError("service-unreachable") if there was no answer in time, TsopsError("aborted"), or what `call` throws.
 */
export async function attempt<T>(
  context: Caller,
  call: (signal: AbortSignal) => Promise<T>,
  { passes = () => false }: AttemptOptions = {},
): Promise<T> {
  const seconds = limitSeconds(context);
  const limit = AbortSignal.timeout(seconds * 1000);
  const signal = context.signal ? AbortSignal.any([context.signal, limit]) : limit;
  for (let tries = 0; ; tries++) {
    try {
      return await ended(call(signal), signal);
    } catch (error) {
      if (context.signal?.aborted) throw new TsopsError("aborted", "stopped", { cause: error });
      if (limit.aborted) throw tooLate(seconds, error);
      const pause = PAUSES_MS[tries];
      if (pause === undefined || !passes(error)) throw error;
      await sleep(pause * (0.5 + Math.random()), undefined, { signal }).catch(() => undefined);
      if (limit.aborted) throw error;
    }
  }
}

export function limitSeconds({ env }: Caller): number {
  const given = Number(env.TSOPS_KMS_TIMEOUT);
  return given > 0 && given <= 3600 ? given : LIMIT_SECONDS;
}

/** Not every SDK minds its signal. */
async function ended<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  let onAbort: (() => void) | undefined;
  const stop = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort);
  });
  try {
    return await Promise.race([work, stop]);
  } finally {
    if (onAbort) signal.removeEventListener("abort", onAbort);
  }
}

function tooLate(seconds: number, cause: unknown): TsopsError {
  return new TsopsError("service-unreachable", `it did not answer within ${seconds} seconds`, {
    hint: "check the network, a proxy and the address; TSOPS_KMS_TIMEOUT sets another limit",
    cause,
  });
}
