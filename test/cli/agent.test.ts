import { spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { armor, Encrypter } from "age-encryption";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { withLock } from "../../src/files/lock.ts";
import { IDENTITY_FILE, inSandbox, RECIPIENT, type Result, type Sandbox } from "../support/cli.ts";
import { until } from "../support/pace.ts";
import { PROGRAM } from "../support/program.ts";
import { hasTerminals, inTerminal } from "../support/terminal.ts";

if (process.platform === "win32") process.exit(0);

const LINUX = process.platform === "linux";

/** The agent and its clients are processes of their own, as they are for people. */
class Desk {
  readonly box: Sandbox;
  readonly runtime: string;
  env: Record<string, string | undefined>;

  constructor(box: Sandbox) {
    this.box = box;
    this.runtime = join(box.root, "run");
    mkdirSync(this.runtime, { mode: 0o700 });
    this.env = { ...box.env, XDG_RUNTIME_DIR: this.runtime, TSOPS_AGENT: undefined };
  }

  run(argv: readonly string[], env: Record<string, string | undefined> = {}): Result {
    const [program, ...words] = PROGRAM;
    const { status, stdout, stderr } = spawnSync(program!, [...words, ...argv], {
      cwd: this.box.folder,
      env: { ...this.env, ...env } as NodeJS.ProcessEnv,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
    return { code: status ?? -1, stdout, stderr };
  }

  /** One that has to work. */
  ok(argv: readonly string[], env: Record<string, string | undefined> = {}): Result {
    const result = this.run(argv, env);
    assert.is(result.code, 0, `${argv.join(" ")}\n${result.stderr}`);
    return result;
  }

  status(): Record<string, unknown> {
    return JSON.parse(this.run(["agent", "status", "--json"]).stdout);
  }

  get pid(): number {
    return this.status().pid as number;
  }

  /** Identities come from a command, so that each unwrapping can be counted. */
  countUnwrapping(): () => number {
    const log = this.box.path("unwrapped.log");
    const script = this.box.write("identities.sh", `#!/bin/sh\necho once >> ${log}\ncat ${IDENTITY_FILE}\n`);
    chmodSync(script, 0o755);
    Object.assign(this.env, { SOPS_AGE_KEY_FILE: undefined, SOPS_AGE_KEY_CMD: script });
    return () => (existsSync(log) ? readFileSync(log, "utf8").split("\n").length - 1 : 0);
  }

  async encrypted(name: string, text = "a: secret value\n"): Promise<string> {
    this.box.write(`plain-${name}`, text);
    const { stdout, code, stderr } = await this.box.run([
      "encrypt",
      "--filename-override",
      name,
      `plain-${name}`,
    ]);
    assert.is(code, 0, stderr);
    return this.box.write(name, stdout);
  }
}

function atDesk(work: (desk: Desk) => Promise<void>): Promise<void> {
  return inSandbox(async (box) => {
    const desk = new Desk(box);
    try {
      await work(desk);
    } finally {
      desk.run(["agent", "stop"]);
    }
  });
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

test("processes that run one after the other unwrap a data key once; without the agent each of them does", () =>
  atDesk(async (desk) => {
    await desk.encrypted("a.yaml");
    await desk.encrypted("b.json", '{"a": "other"}\n');
    const unwrapped = desk.countUnwrapping();
    for (let i = 0; i < 2; i++) assert.is(desk.ok(["decrypt", "a.yaml"]).stdout, "a: secret value\n");
    assert.is(unwrapped(), 2, "no agent runs by itself");
    desk.ok(["agent", "start"]);
    for (let i = 0; i < 3; i++) assert.is(desk.ok(["decrypt", "a.yaml"]).stdout, "a: secret value\n");
    assert.is(unwrapped(), 3);
    // another wrapped key is another one
    for (let i = 0; i < 2; i++) assert.is(desk.ok(["decrypt", "b.json"]).stdout, '{"a": "other"}\n');
    assert.is(unwrapped(), 4);
    assert.is(desk.status().dataKeys, 2);
    desk.ok(["decrypt", "--no-agent", "a.yaml"]);
    desk.ok(["decrypt", "a.yaml"], { TSOPS_AGENT: "off" });
    assert.is(unwrapped(), 6, "each of these did without");
    assert.match(
      desk.run(["decrypt", "a.yaml"], { TSOPS_AGENT: "perhaps" }).stderr,
      /TSOPS_AGENT is neither on nor off/,
    );
  }));

test("every command that opens files gets the data key from the agent, and says so if asked", () =>
  atDesk(async (desk) => {
    await desk.encrypted("a.yaml");
    desk.ok(["agent", "start"]);
    desk.ok(["decrypt", "a.yaml"]);
    desk.env.SOPS_AGE_KEY_FILE = undefined;
    assert.match(desk.ok(["decrypt", "--verbose", "a.yaml"]).stderr, `with age ${RECIPIENT} by tsops agent`);
    desk.ok(["set", "a.yaml", '["a"]', '"changed"']);
    assert.is(desk.ok(["exec-env", "a.yaml", "echo $a"]).stdout, "changed\n");
    desk.ok(["edit", "a.yaml"], { EDITOR: "sed -i s/changed/edited/" });
    assert.is(desk.ok(["decrypt", "--extract", '["a"]', "a.yaml"]).stdout, "edited");
    // a new data key is not the one that was kept
    desk.ok(["rotate", "-i", "a.yaml"]);
    assert.is(desk.run(["decrypt", "a.yaml"]).code, 128);
  }));

test("doctor tells what this machine can do without the agent, and a key service does not hand out what it keeps", () =>
  atDesk(async (desk) => {
    await desk.encrypted("a.yaml");
    desk.ok(["agent", "start"]);
    desk.ok(["decrypt", "a.yaml"]);
    desk.env.SOPS_AGE_KEY_FILE = undefined;
    assert.is(desk.run(["doctor", "a.yaml"]).code, 128);
    const socket = join(desk.runtime, "service");
    const [program, ...words] = PROGRAM;
    const argv = [...words, "keyservice", "--network", "unix", "--address", socket];
    const service = spawn(program!, argv, {
      env: desk.env as NodeJS.ProcessEnv,
      stdio: ["ignore", "ignore", "pipe"],
    });
    try {
      await new Promise((resolve) => service.stderr.once("data", resolve));
      const { code, stderr } = desk.run([
        "decrypt",
        "--no-agent",
        "--keyservice",
        `unix://${socket}`,
        "a.yaml",
      ]);
      assert.is(code, 128, stderr);
    } finally {
      service.kill();
    }
  }));

test("after clear, after stop, and after the idle time, the next one has to unwrap anew", () =>
  atDesk(async (desk) => {
    await desk.encrypted("a.yaml");
    const unwrapped = desk.countUnwrapping();
    desk.ok(["agent", "start"]);
    desk.ok(["decrypt", "a.yaml"]);
    desk.ok(["agent", "clear"]);
    assert.equal([desk.status().running, desk.status().dataKeys], [true, 0]);
    desk.ok(["decrypt", "a.yaml"]);
    assert.is(unwrapped(), 2);
    const { pid } = desk;
    desk.ok(["agent", "stop"]);
    await until(() => !isAlive(pid), "the end of the agent");
    assert.match(desk.ok(["agent", "stop"]).stderr, "no agent runs");
    desk.ok(["decrypt", "a.yaml"]);
    assert.is(unwrapped(), 3);
    desk.ok(["agent", "start", "--idle", "1s"]);
    desk.ok(["decrypt", "a.yaml"]);
    await until(() => desk.status().dataKeys === 0, "the end of the idle time");
    desk.ok(["decrypt", "a.yaml"]);
    assert.is(unwrapped(), 5);
  }));

for (const signal of ["SIGTERM", "SIGHUP", "SIGINT"] as const) {
  test(`${signal} ends the agent, and its socket is gone`, () =>
    atDesk(async (desk) => {
      desk.ok(["agent", "start"]);
      const { pid } = desk;
      process.kill(pid, signal);
      await until(() => !isAlive(pid), "the end of the agent");
      assert.not.ok(existsSync(join(desk.runtime, "tsops", "agent.sock")));
      assert.is(desk.status().running, false);
    }));
}

if (LINUX) {
  test("the agent has no environment, no secret in its arguments, no folder, no core files and nothing of its starter's", () =>
    atDesk(async (desk) => {
      const secret = readFileSync(IDENTITY_FILE, "utf8").match(/AGE-SECRET-KEY-\w+/)![0];
      const held = desk.box.write("held", "");
      const start = [...PROGRAM, "agent", "start"].map((word) => `'${word}'`).join(" ");
      // as with flock(1): who waits for the lock must not wait for the agent
      const { status, stderr } = spawnSync("sh", ["-c", `exec 8>'${held}'; ${start}`], {
        cwd: desk.box.folder,
        env: { ...desk.env, SOPS_AGE_KEY: secret } as NodeJS.ProcessEnv,
        encoding: "utf8",
      });
      assert.is(status, 0, stderr);
      const { pid } = desk;
      const of = (name: string): string => readFileSync(`/proc/${pid}/${name}`, "latin1");
      assert.is(of("environ"), "");
      assert.not.match(of("cmdline"), /AGE-SECRET/);
      assert.match(of("cmdline"), /agent\0start/);
      assert.is(readlinkSync(`/proc/${pid}/cwd`), "/");
      assert.match(of("limits"), /Max core file size +0 +0/);
      // where core files go to a program, their limit means nothing: none of the memory is in them
      assert.match(of("coredump_filter"), /^0+\n$/);
      const open = spawnSync("ls", ["-l", `/proc/${pid}/fd`], { encoding: "utf8" }).stdout;
      assert.match(open, " 0 -> /dev/null");
      assert.not.ok(open.includes(held), open);
    }));
}

test("in the foreground it says where it listens, serves until a signal, and leaves nothing", () =>
  atDesk(async (desk) => {
    await desk.encrypted("a.yaml");
    const unwrapped = desk.countUnwrapping();
    const [program, ...words] = PROGRAM;
    const child = spawn(program!, [...words, "agent", "start", "--foreground"], {
      env: desk.env as NodeJS.ProcessEnv,
      stdio: ["ignore", "ignore", "pipe"],
    });
    const ended = new Promise((resolve) => child.once("close", resolve));
    const said = String(await new Promise((resolve) => child.stderr.once("data", resolve)));
    assert.match(said, /the agent listens on \S+\/tsops\/agent\.sock\n/);
    assert.is(desk.pid, child.pid);
    if (LINUX) assert.match(readFileSync(`/proc/${child.pid}/coredump_filter`, "latin1"), /^0+\n$/);
    for (let i = 0; i < 2; i++) desk.ok(["decrypt", "a.yaml"]);
    assert.is(unwrapped(), 1);
    const second = desk.run(["agent", "start", "--foreground"]);
    assert.is(second.code, 1);
    assert.match(second.stderr, /an agent runs already/);
    child.kill("SIGTERM");
    assert.is(await ended, 0);
    assert.equal(readdirSync(join(desk.runtime, "tsops")), []);
  }));

test("one that is to end when nobody needs it does so", () =>
  atDesk(async (desk) => {
    desk.ok(["agent", "start", "--idle", "1s", "--exit-when-idle"]);
    const socket = join(desk.runtime, "tsops", "agent.sock");
    await until(() => !existsSync(socket), "the end of the agent");
  }));

test("two starts leave one agent; the second says that it is there", () =>
  atDesk(async (desk) => {
    const first = desk.ok(["agent", "start", "--idle", "1h"]);
    const { pid } = desk;
    assert.match(first.stderr, `the agent runs as process ${pid}; \`tsops agent stop\` ends it`);
    const { stderr } = desk.ok(["agent", "start"]);
    assert.match(stderr, `an agent runs already, as process ${pid}`);
    assert.equal([desk.pid, desk.status().idleSeconds, desk.status().totalSeconds], [pid, 3600, 8 * 3600]);
  }));

test("a home folder that cannot be, and one that nobody may write to, are in nobody's way", () =>
  atDesk(async (desk) => {
    await desk.encrypted("a.yaml");
    const closed = join(desk.box.root, "closed");
    mkdirSync(closed, { mode: 0o500 });
    for (const HOME of [`/${"long".repeat(100)}`, closed, "/dev/null"]) {
      desk.ok(["agent", "start"], { HOME });
      desk.ok(["decrypt", "a.yaml"], { HOME });
      assert.is(desk.status().dataKeys, 1);
      desk.ok(["agent", "stop"], { HOME });
    }
  }));

test("a start that is given up leaves no agent behind, and none that would come up later", () =>
  atDesk(async (desk) => {
    const folder = join(desk.runtime, "tsops");
    mkdirSync(folder, { mode: 0o700 });
    await withLock(join(folder, "agent.sock"), async () => {
      const [program, ...words] = PROGRAM;
      const start = spawn(program!, [...words, "agent", "start"], {
        env: desk.env as NodeJS.ProcessEnv,
        stdio: "ignore",
      });
      const ended = new Promise((resolve) => start.once("close", resolve));
      const childrenOf = (): number[] =>
        spawnSync("ps", ["-e", "-o", "pid=,args="], { encoding: "utf8" })
          .stdout.split("\n")
          .filter((line) => line.includes(`--serve-in ${folder}`))
          .map((line) => Number.parseInt(line, 10));
      await until(() => childrenOf().length > 0, "the agent");
      start.kill("SIGINT");
      await ended;
      await until(() => childrenOf().length === 0, "its end");
    });
    assert.is(desk.status().running, false);
  }));

test("status says what it holds in words and as JSON, and exits with 1 where none runs", () =>
  atDesk(async (desk) => {
    assert.equal(desk.run(["agent", "status"]), { code: 1, stdout: "no agent runs\n", stderr: "" });
    const { running, socket, ...others } = desk.status();
    assert.equal([running, socket], [false, join(desk.runtime, "tsops", "agent.sock")]);
    assert.ok(Object.values(others).every((value) => value === null));
    desk.ok(["agent", "start", "--idle", "2h", "--total", "3d"]);
    await desk.encrypted("a.yaml");
    desk.ok(["decrypt", "a.yaml"]);
    const { stdout } = desk.ok(["agent", "status"]);
    assert.match(stdout, /^the agent runs as process \d+, on \S+\/tsops\/agent\.sock\n/);
    assert.match(stdout, "it holds 1 data key, and 0 keys that a passphrase opened\n");
    assert.match(stdout, "when nobody asks for them for 2 hours, and after 3 days at most\n");
    assert.equal(Object.keys(desk.status()), [
      ...["running", "socket", "pid", "dataKeys", "unlocked"],
      ...["idleSeconds", "totalSeconds", "emptyInSeconds"],
    ]);
    assert.not.ok(stdout.includes("secret"));
  }));

test("times that are none, or too long, are refused before anything is started", () =>
  atDesk(async (desk) => {
    for (const time of ["", "0s", "15", "-1m", "1.5h", "8d", "1000000s"]) {
      const { code, stderr } = desk.run(["agent", "start", `--idle=${time}`]);
      assert.is(code, 1, time);
      assert.match(
        stderr,
        /the idle time of the agent must be a whole number with s, m, h or d behind it/,
        time,
      );
    }
    assert.match(desk.run(["agent", "start", "--total", "8d"]).stderr, /the total time of the agent/);
    assert.match(desk.ok(["agent"]).stdout, /start\|status\|clear\|stop/);
    assert.not.ok(existsSync(join(desk.runtime, "tsops")));
  }));

/** The user's own configuration. */
function configure(desk: Desk, text: string): void {
  mkdirSync(join(desk.box.home, ".config", "tsops"), { recursive: true });
  writeFileSync(join(desk.box.home, ".config", "tsops", "config.json5"), text, { mode: 0o600 });
}

test("configured so, it starts when there is something to keep, with the times of the configuration", () =>
  atDesk(async (desk) => {
    configure(desk, '{agent: {start: true, idle: "2h", total: "4h"}}');
    const plain = await desk.encrypted("a.yaml");
    const unwrapped = desk.countUnwrapping();
    desk.ok(["encrypt", "--in-place=false", "plain-a.yaml"]);
    desk.run(["filestatus", plain]);
    assert.is(desk.status().running, false);
    for (let i = 0; i < 2; i++) desk.ok(["decrypt", "a.yaml"]);
    assert.is(unwrapped(), 1);
    assert.equal([desk.status().idleSeconds, desk.status().totalSeconds], [7200, 14400]);
    desk.ok(["agent", "stop"]);
    desk.ok(["decrypt", "--no-agent", "a.yaml"]);
    assert.is(desk.status().running, false);
    desk.ok(["decrypt", "a.yaml"], { TSOPS_AGENT: "on" });
    assert.equal([desk.status().running, desk.status().idleSeconds], [true, 7200]);
  }));

test("a configuration that does not want it, or is broken, starts none; files are opened all the same", () =>
  atDesk(async (desk) => {
    await desk.encrypted("a.yaml");
    configure(desk, '{agent: {idle: "2h"}}');
    assert.is(desk.ok(["decrypt", "a.yaml"]).stderr, "");
    configure(desk, '{agent: {start: true, idle: "soon"}}');
    assert.match(desk.ok(["decrypt", "a.yaml"]).stderr, /warning: .*idle.*: no agent is started/);
    assert.is(desk.run(["agent", "start"]).code, 1);
    configure(desk, '{agent: {start: "yes"}}');
    assert.match(desk.ok(["decrypt", "a.yaml"]).stderr, /no agent is started/);
    configure(desk, '{agent: {start: true, idle: "30d"}}');
    assert.match(desk.ok(["decrypt", "a.yaml"]).stderr, /the agent is not used: .*at most 7d/);
    assert.is(desk.status().running, false);
  }));

test("a place that others could have prepared is not used, and that is said; the file is opened all the same", () =>
  atDesk(async (desk) => {
    await desk.encrypted("a.yaml");
    mkdirSync(join(desk.runtime, "tsops"));
    chmodSync(join(desk.runtime, "tsops"), 0o777);
    // with what to do about it
    assert.match(
      desk.run(["agent", "start"]).stderr,
      /others may get into it\n {2}see who made it, and remove it/,
    );
    writeFileSync(join(desk.runtime, "tsops", "agent.sock"), "");
    const { stdout, stderr } = desk.ok(["decrypt", "a.yaml"]);
    assert.is(stdout, "a: secret value\n");
    assert.match(stderr, /warning: the agent is not used: .*others may get into it/);
    assert.is(statSync(join(desk.runtime, "tsops", "agent.sock")).size, 0);
  }));

test("one that hangs is done without; stop takes its socket away, and once it goes on, it ends and has forgotten", () =>
  atDesk(async (desk) => {
    await desk.encrypted("a.yaml");
    desk.ok(["agent", "start"]);
    desk.ok(["decrypt", "a.yaml"]);
    const { pid } = desk;
    process.kill(pid, "SIGSTOP");
    try {
      const { stdout, stderr } = desk.ok(["decrypt", "a.yaml"]);
      assert.is(stdout, "a: secret value\n");
      assert.match(stderr, /warning: the agent is not used: .* it does not answer\n/);
      const shown = desk.ok(["git", "textconv", "a.yaml"]);
      assert.is(shown.stdout, "a: secret value\n");
      const stop = desk.run(["agent", "stop"]);
      assert.is(stop.code, 1);
      assert.match(stop.stderr, /it does not answer\. Its socket is removed, and nothing uses it\n/);
      assert.match(stop.stderr, /if it still runs then, end the process/);
      assert.is(desk.ok(["decrypt", "a.yaml"]).stderr, "");
      desk.ok(["agent", "start"]);
      assert.is.not(desk.pid, pid);
    } finally {
      process.kill(pid, "SIGCONT");
    }
    await until(() => !isAlive(pid), "its end");
    assert.is(desk.status().running, true);
  }));

async function lockedIdentity(): Promise<string> {
  const encrypter = new Encrypter();
  encrypter.setPassphrase("correct horse");
  encrypter.setScryptWorkFactor(10);
  return armor.encode(await encrypter.encrypt(readFileSync(IDENTITY_FILE, "utf8")));
}

if (hasTerminals) {
  test("a passphrase is asked for once over several commands, and a wrong one is not kept", () =>
    atDesk(async (desk) => {
      await desk.encrypted("a.yaml");
      await desk.encrypted("b.yaml");
      const locked = await lockedIdentity();
      desk.env.SOPS_AGE_KEY_FILE = desk.box.write("keys.txt", locked);
      desk.ok(["agent", "start"]);
      const typed = async (file: string, passphrase: string) =>
        await inTerminal(
          ["decrypt", file],
          [{ until: "assphrase" }, { until: ": " }, { type: `${passphrase}\r` }],
          { env: desk.env, cwd: desk.box.folder },
        );
      assert.is((await typed("a.yaml", "wrong")).code, 128);
      assert.is(desk.status().unlocked, 0);
      assert.is(desk.run(["decrypt", "a.yaml"]).code, 128, "nobody to ask");
      const { code, text } = await typed("a.yaml", "correct horse");
      assert.is(code, 0, text);
      assert.equal([desk.status().unlocked, desk.status().dataKeys], [1, 1]);
      // neither of them has anybody to ask; the second file has another data key
      desk.ok(["decrypt", "a.yaml"]);
      desk.ok(["decrypt", "b.yaml"]);
      // nor does what git runs, which never asks
      await desk.encrypted("d.yaml");
      const shown = desk.ok(["git", "textconv", "d.yaml"]);
      assert.equal([shown.stdout, shown.stderr], ["a: secret value\n", ""]);
      assert.match(
        desk.ok(["git", "textconv", "d.yaml", "--no-agent"]).stderr,
        /passphrase.*tsops agent start/,
      );
      // the same identity in another file, under the same passphrase, is another one
      await desk.encrypted("c.yaml");
      desk.box.write("keys.txt", await lockedIdentity());
      assert.is(desk.run(["decrypt", "c.yaml"]).code, 128);
      desk.box.write("keys.txt", locked);
      desk.ok(["decrypt", "c.yaml"]);
      desk.ok(["agent", "clear"]);
      assert.is(desk.run(["decrypt", "b.yaml"]).code, 128);
    }));
}

test.run();
