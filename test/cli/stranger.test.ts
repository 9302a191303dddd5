import { readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { IDENTITY_FILE, inSandbox, OTHER_RECIPIENT, RECIPIENT, type Sandbox } from "../support/cli.ts";

/** A file for other people, one of whom the configuration has a name for. */
async function forOthers(box: Sandbox, more = ""): Promise<void> {
  delete box.env.SOPS_AGE_RECIPIENTS;
  const rules = `[{ recipients: ["alice"${more}] }]`;
  box.write(
    ".sopsrc",
    `{ keys: { alice: "age:${OTHER_RECIPIENT}", me: "age:${RECIPIENT}" }, rules: ${rules} }`,
  );
  box.write("a.yaml", "a: 1\n");
  assert.is((await box.run(["encrypt", "-i", "a.yaml"])).code, 0);
}

test("who was never added is told the own public key and whom to ask, and not to get somebody else's identity", () =>
  inSandbox(async (box) => {
    await forOthers(box);
    const { code, stderr } = await box.run(["decrypt", "a.yaml"]);
    assert.is(code, 128);
    assert.match(
      stderr,
      new RegExp(
        `your public key is ${RECIPIENT}\\n +ask alice to add it to the configuration, and to run tsops updatekeys\\n$`,
      ),
    );
    assert.not.match(stderr, "put the identity");
    assert.not.match(stderr, "AGE-SECRET");
  }));

test("without names the recipients are named", () =>
  inSandbox(async (box) => {
    await forOthers(box);
    box.write(".sopsrc", "{ rules: [] }");
    assert.match(
      (await box.run(["decrypt", "a.yaml"])).stderr,
      `ask whoever has ${OTHER_RECIPIENT} to add it`,
    );
  }));

test("who has no identity at all is told where to put one, and how to make one", () =>
  inSandbox(async (box) => {
    await forOthers(box);
    delete box.env.SOPS_AGE_KEY_FILE;
    const { stderr } = await box.run(["decrypt", "a.yaml"]);
    assert.match(stderr, "put the identity into one of these places");
    assert.match(stderr, "`tsops init` makes one");
    assert.not.match(stderr, "your public key");
  }));

test("an identity file that is not there may hold the right one", () =>
  inSandbox(async (box) => {
    await forOthers(box);
    box.env.SOPS_AGE_KEY = /AGE-SECRET-KEY-1\w+/.exec(readFileSync(IDENTITY_FILE, "utf8"))![0];
    box.env.SOPS_AGE_KEY_FILE = box.path("none.txt");
    const { stderr } = await box.run(["decrypt", "a.yaml"]);
    assert.not.match(stderr, "your public key");
    assert.match(stderr, "put the identity");
  }));

test("a recipient of the file whose wrapped key is damaged is no stranger", () =>
  inSandbox(async (box) => {
    await forOthers(box, ', "me"');
    box.write(
      "a.yaml",
      box.read("a.yaml").replaceAll(/(BEGIN AGE ENCRYPTED FILE-----\s+\S{40})\S{8}/g, "$1AAAAAAAA"),
    );
    const { code, stderr } = await box.run(["decrypt", "a.yaml"]);
    assert.is(code, 128);
    assert.not.match(stderr, "your public key");
  }));

test("everybody has SSH keys: they are no reason to say that the file is for others", () =>
  inSandbox(async (box) => {
    await forOthers(box);
    delete box.env.SOPS_AGE_KEY_FILE;
    const ssh = new URL("../../fixtures/golden/keys/", import.meta.url).pathname;
    box.env.SOPS_AGE_SSH_PRIVATE_KEY_FILE = `${ssh}ssh_ed25519`;
    const { stderr } = await box.run(["decrypt", "a.yaml"]);
    assert.not.match(stderr, "your public key");
    assert.match(stderr, "put the identity");
  }));

test("doctor says the same, and does not advise to take the identities of the others", () =>
  inSandbox(async (box) => {
    await forOthers(box);
    const { code, stdout } = await box.run(["doctor", "a.yaml"]);
    assert.is(code, 128);
    assert.match(stdout, `your public key is ${RECIPIENT}`);
    assert.not.match(stdout, "put the identity");
    await forOthers(box, ', "me"');
    const opens = await box.run(["doctor", "a.yaml"]);
    assert.is(opens.code, 0);
    assert.not.match(opens.stdout, /put the identity|your public key/);
  }));

test.run();
