import { execFileSync } from "node:child_process";
import { readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { OTHER_RECIPIENT, RECIPIENT } from "../../support/cli.ts";
import { type GitBox, inGit } from "../../support/with-git.ts";

const SECRET = "marker-5ecret";

/** A repository with one encrypted file in its first commit. */
async function withFile(repository: GitBox, text = "user: u\npassword: old\nport: 1\n"): Promise<void> {
  repository.box.write("a.yaml", text);
  await repository.tsops("encrypt", "-i", "a.yaml");
  repository.commit("one");
}

test(
  "the work tree, the index and commits are compared as git diff does it",
  inGit(async (repository) => {
    await withFile(repository);
    const { tsops } = repository;
    const diff = (...words: string[]) => tsops.call(repository, "diff", ...words);
    assert.is(await diff(), "");
    const changed = 'a.yaml\n  ~ ["password"]: another value\n';
    await repository.tsops("set", "a.yaml", '["password"]', '"new"');
    assert.is(await diff(), changed);
    assert.is(await diff("--staged"), "");
    repository.git("add", "-A");
    assert.is(await diff(), "");
    for (const words of [
      ["--staged"],
      ["--cached"],
      ["HEAD"],
      ["--staged", "HEAD"],
      ["main", "--", "a.yaml"],
    ])
      assert.is(await diff(...words), changed, words.join(" "));
    repository.git("commit", "-qm", "two");
    for (const words of [["HEAD~1", "HEAD"], ["HEAD~1"], ["HEAD~1.."], ["HEAD~1...HEAD"], ["HEAD~1..main"]])
      assert.is(await diff(...words), changed, words.join(" "));
    assert.is(await diff("HEAD~1", "--", "other.yaml"), "");
    // staged, and changed once more in the work tree
    await repository.tsops("set", "a.yaml", '["port"]', '"1"');
    const both = 'a.yaml\n  ~ ["password"]: another value\n  ~ ["port"]: integer -> text\n';
    assert.is(await diff("HEAD~1"), both);
    // taken back in the work tree
    repository.git("checkout", "-q", "HEAD~1", "--", "a.yaml");
    repository.git("reset", "-q", "--", "a.yaml");
    assert.is(await diff("HEAD~1"), "");
  }),
);

test(
  "only --reveal shows encrypted values; the lines of long texts that changed",
  inGit(async (repository) => {
    await withFile(repository, `a: ${SECRET}\nlong: |\n  one\n  two\n  three\nz_unencrypted: plain\n`);
    const { box } = repository;
    await repository.tsops("set", "a.yaml", '["a"]', `"${SECRET}-2"`);
    await repository.tsops("set", "a.yaml", '["long"]', JSON.stringify(`one\n${SECRET}\nthree`));
    await repository.tsops("set", "a.yaml", '["z_unencrypted"]', '"other"');
    await repository.tsops("set", "a.yaml", '["new"]', `"${SECRET}"`);
    for (const words of [
      ["diff"],
      ["diff", "--json"],
      ["diff", "--summary"],
      ["log", "-p"],
      ["log", "--json"],
    ]) {
      const { stdout, stderr } = await box.run(words);
      assert.match(stdout, "a.yaml");
      assert.not.match(stdout + stderr, SECRET, words.join(" "));
    }
    assert.is(
      await repository.tsops("diff", "--reveal"),
      `a.yaml
  - ["a"]: "${SECRET}"
  + ["a"]: "${SECRET}-2"
  ~ ["long"]:
  -     two
  -     three
  +     ${SECRET}
  +     three (no line break at the end)
  - ["z_unencrypted"]: "plain"
  + ["z_unencrypted"]: "other"
  + ["new"]: "${SECRET}"
`,
    );
    const { files } = JSON.parse(await repository.tsops("diff", "--json", "--reveal"));
    assert.is(files[0].entries[0].after.value, `${SECRET}-2`);
  }),
);

test(
  "recipients, selector, threshold and rotation; equal values of a rotated file are no change",
  inGit(async (repository) => {
    await withFile(repository);
    const { box } = repository;
    box.write(
      ".sopsrc",
      `{ keys: { me: "age:${RECIPIENT}", bob: "age:${OTHER_RECIPIENT}" }, rules: [{ recipients: ["me"] }] }`,
    );
    await repository.tsops("rotate", "-i", "-y", "a.yaml");
    assert.is(await repository.tsops("diff"), "a.yaml\n  ~ the data key is a new one (rotated)\n");
    repository.git("checkout", "-q", "--", "a.yaml");
    await repository.tsops("rotate", "-i", "-y", "--add-age", OTHER_RECIPIENT, "a.yaml");
    const shown = await repository.tsops("diff");
    assert.match(shown, `  + recipient age ${OTHER_RECIPIENT} (bob)\n`);
    assert.not.match(shown, '["');
    const { files } = JSON.parse(await repository.tsops("diff", "--json"));
    assert.equal(files[0].entries, []);
    assert.is(files[0].dataKeyRotated, true);
    assert.equal(files[0].recipients.removed, []);
    assert.is(files[0].recipients.added[0].id, OTHER_RECIPIENT);
  }),
);

test(
  "a file that was only encrypted anew, one that was only touched, and one with other line ends",
  inGit(async (repository) => {
    await withFile(repository);
    const { box } = repository;
    box.write("a.yaml", box.read("a.yaml"));
    assert.equal(await box.run(["diff", "--", "a.yaml"]), { code: 0, stdout: "", stderr: "" });
    box.write("a.yaml", box.read("a.yaml").replaceAll("\n", "\r\n"));
    assert.is(await repository.tsops("diff"), "");
    repository.git("checkout", "-q", "--", "a.yaml");
    await repository.tsops("set", "a.yaml", '["port"]', "2");
    await repository.tsops("set", "a.yaml", '["port"]', "1");
    assert.is(await repository.tsops("diff"), "a.yaml\n  no value changed: it was only written anew\n");
  }),
);

test(
  "a plaintext that is encrypted now, and the reverse; other files are left to git",
  inGit(async (repository) => {
    const { box } = repository;
    box.write("a.yaml", `# c\na: ${SECRET}\n`);
    box.write("readme.md", "text\n");
    repository.commit("one");
    await repository.tsops("encrypt", "-i", "a.yaml");
    box.write("readme.md", "other\n");
    const encrypted = await repository.tsops("diff");
    assert.match(encrypted, /^a\.yaml \(encrypted now\)\n {2}\+ recipient age /);
    assert.match(encrypted, '\n  ~ ["a"]: plain -> encrypted\n');
    assert.not.match(encrypted, SECRET);
    assert.not.match(encrypted, "readme");
    repository.commit("two");
    box.write("a.yaml", `# c\na: ${SECRET}-2\n`);
    assert.is((await box.run(["diff", "--exit-code"])).code, 1);
    const decrypted = await repository.tsops("diff");
    assert.match(decrypted, "a.yaml (not encrypted any more)");
    assert.match(decrypted, '\n  ~ ["a"]: another value, encrypted -> plain\n');
    assert.not.match(decrypted, SECRET);
    repository.git("checkout", "-q", "--", "a.yaml");
    box.write("readme.md", "third\n");
    const { stdout, stderr } = await box.run(["diff", "--", "readme.md"]);
    assert.is(stdout, "");
    assert.match(stderr, /not encrypted: git diff shows it/);
  }),
);

test(
  "a value that was plain in an encrypted file, and is encrypted now, is not shown",
  inGit(async (repository) => {
    const { box } = repository;
    box.write("a.yaml", `a: 1\nb: ${SECRET}\n`);
    await repository.tsops("encrypt", "-i", "--encrypted-regex", "^a$", "a.yaml");
    repository.commit("one");
    assert.match(box.read("a.yaml"), SECRET);
    await repository.tsops("decrypt", "-i", "a.yaml");
    await repository.tsops("encrypt", "-i", "--encrypted-regex", "^[ab]$", "a.yaml");
    const text = await repository.tsops("diff");
    assert.match(text, /~ selector: encrypted_regex "\^a\$" -> encrypted_regex "\^\[ab\]\$"/);
    assert.match(text, '~ ["b"]: plain -> encrypted\n');
    for (const words of [["diff"], ["diff", "--json"], ["diff", "--summary"]])
      assert.not.match(await repository.tsops(...words), SECRET, words.join(" "));
    assert.match(await repository.tsops("diff", "--json", "--reveal"), SECRET);
  }),
);

test(
  "without a key: which ciphertexts changed, and what needs no key",
  inGit(async (repository) => {
    await withFile(repository, `a: 1\nb: ${SECRET}\nz_unencrypted: plain\n`);
    const { box } = repository;
    await repository.tsops("set", "a.yaml", '["a"]', '"1"');
    box.env = { ...box.env, SOPS_AGE_KEY_FILE: undefined };
    const shown = await repository.tsops("diff", "--reveal");
    assert.match(shown, /^a\.yaml\n {2}! no key here opens it .*\n {2}~ \["a"\]: integer -> text\n$/);
    // what stands there in plaintext may be there by mistake
    box.write(
      "a.yaml",
      box
        .read("a.yaml")
        .replace("plain", "other")
        .replace(/^b: .*$/m, `b: ${SECRET}`),
    );
    const mistaken = await repository.tsops("diff", "--reveal");
    assert.match(mistaken, '~ ["b"]: another ciphertext, encrypted -> plain');
    assert.not.match(mistaken, SECRET);
    const { files } = JSON.parse(await repository.tsops("diff", "--json", "--reveal"));
    assert.is(files[0].decrypted, false);
    assert.not.match(JSON.stringify(files), SECRET);
    repository.git("checkout", "-q", "--", "a.yaml");
    box.env.SOPS_AGE_KEY_FILE = new URL("../../../fixtures/golden/keys/age1.txt", import.meta.url).pathname;
    await repository.tsops("rotate", "-i", "-y", "a.yaml");
    box.env.SOPS_AGE_KEY_FILE = undefined;
    assert.match(await repository.tsops("diff"), "all ciphertexts differ: perhaps it was only rotated");
  }),
);

test(
  "damaged files, files changed without their key, conflicts, renames, deleted and new files",
  inGit(async (repository) => {
    await withFile(repository, `a: ${"x".repeat(200)}\nz_unencrypted: 1\n`);
    const { box } = repository;
    const text = box.read("a.yaml");
    box.write("a.yaml", text.replace("z_unencrypted: 1", "z_unencrypted: 2"));
    assert.match(
      await repository.tsops("diff"),
      /! after: changed without its key: MAC mismatch.*\n {2}- \["z_une/,
    );
    box.write("a.yaml", `<<<<<<< a\n${text}=======\n${text}>>>>>>> b\n`);
    assert.match(
      await repository.tsops("diff"),
      /\(damaged now\)\n {2}! after: it cannot be read: .*merge conflict/,
    );
    repository.git("checkout", "-q", "--", "a.yaml");
    repository.git("mv", "a.yaml", "sub dir.yaml");
    assert.is(await repository.tsops("diff", "--staged"), "a.yaml => sub dir.yaml\n  no value changed\n");
    repository.commit("renamed");
    repository.git("rm", "-q", "--cached", "sub dir.yaml");
    assert.match(await repository.tsops("diff", "--staged"), /^sub dir\.yaml \(deleted\)\n/);
    repository.git("add", "-A");
    // both sides change the same line, and no driver is there
    repository.git("checkout", "-qb", "other");
    await repository.tsops("set", "sub dir.yaml", '["a"]', '"theirs"');
    repository.commit("theirs");
    repository.git("checkout", "-q", "main");
    await repository.tsops("set", "sub dir.yaml", '["a"]', '"ours"');
    repository.commit("ours");
    assert.is.not(repository.try("merge", "other").code, 0);
    assert.is(
      await repository.tsops("diff"),
      "sub dir.yaml (in conflict)\n  ! a merge left it in conflict: see tsops git status\n",
    );
  }),
);

test(
  "--json is what docs/json.md says, member by member",
  inGit(async (repository) => {
    await withFile(repository);
    const { box } = repository;
    await repository.tsops("set", "a.yaml", '["password"]', '"new"');
    await repository.tsops("rotate", "-i", "--add-age", OTHER_RECIPIENT, "a.yaml");
    const [, section = ""] = readFileSync("docs/json.md", "utf8").split("\n## diff --json and log --json\n");
    const [, block = ""] = /^\n(( {4}.*\n)+)/.exec(section) ?? [];
    const documented = JSON.parse(block.replaceAll(/ +\/\/ .*$/gm, "").replaceAll("…", "null"));
    const { stdout } = await box.run(["diff", "--json"]);
    const membersOf = (value: unknown, path = ""): string[] => {
      if (Array.isArray(value)) return value.length > 0 ? membersOf(value[0], `${path}[]`) : [];
      if (typeof value !== "object" || value === null) return [];
      return Object.entries(value).flatMap(([name, member]) => [
        `${path}.${name}`,
        ...membersOf(member, `${path}.${name}`),
      ]);
    };
    assert.equal(membersOf(JSON.parse(stdout)), membersOf(documented));
    const revealed = JSON.parse((await box.run(["diff", "--json", "--reveal"])).stdout);
    assert.is(revealed.files[0].entries[0].after.value, "new");
    const [, states = ""] = /`state` of a side is (.*?); `format`/s.exec(section) ?? [];
    for (const state of ["encrypted", "plain", "missing", "damaged", "unread", "conflict"])
      assert.match(states, `\`${state}\``);
  }),
);

test(
  "no value is in --summary or --json, nor in what is said of damaged files, whatever happened to the file",
  inGit(async (repository) => {
    const { box } = repository;
    const names = ["a.yaml", "a.json", "a.env", "a.ini", "a.toml", "a.json5", "a.txt"];
    for (const name of names) {
      const value = `${SECRET}-${name}`;
      const texts: Record<string, string> = {
        json: `{"k": "${value}"}`,
        json5: `{k: '${value}'}`,
        yaml: `# ${value}\nk: ${value}\nl: [${value}, 1]\n`,
        toml: `k = "${value}"\n`,
        ini: `[s]\nk = ${value}\n`,
        txt: `${value}\n`,
      };
      box.write(name, texts[name.split(".")[1]!] ?? `K=${value}\n`);
    }
    repository.commit("in plaintext");
    await repository.tsops("encrypt", "-i", ...names);
    repository.commit("encrypted");
    // cut off, with conflict markers, and with plaintext in a ciphertext's place
    const damages: readonly ((text: string) => string)[] = [
      (text) => text.slice(0, text.length / 2) + SECRET,
      (text) => `<<<<<<< a\n${SECRET}\n=======\n${text}>>>>>>> b\n`,
      (text) => text.replace(/ENC\[[^\]]*\]/, `"${SECRET}\\q`),
      (text) => text.replace(/(lastmodified"?[:=] ?"?)[^"\n]*/, `$1${SECRET}`),
      (text) => text.replace(/(mac"?[:=] ?"?)ENC[^"\n]*/, `$1${SECRET}`),
    ];
    const said: string[] = [];
    const look = async (...words: readonly string[]): Promise<void> => {
      for (const form of [["--summary"], ["--json"], []]) {
        const { stdout, stderr } = await box.run(["diff", ...form, ...words]);
        said.push(stdout, stderr);
      }
    };
    await look("HEAD~1", "HEAD");
    for (const damage of damages) {
      for (const name of names) box.write(name, damage(box.read(name)));
      await look();
      repository.git("checkout", "-q", "--", ".");
    }
    assert.match(said.join("\n"), "damaged now");
    for (const text of said) assert.not.match(text, SECRET);
  }),
);

test(
  "what cannot be read is said, with exit code 1, and the other files are compared",
  inGit(async (repository) => {
    await withFile(repository);
    const { box } = repository;
    box.write("b.yaml", box.read("a.yaml"));
    box.write("c.yaml", box.read("a.yaml"));
    repository.commit("more");
    for (const name of ["a.yaml", "c.yaml"]) await repository.tsops("set", name, '["password"]', '"new"');
    box.write("b.yaml", box.read("a.yaml"));
    const gone = repository.git("hash-object", "-w", "b.yaml").trim();
    repository.commit("changed");
    await repository.tsops("set", "c.yaml", '["password"]', '"newer"');
    await repository.tsops("set", "b.yaml", '["password"]', '"newer"');
    repository.commit("changed again");
    // the versions of a.yaml and b.yaml in the commit before
    rmSync(box.path(`.git/objects/${gone.slice(0, 2)}/${gone.slice(2)}`));
    const { code, stdout, stderr } = await box.run(["diff", "HEAD~1", "HEAD"]);
    assert.is(stderr, "");
    assert.is(code, 1);
    assert.match(
      stdout,
      new RegExp(
        `^b\\.yaml \\(not compared\\)\n {2}! before: it cannot be read: its object ${gone} is missing in the repository`,
      ),
    );
    assert.match(stdout, '\n\nc.yaml\n  ~ ["password"]: another value\n');
    const json = await box.run(["diff", "--json", "HEAD~1", "HEAD"]);
    assert.is(json.code, 1);
    const [b, c] = JSON.parse(json.stdout).files;
    assert.equal([b.file, b.before.state, b.entries], ["b.yaml", "unread", null]);
    assert.equal([c.file, c.after.state, c.entries.length], ["c.yaml", "encrypted", 1]);
    const summary = await box.run(["diff", "--summary", "HEAD~1", "HEAD"]);
    assert.is(summary.code, 1);
    assert.match(summary.stdout, /- `b\.yaml`: not compared/);
    const log = await box.run(["log", "-p"]);
    assert.is(log.code, 1);
    assert.match(log.stdout, "b.yaml (not compared)\n");
    assert.match(log.stdout, "c.yaml (new file)\n");
  }),
);

test(
  "a file of the work tree whose name is not UTF-8 is not taken for a deleted one",
  inGit(async (repository) => {
    await withFile(repository);
    const { box } = repository;
    const odd = Buffer.from(`${box.folder}/lat\xe9in.yaml`, "latin1");
    try {
      writeFileSync(odd, box.read("a.yaml"));
    } catch {
      // a system whose names are all UTF-8
      return;
    }
    repository.commit("odd");
    await repository.tsops("set", "a.yaml", '["password"]', '"new"');
    writeFileSync(odd, box.read("a.yaml"));
    const { code, stdout } = await box.run(["diff"]);
    assert.is(code, 1);
    assert.match(
      stdout,
      /lat.in\.yaml \(not compared\)\n {2}! after: it cannot be read: its name is not UTF-8/,
    );
    assert.match(stdout, 'a.yaml\n  ~ ["password"]: another value\n');
  }),
);

test(
  "links are not followed, and names of every kind come through",
  inGit(async (repository) => {
    await withFile(repository);
    const { box } = repository;
    const odd = 'ü "q"\t#.yaml';
    box.write(odd, box.read("a.yaml"));
    repository.commit("odd");
    rmSync(box.path("a.yaml"));
    symlinkSync(join(box.folder, odd), box.path("a.yaml"));
    assert.match(await repository.tsops("diff"), /^a\.yaml \(deleted\)\n/);
    const { files } = JSON.parse(await repository.tsops("diff", "--json", "HEAD~1", "HEAD"));
    assert.is(files[0].file, odd);
  }),
);

if (process.platform !== "win32") {
  test(
    "a pipe in place of a file, which git takes for a changed file, is not waited for",
    inGit(async (repository) => {
      await withFile(repository);
      const { box } = repository;
      rmSync(box.path("a.yaml"));
      execFileSync("mkfifo", [box.path("a.yaml")]);
      const deleted = /^a\.yaml \(deleted\)\n {2}! after: it is something that is not a file, which is not/;
      assert.match(await repository.tsops("diff"), deleted);
      assert.match(await repository.tsops("diff", "HEAD"), deleted);
    }),
  );
}

test(
  "two files, and when they are not: a revision, a repository's files behind --, nothing encrypted",
  inGit(async (repository) => {
    await withFile(repository);
    const { box } = repository;
    box.write("b.yaml", box.read("a.yaml"));
    await repository.tsops("set", "b.yaml", '["port"]', "2");
    const shown = 'a.yaml => b.yaml\n  ~ ["port"]: another value\n';
    assert.is(await repository.tsops("diff", "a.yaml", "b.yaml"), shown);
    assert.is(await repository.tsops("diff", "--", "a.yaml", "b.yaml"), "");
    box.write("main", box.read("a.yaml"));
    const failed = await box.run(["diff", "main"]);
    assert.is(failed.code, 1);
    assert.match(failed.stderr, /main is both a revision and a file\n {2}put -- before files/);
    assert.match((await box.run(["diff", "main", "b.yaml"])).stderr, /both a revision and a file/);
    assert.match(await repository.tsops("diff", "--no-index", "main", "b.yaml"), "main => b.yaml");
    box.write("p1", "a");
    box.write("p2", "b");
    assert.match((await box.run(["diff", "p1", "p2"])).stderr, /neither p1 nor p2 is encrypted/);
    assert.match((await box.run(["diff", "nowhere"])).stderr, /neither a revision nor a file/);
    // outside of any repository
    const outside = await box.run(["diff", "w/a.yaml", "w/b.yaml"], { cwd: box.root });
    assert.is(outside.stdout, 'w/a.yaml => w/b.yaml\n  ~ ["port"]: another value\n');
    assert.match((await box.run(["diff"], { cwd: box.root })).stderr, /is not in a git repository/);
  }),
);

test(
  "folders and patterns mean what they mean where one stands; bare repositories compare commits",
  inGit(async (repository) => {
    await withFile(repository);
    const { box } = repository;
    box.write("sub/b.yaml", box.read("a.yaml"));
    repository.commit("two");
    await repository.tsops("set", "sub/b.yaml", '["port"]', "2");
    await repository.tsops("set", "a.yaml", '["port"]', "2");
    const inSub = async (...words: string[]) =>
      (await box.run(["diff", ...words], { cwd: box.path("sub") })).stdout
        .split("\n")
        .filter((line) => line && line[0] !== " ");
    assert.equal(await inSub(), ["a.yaml", "sub/b.yaml"]);
    assert.equal(await inSub("--", "."), ["sub/b.yaml"]);
    assert.equal(await inSub("--", "b.yaml"), ["sub/b.yaml"]);
    assert.equal(await inSub("--", "*.yaml"), ["sub/b.yaml"]);
    assert.equal(await inSub("--", ":/a.yaml"), ["a.yaml"]);
    repository.commit("three");
    repository.git("clone", "-q", "--bare", ".", join(box.root, "bare"));
    const bare = (...words: string[]) => box.run(["diff", ...words], { cwd: join(box.root, "bare") });
    assert.match((await bare("HEAD~1", "HEAD")).stdout, /a\.yaml\n.*\n\nsub\/b\.yaml/s);
    assert.match((await bare()).stderr, /bare repository has no work tree/);
  }),
);

test(
  "before the first commit; GIT_DIR names the repository",
  inGit(async (repository) => {
    const { box } = repository;
    box.write("a.yaml", "a: 1\n");
    await repository.tsops("encrypt", "-i", "a.yaml");
    repository.git("add", "-A");
    assert.match(await repository.tsops("diff", "--staged"), /^a\.yaml \(new file\)\n/);
    box.env = { ...box.env, GIT_DIR: join(box.folder, ".git"), GIT_WORK_TREE: box.folder };
    const { stdout } = await box.run(["diff", "--staged"], { cwd: box.root });
    assert.match(stdout, /^a\.yaml \(new file\)\n/);
  }),
);

test(
  "a summary for a pull request: nothing in it is markup, and there are no values",
  inGit(async (repository) => {
    const name = "[click](evil:x) `@all` <b>.yaml";
    repository.box.write(name, `a: ${SECRET}\n"\`\`x](y)": 1\n`);
    await repository.tsops("encrypt", "-i", name);
    repository.git("add", "-A");
    const summary = await repository.tsops("diff", "--staged", "--summary");
    assert.is(
      summary,
      `- \`\` ${name} \`\`: new file; 2 added; recipients: 1 added
  - recipient added: \`age ${RECIPIENT}\`
  - added \`["a"]\`: encrypted text
  - added \`\`\` ["\`\`x](y)"] \`\`\`: encrypted integer
`,
    );
    repository.commit("one");
    assert.is(await repository.tsops("diff", "--summary"), "No encrypted file differs.\n");
  }),
);

test(
  "exit codes, and what cannot stand together",
  inGit(async (repository) => {
    await withFile(repository);
    const { box } = repository;
    const code = async (...words: string[]) => (await box.run(["diff", ...words])).code;
    assert.is(await code("--exit-code"), 0);
    await repository.tsops("set", "a.yaml", '["port"]', "2");
    assert.equal([await code(), await code("--exit-code")], [0, 1]);
    assert.equal(await box.run(["diff", "--quiet"]), { code: 1, stdout: "", stderr: "" });
    assert.match((await box.run(["diff", "--json", "--summary"])).stderr, /--json and --summary cannot/);
    assert.match((await box.run(["diff", "--summary", "--reveal"])).stderr, /--summary and --reveal cannot/);
    assert.match((await box.run(["diff", "HEAD", "HEAD", "HEAD"])).stderr, /too many revisions/);
    assert.match((await box.run(["diff", "--staged", "HEAD..HEAD"])).stderr, /--staged takes one revision/);
  }),
);

test(
  "colours on a terminal only",
  inGit(async (repository) => {
    await withFile(repository);
    const { box } = repository;
    await repository.tsops("set", "a.yaml", '["new"]', "2");
    const red = '\x1b[32m  + ["new"]: encrypted integer\x1b[0m';
    assert.match((await box.run(["diff"], { terminal: true })).stdout, red);
    assert.not.match((await box.run(["diff", "--no-color"], { terminal: true })).stdout, "\x1b");
    assert.not.match(await repository.tsops("diff"), "\x1b");
  }),
);

test.run();
