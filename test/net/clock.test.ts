import { setTimeout as sleep } from "node:timers/promises";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { TsopsError } from "../../src/errors.ts";
import { type AttemptOptions, attempt, type Caller } from "../../src/net/attempt.ts";
import { aside, Clock, loggingIn } from "../../src/net/clock.ts";
import { serviceOf } from "../../src/net/service.ts";
import { ending, gate } from "../support/pace.ts";

const OPTIONS: AttemptOptions = { service: "a", passes: (error) => (error as Error).message === "passes" };
/** Long after the time for a call. */
const LONG_MS = 700;

function run(seconds: number): Caller {
  return { env: { TSOPS_KMS_TIMEOUT: String(seconds) }, cache: new Map() };
}

const failure = async (work: Promise<unknown>): Promise<TsopsError> =>
  await ending(work).then(
    () => assert.unreachable("it must fail"),
    (error) => error,
  );

const never = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));

test("a clock that is held stands still, and what was to ring rings later", async () => {
  const clock = new Clock();
  const rung: string[] = [];
  const [one, two] = [clock.hold(), clock.hold()];
  const before = clock.time;
  const rings = new Promise<void>((resolve) => {
    clock.after(20, () => {
      rung.push("late");
      resolve();
    });
  });
  clock.after(10, () => rung.push("cancelled"))();
  await sleep(60);
  one();
  await sleep(60);
  assert.is(clock.time, before);
  assert.equal(rung, []);
  two();
  await ending(rings);
  assert.equal(rung, ["late"]);
  assert.ok(clock.time >= before + 19);
});

test("a login may take longer than a call, and is no silence of the service, for no call of the run", async () => {
  const caller = run(0.5);
  const { opened, open } = gate();
  let login: Promise<void> | undefined;
  const call = async () => {
    login ??= loggingIn(caller.cache, () => opened);
    await login;
    return "done";
  };
  const calls = Array.from({ length: 8 }, () => attempt(caller, call, OPTIONS));
  await sleep(LONG_MS);
  open();
  assert.equal(await ending(Promise.all(calls)), Array(8).fill("done"));
  assert.is(await attempt(caller, async () => "still asked", OPTIONS), "still asked");
});

test("a service that hangs is noticed after a login, too", async () => {
  const caller = run(0.1);
  const { message } = await failure(
    attempt(caller, (signal) => loggingIn(caller.cache, () => sleep(150)).then(() => never(signal)), OPTIONS),
  );
  assert.match(message, "did not answer within 0.1 seconds");
});

test("a login that fails is not tried again by the call, and says nothing of the service", async () => {
  const caller = run(0.5);
  let asked = 0;
  const call = () =>
    loggingIn(caller.cache, async () => {
      asked++;
      throw Object.assign(new Error("passes"), { code: "ECONNREFUSED" });
    });
  for (let i = 0; i < 5; i++) assert.is((await failure(attempt(caller, call, OPTIONS))).message, "passes");
  assert.is(asked, 5);
  // an SDK may put it into an error of its own
  const wrapped = () => call().catch((cause) => Promise.reject(new Error("passes", { cause })));
  for (let i = 0; i < 5; i++) await failure(attempt(caller, wrapped, OPTIONS));
  assert.is(asked, 10);
  assert.is(await attempt(caller, async () => "still asked", OPTIONS), "still asked");
});

test("a login that hangs at its server ends, and only that server is given up", async () => {
  const caller = run(0.05);
  const own: Caller = { ...caller, login: true };
  let asked = 0;
  const hanging = (signal: AbortSignal) => {
    asked++;
    return never(signal);
  };
  const call = () => loggingIn(caller.cache, () => attempt(own, hanging, { ...OPTIONS, service: "login" }));
  for (let i = 0; i < 5; i++) {
    assert.match(
      (await failure(attempt(caller, call, OPTIONS))).message,
      "did not answer within 0.05 seconds",
    );
  }
  assert.is(asked, 3);
  assert.is(await attempt(caller, async () => "still asked", OPTIONS), "still asked");
});

test("a login has its turn at once, also at a service whose turns are all taken by calls without an answer", async () => {
  const caller = run(0.2);
  const service = serviceOf(caller.cache, OPTIONS.service);
  for (let i = 0; i < 4; i++) await service.enter();
  service.throttled(undefined);
  for (let i = 0; i < 4; i++) service.leave();
  const calls = Array.from({ length: 4 }, () => failure(attempt(caller, never, OPTIONS)));
  const own: Caller = { ...caller, login: true };
  const login = loggingIn(caller.cache, () => attempt(own, async () => "token", OPTIONS));
  assert.is(await login, "token");
  for (const { message } of await Promise.all(calls))
    assert.match(message, "did not answer within 0.2 seconds");
});

test("a program or a person that a login waits for does not take the login's time", async () => {
  const caller = run(0.5);
  const own: Caller = { ...caller, login: true };
  const slow = () => aside(caller.cache, () => sleep(LONG_MS)).then(() => "done");
  const login = () => attempt(own, slow, { ...OPTIONS, service: "login" });
  assert.is(await attempt(caller, () => loggingIn(caller.cache, login), OPTIONS), "done");
});

test("whoever waits for a login can be stopped", async () => {
  const stop = new AbortController();
  const caller: Caller = { ...run(0.5), signal: stop.signal };
  const { opened, open } = gate();
  const call = attempt(caller, () => loggingIn(caller.cache, () => opened), OPTIONS);
  stop.abort();
  assert.is((await failure(call)).code, "aborted");
  open();
});

test.run();
