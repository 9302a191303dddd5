import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { IDENTITY_FILE, inSandbox, OTHER_RECIPIENT, RECIPIENT, type Sandbox } from "../../support/cli.ts";
import { gitIn } from "../../support/git.ts";
import { type Double, double, refusal } from "../../support/servers/aws.ts";
import { ARN, answerOf, awsEnvironment, counting } from "../../support/servers/counting-kms.ts";

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

const FILES = Array.from({ length: 6 }, (_, i) => `f${i}.yaml`);

/** Files of one KMS key; in some of them one character of what it wrapped is another. */
async function filesOfKms(box: Sandbox, kms: Double, damaged: readonly string[]): Promise<void> {
  box.env = { ...box.env, ...awsEnvironment(kms), SOPS_AGE_RECIPIENTS: undefined, TSOPS_ALLOW: undefined };
  for (const name of FILES) box.write(name, `name: ${name}\n`);
  const { code, stderr } = await box.run(["encrypt", "-i", "--kms", ARN, ...FILES]);
  assert.is(code, 0, stderr);
  for (const name of damaged) box.write(name, box.read(name).replace(/ enc: ey/, " enc: ay"));
  counting(kms);
}

for (const damaged of [FILES.slice(0, 2), FILES.slice(3, 5)]) {
  test(`what a key wrapped for ${damaged[0]} is damaged: nothing is said of other files because of it`, () =>
    inSandbox(async (box) => {
      const kms = await double(answerOf);
      await filesOfKms(box, kms, damaged);
      // one after the other, so that it is known which file is asked about first
      const { code, stdout, stderr } = await box.run(["doctor", "--jobs", "1", ...FILES]);
      const first = damaged[0] === FILES[0];
      for (const name of FILES) {
        // a good one was asked about before: then the key is known, and what it wrapped is not tried
        const opens = !(first && damaged.includes(name));
        assert.match(stdout, `${name}: ${opens ? "can" : "cannot"} be opened here`);
      }
      assert.is(code, first ? 128 : 0);
      assert.match(
        stderr,
        first ? "4 of 6 files can be opened here, 2 cannot" : "6 of 6 files can be opened here",
      );
      assert.match(stdout, "Nothing was decrypted: tsops decrypt --check says whether files are whole.");
      assert.equal(counting(kms), { Decrypt: first ? 3 : 1 });
      assert.match(
        (await box.run(["decrypt", "--check", ...FILES])).stderr,
        "in order: 4 of 6 files, 2 failed",
      );
    }));
}

for (const [name, said] of [
  ["AccessDeniedException", "access denied"],
  ["DisabledException", "the key is disabled"],
  ["InvalidKeyUsageException", "the key is not for encryption"],
] as const) {
  test(`a no that is about the key counts for all its files, and it is asked once: ${name}`, () =>
    inSandbox(async (box) => {
      let says: string | undefined;
      const kms = await double((asked) => (says === undefined ? answerOf(asked) : refusal(says)));
      await filesOfKms(box, kms, []);
      says = name;
      const { code, stdout, stderr } = await box.run(["doctor", ...FILES]);
      assert.is(code, 128);
      assert.match(stdout, said);
      assert.match(stderr, "0 of 6 files can be opened here, 6 cannot");
      assert.equal(counting(kms), { Decrypt: 1 });
    }));
}

test("doctor says what is the same for many files once, and how many are what; as JSON, too", () =>
  inSandbox(async (box) => {
    for (const name of ["a.yaml", "b.yaml"]) box.write(name, "a: 1\n");
    await box.run(["encrypt", "-i", "a.yaml", "b.yaml"]);
    const plain = Array.from({ length: 5 }, (_, i) => `plain${i}.yaml`);
    for (const name of plain) box.write(name, "a: 1\n");
    for (const options of [[], ["--json"]]) {
      const { code, stdout, stderr } = await box.run(["doctor", ...options, "a.yaml", ...plain, "b.yaml"]);
      assert.is(code, 1);
      assert.is(
        stderr,
        "tsops: plain0.yaml: sops metadata not found: it is not encrypted\n" +
          "  there is nothing to decrypt in it; if there should be, compare it with its last good version in git\n" +
          "  the same for 4 more files; --verbose lists them\n" +
          "tsops: 2 of 7 files can be opened here, 5 failed\n",
      );
      if (options.length === 0) continue;
      const files = JSON.parse(stdout).files as { file: string; error?: string }[];
      assert.equal(
        files.map(({ file, error }) => [file, error]),
        [["a.yaml", undefined], ...plain.map((name) => [name, "no-metadata"]), ["b.yaml", undefined]],
      );
    }
  }));

test.run();
