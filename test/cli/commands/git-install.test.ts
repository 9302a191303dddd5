import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { usualPath } from "../../../src/cli/commands/git/program.ts";
import { driverSettings, programOf } from "../../../src/git/drivers.ts";
import { RECIPIENT } from "../../support/cli.ts";
import { OTHER_PROGRAM } from "../../support/program.ts";
import { type GitBox, inGit } from "../../support/with-git.ts";

const SECRET = "marker-5ecret";

function rules(repository: GitBox, ...patterns: readonly (string | undefined)[]): void {
  const lines = patterns.map((pattern) =>
    pattern === undefined
      ? `  - age: ${RECIPIENT}\n`
      : `  - path_regex: '${pattern}'\n    age: ${RECIPIENT}\n`,
  );
  repository.box.write(".sops.yaml", `creation_rules:\n${lines.join("")}`);
}

/** All files of the repository and of the person, but for git's objects. */
function snapshot({ box }: GitBox): Map<string, string> {
  const all = new Map<string, string>();
  const walk = (folder: string): void => {
    for (const name of readdirSync(folder)) {
      const path = join(folder, name);
      if (name === "objects" || path === join(box.root, "bin")) continue;
      const info = statSync(path);
      if (info.isDirectory()) walk(path);
      else all.set(path, `${info.mode & 0o777} ${readFileSync(path, "latin1")}`);
    }
  };
  walk(box.root);
  return all;
}

test(
  "one command, and diffs are readable; a second run changes nothing, and uninstall restores every byte",
  inGit(async (repository) => {
    const { box } = repository;
    rules(repository, "^secrets/.*\\.yaml$", "\\.enc\\.json$");
    box.write("secrets/a.yaml", `a: ${SECRET}\n`);
    await repository.tsops("encrypt", "-i", "secrets/a.yaml");
    repository.commit("one");
    const before = snapshot(repository);
    const dry = await repository.tsops("git", "install", "--dry-run");
    assert.equal(snapshot(repository), before);
    const said = await repository.tsops("git", "install");
    assert.is(
      dry,
      said.replace(/^(set|wrote)/gm, (word) => (word === "set" ? "would set" : "would write")),
    );
    assert.is(
      box.read(".gitattributes"),
      `# >>> tsops git install: change nothing up to the end of this block
# this file was made for this block
/secrets/**/*.yaml diff=tsops merge=tsops
*.enc.json diff=tsops merge=tsops
# <<< tsops git install
`,
    );
    const installed = snapshot(repository);
    assert.is(await repository.tsops("git", "install"), "nothing to change\n");
    assert.equal(snapshot(repository), installed);
    await repository.tsops("set", "secrets/a.yaml", '["a"]', `"${SECRET}-2"`);
    assert.match(repository.git("diff"), `-a: ${SECRET}\n+a: ${SECRET}-2\n`);
    assert.equal(repository.filesWith(SECRET), []);
    await repository.tsops("git", "install", "--uninstall");
    repository.git("checkout", "-q", "--", "secrets");
    repository.git("status");
    const after = snapshot(repository);
    before.delete(box.path(".git/index"));
    after.delete(box.path(".git/index"));
    assert.equal(after, before);
    assert.is(await repository.tsops("git", "uninstall"), "nothing to change\n");
  }),
);

test(
  "files that were there keep every byte; --attributes local keeps it to this clone; moving the block",
  inGit(async (repository) => {
    const { box } = repository;
    rules(repository, "\\.yaml$");
    const own = "# ours\r\n*.png binary\r\n*.txt text";
    box.write(".gitattributes", own);
    repository.commit("one");
    await repository.tsops("git", "install", "--no-guard");
    const committed = box.read(".gitattributes");
    assert.ok(committed.endsWith(own));
    assert.match(committed, "*.yaml diff=tsops merge=tsops\r\n/.sops.yaml !diff !merge\r\n");
    await repository.tsops("git", "install", "--no-guard", "--attributes", "local");
    assert.is(box.read(".gitattributes"), own);
    assert.match(box.read(".git/info/attributes"), "*.yaml diff=tsops merge=tsops\n");
    // where it is is where it stays
    rules(repository, "\\.yaml$", "\\.json$");
    await repository.tsops("git", "install", "--no-guard");
    assert.is(box.read(".gitattributes"), own);
    assert.match(box.read(".git/info/attributes"), "*.json diff=tsops merge=tsops\n");
    assert.match(
      (await box.run(["git", "install", "--attributes", "x"])).stderr,
      /committed or local, not "x"/,
    );
  }),
);

test(
  "rules that attributes cannot say: the encrypted files that are there, by name",
  inGit(async (repository) => {
    const { box } = repository;
    rules(repository, "(?i)secret", undefined);
    const odd = 'odd "name" #1.yaml';
    for (const name of ["secret.yaml", odd, "plain.yaml"]) box.write(name, "a: 1\n");
    await repository.tsops("encrypt", "-i", "secret.yaml");
    await repository.tsops("encrypt", "-i", odd);
    const { code, stdout, stderr } = await box.run(["git", "install"]);
    assert.is(code, 0, stderr);
    assert.match(stderr, /rule 1 of \.sops\.yaml: git's attributes cannot say its pattern \(\(\?i\)secret\)/);
    assert.match(stderr, /rule 2 of \.sops\.yaml: it is for every file, and git would run tsops for each/);
    assert.match(stdout, "wrote .gitattributes");
    const shown = (name: string) =>
      repository.git("check-attr", "diff", "--", name).trim().split(": ").at(-1);
    assert.equal([shown("secret.yaml"), shown(odd), shown("plain.yaml")], ["tsops", "tsops", "unspecified"]);
  }),
);

test(
  "configurations in folders count there, .sopsrc too; broken ones are named",
  inGit(async (repository) => {
    const { box } = repository;
    box.write(
      "app/.sopsrc",
      `{ rules: [{ glob: ["*.yaml", "k8s/*.json"], recipients: ["age:${RECIPIENT}"] }] }`,
    );
    box.write("bad/.sops.yaml", "creation_rules: [\n");
    repository.commit("one");
    const { code, stderr } = await box.run(["git", "install", "--no-guard"]);
    assert.is(code, 1);
    assert.match(stderr, /bad\/\.sops\.yaml is left out: /);
    const shown = (name: string) =>
      repository.git("check-attr", "merge", "--", name).trim().split(": ").at(-1);
    assert.equal(
      ["app/a.yaml", "app/x/a.yaml", "app/k8s/a.json", "a.yaml", "k8s/a.json"].map(shown),
      ["tsops", "tsops", "tsops", "unspecified", "unspecified"],
      box.read(".gitattributes"),
    );
  }),
);

test(
  "what somebody else set stays, and is named; --force comes behind it",
  inGit(async (repository) => {
    const { box } = repository;
    rules(repository, "\\.yaml$");
    box.write("a.yaml", "a: 1\n");
    await repository.tsops("encrypt", "-i", "a.yaml");
    box.write(".gitattributes", "*.yaml diff=sopsdiffer\n");
    repository.git("config", "diff.tsops.textconv", "sops decrypt");
    repository.commit("one");
    const first = await box.run(["git", "install", "--no-guard"]);
    assert.is(first.code, 1);
    assert.match(first.stderr, /diff\.tsops\.textconv is set to something else, and stays: sops decrypt/);
    assert.match(first.stderr, /other attributes, which stay.*\n {2}a\.yaml: diff=sopsdiffer\n/);
    const attribute = (name: string) =>
      repository.git("check-attr", name, "--", "a.yaml").trim().split(": ").at(-1);
    assert.equal([attribute("diff"), attribute("merge")], ["sopsdiffer", "tsops"]);
    assert.is(repository.git("config", "diff.tsops.textconv"), "sops decrypt\n");
    assert.is((await box.run(["git", "install", "--no-guard", "--force"])).code, 0);
    assert.is(attribute("diff"), "tsops");
    assert.match(repository.git("config", "diff.tsops.textconv"), "tsops git textconv");
    // it stays behind the others
    assert.is((await box.run(["git", "install", "--no-guard"])).code, 0);
    assert.is(attribute("diff"), "tsops");
    await repository.tsops("git", "uninstall");
    assert.is(box.read(".gitattributes"), "*.yaml diff=sopsdiffer\n");
  }),
);

test(
  "a checkout cannot have anything written outside of it, nor through its links",
  inGit(async (repository) => {
    const { box } = repository;
    rules(repository, "\\.yaml$");
    const outside = join(box.root, "outside");
    writeFileSync(outside, "mine\n");
    symlinkSync(outside, box.path(".gitattributes"));
    const { code, stderr } = await box.run(["git", "install"]);
    assert.is(code, 3);
    assert.match(stderr, /\.gitattributes is a link, and nothing is written there/);
    assert.is(readFileSync(outside, "utf8"), "mine\n");
    rmSync(box.path(".gitattributes"));
    rmSync(box.path(".git/info"), { recursive: true });
    symlinkSync(box.root, box.path(".git/info"));
    assert.match((await box.run(["git", "install"])).stderr, /leads over, a link/);
    assert.not.ok(existsSync(join(box.root, "attributes")));
  }),
);

test(
  "names of files never become commands or lines of their own",
  inGit(async (repository) => {
    const { box } = repository;
    const evil = "a\n* filter=evil.yaml";
    const quoted = '$(touch pwned) `touch pwned` %O "; touch pwned;.yaml';
    for (const name of [evil, quoted]) {
      box.write(name, "a: 1\n");
      await repository.tsops("encrypt", "-i", name);
    }
    const { stderr } = await box.run(["git", "install", "--no-guard"]);
    assert.match(stderr, /this name cannot stand in attributes/);
    assert.not.match(box.read(".gitattributes"), "filter=evil");
    repository.commit("one");
    await repository.tsops("set", quoted, '["a"]', "2");
    assert.match(repository.git("diff", "--", quoted), "+a: 2");
    assert.not.ok(existsSync(box.path("pwned")));
  }),
);

test(
  "linked work trees, submodules and bare repositories",
  inGit(async (repository) => {
    repository.reportRelease("2.53.0");
    const { box } = repository;
    rules(repository, "\\.yaml$");
    box.write("a.yaml", "a: 1\n");
    await repository.tsops("encrypt", "-i", "a.yaml");
    repository.commit("one");
    repository.git("worktree", "add", "-q", join(box.root, "linked"));
    const linked = { cwd: join(box.root, "linked") };
    assert.is((await box.run(["git", "install", "--attributes", "local"], linked)).code, 0);
    assert.match(box.read(".git/info/attributes"), "*.yaml");
    assert.ok(existsSync(box.path(".git/hooks/pre-commit")));
    assert.match(repository.git("config", "--local", "diff.tsops.textconv"), "tsops");
    // a submodule has a configuration of its own
    const outer = join(box.root, "outer");
    repository.in(box.root).git("init", "-q", outer);
    repository
      .in(outer)
      .git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", box.folder, "sub");
    const sub = join(outer, "sub");
    const inside = await box.run(["git", "install", "--attributes", "local"], { cwd: sub });
    assert.is(inside.code, 0, inside.stderr);
    assert.match(readFileSync(join(outer, ".git/modules/sub/info/attributes"), "utf8"), "*.yaml");
    assert.is(repository.in(sub).git("check-attr", "diff", "--", "a.yaml"), "a.yaml: diff: tsops\n");
    assert.is(repository.in(outer).try("config", "--local", "diff.tsops.textconv").code, 1);
    // a bare repository has attributes of its own, and no hooks of ours
    const bare = join(box.root, "bare");
    repository.git("clone", "-q", "--bare", ".", bare);
    const result = await box.run(["git", "install"], { cwd: bare });
    assert.is(result.code, 0, result.stderr);
    assert.match(readFileSync(join(bare, "info/attributes"), "utf8"), "*.yaml diff=tsops");
    assert.not.ok(existsSync(join(bare, "hooks/pre-commit")));
    assert.match(repository.in(bare).git("show", "HEAD:a.yaml"), "ENC[");
    assert.match(repository.in(bare).git("log", "-p", "--", "a.yaml"), "+a: 1");
    assert.match(
      (await box.run(["git", "status"], { cwd: bare })).stdout,
      "1 of 1 encrypted files have both",
    );
  }),
);

test(
  "--global: the drivers for all repositories of a person",
  inGit(async (repository) => {
    const { box } = repository;
    const outside = { cwd: box.root };
    const first = await box.run(["git", "install", "--global"], outside);
    assert.is(first.code, 0, first.stderr);
    assert.match(readFileSync(join(box.home, ".gitconfig"), "utf8"), /\[diff "tsops"\]\n\ttextconv = /);
    box.write("a.yaml", "a: 1\n");
    await repository.tsops("encrypt", "-i", "a.yaml");
    box.write(".gitattributes", "*.yaml diff=tsops\n");
    repository.commit("one");
    assert.match(repository.git("show"), "+a: 1\n");
    assert.is((await box.run(["git", "uninstall", "--global"], outside)).code, 0);
    assert.is(readFileSync(join(box.home, ".gitconfig"), "utf8"), "");
  }),
);

test(
  "all of it together: a merge of two edits, a conflict and its end, and a plaintext that is not committed",
  inGit(async (repository) => {
    const { box } = repository;
    rules(repository, "\\.yaml$");
    box.write("a.yaml", "a: 1\nb: 2\nc: 3\n");
    await repository.tsops("encrypt", "-i", "a.yaml");
    await repository.tsops("git", "install");
    repository.commit("base");
    repository.git("checkout", "-qb", "other");
    await repository.tsops("set", "a.yaml", '["a"]', "10");
    await repository.tsops("set", "a.yaml", '["c"]', `"${SECRET}"`);
    repository.commit("theirs");
    repository.git("checkout", "-q", "main");
    await repository.tsops("set", "a.yaml", '["b"]', "20");
    repository.commit("ours");
    repository.git("merge", "-q", "--no-edit", "other");
    assert.is(await repository.tsops("decrypt", "a.yaml"), `a: 10\nb: 20\nc: ${SECRET}\n`);
    repository.git("reset", "-q", "--hard", "HEAD~1");
    await repository.tsops("set", "a.yaml", '["c"]', "31");
    repository.commit("ours, too");
    assert.is(repository.try("merge", "other").code, 1);
    const status = await repository.tsops("git", "status");
    assert.match(
      status,
      "a.yaml: both modified; both sides are in it, encrypted\n        next: tsops git resolve a.yaml",
    );
    await repository.tsops("git", "resolve", "--theirs", "a.yaml");
    repository.commit("merged");
    assert.is(await repository.tsops("decrypt", "a.yaml"), `a: 10\nb: 20\nc: ${SECRET}\n`);
    assert.match(
      await repository.tsops("log", "-n", "1", "--first-parent", "-p"),
      '~ ["c"]: integer -> text\n',
    );
    assert.equal(repository.filesWith(SECRET), []);
    box.write("new.yaml", "a: plain\n");
    repository.git("add", "new.yaml");
    const refused = repository.try("commit", "-qm", "plain");
    assert.is(refused.code, 1);
    assert.match(refused.stderr + refused.stdout, "new.yaml");
  }),
);

/** The shells that git may have as sh. */
const SHELLS = ["/bin/dash", "/bin/bash"].filter((shell) => existsSync(shell));

/** A PATH on which sh is this shell, and tsops what it is told to be. */
function pathWith({ box }: GitBox, shell: string, tsops?: string): string {
  const folder = join(box.root, `path ${shell.slice(5)} ${tsops?.length ?? "none"}`);
  if (!existsSync(folder)) {
    mkdirSync(folder);
    for (const name of ["git", "cat"]) symlinkSync(whereIs(name), join(folder, name));
    symlinkSync(shell, join(folder, "sh"));
    if (tsops !== undefined) {
      writeFileSync(join(folder, "tsops"), `#!/bin/sh\n${tsops}\n`);
      chmodSync(join(folder, "tsops"), 0o755);
    }
  }
  return folder;
}

function whereIs(name: string): string {
  return process.env
    .PATH!.split(":")
    .map((folder) => join(folder, name))
    .find(existsSync)!;
}

test(
  "without tsops, or with one that crashes, diffs are shown and merges leave git's markers, in every shell",
  inGit(async (repository) => {
    const { box } = repository;
    const name = 'a "b" %O $x.txt';
    const write = (text: string) => box.write(name, `${text}\nsame\n`);
    box.write(".gitattributes", "*.txt diff=tsops merge=tsops\n");
    write("base");
    repository.commit("base");
    repository.git("checkout", "-qb", "other");
    write("theirs");
    repository.commit("theirs");
    repository.git("checkout", "-q", "main");
    write("ours");
    repository.commit("ours");
    await repository.tsops("git", "install", "--no-guard");
    const usual = box.env.PATH!;
    // the last one: a release without the command, or a fault before anything was written
    const programs = [undefined, "exit 127", "kill -9 $$", "exit 2", "exit 1"];
    for (const shell of SHELLS)
      for (const tsops of programs) {
        // git runs /bin/sh itself; the drivers' lines are also given to each shell below
        box.env.PATH = pathWith(repository, shell, tsops);
        assert.match(repository.git("show", "--format="), "-base\n+ours\n", `${shell} ${tsops}`);
        const { code, stderr } = repository.try("merge", "other");
        assert.is(code, 1, stderr);
        const text = box.read(name);
        assert.match(text, /^<{7} .*\nours\n={7}\ntheirs\n>{7} .*\nsame\n$/, `${shell} ${tsops}: ${text}`);
        assert.match(repository.git("status", "--porcelain"), /^UU /);
        if (tsops === undefined) assert.match(stderr, "tsops is not found: conflicts are marked");
        repository.git("merge", "--abort");
      }
    box.env.PATH = usual;
  }),
);

test("the lines are the same to dash and to bash, with paths of every kind", async () => {
  const { execFileSync, spawnSync } = await import("node:child_process");
  const folder = mkdirTemporary();
  const place = join(folder, 'it\'s a "place" %P');
  mkdirSync(place);
  const program = join(place, "ts ops");
  writeFileSync(program, '#!/bin/sh\nprintf "%s|" "$@"\nexit 1\n');
  chmodSync(program, 0o755);
  writeFileSync(join(folder, "-file"), "as it is\n");
  for (const name of ["A x", "B x", "O x"]) writeFileSync(join(folder, name), "same\n");
  const [textconv, , driver] = driverSettings(programOf([program])).map(({ values }) => values[0]!);
  for (const shell of SHELLS) {
    // as git does it, with the file behind
    const line = `${textconv} "$@"`;
    const shown = execFileSync(shell, ["-c", line, "x", "-file"], { cwd: folder, stdio: "pipe" }).toString();
    assert.is(shown, "git|textconv|--|-file|as it is\n", shell);
    const merge = driver!.replace(/%([OABLPSXY%])/g, (_, letter: string) =>
      letter === "%" ? "%" : `'${letter} x'`,
    );
    const { status, stdout } = spawnSync(shell, ["-c", merge], { cwd: folder });
    assert.is(status, 1);
    const words =
      "git|merge|O x|A x|B x|--path=P x|--marker-size=L x|--base-label=S x|--ours-label=X x|--theirs-label=Y x|";
    assert.is(stdout.toString(), words, shell);
  }
  rmSync(folder, { recursive: true });
});

function mkdirTemporary(): string {
  const { mkdtempSync } = process.getBuiltinModule("node:fs");
  return mkdtempSync(join(process.getBuiltinModule("node:os").tmpdir(), "tsops-shell-"));
}

test("folders that npm puts before PATH do not count", () => {
  const npm = "/w/node_modules/.bin:/root/.npm/_npx/ab12/node_modules/.bin:relative:/usr/bin";
  assert.is(usualPath(npm), "/usr/bin");
});

test(
  "where tsops is not on PATH, git gets the path of this program, and a line says so",
  inGit(async (repository) => {
    const { box } = repository;
    box.env.PATH = dirname(whereIs("git"));
    const { stderr } = await box.run(["git", "install", "--no-guard"]);
    if (existsSync(join(box.env.PATH, "tsops"))) return;
    assert.match(stderr, /tsops is not on PATH: git gets its path/);
    assert.match(repository.git("config", "diff.tsops.textconv"), OTHER_PROGRAM ?? process.argv[1]!);
  }),
);

test(
  "git status: what is missing, what is set up, cached plaintext and how to remove it",
  inGit(async (repository) => {
    const { box } = repository;
    rules(repository, "\\.yaml$");
    box.write("a.yaml", `a: ${SECRET}\n`);
    await repository.tsops("encrypt", "-i", "a.yaml");
    repository.commit("one");
    const none = await repository.tsops("git", "status");
    assert.match(none, "no:   diff.tsops.textconv is not set: tsops git install\n");
    assert.match(
      none,
      "no:   0 of 1 encrypted files have both drivers\n        a.yaml: diff=unspecified merge=unspecified\n",
    );
    assert.match(none, "no:   pre-commit checks nothing: tsops git install\n");
    await repository.tsops("git", "install");
    const all = await repository.tsops("git", "status");
    assert.not.match(all, "no:");
    assert.match(all, "ok:   attributes in .gitattributes\n");
    assert.match(all, "ok:   pre-merge-commit checks what is staged\n");
    repository.git("config", "diff.tsops.cachetextconv", "true");
    repository.git("show");
    assert.ok(repository.filesWith(SECRET).length > 0);
    const cached = await repository.tsops("git", "status");
    assert.match(cached, "git config --local --unset-all diff.tsops.cachetextconv\n");
    assert.match(
      cached,
      "refs/notes/textconv/tsops holds plaintext: git update-ref -d refs/notes/textconv/tsops\n",
    );
    repository.git("config", "--unset-all", "diff.tsops.cachetextconv");
    repository.git("update-ref", "-d", "refs/notes/textconv/tsops");
    repository.git("gc", "-q", "--prune=now");
    assert.not.match(await repository.tsops("git", "status"), "no:");
    const json = JSON.parse(await repository.tsops("git", "status", "--json"));
    assert.equal(json.cache, { settings: [], notes: [] });
    assert.equal(
      json.settings.map(({ state }: { state: string }) => state),
      ["set", "set", "set", "set"],
    );
    assert.is(json.program.path, join(repository.bin, "tsops"));
    repository.git("config", "diff.tsops.textconv", "f() { old git textconv -- x; }; f");
    assert.match(
      await repository.tsops("git", "status"),
      "diff.tsops.textconv is of another tsops: tsops git install",
    );
  }),
);

test(
  "git status: unmerged files, what both sides did, and the command that comes next",
  inGit(async (repository) => {
    const { box } = repository;
    for (const name of ["both.yaml", "gone here.yaml", "gone-there.yaml", "plain.txt"])
      box.write(name, "a: 1\n");
    await repository.tsops("encrypt", "-i", "both.yaml", "gone here.yaml", "gone-there.yaml");
    repository.commit("base");
    const change = async (value: number, gone: string) => {
      for (const name of ["both.yaml", "gone here.yaml", "gone-there.yaml"])
        if (name !== gone) await repository.tsops("set", name, '["a"]', String(value));
      box.write("plain.txt", String(value));
      repository.git("rm", "-qf", "--", gone);
      repository.commit(String(value));
    };
    repository.git("checkout", "-qb", "other");
    await change(2, "gone-there.yaml");
    repository.git("checkout", "-q", "main");
    await change(3, "gone here.yaml");
    repository.try("merge", "other");
    const json = JSON.parse(await repository.tsops("git", "status", "--json"));
    assert.equal(
      json.unmerged.map(({ file, what, holds, next }: Record<string, unknown>) => [file, what, holds, next]),
      [
        ["both.yaml", "both modified", "markers", ["tsops git resolve both.yaml"]],
        [
          "gone here.yaml",
          "deleted here, modified by them",
          "one side",
          ["git add -- 'gone here.yaml'", "git rm -- 'gone here.yaml'"],
        ],
        [
          "gone-there.yaml",
          "modified here, deleted by them",
          "one side",
          ["git add -- gone-there.yaml", "git rm -- gone-there.yaml"],
        ],
      ],
    );
    const text = await repository.tsops("git", "status");
    assert.match(
      text,
      "no:   both.yaml: both modified; git's markers are in it, between ciphertexts\n        next: tsops git resolve both.yaml\n",
    );
    assert.match(text, "        or:   git rm -- gone-there.yaml\n");

    repository.git("checkout", "--ours", "--", "both.yaml");
    assert.match(await repository.tsops("git", "status"), "one side is in it, without a mark");
    repository.git("checkout", "--merge", "--", "both.yaml");
    await repository.tsops("git", "resolve", "--theirs", "both.yaml");
    const after = JSON.parse(await repository.tsops("git", "status", "--json"));
    assert.is(after.unmerged[0].holds, "something else");
    assert.equal(after.unmerged[0].next, ["git add -- both.yaml", "tsops git resolve both.yaml"]);
  }),
);

test(
  "git status, check and doctor agree on what git keeps of plaintexts, and the command of each works",
  inGit(async (repository) => {
    const { box } = repository;
    rules(repository, "\\.yaml$");
    box.write("a.yaml", "a: 1\n");
    await repository.tsops("encrypt", "-i", "a.yaml");
    repository.commit("one");
    const set = (...args: string[]) => repository.git("config", ...args);
    const findings = async () => ({
      status: (await repository.tsops("git", "status")).match(/git config --\w+ --unset-all .*/g) ?? [],
      check: (await box.run(["check"])).stdout.match(/git config --\w+ --unset-all .*/g) ?? [],
      doctor: (await box.run(["doctor"])).stderr.match(/git config --\w+ --unset-all .*/g) ?? [],
    });
    const agree = async (...expected: string[]) => {
      assert.equal(await findings(), { status: expected, check: expected, doctor: expected });
    };
    await agree();
    set("--global", "diff.vault.textconv", "ansible-vault view");
    set("--global", "diff.vault.cachetextconv", "true");
    set("diff.pdf.textconv", "pdftotext");
    set("diff.pdf.cachetextconv", "true");
    await agree("git config --global --unset-all diff.vault.cachetextconv");
    // what overrules it, and what git reads as false
    set("diff.vault.cachetextconv", "off");
    set("diff.sops.cachetextconv", "");
    await agree();
    set("--unset", "diff.vault.cachetextconv");
    appendFileSync(box.path(".git/config"), '[diff "sops"]\n\tcachetextconv\n');
    const both = [
      "git config --global --unset-all diff.vault.cachetextconv",
      "git config --local --unset-all diff.sops.cachetextconv",
    ];
    await agree(...both);
    for (const command of both) repository.git(...command.split(" ").slice(1));
    await agree();
  }),
);

test(
  "what --force replaces is kept and shown, and uninstall puts it back",
  inGit(async (repository) => {
    const { box } = repository;
    const config = () => readFileSync(box.path(".git/config"), "utf8");
    repository.git("config", "diff.tsops.textconv", 'my-own "tool" \u001b[31m');
    repository.git("config", "--add", "merge.tsops.driver", "one %A");
    repository.git("config", "--add", "merge.tsops.driver", "two %A");
    const before = config();
    assert.is((await box.run(["git", "install", "--no-guard"])).code, 1);
    const { code, stdout } = await box.run(["git", "install", "--no-guard", "--force"]);
    assert.is(code, 0);
    assert.match(stdout, "what merge.tsops.driver was, for tsops git uninstall: one %A, two %A\n");
    assert.not.match(stdout, "\u001b");
    // neither a second run nor a newer tsops forgets it
    assert.is(await repository.tsops("git", "install", "--no-guard", "--force"), "nothing to change\n");
    await repository.tsops("git", "uninstall");
    const values = () =>
      repository.git("config", "--get-regexp", "^(diff|merge|tsops)\\.").split("\n").sort();
    const expected = before.match(/(?<=^\t)(?:textconv|driver) = .*/gm)!.length;
    assert.is(values().length - 1, expected);
    assert.is(repository.git("config", "diff.tsops.textconv"), 'my-own "tool" \u001b[31m\n');
    assert.is(repository.git("config", "--get-all", "merge.tsops.driver"), "one %A\ntwo %A\n");
    // what somebody set since then is newer
    await repository.tsops("git", "install", "--no-guard", "--force");
    repository.git("config", "diff.tsops.textconv", "newer");
    await repository.tsops("git", "uninstall");
    assert.is(repository.git("config", "diff.tsops.textconv"), "newer\n");
    assert.not.match(config(), "replaced");
  }),
);

test.run();
