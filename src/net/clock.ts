/**
 * The time that calls of a run may take. It stands still while they wait for something that is no call: a service is not
 * to blame for a person who looks for a code, or for a program that takes its time.
 */
export class Clock {
  private holders = 0;
  /** Milliseconds that went by until it was last held or let go. */
  private sum = 0;
  private since = performance.now();
  private readonly alarms = new Set<Alarm>();

  /** Milliseconds that went by while it was not held. */
  get time(): number {
    return this.sum + (this.holders > 0 ? 0 : performance.now() - this.since);
  }

  /** Has it stand still until the result is called, once. */
  hold(): () => void {
    if (this.holders === 0) {
      this.sum = this.time;
      for (const { timer } of this.alarms) clearTimeout(timer);
    }
    this.holders++;
    return () => {
      this.holders--;
      if (this.holders > 0) return;
      this.since = performance.now();
      for (const alarm of this.alarms) this.wind(alarm);
    };
  }

  /** Calls `ring` when so much time has gone by, unless the result is called before. */
  after(ms: number, ring: () => void): () => void {
    const alarm: Alarm = { at: this.time + ms, ring };
    this.alarms.add(alarm);
    if (this.holders === 0) this.wind(alarm);
    return () => {
      clearTimeout(alarm.timer);
      this.alarms.delete(alarm);
    };
  }

  private wind(alarm: Alarm): void {
    alarm.timer = setTimeout(
      () => {
        this.alarms.delete(alarm);
        alarm.ring();
      },
      Math.max(1, Math.ceil(alarm.at - this.time)),
    );
  }
}

interface Alarm {
  readonly at: number;
  readonly ring: () => void;
  timer?: NodeJS.Timeout;
}

/** Of one run: a login stops the time of calls, a program or a person also that of the login which waits for it. */
interface Clocks {
  readonly calls: Clock;
  readonly logins: Clock;
}

const CLOCKS = new WeakMap<object, Clocks>();

/** What a run remembers tells its clocks; without it there is one for each call. */
export function clocksOf(run: object | undefined): Clocks {
  const made = run && CLOCKS.get(run);
  if (made) return made;
  const clocks = { calls: new Clock(), logins: new Clock() };
  if (run) CLOCKS.set(run, clocks);
  return clocks;
}

const FAILED_LOGINS = new WeakSet<object>();

/**
 * Gets credentials for calls of a run: no call's time goes by meanwhile, and a failure says nothing of the services that
 * they are for. Calls that `work` makes itself must be those of a login (`Caller.login`), whose time goes by.
 */
export async function loggingIn<T>(run: object | undefined, work: () => Promise<T>): Promise<T> {
  const release = clocksOf(run).calls.hold();
  try {
    return await work();
  } catch (error) {
    if (typeof error === "object" && error !== null) FAILED_LOGINS.add(error);
    throw error;
  } finally {
    release();
  }
}

/** Whether a call failed since there were no credentials to be had for it. */
export function isFailedLogin(error: unknown): boolean {
  for (let at = error, depth = 0; typeof at === "object" && at !== null && depth < 6; depth++) {
    if (FAILED_LOGINS.has(at)) return true;
    at = (at as { cause?: unknown }).cause;
  }
  return false;
}

/** Runs a program or asks a person, both of which may take long, for a login of a run. It must have a limit of its own. */
export async function aside<T>(run: object | undefined, work: () => Promise<T>): Promise<T> {
  const { calls, logins } = clocksOf(run);
  const releases = [calls.hold(), logins.hold()];
  try {
    return await work();
  } finally {
    for (const release of releases) release();
  }
}
