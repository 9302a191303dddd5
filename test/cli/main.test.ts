import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { inSandbox } from "../support/cli.ts";
import { BY_NODE, PROGRAM } from "../support/program.ts";

/** Before the program: a file of more than a megabyte is never read to its end. */
const NEVER = `const { promises } = require("node:fs");
const { readFile } = promises;
promises.readFile = (path, ...more) =>
  String(path).endsWith("large.yaml") ? new Promise(() => {}) : readFile(path, ...more);`;

test("the process ends with the command's exit code, and all that was printed is there", () =>
  inSandbox(async (box) => {
    const text = `a: ${"x".repeat(3 * 2 ** 20)}\n`;
    box.write("large.yaml", text);
    const [program = "", ...first] = PROGRAM;
    const ran = (...argv: string[]) => {
      const options = { cwd: box.folder, env: box.env, encoding: "utf8", maxBuffer: 2 ** 26 } as const;
      const { status, stdout, stderr } = spawnSync(program, [...first, ...argv], options);
      return { status, stdout, stderr };
    };
    assert.equal(ran("encrypt", "-i", "large.yaml"), { status: 0, stdout: "", stderr: "" });
    assert.equal(ran("decrypt", "large.yaml"), { status: 0, stdout: text, stderr: "" });
    const { status, stdout, stderr } = ran("decrypt", "missing.yaml");
    assert.equal([status, stdout], [100, ""]);
    assert.match(stderr, /^tsops: .*missing\.yaml/);
  }));

if (BY_NODE)
  test("work that waits for what never comes is no success", () =>
    inSandbox(async (box) => {
      box.write("large.yaml", `a: ${"x".repeat(2 ** 20)}\n`);
      const [program = "", ...first] = PROGRAM;
      const options = `--require ${box.write("never.cjs", NEVER)}`;
      for (const argv of [
        ["encrypt", "-i", "large.yaml"],
        ["decrypt", "large.yaml"],
        ["filestatus", "large.yaml"],
      ]) {
        const { status, stdout, stderr } = spawnSync(program, [...first, ...argv], {
          cwd: box.folder,
          env: { ...box.env, NODE_OPTIONS: options },
          encoding: "utf8",
        });
        assert.is(status, 1, argv.join(" "));
        assert.is(stdout, "");
        assert.match(
          stderr,
          /^tsops: ended before its work was done: it waited for something that never came\n {2}/,
        );
      }
      assert.match(box.read("large.yaml"), /^a: x+\n$/);
    }));

if (BY_NODE && existsSync("/dev/full"))
  test("where that cannot be said, locks and what is half done go away all the same", () =>
    inSandbox(async (box) => {
      box.write("large.yaml", `a: ${"x".repeat(2 ** 20)}\n`);
      const { status } = spawnSync(
        "sh",
        ["-c", '"$@" 2>/dev/full', "sh", ...PROGRAM, "encrypt", "-i", "large.yaml"],
        {
          cwd: box.folder,
          env: { ...box.env, NODE_OPTIONS: `--require ${box.write("never.cjs", NEVER)}` },
        },
      );
      assert.is(status, 1);
      assert.equal(readdirSync(box.folder).sort(), ["large.yaml", "never.cjs"]);
    }));

test.run();
