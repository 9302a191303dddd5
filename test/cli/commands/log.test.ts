import { test } from "uvu";
import * as assert from "uvu/assert";
import { FileComparison } from "../../../src/cli/file-differences.ts";
import { commitsOf } from "../../../src/git/log.ts";
import { Objects } from "../../../src/git/objects.ts";
import { requireRepository } from "../../../src/git/repository.ts";
import type { KeyService } from "../../../src/keys/kind.ts";
import { kindNamed } from "../../../src/keys/table.ts";
import { IDENTITY_FILE } from "../../support/cli.ts";
import { contextWith } from "../../support/keys/contexts.ts";
import { type GitBox, inGit } from "../../support/with-git.ts";

/** Four commits: a new file, another value, a rotation, and one that has nothing to do with it. */
async function history(repository: GitBox): Promise<void> {
  const { box } = repository;
  box.write("a.yaml", "a: 1\nb: x\n");
  await repository.tsops("encrypt", "-i", "a.yaml");
  repository.commit("first");
  await repository.tsops("set", "a.yaml", '["b"]', '"y"');
  repository.commit("second\n\nwhy it was done");
  await repository.tsops("rotate", "-i", "-y", "a.yaml");
  repository.commit("third");
  box.write("other.txt", "x");
  repository.commit("fourth");
}

async function subjects(repository: GitBox, ...words: string[]): Promise<string[]> {
  const { commits } = JSON.parse(await repository.tsops("log", "--json", ...words));
  return commits.map(({ message }: { message: string }) => message.split("\n", 1)[0]!);
}

test(
  "each commit that changed an encrypted file, with how much, and with -p what",
  inGit(async (repository) => {
    await history(repository);
    const log = (await repository.tsops("log")).replace(/[0-9a-f]{40}|(?<=Date: {3}).*/g, "…");
    assert.match(
      log,
      `commit …
Author: A. Author <author@example.org>
Date:   …

    third

a.yaml: data key rotated

commit …
Author: A. Author <author@example.org>
Date:   …

    second
    
    why it was done

a.yaml: 1 changed

`,
    );
    assert.not.match(log, "fourth");
    const patch = await repository.tsops("log", "-p", "--oneline");
    assert.match(
      patch.replace(/^[0-9a-f]{10} /gm, "… "),
      /^… third\na\.yaml\n {2}~ the data key.*\n… second\na\.yaml\n {2}~ \["b"\]: another value\n… first\na\.yaml \(new file\)\n/,
    );
    assert.match(await repository.tsops("log", "--oneline"), / second \[a\.yaml: 1 changed\]\n/);
    assert.match(await repository.tsops("log", "-p", "--reveal"), '  - ["b"]: "x"\n  + ["b"]: "y"\n');
  }),
);

test(
  "git's own choice of commits",
  inGit(async (repository) => {
    await history(repository);
    assert.equal(await subjects(repository), ["third", "second", "first"]);
    assert.equal(await subjects(repository, "-n", "2"), ["third"]);
    assert.equal(await subjects(repository, "-n", "2", "--", "a.yaml"), ["third", "second"]);
    assert.equal(await subjects(repository, "a.yaml", "--skip", "2"), ["first"]);
    assert.equal(await subjects(repository, "--reverse", "HEAD~3..HEAD"), ["second", "third"]);
    assert.equal(await subjects(repository, "HEAD~2"), ["second", "first"]);
    assert.equal(await subjects(repository, "--grep", "SECOND|nothing"), []);
    assert.equal(await subjects(repository, "--grep", "second"), ["second"]);
    assert.equal(await subjects(repository, "--author", "nobody"), []);
    assert.equal(await subjects(repository, "--since", "2001-01-01", "--until", "2002-01-01"), []);
    assert.is((await subjects(repository, "--since=2001-01-01")).length, 3);
    // a value that looks like an option of git stays a value
    assert.equal(await subjects(repository, "--author=--output=stolen"), []);
  }),
);

test(
  "renamed files, branches and merges",
  inGit(async (repository) => {
    await history(repository);
    repository.git("mv", "a.yaml", "b.yaml");
    repository.commit("renamed");
    assert.equal(await subjects(repository, "--", "b.yaml"), ["renamed"]);
    assert.equal(await subjects(repository, "--follow", "--", "b.yaml"), [
      "renamed",
      "third",
      "second",
      "first",
    ]);
    assert.match((await repository.box.run(["log", "--follow"])).stderr, /--follow needs one file/);
    repository.git("checkout", "-qb", "side", "HEAD~1");
    await repository.tsops("set", "a.yaml", '["a"]', "2");
    repository.commit("side");
    repository.git("checkout", "-q", "main");
    assert.not.ok((await subjects(repository)).includes("side"));
    assert.ok((await subjects(repository, "--all")).includes("side"));
    assert.equal((await subjects(repository, "main...side")).sort(), ["renamed", "side"]);
    repository.git("merge", "-q", "--no-edit", "side");
    assert.not.ok((await subjects(repository)).some((subject) => subject.startsWith("Merge")));
    const first = await subjects(repository, "--first-parent");
    assert.ok(first.some((subject) => subject.startsWith("Merge")));
    assert.not.ok(first.includes("side"));
  }),
);

test(
  "each distinct wrapped data key is unwrapped once, and what was opened is closed",
  inGit(async (repository) => {
    await history(repository);
    await repository.tsops("set", "a.yaml", '["b"]', '"z"');
    repository.commit("fifth");
    const { box } = repository;
    const context = contextWith({ SOPS_AGE_KEY_FILE: IDENTITY_FILE }, { home: box.home });
    const unwrapped: string[] = [];
    const service: KeyService = {
      name: "counting",
      unwrap: async (key) => {
        unwrapped.push(String(key.fields.get("enc")));
        return await (await kindNamed(key.kind).use()).unwrap(key, context);
      },
      wrap: async () => assert.unreachable() as never,
    };
    const here = await requireRepository(box.folder, box.env);
    const comparison = new FileComparison({ context, services: [service], local: false });
    const objects = new Objects(here);
    const commits = await commitsOf(here, { revisions: [], options: [], patterns: [] });
    const counts: (number | undefined)[] = [];
    for (const { changes } of commits)
      for (const change of changes) {
        const found = await comparison.ofChange(change, objects, undefined);
        if (typeof found !== "string") counts.push(found.difference?.entries.length);
      }
    objects.close();
    await comparison.close();
    assert.equal(counts, [1, 0, 1, 2]);
    assert.is(unwrapped.length, 2);
    assert.is(new Set(unwrapped).size, 2);
  }),
);

test(
  "what a commit's author chose does not steer the terminal",
  inGit(async (repository) => {
    const { box } = repository;
    box.write("a.yaml", "a: 1\n");
    await repository.tsops("encrypt", "-i", "a.yaml");
    repository.git("add", "-A");
    repository.git("commit", "-qm", "evil \x1b[2J\n::error::x");
    const log = await repository.tsops("log");
    assert.not.match(log, "\x1b");
    assert.not.match(log, "    ::error");
  }),
);

test(
  "where there is nothing to show, or no commit",
  inGit(async (repository) => {
    const { box } = repository;
    assert.match((await box.run(["log"])).stderr, /does not have any commits yet/);
    box.write("plain.txt", "x");
    repository.commit("one");
    assert.is(await repository.tsops("log"), "");
    assert.is(await repository.tsops("log", "--json"), '{"commits":[]}\n');
  }),
);

test.run();
