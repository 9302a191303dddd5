import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { TsopsError } from "../../src/errors.ts";
import { listFiles, pathKey, topOf } from "../../src/git/listing.ts";

let root = "";
test.before.each(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "tsops-listing-")));
  git("init", "-q", "-b", "main");
});
test.after.each(() => rmSync(root, { recursive: true, force: true }));

const environment = () => ({ PATH: process.env.PATH, HOME: root, GIT_CONFIG_NOSYSTEM: "1" });

function git(...args: readonly string[]): void {
  const who = ["-c", "user.name=a", "-c", "user.email=a@b"];
  execFileSync("git", [...who, ...args], {
    cwd: root,
    env: environment(),
    stdio: ["ignore", "pipe", "pipe"],
  });
}

function write(name: string, text = "x\n"): void {
  mkdirSync(join(root, name, ".."), { recursive: true });
  writeFileSync(join(root, name), text);
}

const paths = (...names: readonly string[]) => names.map((name) => pathKey(join(root, name))).sort();

test("lists tracked files and those that nothing ignores, with their folders, below what was asked about", async () => {
  for (const name of ["a/x", "a/b/y", "a/c/ignored", "z", "q/r"]) write(name);
  write(".gitignore", "ignored\nq/\n");
  git("add", "a/x");
  const { files, folders, ignored } = await listFiles(
    root,
    [join(root, "a"), join(root, "q")],
    environment(),
  );
  assert.equal([...files].sort(), paths("a/x", "a/b/y"));
  assert.equal([...folders].sort(), [pathKey(root), ...paths("a", "a/b")].sort());
  assert.equal([...ignored], paths("q"));
});

test("a folder that git cannot read counts, unless it is ignored, and so do those on the way to it", async () => {
  write("a");
  write(".gitignore", "ignored/\n");
  const closed = ["it's\nclosed", "open/closed", "ignored/closed"];
  for (const name of closed) write(join(name, "x"));
  // root may read everything, so a git that says what it would say to others
  const real = execFileSync("sh", ["-c", "command -v git"], { encoding: "utf8" }).trim();
  const bin = join(root, ".git", "bin");
  mkdirSync(bin);
  const warning = closed
    .slice(0, 2)
    .map((name) => `warning: could not open directory '${name}/': Permission denied\n`)
    .join("");
  writeFileSync(join(bin, "warning"), warning);
  const script = `#!/bin/sh\ncat '${join(bin, "warning")}' >&2\nexec '${real}' "$@" --exclude='closed/' --exclude='*closed/'\n`;
  writeFileSync(join(bin, "git"), script, { mode: 0o755 });
  const { files, folders } = await listFiles(root, [root], {
    ...environment(),
    PATH: `${bin}:${process.env.PATH}`,
  });
  assert.equal([...files].sort(), paths(".gitignore", "a"));
  assert.equal([...folders].sort(), [pathKey(root), ...paths("it's\nclosed", "open", "open/closed")].sort());
});

test("with many paths the whole work tree is listed, and nothing is missing", async () => {
  const names = Array.from({ length: 250 }, (_, i) => `f${i}`);
  for (const name of names) write(name);
  const all = names.map((name) => join(root, name));
  const { files } = await listFiles(root, all, environment());
  for (const path of paths(...names)) assert.ok(files.has(path), path);
});

test("says which files are in conflict", async () => {
  write("a");
  write("b");
  git("add", ".");
  git("commit", "-qm", "base");
  git("checkout", "-qb", "other");
  write("a", "theirs\n");
  git("commit", "-qam", "theirs");
  git("checkout", "-q", "main");
  write("a", "ours\n");
  git("commit", "-qam", "ours");
  assert.throws(() => git("merge", "other"));
  const { unmerged, files } = await listFiles(root, [root], environment());
  assert.equal([...unmerged], paths("a"));
  assert.equal([...files].sort(), paths("a", "b"));
});

test("submodules and nested repositories are no files", async () => {
  for (const name of ["sub", "nested"]) {
    write(`${name}/f`);
    git("init", "-q", name);
    git("-C", name, "add", ".");
    git("-C", name, "commit", "-qm", "x");
  }
  git("-c", "protocol.file.allow=always", "submodule", "add", "-q", "./sub", "module");
  const { files, repositories } = await listFiles(root, [root], environment());
  assert.equal([...repositories].sort(), paths("module", "nested", "sub"));
  assert.equal([...files], paths(".gitmodules"));
});

test("the top is the nearest folder with a .git, and git's refusal is an error", async () => {
  write("a/b/c");
  assert.is(topOf(join(root, "a/b")), root);
  writeFileSync(join(root, ".git/config"), "[core\n");
  const error = await listFiles(root, [root], environment()).catch((thrown: unknown) => thrown);
  assert.ok(error instanceof TsopsError && error.code === "git" && /bad config/.test(error.message));
});

test.run();
