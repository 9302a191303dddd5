import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { TsopsError } from "../../src/errors.ts";
import { explore } from "../../src/files/discover.ts";
import { scratchFolder } from "../support/scripts.ts";

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

const discover = async (...given: Parameters<typeof explore>): Promise<string[]> =>
  (await explore(...given)).files.map(({ name }) => name);
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

test("what a folder or pattern brings in leads nowhere else, and one name of a file counts", async () => {
  const outside = scratchFolder();
  writeFileSync(join(outside, "out.yaml"), "");
  const root = scratchFolder();
  for (const folder of ["in/sub", "in/.git", "else"]) mkdirSync(join(root, folder), { recursive: true });
  for (const name of ["in/z.yaml", "in/.git/config", "else/e.yaml"]) writeFileSync(join(root, name), "");
  for (const [name, target] of [
    ["a-link", "z.yaml"],
    ["sub/up", "../z.yaml"],
    ["sub/round", "../../in/z.yaml"],
    ["beside", "../else/e.yaml"],
    ["out", join(outside, "out.yaml")],
    ["through", "out"],
    ["git", ".git/config"],
    ["folder", "../else"],
    ["null", "/dev/null"],
    ["nothing", "missing"],
  ] as const)
    symlinkSync(target, join(root, "in", name));
  writeFileSync(join(root, "in/sub/.git"), "gitdir: elsewhere");
  symlinkSync("z.yaml", join(root, "in/.tsops-0123456789abcdef.lock"));
  const look = async (...given: string[]) => {
    const { files, passedOver } = await explore(given, { cwd: root });
    const names = (why: string) => passedOver.filter((item) => item.why === why).map(({ name }) => name);
    return { files, leaves: names("leaves").sort(), others: names("no-file") };
  };
  const own = { name: "in/z.yaml", named: false, link: false };
  const leaves = ["in/beside", "in/git", "in/out", "in/through"];
  for (const given of ["in", "in/**", "./in/", "in/../in"]) {
    assert.equal(await look(given), { files: [own], leaves, others: ["in/null"] }, given);
  }
  // seen from above, the other folder belongs to it
  assert.equal(
    (await look(".")).leaves,
    leaves.filter((name) => name !== "in/beside"),
  );
  // a link whose target was not found itself is a name of it
  assert.equal((await look("in/*-link")).files, [{ name: "in/a-link", named: false, link: true }]);
  assert.equal((await look("in/sub")).leaves, ["in/sub/round", "in/sub/up"]);
  // what is named is followed, and is no file of the folder any more
  assert.equal((await look("in/out", "in/a-link", "in")).files, [
    { name: "in/out", named: true, link: false },
    { name: "in/a-link", named: true, link: false },
  ]);
  assert.not.ok((await look("in", "in/out")).leaves.includes("in/out"));
});

test.run();
