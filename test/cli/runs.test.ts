import { chmodSync, existsSync, readFileSync } from "node:fs";
import { Readable, Writable } from "node:stream";
import { Encrypter } from "age-encryption";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Run } from "../../src/cli/command.ts";
import { TABLE } from "../../src/cli/commands.ts";
import { endRun } from "../../src/cli/ends.ts";
import { sessionOf } from "../../src/cli/session.ts";
import { armor } from "../../src/keys/age/file.ts";
import type { Opened } from "../../src/keys/kind.ts";
import { closeDoubles, type Double } from "../keys/aws/double.ts";
import { IDENTITY_FILE, inSandbox, OTHER_RECIPIENT, RECIPIENT, type Sandbox } from "../support/cli.ts";
import { ARN, awsEnvironment, counting, countingKms } from "../support/counting-kms.ts";
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

test.after(closeDoubles);
test.run();
