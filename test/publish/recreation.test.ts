import { existsSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { inSandbox, OTHER_RECIPIENT, RECIPIENT, type Sandbox } from "../support/cli.ts";

/** Files that are encrypted again before they are published. */

async function encrypted(box: Sandbox, text = "password: s3cret\n"): Promise<string> {
  box.write("a.yaml", text);
  const { code, stderr } = await box.run(["encrypt", "-i", "--age", RECIPIENT, "a.yaml"]);
  assert.is(code, 0, stderr);
  return box.read("a.yaml");
}

/** Has files encrypted again for the recipients, by a rule that says more. */
function rule(box: Sandbox, recipients: readonly string[], more = "", config = ""): void {
  const list = recipients.map((recipient) => `"age:${recipient}"`).join(", ");
  box.write(
    ".sopsrc",
    `{ ${config} destinations: [{ folder: "out", recreation_rule: { recipients: [${list}], ${more} } }] }`,
  );
}

async function publish(box: Sandbox): Promise<string> {
  const { code, stderr } = await box.run(["publish", "-y", "a.yaml"]);
  assert.is(code, 0, stderr);
  return /is up to date/.test(stderr) ? "unchanged" : "published";
}

const ciphertext = (text: string) => /ENC\[[^\]]+\]/.exec(text)![0];

test("others can read it, with a data key of its own, and the difference is shown", async () => {
  await inSandbox(async (box) => {
    const text = await encrypted(box, "password: s3cret # why\n");
    rule(box, [OTHER_RECIPIENT, RECIPIENT]);
    const { code, stdout, stderr } = await box.run(["publish", "-y", "a.yaml"]);
    assert.is(code, 0, stderr);
    assert.is(
      stdout,
      "The following changes will be made to the file's key groups:\n" +
        `Group 1\n    ${RECIPIENT}\n+++ ${OTHER_RECIPIENT}\n`,
    );
    const published = box.read("out/a.yaml");
    assert.match(published, OTHER_RECIPIENT);
    assert.is.not(ciphertext(published), ciphertext(text));
    assert.is((await box.run(["decrypt", "out/a.yaml"])).stdout, "password: s3cret # why\n");
    assert.is(box.read("a.yaml"), text);
  });
});

test("left alone only if plaintext, recipients, selector and seal are those that are due", async () => {
  await inSandbox(async (box) => {
    await encrypted(box);
    rule(box, [RECIPIENT]);
    assert.is(await publish(box), "published");
    const first = box.read("out/a.yaml");
    assert.is(await publish(box), "unchanged");
    assert.is(box.read("out/a.yaml"), first);
    rule(box, [RECIPIENT], `encrypted_suffix: "word"`);
    assert.is(await publish(box), "published");
    assert.is(await publish(box), "unchanged");
    rule(box, [RECIPIENT], `encrypted_suffix: "word", mac_only_encrypted: true`);
    assert.is(await publish(box), "published");
    rule(box, [RECIPIENT], "", "seal: false,");
    assert.is(await publish(box), "published");
    assert.is(await publish(box), "unchanged");
    rule(box, [RECIPIENT]);
    assert.is(await publish(box), "published");
    rule(box, [RECIPIENT, OTHER_RECIPIENT]);
    assert.is(await publish(box), "published");
    assert.is(await publish(box), "unchanged");
    rule(box, [RECIPIENT]);
    assert.is(await publish(box), "published");
  });
});

test("a comment is a change, although no value changes", async () => {
  await inSandbox(async (box) => {
    await encrypted(box);
    rule(box, [RECIPIENT]);
    assert.is(await publish(box), "published");
    await encrypted(box, "# note\npassword: s3cret\n");
    assert.is(await publish(box), "published");
    assert.is(await publish(box), "unchanged");
  });
});

test("a broken copy, an old one and something else are replaced", async () => {
  await inSandbox(async (box) => {
    await encrypted(box, "password: old\n");
    rule(box, [RECIPIENT]);
    assert.is(await publish(box), "published");
    const old = box.read("out/a.yaml");
    await encrypted(box);
    assert.is(await publish(box), "published");
    const good = box.read("out/a.yaml");
    for (const there of [
      old,
      good.replace(/(mac: ENC\[AES256_GCM,data:)./, "$1-"),
      good.replace(/seal: .*/, "seal: AAAA"),
      good.replace(ciphertext(good), ciphertext(old)),
      `extra: 1\n${good}`,
      "password: s3cret\n",
      "",
    ]) {
      box.write("out/a.yaml", there);
      assert.is(await publish(box), "published", there);
      assert.is(await publish(box), "unchanged");
    }
  });
});

test("without a key for what stands there, it is published each time", async () => {
  await inSandbox(async (box) => {
    await encrypted(box);
    rule(box, [OTHER_RECIPIENT]);
    assert.is(await publish(box), "published");
    const first = box.read("out/a.yaml");
    assert.is(await publish(box), "published");
    assert.is.not(box.read("out/a.yaml"), first);
  });
});

test("a file that was changed without the key is refused", async () => {
  await inSandbox(async (box) => {
    const text = await encrypted(box, "x_unencrypted: 1\npassword: s3cret\n");
    box.write("a.yaml", text.replace("x_unencrypted: 1", "x_unencrypted: 2"));
    rule(box, [RECIPIENT]);
    assert.is((await box.run(["publish", "-y", "a.yaml"])).code, 51);
    assert.not.ok(existsSync(box.path("out")));
  });
});

test("no secret becomes plain without a word", async () => {
  await inSandbox(async (box) => {
    box.write("a.yaml", "old_unencrypted: s3cret\npassword: s3cret\n");
    assert.is((await box.run(["encrypt", "-i", "--encrypted-regex", ".*", "a.yaml"])).code, 0);
    rule(box, [RECIPIENT]);
    const refused = await box.run(["publish", "-y", "a.yaml"]);
    assert.is(refused.code, 1);
    assert.match(refused.stderr, 'the value at ["old_unencrypted"] is encrypted, and would be plain');
    assert.not.ok(existsSync(box.path("out")));
    rule(box, [RECIPIENT], `encrypted_regex: "("`);
    const invalid = await box.run(["publish", "-y", "a.yaml"]);
    assert.is(invalid.code, 1);
    assert.match(invalid.stderr, "encrypted_regex of the recreation rule is not a valid regular expression");
    rule(box, [RECIPIENT], `encrypted_suffix: "word"`);
    const asked = await box.run(["publish", "-y", "a.yaml"]);
    assert.is(asked.code, 0);
    assert.match(asked.stderr, /warning: .*publishes plain .*the value at \["old_unencrypted"\]/);
    assert.match(box.read("out/a.yaml"), "old_unencrypted: s3cret");
    assert.match(box.read("out/a.yaml"), "password: ENC[");
  });
});

test("no secret in a comment becomes plain without a word", async () => {
  await inSandbox(async (box) => {
    await encrypted(box, "# old password: hunter2\nuser: a\npassword: s3cret\n");
    rule(box, [RECIPIENT], `encrypted_regex: "^(user|password)$"`);
    const { code, stderr } = await box.run(["publish", "-y", "a.yaml"]);
    assert.is(code, 0);
    assert.match(box.read("out/a.yaml"), "# old password: hunter2");
    assert.match(stderr, /warning: .*publishes plain .*: a comment at /);
  });
});

test("binary files and key groups", async () => {
  await inSandbox(async (box) => {
    box.write("a.bin", Buffer.from([0, 255, 10, 13]));
    assert.is((await box.run(["encrypt", "-i", "a.bin"])).code, 0);
    box.write(
      ".sopsrc",
      `{ destinations: [{ folder: "out", recreation_rule: {
        key_groups: [["age:${RECIPIENT}"], ["age:${RECIPIENT}", "age:${OTHER_RECIPIENT}"]], shamir_threshold: 2 } }] }`,
    );
    const run = async () => (await box.run(["publish", "-y", "a.bin"])).stderr;
    assert.match(await run(), "published a.bin");
    assert.is(JSON.parse(box.read("out/a.bin")).sops.shamir_threshold, 2);
    assert.match(await run(), "a.bin is up to date");
    assert.is((await box.run(["decrypt", "-i", "out/a.bin"])).code, 0);
    assert.match((await box.run(["decrypt", "a.bin"])).stdout, "\r");
  });
});

test.run();
