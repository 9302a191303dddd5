import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, readFileSync, rmSync } from "node:fs";
import { Readable, Writable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { Encrypter } from "age-encryption";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Run } from "../../src/cli/command.ts";
import { TABLE } from "../../src/cli/commands.ts";
import { endRun } from "../../src/cli/ends.ts";
import { sessionOf } from "../../src/cli/session.ts";
import { withLock } from "../../src/files/lock.ts";
import { armor } from "../../src/keys/age/file.ts";
import type { Opened } from "../../src/keys/kind.ts";
import { IDENTITY_FILE, inSandbox, OTHER_RECIPIENT, RECIPIENT, type Sandbox } from "../support/cli.ts";
import { until } from "../support/pace.ts";
import { PROGRAM } from "../support/program.ts";
import { closeDoubles, type Double, double, refusal } from "../support/servers/aws.ts";
import {
  ARN,
  answerOf,
  awsEnvironment,
  counting,
  countingKms,
  OTHER_ARN,
  waitingKms,
} from "../support/servers/counting-kms.ts";
import { hasTerminals, inTerminal } from "../support/terminal.ts";

/** What a run over many files asks of people, programs and services, by counts. */

const FILES = Array.from({ length: 20 }, (_, i) => `f${String(i).padStart(2, "0")}.yaml`);

async function encrypted(box: Sandbox, names: readonly string[] = FILES): Promise<void> {
  for (const name of names) box.write(name, `a: ${name}\n`);
  await ok(box, "encrypt", "-i", ...names);
}

async function ok(box: Sandbox, ...argv: readonly string[]): Promise<string> {
  const { code, stderr } = await box.run(argv);
  assert.is(code, 0, stderr);
  return stderr;
}

/** `SOPS_AGE_KEY_CMD` with a program that writes down that it ran. */
function loggedProgram(box: Sandbox): () => number {
  const log = box.path("runs.log");
  chmodSync(box.write("keys.sh", `#!/bin/sh\necho run >> "${log}"\ncat "${IDENTITY_FILE}"\n`), 0o700);
  box.env.SOPS_AGE_KEY_FILE = undefined;
  box.env.SOPS_AGE_KEY_CMD = box.path("keys.sh");
  return () => {
    const runs = existsSync(log) ? readFileSync(log, "utf8").split("\n").length - 1 : 0;
    box.write("runs.log", "");
    return runs;
  };
}

function rule(box: Sandbox, ...age: readonly string[]): void {
  box.env.SOPS_AGE_RECIPIENTS = undefined;
  box.write(".sops.yaml", `creation_rules:\n  - age: ${age.join(",")}\n`);
}

if (process.platform !== "win32") {
  test("a run over many files runs SOPS_AGE_KEY_CMD once, whatever the command", () =>
    inSandbox(async (box) => {
      const runs = loggedProgram(box);
      await encrypted(box);
      runs();
      rule(box, RECIPIENT, OTHER_RECIPIENT);
      for (const argv of [
        ["rotate", "-i", "-y"],
        ["updatekeys", "-y"],
        ["decrypt", "--output", "out"],
        ["exec", "--pristine", "--"],
      ]) {
        const [command = "", ...options] = argv;
        const end = options.indexOf("--");
        await ok(
          box,
          command,
          ...(end < 0 ? [...options, ...FILES] : [...options.slice(0, end), ...FILES, "--", "true"]),
        );
        assert.is(runs(), 1, command);
      }
      // also where each file is asked about
      rule(box, RECIPIENT);
      const asked = await box.run(["updatekeys", ...FILES], { input: "y\n".repeat(FILES.length) });
      assert.is(asked.code, 0, asked.stderr);
      assert.is(runs(), 1);
    }));
}

if (process.platform !== "win32") {
  test("a credential_process that works runs once, and so does one that fails", () =>
    inSandbox(async (box) => {
      const kms = await countingKms();
      Object.assign(box.env, awsEnvironment(kms), { SOPS_AGE_RECIPIENTS: undefined });
      box.write(".sops.yaml", `creation_rules:\n  - kms: ${ARN}\n`);
      await encrypted(box);
      const log = box.path("runs.log");
      const config = box.write("aws", `[profile p]\ncredential_process = "${box.path("login.sh")}"\n`);
      const profile = { AWS_PROFILE: "p", AWS_CONFIG_FILE: config };
      Object.assign(box.env, profile, { AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined });
      const keys = '{"Version":1,"AccessKeyId":"AKIATEST","SecretAccessKey":"s"}';
      for (const [does, exit] of [
        [`echo '${keys}'`, 0],
        ["exit 3", 1],
      ] as const) {
        const script = `#!/bin/sh\necho run >> "${log}"\n${does}\n`;
        chmodSync(box.write("login.sh", script), 0o700);
        for (const argv of [
          ["rotate", "-i"],
          ["decrypt", "--output", "out"],
        ]) {
          box.write("runs.log", "");
          // fewer at once than there are files: those that come later count, too
          const { code, stderr } = await box.run([...argv, "--jobs", "4", ...FILES]);
          assert.is(code, exit, stderr);
          assert.is(readFileSync(log, "utf8"), "run\n", `${argv[0]}, ${does}`);
        }
      }
    }));
}

if (hasTerminals) {
  test("a run over many files asks once for the passphrase of a key file", () =>
    inSandbox(async (box) => {
      await encrypted(box, FILES.slice(0, 4));
      const encrypter = new Encrypter();
      encrypter.setPassphrase("correct horse");
      encrypter.setScryptWorkFactor(10);
      box.write("keys.txt", armor(await encrypter.encrypt(readFileSync(IDENTITY_FILE, "utf8"))));
      const env = { ...box.env, SOPS_AGE_KEY_FILE: box.path("keys.txt") };
      for (const argv of [
        ["rotate", "-i", "-y"],
        ["updatekeys", "-y"],
      ]) {
        rule(box, RECIPIENT, ...(argv[0] === "updatekeys" ? [OTHER_RECIPIENT] : []));
        const { code, text } = await inTerminal(
          [...argv, ...FILES.slice(0, 4)],
          [{ until: "assphrase" }, { until: ": " }, { type: "correct horse\r" }],
          { env, cwd: box.folder },
        );
        assert.is(code, 0, text);
        assert.is(text.match(/passphrase/gi)?.length, 1, text);
        assert.match(text, argv[0] === "rotate" ? "rotated 4 of 4" : "synced 4 of 4");
      }
    }));
}

if (hasTerminals) {
  test("a run that Ctrl-C ends says how to go on", () =>
    inSandbox(async (box) => {
      rule(box, RECIPIENT);
      await encrypted(box, FILES.slice(0, 3));
      rule(box, RECIPIENT, OTHER_RECIPIENT);
      const { code, text } = await inTerminal(
        ["updatekeys", ...FILES.slice(0, 3)],
        [{ until: "(y/n): " }, { type: "y\r" }, { until: "(y/n): " }, { type: "\x03" }],
        { env: box.env, cwd: box.folder },
      );
      assert.is(code, 130, text);
      assert.match(text, "stopped: 1 of 3 files were synced");
      assert.match(text, "the others are as they were; the same command goes on with what is left");
    }));
}

const WAITING =
  process.platform === "win32" ? [] : [["encrypt"], ["decrypt"], ["rotate"], ["updatekeys", "-y"]];

for (const argv of WAITING) {
  test(`Ctrl-C ends a run that waits for another program: ${argv.join(" ")}`, () =>
    inSandbox(async (box) => {
      rule(box, RECIPIENT);
      const [free, locked] = FILES as [string, string];
      if (argv[0] === "encrypt") for (const name of [free, locked]) box.write(name, "a: x\n");
      else await encrypted(box, [free, locked]);
      if (argv[0] === "updatekeys") rule(box, RECIPIENT, OTHER_RECIPIENT);
      const before = { free: box.read(free), locked: box.read(locked) };
      await withLock(box.path(locked), async () => {
        const [program = "", ...first] = PROGRAM;
        const inPlace = argv[0] === "updatekeys" ? [] : ["-i"];
        const child = spawn(program, [...first, ...argv, ...inPlace, free, locked], {
          cwd: box.folder,
          env: box.env,
          stdio: ["ignore", "ignore", "pipe"],
        });
        let said = "";
        child.stderr.on("data", (data) => (said += data));
        const ended = once(child, "close");
        while (box.read(free) === before.free && child.exitCode === null) await sleep(20);
        const begin = performance.now();
        child.kill("SIGINT");
        await ended;
        assert.match(said, "stopped: 1 of 2 files were");
        assert.is(child.exitCode, 130);
        // the lock would have been waited for twice as long
        assert.ok(performance.now() - begin < 30_000);
        assert.is(box.read(locked), before.locked);
      });
    }));
}

/** Starts the program, and gives what it says on standard error and how it ends. */
function started(box: Sandbox, argv: readonly string[]) {
  const [program = "", ...first] = PROGRAM;
  const child = spawn(program, [...first, ...argv], {
    cwd: box.folder,
    env: box.env,
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  child.stderr.on("data", (data) => (said += data));
  const ended = once(child, "close").then(([code, signal]) => ({ code, signal, said }));
  return { child, ended, said: () => said };
}

if (process.platform !== "win32") {
  test("many files that others have: each is waited for, and nothing else is said", () =>
    inSandbox(async (box) => {
      await encrypted(box);
      const locked = async (names: readonly string[], work: () => Promise<void>): Promise<void> => {
        const [name, ...rest] = names;
        await (name === undefined ? work() : withLock(box.path(name), () => locked(rest, work)));
      };
      await locked(FILES, async () => {
        const { child, ended, said } = started(box, ["rotate", "-i", "--jobs", "20", ...FILES]);
        await until(() => (said().match(/: waiting for process /g)?.length ?? 0) === FILES.length);
        child.kill("SIGINT");
        const { code } = await ended;
        assert.is(code, 130);
        assert.not.match(said(), "Warning");
      });
    }));

  for (const argv of [
    ["rotate", "-i", "-y"],
    ["decrypt", "--check"],
    ["updatekeys", "-y"],
  ])
    test(`Ctrl-C ends a run whose service only throttles, and does not wait for it: ${argv.join(" ")}`, () =>
      inSandbox(async (box) => {
        let throttles = false;
        const kms = await double((asked) => (throttles ? refusal("ThrottlingException") : answerOf(asked)));
        box.env = { ...box.env, ...awsEnvironment(kms), SOPS_AGE_RECIPIENTS: undefined };
        box.write(".sopsrc", `{ rules: [{ glob: "*.yaml", recipients: ["awskms://${ARN}"] }] }`);
        await encrypted(box);
        box.write(".sopsrc", `{ rules: [{ glob: "*.yaml", recipients: ["awskms://${OTHER_ARN}"] }] }`);
        throttles = true;
        kms.asked.length = 0;
        // by itself it would go on for hours
        box.env.TSOPS_KMS_TIMEOUT = "3600";
        const { child, ended, said } = started(box, [...argv, ...FILES]);
        await until(() => kms.asked.length > 2 * FILES.length);
        child.kill("SIGINT");
        assert.is((await ended).code, 130, said());
        const [what, rest] =
          argv[0] === "decrypt" ? ["looked at", "nothing was changed"] : ["", "the others are as they were"];
        assert.match(said(), `stopped: 0 of 20 files were ${what}`);
        assert.match(said(), `  ${rest}`);
      }));
}

if (process.platform !== "win32") {
  test("SIGTERM, as CI has it for a job that is cancelled: how many were done and how to go on, and 143", () =>
    inSandbox(async (box) => {
      rule(box, RECIPIENT);
      const [free, locked] = FILES as [string, string];
      for (const [argv, next] of [
        [["encrypt", "-i"], "tsops encrypt -i with a folder, or with a pattern in quotes, goes on"],
        [["rotate", "-i"], "the same command with --older-than "],
        [["decrypt", "-i"], "tsops decrypt -i with a folder, or with a pattern in quotes, goes on"],
      ] as const) {
        if (argv[0] === "encrypt") for (const name of [free, locked]) box.write(name, "a: x\n");
        const before = { free: box.read(free), locked: box.read(locked) };
        await withLock(box.path(locked), async () => {
          const { child, ended } = started(box, [...argv, free, locked]);
          await until(() => box.read(free) !== before.free);
          child.kill("SIGTERM");
          const { code, said } = await ended;
          assert.is(code, 143, said);
          assert.match(said, "stopped: 1 of 2 files were");
          assert.match(said, `the others are as they were; ${next}`);
          assert.is(box.read(locked), before.locked);
        });
        // what the message says goes on; the same names do not
        if (argv[0] === "rotate") continue;
        assert.is((await box.run([...argv, free, locked])).code, 1);
        await ok(box, ...argv, ".");
        assert.is(box.read(free).includes("ENC["), argv[0] === "encrypt");
        assert.is(box.read(locked).includes("ENC["), argv[0] === "encrypt");
      }
    }));

  test("SIGTERM does not wait long for a service: what may be done besides is said", () =>
    inSandbox(async (box) => {
      // answers nothing before more calls wait than there are files
      const kms = await waitingKms(100);
      box.env = { ...box.env, ...awsEnvironment(kms), SOPS_AGE_RECIPIENTS: undefined };
      for (const name of FILES.slice(0, 2)) box.write(name, "a: x\n");
      const { child, ended } = started(box, ["encrypt", "-i", "--kms", ARN, ...FILES.slice(0, 2)]);
      await until(() => kms.waits() === 2);
      child.kill("SIGTERM");
      const { signal, said } = await ended;
      kms.close();
      assert.is(signal, "SIGTERM", said);
      assert.match(said, "stopped: 0 of 2 files were encrypted");
      assert.match(said, "the others are as they were or, up to 2 of them, done; ");
      for (const name of FILES.slice(0, 2)) assert.is(box.read(name), "a: x\n");
    }));
}

const WAITING_ALONE: readonly (readonly string[])[] =
  process.platform === "win32"
    ? []
    : [
        ["set", "f.yaml", '["a"]', '"y"'],
        ["unset", "f.yaml", '["a"]'],
        ["edit", "f.yaml"],
        ["rotate", "-i", "f.yaml"],
        ["updatekeys", "-y", "f.yaml"],
        ["groups", "delete", "-i", "-f", "f.yaml", "0"],
        ["decrypt", "-i", "f.yaml"],
        ["encrypt", "-i", "plain.yaml"],
      ];

for (const argv of WAITING_ALONE) {
  test(`one file: it is said who is waited for, and Ctrl-C ends that and loses nothing: ${argv.join(" ")}`, () =>
    inSandbox(async (box) => {
      rule(box, RECIPIENT);
      await encrypted(box, ["f.yaml"]);
      box.write("plain.yaml", "a: x\n");
      if (argv[0] === "updatekeys") rule(box, RECIPIENT, OTHER_RECIPIENT);
      const editor = box.write("editor.sh", '#!/bin/sh\necho "b: typed" >> "$1"\n');
      chmodSync(editor, 0o755);
      const name = argv.includes("plain.yaml") ? "plain.yaml" : "f.yaml";
      const before = box.read(name);
      await withLock(box.path(name), async () => {
        const [program = "", ...first] = PROGRAM;
        const child = spawn(program, [...first, ...argv], {
          cwd: box.folder,
          env: { ...box.env, EDITOR: editor },
          stdio: ["ignore", "ignore", "pipe"],
        });
        let said = "";
        child.stderr.on("data", (data) => (said += data));
        const ended = once(child, "close");
        await until(() => said.includes("waiting for") || child.exitCode !== null, "the waiting");
        assert.match(said, `${name}: waiting for process ${process.pid}, which changes it\n`);
        child.kill("SIGINT");
        await ended;
        assert.is(child.exitCode, 130);
        assert.match(said, "stopped while waiting for another process");
        assert.is(box.read(name), before);
        if (argv[0] !== "edit") return;
        const [, kept = "", folder = ""] = /is kept in (\S+).*remove the folder (\S+) when/.exec(said) ?? [];
        try {
          assert.match(readFileSync(kept, "utf8"), "b: typed");
        } finally {
          rmSync(folder, { recursive: true });
        }
      });
    }));
}

const ONTO_FILES: readonly (readonly string[])[] =
  process.platform === "win32"
    ? []
    : [
        ["decrypt", "f.yaml", "--output", "f.yaml"],
        ["decrypt", "f.yaml", "--output", "other.yaml"],
        ["rotate", "f.yaml", "--output", "other.yaml"],
        ["encrypt", "plain.yaml", "--output", "other.yaml"],
        ["encrypt", "--update", "f.yaml", "plain.yaml", "--output", "f.yaml"],
      ];

for (const argv of ONTO_FILES) {
  test(`--output waits for who changes the file that it replaces: ${argv.join(" ")}`, () =>
    inSandbox(async (box) => {
      rule(box, RECIPIENT);
      await encrypted(box, ["f.yaml", "other.yaml"]);
      box.write("plain.yaml", "a: x\n");
      const output = argv.at(-1)!;
      const before = box.read(output);
      const [program = "", ...first] = PROGRAM;
      let said = "";
      const child = await withLock(box.path(output), async () => {
        const running = spawn(program, [...first, ...argv], {
          cwd: box.folder,
          env: box.env,
          stdio: ["ignore", "ignore", "pipe"],
        });
        running.stderr.on("data", (data) => (said += data));
        await until(() => said.includes("waiting for") || running.exitCode !== null, "the waiting");
        assert.match(said, `${output}: waiting for process ${process.pid}, which changes it\n`);
        assert.is(box.read(output), before);
        // what is read is what stands there then
        if (output === "f.yaml") await ok(box, "encrypt", "plain.yaml", "--output", "new.yaml");
        if (output === "f.yaml") box.write("f.yaml", box.read("new.yaml"));
        return running;
      });
      if (child.exitCode === null) await once(child, "close");
      assert.is(child.exitCode, 0, said);
      if (argv[0] === "decrypt") assert.is(box.read(output), output === "f.yaml" ? "a: x\n" : "a: f.yaml\n");
      else assert.is.not(box.read(output), before);
      if (!argv.includes("--update")) return;
      // the same value has the ciphertext of who wrote meanwhile
      const [cipher] = box.read("new.yaml").split("\n");
      assert.match(cipher!, "ENC[");
      assert.match(box.read(output), cipher!);
    }));
}

/** Copies of one file, encrypted for a key of the counting KMS. */
async function copies(box: Sandbox): Promise<Double> {
  const kms = await countingKms();
  box.env = { ...box.env, ...awsEnvironment(kms), SOPS_AGE_RECIPIENTS: undefined };
  box.write(".sops.yaml", `creation_rules:\n  - kms: ${ARN}\n`);
  await encrypted(box, ["one.yaml"]);
  for (const name of FILES) box.write(name, box.read("one.yaml"));
  kms.asked.length = 0;
  return kms;
}

test("copies of one file cost one Decrypt, whatever the command", () =>
  inSandbox(async (box) => {
    const kms = await copies(box);
    await ok(box, "decrypt", "--output", "out", ...FILES);
    assert.equal(counting(kms), { Decrypt: 1 });
    await ok(box, "rotate", "-i", ...FILES);
    assert.equal(counting(kms), { Decrypt: 1, Encrypt: 20 });
  }));

test("what was unwrapped in a run is cleared at its end, also where something fails", () =>
  inSandbox(async (box) => {
    const none = Readable.from([]);
    const out = new Writable({ write: (_chunk, _encoding, done) => done() });
    const io = { env: box.env, cwd: box.folder, stdin: none, stdout: out, stderr: out };
    const run = { io, args: { keyservice: [] }, given: () => false, table: TABLE } as unknown as Run;
    const { context } = await sessionOf(run);
    assert.is(await sessionOf(run), await sessionOf({ ...run, args: run.args }), "one a run");
    const key = Buffer.alloc(32, 7);
    const waits = new Promise<Opened>(() => undefined);
    const known = new Map([
      ["waits", waits],
      ["a", Promise.resolve<Opened>({ key })],
    ] as const);
    context.cache.set("unwrapped keys", known);
    endRun(io);
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(key, Buffer.alloc(32));
  }));

test("updatekeys opens no file that is up to date, and says how many were", () =>
  inSandbox(async (box) => {
    rule(box, RECIPIENT);
    await encrypted(box);
    rule(box, RECIPIENT, OTHER_RECIPIENT);
    await ok(box, "updatekeys", "-y", ...FILES.slice(3));
    const three = await ok(box, "updatekeys", "-y", ...FILES);
    assert.match(three, /synced 3 of 20 files, 17 up to date\n$/);
    box.env.SOPS_AGE_KEY_FILE = undefined;
    for (const argv of [["-y"], []]) {
      const none = await ok(box, "updatekeys", ...argv, ...FILES);
      assert.match(none, /synced 0 of 20 files, 20 up to date\n$/);
    }
    // what stops or asks in an opened file does so here, too
    box.write(
      ".sops.yaml",
      `creation_rules:\n  - encrypted_regex: ^a$\n    age: ${RECIPIENT},${OTHER_RECIPIENT}\n`,
    );
    const selector = await box.run(["updatekeys", FILES[0]!]);
    assert.is(selector.code, 1, selector.stderr);
    assert.match(selector.stderr, "+++ encrypted_regex: ^a$");
    assert.match(
      await ok(box, "updatekeys", "-y", FILES[0]!),
      "its keys are up to date, its selector is not",
    );
  }));

test("updatekeys unwraps only what changes, and wraps only for new keys", () =>
  inSandbox(async (box) => {
    const kms = await countingKms();
    box.env = {
      ...box.env,
      ...awsEnvironment(kms),
      SOPS_AGE_RECIPIENTS: undefined,
      SOPS_AGE_KEY_FILE: undefined,
    };
    const withKeys = (keys: string) => box.write(".sops.yaml", `creation_rules:\n  - ${keys}\n`);
    withKeys(`kms: ${ARN}`);
    await encrypted(box);
    assert.equal(counting(kms), { Encrypt: 20 });
    const entry = (name: string) =>
      /kms:[\s\S]*?enc: .*\n[\s\S]*?created_at.*|created_at.*\n.*enc: .*/.exec(box.read(name))![0];
    const before = FILES.map(entry);
    withKeys(`kms: ${ARN}\n    age: ${RECIPIENT}`);
    await ok(box, "updatekeys", "-y", ...FILES.slice(0, 5));
    assert.equal(counting(kms), { Decrypt: 5 }, "adding an age key needs no kms:Encrypt");
    await ok(box, "updatekeys", "-y", ...FILES);
    assert.equal(counting(kms), { Decrypt: 15 });
    assert.equal(FILES.map(entry), before);
    await ok(box, "updatekeys", "-y", ...FILES);
    assert.equal(counting(kms), {});
    // each key opens the file by itself
    box.env.SOPS_AGE_KEY_FILE = IDENTITY_FILE;
    await ok(
      box,
      "decrypt",
      "--enable-local-keyservice",
      "--decryption-order",
      "age",
      "--output",
      "out",
      ...FILES,
    );
    assert.equal(counting(kms), {});
    // a new data key is wrapped for all of them
    withKeys(`kms: ${ARN}`);
    await ok(box, "updatekeys", "-y", FILES[0]!);
    assert.equal(counting(kms), { Encrypt: 1 });
    assert.is.not(entry(FILES[0]!), before[0]);
    // parts of a data key belong together
    const groups = (last: string) =>
      `shamir_threshold: 2\n    key_groups:\n      - kms: [{arn: "${ARN}"}]\n      - age: [${last}]`;
    withKeys(groups(RECIPIENT));
    await ok(box, "updatekeys", "-y", FILES[1]!);
    counting(kms);
    withKeys(groups(`${RECIPIENT}, ${OTHER_RECIPIENT}`));
    await ok(box, "updatekeys", "-y", FILES[1]!);
    assert.is(counting(kms).Encrypt, 1);
    await ok(box, "decrypt", FILES[1]!);
  }));

test("updatekeys works side by side where nobody is asked; what is said of a file stands together, in order", () =>
  inSandbox(async (box) => {
    const kms = await waitingKms(5);
    try {
      const counted = await countingKms();
      box.env = { ...box.env, ...awsEnvironment(counted), SOPS_AGE_RECIPIENTS: undefined };
      box.write(".sops.yaml", `creation_rules:\n  - kms: ${ARN}\n`);
      await encrypted(box);
      box.write(".sops.yaml", `creation_rules:\n  - kms: ${ARN}\n    age: ${RECIPIENT}\n`);
      Object.assign(box.env, awsEnvironment(kms));
      const { code, stdout, stderr } = await box.run(["updatekeys", "-y", "--json", "--jobs", "5", ...FILES]);
      assert.is(code, 0, stderr);
      assert.is(kms.most(), 5);
      const files = (JSON.parse(stdout) as { files: { file: string; status: string }[] }).files;
      assert.equal(
        files.map(({ file, status }) => [file, status]),
        FILES.map((file) => [file, "synced"]),
      );
      const said = stderr.split("\n").filter((line) => /f\d\d\.yaml/.test(line));
      const blocks = FILES.flatMap((name) => [
        `tsops: Syncing keys for file ${name}`,
        `tsops: ${name} synced with new keys`,
      ]);
      assert.equal(said, blocks);
    } finally {
      kms.close();
    }
  }));

test("--jobs and TSOPS_JOBS say how many files are worked on side by side, from 1 to 256", () =>
  inSandbox(async (box) => {
    for (const [jobs, argv, env] of [
      [3, ["--jobs", "3"], "7"],
      [2, [], "2"],
      [1, ["--jobs=1"], undefined],
      [16, [], undefined],
    ] as const) {
      const kms = await waitingKms(jobs);
      try {
        box.env = { ...box.env, ...awsEnvironment(kms), SOPS_AGE_RECIPIENTS: undefined, TSOPS_JOBS: env };
        box.write(".sops.yaml", `creation_rules:\n  - kms: ${ARN}\n`);
        const names = Array.from({ length: jobs * 2 }, (_, i) => `j${i}.yaml`);
        for (const name of names) box.write(name, "a: x\n");
        await ok(box, "encrypt", "-i", ...argv, ...names);
        assert.is(kms.most(), jobs);
      } finally {
        kms.close();
      }
    }
    for (const [argv, env] of [
      [["--jobs", "0"], undefined],
      [["--jobs", "257"], undefined],
      [["--jobs", "many"], undefined],
      [[], "1.5"],
      [[], "-1"],
      [[], "x"],
    ] as const) {
      box.env.TSOPS_JOBS = env;
      for (const command of ["encrypt", "decrypt", "rotate", "updatekeys"]) {
        const { code, stderr } = await box.run([command, ...argv, "j0.yaml"]);
        assert.is(code, 1, stderr);
        assert.match(stderr, /jobs needs a whole number|(--jobs|TSOPS_JOBS) is not a number from 1 to 256/);
      }
    }
  }));

test("updatekeys says of a rule that cannot be, before any key is asked, once for all files", () =>
  inSandbox(async (box) => {
    const kms = await countingKms();
    box.env = { ...box.env, ...awsEnvironment(kms), SOPS_AGE_RECIPIENTS: undefined };
    box.write(".sops.yaml", `creation_rules:\n  - kms: ${ARN}\n`);
    await encrypted(box);
    counting(kms);
    const before = FILES.map((name) => box.read(name));
    const groups = `    key_groups:\n      - kms: [{ arn: ${ARN} }]\n      - age: [${RECIPIENT}]\n`;
    box.write(".sops.yaml", `creation_rules:\n  - shamir_threshold: 1\n${groups}`);
    for (const option of ["--yes", "--check", "--dry-run"]) {
      const { code, stdout, stderr } = await box.run(["updatekeys", option, ...FILES]);
      assert.is(code, 1);
      assert.is(stdout, "");
      assert.match(stderr, /^tsops: .*\.sops\.yaml:2:5: a threshold of 1 does not fit 2 key groups\n/);
      assert.is(stderr.match(/threshold of 1/g)?.length, 1, stderr);
      assert.match(stderr, "  the same for 20 files; --verbose lists them");
      assert.equal(counting(kms), {});
      assert.equal(
        FILES.map((name) => box.read(name)),
        before,
      );
    }
    // an option goes before the rule
    const two = await box.run(["updatekeys", "--check", "--shamir-secret-sharing-threshold", "2", FILES[0]!]);
    assert.match(two.stderr, "is not as its creation rule has it");
    const one = await box.run(["updatekeys", "-y", "--shamir-secret-sharing-threshold", "1", FILES[0]!]);
    assert.match(one.stderr, "f00.yaml: a threshold of 1 does not fit 2 key groups");
    assert.equal(counting(kms), {});
  }));

test("doctor asks each key once, and lists files by their keys; a damaged file does not speak for others", () =>
  inSandbox(async (box) => {
    const kms = await countingKms();
    box.env = { ...box.env, ...awsEnvironment(kms), SOPS_AGE_RECIPIENTS: undefined };
    box.write(".sops.yaml", `creation_rules:\n  - path_regex: ^f0\n    kms: ${ARN}\n  - kms: ${OTHER_ARN}\n`);
    await encrypted(box);
    counting(kms);
    const first = await box.run(["doctor", ...FILES]);
    assert.is(first.code, 0, first.stderr);
    assert.equal(counting(kms), { Decrypt: 2 });
    const heads = FILES.map((name) => `${name}: can be opened here\n`);
    const [some, others] = [heads.slice(0, 10).join(""), heads.slice(10).join("")];
    assert.ok(first.stdout.startsWith(`${some}  + AWS KMS ${ARN}\n`), first.stdout);
    assert.match(first.stdout, `\n${others}  + AWS KMS ${OTHER_ARN}\n`);
    assert.is(first.stdout.match(/^ {2}\+ /gm)?.length, 2);
    const json = await box.run(["doctor", "--json", ...FILES]);
    assert.is((JSON.parse(json.stdout) as { files: unknown[] }).files.length, 20);
    counting(kms);
    box.write(FILES[0]!, box.read(FILES[0]!).replace(/enc: .*/, "enc: ZGFtYWdlZA=="));
    const damaged = await box.run(["doctor", ...FILES]);
    assert.is(damaged.code, 128, damaged.stderr);
    assert.match(damaged.stdout, `${FILES[0]}: cannot be opened here\n`);
    for (const name of FILES.slice(1)) assert.match(damaged.stdout, `${name}: can be opened here\n`);
  }));

test("--verbose shows every error, however many kinds there are", () =>
  inSandbox(async (box) => {
    await encrypted(box);
    const text = box.read(FILES[0]!);
    const names = Array.from({ length: 22 }, (_, i) => `g${i + 10}.yaml`);
    for (const [i, name] of names.entries()) box.write(name, text.replace(/^(\w+):/, `$1${i}:`));
    const { code, stderr } = await box.run(["rotate", "-i", ...names]);
    assert.is(code, 1);
    assert.match(stderr, /^tsops: and 2 other errors of 2 files; --verbose shows them$/m);
    const all = await box.run(["rotate", "-i", "--verbose", ...names]);
    for (const name of names) assert.match(all.stderr, new RegExp(`^tsops: ${name}.*: the value at `, "m"));
    assert.not.match(all.stderr, "other errors of");
  }));

test("equal errors of many files are one, with how many they are; --verbose lists the files", () =>
  inSandbox(async (box) => {
    await encrypted(box);
    await ok(box, "rotate", "-i", "--add-age", OTHER_RECIPIENT, FILES[3]!);
    box.env.SOPS_AGE_KEY_FILE = undefined;
    for (const argv of [
      ["rotate", "-i"],
      ["decrypt", "-i"],
    ]) {
      const { code, stderr } = await box.run([...argv, ...FILES]);
      assert.is(code, 1);
      // two kinds: for one recipient, and for two
      assert.match(stderr, /^tsops: f00\.yaml: /m);
      assert.match(stderr, /^ {2}the same for 18 more files; --verbose lists them$/m);
      assert.match(stderr, /^tsops: f03\.yaml: /m);
      assert.not.match(stderr, /f01\.yaml|f19\.yaml/);
      assert.match(stderr, /0 of 20 files, 20 failed\n$/);
      const all = await box.run([...argv, "--verbose", ...FILES]);
      for (const name of FILES) assert.match(all.stderr, name);
      assert.match(all.stderr, /^ {2}the same for:\n {4}f01\.yaml\n {4}f02\.yaml\n {4}f04\.yaml\n/m);
    }
    const json = await box.run(["updatekeys", "-y", "--json", "--config", "missing.yaml", ...FILES]);
    assert.is((JSON.parse(json.stdout) as { files: unknown[] }).files.length, 20);
    const two = await box.run(["rotate", "-i", ...FILES.slice(0, 2)]);
    assert.match(two.stderr, /^tsops: f00\.yaml: [\s\S]*^tsops: f01\.yaml: /m, "two are named each");
    box.write(".sops.yaml", "creation_rules: 7\n");
    const broken = await box.run(["rotate", "-i", ...FILES]);
    assert.is(broken.stderr.match(/^tsops: .*\.sops\.yaml/gm)?.length, 1, broken.stderr);
    assert.match(broken.stderr, "  the same for 20 files; --verbose lists them");
  }));

/** A file as it was written at another time: lastmodified is the AAD of the MAC, so the file is not read as it is. */
async function writtenAt(box: Sandbox, name: string, time: string): Promise<void> {
  box.write(name, `a: ${name}\n`);
  await inTime(box, time, () => ok(box, "encrypt", "-i", name));
}

/** Runs something while the clock shows another time. */
async function inTime<T>(box: Sandbox, time: string, work: () => Promise<T>): Promise<T> {
  const Real = Date;
  globalThis.Date = class extends Real {
    constructor(...given: readonly unknown[]) {
      super(...((given.length === 0 ? [time] : given) as [string]));
    }
    static override now = () => Real.parse(time);
  } as DateConstructor;
  box.here = true;
  try {
    return await work();
  } finally {
    box.here = false;
    globalThis.Date = Real;
  }
}

test("rotate --older-than passes over files that were written since, and counts them", () =>
  inSandbox(async (box) => {
    await writtenAt(box, "old.yaml", "2026-01-31T23:59:59Z");
    await writtenAt(box, "edge.yaml", "2026-02-01T00:00:00Z");
    await writtenAt(box, "new.yaml", "2026-02-03T12:00:00Z");
    const names = ["old.yaml", "edge.yaml", "new.yaml"];
    const before = names.map((name) => box.read(name));
    const changes = () => names.filter((name, i) => box.read(name) !== before[i]);
    const tries: readonly [string, readonly string[]][] = [
      ["2026-01-31", []],
      ["2026-02-01", ["old.yaml"]],
      ["2026-02-01T01:00:00+01:00", ["old.yaml"]],
      ["2026-02-01T00:00:01Z", ["old.yaml", "edge.yaml"]],
      ["12h", names],
      ["3d", ["old.yaml", "edge.yaml"]],
      ["4w", []],
    ];
    for (const [limit, due] of tries) {
      const said = await inTime(box, "2026-02-04T01:00:00Z", () =>
        ok(box, "rotate", "-i", "--older-than", limit, ...names),
      );
      assert.equal(changes(), due, limit);
      const newer = names.length - due.length;
      const rest = newer === 0 ? "" : `, ${newer} not older than 2026-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ`;
      assert.match(said, new RegExp(`rotated ${due.length} of 3 files${rest}\n$`));
      names.forEach((name, i) => void box.write(name, before[i]!));
    }
    // what stays as it is is not opened
    box.env.SOPS_AGE_KEY_FILE = undefined;
    const one = await ok(box, "rotate", "-i", "--older-than", "2026-02-01", "new.yaml");
    assert.match(one, "new.yaml is not older than 2026-02-01T00:00:00Z: it stays as it is");
    for (const wrong of [
      "",
      "yesterday",
      "90",
      "90m",
      "2026-02-30",
      "2026-2-1",
      "-1d",
      "99999999999999d",
      "99999999d",
      "800000d",
    ]) {
      const { code, stderr } = await box.run(["rotate", "-i", `--older-than=${wrong}`, "old.yaml"]);
      assert.is(code, 1, wrong);
      assert.match(stderr, "--older-than takes a time, a day, or how long ago that is");
    }
    const missing = await box.run(["rotate", "-i", "--older-than", "1d", "missing.yaml"]);
    assert.is(missing.code, (await box.run(["rotate", "-i", "missing.yaml"])).code);
  }));

test("a run that leaves files says how many, and the command that goes on", () =>
  inSandbox(async (box) => {
    rule(box, RECIPIENT);
    for (const name of FILES) await writtenAt(box, name, "2026-01-01T00:00:00Z");
    const whole = box.read(FILES[7]!);
    box.write(FILES[7]!, whole.replace(/data:./, "data:*"));
    const { stderr, code } = await inTime(box, "2026-02-01T10:00:00.5Z", () =>
      box.run(["rotate", "-i", ...FILES]),
    );
    assert.is(code, 1);
    const LEFT =
      /^tsops: 1 file is left: the same command with --older-than 2026-02-01T10:00:00Z goes on with what is left$/m;
    assert.match(stderr, LEFT);
    box.write(FILES[7]!, whole);
    const rotated = FILES.map((name) => box.read(name));
    const rest = await ok(box, "rotate", "-i", "--older-than", "2026-02-01T10:00:00Z", ...FILES);
    assert.match(rest, /rotated 1 of 20 files, 19 not older than 2026-02-01T10:00:00Z\n$/);
    assert.equal(
      FILES.filter((name, i) => box.read(name) !== rotated[i]),
      [FILES[7]],
    );
    rule(box, RECIPIENT, OTHER_RECIPIENT);
    box.write(FILES[7]!, whole.replace(/data:./, "data:*"));
    const synced = await box.run(["updatekeys", "-y", ...FILES]);
    assert.match(synced.stderr, "1 file is left: the same command goes on with what is left");
    // a time to come spares nothing, so that the same command would begin anew
    const { stderr: future } = await inTime(box, "2026-02-01T10:00:00.5Z", () =>
      box.run(["rotate", "-i", "-y", "--older-than", "2026-03-01", ...FILES]),
    );
    assert.match(future, LEFT);
    // where nothing was done there is nothing to go on with
    const none = await box.run(["rotate", "-i", FILES[7]!, FILES[7]!.replace("f", "./f")]);
    assert.not.match(none.stderr, "left");
  }));

test.after(closeDoubles);
test.run();
