import { chmodSync, readFileSync } from "node:fs";
import sshpk from "sshpk";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { inSandbox, type Result, type Sandbox } from "../support/cli.ts";
import { page } from "../support/docs/pages.ts";

/**
 * docs/troubleshooting.md is found by the words of a message, so its headings have to be words that the program says.
 * Each heading below "Messages" has a case here that makes the program say it.
 */

type Case = (box: Sandbox) => Promise<Result>;

const OTHER = "age1nc2smgueu84l5gtq5w50nlpucs5jhd3233ve6hu5tq947zsmg4es0qqskx";
const RULE = '{ rules: [{ glob: "secrets.yaml", recipients: ["age:RECIPIENT"] }] }';

const PGP_FILE = new URL("../../fixtures/golden/keys-pgp-ecc/in/golden.enc.yaml", import.meta.url).pathname;
/** This one takes a minute to come. */
const SLOW = "has been changing the file for too long";

/** A file of two values in a folder with a rule for it; `change` is what somebody does to its text. */
async function encrypted(box: Sandbox, change = (text: string) => text, more: string[] = []): Promise<void> {
  box.write(".sopsrc", RULE.replace("RECIPIENT", box.env.SOPS_AGE_RECIPIENTS!));
  box.write("secrets.yaml", "db:\n  host: h\n  password: s3cret\n");
  const { code, stderr } = await box.run(["encrypt", "-i", ...more, "secrets.yaml"]);
  assert.is(code, 0, stderr);
  box.write("secrets.yaml", change(box.read("secrets.yaml")));
}

const decrypt = (box: Sandbox, ...more: string[]) => box.run(["decrypt", ...more, "secrets.yaml"]);

/** With a program in gpg's place. */
function decryptWithGpg(box: Sandbox, body: string): Promise<Result> {
  const gpg = box.write("gpg", `#!/bin/sh\ncat >/dev/null\n${body}\n`);
  chmodSync(gpg, 0o755);
  box.env.SOPS_GPG_EXEC = gpg;
  return box.run(["decrypt", PGP_FILE]);
}

const CASES: Record<string, Case> = {
  "config file not found, or has no creation rules, and no keys provided through command line options": (
    box,
  ) => {
    box.write("secrets.yaml", "a: 1\n");
    box.env.SOPS_AGE_RECIPIENTS = undefined;
    return box.run(["encrypt", "secrets.yaml"]);
  },
  "no matching creation rules found for": async (box) => {
    await encrypted(box);
    box.write("other.yaml", "a: 1\n");
    box.env.SOPS_AGE_RECIPIENTS = undefined;
    return box.run(["encrypt", "other.yaml"]);
  },
  "Failed to get the data key required to decrypt the SOPS file": async (box) => {
    await encrypted(box);
    box.env.SOPS_AGE_KEY_FILE = undefined;
    return decrypt(box);
  },
  "it has a passphrase, and there is nobody to ask for it": async (box) => {
    const ssh = sshpk.generatePrivateKey("ed25519");
    const key = box.write("id", ssh.toBuffer("ssh-private", { passphrase: "secret" }));
    box.env.SOPS_AGE_RECIPIENTS = ssh.toPublic().toString("ssh").split(" ").slice(0, 2).join(" ");
    await encrypted(box);
    box.env.SOPS_AGE_KEY_FILE = undefined;
    box.env.SOPS_AGE_SSH_PRIVATE_KEY_FILE = key;
    return decrypt(box);
  },
  "gpg has no secret key for it": (box) => decryptWithGpg(box, "echo 'No secret key' >&2; exit 2"),
  "gpg has the secret key, and could not use it": (box) =>
    decryptWithGpg(
      box,
      "echo '[GNUPG:] ERROR pkdecrypt_failed 83918950' >&3; echo 'No secret key' >&2; exit 2",
    ),
  "MAC mismatch: the values do not match the file's MAC": async (box) => {
    await encrypted(box, (text) => text.replace("host: h", "host: x"), ["--encrypted-regex", "^password$"]);
    return decrypt(box);
  },
  "the file's seal is broken": async (box) => {
    await encrypted(box, (text) => text.replace("_unencrypted", "_plain"));
    return decrypt(box);
  },
  "does not decrypt: it was changed, or moved here from another place": async (box) => {
    await encrypted(box, (text) => text.replace("host:", "hosts:"));
    return decrypt(box, "--ignore-mac");
  },
  "the file has no seal, and": async (box) => {
    await encrypted(box, (text) => text.replace(/^ +tsops:\n +seal: .*\n/m, ""));
    return decrypt(box, "--require-seal");
  },
  "the file's recipients are not those of its creation rule": async (box) => {
    await encrypted(box);
    box.env.SOPS_AGE_RECIPIENTS = undefined;
    box.write(".sopsrc", RULE.replace("RECIPIENT", OTHER));
    return box.run(["set", "secrets.yaml", '["db"]["host"]', '"x"']);
  },
  "and you have not approved that": (box) => {
    box.env.SOPS_AGE_RECIPIENTS = undefined;
    box.env.VAULT_TOKEN = "x";
    box.write(
      ".sopsrc",
      '{ rules: [{ recipients: ["hashivault://vault.example.com:8200/v1/transit/keys/sops"] }] }',
    );
    box.write("secrets.yaml", "a: 1\n");
    return box.run(["encrypt", "secrets.yaml"]);
  },
  "this file holds an unresolved merge conflict": async (box) => {
    await encrypted(box, (text) => `<<<<<<< HEAD\n${text}=======\n${text}>>>>>>> other\n`);
    return decrypt(box);
  },
  "File has not changed": async (box) => {
    await encrypted(box);
    box.env.EDITOR = "true";
    return box.run(["edit", "secrets.yaml"]);
  },
  "sops metadata not found: it is not encrypted": (box) => {
    box.write("secrets.yaml", "a: 1\n");
    return decrypt(box);
  },
  "sops metadata not found, though there are encrypted values": async (box) => {
    await encrypted(box, (text) => text.replace(/^sops:[\s\S]*/m, ""));
    return box.run(["encrypt", "secrets.yaml"]);
  },
  "the file already has a top-level entry named sops": async (box) => {
    await encrypted(box);
    return box.run(["encrypt", "secrets.yaml"]);
  },
  "the value is not valid JSON": async (box) => {
    await encrypted(box);
    return box.run(["set", "secrets.yaml", '["db"]["host"]', "x"]);
  },
  "decides which code programs run": async (box) => {
    box.write(
      ".sopsrc",
      '{ seal: false, rules: [{ recipients: ["age:RECIPIENT"] }] }'.replace(
        "RECIPIENT",
        box.env.SOPS_AGE_RECIPIENTS!,
      ),
    );
    box.write("app.env", "LD_PRELOAD=/tmp/x.so\n");
    await box.run(["encrypt", "-i", "app.env"]);
    return box.run(["exec", "app.env", "--", "true"]);
  },
  "there is no option": (box) => box.run(["decrypt", "--output-dir", "x", "secrets.yaml"]),
};

/** The headings of the third level below "Messages". */
function headings(): string[] {
  const [, messages = ""] = /^## Messages$([\s\S]*?)^## /m.exec(page("docs/troubleshooting.md").text) ?? [];
  return [...messages.matchAll(/^### (.+)$/gm)].map(([, heading]) => heading!);
}

test("every message of the page has a case, and the other way round", () => {
  assert.equal(headings().sort(), [...Object.keys(CASES), SLOW].sort());
});

for (const [message, make] of Object.entries(CASES)) {
  test(`the program says: ${message}`, () =>
    inSandbox(async (box) => {
      const { code, stderr } = await make(box);
      assert.is.not(code, 0);
      assert.ok(stderr.includes(message), stderr);
    }));
}

test(`the program says: ${SLOW}`, () => {
  const source = readFileSync(new URL("../../src/files/lock.ts", import.meta.url), "utf8");
  assert.ok(source.includes(SLOW));
});

test.run();
