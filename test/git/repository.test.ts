import { execFileSync } from "node:child_process";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type GitObject, Objects } from "../../src/git/objects.ts";
import { repositoryAt, requireRepository } from "../../src/git/repository.ts";
import { changesBetween, stagedChanges, stagedFiles, unmergedFiles } from "../../src/git/staged.ts";

/** A folder with a repository in `w`, git run in it, and an environment that knows no settings of this machine. */
function inRepository(check: (at: Place) => Promise<void>): () => Promise<void> {
  return async () => {
    const root = realpathSync(mkdtempSync(join(tmpdir(), "tsops-git-")));
    const folder = join(root, "w");
    mkdirSync(folder);
    const env = { PATH: process.env.PATH, HOME: root, GIT_CONFIG_NOSYSTEM: "1" };
    const names = {
      GIT_AUTHOR_NAME: "a",
      GIT_AUTHOR_EMAIL: "a@b",
      GIT_COMMITTER_NAME: "a",
      GIT_COMMITTER_EMAIL: "a@b",
    };
    const git = (...args: string[]) =>
      execFileSync("git", args, {
        cwd: folder,
        env: { ...env, ...names },
        stdio: ["ignore", "pipe", "pipe"],
      }).toString();
    const write = (name: string, text: string) => {
      mkdirSync(join(folder, name, ".."), { recursive: true });
      writeFileSync(join(folder, name), text);
    };
    git("init", "-q", "-b", "main");
    try {
      await check({ root, folder, env, git, write });
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
  };
}

interface Place {
  readonly root: string;
  readonly folder: string;
  readonly env: Record<string, string | undefined>;
  git(...args: string[]): string;
  write(name: string, text: string): void;
}

const STRANGE = 'a "b"\n\tü.yaml';

test(
  "folders: of a work tree, of a linked one and of a bare repository",
  inRepository(async ({ root, folder, env, git, write }) => {
    write("sub/a.yaml", "a: 1\n");
    git("add", ".");
    git("commit", "-qm", "one");
    const plain = await requireRepository(join(folder, "sub"), env);
    assert.is(plain.top, folder);
    assert.is(plain.gitFolder, join(folder, ".git"));
    assert.is(plain.commonFolder, join(folder, ".git"));
    git("worktree", "add", "-q", join(root, "linked"));
    const linked = await requireRepository(join(root, "linked", "sub"), env);
    assert.is(linked.top, join(root, "linked"));
    assert.is(linked.gitFolder, join(folder, ".git", "worktrees", "linked"));
    assert.is(linked.commonFolder, join(folder, ".git"));
    git("clone", "-q", "--bare", ".", join(root, "bare"));
    const bare = await requireRepository(join(root, "bare"), env);
    assert.is(bare.top, undefined);
    assert.is(bare.commonFolder, join(root, "bare"));
    assert.is(await repositoryAt(root, env), undefined);
    const inside = await requireRepository(join(folder, ".git"), env);
    assert.is(inside.top, undefined);
  }),
);

test(
  "where there is no repository, or no git, the error says so",
  inRepository(async ({ root, folder, env }) => {
    const failure = async (at: string, path = env.PATH) =>
      await requireRepository(at, { ...env, PATH: path }).then(
        () => "",
        (error: Error) => error.message,
      );
    assert.match(await failure(root), /is not in a git repository/);
    assert.match(await failure(folder, "/nonexistent"), /git is not installed/);
  }),
);

test(
  "objects come from one process, in the order of the questions, empty and large ones and ones that are not there",
  inRepository(async ({ folder, env, git, write }) => {
    const large = "x".repeat(3_000_000);
    write("empty", "");
    write("large", large);
    write("two\nlines", "lines");
    git("add", ".");
    git("commit", "-qm", "one");
    const repository = await requireRepository(folder, env);
    const objects = new Objects(repository);
    try {
      const names = [
        "HEAD:empty",
        "HEAD:large",
        "HEAD:nowhere",
        "0".repeat(40),
        "HEAD:",
        "HEAD:large",
        "HEAD",
      ];
      const found = await Promise.all(names.map((name) => objects.read(name)));
      assert.equal(
        found.map((object) => object?.type),
        ["blob", "blob", undefined, undefined, "tree", "blob", "commit"],
      );
      assert.is(found[0]!.bytes.length, 0);
      assert.is(found[1]!.bytes.toString(), large);
      assert.is(found[5]!.bytes.toString(), large);
      const [lines] = await stagedFiles(repository, ["two\nlines"]);
      assert.is((await objects.read(lines!.id))!.bytes.toString(), "lines");
      const refused = await objects.read("HEAD:two\nlines").catch((error: Error) => error.message);
      assert.match(String(refused), /line break/);
    } finally {
      objects.close();
    }
    const closed = await objects.read("HEAD").catch((error: Error) => error.message);
    assert.match(String(closed), /closed/);
  }),
);

test(
  "an object that is too large is not kept, and a damaged one does not hold up the others",
  inRepository(async ({ folder, env, git, write }) => {
    write("large", "x".repeat(3_000_000));
    write("small", "small");
    write("other", "y".repeat(300_000));
    git("add", ".");
    git("commit", "-qm", "one");
    const objects = new Objects(await requireRepository(folder, env));
    const outcome = (name: string, limit?: number) =>
      objects.read(name, limit).then(
        (object) => object?.bytes.length,
        (error: Error) => error.message,
      );
    try {
      const found = await Promise.all([
        outcome("HEAD:large", 1000),
        outcome("HEAD:small", 5),
        outcome("HEAD:small", 4),
        outcome("HEAD:other"),
        outcome("HEAD:large", 2_999_999),
      ]);
      assert.match(String(found[0]), /^the object [0-9a-f]{40} is too large to be read: 3 MiB$/);
      assert.equal([found[1], found[3]], [5, 300_000]);
      assert.match(String(found[2]), /too large/);
      assert.match(String(found[4]), /too large/);
      // packed, so that git itself gives up at it
      git("repack", "-adq");
      const [pack = ""] = readdirSync(join(folder, ".git/objects/pack")).filter((name) =>
        name.endsWith(".pack"),
      );
      const path = join(folder, ".git/objects/pack", pack);
      const id = git("rev-parse", "HEAD:other").trim();
      const offset = Number(
        new RegExp(`^${id} blob +\\d+ +\\d+ (\\d+)`, "m").exec(git("verify-pack", "-v", path))?.[1],
      );
      const bytes = readFileSync(path);
      bytes.fill(0xff, offset + 5, offset + 40);
      chmodSync(path, 0o600);
      writeFileSync(path, bytes);
      const broken = new Objects(await requireRepository(folder, env));
      const names = ["HEAD:small", "HEAD:other", "HEAD:small", "HEAD:other", "HEAD:missing", "HEAD:small"];
      const all = await Promise.allSettled(names.map((name) => broken.read(name)));
      for (const [i, result] of all.entries()) {
        const damaged = names[i] === "HEAD:other";
        // releases of git say it in other ways
        if (damaged && result.status === "rejected") {
          assert.match(result.reason.message, /git cat-file ended: /);
          continue;
        }
        assert.is(result.status, "fulfilled");
        const text = (result as PromiseFulfilledResult<GitObject | undefined>).value?.bytes.toString();
        assert.is(text, names[i] === "HEAD:small" ? "small" : undefined);
      }
      assert.is((await broken.read("HEAD:small"))?.bytes.toString(), "small");
      broken.close();
    } finally {
      objects.close();
    }
  }),
);

test(
  "staged changes: what a commit would change, with names as they are, also before the first commit",
  inRepository(async ({ folder, env, git, write }) => {
    write(STRANGE, "a: 1\n");
    write("gone.yaml", "gone: 1\n");
    git("add", ".");
    const repository = await requireRepository(folder, env);
    assert.equal(
      (await stagedChanges(repository)).map(({ path, status, before }) => [path, status, before]),
      [
        [STRANGE, "A", undefined],
        ["gone.yaml", "A", undefined],
      ],
    );
    git("commit", "-qm", "one");
    write("other.yaml", "a: 1\n");
    git("rm", "-q", "--cached", STRANGE, "gone.yaml");
    git("add", "other.yaml");
    const changes = await stagedChanges(repository);
    assert.equal(
      changes.map(({ path, from, status }) => [path, from, status]),
      [
        ["gone.yaml", undefined, "D"],
        ["other.yaml", STRANGE, "R"],
      ],
    );
    assert.is(changes[0]!.after, undefined);
    assert.equal(await stagedChanges(repository, ["nothing"]), []);
    git("commit", "-qm", "two");
    assert.equal((await changesBetween(repository, ["HEAD^", "HEAD"])).length, 2);
  }),
);

test(
  "the index that a commit of some files makes is read where git names it",
  inRepository(async ({ folder, env, git, write }) => {
    write("a", "1");
    write("b", "1");
    git("add", ".");
    git("commit", "-qm", "one");
    write("a", "2");
    write("b", "2");
    git("add", ".");
    git("read-tree", "--index-output=.git/other", "HEAD");
    const other = { ...env, GIT_INDEX_FILE: join(folder, ".git", "other") };
    assert.equal(await stagedChanges(await requireRepository(folder, other, { placed: true })), []);
    assert.is((await stagedChanges(await requireRepository(folder, other))).length, 2);
  }),
);

test(
  "files in conflict come with their stages",
  inRepository(async ({ folder, env, git, write }) => {
    const commit = (text: string) => {
      write("a [b].txt", text);
      git("add", ".");
      git("commit", "-qm", text);
    };
    commit("base");
    git("checkout", "-qb", "other");
    commit("theirs");
    git("checkout", "-q", "main");
    commit("ours");
    try {
      git("merge", "other");
    } catch {}
    const repository = await requireRepository(folder, env);
    const files = await unmergedFiles(repository);
    assert.equal(
      files.map(({ path, stage }) => [path, stage]),
      [
        ["a [b].txt", 1],
        ["a [b].txt", 2],
        ["a [b].txt", 3],
      ],
    );
    const objects = new Objects(repository);
    const texts = await Promise.all(files.map(async ({ id }) => (await objects.read(id))!.bytes.toString()));
    objects.close();
    assert.equal(texts, ["base", "ours", "theirs"]);
  }),
);

test.run();
