import { test } from "uvu";
import * as assert from "uvu/assert";
import { inSandbox, OTHER_RECIPIENT, RECIPIENT, type Sandbox } from "../support/cli.ts";
import { hasTerminals, inTerminal } from "../support/terminal.ts";

/** What is said of many files, and of key groups. */

async function encrypted(box: Sandbox, name: string, more: readonly string[] = []): Promise<string> {
  box.write(name, "a: x\n");
  const { code, stderr } = await box.run(["encrypt", "-i", ...more, name]);
  assert.is(code, 0, stderr);
  return box.read(name);
}

function rule(box: Sandbox, ...age: readonly string[]): void {
  box.env.SOPS_AGE_RECIPIENTS = undefined;
  box.write(".sops.yaml", `creation_rules:\n  - age: ${age.join(",")}\n`);
}

/** Two files with one of the rule's keys, and one with both. */
async function twoOfThree(box: Sandbox): Promise<void> {
  for (const name of ["p/a.yaml", "p/b.yaml"]) await encrypted(box, name);
  rule(box, RECIPIENT, OTHER_RECIPIENT);
  await encrypted(box, "p/c.yaml");
}

test("updatekeys names the file before each question, and sums up what was done", () =>
  inSandbox(async (box) => {
    await twoOfThree(box);
    const before = box.read("p/b.yaml");
    const one = await box.run(["updatekeys", "p"], { input: "y\nn\n" });
    assert.is(one.code, 0, one.stderr);
    assert.match(
      one.stderr,
      /^tsops: Syncing keys for file p\/a\.yaml\n[\s\S]*\ntsops: Syncing keys for file p\/b\.yaml\n/,
    );
    assert.not.match(one.stderr, "Syncing keys for file p/c.yaml");
    assert.match(one.stderr, /synced 1 of 3 files, 1 left unchanged, 1 up to date\n$/);
    assert.is(box.read("p/b.yaml"), before);
    const none = await box.run(["updatekeys", "p"], { input: "n\n" });
    assert.match(none.stderr, /synced 0 of 3 files, 2 up to date, 1 left unchanged\n$/);
    const nobody = await box.run(["updatekeys", "p"]);
    assert.is(nobody.code, 1);
    assert.match(nobody.stderr, /there is nobody to ask/);
    assert.match(nobody.stderr, /synced 0 of 3 files, 2 up to date, 1 failed\n$/);
  }));

test("updatekeys --check names files that are not in line, with exit 1 and without a key", () =>
  inSandbox(async (box) => {
    await twoOfThree(box);
    const files = ["p/a.yaml", "p/b.yaml", "p/c.yaml"];
    const before = files.map((name) => box.read(name));
    box.env.SOPS_AGE_KEY_FILE = undefined;
    const check = await box.run(["updatekeys", "--check", "p"]);
    assert.is(check.code, 1, check.stderr);
    assert.is(check.stdout, "p/a.yaml\np/b.yaml\n");
    assert.match(check.stderr, `+++ ${OTHER_RECIPIENT}`);
    assert.match(check.stderr, /out of date: 2 of 3 files, 1 up to date/);
    assert.is((await box.run(["updatekeys", "--check", "p/a.yaml"])).code, 1);
    assert.is((await box.run(["updatekeys", "--check", "p/c.yaml"])).code, 0);
    assert.equal(
      files.map((name) => box.read(name)),
      before,
    );
    assert.is((await box.run(["updatekeys", "--check", "missing.yaml"])).code, 1);
    // the threshold and the selector are the rule's as well
    box.write(
      ".sops.yaml",
      `creation_rules:\n  - encrypted_regex: ^a$\n    age: ${RECIPIENT},${OTHER_RECIPIENT}\n`,
    );
    const selector = await box.run(["updatekeys", "--check", "p/c.yaml"]);
    assert.is(selector.code, 1, selector.stderr);
    assert.match(selector.stderr, /\+\+\+ encrypted_regex: \^a\$\n--- unencrypted_suffix: _unencrypted\n/);
  }));

test("+++ is what the file would get from its rule, in every command that shows it", () =>
  inSandbox(async (box) => {
    await twoOfThree(box);
    box.write(".sops.yaml", `creation_rules:\n  - encrypted_regex: ^a$\n    age: ${OTHER_RECIPIENT}\n`);
    const argvs = [
      ["encrypt", "--check", "p/a.yaml"],
      ["updatekeys", "--check", "p/a.yaml"],
      ["doctor", "p/a.yaml"],
      ["set", "p/a.yaml", '["a"]', "2"],
      ["updatekeys", "-y", "--update-selector", "p/a.yaml"],
    ];
    for (const argv of argvs) {
      const { stdout, stderr } = await box.run(argv);
      const signed = `${stderr}${stdout}`
        .split("\n")
        .flatMap((line) => /^ *((?:\+\+\+|---) .*)/.exec(line)?.[1] ?? []);
      assert.equal(
        signed.sort(),
        [
          `+++ ${OTHER_RECIPIENT}`,
          "+++ encrypted_regex: ^a$",
          `--- ${RECIPIENT}`,
          "--- unencrypted_suffix: _unencrypted",
        ],
        argv.join(" "),
      );
    }
  }));

test("updatekeys --dry-run shows the changes and who loses the file, without a question and without a key", () =>
  inSandbox(async (box) => {
    await encrypted(box, "a.yaml", ["--age", `${RECIPIENT},${OTHER_RECIPIENT}`]);
    await encrypted(box, "b.yaml");
    const before = box.read("a.yaml");
    rule(box, RECIPIENT);
    box.env.SOPS_AGE_KEY_FILE = undefined;
    const dry = await box.run(["updatekeys", "--dry-run", "a.yaml", "b.yaml"]);
    assert.is(dry.code, 0, dry.stderr);
    assert.match(dry.stdout, /^The following changes/);
    assert.match(dry.stderr, /Syncing keys for file a\.yaml/);
    assert.match(dry.stdout, `--- ${OTHER_RECIPIENT}`);
    assert.match(dry.stderr, /a\.yaml would get a new data key: .* could read these values/);
    assert.match(dry.stderr, /would sync 1 of 2 files, 1 up to date/);
    assert.is(box.read("a.yaml"), before);
  }));

test("publish sums up what was published, was there already and was refused", () =>
  inSandbox(async (box) => {
    box.write(".sopsrc", `{rules: [{recipients: ["age:${RECIPIENT}"]}], destinations: [{folder: "out"}]}`);
    for (const name of ["in/a.yaml", "in/b.yaml", "in/c.yaml"]) await encrypted(box, name);
    const some = await box.run(["publish", "--recursive", "in"], { input: "y\nn\ny\n" });
    assert.is(some.code, 0, some.stderr);
    assert.match(some.stderr, /published 2 of 3 files, 1 not published\n$/);
    const again = await box.run(["publish", "-y", "--recursive", "in"]);
    assert.match(again.stderr, /published 1 of 3 files, 2 there already\n$/);
  }));

test("failed files are counted apart", () =>
  inSandbox(async (box) => {
    await encrypted(box, "a.yaml");
    box.write("b.yaml", (await encrypted(box, "c.yaml")).replace(/data:./, "data:*"));
    const { code, stderr } = await box.run(["rotate", "-i", "a.yaml", "b.yaml", "c.yaml"]);
    assert.is(code, 1);
    assert.match(stderr, /rotated 2 of 3 files, 1 failed\n$/);
  }));

/** The lines that a terminal is left with: what was cleared is gone. */
function linesLeft(text: string): string[] {
  return text.split("\n").map((line) =>
    line
      .split("\r")
      .filter((part) => part !== "" && part !== "\x1b[K")
      .map((part, i, parts) => (part.endsWith("\x1b[K") && i < parts.length - 1 ? "" : part))
      .join(""),
  );
}

test("the bar counts failures apart, and is cleared before questions and notes and at the end", () =>
  inSandbox(async (box) => {
    await twoOfThree(box);
    box.write("p/b2.yaml", box.read("p/b.yaml").replace(/data:./, "data:*"));
    const { stderr } = await box.run(["updatekeys", "p"], {
      terminal: true,
      slow: true,
      input: "y\nn\nn\n",
    });
    assert.match(stderr, /synced 1 of 4 \[######\.+\]/);
    assert.match(stderr, /synced 1, 1 failed of 4 \[#+/);
    for (const line of linesLeft(stderr)) assert.not.match(line, /\[[#.]+\]/);
    assert.match(stderr, /synced 1 of 4 files, 1 left unchanged, 1 up to date, 1 failed\n$/);
  }));

test("groups delete says which group goes and what is left, with SOPS's number and the shown one", () =>
  inSandbox(async (box) => {
    box.env.SOPS_AGE_RECIPIENTS = undefined;
    const keys = [RECIPIENT, OTHER_RECIPIENT, RECIPIENT];
    const groups = keys.map((age) => `      - age: [${age}]\n`).join("");
    box.write("three.yaml", `creation_rules:\n  - shamir_threshold: 2\n    key_groups:\n${groups}`);
    await encrypted(box, "a.yaml", ["--config", "three.yaml"]);
    const before = box.read("a.yaml");
    const argv = ["groups", "delete", "-i", "-f", "a.yaml"];
    const missing = await box.run([...argv, "3"]);
    assert.match(missing.stderr, /no group with the number 3\n.*from 0 to 2.*Group 1 has the number 0/);
    for (const input of ["n\n", "\n"]) {
      const no = await box.run([...argv, "1"], { person: true, input });
      assert.match(no.stderr, /Delete Group 2 of a\.yaml\? \(y\/N\): /);
      assert.match(no.stderr, /a\.yaml is left unchanged/);
      assert.is(box.read("a.yaml"), before);
    }
    // as in SOPS it goes on where nobody can be asked
    const gone = await box.run([...argv, "1"]);
    assert.is(gone.code, 0, gone.stderr);
    assert.match(gone.stderr, `a.yaml loses Group 2 of 3 (number 1):\n--- ${OTHER_RECIPIENT}\n`);
    assert.match(gone.stderr, /what is left is 2 groups, of which 2 are needed:\nGroup 1\n.*\nGroup 2\n/);
    assert.not.match(box.read("a.yaml"), OTHER_RECIPIENT);
    const yes = await box.run([...argv, "-y", "--shamir-secret-sharing-threshold", "1", "0"], {
      person: true,
    });
    assert.is(yes.code, 0, yes.stderr);
    assert.match(yes.stderr, /what is left is one group:/);
    assert.not.match(yes.stderr, /Delete Group/);
  }));

test("what groups delete says of the creation rule is about the file as it will be", () =>
  inSandbox(async (box) => {
    box.env.SOPS_AGE_RECIPIENTS = undefined;
    const groups = [RECIPIENT, OTHER_RECIPIENT, RECIPIENT].map((age) => `      - age: [${age}]\n`).join("");
    box.write(".sops.yaml", `creation_rules:\n  - shamir_threshold: 2\n    key_groups:\n${groups}`);
    await encrypted(box, "a.yaml");
    await box.run(["groups", "add", "-y", "-i", "-f", "a.yaml", "--age", RECIPIENT]);
    const { code, stderr } = await box.run(["groups", "delete", "-i", "-f", "a.yaml", "1"]);
    assert.is(code, 1);
    assert.match(stderr, /would not be as its creation rule has it/);
    assert.not.match(stderr, "Group 4");
  }));

test("the line about seal and rule stands only where there is something to decide", () =>
  inSandbox(async (box) => {
    const LINE = /neither a seal nor a creation rule vouches/;
    const sealed = await encrypted(box, "a.yaml");
    const bySops = sealed.replace(/ {4}tsops:\n( {8}.*\n)+/, "");
    box.env.EDITOR = "sed -i s/x/z/";
    const tries: readonly [readonly string[], boolean][] = [
      [["set", "a.yaml", '["a"]', '"y"'], false],
      [["unset", "a.yaml", '["a"]'], false],
      [["edit", "a.yaml"], false],
      [["set", "--verbose", "a.yaml", '["a"]', '"y"'], true],
      [["rotate", "-i", "a.yaml"], true],
      [["groups", "add", "-i", "-f", "a.yaml", "--age", RECIPIENT], true],
    ];
    for (const [argv, said] of tries) {
      box.write("a.yaml", bySops);
      const { code, stderr } = await box.run(argv);
      assert.is(code, 0, stderr);
      assert.is(LINE.test(stderr), said, `${argv}: ${stderr}`);
      assert.not.match(box.read("a.yaml"), /seal:/);
    }
  }));

test("--dry-run of a single file writes and shows nothing", () =>
  inSandbox(async (box) => {
    const before = await encrypted(box, "a.yaml");
    for (const argv of [["decrypt"], ["decrypt", "-i"]]) {
      const { code, stdout, stderr } = await box.run([...argv, "--dry-run", "a.yaml"]);
      assert.is(code, 0, stderr);
      assert.is(stdout, "");
      assert.match(stderr, /would decrypt a\.yaml/);
      assert.is(box.read("a.yaml"), before);
    }
    for (const command of ["encrypt", "decrypt"])
      assert.is((await box.run([command, "--dry-run", "--filename-override", "a.yaml"])).code, 1);
  }));

if (hasTerminals) {
  test("at a terminal the file's name stands right before its changes and its question, and the bar is gone", () =>
    inSandbox(async (box) => {
      await twoOfThree(box);
      const steps = ["y\r", "n\r"].flatMap((type) => [{ until: "Is this okay? (y/n): " }, { type }]);
      const shown = await inTerminal(["updatekeys", "p"], steps, { env: box.env, cwd: box.folder });
      assert.is(shown.code, 0, shown.text);
      for (const name of ["a", "b"])
        assert.match(
          linesLeft(shown.text.replaceAll("\r\n", "\n")).join("\n"),
          new RegExp(`Syncing keys for file p/${name}\\.yaml\\nThe following .*\\n(.*\\n){3}Is this okay`),
        );
      assert.match(shown.text, /synced 1 of 3 files, 1 left unchanged, 1 up to date\r\n/);
    }));

  test("questions of files that are worked on side by side come one after the other, without a bar between", () =>
    inSandbox(async (box) => {
      const names = ["a.yaml", "b.yaml", "c.yaml"];
      for (const name of names) await encrypted(box, name);
      rule(box, RECIPIENT, OTHER_RECIPIENT);
      const steps = names.flatMap((_, i) => [
        { until: "anyway? (y/N): " },
        { type: i === 1 ? "n\r" : "y\r" },
      ]);
      const shown = await inTerminal(["rotate", "-i", ...names], steps, { env: box.env, cwd: box.folder });
      assert.is(shown.code, 1, shown.text);
      assert.is(
        shown.text.match(/Go on with [abc]\.yaml anyway\? \(y\/N\): [yn]\r\n/g)?.length,
        3,
        shown.text,
      );
      assert.match(shown.text, /rotated 2 of 3 files, 1 failed\r\n/);
    }));
}

test("decrypt --check opens files without writing, goes on after a failure, and says how many are in order", () =>
  inSandbox(async (box) => {
    await encrypted(box, "p/a.yaml");
    for (const [name, text] of [
      ["p/b.json", '{"a": "s3cret"}\n'],
      ["p/c.env", "A=s3cret\n"],
    ] as const) {
      box.write(name, text);
      assert.is((await box.run(["encrypt", "-i", name])).code, 0);
    }
    box.write("p/plain.yaml", "a: sops\n");
    const good = await box.run(["decrypt", "--check", "p"]);
    assert.is(good.code, 0, good.stderr);
    assert.is(good.stdout, "");
    assert.match(good.stderr, /in order: 3 of 3 files\n$/);
    const text = box.read("p/b.json");
    box.write("p/b.json", text.replace('"a":', '"b":'));
    box.write(
      "p/c.env",
      box.read("p/c.env").replace("sops_unencrypted_suffix=_unencrypted", "sops_encrypted_regex=x"),
    );
    const bad = await box.run(["decrypt", "--check", "p"]);
    assert.is(bad.code, 1);
    assert.is(bad.stdout, "");
    assert.match(bad.stderr, "p/b.json");
    assert.match(bad.stderr, "p/c.env");
    assert.match(bad.stderr, /in order: 1 of 3 files, 2 failed\n$/);
    assert.not.match(bad.stderr, "s3cret");
    assert.is((await box.run(["decrypt", "--check", "p/a.yaml"])).stdout, "");
    assert.is.not((await box.run(["decrypt", "--check", "p/b.json"])).code, 0);
    assert.is.not((await box.run(["decrypt", "--check", "p/plain.yaml"])).code, 0, "it was named");
    const options = [["-i"], ["--output", "x"], ["--extract", '["a"]'], ["--dry-run"], ["--ignore-mac"]];
    for (const option of options) {
      const { code, stderr } = await box.run(["decrypt", "--check", ...option, "p/a.yaml"]);
      assert.is(code, 1, stderr);
      assert.match(stderr, "cannot be used together");
    }
  }));

test("dotenvx's private keys are not encrypted because a pattern of init matches them", () =>
  inSandbox(async (box) => {
    box.env.SOPS_AGE_RECIPIENTS = undefined;
    box.write(".env.keys", "DOTENV_PRIVATE_KEY=x\n");
    box.write(".env.local", "A=x\n");
    assert.is((await box.run(["init"])).code, 0);
    const check = await box.run(["encrypt", "--check", "."]);
    assert.is(check.stdout, ".env.local\n");
    assert.match(check.stderr, ".env.keys is left as it is: dotenvx");
    const folder = await box.run(["encrypt", "-i", "."]);
    assert.is(folder.code, 0, folder.stderr);
    assert.match(folder.stderr, ".env.keys is left as it is: dotenvx");
    assert.is(box.read(".env.keys"), "DOTENV_PRIVATE_KEY=x\n");
    assert.match(box.read(".env.local"), "ENC[");
    assert.is((await box.run(["encrypt", "-i", ".env.keys"])).code, 0);
    assert.match(box.read(".env.keys"), "ENC[", "who names it means it");
  }));

test("an encrypted file that somebody damaged is named by every command that takes a folder", () =>
  inSandbox(async (box) => {
    rule(box, RECIPIENT);
    const damages = {
      "p/a.yaml": ["a: x\n", (text: string) => text.replace("a:", "a: : [")],
      "p/b.json": ['{"a": "x"}\n', (text: string) => text.replace(/\}\s*$/, "")],
      "p/c.ini": ["[s]\na = x\n", (text: string) => text.replace("[s]", "[s")],
      "p/d.env": ["A=x\n", (text: string) => Buffer.from(`\ufeff${text}`, "utf16le")],
      "p/e.txt": ["x\n", (text: string) => text.slice(0, -5)],
    } as const;
    const names = Object.keys(damages);
    for (const [name, [text, damage]] of Object.entries(damages)) {
      box.write(name, text);
      assert.is((await box.run(["encrypt", "-i", name])).code, 0);
      box.write(name, damage(box.read(name)));
    }
    const before = names.map((name) => box.read(name));
    // a manual that shows an encrypted file is none
    box.write("p/manual.md", "# sops\n\n```yaml\nsops:\n    mac: ENC[AES256_GCM,data:x]\n```\n");
    const argvs = [
      "decrypt -i",
      "decrypt --check",
      "rotate -i",
      "updatekeys --check",
      "updatekeys -y",
      "encrypt --check",
    ];
    for (const argv of argvs) {
      const { code, stderr } = await box.run([...argv.split(" "), "p"]);
      assert.is.not(code, 0, argv);
      for (const name of names) assert.match(stderr, `${name}:`, `${argv}: ${name}\n${stderr}`);
      assert.not.match(stderr, /manual\.md:/, argv);
    }
    assert.equal(
      names.map((name) => box.read(name)),
      before,
    );
    // not a second time
    for (const name of names.slice(0, 4))
      assert.is.not((await box.run(["encrypt", "-i", name])).code, 0, name);
  }));

test("an empty name is no name of the working folder", () =>
  inSandbox(async (box) => {
    const before = await encrypted(box, "a.yaml");
    box.write("b.yaml", "a: x\n");
    for (const argv of [
      "decrypt -i",
      "encrypt -i",
      "rotate -i",
      "updatekeys -y",
      "decrypt",
      "edit",
      "doctor",
      "-d -i",
    ]) {
      const { code, stderr } = await box.run([...argv.split(" "), ""]);
      assert.is.not(code, 0, argv);
      assert.match(stderr, "the name of a file is empty", argv);
    }
    assert.is.not((await box.run(["decrypt", "-i", "a.yaml", ""])).code, 0);
    assert.is(box.read("a.yaml"), before);
    assert.is(box.read("b.yaml"), "a: x\n");
    assert.is((await box.run(["set", "a.yaml", '["a"]', "", "--raw"])).code, 0, "a value may be empty");
  }));

test.run();
