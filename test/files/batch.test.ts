import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { TsopsError } from "../../src/errors.ts";
import { mapFiles } from "../../src/files/batch.ts";

const test = suite("batch");
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

test("works side by side up to the limit, and gives results in order", async () => {
  let now = 0;
  let most = 0;
  const results = await mapFiles([5, 1, 4, 2, 3, 0], 3, async (n) => {
    most = Math.max(most, ++now);
    await pause(n * 3);
    now--;
    return n * 10;
  });
  assert.is(most, 3);
  assert.equal(
    results.map((r) => r.status === "fulfilled" && r.value),
    [50, 10, 40, 20, 30, 0],
  );
  assert.equal(await mapFiles([], 3, async () => 1), []);
});

test("goes on after an error, thrown at once or later", async () => {
  const results = await mapFiles(["a", "b", "c"], 1, (name) => {
    if (name === "a") throw new Error("now");
    return name === "b" ? Promise.reject(new Error("later")) : Promise.resolve(name);
  });
  assert.equal(
    results.map(({ status }) => status),
    ["rejected", "rejected", "fulfilled"],
  );
});

test("starts nothing more after it was stopped", async () => {
  const abort = new AbortController();
  const started: number[] = [];
  const results = await mapFiles(
    [0, 1, 2, 3],
    2,
    async (n) => {
      started.push(n);
      if (n === 1) abort.abort();
      await pause(1);
    },
    { signal: abort.signal },
  );
  assert.equal(started, [0, 1]);
  const last = results[3]!;
  assert.is(last.status === "rejected" && (last.reason as TsopsError).code, "aborted");
});

test.run();
