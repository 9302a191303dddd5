import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { inRepository, type Repository } from "../../support/merge/repository.ts";
import { PROGRAM } from "../../support/program.ts";
import { start } from "../../support/scripts.ts";

/** What can go wrong between the conflict and its end. */

const BASE = "a: SECRETa\nb: SECRETb\nc: SECRETc\n";
const OURS = BASE.replace("SECRETa", "SECRETa1");
const THEIRS = BASE.replace("SECRETa", "SECRETa2");

async function inConflict(repo: Repository, name = "s.yaml"): Promise<void> {
  const dotenv = (text: string) => (name.endsWith(".env") ? text.replaceAll(": ", "=") : text);
  await repo.fork(name, dotenv(BASE), dotenv(OURS), dotenv(THEIRS));
  assert.is(repo.try("merge", "side").code, 1);
}

/** An editor: a shell script whose `$1` is the file with the plaintext. */
function setEditor(repo: Repository, script: string): void {
  repo.box.write("plain/editor.sh", script);
  repo.box.env.EDITOR = `sh ${repo.box.path("plain/editor.sh")}`;
}

const WITHOUT_MARKERS = "grep -v '^<<<<<<< \\|^=======$\\|^>>>>>>> '";
const put = (text: string): string => `cat > "$1" <<'END'\n${text}END\n`;

interface Failing {
  readonly editor: string;
  readonly code: number;
  readonly says: RegExp;
  /** What was typed is kept for the person: it may be the only copy. */
  readonly kept?: boolean;
}

const FAILING: Readonly<Record<string, Failing>> = {
  "ends with an error": { editor: "exit 1", code: 201, says: /exit code 1\n {2}nothing was saved/ },
  "ends with an error after changes": {
    editor: 'echo x >> "$1"; exit 3',
    code: 201,
    says: /nothing was saved/,
  },
  "is killed after changes": { editor: 'echo x >> "$1"; kill -9 $$', code: 201, says: /SIGKILL/, kept: true },
  "takes the file away": { editor: 'rm "$1"', code: 201, says: /the editor left no file behind/ },
  "changes nothing": { editor: "true", code: 200, says: /the conflicts are as they were/ },
  "empties the text": { editor: ': > "$1"', code: 1, says: /nothing is left in the text/, kept: true },
  "leaves the markers": {
    editor: 'echo "d: 1" >> "$1"',
    code: 1,
    says: /conflict markers in the text/,
    kept: true,
  },
  "leaves one marker": {
    editor: `sed '/^<<<<<<< \\|^>>>>>>> /d' "$1" > "$1.new"; cat "$1.new" > "$1"`,
    code: 1,
    says: /conflict markers in the text/,
    kept: true,
  },
  "leaves both sides": {
    editor: `${WITHOUT_MARKERS} "$1" > "$1.new"; cat "$1.new" > "$1"`,
    code: 2,
    says: /occurs twice/,
    kept: true,
  },
  "writes what is no YAML": { editor: put("a: [\n"), code: 2, says: /s\.yaml:\d+:\d+/, kept: true },
};

for (const [what, { editor, code, says, kept = false }] of Object.entries(FAILING)) {
  test(`an editor that ${what}: the conflict stays, and can be ended later`, async () => {
    await inRepository(async (repo) => {
      await inConflict(repo);
      const before = repo.box.read("s.yaml");
      setEditor(repo, editor);
      const failed = await repo.box.run(["git", "resolve", "s.yaml"]);
      assert.is(failed.code, code, failed.stderr);
      assert.match(failed.stderr, says);
      assert.not.match(failed.stderr, "SECRET");
      assert.is(repo.box.read("s.yaml"), before);
      assert.is(/what you typed is kept in/.test(failed.stderr), kept, failed.stderr);
      assert.is(readdirSync(repo.box.env.XDG_RUNTIME_DIR!).length, kept ? 1 : 0);
      setEditor(repo, put("a: SECRETown\n"));
      await repo.tsops("git", "resolve", "s.yaml");
      assert.is(await repo.plain("s.yaml"), "a: SECRETown\n");
    });
  });
}

test("a command that is shown can be pasted, whatever the file is called", async () => {
  await inRepository(async (repo) => {
    const name = "my $(touch x).yaml";
    await inConflict(repo, name);
    const { code, stderr } = await repo.box.run(["git", "resolve", "--ours", name]);
    assert.is(code, 0, stderr);
    assert.match(stderr, `git add '${name}'`);
    const again = await repo.box.run(["git", "resolve", name]);
    assert.match(again.stderr, `git add '${name}'`);
    assert.match(again.stderr, `git checkout -m '${name}'`);
  });
});

test("an emptied text takes nothing away where an empty file is a valid one", async () => {
  await inRepository(async (repo) => {
    await inConflict(repo, "s.env");
    const before = repo.box.read("s.env");
    setEditor(repo, 'echo > "$1"');
    const { code, stderr } = await repo.box.run(["git", "resolve", "s.env"]);
    assert.is(code, 1);
    assert.match(stderr, "nothing is left in the text, so the conflicts are as they were");
    assert.is(repo.box.read("s.env"), before);
  });
});

test("somebody else ends the conflict while the editor is open: nothing of either is lost", async () => {
  await inRepository(async (repo) => {
    await inConflict(repo);
    const other = [...PROGRAM, "git", "resolve", "--theirs", "s.yaml"].map((word) => `'${word}'`).join(" ");
    // the editor itself gets no identities
    const key = `SOPS_AGE_KEY_FILE='${repo.box.env.SOPS_AGE_KEY_FILE}'`;
    setEditor(repo, `(cd '${repo.box.folder}' && ${key} ${other}) || exit 1\n${put("a: SECRETown\n")}`);
    const { code, stderr } = await repo.box.run(["git", "resolve", "s.yaml"]);
    assert.is.not(code, 0);
    assert.match(stderr, "changed");
    assert.is(await repo.plain("s.yaml"), THEIRS);
    const [, path = ""] = /what you typed is kept in (\S+)/.exec(stderr) ?? [];
    assert.is(readFileSync(path, "utf8"), "a: SECRETown\n");
  });
});

test("two at once, with the driver and without: one ends the conflict, and the other does not undo it", async () => {
  for (const driver of [true, false]) {
    await inRepository(async (repo) => {
      if (!driver) repo.drive("tsops-is-not-here %A");
      await inConflict(repo);
      const sides = ["ours", "theirs"] as const;
      const ended = await Promise.all(
        sides.map((side) => repo.box.run(["git", "resolve", `--${side}`, "s.yaml"])),
      );
      const resolved = sides.filter((_, i) => /is resolved/.test(ended[i]!.stderr));
      assert.is(resolved.length, 1, ended.map(({ stderr }) => stderr).join("\n---\n"));
      assert.is(await repo.plain("s.yaml"), resolved[0] === "ours" ? OURS : THEIRS);
    });
  }
});

test("of several files, those that can be resolved are, whatever is wrong with the others", async () => {
  await inRepository(async (repo) => {
    for (const name of ["s.1.yaml", "s.2.yaml", "s.3.yaml"]) await repo.save(name, BASE);
    repo.git("checkout", "-q", "-b", "side");
    for (const name of ["s.1.yaml", "s.2.yaml", "s.3.yaml"]) await repo.save(name, THEIRS);
    repo.git("checkout", "-q", "main");
    for (const name of ["s.1.yaml", "s.2.yaml", "s.3.yaml"]) await repo.save(name, OURS);
    assert.is(repo.try("merge", "side").code, 1);
    const damaged = repo.box.read("s.2.yaml").replace(/^( +mac: ENC\[AES256_GCM,data:)..../m, "$1AAAA");
    repo.box.write("s.2.yaml", damaged);
    const { code, stderr } = await repo.box.run([
      "git",
      "resolve",
      "--theirs",
      "s.1.yaml",
      "missing.yaml",
      "s.2.yaml",
      "s.3.yaml",
    ]);
    assert.is.not(code, 0);
    assert.match(stderr, "missing.yaml");
    assert.match(stderr, /s\.2\.yaml: .*MAC/);
    assert.match(stderr, "s.3.yaml is resolved");
    for (const name of ["s.1.yaml", "s.3.yaml"]) assert.is(await repo.plain(name), THEIRS);
    assert.is(repo.box.read("s.2.yaml"), damaged);
  });
});

test("Ctrl-C while the editor is open leaves the conflict, and no plaintext", async () => {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    await inRepository(async (repo) => {
      await inConflict(repo);
      const before = repo.box.read("s.yaml");
      setEditor(repo, 'echo typed >> "$1"; echo editing; exec sleep 60');
      const running = start([...PROGRAM, "git", "resolve", "s.yaml"], {
        cwd: repo.box.folder,
        env: repo.box.env as NodeJS.ProcessEnv,
      });
      await running.printed("editing");
      const folder = repo.box.env.XDG_RUNTIME_DIR!;
      assert.is(readdirSync(folder).length, 1);
      running.child.kill(signal);
      const { code, signal: by } = await running.ended;
      assert.ok(by === signal || code! > 0);
      assert.equal(readdirSync(folder), []);
      assert.is(repo.box.read("s.yaml"), before);
      assert.not.ok(existsSync(join(repo.box.folder, "s.yaml.lock")));
      await repo.tsops("git", "resolve", "--ours", "s.yaml");
      assert.equal(repo.leaks("SECRET"), []);
    });
  }
});

test.run();
