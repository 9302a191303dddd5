import { spawn } from "node:child_process";
import { readdirSync, rmSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { inSandbox, OTHER_RECIPIENT, RECIPIENT, type Sandbox } from "../support/cli.ts";
import { BY_NODE, OTHER_PROGRAM, PROGRAM } from "../support/program.ts";
import { node, scratchFolder, script } from "../support/scripts.ts";
import { closeDoubles } from "../support/servers/aws.ts";
import { ARN, awsEnvironment, countingKms } from "../support/servers/counting-kms.ts";

/**
 * Runs over many files, with many jobs, where the system lets the process open few: no file is lost, and nothing is left
 * behind, neither where the process can know its limit nor where it finds out.
 */

const FILES = Array.from({ length: 150 }, (_, i) => `f${i}.yaml`);

/** As on systems that do not say how much a process may open. */
const HIDE_LIMIT = `
const fs = require("node:fs");
const { readFileSync } = fs;
fs.readFileSync = (path, ...more) => {
  if (path === "/proc/self/limits") throw new Error("hidden");
  return readFileSync(path, ...more);
};
require("node:module").syncBuiltinESMExports();
`;

/**
 * The program as one script, as the built one nearly is: Node reads modules side by side, which takes more descriptors than
 * some of these runs have.
 */
const ONE_SCRIPT = OTHER_PROGRAM
  ? PROGRAM
  : node(script(scratchFolder(), 'import "./src/cli/main.ts";', ["./devtools.js"]));

interface Limit {
  readonly most: number;
  readonly hidden: boolean;
}

/** Runs the program, and gives what it said. */
async function run(box: Sandbox, { most, hidden }: Limit, argv: readonly string[]): Promise<string> {
  const options = hidden ? { NODE_OPTIONS: `--require ${box.write("hide.cjs", HIDE_LIMIT)}` } : {};
  const child = spawn("sh", ["-c", `ulimit -n ${most} && exec "$@"`, "sh", ...ONE_SCRIPT, ...argv], {
    cwd: box.folder,
    env: { ...box.env, ...options, TSOPS_JOBS: "200" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => (said += text));
  const code = await new Promise((resolve) => child.on("close", resolve));
  assert.is(code, 0, said.slice(-2000));
  assert.not.match(said, "too many files");
  assert.equal(
    readdirSync(box.folder).filter((name) => name.startsWith(".tsops-")),
    [],
    argv.join(" "),
  );
  return said;
}

async function wholeLife(box: Sandbox, limit: Limit, rule: (more: string) => void): Promise<void> {
  const all = FILES.length;
  const ok = (...argv: readonly string[]) => run(box, limit, [...argv, ...FILES]);
  for (const name of FILES) box.write(name, `a: ${name}\n`);
  rule("");
  assert.match(await ok("encrypt", "-i"), `encrypted ${all} of ${all} files`);
  const before = FILES.map((name) => box.read(name));
  assert.match(await ok("rotate", "-i"), `rotated ${all} of ${all} files`);
  FILES.forEach((name, i) => {
    assert.is.not(box.read(name), before[i], name);
  });
  rule(OTHER_RECIPIENT);
  assert.match(await ok("updatekeys", "-y"), `synced ${all} of ${all} files`);
  assert.match(await ok("status"), `${all} encrypted files`);
  assert.match(await ok("check"), `checked ${all} of ${all} files`);
  assert.is((await ok("doctor")).match(/^f\d+\.yaml: .*can be opened here/gm)?.length, all);
  rmSync(box.path(".sops.yaml"));
  box.write(".sopsrc", `{ destinations: [{ folder: "published" }] }`);
  assert.match(await ok("publish", "-y"), `published ${all} of ${all} files`);
  assert.is(readdirSync(box.path("published")).length, all);
  assert.match(await ok("decrypt", "--output", "out"), `decrypted ${all} of ${all} files`);
  assert.match(await ok("decrypt", "-i"), `decrypted ${all} of ${all} files`);
  for (const name of FILES) {
    assert.is(box.read(`out/${name}`), `a: ${name}\n`);
    assert.is(box.read(name), `a: ${name}\n`);
  }
}

const LIMITS: readonly Limit[] =
  process.platform === "win32"
    ? []
    : [{ most: 64, hidden: false }, ...(BY_NODE ? [{ most: 64, hidden: true }] : [])];

for (const limit of LIMITS) {
  const where = `${limit.most} open files${limit.hidden ? ", which the process is not told" : ""}`;

  test(`200 jobs with room for ${where}: age`, () =>
    inSandbox(async (box) => {
      box.env.SOPS_AGE_RECIPIENTS = undefined;
      await wholeLife(box, limit, (more) => {
        const keys = [RECIPIENT, more].filter(Boolean).join(",");
        box.write(".sops.yaml", `creation_rules:\n  - age: ${keys}\n`);
      });
    }));

  test(`200 jobs with room for ${where}: AWS KMS`, () =>
    inSandbox(async (box) => {
      const kms = await countingKms();
      const keys = { SOPS_AGE_RECIPIENTS: undefined, SOPS_AGE_KEY_FILE: undefined };
      Object.assign(box.env, awsEnvironment(kms), keys);
      await wholeLife(box, limit, (more) => {
        const age = more === "" ? "" : `\n    age: ${more}`;
        box.write(".sops.yaml", `creation_rules:\n  - kms: ${ARN}${age}\n`);
      });
    }));
}

test.after(closeDoubles);
test.run();
