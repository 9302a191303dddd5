import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { TsopsError } from "../../src/errors.ts";
import { run, runInBackground } from "../../src/exec/run.ts";
import { accountVariables, findAccount } from "../../src/exec/user.ts";
import { until } from "../support/pace.ts";
import { type Ended, node, type Running, scratchFolder, script, start } from "../support/scripts.ts";

const test = suite("run");
const scratch = scratchFolder();
// a folder on PATH that may not be entered would turn "not found" into "not allowed"
const env = { PATH: "/usr/local/bin:/usr/bin:/bin", X: "from outside" };

/** Runs a command, given as JSON, as `run` does; its standard streams are those of this script. */
const RUNNER = script(
  scratch,
  `import { run } from "./src/exec/run.ts";
   import { findAccount } from "./src/exec/user.ts";
   const [command, user] = process.argv.slice(2);
   const account = user ? await findAccount(user) : undefined;
   try { process.exitCode = await run(JSON.parse(command), { env: process.env, account }); }
   catch (e) { console.log(e.code, e.message, "|", e.hint); process.exitCode = e.exitCode; }`,
);

function runner(command: string | readonly string[], input = "", user?: string): Running {
  return start(node(RUNNER, JSON.stringify(command), ...(user ? [user] : [])), { env, input });
}

const ended = (command: string | readonly string[], input?: string): Promise<Ended> =>
  runner(command, input).ended;

test("the shell gets one line, a program its very arguments", async () => {
  assert.is((await ended(`printf '%s|' "$X" a"b c"; cat`, "input")).stdout, "from outside|ab c|input");
  const args = ["", "a b", "$X", "'\"", "*"];
  assert.is((await ended(["printf", "[%s]", ...args])).stdout, args.map((arg) => `[${arg}]`).join(""));
});

test("exit codes are the child's, 128 and the number for signals", async () => {
  assert.is(await run("exit 0", { env }), 0);
  assert.is(await run("exit 3", { env }), 3);
  assert.is(await run("kill -TERM $$", { env }), 143);
  assert.is(await run("kill -KILL $$", { env }), 137);
  assert.is(await run(["sh", "-c", "exit 255"], { env }), 255);
});

test("says why a program does not start, with a shell's exit codes", async () => {
  writeFileSync(join(scratch, "data"), "");
  const failure = async (program: string): Promise<TsopsError> =>
    (await run([program], { env }).catch((error: unknown) => error)) as TsopsError;
  const missing = await failure("no-such-program-here");
  assert.equal([missing.code, missing.exitCode], ["program-failed", 127]);
  assert.match(missing.message, "no-such-program-here cannot be started: there is no such program");
  assert.is((await failure(join(scratch, "data"))).exitCode, 126);
  const big = { ...env, BIG: "x".repeat(4_000_000) };
  const error = (await run(["true"], { env: big }).catch((error: unknown) => error)) as TsopsError;
  assert.is(error.exitCode, 126);
  assert.match(error.message, "the environment is too large");
});

test("signals go to the child, and its answer counts", async () => {
  const program = join(scratch, "trap.sh");
  writeFileSync(
    program,
    `for s in INT TERM HUP QUIT USR1 USR2 WINCH; do trap "echo got $s" $s; done
     trap 'echo got TERM; exit 5' TERM
     echo ready; while :; do sleep 0.02; done`,
  );
  const running = runner(["sh", program]);
  await running.printed("ready");
  for (const signal of ["INT", "HUP", "QUIT", "USR1", "USR2", "WINCH", "TERM"]) {
    running.child.kill(`SIG${signal}` as NodeJS.Signals);
    await running.printed(`got ${signal}`);
  }
  assert.is((await running.ended).code, 5);
});

test("a child that a signal ends gives its number", async () => {
  for (const [signal, code] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const) {
    const running = runner(["sh", "-c", "echo ready; exec sleep 60"]);
    await running.printed("ready");
    running.child.kill(signal);
    assert.is((await running.ended).code, code);
  }
});

test("can be stopped, and leaves nothing listening", async () => {
  const abort = new AbortController();
  const started = join(scratch, "started");
  const stopped = run(`echo > ${started}; exec sleep 60`, { env, signal: abort.signal });
  const ending = stopped.catch((error: unknown) => error);
  await until(() => existsSync(started), "the start of the command");
  abort.abort();
  const error = await ending;
  assert.is((error as TsopsError).code, "aborted");
  const again = await run("true", { env, signal: abort.signal }).catch((error: unknown) => error);
  assert.is((again as TsopsError).code, "aborted");
  for (const event of ["SIGINT", "SIGTERM", "SIGUSR1", "SIGWINCH"])
    assert.is(process.listenerCount(event), 0, event);
});

test("in the background it goes on without us", async () => {
  const out = join(scratch, "out");
  const go = join(scratch, "go");
  await runInBackground(`while [ ! -e ${go} ]; do sleep 0.02; done; echo "$X" > ${out}`, { env });
  assert.not.ok(existsSync(out));
  writeFileSync(go, "");
  await until(() => existsSync(out) && readFileSync(out, "utf8") !== "", "the end of the command");
  assert.is(readFileSync(out, "utf8"), "from outside\n");
  const error = await runInBackground(["no-such-program-here"], { env }).catch((error: unknown) => error);
  assert.is((error as TsopsError).exitCode, 127);
});

test("users are found by name, and only root may run programs as others", async () => {
  const error = (await findAccount("no-such-user-here").catch((error: unknown) => error)) as TsopsError;
  assert.is(error.exitCode, 1);
  assert.match(error.message, "no-such-user-here");
  const me = userInfo();
  const account = await findAccount(me.username);
  assert.equal([account.uid, account.gid, account.home], [me.uid, me.gid, me.homedir]);
  const variables = { HOME: account.home, USER: me.username, LOGNAME: me.username };
  assert.equal(accountVariables(account), variables);
  if (me.uid !== 0) {
    const other = (await findAccount("root").catch((error: unknown) => error)) as TsopsError;
    assert.match(other.message, "only root may run a program as root");
  }
  if (process.getuid?.() !== 0) return;
  const nobody = await findAccount("nobody");
  mkdirSync(join(scratch, "own"));
  chmodSync(scratch, 0o755);
  const { stdout } = await runner("id -u; id -g; id -G; kill -0 $PPID 2>&1 | grep -c .", "", "nobody").ended;
  assert.equal(stdout.split("\n").slice(0, 4), [
    String(nobody.uid),
    String(nobody.gid),
    String(nobody.gid),
    "1",
  ]);
});

test.run();
