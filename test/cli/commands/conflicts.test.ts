import { test } from "uvu";
import * as assert from "uvu/assert";
import { inSandbox, OTHER_RECIPIENT, type Sandbox } from "../../support/cli.ts";

/** A file in conflict, and the two that it came of. */
async function inConflict(box: Sandbox): Promise<void> {
  box.write("plain.yaml", "a: SECRETa\nb: SECRETb\n");
  box.write("base.yaml", (await box.run(["encrypt", "plain.yaml"])).stdout);
  for (const [name, value] of [
    ["ours.yaml", '"SECRET1"'],
    ["theirs.yaml", '"SECRET2"'],
  ] as const) {
    box.write(name, box.read("base.yaml"));
    await box.run(["set", name, '["a"]', value]);
  }
  const { code } = await box.run(["git", "merge", "base.yaml", "ours.yaml", "theirs.yaml"]);
  assert.is(code, 1);
}

test("no command writes a file in conflict, and each says how to go on", async () => {
  await inSandbox(async (box) => {
    await inConflict(box);
    const before = box.read("ours.yaml");
    box.env.EDITOR = `sh -c 'echo "c: 1" >> "$1"' sh`;
    const writes = [
      ["set", "ours.yaml", '["b"]', '"x"'],
      ["unset", "ours.yaml", '["b"]'],
      ["edit", "ours.yaml"],
      ["rotate", "-i", "ours.yaml"],
      ["rotate", "-i", "--add-age", OTHER_RECIPIENT, "ours.yaml"],
      ["groups", "add", "-i", "-f", "ours.yaml", "--age", OTHER_RECIPIENT],
      ["encrypt", "--update", "ours.yaml", "plain.yaml"],
      ["decrypt", "-i", "ours.yaml"],
    ];
    for (const argv of writes) {
      const { code, stderr, stdout } = await box.run(argv);
      assert.is(code, 1, argv.join(" "));
      assert.is(stdout, "");
      assert.match(stderr, '["a"]');
      assert.match(stderr, "tsops git resolve FILE");
      assert.not.match(stderr, "SECRET");
      assert.is(box.read("ours.yaml"), before, argv.join(" "));
    }
    box.write(".sops.yaml", `creation_rules:\n  - age: ${box.env.SOPS_AGE_RECIPIENTS},${OTHER_RECIPIENT}\n`);
    box.env.SOPS_AGE_RECIPIENTS = undefined;
    assert.is((await box.run(["updatekeys", "-y", "ours.yaml"])).code, 1);
    assert.is(box.read("ours.yaml"), before);
  });
});

test("decrypt gives our side, and says that there is another one", async () => {
  await inSandbox(async (box) => {
    await inConflict(box);
    const { code, stdout, stderr } = await box.run(["decrypt", "ours.yaml"]);
    assert.is(code, 0);
    assert.is(stdout, "a: SECRET1\nb: SECRETb\n");
    assert.match(stderr, "warning: ours.yaml:");
    assert.match(stderr, "holds conflicts of a merge");
  });
});

test("the seal covers the conflicts", async () => {
  await inSandbox(async (box) => {
    await inConflict(box);
    const text = box.read("ours.yaml");
    box.write("none.yaml", text.replace(/^ +conflicts: .*\n/m, ""));
    assert.is((await box.run(["decrypt", "none.yaml"])).code, 51);
  });
});

test.run();
