import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { TsopsError } from "../../src/errors.ts";
import { makePrivateFolder } from "../../src/files/private.ts";
import { node, scratchFolder, script, start } from "../support/scripts.ts";

const test = suite("private");
const scratch = scratchFolder();
const SHM = process.platform === "linux" && existsSync("/dev/shm");

function runtimeFolder(name: string, mode = 0o700): string {
  const path = join(scratch, name);
  mkdirSync(path);
  chmodSync(path, mode);
  return path;
}

test("folder and file are for their owner alone, whatever the umask, and gone at the end", async () => {
  const runtime = runtimeFolder("run1");
  const before = process.umask(0);
  const folder = await makePrivateFolder({ env: { XDG_RUNTIME_DIR: runtime }, warn: assert.unreachable });
  const path = await folder.write("deep/secrets.yaml", Buffer.from("a: 1\n"));
  process.umask(before);
  assert.is(dirname(folder.path), runtime);
  assert.is(basename(path), "secrets.yaml");
  assert.is(statSync(folder.path).mode & 0o7777, 0o700);
  assert.is(statSync(dirname(path)).mode & 0o7777, 0o700);
  assert.is(statSync(path).mode & 0o7777, 0o600);
  const again = await folder
    .write("deep/secrets.yaml", Buffer.from("other"))
    .catch((error: unknown) => error);
  assert.is((again as TsopsError).code, "write");
  assert.is(readFileSync(path, "utf8"), "a: 1\n");
  await folder.remove();
  await folder.remove();
  assert.equal(readdirSync(runtime), []);
});

test("takes /dev/shm if the runtime folder is not the user's alone, and the temp folder at last", async () => {
  const open = runtimeFolder("run2", 0o755);
  const temp = runtimeFolder("tmp2");
  for (const XDG_RUNTIME_DIR of [open, "relative", join(scratch, "missing"), undefined]) {
    const warnings: string[] = [];
    const env = { XDG_RUNTIME_DIR, TMPDIR: temp };
    const folder = await makePrivateFolder({ env, warn: (message) => warnings.push(message) });
    assert.is(dirname(folder.path), SHM ? "/dev/shm" : temp);
    assert.is(warnings.length, SHM ? 0 : 1);
    await folder.remove();
    assert.not.ok(existsSync(folder.path));
  }
  // more than there is memory for
  const warnings: string[] = [];
  const folder = await makePrivateFolder({
    env: { TMPDIR: temp },
    warn: (m) => warnings.push(m),
    size: 2 ** 50,
  });
  assert.is(dirname(folder.path), temp);
  assert.is(folder.inMemory, false);
  assert.match(warnings.join(), `plaintext is written to ${temp}`);
  await folder.remove();
  assert.equal(readdirSync(temp), []);
  const env = { TMPDIR: join(scratch, "nowhere") };
  const error = await makePrivateFolder({ env, warn: () => 0, size: 2 ** 50 }).catch(
    (error: unknown) => error,
  );
  assert.instance(error, TsopsError);
  assert.match((error as TsopsError).hint ?? "", "TMPDIR");
});

test("stays if it is kept", async () => {
  const runtime = runtimeFolder("run3");
  const folder = await makePrivateFolder({ env: { XDG_RUNTIME_DIR: runtime }, warn: assert.unreachable });
  const path = await folder.write("a", Buffer.from("x"));
  folder.keep();
  await folder.remove();
  assert.is(readFileSync(path, "utf8"), "x");
});

test("signals and exits remove it and have their usual effect", async () => {
  const runtime = runtimeFolder("run4");
  const path = script(
    scratch,
    `import { makePrivateFolder } from "./src/files/private.ts";
     const folder = await makePrivateFolder({ env: process.env, warn: console.error });
     await folder.write("a/b", Buffer.from("x"));
     console.log("ready");
     if (process.argv[2] === "exit") process.exit(7);
     if (process.argv[2] === "throw") setTimeout(() => { throw new Error("x"); });
     setTimeout(() => undefined, 60_000);`,
  );
  const env = { ...process.env, XDG_RUNTIME_DIR: runtime };
  const all = ["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT"] as const;
  await Promise.all(
    all.map(async (signal) => {
      const running = start(node(path), { env });
      await running.printed("ready");
      running.child.kill(signal);
      assert.is((await running.ended).signal, signal);
    }),
  );
  assert.equal(readdirSync(runtime), []);
  assert.is((await start(node(path, "exit"), { env }).ended).code, 7);
  assert.is((await start(node(path, "throw"), { env }).ended).code, 1);
  assert.equal(readdirSync(runtime), []);
});

test("somebody else's signal handler decides whether the process goes on", async () => {
  const runtime = runtimeFolder("run5");
  const path = script(
    scratch,
    `import { makePrivateFolder } from "./src/files/private.ts";
     await makePrivateFolder({ env: process.env, warn: console.error });
     process.on("SIGTERM", () => setTimeout(() => process.exit(5), 20));
     console.log("ready");
     setTimeout(() => undefined, 60_000);`,
  );
  const running = start(node(path), { env: { ...process.env, XDG_RUNTIME_DIR: runtime } });
  await running.printed("ready");
  running.child.kill("SIGTERM");
  assert.is((await running.ended).code, 5);
  assert.equal(readdirSync(runtime), []);
});

test.run();
