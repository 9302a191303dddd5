import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { IDENTITY_FILE, inSandbox, RECIPIENT, type Sandbox } from "../support/cli.ts";

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

test("finding 4: what tsops and SOPS themselves would start counts, too", () =>
  inSandbox(async (box) => {
    for (const name of ["SOPS_AGE_KEY_CMD", "SOPS_AGE_SSH_PRIVATE_KEY_CMD", "SOPS_GPG_EXEC", "TSOPS_ALLOW"]) {
      await unsealed(box, "a.yaml", `${name}: ./evil\n`);
      const { code, stderr } = await box.run(["exec", "a.yaml", "--", "true"]);
      assert.is(code, 1, name);
      assert.match(stderr, `the variable ${name} decides which code programs run`);
    }
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

test("finding 4: variables by which less, tar, rsync, cargo, Erlang and others run a program of the file's choice", () =>
  inSandbox(async (box) => {
    for (const name of [
      ...[
        "LESS",
        "LESSKEY_CONTENT",
        "TAR_OPTIONS",
        "RSYNC_RSH",
        "SSH_SK_PROVIDER",
        "ERL_AFLAGS",
        "PYTEST_ADDOPTS",
      ],
      ...[
        "CARGO_BUILD_RUSTC_WRAPPER",
        "MAKEFILES",
        "OPENJ9_JAVA_OPTIONS",
        "DOTNET_GCName",
        "AWS_CONFIG_FILE",
      ],
    ]) {
      await unsealed(box, "a.yaml", `${name}: --x=y\n`);
      const { code, stderr } = await box.run(["exec", "a.yaml", "--", "true"]);
      assert.is(code, 1, name);
      assert.match(stderr, `the variable ${name} decides which code programs run`);
    }
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
    assert.is((await box.run(["edit", "--yes", "a.yaml"])).code, 200);
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
    Object.assign(box.env, secrets);
    box.env.SOPS_GPG_EXEC = program(box, "gpg", `env > ${box.path("gpg-saw")}; exit 1`);
    box.env.SOPS_AGE_KEY_CMD = program(box, "cmd", `env > ${box.path("cmd-saw")}; exit 1`);
    box.env.SOPS_AGE_KEY_FILE = undefined;
    box.write("b.yaml", "a: 1\n");
    await box.run(["encrypt", "--pgp", pgp, "--key", "env://MASTER", "b.yaml"]);
    await box.run(["decrypt", "a.yaml"]);
    assert.match(box.read("gpg-saw"), /^PATH=/m);
    assert.not.match(box.read("gpg-saw"), /^(MASTER|VAULT_|AWS_|AZURE_|GOOGLE_|HUAWEI|SOPS_AGE)/m);
    assert.match(box.read("cmd-saw"), /^VAULT_TOKEN=/m, "it may be `vault kv get`");
    assert.not.match(box.read("cmd-saw"), /^(SOPS_AGE_KEY)=/m);
  }));

test("finding 16: git, which is asked about seals, gets no secrets and may fetch nothing", () =>
  inSandbox(async (box) => {
    await unsealed(box, "a.yaml", "a: 1\n");
    box.write(".sops.yaml", `creation_rules:\n  - age: ${RECIPIENT}\n`);
    box.write(".git/HEAD", "ref: refs/heads/main\n");
    const tokens = { VAULT_TOKEN: "x", AWS_SECRET_ACCESS_KEY: "x", GITHUB_TOKEN: "x" };
    Object.assign(box.env, tokens, { SOPS_AGE_KEY: readFileSync(IDENTITY_FILE, "utf8").trim() });
    box.env.GIT_SSH_COMMAND = "ssh -i key";
    program(box, "git", `env > ${box.path("git-saw")}; exit 1`);
    box.env.PATH = `${box.folder}:${box.env.PATH}`;
    await ok(box, ["set", "a.yaml", '["a"]', "2"]);
    assert.match(box.read("git-saw"), /^PATH=/m);
    assert.match(box.read("git-saw"), /^GIT_ALLOW_PROTOCOL=none$/m);
    assert.not.match(
      box.read("git-saw"),
      /^(MASTER|SOPS_\w+|VAULT_\w+|AWS_\w+|GITHUB_TOKEN|GIT_SSH_COMMAND)=/m,
    );
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

/** What programs that read logs take for a command, and characters that hide or turn a text. */
const FORGED = [
  ...["\n", "\r", "\v", "\f", "\x85", "\u2028", "\u2029", "\x1b[2J", "\u200e", "\u200f", "\u061c"],
  ...["\u202e", "\u2066", "\u2069", "\u200b", "\ufeff", "\u00ad", "\u3164", "\u{e0041}"],
];

function checkLines(output: string, where: string): void {
  assert.not.match(output, /^\s*::|##[a-z]*\[/im, where);
  assert.not.match(output, /[^\P{C}\n]|[\p{Zl}\p{Zp}\u3164]/u, where);
  for (const line of output.split("\n")) assert.not.match(line, /^\s*(?:forged|FORGED)/, where);
}

test("finding 15: names of files cannot forge lines, or commands of GitHub, Azure and TeamCity", () =>
  inSandbox(async (box) => {
    box.env.EDITOR = "true";
    const names = [
      ...FORGED.map((text) => `a${text}forged ::stop-commands::x.yaml`),
      ...[
        "a\n::stop-commands::x\n::error file=app.js::pwn.yaml",
        "::stop-commands::x.yaml",
        " ::add-mask::x.yaml",
      ],
      ...["##vso[task.setvariable]x.yaml", "a ##teamcity[x].yaml", "##[group]x.yaml", "-- ::error::.yaml"],
    ];
    for (const [i, name] of names.entries()) {
      const dir = `d${i}`;
      box.write(`${dir}/${name}`, "a: 1\n");
      box.write(`${dir}/broken${name}`, "a: [\n");
      const cwd = { in: box.path(dir) };
      const runs = [
        ["encrypt", "--check", name],
        ["encrypt", "--check", "."],
        ["encrypt", "--dry-run", "."],
        ["encrypt", "-i", "."],
        ["encrypt", "-i", "--verbose", name],
        ["encrypt", "-i", name],
        ["decrypt", "--verbose", `broken${name}`],
        ["decrypt", `missing${name}`],
        ["decrypt", "-i", "--dry-run", "."],
        ["decrypt", "-i", "."],
        ["set", name, '["a"]', "1"],
        ["rotate", "-i", name],
        ["doctor", "."],
        ["doctor", name],
        ["config", "explain", name],
        ["updatekeys", "--yes", "."],
        ["exec", name, "--", name],
        ["publish", "--dry-run", name],
        ["filestatus", name],
        [name],
        ["completion", name],
        [`--${name}`],
      ];
      for (const argv of runs) {
        const { stdout, stderr } = await box.run(argv, { cwd: cwd.in });
        const out = argv[0] === "config" || argv[0] === "doctor" || argv.includes("--check") ? stdout : "";
        checkLines(out + stderr, argv.join(" "));
      }
    }
  }));

test("finding 15: encrypt --check quotes names as git does, on a terminal and off it", () =>
  inSandbox(async (box) => {
    const quoted: [string, string][] = [
      ["plain name é.yaml", "plain name é.yaml"],
      ["a\nb\t.yaml", '"a\\nb\\t.yaml"'],
      ['say "x" \\.yaml', '"say \\"x\\" \\\\.yaml"'],
      ["r\u202etl.yaml", '"r\\342\\200\\256tl.yaml"'],
      ["::error::.yaml", '"::error::.yaml"'],
      ["##vso[x].yaml", '"\\043#vso[x].yaml"'],
    ];
    for (const [name, shown] of quoted) {
      box.write(name, "a: 1\n");
      for (const terminal of [false, true]) {
        assert.is((await box.run(["encrypt", "--check", name], { terminal })).stdout, `${shown}\n`);
      }
    }
  }));

const SSH = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHsKLqeplhpW+uObz5dvMgjz1OxfM/XXUB+VHtZ6isGN";

test("finding 15: identifiers of keys have no control characters, whoever names them", () =>
  inSandbox(async (box) => {
    box.write("plain.yaml", "a: 1\n");
    const forged = `${SSH} x\n    ${RECIPIENT}\ntsops: all recipients are those of the creation rule`;
    const given = await box.run(["encrypt", "--age", forged, "plain.yaml"]);
    assert.is(given.code, 1);
    assert.match(given.stderr, "control character or a line break");
    checkLines(given.stderr, "--age");
    // an ordinary comment is none of our business
    await ok(box, ["encrypt", "--age", `${RECIPIENT},${SSH} josé@laptop`, "plain.yaml"]);
    const kinds: [string, string, string][] = [
      ["age", "recipient", ""],
      ["pgp", "fp", ', "created_at": "2026-01-01T00:00:00Z"'],
      ["kms", "arn", ', "created_at": "2026-01-01T00:00:00Z"'],
      ["gcp_kms", "resource_id", ', "created_at": "2026-01-01T00:00:00Z"'],
    ];
    for (const [list, field, more] of kinds) {
      for (const text of ["\n", "\u0085", "\u2028", "\u202e", "\u001b"]) {
        const id = JSON.stringify(`x${text}::stop-commands::y`);
        const sops = `{"${list}": [{"${field}": ${id}, "enc": "x"${more}}], "lastmodified": "2026-01-01T00:00:00Z", "mac": "x", "version": "3.13.3"}`;
        box.write("s.json", `{"a": "x", "sops": ${sops}}`);
        for (const argv of [
          ["decrypt", "s.json"],
          ["doctor", "s.json"],
        ]) {
          const { code, stdout, stderr } = await box.run(argv);
          assert.is(code, 1, stderr);
          assert.match(stderr, "control character");
          checkLines(stdout + stderr, list);
        }
      }
    }
  }));

test("finding 15: an identifier that begins like a command is none where it is shown", () =>
  inSandbox(async (box) => {
    const sops = `{"pgp": [{"fp": "::stop-commands::x", "enc": "x", "created_at": "2026-01-01T00:00:00Z"}, {"fp": "##vso[x]", "enc": "x", "created_at": "2026-01-01T00:00:00Z"}], "lastmodified": "2026-01-01T00:00:00Z", "mac": "x", "version": "3.13.3"}`;
    box.write("s.json", `{"a": "x", "sops": ${sops}}`);
    for (const argv of [
      ["decrypt", "s.json"],
      ["doctor", "s.json"],
    ]) {
      const { stdout, stderr } = await box.run(argv);
      checkLines(stdout + stderr, argv[0]!);
    }
  }));

test("finding 15: a plaintext on a terminal does not turn its text, and keeps its lines", () =>
  inSandbox(async (box) => {
    const plain = "a: x\u202ey\u2066z\u200e\u061c\n\tb: é\u200d\r\n";
    box.write("a.txt", plain);
    await ok(box, ["encrypt", "-i", "a.txt"]);
    const { stdout } = await box.run(["decrypt", "a.txt"], { terminal: true });
    assert.is(stdout, "a: x<U+202E>y<U+2066>z<U+200E><U+061C>\n\tb: é\u200d\r\n");
    assert.is(await ok(box, ["decrypt", "a.txt"]), plain);
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
