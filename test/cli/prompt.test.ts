import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Io } from "../../src/cli/io.ts";
import { askAnew } from "../../src/cli/prompt.ts";
import { emptyFolder } from "../support/keys/contexts.ts";
import { LOADER, modulePath } from "../support/program.ts";

/** A person at a pipe, and the text that they were shown. */
function person() {
  const stdin = new PassThrough();
  const shown: string[] = [];
  const stdout = new PassThrough();
  stdout.on("data", (chunk) => shown.push(String(chunk)));
  const io = { stdin, stdout, stderr: stdout, env: {}, cwd: "/" } as unknown as Io;
  const stop = new AbortController();
  const ask = (question: string, signal = stop.signal) => askAnew(question, io, stdout, signal);
  const until = async (text: string, count = 1) => {
    while (shown.join("").split(text).length - 1 < count) await sleep(1);
  };
  return { stdin, ask, until, stop, shown };
}

test("finding 10: what was typed before a question was shown does not answer it", async () => {
  const { stdin, ask, until } = person();
  stdin.write("y\ny\n");
  const first = ask("First?");
  await until("First? (y/n):");
  stdin.write("n\ny\ny\n");
  assert.is(await first, false);
  const second = ask("Second?");
  await until("Second? (y/n):");
  stdin.write("perhaps\n");
  await until("Second? (y/n):", 2);
  stdin.write("YES\r\n");
  assert.is(await second, true);
  // half a line
  stdin.write("y");
  const third = ask("Third?");
  await until("Third? (y/n):");
  stdin.write("\n");
  await until("Third? (y/n):", 2);
  stdin.end("n\n");
  assert.is(await third, false);
  assert.is(await ask("Fourth?"), false, "there is nobody any more");
});

test("finding 22: a question that nobody waits for any more ends, and its answer is not the next one's", async () => {
  const { stdin, ask, until, stop, shown } = person();
  const asked = ask("First?");
  await until("First? (y/n):");
  stop.abort();
  assert.is(await asked, false);
  assert.match(shown.join(""), /no answer is needed any more/);
  stdin.write("y\n");
  assert.is(await ask("Second?"), false);
  assert.not.match(shown.join(""), "Second?");
});

test("finding 10: an answer to a question that was taken back does not answer the one that comes in its place", async () => {
  const { stdin, ask, until, stop, shown } = person();
  const first = ask("Harmless?", stop.signal);
  await until("Harmless? (y/n):");
  const never = new AbortController().signal;
  const second = first.then(() => ask("Production?", never));
  stop.abort();
  assert.is(await first, false);
  await until("There is another question: press Enter to see it.");
  // meant for the first one
  stdin.write("y\ny\n");
  await until("Production? (y/n):");
  stdin.write("n\n");
  assert.is(await second, false);
  const third = ask("Third?", never);
  await until("Third? (y/n):");
  stdin.write("y\n");
  assert.is(await third, true);
  assert.is(shown.join("").split("press Enter").length - 1, 1);
  // nor does one of those who wait keep the others from going
  const leaving = new AbortController();
  const fourth = ask("Fourth?", leaving.signal);
  await until("Fourth? (y/n):");
  leaving.abort();
  assert.is(await fourth, false);
  const also = new AbortController();
  const fifth = ask("Fifth?", also.signal);
  await until("press Enter to see it.", 2);
  also.abort();
  assert.is(await fifth, false);
  const sixth = ask("Sixth?", never);
  await until("press Enter to see it.", 3);
  stdin.end();
  assert.is(await sixth, false);
});

/** Runs a script of ours in a terminal that Python makes; its lines say what was shown and answered. */
async function inTerminal(steps: string): Promise<string> {
  const folder = emptyFolder();
  const asks = join(folder, "asks.mjs");
  const prompt = modulePath("src/cli/prompt.ts");
  writeFileSync(
    asks,
    `import { askAnew } from ${JSON.stringify(prompt)};
     const never = new AbortController().signal;
     const go = (line) => new Promise((done) => process.on("SIGUSR2", () => done()).stdout.write(line));
     const alive = setInterval(() => undefined, 1000);
     await go("ready\\n");
     process.stdout.write("answer " + (await askAnew("Agreed?", process, process.stdout, never)) + "\\n");
     clearInterval(alive);`,
  );
  const argv = JSON.stringify([process.execPath, ...LOADER, asks]);
  const driver = `
import os, pty, select, signal, sys, time
pid, fd = pty.fork()
if pid == 0: os.execv(${argv}[0], ${argv})
seen = b""
def until(text, count=1):
    global seen
    while seen.count(text) < count:
        seen += os.read(fd, 4096)
def typed(text): os.write(fd, text)
def go(): os.kill(pid, signal.SIGUSR2)
until(b"ready")
${steps}
until(b"answer ")
until(b"\\n", seen.count(b"\\n") + (0 if seen.endswith(b"\\n") else 1))
sys.stdout.write(seen.decode())
`;
  const child = spawn("python3", ["-c", driver], {
    cwd: new URL("../..", import.meta.url).pathname,
    stdio: ["ignore", "pipe", "inherit"],
  });
  let out = "";
  child.stdout.on("data", (chunk) => (out += chunk));
  await new Promise((resolve) => child.on("close", resolve));
  return out;
}

const hasPython =
  process.platform !== "win32" &&
  (await import("node:child_process")).spawnSync("python3", ["-V"]).status === 0;

if (hasPython) {
  test("finding 10: on a terminal, neither lines nor half a line from before count", async () => {
    const out = await inTerminal(`
typed(b"y\\ny\\ny")
# its echo shows that it has arrived
until(b"y\\r\\ny\\r\\ny")
go()
until(b"Agreed? (y/n):")
typed(b"\\n")
until(b"Agreed? (y/n):", 2)
typed(b"n\\n")`);
    assert.match(out, /answer false/);
    assert.is(out.split("Agreed?").length, 3, out);
  });

  test("on a terminal, what is typed once the question is shown counts", async () => {
    const out = await inTerminal(`
go()
until(b"Agreed? (y/n):")
typed(b"y\\n")`);
    assert.match(out, /answer true/);
  });
}

test.run();
