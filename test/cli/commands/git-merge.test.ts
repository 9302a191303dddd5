import { chmodSync, existsSync, readFileSync, rmSync, statSync, symlinkSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { OTHER_RECIPIENT, RECIPIENT } from "../../support/cli.ts";
import { inRepository, type Repository } from "../../support/merge/repository.ts";

/** The same merge in every format: each side changes one value and adds one, and in the second text both change `a`. */
const FORMATS: Readonly<Record<string, readonly [base: string, ours: string, theirs: string, both: string]>> =
  {
    yaml: [
      "# top\na: SECRETa\nb: SECRETb\n\nc:\n  - name: x\n    v: SECRETx\n",
      "# top\na: SECRETa1\nb: SECRETb\n\nc:\n  - name: x\n    v: SECRETx\n  - name: y\n    v: SECRETy\n",
      "# top\na: SECRETa\nb: SECRETb2\n\nc:\n  - name: x\n    v: SECRETx\n# end\nd: SECRETd\n",
      "# top\na: SECRETa1\nb: SECRETb2\n\nc:\n  - name: x\n    v: SECRETx\n  - name: y\n    v: SECRETy\n# end\nd: SECRETd\n",
    ],
    json: [
      '{\n  "a": "SECRETa",\n  "b": "SECRETb"\n}\n',
      '{\n  "a": "SECRETa1",\n  "b": "SECRETb",\n  "c": "SECRETc"\n}\n',
      '{\n  "a": "SECRETa",\n  "b": "SECRETb2",\n  "d": "SECRETd"\n}\n',
      '{\n  "a": "SECRETa1",\n  "b": "SECRETb2",\n  "d": "SECRETd",\n  "c": "SECRETc"\n}\n',
    ],
    env: [
      "A=SECRETa\n#SECRETnote\nB=SECRETb\n",
      "A=SECRETa1\n#SECRETnote\nB=SECRETb\n",
      "A=SECRETa\n#SECRETnote\nB=SECRETb2\nD=SECRETd\n",
      "A=SECRETa1\n#SECRETnote\nB=SECRETb2\nD=SECRETd\n",
    ],
    ini: [
      "[s]\na = SECRETa\nb = SECRETb\n",
      "[s]\na = SECRETa1\nb = SECRETb\n",
      "[s]\na = SECRETa\nb = SECRETb2\n[t]\nd = SECRETd\n",
      "[s]\na = SECRETa1\nb = SECRETb2\n[t]\nd = SECRETd\n",
    ],
    toml: [
      "a = 'SECRETa'\nb = \"SECRETb\" # SECRETnote\n[t]\nx = 'SECRETx'\n",
      "a = 'SECRETa1'\nb = \"SECRETb\" # SECRETnote\n[t]\nx = 'SECRETx'\n",
      "a = 'SECRETa'\nb = \"SECRETb2\" # SECRETnote\n[t]\nx = 'SECRETx'\ny = 'SECRETy'\n",
      "a = 'SECRETa1'\nb = \"SECRETb2\" # SECRETnote\n[t]\nx = 'SECRETx'\ny = 'SECRETy'\n",
    ],
    json5: [
      "{\n  a: 'SECRETa', // SECRETnote\n  b: 'SECRETb',\n}\n",
      "{\n  a: 'SECRETa1', // SECRETnote\n  b: 'SECRETb',\n}\n",
      "{\n  a: 'SECRETa', // SECRETnote\n  b: 'SECRETb2',\n  d: 'SECRETd',\n}\n",
      "{\n  a: 'SECRETa1', // SECRETnote\n  b: 'SECRETb2',\n  d: 'SECRETd',\n}\n",
    ],
  };

for (const [extension, [base, ours, theirs, both]] of Object.entries(FORMATS)) {
  const name = `s.${extension}`;

  test(`${extension}: what each side changed comes together, and a conflict is a valid file`, async () => {
    await inRepository(async (repo) => {
      await repo.fork(name, base, ours, theirs);
      repo.git("merge", "-q", "-m", "merge", "side");
      assert.is(await repo.plain(name), both);

      const other = both.replace("SECRETa1", "SECRETa3");
      repo.git("checkout", "-q", "-b", "more");
      await repo.save(name, other);
      repo.git("checkout", "-q", "main");
      await repo.save(name, both.replace("SECRETa1", "SECRETa2"));
      const merge = repo.try("merge", "more");
      assert.is(merge.code, 1);
      assert.match(merge.stderr, /a conflict; ours stands there/);
      assert.match(repo.git("status", "--short"), `UU ${name}`);
      assert.is(await repo.plain(name), both.replace("SECRETa1", "SECRETa2"));
      assert.is((await repo.box.run(["rotate", "-i", name])).code, 1);
      await repo.tsops("git", "resolve", "--theirs", name);
      assert.is(await repo.plain(name), other);
      repo.git("commit", "-qam", "resolved");
      assert.not.match(repo.box.read(name), /conflicts/);
      assert.equal(repo.leaks("SECRET"), []);
    });
  });
}

test("binary: a file that both sides changed is a conflict of the whole text", async () => {
  await inRepository(async (repo) => {
    await repo.fork("s.bin", "SECRET0", "SECRET1", "SECRET2");
    assert.is(repo.try("merge", "side").code, 1);
    assert.is(await repo.plain("s.bin"), "SECRET1");
    await repo.tsops("git", "resolve", "--theirs", "s.bin");
    assert.is(await repo.plain("s.bin"), "SECRET2");
    assert.equal(repo.leaks("SECRET"), []);
  });
});

const BASE = "a: SECRETa\nb: SECRETb\nc: SECRETc\n";
const WITH_A = BASE.replace("SECRETa", "SECRETa1");
const WITH_C = BASE.replace("SECRETc", "SECRETc2");
const WITH_BOTH = WITH_A.replace("SECRETc", "SECRETc2");

test("what did not change, or on one side only, keeps its ciphertext", async () => {
  await inRepository(async (repo) => {
    await repo.fork("s.yaml", BASE, WITH_A, WITH_C);
    repo.git("merge", "-q", "-m", "m", "side");
    const line = (rev: string, key: string) =>
      repo
        .git("show", `${rev}:s.yaml`)
        .split("\n")
        .find((text) => text.startsWith(`${key}: `));
    assert.is(line("HEAD", "a"), line("HEAD^1", "a"));
    assert.is(line("HEAD", "b"), line("HEAD^1", "b"));
    assert.is(line("HEAD", "c"), line("HEAD^2", "c"));
    assert.match(repo.box.read("s.yaml"), /seal: v2:/);
  });
});

test("rebase, cherry-pick, revert and stash pop", async () => {
  await inRepository(async (repo) => {
    await repo.fork("s.yaml", BASE, WITH_A, WITH_C);
    repo.git("checkout", "-q", "-b", "rebased", "side");
    repo.git("rebase", "-q", "main");
    assert.is(await repo.plain("s.yaml"), WITH_BOTH);

    repo.git("checkout", "-q", "-b", "picked", "main");
    repo.git("cherry-pick", "side");
    assert.is(await repo.plain("s.yaml"), WITH_BOTH);

    // main's own commit is below the picked one
    repo.git("revert", "--no-edit", "main");
    assert.is(await repo.plain("s.yaml"), WITH_C);

    repo.git("checkout", "-q", "main");
    await repo.tsops("set", "s.yaml", '["b"]', '"SECRETstash"');
    repo.git("stash", "-q");
    repo.git("merge", "-q", "-m", "m", "side");
    repo.git("stash", "pop", "-q");
    assert.is(await repo.plain("s.yaml"), WITH_BOTH.replace("SECRETb", "SECRETstash"));
    assert.equal(repo.leaks("SECRET"), []);
  });
});

test("criss-cross: the virtual base is a clean one", async () => {
  await inRepository(async (repo) => {
    await repo.fork("s.yaml", BASE, WITH_A, BASE.replace("SECRETa", "SECRETa2"));
    repo.git("tag", "one");
    // both merge the other, and decide differently
    assert.is(repo.try("merge", "side").code, 1);
    await repo.tsops("git", "resolve", "--ours", "s.yaml");
    repo.git("commit", "-qam", "x");
    repo.git("checkout", "-q", "side");
    assert.is(repo.try("merge", "one").code, 1);
    await repo.tsops("git", "resolve", "--ours", "s.yaml");
    repo.git("commit", "-qam", "y");
    const merge = repo.try("merge", "main");
    assert.is(merge.code, 1);
    assert.not.match(repo.box.read("s.yaml"), /<<<<<<</);
    assert.is(await repo.plain("s.yaml"), BASE.replace("SECRETa", "SECRETa2"));
    assert.equal(repo.leaks("SECRET"), []);
  });
});

test("rename, and both sides adding the same file", async () => {
  await inRepository(async (repo) => {
    await repo.save("s.yaml", BASE);
    repo.git("checkout", "-q", "-b", "side");
    repo.git("mv", "s.yaml", "new.yaml");
    repo.git("commit", "-qm", "renamed");
    await repo.save("new.yaml", WITH_C);
    repo.git("checkout", "-q", "main");
    await repo.save("s.yaml", WITH_A);
    repo.git("merge", "-q", "-m", "m", "side");
    assert.is(await repo.plain("new.yaml"), WITH_BOTH);
  });
  await inRepository(async (repo) => {
    repo.git("add", "-A");
    repo.git("commit", "-q", "-m", "attributes");
    repo.git("checkout", "-q", "-b", "side");
    await repo.save("s.yaml", "a: SECRETa\nb: SECRETb\n");
    repo.git("checkout", "-q", "main");
    await repo.save("s.yaml", "a: SECRETa\nc: SECRETc\n");
    const both = repo.try("merge", "-q", "-m", "m", "side");
    assert.is(both.code, 0, both.stderr);
    const plain = await repo.plain("s.yaml");
    for (const line of ["a: SECRETa", "b: SECRETb", "c: SECRETc"]) assert.match(plain, line);
    assert.equal(repo.leaks("SECRET"), []);
  });
});

test("changed on one side and deleted on the other: both are offered", async () => {
  await inRepository(async (repo) => {
    await repo.save("s.yaml", BASE);
    repo.git("checkout", "-q", "-b", "side");
    repo.git("rm", "-q", "s.yaml");
    repo.git("commit", "-qm", "gone");
    repo.git("checkout", "-q", "main");
    await repo.save("s.yaml", WITH_A);
    assert.is(repo.try("merge", "side").code, 1);
    const said = await repo.box.run(["git", "resolve", "s.yaml"]);
    assert.is(said.code, 1);
    assert.match(said.stderr, "s.yaml was deleted by theirs, and changed by ours");
    assert.match(said.stderr, "tsops git resolve --ours s.yaml");
    assert.match(said.stderr, "git rm s.yaml");
    assert.match((await repo.box.run(["git", "resolve", "--theirs", "s.yaml"])).stderr, "git rm s.yaml");
    await repo.tsops("git", "resolve", "--ours", "s.yaml");
    assert.is(await repo.plain("s.yaml"), WITH_A);
  });
});

test("zdiff3 and rerere: nothing in plaintext is recorded, and the base is shown in the editor", async () => {
  await inRepository(async (repo) => {
    repo.git("config", "merge.conflictStyle", "zdiff3");
    repo.git("config", "rerere.enabled", "true");
    await repo.fork("s.yaml", BASE, WITH_A, BASE.replace("SECRETa", "SECRETa2"));
    assert.is(repo.try("merge", "side").code, 1);
    const seen = repo.box.path("../seen");
    repo.box.env.EDITOR = `sh -c 'cat "$1" > "${seen}"; printf "a: SECRETown\\nb: SECRETb\\nc: SECRETc\\n" > "$1"' sh`;
    await repo.tsops("git", "resolve", "s.yaml");
    // newer git says what the sides are called
    const shown = readFileSync(seen, "utf8").replace(/^(<{7}|\|{7}|>{7}) .+$/gm, "$1");
    assert.is(
      shown,
      "<<<<<<<\na: SECRETa1\n|||||||\na: SECRETa\n=======\na: SECRETa2\n>>>>>>>\nb: SECRETb\nc: SECRETc\n",
    );
    rmSync(seen);
    assert.is(await repo.plain("s.yaml"), "a: SECRETown\nb: SECRETb\nc: SECRETc\n");
    repo.git("commit", "-qam", "own");
    // the same merge again: rerere has nothing that it could replay
    repo.git("reset", "-q", "--hard", "HEAD^1");
    assert.is(repo.try("merge", "side").code, 1);
    assert.match(repo.git("status", "--short"), "UU s.yaml");
    assert.equal(repo.leaks("SECRET"), []);
  });
});

test("markers that are left in the editor are refused, and what was typed is kept for the person", async () => {
  await inRepository(async (repo) => {
    await repo.fork("s.yaml", BASE, WITH_A, BASE.replace("SECRETa", "SECRETa2"));
    repo.try("merge", "side");
    const before = repo.box.read("s.yaml");
    repo.box.env.EDITOR = "sh -c 'echo >> \"$1\"' sh";
    const { code, stderr } = await repo.box.run(["git", "resolve", "s.yaml"]);
    assert.is(code, 1);
    assert.match(stderr, "there are conflict markers in the text still");
    assert.is(repo.box.read("s.yaml"), before);
    repo.box.env.EDITOR = "true";
    assert.is((await repo.box.run(["git", "resolve", "s.yaml"])).code, 200);
  });
});

test("one conflict of several", async () => {
  await inRepository(async (repo) => {
    const side = (n: number) => `a: ${n}.50 # SECRETnote\nb: {x: SECRETb${n}, y: 1}\nc: SECRETc\n`;
    await repo.fork("s.yaml", side(1), side(2), side(3));
    assert.is(repo.try("merge", "side").code, 1);
    const { code, stderr } = await repo.box.run(["git", "resolve", "--theirs", "--path", '["a"]', "s.yaml"]);
    assert.is(code, 1);
    assert.match(stderr, '["b"]["x"]');
    assert.not.match(stderr, '["a"]');
    assert.is(await repo.plain("s.yaml"), "a: 3.50 # SECRETnote\nb: {x: SECRETb2, y: 1}\nc: SECRETc\n");
    const other = await repo.box.run(["git", "resolve", "--ours", "--path", '["c"]', "s.yaml"]);
    assert.match(other.stderr, 'there is no conflict at ["c"]');
    await repo.tsops("git", "resolve", "--base", "--path", '["b"]["x"]', "s.yaml");
    assert.is(await repo.plain("s.yaml"), "a: 3.50 # SECRETnote\nb: {x: SECRETb1, y: 1}\nc: SECRETc\n");
    await repo.tsops("rotate", "-i", "s.yaml");
  });
});

test("without a key both encrypted sides are in markers, and resolve merges them from the index later", async () => {
  await inRepository(async (repo) => {
    await repo.fork("s.yaml", BASE, WITH_A, WITH_C);
    const { SOPS_AGE_KEY_FILE: key } = repo.box.env;
    repo.box.env.SOPS_AGE_KEY_FILE = undefined;
    const merge = repo.try("merge", "side");
    assert.is(merge.code, 1);
    assert.match(merge.stderr, "s.yaml holds both encrypted sides, in conflict markers");
    assert.match(repo.box.read("s.yaml"), /^<{7} .+$[\s\S]*ENC\[[\s\S]*^>{7} .+$/m);
    repo.box.env.SOPS_AGE_KEY_FILE = key;
    assert.is((await repo.box.run(["decrypt", "s.yaml"])).code, 1);
    await repo.tsops("git", "resolve", "s.yaml");
    assert.is(await repo.plain("s.yaml"), WITH_BOTH);
    assert.equal(repo.leaks("SECRET"), []);
  });
});

test("where git found no driver, resolve merges from the index what it would have merged", async () => {
  await inRepository(async (repo) => {
    await repo.fork("s.yaml", BASE, WITH_A, WITH_C.replace("SECRETa", "SECRETa3"));
    repo.drive("tsops-is-not-here %A");
    assert.is(repo.try("merge", "side").code, 1);
    const { code, stderr } = await repo.box.run(["git", "resolve", "--ours", "s.yaml"]);
    assert.is(code, 0, stderr);
    assert.is(await repo.plain("s.yaml"), WITH_BOTH);
    // done already: it is not merged a second time over what the person may have done
    assert.match((await repo.box.run(["git", "resolve", "s.yaml"])).stderr, "is it resolved already");
  });
});

test("a side in plaintext", async () => {
  await inRepository(async (repo) => {
    await repo.save("s.yaml", BASE);
    repo.git("checkout", "-q", "-b", "side");
    repo.box.write("s.yaml", WITH_C);
    repo.git("commit", "-qam", "plain");
    repo.git("checkout", "-q", "main");
    await repo.save("s.yaml", WITH_A);
    const merge = repo.try("merge", "side");
    assert.is(merge.code, 1);
    assert.match(merge.stderr, "theirs is plaintext");
    assert.is(await repo.plain("s.yaml"), WITH_BOTH);
    assert.not.match(repo.box.read("s.yaml"), "SECRET");

    // without a key nothing of the plaintext comes into the work tree
    repo.git("merge", "--abort");
    repo.box.env.SOPS_AGE_KEY_FILE = undefined;
    assert.is(repo.try("merge", "side").code, 1);
    assert.not.match(repo.box.read("s.yaml"), "SECRET");
    assert.match(repo.box.read("s.yaml"), "this version is plain, and not shown here: git show :3:s.yaml");
  });
});

test("what is odd about the merged plaintext is said, as edit says it, by the driver and by resolve", async () => {
  const odd = /warning: s\.env:\d+:1: the variable is named `export C`/;
  const base = "A=SECRETa\n\nB=SECRETb\n";
  const ours = base.replace("SECRETa", "SECRETa1");
  const theirs = `${base}export C=SECRETc\n`;
  await inRepository(async (repo) => {
    await repo.fork("s.env", base, ours, theirs);
    const merge = repo.try("merge", "-q", "-m", "m", "side");
    assert.is(merge.code, 0);
    assert.match(merge.stderr, odd);
    assert.not.match(merge.stderr, "SECRET");
  });
  // ours had it already: nothing of that comes from the merge
  await inRepository(async (repo) => {
    await repo.fork("s.env", base, theirs, ours);
    assert.not.match(repo.try("merge", "-q", "-m", "m", "side").stderr, odd);
  });
  await inRepository(async (repo) => {
    await repo.fork("s.env", base, ours, "A=SECRETa2\n\nB=SECRETb\n");
    assert.is(repo.try("merge", "side").code, 1);
    repo.box.env.EDITOR = 'sh -c \'printf "A=SECRETa3\\nexport C=SECRETc\\n" > "$1"\' sh';
    const { code, stderr } = await repo.box.run(["git", "resolve", "s.env"]);
    assert.is(code, 0, stderr);
    assert.match(stderr, odd);
  });
});

async function withRule(repo: Repository, recipients: readonly string[]): Promise<void> {
  repo.box.write(".sops.yaml", `creation_rules:\n  - age: ${recipients.join(",")}\n`);
}

test("a recipient that one side added is merged if the creation rule has it", async () => {
  for (const [rule, allowed] of [
    [[RECIPIENT, OTHER_RECIPIENT], true],
    [[RECIPIENT], false],
  ] as const) {
    await inRepository(
      async (repo) => {
        await repo.save("s.yaml", BASE);
        repo.git("checkout", "-q", "-b", "side");
        await repo.tsops("rotate", "-i", "--add-age", OTHER_RECIPIENT, "s.yaml");
        repo.git("commit", "-qam", "added");
        repo.git("checkout", "-q", "main");
        await repo.save("s.yaml", WITH_A);
        await withRule(repo, rule);
        const merge = repo.try("merge", "-q", "-m", "m", "side");
        assert.is(merge.code, allowed ? 0 : 1, merge.stderr);
        assert.is(repo.box.read("s.yaml").includes(OTHER_RECIPIENT), allowed);
        assert.is(await repo.plain("s.yaml"), WITH_A);
        if (allowed) return;
        assert.match(merge.stderr, "recipients");
        await repo.tsops("git", "resolve", "--ours", "s.yaml");
        assert.not.match(repo.box.read("s.yaml"), OTHER_RECIPIENT);
      },
      { SOPS_AGE_RECIPIENTS: RECIPIENT },
    );
  }
});

test("where the other branch also changed the rule, the conflict ends, and updatekeys goes on from there", async () => {
  for (const clash of [false, true]) {
    await inRepository(async (repo) => {
      repo.box.env.SOPS_AGE_RECIPIENTS = undefined;
      await withRule(repo, [RECIPIENT]);
      await repo.save("s.yaml", BASE);
      repo.git("checkout", "-q", "-b", "side");
      await withRule(repo, [RECIPIENT, OTHER_RECIPIENT]);
      await repo.tsops("updatekeys", "-y", "s.yaml");
      await repo.save("s.yaml", clash ? WITH_A.replace("a1", "a2") : WITH_C);
      repo.git("checkout", "-q", "main");
      await repo.save("s.yaml", WITH_A);
      // git has not put the rule of the other branch there when it asks for the file
      const merge = repo.try("merge", "side");
      assert.is(merge.code, 1);
      assert.match(merge.stderr, /^ {2}recipients$/m);
      const first = await repo.box.run(["git", "resolve", "--theirs", "s.yaml"]);
      if (clash) {
        // a value is to be written: then the rule counts, and what it says to run works
        assert.is(first.code, 1);
        assert.match(first.stderr, "--yes goes on with those that it has");
        assert.match(first.stderr, "after that tsops updatekeys");
        await repo.tsops("git", "resolve", "--theirs", "--yes", "s.yaml");
      } else assert.is(first.code, 0, first.stderr);
      assert.not.match(repo.box.read("s.yaml"), OTHER_RECIPIENT);
      await repo.tsops("updatekeys", "-y", "s.yaml");
      assert.match(repo.box.read("s.yaml"), OTHER_RECIPIENT);
      assert.is(await repo.plain("s.yaml"), clash ? WITH_A.replace("a1", "a2") : WITH_BOTH);
      repo.git("commit", "-qam", "merged");
    });
  }
});

test("a recipient that theirs removed is gone, and what they could read is listed", async () => {
  await inRepository(
    async (repo) => {
      await repo.save("s.yaml", BASE);
      repo.git("checkout", "-q", "-b", "side");
      await repo.tsops("rotate", "-i", "--rm-age", OTHER_RECIPIENT, "s.yaml");
      repo.git("commit", "-qam", "removed");
      repo.git("checkout", "-q", "main");
      await repo.save("s.yaml", `${WITH_A}d: SECRETd\n`);
      const merge = repo.try("merge", "-q", "-m", "m", "side");
      assert.is(merge.code, 0, merge.stderr);
      const merged = repo.box.read("s.yaml");
      assert.not.match(merged, OTHER_RECIPIENT);
      assert.match(merge.stderr, OTHER_RECIPIENT);
      // what ours added meanwhile, too
      for (const key of "abcd") assert.match(merge.stderr, `  ["${key}"]\n`);
      assert.not.match(merge.stderr, "SECRET");
    },
    { SOPS_AGE_RECIPIENTS: `${RECIPIENT},${OTHER_RECIPIENT}` },
  );
});

test("a recipient that somebody without the key put into a file is not merged", async () => {
  await inRepository(async (repo) => {
    await repo.save("s.yaml", BASE);
    repo.git("checkout", "-q", "-b", "side");
    const text = repo.box.read("s.yaml");
    const entry = /^( +)- (enc|recipient): [\s\S]*?(?=^ {4}lastmodified)/m.exec(text)![0];
    const added = entry.replace(RECIPIENT, OTHER_RECIPIENT);
    // the seal would be broken, so it goes, too
    repo.box.write(
      "s.yaml",
      text
        .replace(entry, entry + added)
        .replace(/^ +seal: .*\n/m, "")
        .replace(/^ +tsops:\n/m, ""),
    );
    repo.git("commit", "-qam", "intruder");
    repo.git("checkout", "-q", "main");
    await repo.save("s.yaml", WITH_A);
    const merge = repo.try("merge", "side");
    assert.is(merge.code, 1, merge.stderr);
    assert.not.match(repo.box.read("s.yaml").replace(/conflicts: .*/, ""), OTHER_RECIPIENT);
    assert.match(merge.stderr, "recipients");
    assert.match(merge.stderr, "theirs has no seal");
  });
});

/** The wrapped data key. */
const wrapped = (repo: Repository): string =>
  /FILE-----\s+([\s\S]*?)\s+-----END/.exec(repo.box.read("s.yaml"))![1]!;

test("one side got a new data key, or both", async () => {
  await inRepository(async (repo) => {
    await repo.fork("s.yaml", BASE, WITH_A, WITH_C);
    repo.git("checkout", "-q", "side");
    await repo.tsops("rotate", "-i", "s.yaml");
    repo.git("commit", "-qam", "rotated");
    const enc = wrapped(repo);
    repo.git("checkout", "-q", "main");
    repo.git("merge", "-q", "-m", "m", "side");
    assert.is(await repo.plain("s.yaml"), WITH_BOTH);
    const merged = repo.box.read("s.yaml");
    assert.not.ok(merged.includes(enc), "whoever made the one of theirs does not read what ours added");

    // ours has it: then it stays
    repo.git("reset", "-q", "--hard", "HEAD^1");
    repo.git("checkout", "-q", "side");
    repo.git("merge", "-q", "-m", "m", "main");
    assert.is(await repo.plain("s.yaml"), WITH_BOTH);
    assert.ok(repo.box.read("s.yaml").includes(enc));

    repo.git("reset", "-q", "--hard", "HEAD^1");
    repo.git("checkout", "-q", "main");
    await repo.tsops("rotate", "-i", "s.yaml");
    repo.git("commit", "-qam", "rotated, too");
    const own = wrapped(repo);
    repo.git("merge", "-q", "-m", "m", "side");
    assert.is(await repo.plain("s.yaml"), WITH_BOTH);
    const again = repo.box.read("s.yaml");
    assert.not.ok(again.includes(enc) || again.includes(own));
    assert.equal(repo.leaks("SECRET"), []);
  });
});

test("plaintexts that the attributes cover are merged as git merges them", async () => {
  await inRepository(async (repo) => {
    repo.box.write("s.txt", "one\ntwo\nthree\n");
    repo.git("add", "-A");
    repo.git("commit", "-qm", "base");
    repo.git("checkout", "-q", "-b", "side");
    repo.box.write("s.txt", "one\ntwo\n3\n");
    repo.git("commit", "-qam", "side");
    repo.git("checkout", "-q", "main");
    repo.box.write("s.txt", "1\ntwo\nthree\n");
    repo.git("commit", "-qam", "main");
    repo.git("merge", "-q", "-m", "m", "side");
    assert.is(repo.box.read("s.txt"), "1\ntwo\n3\n");
    assert.not.ok(existsSync(repo.box.path("s.txt.orig")));
  });
});

/** Ways to have git check out CR LF what it stores with LF. */
const CRLF: Readonly<Record<string, (repo: Repository) => void>> = {
  "core.autocrlf": (repo) => void repo.git("config", "core.autocrlf", "true"),
  "eol=crlf": (repo) => void repo.box.write(".gitattributes", "s.* merge=tsops text eol=crlf\n"),
};

const lf = (text: string) => text.replaceAll("\r\n", "\n");

for (const [how, setUp] of Object.entries(CRLF)) {
  for (const [extension, [base, , , both]] of Object.entries(FORMATS)) {
    const name = `s.${extension}`;
    const other = both.replace("SECRETa1", "SECRETa3");

    test(`${how}, ${extension}: a conflict is resolved although git checked the file out with CR LF`, async () => {
      for (const way of [
        ["--theirs"],
        ["--theirs", "--path", extension === "ini" ? '["s"]["a"]' : undefined],
      ]) {
        await inRepository(async (repo) => {
          setUp(repo);
          await repo.fork(name, base, both.replace("SECRETa1", "SECRETa2"), other);
          assert.is(repo.try("merge", "side").code, 1);
          assert.match(repo.box.read(name), "\r\n");
          const place = extension === "env" ? '["A"]' : '["a"]';
          await repo.tsops("git", "resolve", ...way.map((word) => word ?? place), name);
          assert.not.match(repo.box.read(name).replaceAll("\r\n", ""), "\n", "as git checks it out");
          repo.git("commit", "-qam", "resolved");
          assert.not.match(repo.git("show", `HEAD:${name}`), "\r");
          repo.box.write(name, repo.git("show", `HEAD:${name}`));
          assert.is(await repo.plain(name), other);
          assert.equal(repo.leaks("SECRET"), []);
        });
      }
    });

    test(`${how}, ${extension}: where git found no driver, theirs is not lost`, async () => {
      await inRepository(async (repo) => {
        setUp(repo);
        await repo.fork(name, base, both, other);
        // as a checkout leaves it
        rmSync(repo.box.path(name));
        repo.git("checkout", "-q", name);
        repo.drive("tsops-is-not-here %A");
        assert.is(repo.try("merge", "side").code, 1);
        const { code, stderr } = await repo.box.run(["git", "resolve", "--theirs", name]);
        assert.is(code, 0, stderr);
        assert.match(stderr, `${name} is resolved`);
        assert.is(lf(await repo.plain(name)), other);
        assert.not.match(repo.box.read(name).replaceAll("\r\n", ""), "\n");
      });
    });
  }
}

test("an executable file stays one, whoever deleted it", async () => {
  for (const here of [true, false]) {
    await inRepository(async (repo) => {
      await repo.save("s.yaml", BASE);
      chmodSync(repo.box.path("s.yaml"), 0o755);
      repo.git("commit", "-qam", "executable");
      repo.git("checkout", "-q", "-b", "side");
      await repo.save("s.yaml", WITH_A);
      repo.git("checkout", "-q", "main");
      repo.git("rm", "-q", "s.yaml");
      repo.git("commit", "-qm", "gone");
      assert.is(repo.try("merge", "side").code, 1);
      if (!here) rmSync(repo.box.path("s.yaml"));
      await repo.tsops("git", "resolve", "--theirs", "s.yaml");
      assert.is(statSync(repo.box.path("s.yaml")).mode & 0o111, 0o111);
      repo.git("add", "s.yaml");
      assert.match(repo.git("ls-files", "-s", "s.yaml"), /^100755 /);
      assert.is(await repo.plain("s.yaml"), WITH_A);
    });
  }
});

test("an executable file that both sides changed stays one, with the driver and without", async () => {
  for (const way of ["driver", "none", "none, and the file is gone"]) {
    await inRepository(async (repo) => {
      await repo.save("s.yaml", BASE);
      repo.git("checkout", "-q", "-b", "side");
      await repo.save("s.yaml", WITH_A);
      chmodSync(repo.box.path("s.yaml"), 0o755);
      repo.git("commit", "-qam", "executable");
      repo.git("checkout", "-q", "main");
      await repo.save("s.yaml", WITH_C);
      if (way !== "driver") repo.drive("tsops-is-not-here %A");
      assert.is(repo.try("merge", "-m", "m", "side").code, way === "driver" ? 0 : 1);
      if (way.endsWith("gone")) rmSync(repo.box.path("s.yaml"));
      if (way !== "driver") await repo.tsops("git", "resolve", "s.yaml");
      repo.git("add", "s.yaml");
      assert.match(repo.git("ls-files", "-s", "s.yaml"), /^100755 /);
      assert.is(await repo.plain("s.yaml"), WITH_BOTH);
    });
  }
});

test("a link on one side is no version of the file", async () => {
  await inRepository(async (repo) => {
    await repo.save("s.yaml", BASE);
    repo.git("checkout", "-q", "-b", "side");
    rmSync(repo.box.path("s.yaml"));
    symlinkSync("/etc/passwd", repo.box.path("s.yaml"));
    repo.git("commit", "-qam", "a link");
    repo.git("checkout", "-q", "main");
    repo.git("rm", "-q", "s.yaml");
    repo.git("commit", "-qm", "gone");
    repo.try("merge", "side");
    for (const side of ["--theirs", "--base"]) {
      const { code, stderr } = await repo.box.run(["git", "resolve", side, "s.yaml"]);
      assert.is(code, 1, stderr);
      assert.match(stderr, "a link in theirs");
    }
  });
});

test("one conflict of several documents, and conflicts that no path names", async () => {
  await inRepository(async (repo) => {
    const side = (n: number) => `a: SECRETa${n}\n---\na: SECRETb${n}\n`;
    await repo.fork("s.yaml", side(1), side(2), side(3));
    assert.is(repo.try("merge", "side").code, 1);
    const take = (...more: string[]) => repo.box.run(["git", "resolve", "--theirs", ...more, "s.yaml"]);
    const before = repo.box.read("s.yaml");
    const unclear = await take("--path", '["a"]');
    assert.is(unclear.code, 1);
    assert.match(unclear.stderr, 'there are conflicts at ["a"] in the documents 0, 1');
    assert.match(unclear.stderr, "--document 0 is the first");
    assert.match((await take("--document", "1")).stderr, "--document needs --path");
    const missing = await take("--path", '["a"]', "--document", "2");
    assert.match(missing.stderr, 'there is no conflict at ["a"] in document 2');
    assert.is(repo.box.read("s.yaml"), before);
    assert.is((await take("--path", '["a"]', "--document", "1")).code, 1);
    assert.is(await repo.plain("s.yaml"), "a: SECRETa2\n---\na: SECRETb3\n");
    // one is left, so it is clear which
    assert.is((await take("--path", '["a"]')).code, 0);
    assert.is(await repo.plain("s.yaml"), side(3));
  });
  await inRepository(async (repo) => {
    await repo.fork("s.bin", "SECRET0", "SECRET1", "SECRET2");
    repo.try("merge", "side");
    const { code, stderr } = await repo.box.run([
      "git",
      "resolve",
      "--theirs",
      "--path",
      '["data"]',
      "s.bin",
    ]);
    assert.is(code, 1);
    assert.match(stderr, "what has no path is resolved without --path");
  });
});

test.run();
