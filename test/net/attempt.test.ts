import { test } from "uvu";
import * as assert from "uvu/assert";
import type { TsopsError } from "../../src/errors.ts";
import { type AttemptOptions, attempt, type Caller } from "../../src/net/attempt.ts";
import { retryAfterMs, Service, throttleBy } from "../../src/net/service.ts";

class TooMany extends Error {
  readonly afterMs?: number;
  constructor(afterMs?: number) {
    super("429");
    this.afterMs = afterMs;
  }
}
const OPTIONS: AttemptOptions = {
  service: "a",
  passes: (error) => (error as Error).message === "passes",
  throttle: (error) => (error instanceof TooMany ? { afterMs: error.afterMs } : undefined),
};

function run(env: Caller["env"] = {}, signal?: AbortSignal): Caller {
  return { env, signal, cache: new Map() };
}

const failure = async (work: Promise<unknown>): Promise<TsopsError> =>
  await work.then(
    () => assert.unreachable("it must fail"),
    (error) => error,
  );

/** A service that always has too many requests, and how often it was asked. */
function refusing() {
  let calls = 0;
  const busy = async (): Promise<never> => {
    calls++;
    throw new TooMany();
  };
  return { busy, count: () => calls };
}

/** Timers of signals do not keep a process alive. */
const alive = setInterval(() => undefined, 1000);
test.after(() => clearInterval(alive));

const never = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));

test("a throttle is waited out, however often it comes, and other failures are not", async () => {
  let calls = 0;
  const result = await attempt(
    run(),
    async () => {
      if (++calls <= 4) throw new TooMany();
      return "done";
    },
    OPTIONS,
  );
  assert.is(result, "done");
  assert.is(calls, 5);
  calls = 0;
  const refuse = async () => {
    calls++;
    throw new Error("no");
  };
  assert.is((await failure(attempt(run(), refuse, OPTIONS))).message, "no");
  assert.is(calls, 1);
});

test("what passes by itself is tried again a few times", async () => {
  let calls = 0;
  const call = async () => {
    calls++;
    throw new Error("passes");
  };
  assert.is((await failure(attempt(run(), call, OPTIONS))).message, "passes");
  assert.is(calls, 4);
});

test("nothing is sent before the time that the service asked for, by no call of the run", async () => {
  const caller = run();
  const sent: number[] = [];
  const throttled = async () => {
    sent.push(performance.now());
    if (sent.length === 1) throw new TooMany(300);
  };
  const first = attempt(caller, throttled, OPTIONS);
  await new Promise((resolve) => setTimeout(resolve, 5));
  await Promise.all([first, attempt(caller, throttled, OPTIONS)]);
  assert.is(sent.length, 3);
  for (const at of sent.slice(1)) assert.ok(at - sent[0]! >= 299, String(at - sent[0]!));
});

test("a wait that is longer than anybody's patience is not begun", async () => {
  let calls = 0;
  const call = async () => {
    calls++;
    throw new TooMany(3_600_000);
  };
  const { message, hint, cause } = await failure(attempt(run(), call, OPTIONS));
  assert.is(message, "the service has too many requests, and asks to be left alone for another 3600 seconds");
  assert.match(hint!, "after that");
  assert.instance(cause, TooMany);
  assert.is(calls, 1);
});

test("no other call of the run begins a wait that is longer than anybody's patience either", async () => {
  const caller = run();
  let calls = 0;
  const call = async () => {
    calls++;
    throw new TooMany(3_600_000);
  };
  await failure(attempt(caller, call, OPTIONS));
  const stop = new AbortController();
  // before the mend the next call waited for the hour: this ends it, so that the test says what is wrong
  const timer = setTimeout(() => stop.abort(), 5000);
  const { code, message, hint } = await failure(attempt({ ...caller, signal: stop.signal }, call, OPTIONS));
  clearTimeout(timer);
  assert.is(code, "service-unreachable");
  assert.match(message, /asks to be left alone for another \d+ seconds/);
  assert.ok(hint);
  assert.is(calls, 1);
});

test("however many calls are told at once to leave it alone, each says for how long", async () => {
  const caller = run();
  let calls = 0;
  const call = async () => {
    calls++;
    throw new TooMany(3_600_000);
  };
  const all = Array.from({ length: 8 }, () => failure(attempt(caller, call, OPTIONS)));
  for (const { message } of await Promise.all(all)) assert.match(message, "for another 3600 seconds");
  assert.is(calls, 8);
  assert.match((await failure(attempt(caller, call, OPTIONS))).message, /for another \d+ seconds/);
  assert.is(calls, 8);
});

test("a service that wants to be left alone is asked again after that, in the same run", async () => {
  const caller = run({ TSOPS_KMS_TIMEOUT: "0.02" });
  const wanted = performance.now() + 600;
  const call = async () => {
    if (performance.now() < wanted) throw new TooMany(600);
    return "yes";
  };
  for (let i = 0; i < 4; i++) await failure(attempt(caller, call, OPTIONS));
  await new Promise((resolve) => setTimeout(resolve, 700));
  assert.is(await attempt(caller, call, OPTIONS), "yes");
});

test("after a throttle fewer calls go at once, and none is lost", async () => {
  const caller = run();
  let running = 0;
  let most = 0;
  let throttles = 8;
  let done = 0;
  const call = async () => {
    running++;
    // only what is begun after the throttles counts
    if (throttles === 0) most = Math.max(most, running);
    try {
      await new Promise((resolve) => setTimeout(resolve, 1));
      if (throttles > 0) {
        throttles--;
        throw new TooMany();
      }
      done++;
    } finally {
      running--;
    }
  };
  await Promise.all(Array.from({ length: 16 }, () => attempt(caller, call, OPTIONS)));
  assert.is(done, 16);
  assert.ok(most < 16, String(most));
});

test("calls that were begun before the throttle line up again: four at a time try, however many there are", async () => {
  const caller = run({ TSOPS_KMS_TIMEOUT: "0.1" });
  const { busy, count } = refusing();
  const all = Array.from({ length: 50 }, () => failure(attempt(caller, busy, OPTIONS)));
  for (const error of await Promise.all(all)) assert.instance(error, TooMany);
  // each call once, and then those that have a turn, until three of them gave up: pauses of at least 50 ms in a second
  assert.ok(count() <= 50 + 4 * 20, String(count()));
});

test("when the run ends, what was asked may be answered, and nothing is asked again", async () => {
  const end = new AbortController();
  const caller = { ...run(), ending: end.signal };
  let calls = 0;
  const busy = async () => {
    if (++calls === 5) end.abort();
    throw new TooMany();
  };
  // one waits for another try, the others for a turn
  const all = Array.from({ length: 5 }, () => failure(attempt(caller, busy, OPTIONS)));
  for (const error of await Promise.all(all)) assert.is(error.code, "aborted");
  assert.is(calls, 5);
  // what goes on with a file that was begun may ask, if nobody has to wait for that
  assert.is(await attempt(caller, async () => "done", OPTIONS), "done");
  const slow = (result: string) => new Promise<string>((resolve) => setTimeout(resolve, 5, result));
  const stop = new AbortController();
  const ends = { ...run(), ending: stop.signal };
  const asked = attempt(ends, () => slow("answer"), OPTIONS);
  stop.abort();
  assert.is(await asked, "answer");
});

test("a service that hangs is given up after three timeouts, and others are not", async () => {
  const caller = run({ TSOPS_KMS_TIMEOUT: "0.02" });
  let calls = 0;
  const hang = (signal: AbortSignal) => {
    calls++;
    return never(signal);
  };
  for (let i = 0; i < 3; i++) {
    assert.match(
      (await failure(attempt(caller, hang, OPTIONS))).message,
      /did not answer within 0.02 seconds/,
    );
  }
  const { message, hint } = await failure(attempt(caller, hang, OPTIONS));
  assert.match(message, /did not answer within 0.02 seconds/, "for all files of a run it is the same error");
  assert.ok(hint);
  assert.is(calls, 3, "it is not asked again");
  assert.is(await attempt(caller, async () => 1, { ...OPTIONS, service: "b" }), 1);
  assert.is(await attempt(run(), async () => 1, OPTIONS), 1);
});

/** A service to which four calls go at once, all of which are running, and more that wait for a turn. */
async function crowded(waiting: number, signal?: (i: number) => AbortSignal) {
  const service = new Service();
  for (let i = 0; i < 4; i++) await service.enter();
  service.throttled(undefined);
  const waiters = Array.from({ length: waiting }, (_, i) => service.enter({ signal: signal?.(i) }));
  await settled();
  return { service, waiters: Promise.allSettled(waiters) };
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 5));

/** What came of calls; undefined if some of them wait for ever. */
async function inTime<T>(work: Promise<T>): Promise<T | undefined> {
  return await Promise.race([work, new Promise<undefined>((resolve) => setTimeout(resolve, 500, undefined))]);
}

test("no call waits for a turn at a service that was given up", async () => {
  const { service, waiters } = await crowded(5);
  for (let i = 0; i < 3; i++) service.silence(new Error("no answer"));
  // those that found that out have not ended yet
  await settled();
  for (let i = 0; i < 4; i++) service.leave();
  const results = await inTime(waiters);
  assert.equal(
    results?.map(({ status }) => status),
    Array(5).fill("rejected"),
  );
});

test("a turn that comes when its call is stopped goes to the next one", async () => {
  const stop = new AbortController();
  const { service, waiters } = await crowded(2, (i) => (i === 0 ? stop : new AbortController()).signal);
  service.leave();
  stop.abort();
  assert.equal(
    (await inTime(waiters))?.map(({ status }) => status),
    ["rejected", "fulfilled"],
  );
});

test("a service that always says that there are too many requests is given up, too", async () => {
  const caller = run({ TSOPS_KMS_TIMEOUT: "0.02" });
  const { busy, count } = refusing();
  for (let i = 0; i < 3; i++) assert.instance(await failure(attempt(caller, busy, OPTIONS)), TooMany);
  const before = count();
  assert.instance(await failure(attempt(caller, busy, OPTIONS)), TooMany);
  assert.is(count(), before, "it is not asked again");
});

test("an answer in between shows that the service is there", async () => {
  const caller = run({ TSOPS_KMS_TIMEOUT: "0.02" });
  for (let i = 0; i < 3; i++) {
    await failure(attempt(caller, never, OPTIONS));
    await failure(attempt(caller, never, OPTIONS));
    await failure(attempt(caller, () => Promise.reject(new Error("no")), OPTIONS));
  }
  assert.is(await attempt(caller, async () => "yes", OPTIONS), "yes");
});

test("connections that are refused count like silence, a wrong certificate does not", async () => {
  const callsOf4 = async (code: string) => {
    const caller = run();
    let calls = 0;
    const call = () => {
      calls++;
      return Promise.reject(Object.assign(new Error(code), { code }));
    };
    for (let i = 0; i < 4; i++) assert.is((await failure(attempt(caller, call, OPTIONS))).message, code);
    return calls;
  };
  assert.is(await callsOf4("ECONNREFUSED"), 3);
  assert.is(await callsOf4("CERT_HAS_EXPIRED"), 4);
});

const LIMIT_MS = 300;

/** A service that fails by itself, as long as nothing else is said. */
function failing(limitMs = LIMIT_MS) {
  const caller = run({ TSOPS_KMS_TIMEOUT: String(limitMs / 1000) });
  const state = { calls: 0, message: "passes" };
  const call = async () => {
    state.calls++;
    throw new Error(state.message);
  };
  return { ask: () => failure(attempt(caller, call, OPTIONS)), state, caller };
}

test("a service that does nothing but fail is given up, after as long as one call may take", async () => {
  const { ask, state } = failing();
  const start = performance.now();
  let before = -1;
  while (state.calls > before) {
    before = state.calls;
    assert.is((await ask()).message, "passes");
  }
  assert.ok(performance.now() - start >= LIMIT_MS);
  assert.ok(state.calls >= 5, String(state.calls));
  for (let i = 0; i < 3; i++) assert.is((await ask()).message, "passes", "as the last call that was made");
  assert.is(state.calls, before);
});

test("many failures at the same time are not enough: the service may start anew", async () => {
  const { ask, caller } = failing(5000);
  for (const { message } of await Promise.all(Array.from({ length: 16 }, ask))) assert.is(message, "passes");
  assert.is(await attempt(caller, async () => "yes", OPTIONS), "yes");
});

test("an answer in between, or a failure of what was asked for, shows that the service works", async () => {
  const { ask, state, caller } = failing();
  for (let i = 0; i < 12; i++) {
    state.message = i % 4 === 3 ? "no" : "passes";
    assert.is((await ask()).message, state.message);
  }
  const partial = { ...OPTIONS, partial: () => true };
  const call = () => Promise.reject(new Error("passes"));
  for (let i = 0; i < 8; i++) {
    assert.is((await failure(attempt(caller, call, partial))).message, "passes");
  }
});

test("who serves others asks a service that was given up again after a while, by one call", async () => {
  const service = new Service();
  const enter = () => service.enter({ serves: true });
  const unheard = new Error("no answer");
  for (let i = 0; i < 3; i++) service.silence(unheard);
  const error = await failure(enter());
  assert.is(error.message, "it could not be reached 3 times in a row, and is asked again after 5 seconds");
  assert.match(error.hint!, "try again after that");
  assert.is((await failure(service.enter())).message, "no answer");
  const now = performance.now.bind(performance);
  let later = 0;
  performance.now = () => now() + later;
  try {
    later = 5001;
    await enter();
    await failure(enter());
    service.silence(unheard);
    service.leave();
    await failure(enter());
    later = 10_100;
    await enter();
    service.answered();
    await enter();
    await enter();
  } finally {
    performance.now = now;
  }
});

test("whoever waits for a turn can be stopped", async () => {
  const stop = new AbortController();
  const caller = { ...run({}, stop.signal) };
  let throttle = true;
  const begun: (() => void)[] = [];
  const call = async (signal: AbortSignal) => {
    if (throttle) {
      throttle = false;
      throw new TooMany();
    }
    begun.push(() => undefined);
    return never(signal);
  };
  const calls = Array.from({ length: 6 }, () => failure(attempt(caller, call, OPTIONS)));
  while (begun.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  stop.abort();
  for (const error of await Promise.all(calls)) assert.is(error.code, "aborted");
});

test("Retry-After says seconds or a date", () => {
  assert.is(retryAfterMs("3"), 3000);
  assert.is(retryAfterMs(" 0.5 "), 500);
  assert.is(retryAfterMs(new Date(0).toUTCString()), 0);
  const inAnHour = retryAfterMs(new Date(Date.now() + 3_600_000).toUTCString())!;
  assert.ok(inAnHour > 3_500_000 && inAnHour <= 3_600_000);
  for (const nothing of ["", "soon", undefined, null]) assert.is(retryAfterMs(nothing), undefined);
  assert.equal(throttleBy(429, undefined), { afterMs: undefined });
  assert.equal(throttleBy(503, "1"), { afterMs: 1000 });
  assert.is(throttleBy(503, undefined), undefined);
  assert.is(throttleBy(400, "1"), undefined);
});

test.run();
