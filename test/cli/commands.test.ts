import { existsSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { IDENTITY_FILE, inSandbox, OTHER_RECIPIENT, RECIPIENT } from "../support/cli.ts";

const PLAIN = "# note\n\na:   1\nb: 'two'\nl:\n- x\n- y\n";

test("encrypt and decrypt keep every byte; the result goes to standard output", () =>
  inSandbox(async (box) => {
    box.write("a.yaml", PLAIN);
    const encrypted = await box.run(["encrypt", "a.yaml"]);
    assert.is(encrypted.code, 0);
    assert.is(box.read("a.yaml"), PLAIN);
    box.write("e.yaml", encrypted.stdout);
    assert.is((await box.run(["decrypt", "e.yaml"])).stdout, PLAIN);
  }));

test("flags may stand before, between and after, with one dash or two", () =>
  inSandbox(async (box) => {
    box.write("a.json", '{"a": {"b": 1}}\n');
    assert.is((await box.run(["encrypt", "a.json", "-i"])).code, 0);
    const extract = ["--extract", '["a"]["b"]'];
    assert.is((await box.run(["decrypt", ...extract, "a.json"])).stdout, "1");
    assert.is((await box.run(["decrypt", "a.json", "-extract", extract[1]!])).stdout, "1");
    assert.is((await box.run(["-d", `--extract=${extract[1]}`, "a.json"])).stdout, "1");
    assert.is(
      (await box.run(["--indent", "2", "decrypt", "--output-type", "yaml", "a.json"])).stdout,
      "a:\n  b: 1\n",
    );
  }));

test("set and unset touch one value; --idempotent writes nothing", () =>
  inSandbox(async (box) => {
    box.write("a.yaml", PLAIN);
    await box.run(["encrypt", "-i", "a.yaml"]);
    const before = box.read("a.yaml").split("\n");
    assert.is((await box.run(["set", "a.yaml", '["b"]', '"three"'])).code, 0);
    const after = box.read("a.yaml").split("\n");
    const changed = before.filter((line, i) => line !== after[i]).map((line) => line.trim().split(":")[0]);
    assert.ok(
      changed.every((key) => ["b", "mac", "lastmodified", "seal"].includes(key!)),
      changed.join(),
    );
    const written = box.read("a.yaml");
    assert.is((await box.run(["set", "--idempotent", "a.yaml", '["b"]', '"three"'])).code, 0);
    assert.is(box.read("a.yaml"), written);
    assert.is((await box.run(["set", "--value-stdin", "a.yaml", '["b"]'], { input: '"four"' })).code, 0);
    assert.is((await box.run(["unset", "a.yaml", '["l"][0]'])).code, 0);
    assert.is(
      (await box.run(["decrypt", "a.yaml"])).stdout,
      PLAIN.replace("two", "four").replace("- x\n", ""),
    );
    assert.is((await box.run(["unset", "a.yaml", '["none"]'])).code, 1);
    assert.is((await box.run(["unset", "--idempotent", "a.yaml", '["none"]'])).code, 0);
  }));

test("encrypt --update keeps what did not change", () =>
  inSandbox(async (box) => {
    box.write("a.yaml", PLAIN);
    box.write("old.yaml", (await box.run(["encrypt", "a.yaml"])).stdout);
    box.write("a.yaml", PLAIN.replace("two", "three"));
    const { code, stdout } = await box.run(["encrypt", "--update", "old.yaml", "a.yaml"]);
    assert.is(code, 0);
    const ciphers = [...box.read("old.yaml").matchAll(/ENC\[[^\]]*\]/g)].map(([cipher]) => cipher);
    assert.is(ciphers.filter((cipher) => !stdout.includes(cipher)).length, 2); // the value and the MAC
  }));

test("folders: only encrypted files are decrypted, and the rest goes on after an error", () =>
  inSandbox(async (box) => {
    for (const name of ["d/a.yaml", "d/sub/b.yaml"]) {
      box.write(name, PLAIN);
      await box.run(["encrypt", "-i", name]);
    }
    box.write("d/plain.yaml", PLAIN);
    box.write("d/bad.yaml", box.read("d/a.yaml").replace(/mac: ENC/, "mac: XNC"));
    const { code, stderr } = await box.run(["decrypt", "--output", "out", "d"]);
    assert.is(code, 1);
    assert.match(stderr, /d\/bad\.yaml: MAC mismatch/);
    assert.match(stderr, "decrypted 2 of 3 files");
    assert.is(box.read("out/d/sub/b.yaml"), PLAIN);
    assert.not.ok(existsSync(box.path("out/d/plain.yaml")));
    assert.is((await box.run(["decrypt", "d"])).code, 1);
  }));

test("encrypt --check and --dry-run on a folder write nothing", () =>
  inSandbox(async (box) => {
    box.env.SOPS_AGE_RECIPIENTS = undefined;
    box.write(".sops.yaml", `creation_rules:\n  - path_regex: secrets/\n    age: ${RECIPIENT}\n`);
    box.write("secrets/a.yaml", PLAIN);
    box.write("other/b.yaml", PLAIN);
    const check = await box.run(["encrypt", "--check", "."]);
    assert.is(check.code, 1);
    assert.is(check.stdout, "secrets/a.yaml\n");
    await box.run(["encrypt", "--dry-run", "."]);
    assert.is(box.read("secrets/a.yaml"), PLAIN);
    assert.is((await box.run(["encrypt", "-i", "."])).code, 0);
    assert.is(box.read("other/b.yaml"), PLAIN);
    assert.is((await box.run(["encrypt", "--check", "."])).code, 0);
  }));

test("rotate gives new ciphertexts; added keys open the file", () =>
  inSandbox(async (box) => {
    box.write("a.yaml", PLAIN);
    await box.run(["encrypt", "-i", "a.yaml"]);
    const before = box.read("a.yaml");
    assert.is((await box.run(["rotate", "-i", "--add-age", OTHER_RECIPIENT, "a.yaml"])).code, 0);
    for (const [cipher] of before.matchAll(/ENC\[[^\]]*\]/g))
      assert.not.ok(box.read("a.yaml").includes(cipher));
    box.env.SOPS_AGE_KEY_FILE = IDENTITY_FILE.replace("age1.txt", "age2.txt");
    assert.is((await box.run(["decrypt", "a.yaml"])).stdout, PLAIN);
    assert.is((await box.run(["rotate", "-i", "--rm-age", OTHER_RECIPIENT, "a.yaml"])).code, 0);
    assert.is((await box.run(["decrypt", "a.yaml"])).code, 128);
  }));

test("rotate says if a key that is to be removed is not there: a typo must not look like success", () =>
  inSandbox(async (box) => {
    box.write("a.yaml", PLAIN);
    await box.run(["encrypt", "-i", "a.yaml"]);
    const { code, stderr } = await box.run(["rotate", "-i", "--rm-age", OTHER_RECIPIENT, "a.yaml"]);
    assert.is(code, 0);
    assert.match(stderr, `warning: a.yaml has no key ${OTHER_RECIPIENT}, so none was removed`);
    const removed = await box.run([
      ...["rotate", "-i", "--rm-key", `age:${RECIPIENT}`, "--add-age", OTHER_RECIPIENT, "a.yaml"],
    ]);
    assert.is(removed.code, 0);
    assert.not.match(removed.stderr, "warning");
  }));

test("set and unset take the threshold option that SOPS has there, and that has no effect", () =>
  inSandbox(async (box) => {
    box.write("a.yaml", PLAIN);
    await box.run(["encrypt", "-i", "a.yaml"]);
    const option = "--shamir-secret-sharing-threshold=2";
    assert.is((await box.run(["set", option, "a.yaml", '["new"]', "1"])).code, 0);
    assert.is((await box.run(["unset", option, "a.yaml", '["new"]'])).code, 0);
    assert.not.match(box.read("a.yaml"), "shamir_threshold");
  }));

test("init makes a key and a .sopsrc, says where, and overwrites nothing", () =>
  inSandbox(async (box) => {
    box.env = { PATH: box.env.PATH, HOME: box.home };
    const { code, stderr, stdout } = await box.run(["init"]);
    assert.is(code, 0, stderr);
    assert.match(stdout, /^age1/);
    assert.match(stderr, "keys.txt");
    assert.match(stderr, /Nothing is encrypted yet/);
    assert.match(stderr, /tsops encrypt -i secrets\.yaml/);
    box.write("secrets.yaml", PLAIN);
    box.write("other.yaml", PLAIN);
    assert.is((await box.run(["encrypt", "-i", "."])).code, 0);
    assert.is((await box.run(["decrypt", "secrets.yaml"])).stdout, PLAIN);
    // what the rule is not for stays as it is
    assert.is(box.read("other.yaml"), PLAIN);
    const config = box.read(".sopsrc");
    const again = await box.run(["init"]);
    assert.is(again.code, 0);
    assert.is(again.stdout, stdout);
    assert.match(again.stderr, /left as it is\nit names your public key/);
    assert.is(box.read(".sopsrc"), config);
    const explained = await box.run(["config", "explain", "secrets.yaml"]);
    assert.is(explained.code, 0);
    assert.match(explained.stdout, "me");
    assert.is((await box.run(["config", "check"])).code, 0);
  }));

test("init names the key as the system names the person, where that is a plain name", () =>
  inSandbox(async (box) => {
    for (const [user, name] of [
      ["alice", "alice"],
      ["root", "me"],
      ['a": "b', "me"],
    ] as const) {
      box.env.USER = user;
      rmSync(box.path(".sopsrc"), { force: true });
      assert.is((await box.run(["init"])).code, 0);
      assert.match(box.read(".sopsrc"), `"recipients": ["${name}"]`);
    }
  }));

test("init takes patterns, and names a file that is there", () =>
  inSandbox(async (box) => {
    box.write("prod.yaml", PLAIN);
    const { code, stderr } = await box.run(["init", "prod.*", "config/*.json"]);
    assert.is(code, 0, stderr);
    assert.match(stderr, /tsops encrypt -i prod\.yaml/);
    assert.is((await box.run(["encrypt", "-i", "prod.yaml"])).code, 0);
    JSON.parse(box.read(".sopsrc").replace(/^\/\/.*\n/, ""));
  }));

test("init in a clone with a configuration makes a key and says how to get access", () =>
  inSandbox(async (box) => {
    box.env = { PATH: box.env.PATH, HOME: box.home };
    const configs = {
      ".sops.yaml": `creation_rules:\n  - age: ${RECIPIENT}\n`,
      ".sopsrc": `{rules: [{recipients: ["age:${RECIPIENT}"]}]}`,
    };
    for (const [name, text] of Object.entries(configs)) {
      const path = box.write(`${name}-clone/${name}`, text);
      const { code, stdout, stderr } = await box.run(["init"], { cwd: box.path(`${name}-clone`) });
      assert.is(code, 0, stderr);
      assert.match(stdout, /^age1\w+\n$/);
      assert.match(stderr, /please add .*age1.*tsops updatekeys/);
      assert.is(readFileSync(path, "utf8"), text);
    }
  }));

test("keygen makes the folder that it writes to", () =>
  inSandbox(async (box) => {
    assert.is((await box.run(["keygen", "-o", "a/b/key.txt"])).code, 0);
    assert.match(box.read("a/b/key.txt"), /AGE-SECRET-KEY-1/);
    assert.is(statSync(box.path("a")).mode & 0o777, 0o700);
  }));

test("keygen writes an identity for its owner, and never over another", () =>
  inSandbox(async (box) => {
    const made = await box.run(["keygen", "-o", "key.txt"]);
    assert.is(made.code, 0);
    assert.match(made.stdout, /^age1\w+\n$/);
    const key = box.read("key.txt");
    assert.match(key, /AGE-SECRET-KEY-1/);
    assert.not.match(made.stdout + made.stderr, /AGE-SECRET-KEY/);
    assert.is.not((await box.run(["keygen", "-o", "key.txt"])).code, 0);
    assert.is(box.read("key.txt"), key);
    assert.match((await box.run(["keygen", "--post-quantum"])).stdout, /AGE-SECRET-KEY-PQ-1/);
  }));

test("keygen --master makes a master key, which env:// takes; its file is for its owner, and never overwritten", () =>
  inSandbox(async (box) => {
    const { code, stdout, stderr } = await box.run(["keygen", "--master"]);
    assert.is(code, 0);
    assert.is(Buffer.from(stdout.trim(), "base64").length, 32);
    assert.not.ok(stderr.includes(stdout.trim()));
    const id = /id of the master key: ([0-9a-f]{16})/.exec(stderr)![1]!;

    const made = await box.run(["keygen", "--master", "-o", "master.txt"]);
    assert.is(made.code, 0);
    assert.is(made.stdout, "");
    assert.is(statSync(box.path("master.txt")).mode & 0o777, 0o600);
    const before = box.read("master.txt");
    assert.is.not((await box.run(["keygen", "--master", "-o", "master.txt"])).code, 0);
    assert.is(box.read("master.txt"), before);

    box.env = { ...box.env, MASTER: stdout, SOPS_AGE_RECIPIENTS: undefined };
    box.write("a.yaml", PLAIN);
    assert.is((await box.run(["encrypt", "-i", "--key", "env://MASTER", "a.yaml"])).code, 0);
    assert.match(box.read("a.yaml"), `key_id: ${id}`);
    assert.is((await box.run(["decrypt", "a.yaml"])).stdout, PLAIN);
    box.env = { ...box.env, MASTER: before };
    const other = await box.run(["decrypt", "a.yaml"]);
    assert.is(other.code, 128);
    assert.match(other.stderr, `does not hold the master key whose id is ${id}`);
    assert.not.ok(other.stderr.includes(before.trim()));
  }));

test("keygen --master --key gives a master key that needs another key to be used", () =>
  inSandbox(async (box) => {
    const { stdout, code } = await box.run(["keygen", "--master", "--key", `age:${RECIPIENT}`]);
    assert.is(code, 0);
    assert.match(stdout, /^age:age1\w+#[A-Za-z0-9+/]+=*\n$/);
    box.env = { ...box.env, MASTER: stdout, SOPS_AGE_RECIPIENTS: undefined };
    box.write("a.yaml", PLAIN);
    assert.is((await box.run(["encrypt", "-i", "--key", "env://MASTER", "a.yaml"])).code, 0);
    assert.is((await box.run(["decrypt", "a.yaml"])).stdout, PLAIN);
    box.env = { ...box.env, SOPS_AGE_KEY_FILE: undefined };
    const without = await box.run(["decrypt", "a.yaml"]);
    assert.is(without.code, 128);
    assert.match(without.stderr, "the master key in env://MASTER is wrapped by age");
    for (const args of [
      ["--key", "age:x"],
      ["--master", "--key", "env://OTHER"],
      ["--master", "--pq"],
    ]) {
      assert.is((await box.run(["keygen", ...args])).code, 1, args.join(" "));
    }
  }));

test("completion scripts name every command", () =>
  inSandbox(async (box) => {
    for (const shell of ["bash", "zsh", "fish"]) {
      const { code, stdout } = await box.run(["completion", shell]);
      assert.is(code, 0);
      for (const name of ["encrypt", "updatekeys", "exec-env", "config", "doctor", "keyservice", "publish"])
        assert.match(stdout, name);
      assert.not.match(stdout, "undefined");
    }
    assert.is((await box.run(["completion", "tcsh"])).code, 1);
  }));

test("exec finds the program on the person's own PATH, and hands no identity on", () =>
  inSandbox(async (box) => {
    box.write("a.json", '{"PATH": "/nowhere", "db": {"name": "x"}}\n');
    await box.run(["encrypt", "-i", "a.json"]);
    box.env.SOPS_AGE_KEY = box.env.SOPS_AGE_KEY_FILE && readFileSync(box.env.SOPS_AGE_KEY_FILE, "utf8");
    const check = 'test "$db_name" = x && test -z "$SOPS_AGE_KEY" && test "$PATH" = /nowhere';
    assert.is((await box.run(["exec", "a.json", "--", "sh", "-c", check])).code, 0);
    assert.is((await box.run(["exec", "a.json", "--", "sh", "-c", "exit 7"])).code, 7);
    assert.is((await box.run(["exec", "a.json", "--", "no-such-program"])).code, 127);
  }));

test("help and version", () =>
  inSandbox(async (box) => {
    assert.match((await box.run(["--help"])).stdout, "tsops encrypt");
    assert.match((await box.run(["set", "--help"])).stdout, "tsops set secrets.yaml");
    assert.match((await box.run(["--version"])).stdout, /^sops 3\.13\.3\ntsops \d+/);
  }));

test("the version is package.json's", async () => {
  const { VERSION } = await import("../../src/cli/version.ts");
  const { readFileSync } = await import("node:fs");
  const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
  assert.is(VERSION, version);
});

test("no command leaves temporary files behind", () =>
  inSandbox(async (box) => {
    box.write("a.yaml", PLAIN);
    for (const argv of [
      ["encrypt", "-i", "a.yaml"],
      ["set", "a.yaml", '["a"]', "2"],
      ["rotate", "-i", "a.yaml"],
      ["decrypt", "-i", "a.yaml"],
    ]) {
      assert.is((await box.run(argv)).code, 0);
      assert.equal(readdirSync(box.folder), ["a.yaml"]);
    }
  }));

test("rotate and updatekeys take folders and patterns, and pass over what is not encrypted", () =>
  inSandbox(async (box) => {
    for (const name of ["d/a.yaml", "d/sub/b.yaml"]) {
      box.write(name, PLAIN);
      await box.run(["encrypt", "-i", name]);
    }
    box.write("d/plain.yaml", PLAIN);
    const before = box.read("d/sub/b.yaml");
    const rotated = await box.run(["rotate", "-i", "d"]);
    assert.is(rotated.code, 0, rotated.stderr);
    assert.match(rotated.stderr, /rotated 2 of 2 files/);
    assert.is.not(box.read("d/sub/b.yaml"), before);
    box.write(".sops.yaml", `creation_rules:\n  - age: ${RECIPIENT},${OTHER_RECIPIENT}\n`);
    const synced = await box.run(["updatekeys", "--yes", "d/**/*.yaml"]);
    assert.is(synced.code, 0, synced.stderr);
    assert.ok(box.read("d/a.yaml").includes(OTHER_RECIPIENT));
    assert.ok(box.read("d/sub/b.yaml").includes(OTHER_RECIPIENT));
    assert.is(box.read("d/plain.yaml"), PLAIN);
    assert.match((await box.run(["encrypt", "-i", "d/sub"])).stderr, /nothing was left to do/);
  }));

test.run();
