import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { IDENTITY_FILE, inSandbox, OTHER_RECIPIENT, RECIPIENT } from "../../support/cli.ts";
import { gitIn } from "../../support/git.ts";

const IDENTITY = /AGE-SECRET-KEY-1\w+/.exec(readFileSync(IDENTITY_FILE, "utf8"))![0];

test("doctor says which of a file's keys can be used here, and why not the others; nothing of the file is shown", async () => {
  await inSandbox(async (box) => {
    box.write("s.yaml", "token: s3cret\n");
    await box.run(["encrypt", "-i", "--age", `${RECIPIENT},${OTHER_RECIPIENT}`, "s.yaml"]);
    const { code, stdout, stderr } = await box.run(["doctor", "s.yaml"]);
    assert.is(code, 0, stderr);
    assert.match(stdout, /^s\.yaml: can be opened here$/m);
    assert.match(stdout, `+ age ${RECIPIENT}\n      an identity for it is here\n`);
    assert.match(stdout, `- age ${OTHER_RECIPIENT}\n      no identity for it\n`);
    assert.not.match(stdout + stderr, /s3cret|AGE-SECRET/);
  });
});

test("doctor ends with 128 if too few key groups can be opened", async () => {
  await inSandbox(async (box) => {
    box.write(
      ".sops.yaml",
      `creation_rules:\n  - key_groups:\n      - age: [${RECIPIENT}]\n      - age: [${OTHER_RECIPIENT}]\n`,
    );
    box.write("s.json", '{"a": 1}');
    delete box.env.SOPS_AGE_RECIPIENTS;
    assert.is((await box.run(["encrypt", "-i", "s.json"])).code, 0);
    const { code, stdout } = await box.run(["doctor", "s.json"]);
    assert.is(code, 128);
    assert.match(stdout, /^s\.json: cannot be opened here; 2 of its 2 key groups are needed$/m);
  });
});

test("doctor asks nobody: an identity under a passphrase is a perhaps", async () => {
  await inSandbox(async (box) => {
    box.write("s.env", "A=1\n");
    await box.run(["encrypt", "-i", "s.env"]);
    const { Encrypter } = await import("age-encryption");
    const sealed = new Encrypter();
    sealed.setPassphrase("pass");
    sealed.setScryptWorkFactor(10);
    box.env.SOPS_AGE_KEY_FILE = box.write("key.age", await sealed.encrypt(IDENTITY));
    box.env.NO_COLOR = "1";
    const { code, stdout } = await box.run(["doctor", "s.env"], { terminal: true });
    assert.is(code, 0);
    assert.match(stdout, /can perhaps be opened here/);
    assert.match(stdout, /\? age .*\n {6}perhaps by identities with a passphrase: not asked/);
  });
});

test("doctor without a file looks at the keys of the configuration, by their names", async () => {
  await inSandbox(async (box) => {
    box.write(
      ".sopsrc",
      `{ keys: { me: "age:${RECIPIENT}", other: "age:${OTHER_RECIPIENT}" }, rules: [{ recipients: ["me", "other"] }] }`,
    );
    const { code, stdout } = await box.run(["doctor"]);
    assert.is(code, 0);
    assert.match(stdout, /\.sopsrc: 1 of 2 keys can be used here/);
    assert.match(stdout, `+ age ${RECIPIENT} (me)`);
    assert.match(stdout, `- age ${OTHER_RECIPIENT} (other)`);
  });
});

test("doctor goes on after a file that cannot be read", async () => {
  await inSandbox(async (box) => {
    box.write("plain.yaml", "a: 1\n");
    box.write("s.yaml", "a: 1\n");
    await box.run(["encrypt", "-i", "s.yaml"]);
    const { code, stdout, stderr } = await box.run(["doctor", "plain.yaml", "s.yaml"]);
    assert.is(code, 1);
    assert.match(stderr, /plain\.yaml: sops metadata not found/);
    assert.match(stdout, /s\.yaml: can be opened here/);
  });
});

test("doctor reads fields of keys as weakly typed as decrypt does", async () => {
  await inSandbox(async (box) => {
    box.write("s.json", '{"a": 1}');
    await box.run(["encrypt", "-i", "s.json"]);
    box.write("s.json", box.read("s.json").replace(/"enc": "[^"]*"/, '"enc": 5'));
    const { code, stdout, stderr } = await box.run(["doctor", "s.json"]);
    assert.is(code, 128, stderr);
    assert.match(stdout, /s\.json: cannot be opened here\n {2}- age /);
  });
});

test("doctor looks at what a key wrapped, too: another file of the same key may need something else", async () => {
  await inSandbox(async (box) => {
    delete box.env.SOPS_AGE_RECIPIENTS;
    for (const [name, secret] of [
      ["old.yaml", randomBytes(32)],
      ["new.yaml", randomBytes(32)],
    ] as const) {
      box.env.MASTER = secret.toString("base64");
      box.write(name, "a: 1\n");
      assert.is((await box.run(["encrypt", "-i", "--key", "env://MASTER", name])).code, 0);
    }
    const { code, stdout } = await box.run(["doctor", "new.yaml", "old.yaml"]);
    assert.is(code, 128);
    assert.match(stdout, /^new\.yaml: can be opened here$/m);
    assert.match(stdout, /^old\.yaml: cannot be opened here$/m);
  });
});

test("doctor names key services, which cannot be asked without decrypting", async () => {
  await inSandbox(async (box) => {
    box.write("s.yaml", "a: 1\n");
    await box.run(["encrypt", "-i", "s.yaml"]);
    const argv = ["doctor", "--keyservice", "tcp://127.0.0.1:1", "s.yaml"];
    assert.match((await box.run(argv)).stdout, /^s\.yaml: can be opened here$/m);

    const other = await box.run([...argv, "--enable-local-keyservice=false"]);
    assert.is(other.code, 0);
    assert.match(other.stdout, /^s\.yaml: can perhaps be opened here$/m);
    assert.match(other.stdout, `- age ${RECIPIENT}\n      the keys of this machine are not used`);
    assert.match(
      other.stdout,
      "? key service tcp://127.0.0.1:1\n      it is asked only when a file is decrypted\n",
    );

    const none = await box.run(["doctor", "--enable-local-keyservice=false", "s.yaml"]);
    assert.is(none.code, 128);
    assert.match(none.stdout, /^s\.yaml: cannot be opened here$/m);
  });
});

test("doctor names plaintext that git keeps of diffs, and how to remove it", () =>
  inSandbox(async (box) => {
    gitIn(box, "init", "-q");
    const quiet = await box.run(["doctor"]);
    assert.not.match(quiet.stderr, "git keeps");
    gitIn(box, "config", "diff.sops.textconv", "sops decrypt");
    gitIn(box, "config", "diff.sops.cachetextconv", "true");
    const { stderr, code } = await box.run(["doctor"]);
    assert.match(
      stderr,
      "warning: git keeps decrypted text of diffs in its objects: diff.sops.cachetextconv is set",
    );
    assert.match(stderr, "git config --local --unset-all diff.sops.cachetextconv");
    assert.is(code, quiet.code);
  }));

test.run();
