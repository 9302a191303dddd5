import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { installed, scratch } from "../support/integration/servers.ts";
import { argvOf } from "../support/program.ts";

/*
 * A disk that is really full: a small file system in memory, mounted where only the test's own processes see it. That
 * needs Linux and the right to make such a name space, so it stands here and not among the unit tests.
 */

const KEYS = fileURLToPath(new URL("../../fixtures/golden/keys/", import.meta.url));
const RECIPIENT = readFileSync(join(KEYS, "age1.pub"), "utf8").trim();

/** Runs a shell script in a folder with 256 KiB of room. */
function onSmallDisk(script: string): { stdout: string; stderr: string; code: number | null } {
  const disk = scratch();
  const { status, stdout, stderr } = spawnSync(
    "unshare",
    [
      "--map-root-user",
      "--mount",
      "sh",
      "-c",
      `mount -t tmpfs -o size=256k none . && cd "$PWD" && ${script}`,
    ],
    {
      cwd: disk,
      encoding: "utf8",
      env: {
        PATH: process.env.PATH,
        HOME: scratch(),
        TSOPS: argvOf(installed("TSOPS")).join(" "),
        SOPS_AGE_KEY_FILE: join(KEYS, "age1.txt"),
        SOPS_AGE_RECIPIENTS: RECIPIENT,
      },
    },
  );
  return { stdout, stderr, code: status };
}

/** Encrypts a file, keeps a copy of it elsewhere, and fills the disk. */
const FILL = [
  'printf "a: one\\nb: two\\n" > f.yaml',
  "$TSOPS encrypt -i f.yaml",
  'cp f.yaml "$HOME/before"',
  "(cat /dev/zero > filler 2>/dev/null || true)",
].join(" && ");

for (const [what, command] of [
  ["set", `$TSOPS set f.yaml '["a"]' '"${"x".repeat(5000)}"'`],
  ["decrypt --in-place", "$TSOPS decrypt -i f.yaml"],
  ["rotate --in-place", "$TSOPS rotate -i f.yaml"],
  ["edit", `EDITOR="sed -i s/one/${"y".repeat(5000)}/" $TSOPS edit f.yaml`],
]) {
  test(`${what} on a full disk: the error says so, the file is as it was, and nothing is left behind`, () => {
    const { stdout, stderr, code } = onSmallDisk(
      `${FILL} && { ${command}; echo "exit $?"; cmp f.yaml "$HOME/before" && echo same; ls -A; }`,
    );
    assert.is(code, 0, stderr);
    assert.match(stderr, /the disk is full/);
    assert.match(stdout, /^exit [1-9]/m);
    assert.match(stdout, /^same$/m);
    assert.equal(stdout.split("\n").slice(2).filter(Boolean).sort(), ["f.yaml", "filler"]);
  });
}

test("decrypt --output on a full disk leaves no half of a plaintext", () => {
  const { stdout, stderr } = onSmallDisk(
    `${FILL} && { $TSOPS decrypt --output plain f.yaml; echo "exit $?"; ls -A; }`,
  );
  assert.match(stderr, /the disk is full/);
  assert.match(stdout, /^exit 3$/m);
  assert.not.match(stdout, /plain/);
});

test.run();
