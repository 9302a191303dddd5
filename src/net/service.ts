import { TsopsError } from "../errors.ts";

/** How many calls in a row may get no answer, or nothing but throttles, before a service is given up. */
const MOST_IN_A_ROW = 3;
/**
 * How many calls in a row it may answer with failures of its own. These must also go on for as long as a call may take:
 * a run of many calls at once should survive a service that starts anew.
 */
const MOST_FAILURES = 5;
/** Who serves others has a service that was given up asked again after so long, by one call at a time. */
const PROBE_MS = 5000;
/** Fewer at once would make a run wait for its slowest call; with their pauses these are about ten calls a second. */
const FEWEST_AT_ONCE = 4;

/** Whose call it is that enters. */
interface Entering {
  /** Ends the wait for a turn; one that there is may be used. */
  readonly signal?: AbortSignal;
  /** It serves others for as long as they come, so nothing is given up for good. */
  readonly serves?: true;
  /** A login has its turn at once: calls that hold all turns may be waiting for it, and their time stands still. */
  readonly login?: true;
}

/**
 * A service in one run: how many calls go to it at once, and whether it still answers. After a throttle there are half as
 * many, and with each call that comes through some more: the whole run slows down, instead of a few calls giving up.
 */
export class Service {
  private running = 0;
  private atOnce = Number.POSITIVE_INFINITY;
  private silent = 0;
  /** Calls in a row that were told to wait until their patience was over. */
  private refused = 0;
  /** Failures of its own in a row, since when, and for how many seconds they may go on. */
  private failed = 0;
  private failedSince = 0;
  private failsFor = 0;
  /** When it had last trouble of any sort. */
  private troubled = 0;
  /** Why the last call failed that counts as trouble. */
  private last: Error | undefined;
  /** Nothing is sent before: the service said how long to wait. In milliseconds of `performance.now`. */
  private notBefore = 0;
  private readonly waiting: (() => void)[] = [];

  /** Waits for a turn. @throws what the last call was told if the service was given up, or the signal's reason. */
  async enter({ signal, serves, login }: Entering = {}): Promise<void> {
    for (;;) {
      this.check(serves);
      if (login || this.running < Math.floor(this.atOnce)) break;
      await this.turn(signal);
    }
    this.running++;
  }

  leave(): void {
    this.running--;
    this.waiting.shift()?.();
  }

  /** Whether more calls run than have a turn, as after a throttle. */
  get crowded(): boolean {
    return this.running > Math.floor(this.atOnce);
  }

  /** How long the service wants to be left alone, in milliseconds. */
  get pause(): number {
    return Math.max(0, this.notBefore - performance.now());
  }

  throttled(afterMs: number | undefined): void {
    this.silent = 0;
    this.atOnce = Math.max(FEWEST_AT_ONCE, Math.min(this.atOnce, this.running) / 2);
    if (afterMs !== undefined) this.notBefore = Math.max(this.notBefore, performance.now() + afterMs);
  }

  /** It answered, whatever it said, but that it had too many requests or failed itself. */
  heard(): void {
    this.silent = 0;
    this.refused = 0;
    this.failed = 0;
  }

  /** A call was told to wait for as long as calls wait. */
  refuses(error: Error): void {
    this.last = error;
    this.refused++;
    this.hasTrouble();
  }

  /** A call ended with a failure of the service, after all tries. */
  fails(limitSeconds: number, error: Error): void {
    this.last = error;
    this.silent = 0;
    if (this.failed++ === 0) this.failedSince = performance.now();
    this.failsFor = limitSeconds;
    this.hasTrouble();
  }

  /** It did what it was asked for: one more call at once for each round of calls that came through. */
  answered(): void {
    this.heard();
    this.atOnce += 1 / this.atOnce;
    if (this.running < Math.floor(this.atOnce)) this.waiting.shift()?.();
  }

  /** A call ended without an answer. */
  silence(error: Error): void {
    this.last = error;
    this.silent++;
    this.hasTrouble();
  }

  private hasTrouble(): void {
    this.troubled = performance.now();
    // nobody waits for a turn that will not come to anything
    if (this.trouble) for (const go of this.waiting.splice(0)) go();
  }

  /** Why it is given up, and what to do; undefined if it is not. */
  private get trouble(): readonly [why: string, hint: string] | undefined {
    if (this.silent >= MOST_IN_A_ROW) {
      return [
        `it could not be reached ${MOST_IN_A_ROW} times in a row`,
        "check the network, a proxy and the address",
      ];
    }
    if (this.refused >= MOST_IN_A_ROW) {
      return [`it had too many requests for ${MOST_IN_A_ROW} calls in a row`, "look at its quota"];
    }
    const failing = this.troubled - this.failedSince >= this.failsFor * 1000;
    if (this.failed >= MOST_FAILURES && failing) {
      return [
        `it did nothing but fail for ${this.failsFor} seconds`,
        "see what it says of its own state: its log, or its provider's page",
      ];
    }
    return undefined;
  }

  private check(serves: true | undefined): void {
    if (!this.trouble) return;
    // what the last call was told counts for those that are not made any more: one cause is one error
    if (!serves) throw this.last;
    // one call finds out whether it is better
    if (this.running === 0 && performance.now() - this.troubled >= PROBE_MS) return;
    const [why, hint] = this.trouble;
    const seconds = PROBE_MS / 1000;
    throw new TsopsError("service-unreachable", `${why}, and is asked again after ${seconds} seconds`, {
      hint: `${hint}, and try again after that`,
    });
  }

  private async turn(signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    let go!: () => void;
    const called = new Promise<void>((resolve) => (go = resolve));
    this.waiting.push(go);
    const onAbort = (): void => go();
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      await called;
    } finally {
      signal?.removeEventListener("abort", onAbort);
    }
    if (!signal?.aborted) return;
    const at = this.waiting.indexOf(go);
    if (at >= 0) this.waiting.splice(at, 1);
    // a turn that came meanwhile is the next one's
    else this.waiting.shift()?.();
    signal.throwIfAborted();
  }
}

const SERVICES = new WeakMap<object, Map<string, Service>>();

/** The service of a name in a run, by what the run remembers; one by itself where nothing is remembered. */
export function serviceOf(run: object | undefined, name: string): Service {
  if (!run) return new Service();
  let services = SERVICES.get(run);
  if (!services) SERVICES.set(run, (services = new Map()));
  let service = services.get(name);
  if (!service) services.set(name, (service = new Service()));
  return service;
}

/** What was learnt about services in a run does not count any more: one that was given up is asked again. */
export function forgetServices(run: object): void {
  SERVICES.delete(run);
}

/** What an answer with such a status and header `Retry-After` says of throttling; undefined if it is none. */
export function throttleBy(
  status: number | undefined,
  retryAfter: string | null | undefined,
): { readonly afterMs?: number } | undefined {
  const afterMs = retryAfterMs(retryAfter);
  return status === 429 || (status === 503 && afterMs !== undefined) ? { afterMs } : undefined;
}

/** Milliseconds that a header `Retry-After` (RFC 9110 section 10.2.3) says; undefined if it says nothing that counts. */
export function retryAfterMs(value: string | null | undefined): number | undefined {
  const text = value?.trim();
  if (!text) return undefined;
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000;
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : Math.max(0, at - Date.now());
}
