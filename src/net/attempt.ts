import { setTimeout as sleep } from "node:timers/promises";
import { mayPass } from "../descriptors.ts";
import { TsopsError } from "../errors.ts";
import { type Clock, clocksOf, isFailedLogin } from "./clock.ts";
import { failureOf } from "./failure.ts";
import { type Service, serviceOf } from "./service.ts";

/** How long a key management system may take to answer, all tries together; `TSOPS_KMS_TIMEOUT` overrides it. */
const LIMIT_SECONDS = 20;
/** Waits before another try where a service failed by itself or a connection broke. */
const PAUSES_MS: readonly number[] = [200, 600, 1800];
/**
 * The first wait after a throttle, and the longest; each is twice the one before. The longest is short because the number
 * of calls at once slows a run down already. With waits of up to four seconds as well, 200 files would take about eight
 * minutes at a service that refuses four calls of five.
 */
const SHORTEST_MS = 100;
const LONGEST_MS = 500;
/** How many times the time for one call may go by with being told to wait. */
const PATIENCE = 10;

/** For whom a server is asked: the variables that say how, what ends it, and the run that it belongs to. */
export interface Caller {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal?: AbortSignal;
  /** Somebody ended the run: what was asked may be answered, but nothing is asked again, and nobody waits for a turn. */
  readonly ending?: AbortSignal;
  /** What the run remembers: calls of the same run share what they know about a service. */
  readonly cache?: object;
  /** The calls get credentials for others, whose time stands still meanwhile (clock.ts). */
  readonly login?: true;
  /** The calls are made for others, for as long as they come: a service that was given up is asked again after a while. */
  readonly serves?: true;
}

export interface AttemptOptions {
  /** The service, by its address: what one call learns about it counts for all calls of the run. */
  readonly service: string;
  /** Whether an error will pass by itself: a failure of the service, a connection that broke. Default: none does. */
  readonly passes?: (error: unknown) => boolean;
  /** Whether there were too many requests, and for how long the service wants to be left alone. */
  readonly throttle?: (error: unknown) => Throttle | undefined;
  /** Whether a failure that may pass is one of what was asked for, and not of the service. Default: none is. */
  readonly partial?: (error: unknown) => boolean;
}

export interface Throttle {
  /** What `Retry-After` says. */
  readonly afterMs?: number;
}

/**
 * Calls a service in bounded time: with a signal that ends the call, and again after a pause (with jitter) where the
 * error is one that passes. A throttle is waited out, and makes the whole run slower; the time that the service asked for
 * does not count, up to ten times the limit, nor does the time for getting credentials. SDKs must have their own retries turned off, so that the bounds hold.
 * @throws TsopsError("service-unreachable") if there was no answer in time, or none may be asked for in time,
 * TsopsError("aborted"), or what `call` throws.
 */
export async function attempt<T>(
  caller: Caller,
  call: (signal: AbortSignal) => Promise<T>,
  options: AttemptOptions,
): Promise<T> {
  const one = new Attempt(caller, serviceOf(caller.cache, options.service), options);
  try {
    await one.enter();
    return await one.run(call);
  } finally {
    one.leave();
  }
}

/** One call with all its tries. */
class Attempt {
  private readonly caller: Caller;
  private readonly service: Service;
  private readonly options: AttemptOptions;
  private readonly clock: Clock;
  private readonly seconds: number;
  /** Ends every wait, though not a call. */
  private readonly over: AbortSignal | undefined;
  private hasTurn = false;
  /** Milliseconds that are left for answers, and for being told to wait. */
  private time: number;
  private patience: number;

  constructor(caller: Caller, service: Service, options: AttemptOptions) {
    this.caller = caller;
    this.service = service;
    this.options = options;
    this.clock = clocksOf(caller.cache)[caller.login ? "logins" : "calls"];
    this.seconds = limitSeconds(caller);
    this.time = this.seconds * 1000;
    this.patience = this.time * PATIENCE;
    const { signal, ending } = caller;
    this.over = signal && ending ? AbortSignal.any([signal, ending]) : (signal ?? ending);
  }

  async enter(): Promise<void> {
    try {
      const { serves, login } = this.caller;
      await this.service.enter({ signal: this.over, serves, login });
      this.hasTurn = true;
    } catch (error) {
      throw this.over?.aborted ? stopped(error) : error;
    }
  }

  leave(): void {
    if (this.hasTurn) this.service.leave();
    this.hasTurn = false;
  }

  /** After a throttle there may be more calls than turns: this one lines up again. */
  private async giveWay(): Promise<void> {
    if (this.caller.login || !this.service.crowded) return;
    this.leave();
    await this.enter();
  }

  async run<T>(call: (signal: AbortSignal) => Promise<T>): Promise<T> {
    for (let [failed, throttled] = [0, 0]; ; ) {
      await this.waitForService();
      const start = this.clock.time;
      try {
        const result = await this.once(call);
        this.service.answered();
        return result;
      } catch (error) {
        this.time -= this.clock.time - start;
        if (this.caller.signal?.aborted) throw stopped(error);
        if (isFailedLogin(error)) throw error;
        if (error instanceof TooLate) {
          const late = tooLate(this.seconds, error.cause);
          this.service.silence(late);
          throw late;
        }
        if (failureOf(error)?.kind === "room") {
          // nobody was asked: other files of the run are closed in a moment
          if (!mayPass() || this.patience <= LONGEST_MS) throw error;
          await this.wait(jittered(LONGEST_MS), "patience");
          continue;
        }
        const throttle = this.options.throttle?.(error);
        if (throttle) {
          this.service.throttled(throttle.afterMs);
          const pause = Math.min(LONGEST_MS, SHORTEST_MS * 2 ** throttled++);
          this.checkPatience(pause, error);
          await this.giveWay();
          await this.wait(jittered(pause), "patience");
          continue;
        }
        const pause = PAUSES_MS[failed++];
        if (pause === undefined || !this.options.passes?.(error) || this.time <= pause) {
          this.note(error);
          throw error;
        }
        await this.wait(jittered(pause), "time");
      }
    }
  }

  private async once<T>(call: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const limit = new AbortController();
    const cancel = this.clock.after(this.time, () => {
      limit.abort(new DOMException("the time for the call is over", "TimeoutError"));
    });
    const { signal: stop } = this.caller;
    const signal = stop ? AbortSignal.any([stop, limit.signal]) : limit.signal;
    try {
      return await ended(call(signal), signal);
    } catch (error) {
      throw limit.signal.aborted && !stop?.aborted ? new TooLate(error) : error;
    } finally {
      cancel();
    }
  }

  /** Whether an error is an answer, or none. A certificate that is wrong is an answer, too. */
  private note(error: unknown): void {
    const kind = failureOf(error)?.kind;
    const { passes, partial } = this.options;
    if (kind === "network" || kind === "broke" || kind === "name") this.service.silence(error as Error);
    else if (passes?.(error) && !partial?.(error)) this.service.fails(this.seconds, error as Error);
    else this.service.heard();
  }

  /** @throws what a throttle comes to where nobody waits any longer. */
  private checkPatience(pause: number, error: unknown): void {
    const wanted = this.service.pause;
    if (this.patience > Math.max(wanted, pause)) return;
    // who is left alone for longer than anybody waits may answer after that
    if (wanted < this.seconds * 1000 * PATIENCE) this.service.refuses(error as Error);
    throw this.patience > wanted ? error : leftAlone(wanted, error);
  }

  /** Another call may have learnt that the service wants to be left alone, for longer than anybody waits. */
  private async waitForService(): Promise<void> {
    const { pause } = this.service;
    if (pause > 0 && this.patience <= pause) throw leftAlone(pause, undefined);
    await this.wait(pause * (1 + Math.random() / 5), "patience");
  }

  private async wait(ms: number, from: "time" | "patience"): Promise<void> {
    if (ms <= 0) return;
    this[from] -= ms;
    await sleep(ms, undefined, { signal: this.over }).catch((error: unknown) => {
      throw stopped(error);
    });
  }
}

/** Calls that failed together should not try again together. */
function jittered(ms: number): number {
  return ms * (0.5 + Math.random() / 2);
}

/** The time was over before the call was. */
class TooLate extends Error {
  constructor(cause: unknown) {
    super("too late", { cause });
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

function stopped(cause: unknown): TsopsError {
  return new TsopsError("aborted", "stopped", { cause });
}

function leftAlone(ms: number, cause: unknown): TsopsError {
  const seconds = Math.ceil(ms / 1000);
  const why = `the service has too many requests, and asks to be left alone for another ${seconds} seconds`;
  return new TsopsError("service-unreachable", why, {
    hint: "run the same command again after that",
    cause,
  });
}

function tooLate(seconds: number, cause: unknown): TsopsError {
  return new TsopsError("service-unreachable", `it did not answer within ${seconds} seconds`, {
    hint: "check the network, a proxy and the address; TSOPS_KMS_TIMEOUT sets another limit",
    cause,
  });
}
