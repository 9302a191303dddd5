import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { checkRoom, closeForRoom, isShortage, withRoom } from "../src/descriptors.ts";
import { TsopsError } from "../src/errors.ts";

const full = (code = "EMFILE"): Error => Object.assign(new Error(code), { code });

test("a shortage is known wherever it was found out, and nothing else is one", () => {
  assert.ok(isShortage(full()));
  assert.ok(isShortage(full("ENFILE")));
  assert.ok(isShortage(new TsopsError("read", "it cannot be read", { cause: full() })));
  assert.ok(isShortage(new AggregateError([full(), full("ECONNREFUSED")])));
  for (const other of [full("EACCES"), new Error("EMFILE"), "EMFILE", undefined, null])
    assert.not.ok(isShortage(other));
  const circle = new Error("circle");
  circle.cause = circle;
  assert.not.ok(isShortage(circle));
});

test("what finds no room is tried again until there is some; another error is thrown at once", async () => {
  let tries = 0;
  const work = (): string => {
    if (++tries < 4) throw full(tries === 2 ? "ENFILE" : "EMFILE");
    return "opened";
  };
  assert.is(await withRoom(work), "opened");
  assert.is(tries, 4);
  tries = 0;
  const denied = async (): Promise<never> => {
    tries++;
    throw full("EACCES");
  };
  assert.is(await withRoom(denied).catch(({ code }) => code), "EACCES");
  assert.is(tries, 1);
});

test("nobody waits for ever, nor after being stopped, and a shortage that lasts is found out once", async () => {
  const real = performance.now;
  let now = 0;
  performance.now = () => now;
  try {
    let tries = 0;
    const work = (): never => {
      tries++;
      now += 4_000;
      throw full();
    };
    assert.is(await withRoom(work).catch(({ code }) => code), "EMFILE");
    assert.is(tries, 9);
    assert.is(await withRoom(work).catch(({ code }) => code), "EMFILE");
    assert.is(tries, 10, "the next one does not wait as long again");
    // a shortage that nobody met for a while is over: the next one is waited for again
    now += 60_000;
    tries = 0;
    assert.is(await withRoom(work).catch(({ code }) => code), "EMFILE");
    assert.is(tries, 9);
    assert.is(await withRoom(() => "opened"), "opened");
    tries = 0;
    assert.is(await withRoom(work, AbortSignal.abort()).catch(({ code }) => code), "EMFILE");
    assert.is(tries, 1);
  } finally {
    performance.now = real;
    await withRoom(() => undefined);
  }
});

test("connections that nobody uses are closed where there is no room", async () => {
  let open = 2;
  const free = [{ destroy: () => open-- }, { destroy: () => open-- }];
  const keeper = { freeSockets: { "server:443": free } };
  closeForRoom(keeper);
  const work = (): string => {
    if (open > 0) throw full();
    return "opened";
  };
  assert.is(await withRoom(work), "opened");
});

test("what is opened inside, and finds room, does not have a shortage around it waited for without an end", async () => {
  const real = performance.now;
  let now = 1_000_000;
  performance.now = () => now;
  try {
    let tries = 0;
    const work = async (): Promise<never> => {
      assert.is(await withRoom(() => "opened"), "opened");
      tries++;
      now += 4_000;
      throw full();
    };
    assert.is(await withRoom(work).catch(({ code }) => code), "EMFILE");
    assert.is(tries, 9);
  } finally {
    performance.now = real;
    await withRoom(() => undefined);
  }
});

if (process.platform !== "win32") {
  test("room for a program is missing where nothing can be opened, and not where there is no /dev/null", () => {
    const { openSync } = fs;
    const refusing = (code: string) => {
      fs.openSync = () => {
        throw full(code);
      };
      syncBuiltinESMExports();
      checkRoom(3);
    };
    try {
      refusing("ENOENT");
      assert.throws(() => refusing("EMFILE"), /EMFILE/);
    } finally {
      fs.openSync = openSync;
      syncBuiltinESMExports();
    }
  });
}

test.run();
