import { test } from "uvu";
import * as assert from "uvu/assert";
import { IDENTITY_FILE, inSandbox, OTHER_RECIPIENT, RECIPIENT, type Sandbox } from "../support/cli.ts";

/** Faults of the configuration: what they stop and what not, and how they are called. */

const PLAIN = "a: x\nb: y\n";

/** A folder with an encrypted file, before there is a configuration. */
async function withFile(box: Sandbox, name = "s.yaml"): Promise<void> {
  box.write(name, PLAIN);
  assert.is((await box.run(["encrypt", "-i", name])).code, 0);
}

const BROKEN = [
  [".sopsrc", "{ rulez: [] }"],
  [".sopsrc", "{ rules: [ "],
  [".sops.yaml", "creation_rules: 5\n"],
  [".sops.yaml", "a: [\n"],
] as const;

test("a fault of the configuration does not stop what only reads, and says so in one line", async () => {
  for (const [name, text] of BROKEN) {
    await inSandbox(async (box) => {
      await withFile(box);
      box.write(name, text);
      const reading: readonly (readonly string[])[] = [
        ["decrypt", "s.yaml"],
        ["decrypt", "--extract", '["a"]', "s.yaml"],
        ["exec", "s.yaml", "--", "true"],
        ["exec-env", "s.yaml", "true"],
        ["exec-file", "--no-fifo", "s.yaml", "true"],
        ["doctor", "s.yaml"],
      ];
      for (const command of reading) {
        const { code, stderr } = await box.run(command);
        assert.is(code, 0, `${name} ${command.join(" ")}: ${stderr}`);
        assert.match(
          stderr,
          /^(?:tsops: warning: the configuration is not used: [^\n]*\n)?$/,
          command.join(" "),
        );
      }
      assert.is((await box.run(["filestatus", "s.yaml"])).stdout, '{"encrypted":true}\n');
      const writing: readonly (readonly string[])[] = [
        ["encrypt", "s.yaml"],
        ["set", "s.yaml", '["a"]', '"z"'],
        ["unset", "s.yaml", '["a"]'],
        ["edit", "s.yaml"],
        ["rotate", "s.yaml"],
        ["updatekeys", "-y", "s.yaml"],
        ["publish", "s.yaml"],
      ];
      for (const command of writing) {
        const { code, stderr } = await box.run(command);
        assert.is(code, 1, `${name} ${command.join(" ")}`);
        assert.match(stderr, name);
      }
    });
  }
});

test("two configurations in one folder do not stop decrypting", () =>
  inSandbox(async (box) => {
    await withFile(box);
    box.write(".sopsrc", "{}");
    box.write(".sops.yaml", "{}");
    assert.is((await box.run(["decrypt", "s.yaml"])).stdout, PLAIN);
    assert.is((await box.run(["encrypt", "s.yaml"])).code, 1);
  }));

test("with a broken configuration seals are wanted where the option or the variable says so", () =>
  inSandbox(async (box) => {
    box.write(".sopsrc", "{ seal: false }");
    await withFile(box);
    box.write(".sopsrc", "{ require_seal: true }");
    assert.is((await box.run(["decrypt", "s.yaml"])).code, 51);
    box.write(".sopsrc", "{ require_seal: true, rulez: [] }");
    assert.is((await box.run(["decrypt", "s.yaml"])).code, 0);
    assert.is((await box.run(["decrypt", "--require-seal", "s.yaml"])).code, 51);
    box.env.TSOPS_REQUIRE_SEAL = "1";
    assert.is((await box.run(["decrypt", "s.yaml"])).code, 51);
  }));

test("another program's .sopsrc is passed over with one line; what has a field of ours is meant to be ours", () =>
  inSandbox(async (box) => {
    await withFile(box);
    const other = "# settings of an editor\nawsProfile: dev\nageKeyFile: keys.txt\n";
    box.write(".sopsrc", other);
    const { code, stdout, stderr } = await box.run(["decrypt", "s.yaml"]);
    assert.is(code, 0);
    assert.is(stdout, PLAIN);
    assert.match(stderr, /^tsops: warning: \S*\.sopsrc is skipped: it is another program's[^\n]*\n$/);
    assert.is((await box.run(["set", "s.yaml", '["a"]', '"z"'])).code, 0);
    // the one above it counts, and one beside it is no contradiction
    box.write("sub/.sopsrc", other);
    box.write("sub/.sops.yaml", `creation_rules:\n- age: ${RECIPIENT}\n`);
    box.write("sub/p.yaml", "a: 1\n");
    assert.match(
      (await box.run(["config", "explain", "--config", "sub/.sops.yaml", "sub/p.yaml"])).stdout,
      "rule 1",
    );
    for (const ours of [
      "rules:\n- recipients: [a]\n",
      "creation_rules: []\nawsProfile: x\n",
      "require_seal: true\n",
    ]) {
      box.write(".sopsrc", ours);
      assert.is((await box.run(["encrypt", "sub/p.yaml"])).code, 1, ours);
    }
    box.write(".sopsrc", other);
    const named = await box.run(["encrypt", "--config", ".sopsrc", "sub/p.yaml"]);
    assert.is(named.code, 1, "it was named");
  }));

test("a configuration that was encrypted is called that, and can be decrypted", () =>
  inSandbox(async (box) => {
    const files = {
      ".sopsrc": `{ rules: [{ recipients: "age:${RECIPIENT}" }] }`,
      ".sops.yaml": "stores: {}\n",
    };
    for (const [name, text] of Object.entries(files)) {
      box.env.SOPS_CONFIG = "/dev/null";
      // SOPS does that to any file; tsops itself refuses to
      const encrypted = await box.run(["encrypt", "--filename-override", name], { input: text });
      assert.is(encrypted.code, 0, encrypted.stderr);
      box.write(name, encrypted.stdout);
      delete box.env.SOPS_CONFIG;
      box.write("n.yaml", "a: 1\n");
      const { code, stderr } = await box.run(["encrypt", "n.yaml"]);
      assert.is(code, 1);
      assert.match(stderr, "this configuration is itself encrypted");
      // the folder may be another one than that of the configuration
      const [, path = ""] = /tsops decrypt -i (\S+)/.exec(stderr) ?? [];
      assert.is(path, box.path(name));
      assert.is((await box.run(["decrypt", "-i", path])).code, 0);
      assert.is(box.read(name), text);
      box.write(name, "");
      const { rmSync } = await import("node:fs");
      rmSync(box.path(name));
    }
  }));

test("a configuration that lies only beside the file has no say where keys are named", () =>
  inSandbox(async (box) => {
    box.write(
      "proj/.sops.yaml",
      `creation_rules:\n- {path_regex: s, age: ${OTHER_RECIPIENT}, encrypted_regex: ^a$}\n`,
    );
    box.write("proj/s.yaml", PLAIN);
    box.write("proj/other.txt", "x");
    box.write("here/x", "");
    const run = async (command: readonly string[]) => {
      const { stdout, code, stderr } = await box.run(command);
      assert.is(code, 0, stderr);
      return stdout;
    };
    const selected = await run(["encrypt", "--age", RECIPIENT, "proj/s.yaml"]);
    assert.match(selected, /^a: ENC\[.*\nb: ENC\[/);
    assert.not.match(selected, OTHER_RECIPIENT);
    assert.match(await run(["encrypt", "proj/s.yaml"]), /^b: ENC\[/m, "SOPS_AGE_RECIPIENTS names keys, too");
    await run(["encrypt", "--age", RECIPIENT, "proj/other.txt"]);
    box.write("proj/.sops.yaml", "creation_rules: 5\n");
    await run(["encrypt", "--age", RECIPIENT, "proj/s.yaml"]);
    // without keys it counts, as before
    box.env.SOPS_AGE_RECIPIENTS = undefined;
    box.write(
      "proj/.sops.yaml",
      `creation_rules:\n- {path_regex: s, age: ${RECIPIENT}, encrypted_regex: ^a$}\n`,
    );
    assert.match(await run(["encrypt", "proj/s.yaml"]), /^b: y$/m);
    // and so does one that is found from the working folder
    box.write(".sops.yaml", box.read("proj/.sops.yaml"));
    assert.match(await run(["encrypt", "--age", RECIPIENT, "proj/s.yaml"]), /^b: y$/m);
  }));

test("many files and a broken configuration: the fault is said once", () =>
  inSandbox(async (box) => {
    const names = ["a", "b", "c", "d"].map((name) => `${name}.yaml`);
    for (const name of names) box.write(name, PLAIN);
    for (const [name, text] of [
      ...BROKEN,
      [".sopsrc", `{ rules: [{ recipients: ["age:x", "none"] }] }`] as const,
    ]) {
      box.write(name, text);
      const { code, stderr } = await box.run(["encrypt", "--config", name, "-i", ...names]);
      assert.is(code, 1);
      assert.is(stderr.split(`${name}:`).length - 1, 1, stderr);
      assert.match(stderr, "encrypted 0 of 4 files");
      assert.is(box.read("a.yaml"), PLAIN);
    }
  }));

test("config check says everything in one round: fields, names, patterns, expressions, thresholds, keys", () =>
  inSandbox(async (box) => {
    box.write(
      ".sopsrc",
      [
        "{",
        "  keyz: {},",
        "  keys: {",
        '    a: "agee:x",',
        `    b: "${RECIPIENT}",`,
        '    p: "pgp:XYZ",',
        "    n: 5,",
        "  },",
        '  groups: { g: ["a", "nobody"] },',
        "  rules: [",
        '    { path: "(", recipients: ["a", "b", "n"] },',
        '    { glob: "[", recipients: ["p"], encrypted_regex: "(?!x)" },',
        `    { creation: 1, path: "x", key_groups: [["age:${RECIPIENT}"], ["age:${OTHER_RECIPIENT}"]], shamir_threshold: 3 },`,
        "  ],",
        "}",
      ].join("\n"),
    );
    const { code, stdout } = await box.run(["config", "check"]);
    assert.is(code, 1);
    const lines = [...stdout.matchAll(/\.sopsrc:(\d+):\d+: error: (.*)\n {2}(.*)\n/g)].map(
      ([, line, message, hint]) => `${line} ${message} | ${hint}`,
    );
    const expected = [
      /^2 the file has an unknown field \| did you mean keys\?/,
      /^4 key a: this is not the URI of a key \| did you mean age:\?/,
      /^5 key b: this is not the URI of a key \| write age: before it/,
      /^6 XYZ is not the fingerprint of a PGP key \|/,
      /^7 n in keys must be a text or a map/,
      /^9 group g: no key and no group has that name/,
      /^11 path of rule 1 is not a valid regular expression/,
      /^12 a glob of rule 2 is not valid/,
      /^12 encrypted_regex of creation rule 2 is not a valid regular expression/,
      /^13 item 3 of rules has an unknown field/,
      /^13 the threshold of rule 3 is 3, and it has 2 key groups/,
    ];
    assert.is(lines.length, expected.length, stdout);
    for (const [i, pattern] of expected.entries()) assert.match(lines[i]!, pattern);
    assert.match(stdout, `${expected.length} errors, 0 warnings\n`);
  }));

test("an invalid expression of a selector in .sopsrc is an error everywhere; in .sops.yaml it stays a warning", () =>
  inSandbox(async (box) => {
    box.write(".sopsrc", `{ rules: [{ recipients: "age:${RECIPIENT}", encrypted_regex: "^(a|b" }] }`);
    box.write("s.yaml", PLAIN);
    const encrypted = await box.run(["encrypt", "-i", "s.yaml"]);
    assert.is(encrypted.code, 1);
    assert.match(encrypted.stderr, "encrypted_regex of rule 1 is not a valid regular expression");
    assert.is(box.read("s.yaml"), PLAIN);
    const check = await box.run(["config", "check"]);
    assert.is(check.code, 1);
    assert.match(check.stdout, ": 1 error, 0 warnings\n");
    assert.match((await box.run(["config", "explain", "s.yaml"])).stdout, "encrypting would stop");
    box.write("y/.sops.yaml", `creation_rules:\n- {age: ${RECIPIENT}, encrypted_regex: '^(a|b'}\n`);
    const sops = await box.run(["encrypt", "--config", "y/.sops.yaml", "s.yaml"]);
    assert.is(sops.code, 0);
    assert.match(sops.stderr, "warning: encrypted_regex is not a valid regular expression");
    assert.match(
      (await box.run(["config", "check", "--config", "y/.sops.yaml"])).stdout,
      "0 errors, 1 warning\n",
    );
  }));

test("config check looks inside keys of every kind", () =>
  inSandbox(async (box) => {
    const wrong = [
      "age:age1qqq",
      "age:ssh-ed25519 AAAA",
      "pgp:XYZ",
      "pgp:dev@example.com",
      "awskms://arn:aws:s3:::x",
      "gcpkms://foo",
      "azurekms://foo",
      "hashivault://foo",
      "hckms:tr-west-1:foo",
      "env://1",
      "vaultkv://foo",
      "keywhiz://foo",
      "cluster://foo",
    ];
    const keys = wrong.map((uri, i) => `k${i}: "${uri}",`).join("\n");
    box.write(
      ".sopsrc",
      `{ keys: {\n${keys}\n}, rules: [{ recipients: [${wrong.map((_, i) => `"k${i}"`)}] }] }`,
    );
    const { stdout } = await box.run(["config", "check"]);
    const places = [...stdout.matchAll(/\.sopsrc:(\d+):\d+: error/g)].map(([, line]) => Number(line));
    assert.equal(
      places,
      wrong.map((_, i) => i + 2),
      stdout,
    );
    box.write(
      "y.yaml",
      `creation_rules:\n- pgp: XYZ\n- {path_regex: a, kms: 'arn:aws:s3:::x'}\n- {path_regex: b, gcp_kms: foo}\n`,
    );
    const yaml = await box.run(["config", "check", "--config", "y.yaml"]);
    assert.is([...yaml.stdout.matchAll(/: error: /g)].length, 3, yaml.stdout);
  }));

test("SOPS's names of fields are known in .sopsrc", () =>
  inSandbox(async (box) => {
    box.write(
      ".sopsrc",
      `{\ncreation_rules: [],\ndestination_rules: [],\nrules: [{ path_regex: "a",\nage: "${RECIPIENT}" }] }`,
    );
    const { stdout } = await box.run(["config", "check"]);
    for (const name of ["rules", "destinations", "path", 'recipients: ["age:…"]'])
      assert.match(stdout, `in .sopsrc this is called ${name}\n`);
  }));

test("a secret key is called that wherever recipients are named, and never printed", () =>
  inSandbox(async (box) => {
    const identity = "AGE-SECRET-KEY-1QQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQ";
    const secrets = [
      identity,
      "AGE-PLUGIN-YUBIKEY-1QQQQQQQQ",
      "-----BEGIN PGP PRIVATE KEY BLOCK-----\nQQQ\n-----END PGP PRIVATE KEY BLOCK-----",
      "-----BEGIN OPENSSH PRIVATE KEY-----\nQQQ\n-----END OPENSSH PRIVATE KEY-----",
    ];
    box.write("s.yaml", PLAIN);
    const words = "this is a secret key";
    for (const secret of secrets) {
      const text = JSON.stringify(secret);
      const configurations = {
        ".sopsrc": [
          `{ keys: { me: ${text} } }`,
          `{ keys: { me: ${JSON.stringify(`age:${secret}`)} } }`,
          `{ rules: [{ recipients: [${text}] }] }`,
          `{ groups: { g: [${text}] } }`,
          `// ${secret.replaceAll("\n", " ")}\n{}`,
        ],
        "x.yaml": [
          `creation_rules:\n- age: ${text}\n`,
          `creation_rules:\n- pgp: ${text}\n`,
          `creation_rules:\n- key_groups: [{age: [${text}]}]\n`,
          `# ${secret.replaceAll("\n", " ")}\ncreation_rules: []\n`,
        ],
      };
      for (const [name, contents] of Object.entries(configurations)) {
        for (const content of contents) {
          box.write(name, content);
          const checked = await box.run(["config", "check", "--config", name]);
          assert.is(checked.code, 1, content);
          assert.match(checked.stdout, words, content);
          assert.match(checked.stdout, "1 error, ", content);
          const encrypted = await box.run(["encrypt", "--config", name, "s.yaml"]);
          assert.match(encrypted.stderr, words, content);
          assert.not.match(checked.stdout + checked.stderr + encrypted.stderr, /QQQ/);
        }
      }
      const options = [
        "--age",
        "--pgp",
        "--kms",
        "--gcp-kms",
        "--azure-kv",
        "--hc-vault-transit",
        "--hckms",
        "--key",
      ];
      for (const option of options) {
        const { code, stderr } = await box.run(["encrypt", option, secret, "s.yaml"]);
        assert.is(code, 1, option);
        assert.match(stderr, words, option);
        assert.not.match(stderr, /QQQ/);
      }
      for (const variable of ["SOPS_AGE_RECIPIENTS", "SOPS_PGP_FP", "SOPS_VAULT_URIS"]) {
        const before = box.env;
        box.env = { ...before, SOPS_AGE_RECIPIENTS: undefined, [variable]: secret };
        const { code, stderr } = await box.run(["encrypt", "--config", "/dev/null", "s.yaml"]);
        assert.is(code, 1, variable);
        assert.match(stderr, words, variable);
        assert.not.match(stderr, /QQQ/);
        box.env = before;
      }
    }
    assert.is(box.env.SOPS_AGE_KEY_FILE, IDENTITY_FILE);
  }));

test("config explain calls fields and kinds by one name each; config --help lists the fields", () =>
  inSandbox(async (box) => {
    box.write(
      ".sopsrc",
      '{ rules: [{ path: "s", recipients: ["hckms:tr-west-1:abc12345-abcd-1234-abcd-1234567890ab", "gcpkms://projects/p/locations/global/keyRings/r/cryptoKeys/k"] }] }',
    );
    const { stdout } = await box.run(["config", "explain", "s.yaml"]);
    assert.match(stdout, "    path: s\n");
    assert.match(stdout, "HuaweiCloud KMS tr-west-1");
    assert.match(stdout, "Google Cloud KMS projects/");
    const help = (await box.run(["config", "--help"])).stdout;
    for (const field of ["require_seal", "encrypted_regex", "recipients", "s3_bucket", "awskms://"])
      assert.match(help, field);
    box.write(".sopsrc", "{ seal: 1 }");
    assert.match((await box.run(["config", "check"])).stdout, "`tsops config --help` lists the fields");
  }));

test.run();
