import { mkdirSync, readFileSync, renameSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { inSandbox, OTHER_RECIPIENT, RECIPIENT, type Sandbox } from "../support/cli.ts";

/** `share_data_key` in a rule: files that are encrypted or rotated together have one data key, wrapped once. */

const KEYS = new URL("../../fixtures/golden/keys/", import.meta.url);
/** Of the first two recipients. */
const IDENTITIES = ["age1.txt", "age2.txt"].map((name) => readFileSync(new URL(name, KEYS), "utf8")).join("");
const FILES = ["a/1.yaml", "a/2.yaml", "b/1.yaml"];

/** The wrapped data key of each file. */
function wrapped(box: Sandbox): string[] {
  return FILES.map((name) => armorOf(box, name));
}

function armorOf(box: Sandbox, name: string): string {
  const [, armor] = /-----BEGIN AGE ENCRYPTED FILE-----(.+?)-----END/s.exec(box.read(name)) ?? [];
  assert.ok(armor, name);
  return armor!;
}

function setUp(box: Sandbox, sharing?: string): void {
  // keys that the person names are nobody's rule
  box.env.SOPS_AGE_RECIPIENTS = undefined;
  const field = sharing === undefined ? "" : `, share_data_key: "${sharing}"`;
  box.write(".sopsrc", `{ rules: [{ glob: "*.yaml", recipients: ["age:${RECIPIENT}"]${field} }] }`);
  for (const [i, name] of FILES.entries()) box.write(name, `secret: s${i}\n`);
}

async function plain(box: Sandbox): Promise<void> {
  for (const [i, name] of FILES.entries()) {
    assert.is((await box.run(["decrypt", name])).stdout, `secret: s${i}\n`);
  }
}

for (const [sharing, same] of [
  [undefined, [false, false]],
  ["folder", [true, false]],
  ["rule", [true, true]],
] as const) {
  test(`encrypt and rotate: ${sharing ?? "nothing"} is shared`, () =>
    inSandbox(async (box) => {
      setUp(box, sharing);
      assert.is((await box.run(["encrypt", "-i", "."])).code, 0);
      const [first, second, third] = wrapped(box);
      assert.equal([first === second, second === third], same);
      await plain(box);
      assert.is((await box.run(["rotate", "-i", "."])).code, 0);
      const [now, next, last] = wrapped(box);
      assert.equal([now === next, next === last], same);
      assert.is.not(now, first);
      await plain(box);
    }));
}

test("a key that other files have is not taken over: whoever made them may know it", () =>
  inSandbox(async (box) => {
    setUp(box, "folder");
    for (const name of FILES) assert.is((await box.run(["encrypt", "-i", name])).code, 0);
    const [first, second] = wrapped(box);
    assert.is.not(first, second);
  }));

test("keys that are named on the command line are not the rule's", () =>
  inSandbox(async (box) => {
    setUp(box, "rule");
    const argv = ["encrypt", "-i", "--age", OTHER_RECIPIENT, ...FILES];
    assert.is((await box.run(argv)).code, 0);
    assert.is(new Set(wrapped(box)).size, 3);
  }));

test("updatekeys: a new recipient's key is wrapped once for files that share a data key", () =>
  inSandbox(async (box) => {
    setUp(box, "rule");
    assert.is((await box.run(["encrypt", "-i", "."])).code, 0);
    const recipients = `["age:${RECIPIENT}", "age:${OTHER_RECIPIENT}"]`;
    box.write(
      ".sopsrc",
      `{ rules: [{ glob: "*.yaml", recipients: ${recipients}, share_data_key: "rule" }] }`,
    );
    assert.is((await box.run(["updatekeys", "-y", "."])).code, 0);
    const blocks = FILES.map((name) =>
      box
        .read(name)
        .match(/-----BEGIN AGE ENCRYPTED FILE-----.+?-----END/gs)!
        .join(""),
    );
    assert.is(new Set(blocks).size, 1);
    await plain(box);
    // who is let out cannot read what comes after, and the new data key is shared again
    box.write(
      ".sopsrc",
      `{ rules: [{ glob: "*.yaml", recipients: ["age:${RECIPIENT}"], share_data_key: "rule" }] }`,
    );
    const before = wrapped(box)[0];
    assert.is((await box.run(["updatekeys", "-y", "."])).code, 0);
    assert.is(new Set(wrapped(box)).size, 1);
    assert.is.not(wrapped(box)[0], before);
    await plain(box);
  }));

/** Two folders with rules of their own; the second one is for one more person. One file was moved from the first there. */
async function moved(box: Sandbox, run: readonly string[] = []): Promise<string> {
  box.env.SOPS_AGE_RECIPIENTS = undefined;
  const both = `["age:${RECIPIENT}", "age:${OTHER_RECIPIENT}"]`;
  const rules = [
    `{ glob: "a/*.yaml", recipients: ["age:${RECIPIENT}"], share_data_key: "folder" }`,
    `{ glob: "b/*.yaml", recipients: ${both} }`,
  ];
  box.write(".sopsrc", `{ rules: [${rules.join(", ")}] }`);
  for (const name of ["a/1.yaml", "a/2.yaml", "b/1.yaml"]) box.write(name, `secret: ${name}\n`);
  assert.is((await box.run(["encrypt", "-i", "a"])).code, 0);
  const [first, second] = [armorOf(box, "a/1.yaml"), armorOf(box, "a/2.yaml")];
  assert.is(first, second);
  renameSync(box.path("a/2.yaml"), box.path("b/1.yaml"));
  if (run.length === 0) return first;
  const { code, stdout, stderr } = await box.run(run);
  assert.is(code, 0, stderr);
  assert.match(
    stderr,
    "b/1.yaml has a new data key: it had the same one as a/1.yaml, which not all of its recipients may read",
  );
  // else the new one could open a/1.yaml with what is in b/1.yaml
  assert.is.not(armorOf(box, "b/1.yaml"), first);
  assert.is(armorOf(box, "a/1.yaml"), first);
  assert.is((await box.run(["decrypt", "b/1.yaml"])).stdout, "secret: a/2.yaml\n");
  return stdout;
}

const ADDS = `sed -i 's/^    age:$/    age:\\n        - recipient: ${OTHER_RECIPIENT}/'`;
for (const [what, argv, editor] of [
  ["updatekeys", ["updatekeys", "-y", "."]],
  ["updatekeys of this file", ["updatekeys", "-y", "--input-type", "yaml", "b/1.yaml"]],
  ["edit --show-master-keys", ["edit", "-y", "--show-master-keys", "b/1.yaml"], ADDS],
] as const) {
  test(`who is added to a file that was moved does not get the data key of the others: ${what}`, () =>
    inSandbox(async (box) => {
      box.env.EDITOR = editor;
      await moved(box, argv);
    }));
}

test("so with a key group that is added", () =>
  inSandbox(async (box) => {
    box.env.SOPS_AGE_RECIPIENTS = undefined;
    const third = readFileSync(new URL("age3.pub", KEYS), "utf8").trim();
    const groups = `key_groups: ["age:${RECIPIENT}", "age:${OTHER_RECIPIENT}"], shamir_threshold: 2`;
    box.write(".sopsrc", `{ rules: [{ glob: "a/*.yaml", ${groups}, share_data_key: "rule" }] }`);
    for (const name of ["a/1.yaml", "a/2.yaml"]) box.write(name, `secret: ${name}\n`);
    assert.is((await box.run(["encrypt", "-i", "a"])).code, 0);
    mkdirSync(box.path("b"));
    renameSync(box.path("a/2.yaml"), box.path("b/1.yaml"));
    box.env.SOPS_AGE_KEY_FILE = box.write("both.txt", IDENTITIES);
    const argv = [
      "groups",
      "add",
      "-y",
      "-i",
      "-f",
      "b/1.yaml",
      "--age",
      third,
      "--shamir-secret-sharing-threshold",
      "2",
    ];
    const { code, stderr } = await box.run(argv);
    assert.is(code, 0, stderr);
    assert.match(stderr, "b/1.yaml has a new data key: it had the same one as a/1.yaml");
    assert.is((await box.run(["decrypt", "b/1.yaml"])).stdout, "secret: a/2.yaml\n");
  }));

test("a dry run says that a file that was moved gets a new data key", () =>
  inSandbox(async (box) => {
    const first = await moved(box);
    const { stdout, stderr } = await box.run(["updatekeys", "--dry-run", "--json", "."]);
    assert.match(stderr, "b/1.yaml would get a new data key: it had the same one as a/1.yaml");
    const { files } = JSON.parse(stdout) as { files: { file: string; newDataKey?: boolean }[] };
    assert.is(files.find(({ file }) => file === "b/1.yaml")?.newDataKey, true);
    assert.is(armorOf(box, "b/1.yaml"), first);
  }));

test("other words are refused, and config explain says what is shared", () =>
  inSandbox(async (box) => {
    setUp(box, "all");
    const { code, stdout, stderr } = await box.run(["config", "check"]);
    assert.is(code, 1);
    assert.match(stdout + stderr, /share_data_key/);
    setUp(box, "folder");
    const explained = await box.run(["config", "explain", "a/1.yaml"]);
    assert.match(
      explained.stdout,
      /the files of a folder that are encrypted or rotated together share one data key/,
    );
  }));

test.run();
