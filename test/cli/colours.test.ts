import { test } from "uvu";
import * as assert from "uvu/assert";
import { inSandbox, OTHER_RECIPIENT, RECIPIENT } from "../support/cli.ts";

const ESCAPE = "\x1b[";
const RED = `${ESCAPE}31m`;

test("an error on a terminal has a red head, and nothing else of it a colour", () =>
  inSandbox(async (box) => {
    const { stderr } = await box.run(["decrypt", "none.yaml"], { terminal: true });
    assert.ok(stderr.startsWith(`${RED}tsops:${ESCAPE}0m ${box.path("none.yaml")}: `), stderr);
    assert.is(stderr.split(ESCAPE).length, 3);
  }));

for (const [why, env, argv, terminal] of [
  ["NO_COLOR", { NO_COLOR: "1" }, [], true],
  ["TERM=dumb", { TERM: "dumb" }, [], true],
  ["--no-color", {}, ["--no-color"], true],
  ["-no-color", {}, ["-no-color"], true],
  ["a pipe", {}, [], false],
] as const)
  test(`no colours: ${why}`, () =>
    inSandbox(async (box) => {
      for (const command of [
        ["decrypt", "none.yaml"],
        ["decrypt", "--nonsense"],
        ["config", "check"],
      ]) {
        const { code, stderr } = await box.run([...command, ...argv], { terminal });
        assert.is.not(code, 0);
        assert.match(stderr, /^tsops: /);
        assert.not.match(stderr, ESCAPE);
      }
    }, env));

test("the --no-color of a program behind -- is the program's", () =>
  inSandbox(async (box) => {
    const { stderr } = await box.run(["exec", "none.yaml", "--", "ls", "--no-color"], { terminal: true });
    assert.match(stderr, RED);
  }));

test("differences of recipients, warnings and doctor's marks have colours", () =>
  inSandbox(async (box) => {
    box.write("a.yaml", "a: 1\n");
    await box.run(["encrypt", "-i", "--age", RECIPIENT, "a.yaml"]);
    box.write(".sops.yaml", `creation_rules:\n  - age: ${RECIPIENT},${OTHER_RECIPIENT}\n`);
    const doctor = await box.run(["doctor", "a.yaml"], { terminal: true });
    assert.match(doctor.stdout, `${ESCAPE}32m  +${ESCAPE}0m age ${RECIPIENT}`);
    const update = await box.run(["updatekeys", "-y", "a.yaml"], { terminal: true });
    assert.match(update.stdout, `${ESCAPE}32m+++ ${OTHER_RECIPIENT}${ESCAPE}0m`);
    box.write(".sops.yaml", `creation_rules:\n  - age: ${RECIPIENT}\n`);
    const removed = await box.run(["updatekeys", "-y", "a.yaml"], { terminal: true });
    assert.match(removed.stdout, `${RED}--- ${OTHER_RECIPIENT}${ESCAPE}0m`);
    const missing = await box.run(["rotate", "-i", "--rm-age", OTHER_RECIPIENT, "a.yaml"], {
      terminal: true,
    });
    assert.match(missing.stderr, `${ESCAPE}33mtsops: warning:${ESCAPE}0m `);
  }));

test("what stands in a file steers no terminal, colours or not", () =>
  inSandbox(async (box) => {
    const { stderr } = await box.run(["decrypt", "a\x1b[31mb\nc.yaml"], { terminal: true });
    assert.match(stderr, "a␛[31mb␊c.yaml");
    assert.is(stderr.split("\x1b").length, 3);
  }));

test.run();
