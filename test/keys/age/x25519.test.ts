import { spawnSync } from "node:child_process";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { agree, ephemeral, publicBytesOf } from "../../../src/keys/age/x25519.ts";
import { LOADER, modulePath } from "../../support/program.ts";

test("a fresh key pair: the share is the key's public key, and both sides agree", () => {
  const [one, two] = [ephemeral(), ephemeral()];
  assert.equal(publicBytesOf(one.key), one.share);
  assert.is(one.share.length, 32);
  assert.not.equal(one.share, two.share);
  assert.equal(agree(one.key, two.share), agree(two.key, one.share));
});

test("thousands of key pairs, while the garbage collector takes all it can: none waits for it for ever", () => {
  const module = JSON.stringify(modulePath("src/keys/age/x25519.ts"));
  const script = `import { ephemeral } from ${module};
for (let i = 0; i < 20_000; i++) ephemeral();
console.log("done");`;
  const collecting = ["--gc-global", "--min-semi-space-size=1", "--max-semi-space-size=1"];
  const argv = [...collecting, ...LOADER, "--input-type=module", "-e", script];
  // it comes to its end, or never: the limit only ends the test
  const { stdout, error } = spawnSync(process.execPath, argv, { encoding: "utf8", timeout: 1_200_000 });
  assert.is(error, undefined);
  assert.is(stdout, "done\n");
});

test.run();
