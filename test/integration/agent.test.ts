import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Encrypter } from "age-encryption";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { armor } from "../../src/keys/age/file.ts";
import { installed } from "../support/integration/servers.ts";
import { argvOf } from "../support/program.ts";

/*
 * Passphrases of age identity files from a real gpg-agent with a pinentry that types by itself. The real SOPS and we share
 * what it keeps in its cache.
 */

// a socket's path may have some hundred characters only
const home = mkdtempSync(join(tmpdir(), "tsops-agent-"));
const typed = join(home, "typed");
const asked = join(home, "asked");
const LIMIT = 60_000;

writeFileSync(
  join(home, "pinentry"),
  `#!/usr/bin/env node
const { appendFileSync, readFileSync } = require("node:fs");
console.log("OK at your service");
require("node:readline").createInterface({ input: process.stdin }).on("line", (line) => {
  if (line.startsWith("SETDESC")) appendFileSync(${JSON.stringify(asked)}, line + "\\n");
  if (line === "GETPIN") {
    const text = readFileSync(${JSON.stringify(typed)}, "utf8");
    console.log(text === "" ? "ERR 83886179 Operation cancelled" : "D " + text + "\\nOK");
  } else console.log("OK");
  if (line === "BYE") process.exit();
});
`,
  { mode: 0o755 },
);

writeFileSync(join(home, "gpg-agent.conf"), `pinentry-program ${join(home, "pinentry")}\n`);

// SOPS cannot ask without TERM
const env = { PATH: process.env.PATH, HOME: home, GNUPGHOME: home, TERM: "dumb" };
const run = (program: string, args: string[]): string =>
  execFileSync(program, args, { env, encoding: "utf8", timeout: LIMIT, stdio: ["ignore", "pipe", "pipe"] });
process.on("exit", () => {
  spawnSync("gpgconf", ["--kill", "gpg-agent"], { env, timeout: LIMIT });
  rmSync(home, { recursive: true, force: true });
});
// its standard streams would keep a pipe open for as long as it runs
execFileSync("gpg-agent", ["--daemon"], { env, stdio: "ignore", timeout: LIMIT });
const socket = run("gpgconf", ["--list-dirs", "agent-socket"]).trim();

const golden = (name: string): string =>
  readFileSync(new URL(`../../fixtures/golden/keys/${name}`, import.meta.url), "utf8");
const encrypter = new Encrypter();
encrypter.setPassphrase("a pass+phrase %41");
encrypter.setScryptWorkFactor(8);
const locked = await encrypter.encrypt(golden("age1.txt"));

const plain = join(home, "plain.yaml");
writeFileSync(plain, "a: 1\n");
const secret = join(home, "secret.yaml");
writeFileSync(secret, run(installed("REAL_SOPS"), ["encrypt", "--age", golden("age1.pub").trim(), plain]));

const PROGRAMS = { tsops: argvOf(installed("TSOPS")), sops: [installed("REAL_SOPS")] };

function decrypt(program: keyof typeof PROGRAMS, keys: string) {
  const [command = "", ...args] = PROGRAMS[program];
  return spawnSync(command, [...args, "decrypt", secret], {
    // SOPS knows nothing of GNUPGHOME here
    env: {
      ...env,
      GPG_AGENT_INFO: `${socket}:0:1`,
      SOPS_AGE_KEY_FILE: keys,
      SOPS_DISABLE_VERSION_CHECK: "1",
    },
    encoding: "utf8",
    timeout: LIMIT,
    stdio: ["ignore", "pipe", "pipe"],
  });
}

function keyFile(name: string, contents: string | Uint8Array): string {
  const path = join(home, name);
  writeFileSync(path, contents);
  rmSync(asked, { force: true });
  run("gpgconf", ["--reload", "gpg-agent"]); // forgets passphrases
  return path;
}

const questions = (): number =>
  existsSync(asked) ? readFileSync(asked, "utf8").split("\n").filter(Boolean).length : 0;

for (const [first, second] of [
  ["tsops", "sops"],
  ["sops", "tsops"],
] as const) {
  test(`${first} has the agent ask for the passphrase, and ${second} finds it in the cache`, () => {
    const keys = keyFile("100% +\u00e4 keys.age", first === "tsops" ? locked : armor(locked));
    writeFileSync(typed, "a pass+phrase %2541"); // the protocol escapes percent signs
    for (const program of [first, second, first]) {
      const { status, stdout, stderr } = decrypt(program, keys);
      assert.is(status, 0, stderr);
      assert.is(stdout, "a: 1\n");
      assert.not.match(stderr, "pass+phrase");
    }
    assert.is(questions(), 1);
    if (first === "tsops")
      assert.match(decodeURIComponent(readFileSync(asked, "utf8")), /100% \+\u00e4 keys\.age/);
  });
}

test("a wrong passphrase is forgotten, so that the next run asks again", () => {
  const keys = keyFile("keys.age", locked);
  writeFileSync(typed, "wrong");
  for (let i = 1; i <= 2; i++) {
    const { status, stderr } = decrypt("tsops", keys);
    assert.is(status, 128);
    assert.match(stderr, "the passphrase is wrong");
    assert.is(questions(), i);
  }
});

test("cancelling is said", () => {
  const keys = keyFile("keys.age", locked);
  writeFileSync(typed, "");
  const { status, stderr } = decrypt("tsops", keys);
  assert.is(status, 128);
  assert.match(stderr, "the question for its passphrase was cancelled");
});

test("without an agent nothing is started", () => {
  const keys = keyFile("keys.age", locked);
  run("gpgconf", ["--kill", "gpg-agent"]);
  const { status, stderr } = decrypt("tsops", keys);
  assert.is(status, 128);
  assert.match(stderr, "there is nobody to ask");
  assert.not(existsSync(socket));
});

test.run();
