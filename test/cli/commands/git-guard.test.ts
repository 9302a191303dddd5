import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { HOOKS, hookSettings, programOf } from "../../../src/git/drivers.ts";
import { guardFor, type HookFacts, ownerOf } from "../../../src/git/hooks.ts";
import { releaseIn } from "../../../src/git/settings.ts";
import { type GitBox, inGit } from "../../support/with-git.ts";

const HOOK = ".git/hooks/pre-commit";

/** A tsops that writes down how it was called, and refuses if a file says so. */
function fakeTsops({ box, bin }: GitBox): void {
  writeFileSync(
    join(bin, "tsops"),
    `#!/bin/sh\necho "$@" >>"${box.root}/called"\n[ ! -e "${box.root}/refuse" ]\n`,
  );
}

/** From 2.54 on, git runs hooks that its configuration names. */
const BEFORE_HOOKS_IN_CONFIGURATION = "2.53.0";

function called({ box }: GitBox): string {
  const path = join(box.root, "called");
  return existsSync(path) ? readFileSync(path, "utf8") : "";
}

/** A commit and a merge with a commit of its own, as a person makes them. */
function tryCommit(repository: GitBox): ReturnType<GitBox["try"]> {
  repository.box.write("file", String(Math.random()));
  repository.git("add", "-A");
  return repository.try("commit", "-qm", "more");
}

test(
  "the guard runs before commits and merge commits, and stops them",
  inGit(async (repository) => {
    repository.reportRelease(BEFORE_HOOKS_IN_CONFIGURATION);
    const { box } = repository;
    assert.is((await box.run(["git", "install"])).code, 0);
    assert.is(statSync(box.path(HOOK)).mode & 0o111, 0o111);
    fakeTsops(repository);
    assert.is(tryCommit(repository).code, 0);
    assert.is(called(repository), "check --staged\n");
    repository.git("checkout", "-qb", "other", "--no-track");
    box.write("other", "x");
    repository.git("add", "-A");
    repository.git("commit", "-qm", "other");
    repository.git("checkout", "-q", "main");
    assert.is(tryCommit(repository).code, 0);
    repository.git("merge", "-q", "--no-edit", "other");
    assert.is(called(repository), "check --staged\n".repeat(4));
    writeFileSync(join(box.root, "refuse"), "");
    assert.is(tryCommit(repository).code, 1);
    box.env.TSOPS_SKIP_GUARD = "1";
    assert.is(tryCommit(repository).code, 0);
  }),
);

test(
  "without tsops nothing is committed, and git says how to install it, or to skip the check",
  inGit(async (repository) => {
    repository.reportRelease(BEFORE_HOOKS_IN_CONFIGURATION);
    const { box } = repository;
    assert.is((await box.run(["git", "install"])).code, 0);
    const without = join(box.root, "without");
    mkdirSync(without);
    box.env.PATH = box.env.PATH!.split(":").slice(1).join(":");
    const { code, stderr } = tryCommit(repository);
    assert.is(code, 1);
    assert.match(
      stderr,
      "tsops is not found, so nobody checked for plaintext secrets: nothing is committed.",
    );
    assert.match(stderr, "npm install --global tsops");
    assert.match(stderr, "TSOPS_SKIP_GUARD=1");
    box.env.TSOPS_SKIP_GUARD = "1";
    assert.is(tryCommit(repository).code, 0);
  }),
);

test(
  "a hook that is there keeps every byte: it is shown what to add, and --append adds it behind the first line",
  inGit(async (repository) => {
    repository.reportRelease(BEFORE_HOOKS_IN_CONFIGURATION);
    const { box } = repository;
    const own = "#!/usr/bin/env bash\n# mine\necho mine\nexit 0";
    box.write(HOOK, own);
    chmodSync(box.path(HOOK), 0o700);
    const first = await box.run(["git", "install"]);
    assert.is(first.code, 1);
    assert.match(
      first.stderr,
      /pre-commit: a hook is there already: --append puts this behind its first line\n {2}if \[/,
    );
    assert.is(box.read(HOOK), own);
    assert.ok(existsSync(box.path(".git/hooks/pre-merge-commit")));
    assert.is((await box.run(["git", "install", "--append"])).code, 0);
    const appended = box.read(HOOK);
    assert.match(appended, /^#!\/usr\/bin\/env bash\n# >>> tsops git install/);
    assert.ok(appended.endsWith("# <<< tsops git install\n# mine\necho mine\nexit 0"));
    assert.is(statSync(box.path(HOOK)).mode & 0o777, 0o700);
    assert.is(await repository.tsops("git", "install"), "nothing to change\n");
    fakeTsops(repository);
    assert.match(tryCommit(repository).stderr, "mine");
    assert.is(called(repository), "check --staged\n");
    await repository.tsops("git", "uninstall");
    assert.is(box.read(HOOK), own);
    assert.not.ok(existsSync(box.path(".git/hooks/pre-merge-commit")));
  }),
);

test(
  "a hook that git does not run is named; one in another language is left alone",
  inGit(async (repository) => {
    repository.reportRelease(BEFORE_HOOKS_IN_CONFIGURATION);
    const { box } = repository;
    box.write(HOOK, "#!/bin/sh\nexit 0\n");
    chmodSync(box.path(HOOK), 0o600);
    const { stderr } = await box.run(["git", "install", "--append"]);
    assert.match(stderr, /git does not run \.git\/hooks\/pre-commit: make it executable/);
    box.write(HOOK, "#!/usr/bin/python3\n");
    assert.match(
      (await box.run(["git", "install", "--append"])).stderr,
      /another hook is there, so add this line/,
    );
    assert.is(box.read(HOOK), "#!/usr/bin/python3\n");
  }),
);

test(
  "husky, lefthook, pre-commit and core.hooksPath own the hooks: it is said what to add, and nothing is written",
  inGit(async (repository) => {
    repository.reportRelease(BEFORE_HOOKS_IN_CONFIGURATION);
    const { box } = repository;
    const advice = async (): Promise<string> => {
      const { code, stderr } = await box.run(["git", "install", "--append"]);
      assert.is(code, 1);
      assert.not.ok(existsSync(box.path(".git/hooks/pre-merge-commit")));
      return stderr;
    };
    box.write(".pre-commit-config.yaml", "repos: []\n");
    assert.match(
      await advice(),
      /pre-commit: pre-commit has the hooks, so add this to the repos in \.pre-commit-config/,
    );
    repository.git("rm", "-q", "--cached", "-r", "--ignore-unmatch", ".");
    const { rmSync } = process.getBuiltinModule("node:fs");
    rmSync(box.path(".pre-commit-config.yaml"));
    box.write("lefthook.yml", "");
    assert.match(await advice(), /lefthook has the hooks, so add this to lefthook\.yml:\n {2}pre-commit:\n/);
    rmSync(box.path("lefthook.yml"));
    repository.git("config", "core.hooksPath", ".husky/_");
    assert.match(
      await advice(),
      /husky has the hooks, so add this line to \.husky\/pre-commit:\n {2}tsops check --staged/,
    );
    repository.git("config", "core.hooksPath", "/somewhere/else");
    assert.match(
      await advice(),
      /core\.hooksPath is \/somewhere\/else: add this line to the hook pre-commit there/,
    );
    assert.match(
      await repository.tsops("git", "status"),
      /\?: {4}pre-commit is in the hands of core\.hooksPath/,
    );
    // git's own folder by another name
    repository.git("config", "core.hooksPath", box.path(".git/hooks"));
    assert.is((await box.run(["git", "install"])).code, 0);
  }),
);

const FACTS: HookFacts = { release: [2, 39], hooksPath: undefined, top: [], hooks: new Map() };

test("from git 2.54 on the configuration names the guard, whoever owns the hooks", () => {
  assert.equal(releaseIn("git version 2.54.0"), [2, 54]);
  assert.equal(releaseIn("git version 2.39.5 (Apple Git-154)"), [2, 39]);
  assert.equal(releaseIn("git version 3.0.0.windows.1"), [3, 0]);
  assert.equal(releaseIn("nonsense"), [0, 0]);
  for (const release of [
    [2, 54],
    [2, 55],
    [3, 0],
  ] as const)
    assert.is(guardFor("pre-commit", { ...FACTS, release, hooksPath: ".husky/_" }).by, "configuration");
  for (const release of [
    [2, 53],
    [1, 99],
    [0, 0],
  ] as const)
    assert.is(guardFor("pre-commit", { ...FACTS, release }).by, "file");
});

test("owners are known by what they write and by their configuration", () => {
  const owner = (more: Partial<HookFacts>) => ownerOf("pre-commit", { ...FACTS, ...more });
  const hook = (text: string) => ({ hooks: new Map([["pre-commit" as const, Buffer.from(text)]]) });
  assert.is(owner({}), undefined);
  assert.is(owner(hook('#!/bin/sh\n. "$(dirname "$0")/husky.sh"\n')), "husky");
  assert.is(owner(hook("#!/bin/sh\ncall_lefthook run\n")), "another hook");
  assert.is(owner(hook("#!/bin/sh\nlefthook run pre-commit\n")), "lefthook");
  assert.is(
    owner(hook("#!/usr/bin/env bash\n# File generated by pre-commit: https://pre-commit.com\n")),
    "pre-commit",
  );
  assert.is(owner(hook("#!/bin/sh\nmake lint\n")), "another hook");
  assert.is(owner({ top: [".husky"] }), "husky");
  assert.is(owner({ top: [".lefthook.toml"] }), "lefthook");
});

test(
  "with git 2.54 the settings are made, the block of an older git goes, and uninstall takes all away",
  inGit(async (repository) => {
    repository.reportRelease(BEFORE_HOOKS_IN_CONFIGURATION);
    const { box } = repository;
    assert.is((await box.run(["git", "install"])).code, 0);
    assert.ok(existsSync(box.path(HOOK)));
    repository.reportRelease("2.54.1");
    assert.is((await box.run(["git", "install"])).code, 0);
    assert.not.ok(existsSync(box.path(HOOK)));
    assert.equal(repository.git("config", "--get-all", "hook.tsops.event").trim().split("\n"), [...HOOKS]);
    assert.is(await repository.tsops("git", "install"), "nothing to change\n");
    assert.match(await repository.tsops("git", "status"), "ok:   pre-merge-commit checks what is staged\n");
    await repository.tsops("git", "uninstall");
    assert.is(repository.try("config", "--get-regexp", "^hook\\.").code, 1);
  }),
);

test(
  "git status sees where configuration keeps git 2.54 from running the guard",
  inGit(async (repository) => {
    const { box } = repository;
    repository.reportRelease("2.54.1");
    await repository.tsops("git", "install");
    const states = async () =>
      JSON.parse(await repository.tsops("git", "status", "--json")).guard.map(
        ({ state }: { state: string }) => state,
      );
    assert.equal(await states(), ["installed", "installed"]);
    repository.git("config", "hook.tsops.enabled", "false");
    assert.equal(await states(), ["off", "off"]);
    assert.match(
      await repository.tsops("git", "status"),
      "no:   pre-commit checks nothing, since hook.tsops.enabled is false: git config --local --unset-all hook.tsops.enabled",
    );
    repository.git("config", "--unset", "hook.tsops.enabled");
    // from git 2.55 on
    repository.git("config", "--global", "hook.pre-commit.enabled", "no");
    assert.equal(await states(), ["off", "installed"]);
    repository.git("config", "--global", "--unset", "hook.pre-commit.enabled");
    // an empty value takes back what was said before
    repository.git("config", "--add", "hook.tsops.event", "");
    repository.git("config", "--add", "hook.tsops.event", "pre-commit");
    assert.equal(await states(), ["installed", "missing"]);
    assert.is((await box.run(["git", "install"])).code, 0);
    assert.equal(await states(), ["installed", "installed"]);
  }),
);

test(
  "what git 2.54 would run does what the hook does",
  inGit(async (repository) => {
    const { box } = repository;
    const { spawnSync } = await import("node:child_process");
    const line = hookSettings(programOf())[0]!.values[0]!;
    const shells = ["/bin/dash", "/bin/bash"].filter((shell) => existsSync(shell));
    fakeTsops(repository);
    for (const shell of shells) {
      const runs = (more: Record<string, string> = {}) =>
        spawnSync(shell, ["-c", line], { env: { ...box.env, ...more } as NodeJS.ProcessEnv });
      assert.is(runs().status, 0);
      writeFileSync(join(box.root, "refuse"), "");
      assert.is(runs().status, 1);
      assert.is(runs({ TSOPS_SKIP_GUARD: "1" }).status, 0);
      const without = runs({ PATH: "/nowhere" });
      assert.is(without.status, 1);
      assert.match(without.stderr.toString(), /nothing is committed\.\nInstall it/);
      process.getBuiltinModule("node:fs").rmSync(join(box.root, "refuse"));
    }
  }),
);

test.run();
