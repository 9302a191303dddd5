import { execFileSync } from "node:child_process";
import fs, {
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { basename, join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { TsopsError } from "../../src/errors.ts";
import { clearLeft, withLock } from "../../src/files/lock.ts";
import { isOwnName } from "../../src/files/own.ts";
import { node, othersIn, scratchFolder, script, start } from "../support/scripts.ts";

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
/** Where no time passes, no lock grows old, and no time limit ends the wait. */
const TIMELESS = script(
  folder(),
  `import { withLock } from "./src/files/lock.ts";
   import { replaceFile } from "./src/files/atomic.ts";
   import { readDocument } from "./src/files/read.ts";
   let rounds = 0;
   const pause = async (milliseconds) => {
     if (++rounds === 1000) throw new Error("it waits for ever");
     await new Promise((resolve) => setTimeout(resolve, milliseconds));
   };
   const path = process.argv[2];
   const add = async () => {
     const { bytes, fingerprint } = await readDocument(path);
     await replaceFile(path, Buffer.from(String(Number(bytes) + 1)), { expected: fingerprint });
   };
   await withLock(path, add, { clock: { now: () => 0, pause } });`,
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
  const running = Array.from({ length: 4 }, () => start(node(TIMELESS, path)));
  for (const { ended } of running) assert.is((await ended).code, 0, (await ended).stderr);
  assert.is(readFileSync(path, "utf8"), "4");
  assert.equal(othersIn(dir, "n"), []);
});

test("what a killed process was writing goes with its lock: it may be a plaintext", async () => {
  const dir = folder();
  const path = join(dir, "n");
  const done = start([process.execPath, "-e", ""]);
  const { pid } = done.child;
  await done.ended;
  const name = await nameOfLock(path);
  const { where } = await holderNow(path);
  writeFileSync(name, JSON.stringify({ token: "old", pid, started: "1", where }));
  const half = name.replace(/lock$/, "tmp");
  writeFileSync(half, "password: s3cret");
  await withLock(path, async () => assert.not.ok(existsSync(half)));
  assert.equal(othersIn(dir, "n"), []);
  // also where a folder is looked through and the file itself stays as it is
  writeFileSync(name, JSON.stringify({ token: "old", pid, started: "1", where }));
  writeFileSync(half, "password: s3cret");
  clearLeft(path);
  assert.equal(othersIn(dir, "n"), []);
  await withLock(path, async () => {
    clearLeft(path);
    assert.ok(existsSync(name), "a lock that is held stays");
  });
});

test("what a killed process was writing goes before its lock: after that, the name is the next one's", async () => {
  const dir = folder();
  const path = join(dir, "n");
  writeFileSync(path, "before");
  const name = await nameOfLock(path);
  const half = name.replace(/lock$/, "tmp");
  const { where } = await holderNow(path);
  writeFileSync(name, signed({ pid: 2 ** 22 + 1, where }));
  writeFileSync(half, "password: s3cret");
  const { unlinkSync } = fs;
  let taken = false;
  // as soon as the lock is gone, another one takes it and writes
  fs.unlinkSync = (gone) => {
    unlinkSync(gone);
    if (gone !== name || taken) return;
    taken = true;
    writeFileSync(half, "of the next one", { flag: "wx" });
  };
  syncBuiltinESMExports();
  try {
    clearLeft(path);
  } finally {
    fs.unlinkSync = unlinkSync;
    syncBuiltinESMExports();
  }
  assert.equal(othersIn(dir, "n"), [basename(half)]);
  assert.is(readFileSync(half, "utf8"), "of the next one");
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

async function holderNow(path: string): Promise<Record<string, unknown>> {
  return await withLock(path, async () => {
    const dir = join(path, "..");
    return JSON.parse(readFileSync(join(dir, othersIn(dir, "n")[0]!), "utf8")) as Record<string, unknown>;
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

/** A clock that runs only while somebody waits. */
function quickClock() {
  let time = 0;
  const clock = {
    rounds: 0,
    now: () => time,
    pause: async (milliseconds: number) => {
      clock.rounds++;
      time += milliseconds;
      await pause(0);
    },
  };
  return clock;
}

/** Plants something in the place of a file's lock, and tries to take it. */
async function tryPlanted(
  plant: (lock: string, now: Record<string, unknown>) => void,
  options: { timeout?: number } = {},
) {
  const dir = folder();
  const path = join(dir, "n");
  writeFileSync(path, "0");
  const lock = await nameOfLock(path);
  plant(lock, await holderNow(path));
  const clock = quickClock();
  const result = await withLock(path, async () => "done", { ...options, clock }).catch(
    (error: unknown) => error,
  );
  return { result, waited: clock.now(), rounds: clock.rounds, dir, lock };
}

const signed = (more: Record<string, unknown>) =>
  JSON.stringify({ token: "old", pid: 1, started: "1", ...more });

test("what is no lock is an error at once that names it, and is not taken away", async () => {
  const kinds: Record<string, (path: string) => void> = {
    folder: (path) => mkdirSync(path),
    "folder with something in it": (path) => {
      mkdirSync(path);
      writeFileSync(join(path, ".gitkeep"), "");
    },
    link: (path) => symlinkSync("n", path),
    "link to nothing": (path) => symlinkSync("nothing", path),
    pipe: (path) => execFileSync("mkfifo", [path]),
    "file of somebody": (path) => writeFileSync(path, "my notes\n"),
    "large file": (path) => writeFileSync(path, "x".repeat(1_000_000)),
    "JSON of something else": (path) => writeFileSync(path, '{"a":1}'),
  };
  for (const [kind, put] of Object.entries(kinds)) {
    for (const ending of ["", "-break"]) {
      const { result, waited, lock } = await tryPlanted((lock, now) => {
        if (ending !== "") writeFileSync(lock, signed({ ...now, pid: 1, started: "" }));
        put(lock + ending);
      });
      assert.instance(result, TsopsError, `${kind}${ending}`);
      const error = result as TsopsError;
      assert.is(error.code, "lock");
      assert.match(error.message, lock + ending);
      assert.match(error.hint ?? "", "remove it");
      assert.ok(waited < 1000, `${kind}${ending}: ${waited} ms`);
      assert.ok(lstatSync(lock + ending), "it is still there");
    }
  }
});

test("locks that nobody holds hold nobody up, also where several were committed", async () => {
  const contents: Record<string, (now: Record<string, unknown>) => string> = {
    "a process that is gone": (now) => signed({ ...now, pid: 2 ** 22 + 1 }),
    "process 1 without its start": (now) => signed({ ...now, pid: 1, started: "" }),
    "process 1 at another time": (now) => signed({ ...now, pid: 1, started: "1" }),
    "no process number": (now) => signed({ ...now, pid: 0 }),
    "a copy from another machine": (now) => signed({ ...now, where: "elsewhere 1 2", inode: "1" }),
    "another machine, without an inode": () => signed({ where: "elsewhere 1 2" }),
    "an empty file": () => "",
  };
  for (const [kind, content] of Object.entries(contents)) {
    for (const endings of [[""], ["", "-break"], ["-break"]]) {
      const { result, waited, rounds, dir } = await tryPlanted((lock, now) => {
        for (const ending of endings) writeFileSync(lock + ending, content(now));
      });
      assert.is(result, "done", `${kind} ${endings}: ${result}`);
      assert.ok(waited < 5000 && rounds < 100, `${kind} ${endings}: ${waited} ms, ${rounds} rounds`);
      if (endings[0] === "") assert.equal(othersIn(dir, "n"), [], kind);
    }
  }
});

/** A lock that says which file it is, as a real one does. */
function plantReal(lock: string, content: Record<string, unknown>): void {
  writeFileSync(lock, "");
  writeFileSync(lock, signed({ ...content, inode: String(statSync(lock, { bigint: true }).ino) }));
}

test("a lock from another machine holds while there are signs of life, and half a minute longer", async () => {
  const elsewhere = { where: "elsewhere 1 2" };
  const silent = await tryPlanted((lock) => plantReal(lock, elsewhere));
  assert.is(silent.result, "done");
  assert.ok(silent.waited > 30_000 && silent.waited < 31_000, `${silent.waited}`);
  const old = await tryPlanted((lock) => {
    plantReal(lock, elsewhere);
    utimesSync(lock, 1000, 1000);
  });
  assert.is(old.result, "done");
  assert.ok(old.waited < 1000, `${old.waited}`);
  // another boot of a machine of this name may be another machine of this name
  const reboot = await tryPlanted((lock, { where }) =>
    plantReal(lock, { where: String(where).replace(" ", " 0") }),
  );
  assert.ok(reboot.waited > 30_000, `${reboot.waited}`);

  const dir = folder();
  const path = join(dir, "n");
  const lock = await nameOfLock(path);
  plantReal(lock, elsewhere);
  const clock = quickClock();
  let seconds = 1;
  const alive = {
    ...clock,
    pause: (ms: number) => {
      utimesSync(lock, 2e9, 2e9 + seconds++);
      return clock.pause(ms);
    },
  };
  const error = await withLock(path, async () => "never", { clock: alive }).catch((error: unknown) => error);
  assert.is((error as TsopsError).code, "lock");
  assert.match((error as TsopsError).message, "process 1 on elsewhere");
  assert.ok(clock.now() >= 60_000 && clock.now() < 61_000, `${clock.now()}`);
});

test("the time limit holds whatever happens, with a pause in each round", async () => {
  const dir = folder();
  const path = join(dir, "n");
  const lock = await nameOfLock(path);
  const clock = quickClock();
  // somebody puts a dead lock there again as soon as it is gone
  const again = () => writeFileSync(lock, signed({ where: "elsewhere 1 2" }));
  again();
  const stubborn = {
    now: clock.now,
    pause: (ms: number) => {
      again();
      return clock.pause(ms);
    },
  };
  const error = await withLock(path, async () => "never", { clock: stubborn }).catch(
    (error: unknown) => error,
  );
  assert.is((error as TsopsError).code, "lock");
  assert.ok(clock.now() >= 60_000 && clock.now() < 61_000, `${clock.now()}`);
  assert.ok(clock.rounds < 3000, `${clock.rounds}`);
});

test("a kill at any moment leaves nothing that the next one waits for", async () => {
  const dir = folder();
  const path = join(dir, "n");
  const child = script(
    folder(),
    `import { withLock } from "./src/files/lock.ts";
     for (let n = 0; ; n++) {
       await withLock(process.argv[2], async () => undefined);
       if (n === 0) console.log("going");
     }`,
  );
  for (let round = 0; round < 15; round++) {
    const running = start(node(child, path));
    await running.printed("going");
    await pause(Math.random() * 20);
    running.child.kill("SIGKILL");
    await running.ended;
    const clock = quickClock();
    assert.is(await withLock(path, async () => "done", { clock }), "done");
    assert.ok(clock.rounds < 10, `round ${round}: ${clock.rounds}`);
  }
  assert.ok(othersIn(dir).every(isOwnName), "and nothing that would be taken for a file of the person");
});

test("where there are no hard links, a lock is made in two steps, and one at a time holds it all the same", async () => {
  const dir = folder();
  const path = join(dir, "n");
  const { linkSync } = fs;
  fs.linkSync = () => {
    throw Object.assign(new Error("no links here"), { code: "EPERM" });
  };
  syncBuiltinESMExports();
  try {
    let inside = 0;
    await Promise.all(
      Array.from({ length: 8 }, () =>
        withLock(path, async () => {
          assert.is(++inside, 1);
          await pause(1);
          inside--;
        }),
      ),
    );
    // what a kill between the two steps leaves
    writeFileSync(await nameOfLock(path), "");
    const clock = quickClock();
    assert.is(await withLock(path, async () => "done", { clock }), "done");
    assert.ok(clock.now() > 1000 && clock.now() < 1500, `${clock.now()}`);
  } finally {
    fs.linkSync = linkSync;
    syncBuiltinESMExports();
  }
  assert.equal(othersIn(dir), []);
});

test("a lock can be read by others whatever the umask, so that they see whether it is held", async () => {
  const dir = folder();
  const before = process.umask(0o077);
  try {
    await withLock(join(dir, "n"), async () => {
      assert.is(statSync(join(dir, othersIn(dir)[0]!)).mode & 0o777, 0o644);
    });
  } finally {
    process.umask(before);
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

/** Runs a script that can `fill` up what it may open, and `free` it again. */
function withFewDescriptors(source: string, path: string) {
  const file = script(
    folder(),
    `import fs from "node:fs";
     import { withLock } from "./src/files/lock.ts";
     import { replaceFile } from "./src/files/atomic.ts";
     const path = process.argv[2];
     const open = [];
     const fill = () => {
       try {
         for (;;) open.push(fs.openSync("/dev/null", "r"));
       } catch (error) {
         if (error.code !== "EMFILE") throw error;
       }
     };
     const free = () => open.splice(0).forEach((fd) => fs.closeSync(fd));
     ${source}`,
  );
  return start(["sh", "-c", 'ulimit -n 64 && exec "$@"', "sh", ...node(file, path)]);
}

if (process.platform !== "win32") {
  test("is released where the process can open nothing more", async () => {
    const dir = folder();
    const work = "await withLock(path, async () => fill()); fill();";
    for (const source of [work, `fill(); setTimeout(free, 50); ${work}`]) {
      const { code, stderr } = await withFewDescriptors(source, join(dir, "n")).ended;
      assert.is(code, 0, stderr);
      assert.equal(fs.readdirSync(dir), []);
    }
  });

  test("waits until something can be opened, also where another process holds it, which keeps it", async () => {
    const dir = folder();
    const path = join(dir, "n");
    writeFileSync(path, "before");
    // time flies: what cannot be looked at seems silent for long
    const source = `
      let now = 0;
      const clock = { now: () => now, pause: async () => void (now += 31_000) };
      fill();
      setTimeout(() => console.log("waits"), 100);
      const began = setTimeout(free, 200);
      await withLock(path, () => replaceFile(path, Buffer.from("after")), { timeout: Infinity, clock });
    `;
    const child = await withLock(path, async () => {
      const running = withFewDescriptors(source, path);
      await running.printed("waits");
      await pause(300);
      assert.is(readFileSync(path, "utf8"), "before");
      return running;
    });
    const { code, stderr } = await child.ended;
    assert.is(code, 0, stderr);
    assert.is(readFileSync(path, "utf8"), "after");
    assert.equal(othersIn(dir), ["n"]);
  });
}

test("a lock that somebody else touched is released all the same, and one that is another's is not", async () => {
  const dir = folder();
  const path = join(dir, "n");
  const lock = () => join(dir, fs.readdirSync(dir).find((name) => name.endsWith(".lock"))!);
  await withLock(path, async () => utimesSync(lock(), 1, 1));
  assert.equal(othersIn(dir), []);
  const other = JSON.stringify({ token: "other", pid: 1, started: "", where: "elsewhere", inode: "1" });
  await withLock(path, async () => {
    const name = lock();
    fs.unlinkSync(name);
    writeFileSync(name, other);
  });
  assert.is(readFileSync(lock(), "utf8"), other);
});

test.run();
