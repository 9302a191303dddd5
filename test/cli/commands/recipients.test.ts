import { test } from "uvu";
import * as assert from "uvu/assert";
import { inSandbox, OTHER_RECIPIENT, RECIPIENT, type Sandbox } from "../../support/cli.ts";

async function files(box: Sandbox): Promise<void> {
  box.env.SOPS_AGE_RECIPIENTS = undefined;
  box.write(
    ".sopsrc",
    `{ keys: { alice: "age:${RECIPIENT}", bob: "age:${OTHER_RECIPIENT}" }, groups: { team: ["alice", "bob"] }, rules: [
      { glob: "both/**", key_groups: [["alice"], ["bob"]], shamir_threshold: 2 },
      { glob: "twice/**", key_groups: [["alice"], ["alice"], ["bob"]], shamir_threshold: 2 },
      { glob: "**", recipients: ["alice"] },
    ] }`,
  );
  for (const name of ["a.yaml", "both/b.yaml", "twice/c.yaml"]) {
    box.write(name, "db:\n  password: x\n  host_unencrypted: h\nTOKEN: y\n");
    const { code, stderr } = await box.run(["encrypt", "-i", name]);
    assert.is(code, 0, stderr);
  }
  // needs no key
  box.env.SOPS_AGE_KEY_FILE = undefined;
}

async function json(box: Sandbox, ...argv: readonly string[]) {
  const { code, stdout, stderr } = await box.run(["recipients", "--json", ...argv]);
  assert.is(code, 0, stderr);
  return JSON.parse(stdout);
}

const ALICE = { kind: "age", id: RECIPIENT, name: "alice" };
const BOB = { kind: "age", id: OTHER_RECIPIENT, name: "bob" };

test("each recipient with its files, and how many other groups they take", () =>
  inSandbox(async (box) => {
    await files(box);
    assert.equal(await json(box), {
      recipients: [
        {
          ...ALICE,
          files: [
            { file: "a.yaml", otherGroupsNeeded: 0 },
            { file: "both/b.yaml", otherGroupsNeeded: 1 },
            { file: "twice/c.yaml", otherGroupsNeeded: 0 },
          ],
        },
        {
          ...BOB,
          files: [
            { file: "both/b.yaml", otherGroupsNeeded: 1 },
            { file: "twice/c.yaml", otherGroupsNeeded: 1 },
          ],
        },
      ],
      failed: [],
    });
    const { stdout } = await box.run(["recipients"]);
    assert.is(
      stdout,
      `alice\n    ${RECIPIENT}\n  2 of 3 files\n    a.yaml\n    twice/c.yaml\n` +
        "  1 of 3 files, with a key of 1 other group\n    both/b.yaml\n\n" +
        `bob\n    ${OTHER_RECIPIENT}\n  2 of 3 files, with a key of 1 other group\n    both/b.yaml\n    twice/c.yaml\n`,
    );
  }));

test("--files-of takes a name, a group, a URI and an identifier, and helps with a slip", () =>
  inSandbox(async (box) => {
    await files(box);
    for (const word of ["bob", `age:${OTHER_RECIPIENT}`, OTHER_RECIPIENT]) {
      const { recipients } = await json(box, "--files-of", word);
      assert.equal(
        recipients.map(({ name }: { name: string }) => name),
        ["bob"],
        word,
      );
    }
    assert.is((await json(box, "--files-of", "team")).recipients.length, 2);
    assert.equal(await json(box, "--files-of", "bob", "a.yaml"), { recipients: [], failed: [] });
    assert.is(
      (await box.run(["recipients", "--files-of", "bob", "a.yaml"])).stdout,
      "none of 1 encrypted file\n",
    );
    const slip = await box.run(["recipients", "--files-of", "bbo"]);
    assert.is(slip.code, 1);
    assert.match(slip.stderr, /no recipient of these files is called so.*\n {2}did you mean bob\?/);
    const secret = `AGE-SECRET-KEY-1${"Q".repeat(58)}`;
    const refused = await box.run(["recipients", "--files-of", secret]);
    assert.is(refused.code, 1);
    assert.not.match(refused.stderr, secret);
  }));

test("--who-can-read takes a file, a folder and a pattern", () =>
  inSandbox(async (box) => {
    await files(box);
    const one = await json(box, "--who-can-read", "a.yaml");
    assert.equal(one.files, [{ file: "a.yaml", groupsNeeded: 1, groups: [[ALICE]] }]);
    const folder = await json(box, "--who-can-read", "both");
    assert.equal(folder.files, [{ file: "both/b.yaml", groupsNeeded: 2, groups: [[ALICE], [BOB]] }]);
    assert.is((await json(box, "--who-can-read", "*/*.yaml")).files.length, 2);
    const { stdout } = await box.run(["recipients", "--who-can-read", "both/b.yaml"]);
    assert.is(
      stdout,
      "both/b.yaml\n    together, one of each of these 2 groups:\n    1. alice\n    2. bob\n",
    );
    box.write("plain.yaml", "a: b\n");
    const plain = await box.run(["recipients", "--who-can-read", "plain.yaml"]);
    assert.match(plain.stdout, "plain.yaml: not encrypted, whoever has it can read it");
  }));

test("--who-can-read takes a value by its key or path, and says where it is not encrypted", () =>
  inSandbox(async (box) => {
    await files(box);
    for (const word of ["password", "db.password", '["db"]["password"]']) {
      const { files: found } = await json(box, "--who-can-read", word);
      assert.equal(
        found.map(({ file, values }: { file: string; values: unknown }) => [file, values]),
        ["a.yaml", "both/b.yaml", "twice/c.yaml"].map((file) => [
          file,
          [{ path: ["db", "password"], encrypted: 1, plain: 0 }],
        ]),
        word,
      );
    }
    const map = await json(box, "--who-can-read", "db", "a.yaml");
    assert.equal(map.files[0].values, [{ path: ["db"], encrypted: 1, plain: 1 }]);
    const plain = await box.run(["recipients", "--who-can-read", "db.host_unencrypted", "a.yaml"]);
    assert.is(
      plain.stdout,
      'a.yaml: ["db"]["host_unencrypted"]: not encrypted, whoever has the file can read it\n',
    );
    const nothing = await box.run(["recipients", "--who-can-read", "alice"]);
    assert.is(nothing.code, 1);
    assert.match(nothing.stderr, "--files-of says what it can read");
    assert.is((await box.run(["recipients", "--who-can-read", "x", "--files-of", "y"])).code, 1);
  }));

test("a damaged file is named, since nothing is known of its readers", () =>
  inSandbox(async (box) => {
    await files(box);
    box.write("d.yaml", `<<<<<<< HEAD\n${box.read("a.yaml")}`);
    const { code, stdout, stderr } = await box.run(["recipients", "--json"]);
    assert.is(code, 1);
    assert.match(stderr, "d.yaml");
    assert.equal(JSON.parse(stdout).failed, [{ file: "d.yaml", error: "merge-conflict" }]);
    assert.is(JSON.parse(stdout).recipients.length, 2);
  }));

test.run();
