import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { TsopsError } from "../../src/errors.ts";
import { withLock } from "../../src/files/lock.ts";
import { node, othersIn, scratchFolder, script, start } from "./helpers.ts";

const test = suite("lock");
const scratch = scratchFolder();
let folders = 0;

function folder(): string {
  const path = join(scratch, `f${++folders}`);
  mkdirSync(path);
  return path;
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Adds one to the number in a file, with time in between for somebody else to do the same. */
const ADDER = script(
  folder(),
  `import { withLock } from "./src/files/lock.ts";
   import { replaceFile } from "./src/files/atomic.ts";
   import { readDocument } from "./src/files/read.ts";
   const [path, times = "1"] = process.argv.slice(2);
   for (let i = 0; i < Number(times); i++) {
     await withLock(path, async () => {
       const { bytes, fingerprint } = await readDocument(path);
       await new Promise((resolve) => setTimeout(resolve, 5));
       await replaceFile(path, Buffer.from(String(Number(bytes) + 1)), { expected: fingerprint });
     });
   }`,
);
/** Takes the lock, says so, and holds it until it is killed. */
const HOLDER = script(
  folder(),
  `import { withLock } from "./src/files/lock.ts";
   await withLock(process.argv[2], () => { console.log("held"); return new Promise((r) => setTimeout(r, 60_000)); });`,
);

test("ten processes that change one file at the same time all land", async () => {
  const dir = folder();
  const path = join(dir, "n");
  writeFileSync(path, "0");
  // half of them know the file by another name
  symlinkSync("n", join(dir, "link"));
  symlinkSync(dir, join(scratch, "other-way"));
  const names = [path, join(dir, "link"), join(scratch, "other-way", "n")];
  const running = Array.from({ length: 10 }, (_, i) => start(node(ADDER, names[i % 3]!, "2")));
  for (const { ended } of running) assert.is((await ended).code, 0, (await ended).stderr);
  assert.is(readFileSync(path, "utf8"), "20");
  assert.equal(othersIn(dir, "n", "link"), []);
});

test("so do many changes within one process", async () => {
  const dir = folder();
  const path = join(dir, "new");
  let inside = 0;
  let count = 0;
  await Promise.all(
    Array.from({ length: 10 }, () =>
      withLock(path, async () => {
        assert.is(++inside, 1);
        await pause(1);
        inside--;
        count++;
      }),
    ),
  );
  assert.is(count, 10);
  assert.equal(othersIn(dir), []);
});

test("the lock of a process that was killed is found at once, by one of many", async () => {
  const dir = folder();
  const path = join(dir, "n");
  writeFileSync(path, "0");
  const holder = start(node(HOLDER, path));
  await holder.printed("held");
  holder.child.kill("SIGKILL");
  await holder.ended;
  assert.is(othersIn(dir, "n").length, 1);
  const from = Date.now();
  const running = Array.from({ length: 4 }, () => start(node(ADDER, path)));
  for (const { ended } of running) assert.is((await ended).code, 0, (await ended).stderr);
  assert.is(readFileSync(path, "utf8"), "4");
  assert.ok(Date.now() - from < 20_000, "without waiting for it to grow old");
  assert.equal(othersIn(dir, "n"), []);
});

test("only one of many takes over a lock that was left behind", async () => {
  const dir = folder();
  const path = join(dir, "n");
  const done = start([process.execPath, "-e", ""]);
  const { pid } = done.child;
  await done.ended;
  for (let round = 0; round < 30; round++) {
    const name = await nameOfLock(path);
    const { where } = await holderNow(path);
    writeFileSync(name, JSON.stringify({ token: `old ${round}`, pid, started: "1", where }));
    let inside = 0;
    await Promise.all(
      Array.from({ length: 8 }, () =>
        withLock(path, async () => {
          assert.is(++inside, 1, "one holder at a time");
          await pause(0);
          inside--;
        }),
      ),
    );
  }
  assert.equal(othersIn(dir), []);
});

async function nameOfLock(path: string): Promise<string> {
  return await withLock(path, async () => join(path, "..", othersIn(join(path, ".."), "n")[0]!));
}

async function holderNow(path: string): Promise<{ where: string }> {
  return await withLock(path, async () => {
    const dir = join(path, "..");
    return JSON.parse(readFileSync(join(dir, othersIn(dir, "n")[0]!), "utf8")) as { where: string };
  });
}

test("is released by errors and signals", async () => {
  const dir = folder();
  const path = join(dir, "n");
  await assert_rejects(
    withLock(path, async () => Promise.reject(new Error("on purpose"))),
    "on purpose",
  );
  assert.equal(othersIn(dir), []);
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
    const holder = start(node(HOLDER, path));
    await holder.printed("held");
    holder.child.kill(signal);
    assert.is((await holder.ended).signal, signal);
    assert.equal(othersIn(dir), []);
  }
  for (const event of ["SIGINT", "SIGTERM", "exit"]) {
    assert.is(
      process.listeners(event as "exit").filter(({ name }) => /onSignal|cleanUp/.test(name)).length,
      0,
    );
  }
});

test("waits for as long as it is told, and says who is in the way", async () => {
  const path = join(folder(), "n");
  const holder = start(node(HOLDER, path));
  await holder.printed("held");
  const error = await withLock(path, async () => "never", { timeout: 50 }).catch((error: unknown) => error);
  assert.instance(error, TsopsError);
  assert.is((error as TsopsError).code, "lock");
  assert.match((error as TsopsError).message, `process ${holder.child.pid} `);
  const abort = new AbortController();
  setTimeout(() => abort.abort(), 30);
  const aborted = await withLock(path, async () => "never", { signal: abort.signal }).catch(
    (error: unknown) => error,
  );
  assert.is((aborted as TsopsError).code, "aborted");
  holder.child.kill();
  await holder.ended;
});

test("a lock that nobody signed is not taken away at once", async () => {
  const dir = folder();
  const path = join(dir, "n");
  writeFileSync(await nameOfLock(path), "");
  const error = await withLock(path, async () => "never", { timeout: 50 }).catch((error: unknown) => error);
  assert.is((error as TsopsError).code, "lock");
  assert.match((error as TsopsError).hint ?? "", "delete");
});

test("a pipe or a device in the place of the lock is not read", async () => {
  for (const put of [
    (lock: string) => execFileSync("mkfifo", [lock]),
    (lock: string) => symlinkSync("/dev/zero", lock),
  ]) {
    const path = join(folder(), "n");
    writeFileSync(path, "0");
    put(await nameOfLock(path));
    const error = await withLock(path, async () => "never", { timeout: 50 }).catch((error: unknown) => error);
    assert.is((error as TsopsError).code, "lock");
  }
});

test("says that file or folder is missing, and that a folder is closed", async () => {
  const error = await withLock(join(scratch, "no/n"), async () => "never").catch((error: unknown) => error);
  assert.is((error as TsopsError).code, "no-such-file");
  if (!existsSync("/proc/self/status")) return;
  const missing = await withLock("/proc/n", async () => "never").catch((error: unknown) => error);
  assert.is((missing as TsopsError).code, "no-such-file");
  const closed = await withLock("/proc/self/status", async () => "never").catch((error: unknown) => error);
  assert.is((closed as TsopsError).code, "write");
});

async function assert_rejects(promise: Promise<unknown>, message: string): Promise<void> {
  const error = await promise.catch((error: unknown) => error);
  assert.is((error as Error).message, message);
}

test.run();
