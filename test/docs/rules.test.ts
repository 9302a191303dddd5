import { spawnSync } from "node:child_process";
import { test } from "uvu";
import * as assert from "uvu/assert";

test("docs/check.md has the rules and services of the source", () => {
  const argv = ["--import", import.meta.resolve("tsx"), "scripts/rules.mjs", "--check"];
  const { status, stdout, stderr } = spawnSync(process.execPath, argv, { encoding: "utf8" });
  assert.is(status, 0, stdout + stderr);
});

test.run();
