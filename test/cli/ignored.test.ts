import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { inSandbox, type Sandbox } from "../support/cli.ts";
import { gitIn, watchedGit } from "../support/git.ts";

/** Folders and patterns bring in what git has or would take; what is named counts in any case. */

async function encrypted(box: Sandbox, ...names: readonly string[]): Promise<void> {
  for (const name of names) {
    box.write(name, "a: x\n");
    const { code, stderr } = await box.run(["encrypt", "-i", name]);
    assert.is(code, 0, stderr);
  }
}

/** The files that `decrypt` would work on. */
async function taken(box: Sandbox, ...args: readonly string[]): Promise<string[]> {
  const { code, stderr } = await box.run(["decrypt", "--dry-run", ...args]);
  assert.is(code, 0, stderr);
  return [...stderr.matchAll(/would decrypt (\S+)$/gm)].map(([, name]) => name!).sort();
}

test("what .gitignore, info/exclude and the person's excludes name is left out, tracked files are not", () =>
  inSandbox(async (box) => {
    gitIn(box, "init", "-q");
    await encrypted(
      box,
      "a.yaml",
      "own/b.yaml",
      "build/c.yaml",
      "build/kept.yaml",
      "d/local.yaml",
      "d/x.yaml",
      "e.yaml",
    );
    gitIn(box, "add", "-f", "a.yaml", "build/kept.yaml");
    box.write(".gitignore", "build/\n");
    box.write("d/.gitignore", "local.*\n");
    box.write(".git/info/exclude", "/own\n");
    writeFileSync(join(box.home, "excludes"), "e.yaml\n");
    writeFileSync(join(box.home, ".gitconfig"), `[core]\n\texcludesFile = ${join(box.home, "excludes")}\n`);
    assert.equal(await taken(box, "."), ["a.yaml", "build/kept.yaml", "d/x.yaml"]);
    assert.equal(await taken(box, "**/*.yaml"), ["a.yaml", "build/kept.yaml", "d/x.yaml"]);
    assert.equal(await taken(box, "d", "a.yaml"), ["a.yaml", "d/x.yaml"]);
    const all = [
      "a.yaml",
      "build/c.yaml",
      "build/kept.yaml",
      "d/local.yaml",
      "d/x.yaml",
      "e.yaml",
      "own/b.yaml",
    ];
    assert.equal(await taken(box, "--no-ignore", "."), all);
    // what is named is meant
    assert.equal(await taken(box, "build/c.yaml", "d/local.yaml"), ["build/c.yaml", "d/local.yaml"]);
    assert.equal(await taken(box, "own"), ["own/b.yaml"]);
    const none = await box.run(["decrypt", "--dry-run", "d/local*"]);
    assert.is.not(none.code, 0);
    assert.match(none.stderr, /no file matches d\/local\*\n {2}what git ignores is left out: .*--no-ignore/);
    const verbose = await box.run(["decrypt", "--dry-run", "--verbose", "d"]);
    assert.match(verbose.stderr, "1 name that git ignores: left out");
  }));

test("every command that goes over files leaves the same out", () =>
  inSandbox(async (box) => {
    gitIn(box, "init", "-q");
    await encrypted(box, "p/a.yaml", "p/local.yaml");
    box.write("p/plain.yaml", "a: b\n");
    box.write("p/plain-local.yaml", "a: b\n");
    box.write(".gitignore", "*local.yaml\n");
    box.env.SOPS_AGE_RECIPIENTS = undefined;
    const pub = /age1\w+/.exec(box.read("p/a.yaml"))![0];
    box.write(".sops.yaml", `creation_rules:\n  - path_regex: ^p/\n    age: ${pub}\n`);
    const before = box.read("p/local.yaml");
    for (const argv of [
      ["rotate", "-i", "--verbose", "p"],
      ["updatekeys", "-y", "p"],
      ["doctor", "p"],
      ["encrypt", "--check", "p"],
      ["decrypt", "--output", "out", "p"],
      ["encrypt", "-i", "p"],
    ]) {
      const { code, stdout, stderr } = await box.run(argv);
      assert.is(code, argv[1] === "--check" ? 1 : 0, stderr);
      assert.not.match(stdout + stderr, "local.yaml", argv.join(" "));
    }
    assert.is(box.read("p/local.yaml"), before);
    assert.is(box.read("p/plain-local.yaml"), "a: b\n");
    assert.match(box.read("p/plain.yaml"), "sops:");
  }));

test("other repositories among the files are skipped with a line, and searched by their own rules when named", () =>
  inSandbox(async (box) => {
    gitIn(box, "init", "-q");
    await encrypted(box, "a.yaml", "sub/b.yaml", "sub/x.yaml", "lib/c.yaml", "gone/d.yaml");
    for (const name of ["sub", "lib", "gone"]) {
      gitIn(box, "init", "-q", name);
      gitIn(box, "-C", name, "add", ".");
      gitIn(box, "-C", name, "commit", "-qm", "x");
    }
    gitIn(box, "submodule", "add", "-q", "./lib", "module");
    box.write("sub/.gitignore", "y.yaml\n");
    await encrypted(box, "sub/y.yaml");
    box.write(".gitignore", "/gone\n");
    const { stderr } = await box.run(["decrypt", "--dry-run", "."]);
    assert.match(stderr, /would decrypt a\.yaml$/m);
    assert.not.match(stderr, "would decrypt sub");
    for (const name of ["sub", "lib", "module"])
      assert.match(stderr, `${name} is a git repository of its own, and is skipped: name it to go into it`);
    assert.not.match(stderr, "gone");
    assert.equal(await taken(box, "sub", "module"), ["module/c.yaml", "sub/b.yaml", "sub/x.yaml"]);
    assert.equal(await taken(box, "*/*.yaml", "lib/*"), ["lib/c.yaml"]);
    assert.equal((await taken(box, "--no-ignore", ".")).length, 7);
    // a folder of repositories that is in none itself
    for (const name of [".git", "module"]) rmSync(box.path(name), { recursive: true });
    assert.equal(await taken(box, "."), ["a.yaml", "gone/d.yaml", "lib/c.yaml", "sub/b.yaml", "sub/x.yaml"]);
  }));

test("a linked work tree and a folder that a link leads to are searched by the rules of their repository", () =>
  inSandbox(async (box) => {
    gitIn(box, "init", "-q");
    await encrypted(box, "p/a.yaml");
    box.write(".gitignore", "local.yaml\n");
    gitIn(box, "add", ".");
    gitIn(box, "commit", "-qm", "x");
    gitIn(box, "worktree", "add", "-q", "../tree");
    symlinkSync("../tree/p", box.path("link"));
    writeFileSync(join(box.root, "tree/p/local.yaml"), box.read("p/a.yaml"));
    assert.equal(await taken(box, "../tree"), ["../tree/p/a.yaml"]);
    assert.equal(await taken(box, "link"), ["link/a.yaml"]);
  }));

test("where git is missing or refuses the repository, everything counts and a line says so", () =>
  inSandbox(async (box) => {
    gitIn(box, "init", "-q");
    await encrypted(box, "a.yaml", "local.yaml");
    box.write(".gitignore", "local.yaml\n");
    assert.equal(await taken(box, "."), ["a.yaml"]);
    const path = box.env.PATH;
    box.env.PATH = box.root;
    const missing = await box.run(["decrypt", "--dry-run", ".", "*.yaml"]);
    assert.match(missing.stderr, /what \.gitignore names is not left out, since .*git is not installed\n/);
    assert.is(missing.stderr.match(/not installed/g)!.length, 1);
    assert.match(missing.stderr, "would decrypt local.yaml");
    box.env.PATH = path;
    box.write(".git/config", "[core\n");
    const refused = await box.run(["decrypt", "--dry-run", "."]);
    assert.is(refused.code, 0);
    assert.match(refused.stderr, /not left out, since git does not read .*: bad config/);
    assert.match(refused.stderr, "would decrypt local.yaml");
  }));

test("outside of a repository nothing is ignored, and git is not started", () =>
  inSandbox(async (box) => {
    const seen = watchedGit(box);
    await encrypted(box, "a.yaml");
    box.write(".gitignore", "*\n");
    assert.equal(await taken(box, "."), ["a.yaml"]);
    assert.is(readFileSync(seen, "utf8"), "");
  }));

test("one git answers for all folders and patterns of a repository", () =>
  inSandbox(async (box) => {
    gitIn(box, "init", "-q");
    await encrypted(box, "p/a.yaml", "q/b.yaml", "r/c.yaml");
    const seen = watchedGit(box);
    assert.equal(await taken(box, "p", "q", "r/*.yaml"), ["p/a.yaml", "q/b.yaml", "r/c.yaml"]);
    assert.is(readFileSync(seen, "utf8").trim().split("\n").length, 1);
    writeFileSync(seen, "");
    await taken(box, "p/a.yaml");
    assert.is(readFileSync(seen, "utf8"), "", "a file that is named needs no git");
  }));

test("odd names are themselves", () =>
  inSandbox(async (box) => {
    gitIn(box, "init", "-q");
    const names = [
      "?? x.yaml",
      "H 100644 0123456789012345678901234567890123456789 0\ty.yaml",
      "ü\n.yaml",
      ":(top)z.yaml",
    ];
    mkdirSync(box.path(":(glob)q"));
    await encrypted(box, ...names, ":(glob)q/r.yaml", "y.yaml");
    box.write(".gitignore", "y.yaml\n");
    const { stdout } = await box.run(["doctor", "--json", "."]);
    const found = (JSON.parse(stdout) as { files: { file: string }[] }).files.map(({ file }) => file);
    assert.equal(found.sort(), [...names, ":(glob)q/r.yaml"].sort());
    assert.equal(await taken(box, ":(glob)q"), [":(glob)q/r.yaml"]);
  }));

test.run();
