import { chmodSync, readdirSync } from "node:fs";
import { Readable, Writable } from "node:stream";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { askHidden } from "../../src/cli/prompt.ts";
import { inSandbox, OTHER_RECIPIENT, RECIPIENT, type Sandbox } from "../support/cli.ts";
import { hasTerminals, inTerminal } from "../support/terminal.ts";

/** What people type, paste and pipe, and how they stop. */

const test = suite("input");

async function encrypted(box: Sandbox, name: string, text = "a: x\n"): Promise<string> {
  box.write(name, text);
  const { code, stderr } = await box.run(["encrypt", "-i", name]);
  assert.is(code, 0, stderr);
  return box.read(name);
}

async function storedIn(box: Sandbox, name = "a.yaml", path = '["a"]'): Promise<string> {
  const { stdout, stderr, code } = await box.run(["decrypt", "--extract", path, name]);
  assert.is(code, 0, stderr);
  return stdout;
}

const PEM = "-----BEGIN KEY-----\nMIIEvQ\nIBADAN\n-----END KEY-----\n";

/** Nothing of our own is left beside the files. */
function assertClean(box: Sandbox, names: readonly string[]): void {
  assert.equal(readdirSync(box.folder).sort(), [...names].sort());
}

test("an empty value at the prompt of set is not stored", () =>
  inSandbox(async (box) => {
    const before = await encrypted(box, "a.yaml");
    const { code, stderr } = await box.run(["set", "a.yaml", '["a"]'], { person: true, input: "\n" });
    assert.is(code, 7, stderr);
    assert.match(stderr, /the value is empty\n.*nothing was written/);
    assert.is(box.read("a.yaml"), before);
  }));

test("a pasted value of several lines is refused with what to do, and not cut", () =>
  inSandbox(async (box) => {
    const before = await encrypted(box, "a.yaml");
    for (const input of [PEM, "one\ntwo", "one\r\ntwo\r\n"]) {
      const { code, stderr } = await box.run(["set", "a.yaml", '["a"]'], { person: true, input });
      assert.is(code, 7, stderr);
      assert.match(stderr, /several lines/);
      assert.match(stderr, "--value-stdin --raw");
      assert.match(stderr, "--value-file --raw");
      assert.not.match(stderr, /MIIEvQ|two/);
      assert.is(box.read("a.yaml"), before);
    }
    const one = await box.run(["set", "a.yaml", '["a"]'], { person: true, input: "one line\n" });
    assert.is(one.code, 0, one.stderr);
    assert.is(await storedIn(box), "one line");
  }));

test("every hidden prompt ends with a colon and a blank, whoever words it", async () => {
  for (const [question, shown] of [
    ["passphrase of key.asc", "passphrase of key.asc: "],
    ["age-plugin-x: Please enter the PIN.", "age-plugin-x: Please enter the PIN: "],
    ["Code:", "Code: "],
    ["Which one?", "Which one? "],
  ] as const) {
    const stdin = Object.assign(Readable.from([Buffer.from("secret\n")]), { isTTY: true });
    let text = "";
    const stderr = Object.assign(
      new Writable({
        write(chunk, _encoding, done) {
          text += chunk;
          done();
        },
      }),
      { isTTY: true },
    );
    assert.is(await askHidden(question, { stdin, stderr, stdout: stderr, env: {}, cwd: "/" }), "secret");
    assert.is(text.replaceAll(/\x1b\[\?2004[hl]/g, ""), `${shown}\n`);
  }
});

test("--raw takes a text from a pipe, a file or an argument as it is, less one line break at the end", () =>
  inSandbox(async (box) => {
    const piped: readonly [string, string][] = [
      ["c2VjcmV0Cg==\n", "c2VjcmV0Cg=="],
      [PEM, PEM.slice(0, -1)],
      ["two\n\n", "two\n"],
      ["windows\r\n", "windows"],
      ['{"a": 1}', '{"a": 1}'],
      ["true", "true"],
      ["-1", "-1"],
      [" blanks ", " blanks "],
      ["ünï\n", "ünï"],
    ];
    for (const name of ["a.yaml", "a.json"]) {
      await encrypted(box, name, '{"a": "x"}\n');
      for (const [input, value] of piped) {
        const stdin = await box.run(["set", "--value-stdin", "--raw", name, '["a"]'], { input });
        assert.is(stdin.code, 0, stdin.stderr);
        assert.is(await storedIn(box, name), value);
        box.write("value", `${input}`);
        const file = await box.run(["set", name, '["a"]', "--value-file", "value", "--raw"]);
        assert.is(file.code, 0, file.stderr);
        assert.is(await storedIn(box, name), value);
      }
      assert.is((await box.run(["set", "--raw", name, '["a"]', "p4ss word"])).code, 0);
      assert.is(await storedIn(box, name), "p4ss word");
    }
    const help = await box.run(["set", "--help"]);
    assert.match(
      help.stdout.replace(/\s+/g, " "),
      /--raw.*one line break at the end of a file or pipe is taken off/,
    );
  }));

test("--raw refuses what is empty, as of a command that failed, and what is no text", () =>
  inSandbox(async (box) => {
    const before = await encrypted(box, "a.yaml");
    for (const input of ["", "\n"]) {
      const { code, stderr } = await box.run(["set", "--value-stdin", "--raw", "a.yaml", '["a"]'], { input });
      assert.is(code, 7, stderr);
      assert.match(stderr, /the value is empty/);
    }
    box.write("bytes", Buffer.from([0xff, 0xfe, 0x00]));
    const bytes = await box.run(["set", "--value-file", "--raw", "a.yaml", '["a"]', "bytes"]);
    assert.is(bytes.code, 7, bytes.stderr);
    assert.match(bytes.stderr, /not UTF-8 text/);
    assert.is(box.read("a.yaml"), before);
  }));

test("the editor is SOPS_EDITOR, else EDITOR as with SOPS, else VISUAL", () =>
  inSandbox(async (box) => {
    const writes = (text: string) => `sed -i s/a:.*/a:\\ ${text}/`;
    const tries: readonly [Record<string, string>, string][] = [
      [{ VISUAL: writes("visual") }, "visual"],
      [{ VISUAL: writes("visual"), EDITOR: writes("editor") }, "editor"],
      [{ VISUAL: writes("visual"), EDITOR: writes("editor"), SOPS_EDITOR: writes("sops") }, "sops"],
      [{ VISUAL: writes("visual"), EDITOR: "" }, "visual"],
    ];
    for (const [env, value] of tries) {
      await encrypted(box, "a.yaml");
      const own = box.env;
      box.env = { ...own, ...env };
      const { code, stderr } = await box.run(["edit", "a.yaml"]);
      box.env = own;
      assert.is(code, 0, stderr);
      assert.is(await storedIn(box), value);
    }
  }));

test("an editor that returns at once without a change is told about --wait", () =>
  inSandbox(async (box) => {
    await encrypted(box, "a.yaml");
    for (const name of ["code", "subl", "gedit"]) {
      box.write(`bin/${name}`, "#!/bin/sh\nexit 0\n");
      chmodSync(box.path(`bin/${name}`), 0o755);
      box.env.EDITOR = box.path(`bin/${name}`);
      const { code, stderr } = await box.run(["edit", "a.yaml"]);
      assert.is(code, 200, stderr);
      assert.match(stderr, /does your editor return at once/);
      assert.match(stderr, "EDITOR='code --wait'");
    }
  }));

test("decrypt alone at a terminal says that it reads standard input, and in a pipe it does not", () =>
  inSandbox(async (box) => {
    const input = await encrypted(box, "a.yaml");
    const argv = ["decrypt", "--input-type", "yaml", "--output-type", "yaml"];
    const person = await box.run(argv, { person: true, input });
    assert.is(person.code, 0, person.stderr);
    assert.match(person.stderr, /reading the encrypted file from standard input; Ctrl-D/);
    assert.is((await box.run(argv, { input })).stderr, "");
    const set = await box.run(["set", "--value-stdin", "a.yaml", '["a"]'], { person: true, input: '"y"' });
    assert.match(set.stderr, /reading the value from standard input/);
  }));

test("completion without a shell shows its help, exec-env and exec-file without a file exit with 1, as in SOPS", () =>
  inSandbox(async (box) => {
    const completion = await box.run(["completion"]);
    assert.is(completion.code, 0);
    assert.match(completion.stdout, /tsops completion \[shell\]/);
    assert.is(completion.stderr, "");
    for (const command of ["exec-env", "exec-file"]) {
      const { code, stderr } = await box.run([command]);
      assert.is(code, 1, stderr);
      assert.match(stderr, /no file specified/);
    }
  }));

if (hasTerminals) {
  const PASTE = ["\x1b[200~", "\x1b[201~"] as const;

  test("at a terminal, no rest of a pasted text reaches the shell", () =>
    inSandbox(async (box) => {
      const before = await encrypted(box, "a.yaml");
      const pasted = PEM.replaceAll("\n", "\r");
      const ways: readonly (readonly string[])[] = [
        [pasted],
        [PASTE[0] + pasted + PASTE[1]],
        // a slow line: the paste comes in pieces
        [PASTE[0] + pasted.slice(0, 30), pasted.slice(30) + PASTE[1]],
        // without a line break at its end: Enter comes from the person
        [`${PASTE[0]}one\rtwo${PASTE[1]}`, "\r"],
      ];
      for (const typed of ways) {
        const steps = [{ until: 'value for ["a"] (a text, not JSON): ' }, ...typed.map((type) => ({ type }))];
        const shown = await inTerminal(["set", "a.yaml", '["a"]'], steps, { env: box.env, cwd: box.folder });
        assert.is(shown.code, 7, shown.text);
        assert.match(shown.text, /several lines/);
        assert.equal(shown.leftForShell, []);
        assert.not.match(shown.text, /MIIEvQ/);
        assert.is(box.read("a.yaml"), before);
      }
      const line = { type: `${PASTE[0]}one line\r${PASTE[1]}` };
      const one = await inTerminal(["set", "a.yaml", '["a"]'], [{ until: "JSON): " }, line], {
        env: box.env,
        cwd: box.folder,
      });
      assert.is(one.code, 0, one.text);
      assert.is(await storedIn(box), "one line");
    }));

  test("Ctrl-C at every prompt ends with 130 on a line of its own, and leaves nothing half-written", () =>
    inSandbox(async (box) => {
      const before = await encrypted(box, "a.yaml");
      box.env.SOPS_AGE_RECIPIENTS = undefined;
      box.write(".sops.yaml", `creation_rules:\n  - age: ${RECIPIENT},${OTHER_RECIPIENT}\n`);
      box.env.EDITOR = "sed -i 1s/^/{/";
      const prompts: readonly [readonly string[], string][] = [
        [["set", "a.yaml", '["a"]'], "(a text, not JSON): "],
        [["set", "a.yaml", '["a"]', '"y"'], "anyway? (y/N): "],
        [["updatekeys", "a.yaml"], "Is this okay? (y/n): "],
        [["edit", "--yes", "a.yaml"], "or Ctrl-C to stop: "],
        [["decrypt"], "from standard input; "],
        [["set", "--value-stdin", "a.yaml", '["a"]'], "from standard input; "],
      ];
      for (const [argv, until] of prompts) {
        const steps = [{ until }, { type: "\x03" }];
        const shown = await inTerminal(argv, steps, { env: box.env, cwd: box.folder });
        assert.is(shown.code, 130, shown.text);
        assert.match(shown.text, /\r?\ntsops: (.*: )?stopped/, argv.join(" "));
        assert.is(box.read("a.yaml"), before);
        assertClean(box, [".sops.yaml", "a.yaml"]);
      }
    }));

  test("Ctrl-C at a question in the middle of many files says where it stopped", () =>
    inSandbox(async (box) => {
      const names = ["a.yaml", "b.yaml", "c.yaml"];
      for (const name of names) await encrypted(box, name);
      const before = names.map((name) => box.read(name));
      box.env.SOPS_AGE_RECIPIENTS = undefined;
      box.write(".sops.yaml", `creation_rules:\n  - age: ${RECIPIENT},${OTHER_RECIPIENT}\n`);
      const question = { until: "Is this okay? (y/n): " };
      const steps = [question, { type: "y\r" }, question, { type: "\x03" }];
      const shown = await inTerminal(["updatekeys", ...names], steps, { env: box.env, cwd: box.folder });
      assert.is(shown.code, 130, shown.text);
      assert.match(shown.text, /\ntsops: stopped: 1 of 3 files were synced/);
      assert.is.not(box.read("a.yaml"), before[0]);
      assert.equal(names.slice(1).map(box.read, box), before.slice(1));
      assertClean(box, [".sops.yaml", ...names]);
    }));

  test("Ctrl-C while many files are worked on says how many were done, and these are whole", () =>
    inSandbox(async (box) => {
      const names = Array.from({ length: 40 }, (_, i) => `f${String(i).padStart(2, "0")}.yaml`);
      for (const name of names) await encrypted(box, name);
      const before = new Map(names.map((name) => [name, box.read(name)]));
      // what is said of the first file; the bar comes only in longer runs
      const steps = [{ until: "f00.yaml" }, { type: "\x03" }];
      const shown = await inTerminal(["rotate", "-i", ...names], steps, { env: box.env, cwd: box.folder });
      // a machine may be faster than the terminal
      if (/rotated 40 of 40 files/.test(shown.text)) return;
      assert.is(shown.code, 130, shown.text);
      const done = Number(/\ntsops: stopped: (\d+) of 40 files were rotated/.exec(shown.text)?.[1]);
      assert.is(names.filter((name) => box.read(name) !== before.get(name)).length, done, shown.text);
      for (const name of names) assert.is(await storedIn(box, name), "x");
      assertClean(box, names);
    }));
}

test.run();
