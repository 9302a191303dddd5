import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { type Ended, node, type Running, scratchFolder, script, start } from "../support/scripts.ts";

const test = suite("exec-file");
const scratch = scratchFolder();
const runtime = join(scratch, "run");
mkdirSync(runtime, { mode: 0o700 });

interface Request {
  command: string | readonly string[];
  plaintext?: string;
  size?: number;
  options?: { filename?: string; fifo?: boolean };
  user?: string;
  env?: Record<string, string>;
}

const RUNNER = script(
  scratch,
  `import { runWithFile } from "./src/exec/file.ts";
   import { findAccount } from "./src/exec/user.ts";
   const { command, plaintext = "", size, options = {}, user } = JSON.parse(process.argv[2]);
   const bytes = size ? Buffer.alloc(size, "0123456789abcde\\n") : Buffer.from(plaintext);
   const account = user ? await findAccount(user) : undefined;
   const env = { PATH: process.env.CHILD_PATH ?? process.env.PATH };
   try {
     process.exitCode = await runWithFile(command, bytes, { env, ownEnv: process.env, warn: console.log, account, ...options });
   } catch (e) { console.log(e.code, e.message); process.exitCode = e.exitCode; }`,
);

function runner({ env, ...request }: Request): Running {
  const all = { PATH: process.env.PATH, XDG_RUNTIME_DIR: runtime, ...env };
  return start(node(RUNNER, JSON.stringify(request)), { env: all });
}

async function ended(request: Request): Promise<Ended> {
  const result = await runner(request).ended;
  assert.equal(readdirSync(runtime), [], "nothing is left");
  return result;
}

test("a fifo with the usual name, or a private file, in place of {}", async () => {
  const command = "test -p {} && basename {} && cat {}";
  assert.is((await ended({ command, plaintext: "FOO: bar\n" })).stdout, "tmp-file\nFOO: bar\n");
  const file = { fifo: false };
  const result = await ended({
    command: "cat {}; ls -l {} | cut -c1-10; cat '{}'",
    plaintext: "$& x\n",
    options: file,
  });
  assert.is(result.stdout, "$& x\n-rw-------\n$& x\n");
  assert.is((await ended({ command: ["cat", "{}", "{}"], plaintext: "x", options: file })).stdout, "xx");
});

test("gives the file the name that is asked for, if it stays inside", async () => {
  for (const fifo of [true, false]) {
    const good = { command: "basename {}; cat {}", plaintext: "x", options: { filename: "n.txt", fifo } };
    assert.is((await ended(good)).stdout, "n.txt\nx");
    const deep = { command: "cat {}", plaintext: "x", options: { filename: "a/../b/n.txt", fifo } };
    assert.is((await ended(deep)).stdout, "x");
  }
  for (const filename of ["../x", "a/../../x", "/tmp/x", "..", ".", "a/..", "\\x", "C:x"]) {
    const { code, stdout } = await ended({ command: "echo ran", options: { filename } });
    assert.equal([code, stdout], [1, "usage the file name is not a local path\n"], filename);
  }
});

test("10 MB pass through a fifo whole, whenever the reader comes", async () => {
  const size = 10_000_000;
  const out = join(scratch, "out");
  for (const command of [`cat {} > ${out}`, `sleep 0.2; cat < {} > ${out}`]) {
    assert.is((await ended({ command, size })).code, 0);
    assert.ok(readFileSync(out).equals(Buffer.alloc(size, "0123456789abcde\n")));
  }
});

test("does not wait for a reader that never comes, or that goes early", async () => {
  assert.is((await ended({ command: "true", plaintext: "x" })).code, 0);
  assert.is((await ended({ command: "exit 3", size: 10_000_000 })).code, 3);
  assert.is((await ended({ command: "head -c 5 {}; exit 4", size: 10_000_000 })).code, 4);
  assert.is((await ended({ command: "exec 3<{}; exit 5", size: 10_000_000 })).code, 5);
  assert.is((await ended({ command: "kill -TERM $$", plaintext: "x" })).code, 143);
});

test("empty contents end at once", async () => {
  assert.is((await ended({ command: "cat {}; echo end", plaintext: "" })).stdout, "end\n");
});

test("signals end the command, and the file is gone", async () => {
  for (const fifo of [true, false]) {
    const running = runner({ command: "echo ready; exec sleep 60", plaintext: "x", options: { fifo } });
    await running.printed("ready");
    assert.is(readdirSync(runtime).length, 1);
    running.child.kill("SIGTERM");
    assert.is((await running.ended).code, 143);
    assert.equal(readdirSync(runtime), []);
  }
});

test("a file where no fifo can be made, with a warning", async () => {
  const folder = join(scratch, "bin");
  mkdirSync(folder);
  writeFileSync(join(folder, "mkfifo"), "#!/bin/sh\nexit 1\n", { mode: 0o755 });
  const env = { PATH: `${folder}:${process.env.PATH}`, CHILD_PATH: process.env.PATH ?? "" };
  const { stdout } = await ended({ command: "test -f {} && cat {}", plaintext: "x", env });
  assert.match(stdout, /^there are no named pipes here, so the plaintext is in a private file .*\nx$/);
});

test("another user can read it, and nobody else", async () => {
  if (process.getuid?.() !== 0) return;
  for (const fifo of [true, false]) {
    const request = {
      command: "id -un; cat {}; ls -l {} | cut -c2-10",
      plaintext: "x\n",
      options: { fifo },
      user: "nobody",
    };
    assert.is((await ended(request)).stdout, "nobody\nx\nrw-------\n");
  }
});

test.run();
