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

/** Opens something for each item; there is room for so many. */
function opener(room: number) {
  let open = 0;
  let most = 0;
  let refused = 0;
  const work = async (item: number): Promise<number> => {
    if (open === room) {
      refused++;
      throw Object.assign(new Error("too many open files"), { code: "EMFILE" });
    }
    most = Math.max(most, ++open);
    await pause(1);
    open--;
    return item * 10;
  };
  return { work, most: () => most, refused: () => refused };
}

for (const [count, limit, room] of [
  [40, 20, 3],
  [20, 20, 1],
  [3, 200, 2],
] as const) {
  test(`loses nothing where there is room for ${room} of ${Math.min(limit, count)} at a time`, async () => {
    const items = Array.from({ length: count }, (_, i) => i);
    const { work, most, refused } = opener(room);
    const heard: number[] = [];
    const ended = async (result: PromiseSettledResult<number>, index: number): Promise<void> => {
      assert.is(result.status, "fulfilled");
      heard.push(index);
    };
    const results = await mapFiles(items, limit, work, { ended });
    assert.equal(
      results.map((result) => result.status === "fulfilled" && result.value),
      items.map((item) => item * 10),
    );
    assert.is(most(), room);
    assert.equal(
      heard.sort((a, b) => a - b),
      items,
      "each is heard of once",
    );
    // each that finds no room makes one less at a time
    assert.is(refused(), Math.min(limit, count) - room);
  });
}

for (const [count, limit, steps] of [
  [3, 3, 0],
  [2, 2, 3],
  [5, 2, 1],
  [4, 1, 0],
] as const) {
  test(`loses nothing where ${count} items fail once each, in ${steps} steps and by ${limit} at a time`, async () => {
    const failed = new Set<number>();
    const items = Array.from({ length: count }, (_, i) => i);
    const results = await mapFiles(items, limit, async (item) => {
      for (let step = 0; step < steps * item; step++) await undefined;
      if (failed.has(item)) return item;
      failed.add(item);
      throw Object.assign(new Error("full"), { code: "EMFILE" });
    });
    assert.equal(
      results.map((result) => result.status === "fulfilled" && result.value),
      items,
    );
  });
}

test("what hears of the results stops nothing by an error", async () => {
  const results = await mapFiles([0, 1, 2], 1, async (n) => n, {
    ended: async (_, index) => {
      if (index === 0) throw new Error("the disk is full");
    },
  });
  assert.equal(
    results.map(({ status }) => status),
    ["rejected", "fulfilled", "fulfilled"],
  );
});

test("an item that finds no room though it is alone is tried again, too", async () => {
  let tries = 0;
  const results = await mapFiles(["a", "b"], 2, async (name) => {
    if (name === "b" && ++tries < 5) {
      await pause(5);
      throw Object.assign(new Error("full"), { code: "ENFILE" });
    }
    return name;
  });
  assert.equal(
    results.map((result) => result.status === "fulfilled" && result.value),
    ["a", "b"],
  );
  assert.is(tries, 5);
});

test.run();
