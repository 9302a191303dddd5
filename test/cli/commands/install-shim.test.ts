import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, existsSync, lstatSync, mkdirSync, readlinkSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { run } from "../../../src/cli/run.ts";
import { inSandbox, type Sandbox } from "../../support/cli.ts";
import { Collector } from "../../support/golden/programs.ts";
import { OTHER_PROGRAM, PROGRAM } from "../../support/program.ts";

/** The command line in this process, as if it had been started so. */
async function runAs(program: readonly string[], box: Sandbox, ...argv: string[]) {
  const [stdout, stderr] = [new Collector(), new Collector()];
  const io = { env: box.env, cwd: box.folder, program, stdin: process.stdin, stdout, stderr };
  const code = await run(["install-shim", ...argv], io);
  return { code, stderr: stderr.text() };
}

/** A program of the name tsops that says what it was given. */
function fake(box: Sandbox, name = "tsops"): string {
  return program(box, join("opt", name), 'echo "tsops was given $*"');
}

function program(box: Sandbox, name: string, line: string): string {
  const path = box.write(name, `#!/bin/sh\n${line}\n`);
  chmodSync(path, 0o755);
  return path;
}

test("what is installed is tsops by another name, and answers version checks", () =>
  inSandbox(async (box) => {
    const bin = join(box.root, "bin dir's");
    const { status, stderr } = spawnSync(PROGRAM[0]!, [...PROGRAM.slice(1), "install-shim", bin], {
      cwd: box.folder,
      env: { ...box.env, PATH: `${bin}:${box.env.PATH}` } as NodeJS.ProcessEnv,
      encoding: "utf8",
    });
    assert.is(status, 0, stderr);
    assert.is(stderr, `tsops: ${join(bin, "sops")} is tsops now\n`);
    const sops = (...argv: string[]): string =>
      execFileSync(join(bin, "sops"), argv, {
        cwd: box.folder,
        env: box.env as NodeJS.ProcessEnv,
        encoding: "utf8",
      });
    // what Ansible's community.sops, and others, make of it
    assert.match(
      sops("--version", "--disable-version-check"),
      /^sops [0-9]+\.[0-9]+\.[0-9]+\ntsops [0-9.]+, /,
    );
    box.write("a.yaml", "a: 1\n");
    sops("-e", "-i", "a.yaml");
    assert.is(sops("-d", "a.yaml"), "a: 1\n");
    if (OTHER_PROGRAM) return;
    // from its sources, the program is no file that can be linked to: a script starts it
    assert.not.ok(lstatSync(join(bin, "sops")).isSymbolicLink());
  }));

test("a link to the name on PATH where that is this program, else to its file", () =>
  inSandbox(async (box) => {
    const real = fake(box, "tsops-0.1.0");
    const bin = join(box.root, "bin");
    mkdirSync(bin);
    symlinkSync(real, join(bin, "tsops"));
    await runAs([process.execPath, real], box, "one");
    assert.is(readlinkSync(box.path("one/sops")), real);
    box.env.PATH = `${bin}:${box.env.PATH}`;
    await runAs([process.execPath, real], box, "two");
    assert.is(readlinkSync(box.path("two/sops")), join(bin, "tsops"));
    assert.is(
      execFileSync(box.path("two/sops"), ["x", "y z"], { encoding: "utf8" }),
      "tsops was given x y z\n",
    );
  }));

test("it may be installed again, and removed; other files of that name stay, unless --force is given", () =>
  inSandbox(async (box) => {
    const tsops = [fake(box)];
    for (let i = 0; i < 2; i++) assert.is((await runAs(tsops, box, "d")).code, 0);
    assert.is((await runAs(tsops, box, "--uninstall", "d")).code, 0);
    assert.not.ok(existsSync(box.path("d/sops")));
    const none = await runAs(tsops, box, "--uninstall", "d");
    assert.is(none.code, 0);
    assert.match(none.stderr, "there is no ");

    box.write("d/sops", "the real one");
    const refused = await runAs(tsops, box, "d");
    assert.is(refused.code, 3);
    assert.match(refused.stderr, /d\/sops is something that is not of tsops\n.*--force/);
    assert.is((await runAs(tsops, box, "--uninstall", "--force", "d")).code, 3);
    assert.is(box.read("d/sops"), "the real one");
    assert.is((await runAs(tsops, box, "--force", "d")).code, 0);
    assert.is(readlinkSync(box.path("d/sops")), tsops[0]);

    // somebody else's link
    mkdirSync(box.path("e"));
    symlinkSync("/opt/sops/bin/sops", box.path("e/sops"));
    assert.is((await runAs(tsops, box, "e")).code, 3);
    assert.is((await runAs(tsops, box, "--uninstall", "e")).code, 3);
    assert.is(readlinkSync(box.path("e/sops")), "/opt/sops/bin/sops");
    mkdirSync(box.path("f/sops"), { recursive: true });
    assert.is((await runAs(tsops, box, "--force", "f")).code, 3);
  }));

test("a program that is called sops itself is not replaced by a link to itself", () =>
  inSandbox(async (box) => {
    const sops = fake(box, "sops");
    const { code, stderr } = await runAs([sops], box, "--force", "opt");
    assert.is(code, 0);
    assert.match(stderr, "is tsops itself");
    assert.ok(lstatSync(sops).isFile());
  }));

test("it says what to do where programs would not find it", () =>
  inSandbox(async (box) => {
    const tsops = [fake(box)];
    const away = await runAs(tsops, box, "d");
    assert.match(away.stderr, `export PATH="${box.path("d")}:$PATH"`);
    program(box, "first/sops", "");
    box.env.PATH = `${box.path("first")}:${box.path("d")}:${box.env.PATH}`;
    assert.match((await runAs(tsops, box, "d")).stderr, `${box.path("first/sops")} comes before it on PATH`);
    box.env.PATH = `${box.path("d")}:${box.path("first")}`;
    assert.is((await runAs(tsops, box, "d")).stderr, `tsops: ${box.path("d/sops")} is tsops now\n`);
  }));

test("a folder that cannot be written to is named", () =>
  inSandbox(async (box) => {
    box.write("file", "");
    const { code, stderr } = await runAs([fake(box)], box, "file/bin");
    assert.is(code, 3, stderr);
    assert.match(stderr, box.path("file/bin/sops"));
  }));

test.run();
