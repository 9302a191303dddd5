import { TsopsError } from "../errors.ts";
import { loggingIn } from "../net/clock.ts";
import type { KeyContext } from "./kind.ts";

/** How long a refusal counts for the calls that follow. */
const REFUSED_MS = 60_000;

interface AskedOptions<T> {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** When what it gave is not used any more. */
  readonly until: (given: T) => number;
  /** Whether another try may succeed at once: a service that was busy, a connection that broke. Default: none does. */
  readonly passes?: (error: unknown) => boolean;
}

/**
 * What all calls of a run share, such as a login: asked for once until it ends. A refusal counts for a minute: otherwise
 * each of a thousand files would run a program, ask a person for a code, or help to lock an account. Not longer, because
 * an editor or a program that uses the library may run for hours, while somebody logs in anew.
 */
export class AskedOnce<T> {
  readonly #ask: () => Promise<T>;
  readonly #options: AskedOptions<T>;
  #asked: Promise<T> | undefined;
  #until = Number.NEGATIVE_INFINITY;

  constructor(ask: () => Promise<T>, options: AskedOptions<T>) {
    this.#ask = ask;
    this.#options = options;
  }

  get(): Promise<T> {
    const { now, until, passes } = this.#options;
    if (this.#asked && now() < this.#until) return this.#asked;
    // whoever comes meanwhile waits for the same
    this.#until = Number.POSITIVE_INFINITY;
    const asked = this.#ask();
    this.#asked = asked;
    asked.then(
      (given) => void (this.#until = until(given)),
      (error: unknown) => {
        const again = isAborted(error) || passes?.(error);
        this.#until = again ? Number.NEGATIVE_INFINITY : now() + REFUSED_MS;
      },
    );
    return asked;
  }
}

/** Credentials that all calls of a run share. While they are being got, no call's time goes by. */
export class Login<T> extends AskedOnce<T> {
  /** @param ask gets the context for the calls that it makes itself: these have a time of their own. */
  constructor(context: KeyContext, ask: (own: KeyContext) => Promise<T>, options: AskedOptions<T>) {
    const own: KeyContext = { ...context, login: true };
    super(() => loggingIn(context.cache, () => ask(own)), options);
  }
}

/** The time for one call was over, or somebody stopped it: that is no answer. */
function isAborted(error: unknown): boolean {
  return error instanceof TsopsError
    ? error.code === "aborted"
    : (error as Error | null)?.name === "AbortError";
}
