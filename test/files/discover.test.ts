import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { TsopsError } from "../../src/errors.ts";
import { discover } from "../../src/files/discover.ts";
import { scratchFolder } from "./helpers.ts";

const test = suite("discover");
const cwd = scratchFolder();

for (const name of [
  "a.yaml",
  "b.yaml",
  "Z.yaml",
  "c.json",
  ".env",
  "dir/a.yaml",
  "dir/.hidden.yaml",
  "dir/deep/er/z.yaml",
  "dir/deep/x.yaml",
  "dir/.dots/y.yaml",
  "dir/node_modules/pack/n.yaml",
  "dir/.git/config.yaml",
  "dir/.tsops-0123456789abcdef.lock",
  "dir/.tsops-0123456789abcdef.tmp",
  "odd[1].yaml",
  "star*.yaml",
  "ü𝒳.yaml",
  ".git/x.yaml",
]) {
  mkdirSync(dirname(join(cwd, name)), { recursive: true });
  writeFileSync(join(cwd, name), "");
}
symlinkSync("..", join(cwd, "dir/loop"));
symlinkSync("a.yaml", join(cwd, "dir/same.yaml"));
symlinkSync("nowhere", join(cwd, "dir/broken.yaml"));

const find = (...names: string[]): Promise<string[]> => discover(names, { cwd });

test("names come back as they were given, in their order, each file once", async () => {
  assert.equal(await find("c.json", "./a.yaml", "missing.yaml", "a.yaml"), [
    "c.json",
    "./a.yaml",
    "missing.yaml",
  ]);
  assert.equal(await find(join(cwd, "a.yaml"), "a.yaml"), [join(cwd, "a.yaml")]);
});

test("folders with all that is below them, but for .git, node_modules and links to folders", async () => {
  const all = ["dir/.dots/y.yaml", "dir/.hidden.yaml", "dir/a.yaml", "dir/deep/er/z.yaml", "dir/deep/x.yaml"];
  assert.equal(await find("dir"), all);
  assert.equal(await find("dir/"), all);
  assert.equal((await discover(["."], { cwd: join(cwd, "dir") })).length, all.length);
  assert.equal(await find("dir/loop/dir/deep", "dir/deep"), [
    "dir/loop/dir/deep/er/z.yaml",
    "dir/loop/dir/deep/x.yaml",
  ]);
});

test("patterns", async () => {
  assert.equal(await find("?.yaml"), ["Z.yaml", "a.yaml", "b.yaml"]);
  assert.equal(await find("*.json", "[ab].yaml"), ["c.json", "[ab].yaml"]);
  assert.equal(await find("dir/**/*.yaml"), ["dir/a.yaml", "dir/deep/er/z.yaml", "dir/deep/x.yaml"]);
  assert.equal(await find("**/z.yaml"), ["dir/deep/er/z.yaml"]);
  assert.equal(await find("**/**/z.yaml"), ["dir/deep/er/z.yaml"]);
  assert.equal(await find("dir/**"), ["dir/a.yaml", "dir/deep/er/z.yaml", "dir/deep/x.yaml"]);
  assert.equal(await find("dir/*/x.yaml"), ["dir/deep/x.yaml"]);
  assert.equal(await find("dir/.*.yaml"), ["dir/.hidden.yaml"]);
  assert.equal(await find("dir/.*/*.yaml"), ["dir/.dots/y.yaml"]);
  assert.equal(await find("*[1].y*"), ["odd[1].yaml"]);
  assert.equal(await find("ü?.yaml"), ["ü𝒳.yaml"]);
  assert.equal(await find(join(cwd, "*.json")), [join(cwd, "c.json")]);
  assert.equal(await find("star*.yaml"), ["star*.yaml"]);
});

test("a pattern that matches nothing is an error, and stopping stops", async () => {
  const error = (await find("*.nothing").catch((error: unknown) => error)) as TsopsError;
  assert.is(error.code, "no-such-file");
  assert.match(error.message, "*.nothing");
  const aborted = await discover(["dir"], { cwd, signal: AbortSignal.abort() }).catch(
    (error: unknown) => error,
  );
  assert.is((aborted as TsopsError).code, "aborted");
});

test.run();
