import { test } from "uvu";
import * as assert from "uvu/assert";
import { TsopsError } from "../../src/errors.ts";
import { AskedOnce } from "../../src/keys/login.ts";

interface Token {
  readonly number: number;
}

/** A login whose answers are said in advance; without one it gives tokens that are good for a hundred seconds. */
function loginWith(refusals: readonly Error[]) {
  const clock = { ms: 1_000_000 };
  let asked = 0;
  const login = new AskedOnce<Token>(
    async () => {
      const refusal = refusals[asked++];
      if (refusal) throw refusal;
      return { number: asked };
    },
    {
      now: () => clock.ms,
      until: () => clock.ms + 100_000,
      passes: (error) => (error as Error).message === "busy",
    },
  );
  return { login, clock, asked: () => asked };
}

const failing = (login: AskedOnce<Token>) =>
  login.get().then(
    () => "it did not fail",
    (error: Error) => error.message,
  );

test("all who come at once share one login, and it is asked for again at its end", async () => {
  const { login, clock } = loginWith([]);
  const all = await Promise.all([login.get(), login.get(), login.get()]);
  assert.equal(all, [{ number: 1 }, { number: 1 }, { number: 1 }]);
  clock.ms += 99_999;
  assert.is((await login.get()).number, 1);
  clock.ms += 1;
  assert.is((await login.get()).number, 2);
});

test("a refusal counts for a minute, then it is tried again", async () => {
  const { login, clock, asked } = loginWith([new Error("wrong secret")]);
  for (let i = 0; i < 3; i++) assert.is(await failing(login), "wrong secret");
  assert.is(asked(), 1);
  clock.ms += 59_999;
  assert.is(await failing(login), "wrong secret");
  clock.ms += 1;
  assert.is((await login.get()).number, 2);
});

test("what passes by itself, and what was stopped, is tried again at once", async () => {
  const abort = Object.assign(new Error("The operation was aborted"), { name: "AbortError" });
  const { login } = loginWith([new Error("busy"), new TsopsError("aborted", "stopped"), abort]);
  assert.is(await failing(login), "busy");
  assert.is(await failing(login), "stopped");
  assert.is(await failing(login), abort.message);
  assert.is((await login.get()).number, 4);
});

test.run();
