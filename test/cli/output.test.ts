import { spawn, spawnSync } from "node:child_process";
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { endLine, type Io, type Output } from "../../src/cli/io.ts";
import { DirectOutput } from "../../src/cli/output.ts";
import { mention } from "../../src/cli/report.ts";
import { inSandbox, OTHER_RECIPIENT, RECIPIENT } from "../support/cli.ts";
import { argvOf, OTHER_PROGRAM, PROGRAM } from "../support/program.ts";
import { scratchFolder, script } from "../support/scripts.ts";

const written = (output: Output, data: string | Uint8Array): Promise<Error | null | undefined> =>
  new Promise((resolve) => void output.write(data, resolve));

const never = (): Output => assert.unreachable("the stream was opened") as never;

test("files and pipes are written to without a stream, in order and whole", async () => {
  const folder = mkdtempSync(join(tmpdir(), "tsops-test-"));
  const file = join(folder, "out");
  const fd = openSync(file, "w");
  try {
    const output = new DirectOutput(fd, never);
    assert.is(output.isTTY, false);
    const large = Buffer.alloc(3_000_000, "ü€");
    for (const part of ["a", "", "é\n", large]) assert.not(await written(output, part));
    assert.equal(readFileSync(file), Buffer.concat([Buffer.from("aé\n"), large]));
  } finally {
    closeSync(fd);
    rmSync(folder, { recursive: true });
  }
});

test("what swallows everything is no terminal; what cannot be looked at gets the stream", async () => {
  const fd = openSync("/dev/null", "w");
  assert.not(await written(new DirectOutput(fd, never), "x"));
  closeSync(fd);
  const taken: string[] = [];
  const stream: Output = {
    isTTY: true,
    columns: 70,
    write: (data, done) => {
      taken.push(String(data));
      done();
    },
  };
  const output = new DirectOutput(1_000_000, () => stream);
  assert.equal([output.isTTY, output.columns], [true, 70]);
  await written(output, "x");
  assert.equal(taken, ["x"]);
});

test("a pipe that does not wait: the stream goes on where it was full, and nothing is lost", async () => {
  const folder = scratchFolder();
  // python makes a pipe that does not wait, and reads it slowly; node's own pipes for children are sockets
  const writer = script(
    folder,
    `import { DirectOutput } from "./src/cli/output.ts";
     const output = new DirectOutput(1, () => process.stdout);
     const put = (text) => new Promise((resolve, reject) => output.write(text, (error) => error ? reject(error) : resolve()));
     for (let i = 0; i < 40; i++) await put(String(i % 10).repeat(50_000));`,
  );
  const reader = `
import os, subprocess, sys, time
r, w = os.pipe()
os.set_blocking(w, False)
child = subprocess.Popen(sys.argv[1:], stdout=w, stdin=subprocess.DEVNULL)
os.close(w)
# until the pipe is full
import fcntl, array, termios
count = array.array("i", [0])
while count[0] < 60000 and child.poll() is None:
    fcntl.ioctl(r, termios.FIONREAD, count)
data = b""
while True:
    more = os.read(r, 4096)
    if not more: break
    data += more
assert child.wait() == 0, "it failed"
expected = b"".join(str(i % 10).encode() * 50000 for i in range(40))
sys.exit(0 if data == expected else "%d bytes of %d" % (len(data), len(expected)))
`;
  const child = spawn("python3", ["-c", reader, ...argvOf(writer)], { stdio: ["ignore", "inherit", "pipe"] });
  let said = "";
  child.stderr.on("data", (chunk) => (said += chunk));
  assert.is(await new Promise((resolve) => child.once("close", resolve)), 0, said);
});

test("a reader that goes away is no failure; a full disk is one", () =>
  inSandbox(async (box) => {
    box.write("a.yaml", `a: ${"x".repeat(1_000_000)}\n`);
    assert.is((await box.run(["encrypt", "-i", "a.yaml"])).code, 0);
    const shell = (line: string) =>
      spawnSync("bash", ["-o", "pipefail", "-c", line, "sh", ...PROGRAM], {
        cwd: box.folder,
        env: box.env as NodeJS.ProcessEnv,
        encoding: "utf8",
      });
    const gone = shell('"$@" decrypt a.yaml | head -c 10');
    assert.equal([gone.status, gone.stdout, gone.stderr], [0, "a: xxxxxxx", ""]);
    const closed = shell('"$@" decrypt a.yaml >&-');
    assert.is(closed.stderr, "");
    const full = shell('"$@" decrypt a.yaml >/dev/full');
    assert.equal(
      [full.status, full.stderr],
      [
        3,
        "tsops: a.yaml: standard output cannot be written: the disk is full\n  free some space and try again\n",
      ],
    );
    assert.ok(OTHER_PROGRAM === undefined || PROGRAM.length <= 2);
  }));

test("standard error on a full disk: the exit code is the error's own, and every file is worked on", () =>
  inSandbox(async (box) => {
    if (!existsSync("/dev/full")) return;
    const names = Array.from({ length: 20 }, (_, i) => `f${i}.yaml`);
    for (const name of names) box.write(name, `of: ${name}\n`);
    assert.is((await box.run(["encrypt", "-i", ...names])).code, 0);
    const before = names.map((name) => box.read(name));
    const run = (...argv: readonly string[]) =>
      spawnSync("bash", ["-c", '"$@" 2>/dev/full', "sh", ...PROGRAM, ...argv], {
        cwd: box.folder,
        env: box.env as NodeJS.ProcessEnv,
        encoding: "utf8",
      });
    assert.is(run("decrypt", "none.yaml").status, 100);
    box.write(
      ".sopsrc",
      `{ rules: [{ glob: "*.yaml", recipients: ["age:${OTHER_RECIPIENT}", "age:${RECIPIENT}"] }] }`,
    );
    run("updatekeys", "-y", ...names);
    for (const [i, name] of names.entries()) assert.is.not(box.read(name), before[i], name);
  }));

test("where a warning cannot be written, the program that it is about is not started", () =>
  inSandbox(async (box) => {
    if (!existsSync("/dev/full")) return;
    for (const name of ["a.yaml", "b.yaml"]) {
      // the same name with two values is worth a warning
      box.write(name, `of: ${name}\n`);
      assert.is((await box.run(["encrypt", "-i", name])).code, 0);
    }
    const exec = ["exec", "a.yaml", "b.yaml", "--", "sh", "-c", "echo started"];
    const { status, stdout } = spawnSync("bash", ["-c", '"$@" 2>/dev/full', "sh", ...PROGRAM, ...exec], {
      cwd: box.folder,
      env: box.env as NodeJS.ProcessEnv,
      encoding: "utf8",
    });
    assert.equal([status, stdout], [3, ""]);
  }));

test("a line that nobody waits for is written, and ends nothing where it cannot be", async () => {
  const said: string[] = [];
  const failures: unknown[] = [];
  const io = (failure?: Error) => ({
    stderr: {
      write: (data: string, done: (error?: Error) => void) => {
        said.push(data);
        done(failure);
      },
    },
    env: {},
  });
  const failed = (reason: unknown): void => void failures.push(reason);
  process.on("unhandledRejection", failed);
  try {
    for (const each of [io(), io(new Error("the disk is full"))]) {
      mention(each as unknown as Io, "warning: careful");
      endLine(each as unknown as Io);
    }
    // when nobody has taken a failure by the end of a turn, Node says so
    await new Promise((resolve) => setImmediate(resolve));
  } finally {
    process.off("unhandledRejection", failed);
  }
  assert.equal(said, ["tsops: warning: careful\n", "\n", "tsops: warning: careful\n", "\n"]);
  assert.equal(failures, []);
});

test.run();
