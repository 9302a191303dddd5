import { existsSync, writeFileSync } from "node:fs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { inSandbox, RECIPIENT, type Sandbox } from "../support/cli.ts";

/** Findings 4 (exec), 13, 15, 16, 21 and 23 of the security review: other programs, and what tsops prints. */

const test = suite("programs and output");

const MASTER = Buffer.alloc(32, 1).fill(2, 0, 9).toString("base64");

async function ok(box: Sandbox, argv: readonly string[], options?: { input?: string }): Promise<string> {
  const { code, stdout, stderr } = await box.run(argv, options);
  assert.is(code, 0, stderr);
  return stdout;
}

/** An encrypted file as SOPS writes it: it has no seal. */
async function unsealed(box: Sandbox, name: string, plain: string, ...more: string[]): Promise<void> {
  box.write("plain.yaml", plain);
  const text = await ok(box, ["encrypt", ...more, "plain.yaml"]);
  box.write(name, text.replace(/ {4}tsops:\n( {8}.*\n)+/, ""));
  assert.not.match(box.read(name), /seal:/);
}

function program(box: Sandbox, name: string, script: string): string {
  const path = box.path(name);
  writeFileSync(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return path;
}

test("finding 4: exec and exec-env pass on no NODE_OPTIONS that no seal vouches for", () =>
  inSandbox(async (box) => {
    box.write("evil.cjs", `require("node:fs").writeFileSync("${box.path("owned")}", "x");`);
    await unsealed(box, "a.yaml", "password: s3cret\n", "--mac-only-encrypted");
    const bad = `NODE_OPTIONS: --require=${box.path("evil.cjs")}\n`;
    box.write(
      "a.yaml",
      bad + box.read("a.yaml").replace("unencrypted_suffix: _unencrypted", "encrypted_regex: ^password$"),
    );
    const node = [process.execPath, "-e", "1"];
    for (const argv of [
      ["exec", "a.yaml", "--", ...node],
      ["exec-env", "a.yaml", "--", ...node],
      ["exec-env", "a.yaml", `${node[0]} -e 1`],
      ["exec", "--allow-env", "NODE_PATH", "a.yaml", "--", ...node],
    ]) {
      const { code, stderr } = await box.run(argv);
      assert.is(code, 1, stderr);
      assert.match(stderr, /a\.yaml:1:\d+: the variable NODE_OPTIONS/);
      assert.match(stderr, "--allow-env NODE_OPTIONS");
      assert.not.match(stderr, /evil|s3cret/);
      assert.not.ok(existsSync(box.path("owned")));
    }
    await ok(box, ["exec", "--allow-env", "NODE_PATH,NODE_OPTIONS", "a.yaml", "--", ...node]);
    assert.ok(existsSync(box.path("owned")));
  }));

test("finding 4: names that come about by joining or upper case count, and those of other documents do not", () =>
  inSandbox(async (box) => {
    await unsealed(box, "a.yaml", "ld:\n    preload: /x.so\n");
    const argv = ["exec", "--uppercase", "a.yaml", "--", "true"];
    const { code, stderr } = await box.run(argv);
    assert.is(code, 1);
    assert.match(stderr, /a\.yaml:2:\d+: the variable LD_PRELOAD/);
    await ok(box, ["exec", "a.yaml", "--", "true"]);
  }));

test("finding 4: a seal vouches, but not for the plain values of a file with mac_only_encrypted", () =>
  inSandbox(async (box) => {
    box.write("a.yaml", "PYTHONPATH: /x\nb: 1\n");
    await ok(box, ["encrypt", "-i", "a.yaml"]);
    assert.match(await ok(box, ["exec-env", "a.yaml", 'test "$PYTHONPATH" = /x']), "");
    const ignored = await box.run(["exec", "--ignore-mac", "a.yaml", "--", "true"]);
    assert.is(ignored.code, 1, "nothing was verified");
    box.write("c.yaml", "PYTHONPATH: /x\nPERL5LIB_unencrypted: /y\nPERL5LIB: /y\n");
    await ok(box, ["encrypt", "-i", "--mac-only-encrypted", "c.yaml"]);
    await ok(box, ["exec", "c.yaml", "--", "true"]);
    box.write("d.yaml", "PYTHONPATH: /x\nb: 1\n");
    await ok(box, ["encrypt", "-i", "--mac-only-encrypted", "--encrypted-regex", "^b$", "d.yaml"]);
    const { code, stderr } = await box.run(["exec", "d.yaml", "--", "true"]);
    assert.is(code, 1);
    assert.match(stderr, /d\.yaml:1:\d+: the variable PYTHONPATH .*\n.*\n.*mac_only_encrypted/);
  }));

test("finding 4: what people keep in files of secrets is passed on", () =>
  inSandbox(async (box) => {
    const names = [
      ...[
        "KUBECONFIG",
        "HOME",
        "HTTPS_PROXY",
        "TZ",
        "DATABASE_URL",
        "GIT_TOKEN",
        "GIT_PASSWORD",
        "LD_SDK_KEY",
      ],
      ...[
        "NODE_ENV",
        "ENV",
        "BROWSER",
        "AWS_PAGER",
        "npm_config__auth",
        "PYTHONUNBUFFERED",
        "TF_VAR_password",
      ],
      ...["DENO_AUTH_TOKENS", "MALLOC_ARENA_MAX", "DOCKER_HOST", "JAVA_MEMORY", "path", "shell"],
    ];
    await unsealed(box, "a.yaml", names.map((name) => `${name}: word\n`).join(""));
    const seen = await ok(box, ["exec-env", "a.yaml", `env > ${box.path("seen")}`]);
    assert.is(seen, "");
    for (const name of names) assert.match(box.read("seen"), `${name}=word\n`);
  }));

test("finding 4: a function for bash is never passed on", () =>
  inSandbox(async (box) => {
    box.write("a.json", '{"BASH_FUNC_ls%%": "() { echo owned; }"}\n');
    await ok(box, ["encrypt", "-i", "a.json"]);
    for (const more of [[], ["--allow-env", "BASH_FUNC_ls%%"]]) {
      const { code, stderr } = await box.run(["exec", ...more, "a.json", "--", "true"]);
      assert.is(code, 1);
      assert.match(stderr, "BASH_FUNC_ls%% defines a function");
    }
  }));

test("finding 16: exec gets no identity and no env:// master key, whichever key opened the file", () =>
  inSandbox(async (box) => {
    Object.assign(box.env, {
      MASTER,
      OF_RULE: MASTER,
      VAULT_TOKEN: "hvs.x",
      SOPS_AGE_KEY: "AGE-SECRET-KEY-1",
    });
    box.write("a.yaml", "a: 1\n");
    const keys = ["--age", RECIPIENT, "--key", "env://MASTER"];
    await ok(box, ["encrypt", "-i", ...keys, "a.yaml"]);
    box.write(".sopsrc", `{ rules: [{ recipients: ["age:${RECIPIENT}", "env://OF_RULE"] }] }`);
    for (const argv of [
      ["exec", "a.yaml", "--", "sh", "-c", "env > seen"],
      ["exec-env", "a.yaml", "env > seen"],
      ["exec-file", "a.yaml", "cat {} && env > seen"],
    ]) {
      box.write("seen", "");
      box.env.SOPS_DECRYPTION_ORDER = "age,env";
      const { code, stderr } = await box.run(argv);
      assert.is(code, 0, stderr);
      const seen = box.read("seen");
      assert.match(seen, /^PATH=/m);
      assert.match(seen, /^VAULT_TOKEN=/m, "a program may need its own cloud's variables");
      assert.not.match(seen, /^(MASTER|OF_RULE|SOPS_AGE_KEY)=/m);
    }
  }));

test("finding 16: an editor gets no master key of the rules, and no tokens", () =>
  inSandbox(async (box) => {
    Object.assign(box.env, { MASTER, OF_RULE: MASTER, VAULT_TOKEN: "hvs.x", AZURE_CLIENT_SECRET: "x" });
    box.write("a.yaml", "a: 1\n");
    await ok(box, ["encrypt", "-i", "--age", RECIPIENT, "--key", "env://MASTER", "a.yaml"]);
    box.write(
      ".sopsrc",
      `{ rules: [{ recipients: ["age:${RECIPIENT}", "env://OF_RULE", "env://MASTER"] }] }`,
    );
    box.env.EDITOR = program(box, "ed", `env > ${box.path("seen")}`);
    assert.is((await box.run(["edit", "a.yaml"])).code, 200);
    assert.match(box.read("seen"), /^PATH=/m);
    assert.not.match(box.read("seen"), /^(MASTER|OF_RULE|SOPS_AGE_KEY\w*|VAULT_TOKEN|AZURE_\w+)=/m);
  }));

test("finding 16: gpg, plugins and commands get only what they need", () =>
  inSandbox(async (box) => {
    const secrets = {
      ...{ MASTER, VAULT_TOKEN: "x", AWS_SECRET_ACCESS_KEY: "x", AWS_PROFILE: "x", AZURE_CLIENT_SECRET: "x" },
      ...{ GOOGLE_CREDENTIALS: "x", HUAWEICLOUD_SDK_SK: "x", SOPS_AGE_KEY: "AGE-SECRET-KEY-1" },
    };
    box.write("a.yaml", "a: 1\n");
    Object.assign(box.env, { MASTER });
    const pgp = "0123456789ABCDEF0123456789ABCDEF01234567";
    await ok(box, ["encrypt", "-i", "--age", RECIPIENT, "--key", "env://MASTER", "a.yaml"]);
    const entry = `    pgp:\n        - created_at: "2026-01-01T00:00:00Z"\n          enc: x\n          fp: ${pgp}\n`;
    box.write("a.yaml", box.read("a.yaml").replace("    age:\n", `${entry}    age:\n`));
    Object.assign(box.env, secrets);
    box.env.SOPS_GPG_EXEC = program(box, "gpg", `env > ${box.path("gpg-saw")}; exit 1`);
    box.env.SOPS_AGE_KEY_CMD = program(box, "cmd", `env > ${box.path("cmd-saw")}; exit 1`);
    box.env.SOPS_AGE_KEY_FILE = undefined;
    box.env.SOPS_DECRYPTION_ORDER = "pgp,age,env";
    await box.run(["decrypt", "a.yaml"]);
    assert.match(box.read("gpg-saw"), /^PATH=/m);
    assert.not.match(box.read("gpg-saw"), /^(MASTER|VAULT_|AWS_|AZURE_|GOOGLE_|HUAWEI|SOPS_AGE)/m);
    assert.match(box.read("cmd-saw"), /^VAULT_TOKEN=/m, "it may be `vault kv get`");
    assert.not.match(box.read("cmd-saw"), /^(MASTER|SOPS_AGE_KEY)=/m);
  }));

test("finding 21: nothing is run from a relative or empty part of PATH", () =>
  inSandbox(async (box) => {
    box.write("a.yaml", "a: 1\n");
    await ok(box, ["encrypt", "-i", "a.yaml"]);
    const owned = box.path("owned");
    for (const name of ["nano", "pass", "mycmd", "gpg"]) program(box, name, `echo ${name} >> ${owned}`);
    const before = process.cwd();
    process.chdir(box.folder);
    try {
      for (const PATH of [`:${box.env.PATH}`, `.:${box.env.PATH}`, `${box.env.PATH}:`]) {
        box.env.PATH = PATH;
        box.env.EDITOR = "nano-is-not-here";
        program(box, "nano-is-not-here", `echo editor >> ${owned}`);
        const edited = await box.run(["edit", "a.yaml"]);
        assert.is(edited.code, 201);
        assert.match(edited.stderr, "nano-is-not-here");
        for (const argv of [
          ["exec", "a.yaml", "--", "mycmd"],
          ["exec-env", "a.yaml", "--", "mycmd"],
          ["exec-file", "a.yaml", "--", "mycmd", "{}"],
        ]) {
          const { code, stderr } = await box.run(argv);
          assert.is(code, 127, stderr);
        }
        const { SOPS_AGE_KEY_FILE } = box.env;
        Object.assign(box.env, { SOPS_AGE_KEY_FILE: undefined, SOPS_AGE_KEY_CMD: "mycmd --id" });
        assert.is((await box.run(["decrypt", "a.yaml"])).code, 128);
        Object.assign(box.env, { SOPS_AGE_KEY_FILE, SOPS_AGE_KEY_CMD: undefined });
        assert.not.ok(existsSync(owned));
      }
      // a path is taken as it is, and a file's PATH is for the child
      await ok(box, ["exec", "a.yaml", "--", "./mycmd"]);
      assert.ok(existsSync(owned));
    } finally {
      process.chdir(before);
    }
  }));

test("finding 21: a file's own PATH does not say which program runs", () =>
  inSandbox(async (box) => {
    box.write("bin/env", "");
    program(box, "bin/true", `echo > ${box.path("owned")}`);
    box.write("a.yaml", `PATH: ${box.path("bin")}\n`);
    await ok(box, ["encrypt", "-i", "a.yaml"]);
    await ok(box, ["exec", "a.yaml", "--", "true"]);
    await ok(box, ["exec-env", "a.yaml", "--", "true"]);
    assert.not.ok(existsSync(box.path("owned")));
  }));

test("finding 23: words that every object knows are no shells, formats, kinds, commands or variables", () =>
  inSandbox(async (box) => {
    box.write("a.yaml", "a: 1\n");
    await ok(box, ["encrypt", "-i", "a.yaml"]);
    box.env.EDITOR = "true";
    for (const word of ["constructor", "toString", "__proto__", "hasOwnProperty", "valueOf"]) {
      for (const argv of [
        ["completion", word],
        ["help", word],
        [word],
        [word, "--help"],
        ["decrypt", "--input-type", word, "a.yaml"],
        ["decrypt", "--output-type", word, "a.yaml"],
        ["decrypt", "--extract", `["${word}"]`, "a.yaml"],
        ["encrypt", "--key", `env://${word}`, "a.yaml"],
        ["encrypt", "--key", `${word}://x`, "a.yaml"],
        ["exec", "--dotenv-dialect", word, "a.yaml", "--", "true"],
        ["keyservice", "--network", word],
        ["keyservice", "--master-secret", `env://${word}`],
        ["decrypt", `--${word}`, "a.yaml"],
      ]) {
        const { code, stdout, stderr } = await box.run(argv);
        assert.not.match(stdout + stderr, /internal error|\[object|native code/, argv.join(" "));
        if (argv[0] === "completion") assert.is(code, 1, word);
      }
      box.env.TSOPS_ALLOW = `${word}=x`;
      assert.not.match((await box.run(["decrypt", "a.yaml"])).stderr, /internal error/);
      box.env.TSOPS_ALLOW = undefined;
      box.env.SOPS_DECRYPTION_ORDER = word;
      await ok(box, ["decrypt", "a.yaml"]);
      box.env.SOPS_DECRYPTION_ORDER = undefined;
    }
  }));

test.run();
