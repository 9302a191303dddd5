import { test } from "uvu";
import * as assert from "uvu/assert";
import { inRepository, type Repository } from "../../support/merge/repository.ts";

/** The ways in which git comes to merge a file, besides `git merge BRANCH`. */

const BASE = "a: SECRETa\nb: SECRETb\nc: SECRETc\nd: SECRETd\n";
/** The base with other values under some keys. */
const having = (keys: string, mark: string): string =>
  [...keys].reduce((text, key) => text.replace(`SECRET${key}`, `SECRET${key}${mark}`), BASE);

/** A branch from the current commit, with a version of the file. */
async function branch(repo: Repository, name: string, plain: string): Promise<void> {
  repo.git("checkout", "-q", "-b", name);
  await repo.save("s.yaml", plain);
  repo.git("checkout", "-q", "-");
}

async function theSame(repo: Repository, plain: string): Promise<void> {
  assert.is(await repo.plain("s.yaml"), plain);
  assert.equal(repo.leaks("SECRET"), []);
}

test("octopus: git asks no driver, and merges nothing if two branches changed the file", async () => {
  await inRepository(async (repo) => {
    await repo.save("s.yaml", BASE);
    for (const key of "abc") await branch(repo, key, having(key, "1"));
    const before = repo.git("rev-parse", "HEAD");
    const { code, stderr } = repo.try("merge", "-m", "m", "a", "b", "c");
    assert.is(code, 2);
    assert.match(stderr, "octopus failed");
    assert.is(repo.git("rev-parse", "HEAD"), before);
    assert.is(repo.git("status", "--short"), "");
    await theSame(repo, BASE);
    for (const key of "abc") repo.git("merge", "-q", "-m", "m", key);
    await theSame(repo, having("abc", "1"));
    // one that changed it among others that did not
    for (const name of ["d", "other"]) {
      repo.git("checkout", "-q", "-b", name, before.trim());
      if (name === "d") await repo.save("s.yaml", having("d", "1"));
      else repo.git("commit", "-q", "--allow-empty", "-m", "nothing");
    }
    repo.git("checkout", "-q", "-b", "all", before.trim());
    repo.git("merge", "-q", "-m", "m", "d", "other");
    await theSame(repo, having("d", "1"));
  });
});

test("-s ours takes ours; -X ours and -X theirs are not for drivers, so the conflict is kept whole", async () => {
  await inRepository(async (repo) => {
    await repo.fork("s.yaml", BASE, having("a", "1"), having("ab", "2"));
    repo.git("merge", "-q", "-s", "ours", "-m", "m", "side");
    await theSame(repo, having("a", "1"));
    for (const option of ["ours", "theirs"] as const) {
      repo.git("checkout", "-q", "-B", option, "HEAD^1");
      const { code, stderr } = repo.try("merge", "-X", option, "-m", "m", "side");
      assert.is(code, 1);
      assert.match(stderr, "tsops git resolve s.yaml");
      await repo.tsops("git", "resolve", `--${option}`, "s.yaml");
      const a = option === "ours" ? "1" : "2";
      await theSame(repo, having("ab", "2").replace("SECRETa2", `SECRETa${a}`));
      repo.git("commit", "-qam", "m");
      repo.git("checkout", "-q", "main");
    }
  });
});

test("merge-tree gives a valid file, in conflict or not, and writes nothing elsewhere", async () => {
  await inRepository(async (repo) => {
    await repo.fork("s.yaml", BASE, having("a", "1"), having("b", "2"));
    for (const [theirs, code, plain] of [
      ["side", 0, having("a", "1").replace("SECRETb", "SECRETb2")],
      ["clash", 1, having("a", "1")],
    ] as const) {
      if (theirs === "clash") {
        repo.git("checkout", "-q", "-b", "clash", "side");
        await repo.save("s.yaml", having("a", "3"));
        repo.git("checkout", "-q", "main");
      }
      const merged = repo.try("merge-tree", "--write-tree", "main", theirs);
      assert.is(merged.code, code, merged.stderr);
      assert.is(repo.git("status", "--short"), "");
      const [tree = ""] = merged.stdout.split("\n");
      repo.box.write("plain/s.yaml", repo.git("show", `${tree}:s.yaml`));
      assert.is(await repo.plain("plain/s.yaml"), plain);
      assert.is(/conflicts: ENC/.test(repo.box.read("plain/s.yaml")), code === 1);
      assert.equal(repo.leaks("SECRET"), []);
    }
  });
});

test("a merge is reverted, and picked, on top of other changes", async () => {
  await inRepository(async (repo) => {
    await repo.fork("s.yaml", BASE, having("a", "1"), having("b", "2"));
    repo.git("merge", "-q", "--no-ff", "-m", "m", "side");
    repo.git("tag", "merged");
    await repo.save("s.yaml", having("a", "1").replace("SECRETb", "SECRETb2").replace("SECRETc", "SECRETc3"));
    repo.git("revert", "--no-edit", "-m", "1", "merged");
    await theSame(repo, having("ac", "1").replace("SECRETc1", "SECRETc3"));
    repo.git("checkout", "-q", "-b", "other", "merged^1~1");
    await repo.save("s.yaml", having("d", "4"));
    repo.git("cherry-pick", "-m", "1", "merged");
    await theSame(repo, having("bd", "2").replace("SECRETd2", "SECRETd4"));
  });
});

test("rebase -i with squash", async () => {
  await inRepository(async (repo) => {
    await repo.save("s.yaml", BASE);
    repo.git("checkout", "-q", "-b", "side");
    await repo.save("s.yaml", having("b", "1"));
    await repo.save("s.yaml", having("b", "2"));
    await repo.save("s.yaml", having("bc", "2"));
    repo.git("checkout", "-q", "main");
    await repo.save("s.yaml", having("a", "9"));
    repo.git("checkout", "-q", "side");
    repo.git("-c", "sequence.editor=sed -i '2,$s/^pick/squash/'", "rebase", "-q", "-i", "main");
    assert.is(repo.git("rev-list", "--count", "main..HEAD").trim(), "1");
    await theSame(repo, having("abc", "2").replace("SECRETa2", "SECRETa9"));
  });
});

test("a stash that is in conflict stays in the list, and nothing of it is lost", async () => {
  await inRepository(async (repo) => {
    await repo.save("s.yaml", BASE);
    await repo.tsops("set", "s.yaml", '["a"]', '"SECRETa1"');
    repo.git("stash", "-q");
    await repo.save("s.yaml", having("a", "2"));
    const pop = repo.try("stash", "pop");
    assert.is(pop.code, 1);
    assert.match(repo.git("stash", "list"), "stash@{0}");
    await repo.tsops("git", "resolve", "--theirs", "s.yaml");
    await theSame(repo, having("a", "1"));
  });
});

test.run();
