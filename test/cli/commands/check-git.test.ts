import { mkdirSync, readFileSync, rmSync, symlinkSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { IDENTITY_FILE, inSandbox, OTHER_RECIPIENT, RECIPIENT, type Sandbox } from "../../support/cli.ts";
import { Git, type GitResult } from "../../support/git.ts";

/* The guard, with real git and a real hook; and what `check` says of a repository. */

const SECRET = "hunter2-mark";
const RULE = `creation_rules:\n  - path_regex: ^secrets/\n    age: ${RECIPIENT}\n`;
const PLAIN = `a: ${SECRET}\nb: two\nc: three\n`;

async function inRepository(work: (at: Git, box: Sandbox) => Promise<void>): Promise<void> {
  await inSandbox(
    async (box) => {
      const at = new Git(box);
      at.git("init", "-q", "-b", "main");
      at.write(".sops.yaml", RULE);
      at.write("README.md", "# about\n");
      at.git("add", ".");
      at.git("commit", "-qm", "first");
      await work(at, box);
    },
    { SOPS_AGE_RECIPIENTS: undefined },
  );
}

/** With the hook; what it prints is seen by the person who commits. */
async function guarded(work: (at: Git, box: Sandbox) => Promise<void>): Promise<void> {
  await inRepository(async (at, box) => {
    at.hook("pre-commit", "check", "--staged");
    at.hook("pre-merge-commit", "check", "--staged");
    await work(at, box);
  });
}

function refused({ code, stdout, stderr }: GitResult, file: string): void {
  const said = stdout + stderr;
  assert.is(code, 1, said);
  assert.match(said, `${file}: error: `);
  assert.match(said, "git commit --no-verify");
  assert.not.match(said, SECRET);
}

async function encrypt(box: Sandbox, name: string, text = PLAIN): Promise<void> {
  box.write(name, text);
  const { code, stderr } = await box.run(["encrypt", "-i", name]);
  assert.is(code, 0, stderr);
}

test("commit: a plain file is refused with the commands that mend it, which work", () =>
  guarded(async (at, box) => {
    at.write("secrets/a.yaml", PLAIN);
    at.git("add", ".");
    const result = at.try("commit", "-qm", "x");
    refused(result, "secrets/a.yaml");
    assert.match(result.stdout + result.stderr, "tsops encrypt -i secrets/a.yaml && git add secrets/a.yaml");
    assert.is((await box.run(["encrypt", "-i", "secrets/a.yaml"])).code, 0);
    // the work tree is in order now, and what is staged is not
    const still = at.try("commit", "-qm", "x");
    refused(still, "secrets/a.yaml");
    assert.match(still.stdout + still.stderr, "in the work tree it is [not-encrypted]");
    at.git("add", "secrets/a.yaml");
    at.git("commit", "-qm", "x");
    assert.not.match(at.git("log", "-p"), SECRET);
  }));

test("the first commit of a repository", () =>
  inSandbox(
    async (box) => {
      const at = new Git(box);
      at.git("init", "-q", "-b", "main");
      at.hook("pre-commit", "check", "--staged");
      at.write(".sops.yaml", RULE);
      at.write("secrets/a.yaml", PLAIN);
      at.git("add", ".");
      refused(at.try("commit", "-qm", "x"), "secrets/a.yaml");
    },
    { SOPS_AGE_RECIPIENTS: undefined },
  ));

test("commit FILE: what git takes from the work tree for this commit is looked at, and only that", () =>
  guarded(async (at, box) => {
    await encrypt(box, "secrets/a.yaml");
    at.git("add", ".");
    at.git("commit", "-qm", "encrypted");
    at.write("secrets/a.yaml", PLAIN);
    at.write("other.txt", "x\n");
    at.git("add", "other.txt");
    refused(at.try("commit", "-qm", "x", "secrets/a.yaml"), "secrets/a.yaml");
    // the plain file is not part of this one
    at.git("commit", "-qm", "x", "other.txt");
  }));

test("commit -a and commit --amend", () =>
  guarded(async (at, box) => {
    await encrypt(box, "secrets/a.yaml");
    at.git("add", ".");
    at.git("commit", "-qm", "encrypted");
    at.write("secrets/a.yaml", PLAIN);
    refused(at.try("commit", "-qam", "x"), "secrets/a.yaml");
    at.git("add", ".");
    refused(at.try("commit", "--amend", "-qm", "x"), "secrets/a.yaml");
  }));

test("partly staged: the index counts, not the work tree", () =>
  guarded(async (at, box) => {
    await encrypt(box, "secrets/a.yaml");
    at.git("add", ".");
    at.write("secrets/a.yaml", PLAIN);
    // what is staged is encrypted
    at.git("commit", "-qm", "encrypted");
    const text = at.git("show", "HEAD:secrets/a.yaml");
    at.write("secrets/a.yaml", `token: ${SECRET}\n${text}`);
    at.git("add", ".");
    at.write("secrets/a.yaml", text);
    refused(at.try("commit", "-qm", "x"), "secrets/a.yaml:1:8");
  }));

/** Rules for the files of a folder. */
function rulesFor(folder: string, recipient = RECIPIENT): string {
  return `creation_rules:\n  - path_regex: ^${folder}/\n    age: ${recipient}\n`;
}

test("the staged configuration counts, not the one of the work tree: a rule that only the index has", () =>
  guarded(async (at) => {
    at.write("later/a.yaml", PLAIN);
    at.write(".sops.yaml", rulesFor("later"));
    at.git("add", ".");
    at.write(".sops.yaml", RULE);
    refused(at.try("commit", "-qm", "x"), "later/a.yaml");
  }));

test("recipients are compared with the staged configuration, whichever of the two the file has", () =>
  guarded(async (at, box) => {
    await encrypt(box, "secrets/a.yaml");
    at.git("add", "secrets");
    at.write(".sops.yaml", rulesFor("secrets", OTHER_RECIPIENT));
    // the index has the rule that the file was made by
    at.git("commit", "-qm", "x");
    at.git("add", ".sops.yaml");
    at.git("commit", "-qm", "new rule");
    assert.is((await box.run(["updatekeys", "-y", "secrets/a.yaml"])).code, 0);
    at.write(".sops.yaml", RULE);
    at.git("add", "-A");
    // the file is as the work tree has it
    at.write(".sops.yaml", rulesFor("secrets", OTHER_RECIPIENT));
    const result = at.try("commit", "-qm", "x");
    refused(result, "secrets/a.yaml");
    assert.match(result.stdout + result.stderr, "[recipients-differ]");
    assert.match(
      result.stdout + result.stderr,
      "the staged .sops.yaml counts here, and the one in the work tree says something else",
    );
  }));

test("plaintext is refused as well where only the rule of the work tree covers it, and it is said why", () =>
  guarded(async (at, box) => {
    at.write("later/a.yaml", PLAIN);
    at.git("add", ".");
    at.write(".sops.yaml", rulesFor("later"));
    const result = at.try("commit", "-qm", "x");
    refused(result, "later/a.yaml");
    assert.match(
      result.stdout + result.stderr,
      "a creation rule covers it, which is in the work tree and not staged yet [not-encrypted]",
    );
    assert.is((await box.run(["encrypt", "-i", "later/a.yaml"])).code, 0);
    at.git("add", "later");
    // no staged rule says who can read it
    at.git("commit", "-qm", "x");
  }));

test("a configuration that git does not have counts as it is; so does one that is only staged", () =>
  guarded(async (at) => {
    at.git("rm", "-q", "--cached", ".sops.yaml");
    at.git("commit", "-qm", "kept out of git");
    at.write("secrets/a.yaml", PLAIN);
    at.git("add", "secrets");
    refused(at.try("commit", "-qm", "x"), "secrets/a.yaml");
    at.git("add", ".sops.yaml");
    rmSync(join(at.folder, ".sops.yaml"));
    refused(at.try("commit", "-qm", "x"), "secrets/a.yaml");
    // of another name, and not staged: the index has no two
    at.write(".sopsrc", "{ creation_rules: [] }\n");
    refused(at.try("commit", "-qm", "x"), "secrets/a.yaml");
  }));

test("a broken configuration that is staged stops the commit; one that is not staged does not", () =>
  guarded(async (at) => {
    at.write("x.txt", "x\n");
    at.git("add", "x.txt");
    at.write(".sops.yaml", "creation_rules: 1\n");
    at.git("commit", "-qm", "x");
    at.git("add", ".sops.yaml");
    at.write("y.yaml", "y: 1\n");
    at.git("add", "y.yaml");
    at.write(".sops.yaml", RULE);
    const { code, stdout, stderr } = at.try("commit", "-qm", "x");
    assert.is(code, 1);
    assert.match(stdout + stderr, ".sops.yaml: not checked: ");
  }));

test("configurations that are named, and links to others, count as they are staged, too", () =>
  guarded(async (at, box) => {
    const rules = rulesFor("later").replace("^", "");
    at.write("conf/rules.yaml", rules);
    at.write("later/a.yaml", PLAIN);
    at.git("add", ".");
    at.write("conf/rules.yaml", RULE);
    const named = await box.run(["check", "--staged", "--config", "conf/rules.yaml"]);
    refused({ ...named, stderr: `${named.stdout}${named.stderr}` }, "later/a.yaml");
    rmSync(join(at.folder, ".sops.yaml"));
    symlinkSync("conf/rules.yaml", join(at.folder, ".sops.yaml"));
    at.git("add", ".sops.yaml");
    refused(at.try("commit", "-qm", "x"), "later/a.yaml");
  }));

test("the staged baseline counts", () =>
  guarded(async (at, box) => {
    at.hook("pre-commit", "check", "--staged", "--baseline", "known.json");
    at.write("secrets/a.yaml", PLAIN);
    const write = ["check", "--baseline", "known.json", "--write-baseline"];
    assert.is((await box.run([...write, "README.md"])).code, 0);
    at.git("add", ".");
    assert.is((await box.run(write)).code, 0);
    refused(at.try("commit", "-qm", "x"), "secrets/a.yaml");
    at.git("add", ".");
    at.git("commit", "-qm", "x");
  }));

test("a renamed file, one with an odd name, and one that is gone", () =>
  guarded(async (at, box) => {
    at.write("plain/a.yaml", PLAIN);
    await encrypt(box, "secrets/b.yaml");
    at.git("add", ".");
    at.git("commit", "-qm", "x");
    mkdirSync(join(at.folder, "secrets/ü x"));
    at.git("mv", "plain/a.yaml", "secrets/ü x/a'b.yaml");
    const result = at.try("commit", "-qm", "x");
    refused(result, "secrets/ü x/a'b.yaml");
    assert.match(result.stdout + result.stderr, `tsops encrypt -i 'secrets/ü x/a'\\''b.yaml'`);
    at.git("reset", "-q", "--hard");
    at.git("rm", "-q", "secrets/b.yaml");
    at.git("commit", "-qm", "gone");
  }));

test("a file that was encrypted, that no rule covers", () =>
  guarded(async (at, box) => {
    box.write("x.yaml", PLAIN);
    assert.is(
      (await box.run(["encrypt", "-i", "--config", "/dev/null", "--age", RECIPIENT, "x.yaml"])).code,
      0,
    );
    at.git("add", ".");
    at.git("commit", "-qm", "x");
    at.write("x.yaml", "harmless: 1\n");
    at.git("add", ".");
    const result = at.try("commit", "-qm", "x");
    refused(result, "x.yaml");
    assert.match(result.stdout + result.stderr, "is encrypted in the last commit, and what is staged is not");
  }));

test("merge commits: done by git, and finished by hand", () =>
  guarded(async (at, box) => {
    await encrypt(box, "secrets/a.yaml");
    at.git("add", ".");
    at.git("commit", "-qm", "x");
    at.git("switch", "-qc", "other");
    at.write("secrets/b.yaml", PLAIN);
    at.git("add", ".");
    at.git("commit", "-qm", "plain", "--no-verify");
    at.git("switch", "-q", "main");
    at.write("README.md", "# more\n");
    at.git("commit", "-qam", "y");
    refused(at.try("merge", "-q", "--no-edit", "other"), "secrets/b.yaml");
    refused(at.try("commit", "-qm", "merge"), "secrets/b.yaml");
    at.git("merge", "--abort");
    at.git("merge", "-q", "--no-commit", "other");
    assert.is((await box.run(["encrypt", "-i", "secrets/b.yaml"])).code, 0);
    at.git("add", ".");
    at.git("commit", "-qm", "merged");
  }));

test("conflict markers that are staged as if the merge were finished", () =>
  guarded(async (at, box) => {
    await encrypt(box, "secrets/a.yaml");
    at.git("add", ".");
    at.git("commit", "-qm", "x");
    at.git("switch", "-qc", "other");
    assert.is((await box.run(["set", "secrets/a.yaml", '["b"]', '"2"'])).code, 0);
    at.git("commit", "-qam", "theirs");
    at.git("switch", "-q", "main");
    assert.is((await box.run(["set", "secrets/a.yaml", '["b"]', '"22"'])).code, 0);
    at.git("commit", "-qam", "ours");
    assert.is(at.try("merge", "-q", "other").code, 1);
    at.git("add", ".");
    const result = at.try("commit", "-qm", "merge");
    assert.is(result.code, 1);
    assert.match(result.stdout + result.stderr, /^secrets\/a\.yaml:\d+:1: error: .* \[merge-conflict\]$/m);
  }));

test("linked work trees, submodules, and a folder below the top", () =>
  guarded(async (at, box) => {
    const linked = new Git(box, join(box.root, "linked"));
    at.git("worktree", "add", "-q", linked.folder, "-b", "linked");
    linked.write("secrets/a.yaml", PLAIN);
    linked.git("add", ".");
    refused(linked.try("commit", "-qm", "x"), "secrets/a.yaml");
    const library = new Git(box, join(box.root, "library"));
    mkdirSync(library.folder);
    library.git("init", "-q", "-b", "main");
    library.write("a.txt", "x\n");
    library.git("add", ".");
    library.git("commit", "-qm", "x");
    at.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", library.folder, "library");
    at.git("commit", "-qm", "submodule");
    at.write("secrets/deep/a.yaml", PLAIN);
    at.git("add", ".");
    const below = new Git(box, join(at.folder, "secrets"));
    refused(below.try("commit", "-qm", "x"), "secrets/deep/a.yaml");
    // by hand, names are as they are seen from here
    const { code, stdout } = await box.run(["check", "--staged"], { cwd: below.folder });
    assert.is(code, 1);
    assert.match(stdout, "deep/a.yaml: error: ");
    assert.not.match(stdout, "secrets/deep");
    assert.is((await box.run(["check", "--staged", "README.md"])).code, 0);
    assert.is((await box.run(["check", "--staged", "../other"])).code, 2);
  }));

test("a clean commit is silent, warnings stop nobody, and --no-verify goes on", () =>
  guarded(async (at, box) => {
    await encrypt(box, "secrets/a.yaml");
    at.git("add", ".");
    const clean = at.try("commit", "-qm", "x");
    assert.equal(clean, { code: 0, stdout: "", stderr: "" });
    at.write("x.yaml", `password: ${SECRET}\n`);
    at.git("add", ".");
    const warned = at.try("commit", "-qm", "x");
    assert.is(warned.code, 0);
    assert.match(warned.stderr + warned.stdout, "x.yaml:1:11: warning: ");
    at.write("secrets/b.yaml", PLAIN);
    at.git("add", ".");
    at.git("commit", "-qm", "x", "--no-verify");
  }));

test("links, files that are only announced, and binary files", () =>
  guarded(async (at, box) => {
    at.write("secrets/new.yaml", PLAIN);
    at.git("add", "--intent-to-add", "secrets/new.yaml");
    assert.is((await box.run(["check", "--staged"])).code, 0);
    at.write("secrets/key.bin", "a\0b");
    at.git("add", "secrets/key.bin");
    refused(at.try("commit", "-qm", "x"), "secrets/key.bin");
  }));

test("a staged file that is too large to be read stops the commit only where a rule covers it", () =>
  guarded(async (at, box) => {
    box.write("image.bin", "");
    truncateSync(box.path("image.bin"), 2 ** 29);
    at.git("add", "image.bin");
    const free = await box.run(["check", "--staged"]);
    assert.equal([free.code, free.stdout], [0, ""]);
    assert.match(free.stderr, "image.bin is too large to be a file of secrets, and is skipped");
    at.write("secrets/x", "");
    at.git("mv", "image.bin", "secrets/image.yaml");
    const covered = await box.run(["check", "--staged"]);
    assert.is(covered.code, 2);
    assert.match(
      covered.stdout,
      "secrets/image.yaml: not checked: it is too large to be read, and a creation rule",
    );
  }));

test("--staged works without keys, and where the caller has no secrets in its environment", () =>
  inRepository(async (at, box) => {
    await encrypt(box, "secrets/a.yaml");
    at.git("add", ".");
    box.env.SOPS_AGE_KEY_FILE = undefined;
    assert.equal(await box.run(["check", "--staged"]), { code: 0, stdout: "", stderr: "" });
  }));

test('"textconv-cache": a setting and a ref, each with the commands that mend it, which work', () =>
  inRepository(async (at, box) => {
    const lines = async () => (await box.run(["check"])).stdout;
    assert.not.match(await lines(), "textconv-cache");
    // other drivers may do as they like
    at.git("config", "diff.pdf.textconv", "pdftotext");
    at.git("config", "diff.pdf.cachetextconv", "true");
    assert.not.match(await lines(), "textconv-cache");
    at.git("config", "diff.tsops.textconv", "cat");
    at.git("config", "diff.tsops.cachetextconv", "true");
    at.write(".gitattributes", "*.yaml diff=tsops\n");
    at.write("x.yaml", "a: 1\n");
    at.git("add", ".");
    at.git("commit", "-qm", "x");
    at.git("log", "-p");
    const { code, stdout } = await box.run(["check"]);
    assert.is(code, 1);
    assert.match(
      stdout,
      "git: error: git keeps decrypted text of diffs in its objects: diff.tsops.cachetextconv is set",
    );
    assert.match(stdout, "git config --local --unset-all diff.tsops.cachetextconv");
    assert.match(stdout, "refs/notes/textconv/tsops [textconv-cache]");
    at.git("config", "--local", "--unset-all", "diff.tsops.cachetextconv");
    at.git("update-ref", "-d", "refs/notes/textconv/tsops");
    assert.not.match(await lines(), "textconv-cache");
  }));

/** A merge as a forge does it: as text, without a driver. Both sides change other values, so there is no conflict. */
async function mergeAsText(at: Git, box: Sandbox): Promise<void> {
  const text = "a: 1\nx1: plain\nx2: plain\nx3: plain\nx4: plain\nb: 2\n";
  at.write(".sops.yaml", RULE.replace("    age", "    encrypted_regex: ^[ab]$\n    age"));
  await encrypt(box, "secrets/m.yaml", text);
  at.git("add", ".");
  at.git("commit", "-qm", "x");
  at.git("switch", "-qc", "other");
  assert.is((await box.run(["set", "secrets/m.yaml", '["a"]', `"${SECRET}"`])).code, 0);
  const theirs = at.read("secrets/m.yaml");
  at.git("commit", "-qam", "theirs");
  at.git("switch", "-q", "main");
  assert.is((await box.run(["set", "secrets/m.yaml", '["b"]', `"${SECRET}"`])).code, 0);
  at.git("commit", "-qam", "ours");
  at.try("merge", "-q", "other");
  // the values of both sides, and the metadata of one: what a person does in a forge's editor
  const ours = at.git("show", "main:secrets/m.yaml");
  const a = /^a: .*$/m.exec(theirs)![0];
  at.write("secrets/m.yaml", ours.replace(/^a: .*$/m, () => a).replace(/^x4: plain$/m, "x4: merged"));
  at.git("add", ".");
  at.git("commit", "-qm", "merged");
}

test('"bad-merge": a merge commit whose file does not verify; a note once the newest version does', () =>
  inRepository(async (at, box) => {
    await mergeAsText(at, box);
    const { code, stdout } = await box.run(["check", "--merges", "--json"]);
    const report = JSON.parse(stdout);
    assert.equal(
      report.findings.map(({ rule, level, file }: Record<string, string>) => [rule, level, file]),
      [["bad-merge", "error", "secrets/m.yaml"]],
    );
    assert.is(code, 1);
    assert.not.match(stdout, SECRET);
    // without a key nobody knows
    box.env.SOPS_AGE_KEY_FILE = undefined;
    const keyless = await box.run(["check", "--merges"]);
    assert.is(keyless.code, 1);
    assert.match(keyless.stdout, /cannot be verified: .* \[cannot-decrypt\]/);
    box.env.SOPS_AGE_KEY_FILE = IDENTITY_FILE;
    assert.is((await box.run(["check", "--merges=main~1..main~1"])).code, 0);
    assert.is((await box.run(["check", "--merges=HEAD", "README.md"])).code, 0);
    assert.is((await box.run(["check", "--merges=nonsense"])).code, 2);
    const mended = await box.run(["rotate", "-i", "--ignore-mac", "--yes", "secrets/m.yaml"]);
    assert.is(mended.code, 0, mended.stderr);
    at.git("commit", "-qam", "mended");
    const later = await box.run(["check", "--merges"]);
    assert.is(later.code, 0, later.stdout);
    assert.match(later.stdout, /secrets\/m\.yaml: note: .*the newest version of the file is in order/);
  }));

test("merges whose files verify, or are no secrets, are none of these", () =>
  inRepository(async (at, box) => {
    await encrypt(box, "secrets/a.yaml");
    at.write("code.txt", "a\nb\nc\nd\ne\n");
    at.git("add", ".");
    at.git("commit", "-qm", "x");
    at.git("switch", "-qc", "other");
    at.write("code.txt", "A\nb\nc\nd\ne\n");
    at.git("commit", "-qam", "theirs");
    at.git("switch", "-q", "main");
    at.write("code.txt", "a\nb\nc\nd\nE\n");
    at.git("commit", "-qam", "ours");
    at.git("merge", "-q", "--no-edit", "other");
    const { code, stdout } = await box.run(["check", "--merges"]);
    assert.is(code, 0, stdout);
  }));

test("the hook of the pre-commit framework runs the guard", () => {
  const text = readFileSync(".pre-commit-hooks.yaml", "utf8");
  const entries = [...text.matchAll(/^ {2}entry: (.*)$/gm)].map(([, entry]) => entry);
  assert.equal(entries, ["tsops check --staged"]);
});

test.run();
