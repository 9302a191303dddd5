import { test } from "uvu";
import * as assert from "uvu/assert";
import { inSandbox, OTHER_RECIPIENT, RECIPIENT } from "../support/cli.ts";

const THIRD = "age1nc2smgueu84l5gtq5w50nlpucs5jhd3233ve6hu5tq947zsmg4es0qqskx";
const SOPSRC = `{
  keys: { alice: "age:${RECIPIENT}", bob: "age:${OTHER_RECIPIENT}", carol: "age:${THIRD}" },
  groups: { team: ["alice", "bob"] },
  rules: [{ recipients: ["alice"] }],
}`;
const without = { SOPS_AGE_RECIPIENTS: undefined };

test("encrypt --key takes the name of a key or of a group in .sopsrc", () =>
  inSandbox(async (box) => {
    box.write(".sopsrc", SOPSRC);
    box.write("a.yaml", "a: 1\n");
    const { code, stdout, stderr } = await box.run(["encrypt", "--key", "team", "a.yaml"]);
    assert.is(code, 0, stderr);
    assert.match(stdout, RECIPIENT);
    assert.match(stdout, OTHER_RECIPIENT);
    assert.not.match(stdout, THIRD);
    const two = await box.run(["encrypt", "--key", "alice", "--key", `age:${THIRD}`, "a.yaml"]);
    assert.match(two.stdout, RECIPIENT);
    assert.match(two.stdout, THIRD);
  }, without));

test("rotate --add-key and --rm-key take names; groups add --key too", () =>
  inSandbox(async (box) => {
    box.write(".sopsrc", SOPSRC);
    box.write("a.yaml", "a: 1\n");
    await box.run(["encrypt", "-i", "a.yaml"]);
    const added = await box.run(["rotate", "-i", "-y", "--add-key", "bob", "a.yaml"]);
    assert.is(added.code, 0, added.stderr);
    assert.match(box.read("a.yaml"), OTHER_RECIPIENT);
    const removed = await box.run(["rotate", "-i", "-y", "--rm-key", "bob", "a.yaml"]);
    assert.is(removed.code, 0, removed.stderr);
    assert.not.match(box.read("a.yaml"), OTHER_RECIPIENT);
    const group = await box.run(["groups", "add", "-i", "-y", "-f", "a.yaml", "--key", "team"]);
    assert.is(group.code, 0, group.stderr);
    assert.match(box.read("a.yaml"), OTHER_RECIPIENT);
  }, without));

test("names of anchors in .sops.yaml count", () =>
  inSandbox(async (box) => {
    box.write(
      ".sops.yaml",
      `keys:
  - &alice ${RECIPIENT}
  - &bob ${OTHER_RECIPIENT}
creation_rules:
  - path_regex: a
    age: [*alice]
  - path_regex: b
    age: [*bob]
`,
    );
    box.write("a.yaml", "a: 1\n");
    await box.run(["encrypt", "-i", "a.yaml"]);
    const { code, stderr } = await box.run(["rotate", "-i", "-y", "--add-key", "bob", "a.yaml"]);
    assert.is(code, 0, stderr);
    assert.match(box.read("a.yaml"), OTHER_RECIPIENT);
  }, without));

test("a name that is not known is quoted, and the one that may be meant is named", () =>
  inSandbox(async (box) => {
    box.write(".sopsrc", SOPSRC);
    box.write("a.yaml", "a: 1\n");
    await box.run(["encrypt", "-i", "a.yaml"]);
    for (const argv of [
      ["rotate", "-i", "--rm-key", "bbo", "a.yaml"],
      ["rotate", "-i", "--add-key", "bbo", "a.yaml"],
      ["groups", "add", "-f", "a.yaml", "--key", "bbo"],
      ["encrypt", "--key", "bbo", "a.yaml", "--filename-override", "b.yaml"],
    ]) {
      const { code, stderr } = await box.run(argv);
      assert.is(code, 1);
      assert.match(stderr, /\.sopsrc has no key or group "bbo"\n {2}did you mean bob\?/);
    }
    const { stderr } = await box.run(["rotate", "--rm-key", "zzzzzz", "a.yaml"]);
    assert.match(stderr, /there are: alice, bob, carol, team; or give its URI/);
  }, without));

test("a name in the place of an identifier: the option for names is said", () =>
  inSandbox(async (box) => {
    box.write(".sopsrc", SOPSRC);
    box.write("a.yaml", "a: 1\n");
    await box.run(["encrypt", "-i", "a.yaml"]);
    const { code, stderr } = await box.run(["rotate", "-i", "--rm-age", "bob", "a.yaml"]);
    assert.is(code, 1);
    assert.match(stderr, "names of the configuration go with --rm-key bob");
  }, without));

test("without a configuration a name is no URI, and what may be a secret is not shown", () =>
  inSandbox(async (box) => {
    box.write("a.yaml", "a: 1\n");
    const { code, stderr } = await box.run(["encrypt", "--key", "team", "a.yaml"]);
    assert.is(code, 1);
    assert.match(stderr, /"team" is not the URI of a key/);
    for (const secret of [`AGE-SECRET-KEY-1${"Q".repeat(20)}`, "x".repeat(41), "s3cret/with+signs="])
      assert.not.match((await box.run(["encrypt", "--key", secret, "a.yaml"])).stderr, secret);
  }, without));

test("a name on the command line vouches for nothing that only the configuration identifies", () =>
  inSandbox(
    async (box) => {
      box.write(
        ".sopsrc",
        `{ keys: { vault: "hashivault://vault.example.com/v1/transit/keys/sops" }, rules: [{ recipients: ["vault"] }] }`,
      );
      box.write("a.yaml", "a: 1\n");
      const { code, stderr } = await box.run(["encrypt", "--key", "vault", "a.yaml"]);
      assert.is(code, 1);
      assert.match(stderr, /you have not approved that/);
    },
    { ...without, VAULT_TOKEN: "t" },
  ));

test.run();
