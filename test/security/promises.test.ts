import { rmSync, statSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { inSandbox, OTHER_RECIPIENT, RECIPIENT } from "../support/cli.ts";

/** The rows of docs/security.md, tried from the command line; test/sops/seal.test.ts tries them on the format. */

const PLAIN = `# database
db:
  user: admin
  password: s3cret
list: [a, a]
note_unencrypted: seen
`;

const RULE = (more = "", age = RECIPIENT) => `creation_rules:\n  - age: ${age}\n${more}`;

test("recipient injection: a sealed file is refused by rotate, set and edit", () =>
  inSandbox(async (box) => {
    box.write("a.yaml", PLAIN);
    assert.is((await box.run(["encrypt", "-i", "a.yaml"])).code, 0);
    const entry = `        - enc: junk\n          recipient: ${OTHER_RECIPIENT}\n`;
    const injected = box.read("a.yaml").replace("    age:\n", `    age:\n${entry}`);
    assert.match(injected, OTHER_RECIPIENT);
    box.write("a.yaml", injected);
    for (const argv of [
      ["rotate", "-i", "a.yaml"],
      ["set", "a.yaml", '["x"]', "1"],
      ["decrypt", "a.yaml"],
    ]) {
      const { code, stderr } = await box.run(argv);
      assert.is(code, 51, stderr);
      assert.match(stderr, /seal is broken/);
    }
    assert.is(box.read("a.yaml"), injected);
  }));

test("recipient injection: without a seal, rotate compares with the creation rule and stops", () =>
  inSandbox(async (box) => {
    box.write(".sops.yaml", RULE());
    box.write("plain.yaml", PLAIN);
    box.write(".sopsrc-off", "");
    box.env.SOPS_AGE_RECIPIENTS = undefined;
    const bare = (await box.run(["encrypt", "plain.yaml"])).stdout.replace(/ {4}tsops:\n( {8}.*\n)+/, "");
    const entry = `        - enc: junk\n          recipient: ${OTHER_RECIPIENT}\n`;
    box.write("a.yaml", bare.replace("    age:\n", `    age:\n${entry}`));
    const before = box.read("a.yaml");
    const rotated = await box.run(["rotate", "-i", "a.yaml"]);
    assert.is(rotated.code, 1);
    assert.match(rotated.stderr, `--- ${OTHER_RECIPIENT}`);
    assert.is(box.read("a.yaml"), before);
    // set gives the new value to whoever stands there
    const set = await box.run(["set", "a.yaml", '["x"]', '"1"']);
    assert.is(set.code, 1, set.stderr);
    assert.match(set.stderr, `--- ${OTHER_RECIPIENT}`);
    assert.is(box.read("a.yaml"), before);
    assert.is((await box.run(["rotate", "-i", "--yes", "a.yaml"])).code, 0);
  }));

test("selector downgrade: a new value that the rule wants encrypted is not written plain", () =>
  inSandbox(async (box) => {
    box.write(".sops.yaml", RULE());
    box.write("plain.yaml", "password: s3cret\n");
    const bare = (await box.run(["encrypt", "plain.yaml"])).stdout.replace(/ {4}tsops:\n( {8}.*\n)+/, "");
    box.write("a.yaml", bare.replace("unencrypted_suffix: _unencrypted", "encrypted_regex: ^password$"));
    const before = box.read("a.yaml");
    assert.is((await box.run(["decrypt", "a.yaml"])).code, 0);
    const { code, stderr } = await box.run(["set", "a.yaml", '["token"]', '"t0ken"']);
    assert.is(code, 1);
    assert.match(stderr, /could be written plain/);
    assert.not.match(stderr, /t0ken/);
    assert.is(box.read("a.yaml"), before);
    // who says yes is told which value it was
    const yes = await box.run(["set", "--yes", "a.yaml", '["token"]', '"t0ken"']);
    assert.is(yes.code, 0, yes.stderr);
    assert.match(yes.stderr, /written plain:\n {2}\["token"\]/);
  }));

test("selector downgrade: another write does not seal the selector of an attacker", () =>
  inSandbox(async (box) => {
    box.write(".sops.yaml", RULE());
    box.write("plain.yaml", "password: s3cret\n");
    const sealed = (await box.run(["encrypt", "plain.yaml"])).stdout;
    const downgraded = sealed.replace("unencrypted_suffix: _unencrypted", "encrypted_regex: ^password$");
    for (const argv of [
      ["set", "a.yaml", '["password"]', '"new"'],
      ["rotate", "-i", "a.yaml"],
      ["set", "--ignore-mac", "a.yaml", '["password"]', '"new"'],
    ]) {
      const stripped = downgraded.replace(/ {4}tsops:\n( {8}.*\n)+/, "");
      box.write("a.yaml", argv.includes("--ignore-mac") ? downgraded : stripped);
      const before = box.read("a.yaml");
      const first = await box.run(argv);
      assert.is(first.code, 1, first.stderr);
      assert.match(first.stderr, /selector is not that of its creation rule/);
      assert.is(box.read("a.yaml"), before);
      const { code, stderr } = await box.run(["set", "a.yaml", '["token"]', '"t0ken"']);
      // the broken seal of a file that was not rewritten is still there
      assert.is(code, argv.includes("--ignore-mac") ? 51 : 1, stderr);
      assert.not.match(box.read("a.yaml"), /t0ken/);
    }
  }));

test("recipient injection: without seal and rule it is said that nothing vouches, and nothing is sealed", () =>
  inSandbox(async (box) => {
    box.write("plain.yaml", "password: s3cret\n");
    const sealed = (await box.run(["encrypt", "plain.yaml"])).stdout;
    const entry = `        - enc: junk\n          recipient: ${OTHER_RECIPIENT}\n`;
    const injected = sealed.replace("    age:\n", `    age:\n${entry}`);
    for (const argv of [
      ["set", "a.yaml", '["password"]', '"new"'],
      ["set", "--verbose", "a.yaml", '["password"]', '"new"'],
      ["set", "--ignore-mac", "a.yaml", '["password"]', '"new"'],
      ["rotate", "-i", "a.yaml"],
    ]) {
      const stripped = injected.replace(/ {4}tsops:\n( {8}.*\n)+/, "");
      box.write("a.yaml", argv.includes("--ignore-mac") ? injected : stripped);
      const { code, stderr } = await box.run(argv);
      assert.is(code, 0, stderr);
      // who sets a value of a file that SOPS wrote, without a configuration, has nothing to decide
      const told = argv[0] === "rotate" || argv.includes("--ignore-mac") || argv.includes("--verbose");
      assert.is(/neither a seal nor a creation rule vouches/.test(stderr), told, stderr);
      assert.not.match(box.read("a.yaml"), /seal:/);
    }
    // the person who looked at them can say so
    assert.is((await box.run(["rotate", "-i", "--yes", "a.yaml"])).code, 0);
    assert.match(box.read("a.yaml"), /seal:/);
  }));

test("equal list items: a new value gets a ciphertext of its own", () =>
  inSandbox(async (box) => {
    box.write("a.yaml", "list: [same-text]\n");
    await box.run(["encrypt", "-i", "a.yaml"]);
    assert.is((await box.run(["set", "a.yaml", '["list"][1]', '"same-text"'])).code, 0);
    const ciphers = [...box.read("a.yaml").matchAll(/data:([^,]+),/g)].map((match) => match[1]);
    assert.is(new Set(ciphers).size, ciphers.length);
    assert.is((await box.run(["decrypt", "a.yaml"])).stdout, "list: [same-text, same-text]\n");
  }));

test("a MAC mismatch prints no hash of the plaintext", () =>
  inSandbox(async (box) => {
    box.write("a.yaml", PLAIN);
    await box.run(["encrypt", "-i", "a.yaml"]);
    box.write("a.yaml", box.read("a.yaml").replace("note_unencrypted: seen", "note_unencrypted: changed"));
    const { code, stderr } = await box.run(["decrypt", "a.yaml"]);
    assert.is(code, 51);
    assert.not.match(stderr, /[0-9a-f]{16}/i);
  }));

test("files that contain plaintext are for their owner only", () =>
  inSandbox(async (box) => {
    box.write("a.yaml", PLAIN);
    await box.run(["encrypt", "-i", "a.yaml"]);
    assert.is((await box.run(["decrypt", "--output", "plain.yaml", "a.yaml"])).code, 0);
    assert.is(statSync(box.path("plain.yaml")).mode & 0o777, 0o600);
    assert.is(box.read("plain.yaml"), PLAIN);
  }));

test("escape sequences in values and keys are made visible on a terminal, and raw when piped", () =>
  inSandbox(async (box) => {
    box.write("a.json", '{"k\\u001b[2J": "\\u001b]0;owned\\u0007"}\n');
    await box.run(["encrypt", "-i", "a.json"]);
    const argv = ["decrypt", "--extract", '["k\u001b[2J"]', "a.json"];
    assert.is((await box.run(argv)).stdout, "\u001b]0;owned\u0007");
    const shown = await box.run(argv, { terminal: true });
    assert.is(shown.stdout, "␛]0;owned␇");
    const missing = await box.run(["unset", "a.json", '["\u001b[2Jx"]'], { terminal: true });
    assert.is(missing.code, 1);
    // the head is ours, and red
    assert.not.match(missing.stderr.replace("\u001b[31mtsops:\u001b[0m ", ""), /\u001b/);
  }));

test("escape sequences in names of files and in bytes that are not UTF-8 are made visible on a terminal", () =>
  inSandbox(async (box) => {
    const name = "a\u001b]0;x\u0007.env";
    box.write(name, "a=1\n");
    const listed = await box.run(["encrypt", "--check", name], { terminal: true });
    assert.is(listed.stdout, '"a\\033]0;x\\a.env"\n', "quoted as git quotes names");
    assert.is((await box.run(["encrypt", "--check", name])).stdout, listed.stdout);
    box.write("b.env", Buffer.concat([Buffer.from("a=\x9b31m\n", "latin1"), Buffer.from("b=\u{1f480}\n")]));
    await box.run(["encrypt", "-i", "b.env"]);
    const shown = await box.run(["decrypt", "b.env"], { terminal: true });
    assert.is(shown.stdout, "a=<U+009B>31m\nb=\u{1f480}\n");
  }));

test("selector changes in `edit --show-master-keys`: what was encrypted is not written plain", () =>
  inSandbox(async (box) => {
    box.write("a.yaml", "one_plain: secret\ntwo_unencrypted: open\n");
    await box.run(["encrypt", "-i", "a.yaml"]);
    const before = box.read("a.yaml");
    const editor = (script: string) => {
      box.write("editor.sh", `sed -i '${script}' "$1"\n`);
      box.env.SOPS_EDITOR = `sh ${box.path("editor.sh")}`;
    };
    editor("s/unencrypted_suffix: _unencrypted/unencrypted_suffix: _plain/");
    const refused = await box.run(["edit", "--show-master-keys", "a.yaml"]);
    assert.is.not(refused.code, 0);
    assert.match(refused.stderr, /was encrypted and would now be written plain/);
    assert.is(box.read("a.yaml"), before);
    const kept = /remove the folder (\S+)/.exec(refused.stderr)?.[1];
    if (kept) rmSync(kept, { recursive: true });
    editor("s/unencrypted_suffix: _unencrypted/unencrypted_suffix: _none/");
    const changed = await box.run(["edit", "--show-master-keys", "a.yaml"]);
    assert.is(changed.code, 0, changed.stderr);
    assert.match(box.read("a.yaml"), /two_unencrypted: ENC\[/);
    const opened = await box.run(["decrypt", "a.yaml"]);
    assert.is(opened.stdout, "one_plain: secret\ntwo_unencrypted: open\n", opened.stderr);
  }));

test("duplicate keys in JSON are kept, with a warning that names the place", () =>
  inSandbox(async (box) => {
    box.write("a.json", '{\n  "a": 1,\n  "a": 2\n}\n');
    const { code, stderr } = await box.run(["encrypt", "-i", "a.json"]);
    assert.is(code, 0);
    assert.match(stderr, /a\.json:3:3: .*twice/);
    const opened = await box.run(["decrypt", "a.json"]);
    assert.is(opened.stdout, '{\n  "a": 1,\n  "a": 2\n}\n');
    assert.match(opened.stderr, /twice/);
  }));

test("duplicate keys in JSON are reported by --update, and where they stop a conversion", () =>
  inSandbox(async (box) => {
    const twice = '{\n  "a": 1,\n  "a": 2\n}\n';
    box.write("old.json", '{"a": 1}');
    box.write("new.json", twice);
    assert.is((await box.run(["encrypt", "-i", "old.json"])).code, 0);
    for (const argv of [
      ["encrypt", "--update", "old.json", "new.json"],
      ["encrypt", "--output-type", "yaml", "new.json"],
    ]) {
      assert.match((await box.run(argv)).stderr, /new\.json:3:3: .*twice/);
    }
    const { stderr } = await box.run(["encrypt", "--update", "old.json"], { input: twice });
    assert.match(stderr, /old\.json:3:3: .*twice/);
  }));

test("a comment that does not decrypt is reported, and refused in a sealed file", () =>
  inSandbox(async (box) => {
    box.write("a.yaml", PLAIN);
    await box.run(["encrypt", "-i", "a.yaml"]);
    const damaged = box.read("a.yaml").replace(/#ENC\[AES256_GCM,data:../, "#ENC[AES256_GCM,data:AA");
    box.write("a.yaml", damaged);
    const sealed = await box.run(["decrypt", "a.yaml"]);
    assert.is(sealed.code, 51);
    box.write("a.yaml", damaged.replace(/ {4}tsops:\n( {8}.*\n)+/, ""));
    const open = await box.run(["decrypt", "a.yaml"]);
    assert.is(open.code, 0);
    assert.match(open.stderr, /a\.yaml:1:1: .*comment does not decrypt/);
  }));

test("removing a recipient rotates the data key and says what they could read", () =>
  inSandbox(async (box) => {
    box.env.SOPS_AGE_RECIPIENTS = undefined;
    box.write(".sops.yaml", RULE("", `${RECIPIENT},${OTHER_RECIPIENT}`));
    box.write("a.yaml", PLAIN);
    await box.run(["encrypt", "-i", "a.yaml"]);
    const before = box.read("a.yaml");
    box.write(".sops.yaml", RULE());
    const { code, stderr } = await box.run(["updatekeys", "-y", "a.yaml"]);
    assert.is(code, 0, stderr);
    assert.match(stderr, OTHER_RECIPIENT);
    assert.match(stderr, '["db"]["password"]');
    const after = box.read("a.yaml");
    for (const [cipher] of before.matchAll(/ENC\[[^\]]*\]/g)) assert.not.ok(after.includes(cipher));
    assert.is((await box.run(["decrypt", "a.yaml"])).stdout, PLAIN);
  }));

test("the file chooses the server: one that only the file names is not even connected to", () =>
  inSandbox(async (box) => {
    const asked: (string | undefined)[] = [];
    const server = createServer(({ headers }, response) => {
      asked.push(String(headers["x-vault-token"]));
      response.writeHead(403, { "content-type": "application/json" }).end('{"errors":["permission denied"]}');
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    try {
      box.env.VAULT_TOKEN = "the-token";
      box.write(
        "s.json",
        encryptedFor(
          `{"hc_vault": [{"vault_address": "${address}", "engine_path": "transit", "key_name": "k", "created_at": "2026-01-01T00:00:00Z", "enc": "vault:v1:AAAA"}]}`,
        ),
      );
      // beside the file, so found, but nothing that the person went to
      const refused = await box.run(["decrypt", "s.json"]);
      assert.is(refused.code, 128);
      assert.match(
        refused.stderr,
        `the file names the Vault server ${address}, and nothing here vouches for it`,
      );
      assert.match(refused.stderr, `TSOPS_ALLOW=vault=${address}`);
      assert.match(refused.stderr, "in VAULT_ADDR");
      assert.equal(asked, []);
      box.env.TSOPS_ALLOW = `vault=${address}`;
      assert.match((await box.run(["decrypt", "s.json"])).stderr, /permission/);
      assert.ok(asked.length > 0 && asked.every((token) => token === "the-token"));
    } finally {
      server.close();
    }
  }));

test("the file chooses the server: AWS roles and profiles, key vaults, Keywhiz and cluster addresses of a file alone get nothing", () =>
  inSandbox(async (box) => {
    const stamp = '"created_at": "2026-01-01T00:00:00Z"';
    Object.assign(box.env, {
      AWS_ACCESS_KEY_ID: "AKIA",
      AWS_SECRET_ACCESS_KEY: "s",
      KEYWHIZ_CLIENT_CERT: "c.pem",
      KEYWHIZ_CLIENT_KEY: "c.key",
      AZURE_TENANT_ID: "00000000-0000-0000-0000-000000000001",
      AZURE_CLIENT_ID: "c",
      AZURE_CLIENT_SECRET: "s",
    });
    const arn = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    for (const [keys, words] of [
      [
        `{"kms": [{"arn": "${arn}", "role": "arn:aws:iam::111122223333:role/evil", "aws_profile": "", ${stamp}, "enc": "AAAA"}]}`,
        /the AWS role arn:aws:iam::111122223333:role\/evil/,
      ],
      [
        `{"kms": [{"arn": "${arn}", "aws_profile": "evil", ${stamp}, "enc": "AAAA"}]}`,
        /the AWS profile evil/,
      ],
      [
        `{"azure_kv": [{"vault_url": "https://evil.vault.azure.net", "name": "k", "version": "v", ${stamp}, "enc": "AAAA"}]}`,
        /the key vault https:\/\/evil\.vault\.azure\.net/,
      ],
      [
        `{"tsops": {"keys": [{"uri": "keywhiz://evil.example:4444/s", "key_id": "0011223344556677", ${stamp}, "enc": "v1:AAAA"}]}}`,
        /the Keywhiz server evil\.example:4444/,
      ],
      [
        `{"tsops": {"keys": [{"uri": "cluster://evil.example:5000/k", ${stamp}, "enc": "v1:AAAA"}]}}`,
        /the key service evil\.example:5000/,
      ],
    ] as const) {
      box.write("s.json", encryptedFor(keys));
      const { code, stderr } = await box.run(["decrypt", "s.json"]);
      assert.is(code, 128, stderr);
      assert.match(stderr, words);
    }
  }));

test("child programs get no identities: a variable that holds the file's master key is kept from the editor", () =>
  inSandbox(async (box) => {
    box.env.MASTER = Buffer.alloc(32, 1).fill(2, 0, 9).toString("base64");
    box.env.EDITOR = "sh -c 'env > seen; echo b: 2 >> \"$0\"'";
    box.write("s.yaml", "a: 1\n");
    delete box.env.SOPS_AGE_RECIPIENTS;
    assert.is((await box.run(["encrypt", "-i", "--key", "env://MASTER", "s.yaml"])).code, 0);
    const { code, stderr } = await box.run(["edit", "s.yaml"]);
    assert.is(code, 0, stderr);
    assert.match(box.read("seen"), /^PATH=/m);
    assert.not.match(box.read("seen"), /MASTER|SOPS_AGE_KEY/);
    assert.is((await box.run(["decrypt", "s.yaml"])).stdout, "a: 1\nb: 2\n");
  }));

/** A file that names these keys; what it encrypts does not matter. */
function encryptedFor(keys: string): string {
  return `{"a": "x", "sops": ${keys.replace(/}$/, ', "lastmodified": "2026-01-01T00:00:00Z", "mac": "x", "version": "3.13.3"}')}}`;
}

test.run();
