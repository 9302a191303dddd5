import * as fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type Limits, Store } from "../../src/agent/store.ts";

const LIMITS: Limits = { idle: 100, total: 1000 };

function storeAt(start = 0) {
  const clock = { now: start };
  return { clock, store: new Store(LIMITS, () => clock.now) };
}

const zeros = (bytes: Buffer): boolean => bytes.every((byte) => byte === 0);

test("what nobody asks for goes after the idle time, and is overwritten", () => {
  const { clock, store } = storeAt();
  const bytes = Buffer.from("key");
  store.keep("data key", "a", bytes);
  clock.now = 99;
  assert.is(store.find(["a"])?.bytes.toString(), "key");
  // asking for it began a new idle time
  clock.now = 198;
  assert.is(store.find(["a"])?.bytes.toString(), "key");
  clock.now = 298;
  assert.is(store.find(["a"]), undefined);
  assert.ok(zeros(bytes));
});

test("what is asked for all the time goes after the total time, also when it is kept again", () => {
  const { clock, store } = storeAt();
  const [first, second] = [Buffer.from("key"), Buffer.from("key")];
  store.keep("unlocked", "a", first);
  for (; clock.now < 950; clock.now += 50) assert.ok(store.find(["a"]), String(clock.now));
  store.keep("unlocked", "a", second);
  assert.ok(zeros(first), "what was replaced is overwritten");
  clock.now = 999;
  assert.ok(store.find(["a"]));
  clock.now = 1000;
  assert.is(store.find(["a"]), undefined);
  assert.ok(zeros(second));
});

test("a sweep overwrites what is over without anybody asking, and says when the next is", () => {
  const { clock, store } = storeAt();
  const [a, b] = [Buffer.from("a"), Buffer.from("b")];
  store.keep("data key", "a", a);
  clock.now = 60;
  store.keep("data key", "b", b);
  assert.is(store.sweep(), 40);
  assert.is(store.emptyIn(), 100);
  clock.now = 100;
  assert.is(store.sweep(), 60);
  assert.ok(zeros(a) && !zeros(b));
  clock.now = 160;
  assert.is(store.sweep(), undefined);
  assert.ok(zeros(b));
});

test("a clock that is set back does not make anything stay", () => {
  const { clock, store } = storeAt(500);
  const bytes = Buffer.from("key");
  store.keep("data key", "a", bytes);
  clock.now = 499;
  assert.is(store.find(["a"]), undefined);
  assert.ok(zeros(bytes));
});

test("clear overwrites all of it; what was given out is the client's", () => {
  const { store } = storeAt();
  const kept = ["a", "b"].map((name) => Buffer.from(name));
  store.keep("data key", "a", kept[0]!);
  store.keep("unlocked", "b", kept[1]!);
  assert.equal([store.count("data key"), store.count("unlocked")], [1, 1]);
  const given = store.find(["a"])!.bytes;
  assert.is(store.clear(), 2);
  assert.ok(kept.every(zeros));
  assert.is(given.toString(), "a");
  assert.equal([store.count("data key"), store.count("unlocked"), store.emptyIn()], [0, 0, 0]);
});

test("the first name that is known counts, and one that is not known gives nothing", () => {
  const { store } = storeAt();
  store.keep("data key", "a", Buffer.from("1"));
  store.keep("data key", "b", Buffer.from("2"));
  assert.is(store.find(["x", "b", "a"])?.name, "b");
  assert.is(store.find(["x", "__proto__"]), undefined);
  assert.is(store.find([]), undefined);
});

test("a client cannot fill the memory: the oldest go, and are overwritten", () => {
  const { store } = storeAt();
  const first = Buffer.from("first");
  store.keep("data key", "first", first);
  store.keep("data key", "second", Buffer.from("second"));
  store.find(["first"]);
  for (let i = 0; i < 9_999; i++) store.keep("data key", `${i}`, Buffer.alloc(32, 1));
  assert.is(store.count("data key"), 10_000);
  assert.ok(store.find(["first"]), "the one that was used last stayed");
  assert.is(store.find(["second"]), undefined);
  for (let i = 0; i < 200; i++) store.keep("unlocked", `large ${i}`, Buffer.alloc(2 ** 16, 1));
  assert.is(store.count("unlocked"), 2 ** 23 / 2 ** 16);
  assert.ok(zeros(first));
});

test("whatever is done, nothing is given out or left beyond its times", () => {
  const step = fc.oneof(
    fc.record({ does: fc.constant("wait" as const), ms: fc.integer({ min: 1, max: 150 }) }),
    fc.record({
      does: fc.constantFrom("keep" as const, "find" as const),
      name: fc.constantFrom("a", "b", "c"),
    }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const { clock, store } = storeAt();
      const model = new Map<string, { since: number; used: number }>();
      const all: { name: string; bytes: Buffer }[] = [];
      const lives = (name: string): boolean => {
        const item = model.get(name);
        const alive = item && clock.now < item.used + LIMITS.idle && clock.now < item.since + LIMITS.total;
        if (!alive) model.delete(name);
        return alive === true;
      };
      for (const one of steps) {
        if (one.does === "wait") clock.now += one.ms;
        else if (one.does === "keep") {
          const since = lives(one.name) ? model.get(one.name)!.since : clock.now;
          model.set(one.name, { since, used: clock.now });
          const bytes = Buffer.from(`${one.name}!`);
          all.push({ name: one.name, bytes });
          store.keep("data key", one.name, bytes);
        } else {
          const found = store.find([one.name]);
          assert.is(found !== undefined, lives(one.name));
          if (found) model.get(one.name)!.used = clock.now;
        }
        store.sweep();
        const alive = ["a", "b", "c"].filter(lives);
        assert.equal(
          new Set(all.filter(({ bytes }) => !zeros(bytes)).map(({ name }) => name)),
          new Set(alive),
        );
        assert.is(all.filter(({ bytes }) => !zeros(bytes)).length, alive.length);
      }
    }),
  );
});

test.run();
