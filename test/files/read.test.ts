import { chmodSync, existsSync, mkdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { TsopsError } from "../../src/errors.ts";
import { changedSince, readDocument } from "../../src/files/read.ts";
import { node, scratchFolder, script, start } from "../support/scripts.ts";

const test = suite("read");
const scratch = scratchFolder();
const SCRIPT = script(
  scratch,
  `import { readDocument } from "./src/files/read.ts";
   if (process.argv[3] && process.getuid() === 0) process.setuid(65534);
   await readDocument(process.argv[2]).then(({ bytes }) => console.log(String(bytes)), (e) => console.log(e.code, e.exitCode, e.message));`,
);

async function failure(path: string): Promise<TsopsError> {
  return (await readDocument(path).catch((error: unknown) => error)) as TsopsError;
}

test("gives the bytes", async () => {
  const path = join(scratch, "a");
  const all = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
  writeFileSync(path, all);
  assert.equal((await readDocument(path)).bytes, all);
  // what a shell's <(command) gives
  assert.is(
    (await start(["sh", "-c", `echo piped | "${process.execPath}" "${SCRIPT}" /dev/stdin`]).ended).stdout,
    "piped\n\n",
  );
});

test("says what is wrong, with SOPS's exit codes", async () => {
  const missing = await failure(join(scratch, "missing"));
  assert.equal(
    [missing.code, missing.exitCode, missing.place?.file],
    ["no-such-file", 100, join(scratch, "missing")],
  );
  assert.is((await failure(join(scratch, "a/b"))).code, "no-such-file");
  const folder = await failure(scratch);
  assert.equal([folder.code, folder.exitCode], ["read", 2]);
  assert.match(folder.message, "a folder");
  const closed = join(scratch, "closed");
  mkdirSync(closed);
  writeFileSync(join(closed, "a"), "x", { mode: 0o000 });
  chmodSync(scratch, 0o755);
  const { stdout } = await start(node(SCRIPT, join(closed, "a"), "unprivileged")).ended;
  assert.match(stdout, /^read 2 the file cannot be read: permission denied/);
});

if (existsSync("/dev/zero")) {
  test("what has no end is given up, through a link, too", async () => {
    const link = join(scratch, "endless");
    symlinkSync("/dev/zero", link);
    const { stdout } = await start(node(SCRIPT, link)).ended;
    assert.match(stdout, /^read 2 more than 512 MiB came from it, and no end/);
  });
}

test("notices that a file says something else, and only that", async () => {
  const path = join(scratch, "b");
  writeFileSync(path, "abc");
  const { fingerprint } = await readDocument(path);
  assert.is(await changedSince(fingerprint), false);
  utimesSync(path, 1, 1);
  assert.is(await changedSince(fingerprint), false);
  // same size, same times
  writeFileSync(path, "abd");
  utimesSync(path, 1, 1);
  assert.is(await changedSince(fingerprint), true);
  writeFileSync(path, "abc");
  assert.is(await changedSince(fingerprint), false);
  rmSync(path);
  assert.is(await changedSince(fingerprint), true);
});

test.run();
