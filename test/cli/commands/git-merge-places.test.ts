import { existsSync, mkdirSync, rmSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { inRepository, type Repository } from "../../support/merge/repository.ts";

/** Merges where something about the repository, the file's name or its bytes is not as usual. */

const BASE = "a: SECRETa\nb: SECRETb\nc: SECRETc\n";
const WITH_A = BASE.replace("SECRETa", "SECRETa1");
const OTHER_A = BASE.replace("SECRETa", "SECRETa3");
const WITH_C = BASE.replace("SECRETc", "SECRETc2");
const WITH_BOTH = WITH_A.replace("SECRETc", "SECRETc2");

const crlf = (text: string): string => text.replaceAll("\n", "\r\n");

test("a version that was committed with CR LF: merged, and in conflict, on either side", async () => {
  for (const side of ["main", "side"]) {
    for (const theirs of [WITH_C, OTHER_A]) {
      await inRepository(async (repo) => {
        await repo.fork("s.yaml", BASE, WITH_A, theirs);
        repo.git("checkout", "-q", side);
        repo.box.write("s.yaml", crlf(repo.box.read("s.yaml")));
        repo.git("commit", "-qam", "CR LF");
        repo.git("checkout", "-q", "main");
        const merge = repo.try("merge", "-m", "m", "side");
        assert.is(merge.code, theirs === WITH_C ? 0 : 1, merge.stderr);
        if (theirs === OTHER_A) await repo.tsops("git", "resolve", "--theirs", "s.yaml");
        assert.is((await repo.plain("s.yaml")).replaceAll("\r", ""), theirs === WITH_C ? WITH_BOTH : OTHER_A);
        assert.equal(repo.leaks("SECRET"), []);
      });
    }
  }
});

test("names that a shell or an option parser could take for something else", async () => {
  const names = ["--timeout", "-x.yaml", 'it\'s $(touch ran) `touch ran` "q".yaml', "%A %P.yaml", "é ü.yaml"];
  await inRepository(async (repo) => {
    repo.write(".gitattributes", "* merge=tsops\n.gitattributes -merge\n");
    const commit = async (plain: string) => {
      await repo.save("s.yaml", plain);
      for (const name of names) repo.write(name, repo.read("s.yaml"));
      repo.commit("as s.yaml");
    };
    await commit(BASE);
    repo.git("checkout", "-q", "-b", "side");
    await commit(WITH_C);
    repo.git("checkout", "-q", "main");
    await commit(WITH_A);
    const merge = repo.try("merge", "-m", "m", "side");
    assert.is(merge.code, 0, merge.stdout + merge.stderr);
    for (const name of names)
      assert.is(
        await repo.tsops("decrypt", "--input-type", "yaml", "--output-type", "yaml", "--", name),
        WITH_BOTH,
      );
    assert.not(existsSync(repo.box.path("ran")));
  });
});

test("histories that have nothing in common: git refuses, or both sides made the file", async () => {
  await inRepository(async (repo) => {
    await repo.save("s.yaml", WITH_A);
    repo.git("checkout", "-q", "--orphan", "side");
    await repo.save("s.yaml", WITH_C);
    repo.git("checkout", "-q", "main");
    const before = repo.box.read("s.yaml");
    assert.is(repo.try("merge", "side").code, 128);
    assert.is(repo.box.read("s.yaml"), before);
    const merge = repo.try("merge", "--allow-unrelated-histories", "side");
    assert.is(merge.code, 1);
    assert.match(merge.stderr, '["a"] (added by both)');
    assert.match(merge.stderr, '["c"] (added by both)');
    const base = await repo.box.run(["git", "resolve", "--base", "s.yaml"]);
    assert.match(base.stderr, "there is no base: both sides made the file");
    assert.is((await repo.box.run(["git", "resolve", "--ours", "--path", '["a"]', "s.yaml"])).code, 1);
    await repo.tsops("git", "resolve", "--theirs", "s.yaml");
    assert.is(await repo.plain("s.yaml"), WITH_BOTH);
  });
});

/** The file of the object, in the repository's own folder. */
function removeObject(repo: Repository, rev: string): void {
  const id = repo.git("rev-parse", rev).trim();
  rmSync(repo.box.path(`.git/objects/${id.slice(0, 2)}/${id.slice(2)}`));
}

test("a version that the repository does not have, as in a broken or partial clone", async () => {
  await inRepository(async (repo) => {
    await repo.fork("s.yaml", BASE, WITH_A, WITH_C);
    repo.drive("tsops-is-not-here %A");
    assert.is(repo.try("merge", "side").code, 1);
    removeObject(repo, "main~1:s.yaml");
    const before = repo.box.read("s.yaml");
    const { code, stderr } = await repo.box.run(["git", "resolve", "s.yaml"]);
    assert.is(code, 1);
    assert.match(stderr, "a version of the file, is not in this repository");
    assert.match(stderr, "git fetch");
    assert.is(repo.box.read("s.yaml"), before);
  });
  await inRepository(async (repo) => {
    await repo.fork("s.yaml", BASE, WITH_A, WITH_C);
    const before = repo.box.read("s.yaml");
    removeObject(repo, "main~1:s.yaml");
    const merge = repo.try("merge", "side");
    assert.is(merge.code, 128, "git itself ends");
    assert.is(repo.box.read("s.yaml"), before);
    assert.is(repo.try("status", "--short").stdout, "");
  });
});

test("renamed on one side, in conflict; renamed differently on both", async () => {
  await inRepository(async (repo) => {
    await repo.save("s.yaml", BASE);
    repo.git("checkout", "-q", "-b", "side");
    repo.git("mv", "s.yaml", "new.yaml");
    repo.git("commit", "-qm", "renamed");
    await repo.save("new.yaml", OTHER_A);
    repo.git("checkout", "-q", "main");
    await repo.save("s.yaml", WITH_A);
    const merge = repo.try("merge", "side");
    assert.is(merge.code, 1);
    assert.match(merge.stderr, "tsops git resolve new.yaml");
    await repo.tsops("git", "resolve", "--theirs", "new.yaml");
    assert.is(await repo.plain("new.yaml"), OTHER_A);
    repo.git("commit", "-qam", "resolved");
    assert.not.ok(existsSync(repo.box.path("s.yaml")));
  });
  await inRepository(async (repo) => {
    await repo.save("s.yaml", BASE);
    repo.git("checkout", "-q", "-b", "side");
    repo.git("mv", "s.yaml", "new.yaml");
    repo.git("commit", "-qm", "renamed");
    await repo.save("new.yaml", WITH_C);
    repo.git("checkout", "-q", "main");
    repo.git("mv", "s.yaml", "s.other.yaml");
    repo.git("commit", "-qm", "renamed");
    await repo.save("s.other.yaml", WITH_A);
    assert.is(repo.try("merge", "side").code, 1);
    // git gives both names what came out of the merge
    for (const [name, side, no] of [
      ["new.yaml", "theirs", "ours"],
      ["s.other.yaml", "ours", "theirs"],
    ] as const) {
      assert.is(await repo.plain(name), WITH_BOTH);
      const said = await repo.box.run(["git", "resolve", name]);
      assert.is(said.code, 1);
      assert.match(said.stderr, `${name} is only in ${side}, which made it or gave it this name`);
      assert.not.match(said.stderr, "deleted");
      assert.match(said.stderr, `to keep it: git add ${name}`);
      const other = await repo.box.run(["git", "resolve", `--${no}`, name]);
      assert.match(other.stderr, `${no} has no ${name}: git rm ${name}`);
      await repo.tsops("git", "resolve", `--${side}`, name);
      assert.is(await repo.plain(name), WITH_BOTH);
    }
    assert.match((await repo.box.run(["git", "resolve", "s.yaml"])).stderr, "git rm s.yaml");
  });
});

test("from a folder below the top, in a linked work tree, and in a submodule", async () => {
  await inRepository(async (repo) => {
    repo.box.write(".gitattributes", "s.* merge=tsops\n");
    mkdirSync(repo.box.path("deep/er"), { recursive: true });
    await repo.save("deep/er/s.yaml", BASE);
    repo.git("checkout", "-q", "-b", "side");
    await repo.save("deep/er/s.yaml", OTHER_A);
    repo.git("checkout", "-q", "main");
    await repo.save("deep/er/s.yaml", WITH_A);
    const inFolder = async (folder: string) => {
      const at = ["-C", folder];
      const merge = repo.try(...at, "merge", "side");
      assert.is(merge.code, 1, merge.stderr);
      assert.match(merge.stderr, "deep/er/s.yaml: a conflict");
      const { code, stderr } = await repo.box.run(["git", "resolve", "--theirs", "s.yaml"], {
        cwd: repo.box.path(folder),
      });
      assert.is(code, 0, stderr);
      const { stdout } = await repo.box.run(["decrypt", `${folder}/s.yaml`]);
      assert.is(stdout, OTHER_A);
      repo.git(...at, "commit", "-qam", "resolved");
      assert.is(repo.git(...at, "status", "--short"), "");
    };
    repo.git("worktree", "add", "-q", "-b", "linked", "plain/linked", "main");
    await inFolder("plain/linked/deep/er");

    repo.git("init", "-q", "plain/super");
    const file = ["-c", "protocol.file.allow=always"];
    repo.git("-C", "plain/super", ...file, "submodule", "--quiet", "add", repo.box.folder, "sub");
    const sub = "plain/super/sub";
    for (const [key, value] of repo
      .git("config", "--get-regexp", "^(merge.tsops|user)\\.")
      .trim()
      .split("\n")
      .map((line) => [line.slice(0, line.indexOf(" ")), line.slice(line.indexOf(" ") + 1)]))
      repo.git("-C", sub, "config", key!, value!);
    repo.git("-C", sub, "branch", "-q", "side", "origin/side");
    await inFolder(`${sub}/deep/er`);
    await inFolder("deep/er");
  });
});

test("a version in another format is kept, and said to be one", async () => {
  await inRepository(async (repo) => {
    await repo.save("s.yaml", BASE);
    repo.git("checkout", "-q", "-b", "side");
    await repo.save("x.toml", "a = 'SECRETj'\n");
    repo.git("mv", "-f", "x.toml", "s.yaml");
    repo.git("commit", "-qam", "another format");
    repo.git("checkout", "-q", "main");
    await repo.save("s.yaml", WITH_A);
    const merge = repo.try("merge", "side");
    assert.is(merge.code, 1);
    assert.match(merge.stderr, "ours is yaml, and this version is toml");
    assert.match(repo.box.read("s.yaml"), /^<<<<<<< /m);
    assert.equal(repo.leaks("SECRET"), []);
  });
});

test.run();
