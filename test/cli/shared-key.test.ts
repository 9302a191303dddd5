import { test } from "uvu";
import * as assert from "uvu/assert";
import { inSandbox, OTHER_RECIPIENT, RECIPIENT, type Sandbox } from "../support/cli.ts";

/** `share_data_key` in a rule: files that are encrypted or rotated together have one data key, wrapped once. */

const FILES = ["a/1.yaml", "a/2.yaml", "b/1.yaml"];

/** The wrapped data key of each file. */
function wrapped(box: Sandbox): string[] {
  return FILES.map((name) => {
    const [, armor] = /-----BEGIN AGE ENCRYPTED FILE-----(.+?)-----END/s.exec(box.read(name)) ?? [];
    assert.ok(armor, name);
    return armor!;
  });
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
