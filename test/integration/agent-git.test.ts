import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { armor, Encrypter } from "age-encryption";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { IDENTITY_FILE, inSandbox, type Sandbox } from "../support/cli.ts";
import { installed } from "../support/integration/servers.ts";
import { argvOf } from "../support/program.ts";
import { hasTerminals, inTerminal } from "../support/terminal.ts";

/*
 * `git log -p` starts the built program twice for each version of a file. With the agent the person is asked once, and
 * each wrapped data key is unwrapped once.
 */

const COMMITS = 100;
/** Every so many commits the file gets a new data key. */
const ROTATED = 20;
const program = installed("TSOPS");

function git(box: Sandbox, ...argv: string[]): string {
  return execFileSync("git", argv, { cwd: box.folder, env: box.env as NodeJS.ProcessEnv, encoding: "utf8" });
}

/** A repository whose file has as many versions; the wrapped keys of all of them. */
async function repository(box: Sandbox): Promise<Set<string>> {
  git(box, "init", "--quiet");
  git(box, "config", "user.name", "test");
  git(box, "config", "user.email", "test@test.invalid");
  box.write(".git/info/attributes", "secret.yaml diff=plain\n");
  box.write("plain.yaml", "value: number 0\n");
  const first = await box.run(["encrypt", "--filename-override", "secret.yaml", "plain.yaml"]);
  box.write("secret.yaml", first.stdout);
  const keys = new Set<string>();
  for (let i = 1; i <= COMMITS; i++) {
    const steps = [["set", "secret.yaml", '["value"]', `"number ${i}"`]];
    if (i % ROTATED === 0) steps.push(["rotate", "-i", "secret.yaml"]);
    for (const argv of steps) {
      const { code, stderr } = await box.run(argv);
      assert.is(code, 0, stderr);
    }
    keys.add(/-----BEGIN AGE[\s\S]*?-----END/.exec(box.read("secret.yaml"))![0]);
    git(box, "add", "secret.yaml");
    git(box, "commit", "--quiet", "-m", `number ${i}`);
  }
  return keys;
}

if (hasTerminals) {
  test(`git log -p over ${COMMITS} commits asks once, and unwraps each wrapped key once`, () =>
    inSandbox(async (box) => {
      const keys = await repository(box);
      assert.is(keys.size, COMMITS / ROTATED + 1);
      const encrypter = new Encrypter();
      encrypter.setPassphrase("correct horse");
      encrypter.setScryptWorkFactor(10);
      const identity = await encrypter.encrypt(readFileSync(IDENTITY_FILE, "utf8"));
      box.write("identity.age", armor.encode(identity));
      const log = box.path("unwrapped.log");
      const script = (name: string, lines: string): string => {
        const path = box.write(name, `#!/bin/sh\n${lines}\n`);
        chmodSync(path, 0o755);
        return path;
      };
      const command = script("identities.sh", `echo once >> '${log}'\ncat '${box.path("identity.age")}'`);
      const runtime = join(box.root, "run");
      mkdirSync(runtime, { mode: 0o700 });
      const own = {
        SOPS_AGE_KEY_FILE: undefined,
        SOPS_AGE_KEY_CMD: command,
        TSOPS_AGENT: undefined,
        XDG_RUNTIME_DIR: runtime,
        GIT_PAGER: "cat",
      };
      box.env = { ...box.env, ...own };
      const [file, ...first] = argvOf(program);
      const words = [file, ...first].map((word) => `'${word}'`).join(" ");
      const textconv = script("textconv.sh", `exec ${words} decrypt "$1"`);
      git(box, "config", "diff.plain.textconv", textconv);
      const tsops = (...argv: string[]): string =>
        execFileSync(file, [...first, ...argv], {
          env: box.env as NodeJS.ProcessEnv,
          encoding: "utf8",
        });
      tsops("agent", "start");
      try {
        const { code, text } = await inTerminal(
          ["--no-pager", "log", "-p", "--no-color", "secret.yaml"],
          [{ until: "assphrase" }, { until: ": " }, { type: "correct horse\r" }],
          { env: box.env, cwd: box.folder, program: ["git"] },
        );
        assert.is(code, 0, text);
        for (let i = 1; i <= COMMITS; i++) assert.match(text, `+value: number ${i}\r\n`);
        assert.is(text.match(/passphrase/gi)?.length, 1);
        assert.ok(existsSync(log));
        assert.is(readFileSync(log, "utf8").trim().split("\n").length, keys.size);
        const { dataKeys, unlocked } = JSON.parse(tsops("agent", "status", "--json"));
        assert.equal([dataKeys, unlocked], [keys.size, 1]);
      } finally {
        tsops("agent", "stop");
      }
    }));
}

test.run();
