import { test } from "uvu";
import * as assert from "uvu/assert";
import { type Command, nameOf } from "../../src/cli/command.ts";
import { COMMANDS } from "../../src/cli/commands.ts";
import { GLOBAL } from "../../src/cli/options.ts";
import { SOPS_VERSION } from "../../src/sops/metadata.ts";
import { inSandbox } from "../support/cli.ts";

/** Every command with the words that name it, subcommands included. */
function allCommands(commands: readonly Command[] = COMMANDS, before: readonly string[] = []) {
  return commands.flatMap((command): { words: string[]; command: Command }[] => {
    const words = [...before, nameOf(command)];
    return [{ words, command }, ...allCommands(command.subcommands ?? [], words)];
  });
}

test("an option that is not known is refused, also where its name begins with that of a known one", () =>
  inSandbox(async (box) => {
    box.write("a.yaml", "a: 1\n");
    for (const { words, command } of allCommands()) {
      for (const name of Object.keys({ ...command.options, ...GLOBAL })) {
        for (const given of [[`--${name}-more`, "x"], [`--${name}-more=x`], [`--${name}more`]]) {
          const { code, stderr } = await box.run([...words, ...given, "a.yaml"]);
          assert.is(code, command.failureExits ?? 1, `${words.join(" ")} ${given.join(" ")}: ${stderr}`);
          assert.match(stderr, /there is no option --/);
        }
      }
    }
    assert.is(box.read("a.yaml"), "a: 1\n");
    const { stderr } = await box.run(["encrypt", "-i", "--age-recipients", "age1x", "a.yaml"]);
    assert.match(stderr, /no option --age-recipients here\n {2}did you mean --age\?/);
    assert.match((await box.run(["decrypt", "--extrct", "x"])).stderr, /did you mean --extract\?/);
  }));

test("a mistyped command does not open an editor on a new file of that name", () =>
  inSandbox(async (box) => {
    box.env.EDITOR = "touch opened;";
    for (const [word, meant] of [
      ["dekrypt", "decrypt"],
      ["encrpyt", "encrypt"],
      ["stattus", "status"],
      ["version", undefined],
    ] as const) {
      const { code, stderr } = await box.run([word]);
      assert.is(code, 1);
      assert.match(stderr, `there is no command ${word}`);
      if (meant) assert.match(stderr, `did you mean tsops ${meant}?`);
    }
    assert.match((await box.run(["encrpyt", "a.yaml"])).stderr, /did you mean tsops encrypt\?/);
  }));

test("without a command the commands are listed", () =>
  inSandbox(async (box) => {
    const { code, stderr } = await box.run([]);
    assert.is(code, 100);
    for (const command of COMMANDS) assert.match(stderr, command.summary);
  }));

test("the first line of --version is that of the SOPS that this behaves as", () =>
  inSandbox(async (box) => {
    for (const argv of [["--version"], ["-v"], ["--version", "--disable-version-check"]]) {
      const lines = (await box.run(argv)).stdout.split("\n");
      assert.is(lines[0], `sops ${SOPS_VERSION}`);
      assert.match(lines[1]!, /^tsops \d+\.\d+\.\d+/);
    }
  }));

test("the help of a command shows every option of its own", () =>
  inSandbox(async (box) => {
    for (const { words, command } of allCommands()) {
      const { stdout } = await box.run([...words, "--help"]);
      for (const [name, option] of Object.entries(command.options)) {
        if (!option.hidden) assert.match(stdout, new RegExp(`--${name}[ ,]`), `${words.join(" ")} --${name}`);
      }
    }
  }));

test("h is help, as in SOPS", () =>
  inSandbox(async (box) => {
    assert.is((await box.run(["h"])).stdout, (await box.run(["--help"])).stdout);
  }));

test("what stands behind -- is a file name, or an index and a value", () =>
  inSandbox(async (box) => {
    box.write("a.yaml", "a: 1\n");
    box.write("-x.yaml", "b: 1\n");
    assert.is((await box.run(["encrypt", "-i", "--", "a.yaml", "-x.yaml"])).code, 0);
    assert.is((await box.run(["decrypt", "--", "a.yaml"], { input: "b: 2\n" })).stdout, "a: 1\n");
    assert.is((await box.run(["decrypt", "--", "-x.yaml"])).stdout, "b: 1\n");
    assert.is((await box.run(["rotate", "-i", "--", "a.yaml"])).code, 0);
    assert.is((await box.run(["set", "a.yaml", '["a"]', "--", '"-6"'])).code, 0);
    assert.is((await box.run(["set", "--", "a.yaml", '["b"]', "-7"])).code, 0);
    assert.match((await box.run(["decrypt", "-d", "--", "a.yaml"])).stderr, /no option -d/);
    assert.match((await box.run(["-d", "--", "a.yaml"])).stdout, /^a: -6|^a: "-6"/);
    assert.is((await box.run(["exec", "a.yaml", "--", "sh", "-c", 'test "$a" = -6'])).code, 0);
    assert.is((await box.run(["exec-env", "--", "a.yaml", 'test "$a" = -6'])).code, 0);
    const encrypted = await box.run(["encrypt", "--filename-override", "q.yaml", "--", "-x.yaml"], {
      input: "c: 2\n",
    });
    assert.match(encrypted.stderr, /already has a top-level entry/);
  }));

test("an option without its value is named", () =>
  inSandbox(async (box) => {
    for (const [argv, name] of [
      [["encrypt", "a.yaml", "--age"], "--age"],
      [["encrypt", "--age", "-i", "a.yaml"], "--age"],
      [["encrypt", "a.yaml", "-p"], "-p"],
      [["decrypt", "a.yaml", "--extract"], "--extract"],
    ] as const) {
      const { code, stderr } = await box.run([...argv]);
      assert.is(code, 1);
      assert.match(stderr, `${name} needs a value`);
    }
  }));

test("flags take true and false as in Go, and nothing else", () =>
  inSandbox(async (box) => {
    box.write("a.yaml", "a: x\n");
    assert.is((await box.run(["encrypt", "-i", "a.yaml"])).code, 0);
    const before = box.read("a.yaml");
    for (const yes of ["1", "t", "T", "TRUE", "True", "true"]) {
      const here = await box.run(["decrypt", `--enable-local-keyservice=${yes}`, "a.yaml"]);
      assert.is(here.stdout, "a: x\n", here.stderr);
    }
    for (const no of ["0", "F", "false"])
      assert.is((await box.run(["decrypt", `--enable-local-keyservice=${no}`, "a.yaml"])).code, 128, no);
    for (const option of ["--in-place=maybe", "--in-place=", "-i=2", "--verbose=2"]) {
      const { code, stdout, stderr } = await box.run(["decrypt", option, "a.yaml"]);
      assert.is(code, 1, option);
      assert.is(stdout, "");
      assert.match(stderr, "is neither true nor false", option);
    }
    assert.is(box.read("a.yaml"), before);
  }));

test("a type that there is not is said, and the name counts as in SOPS", () =>
  inSandbox(async (box) => {
    box.write("a.env", "A=x\n");
    const made = await box.run(["encrypt", "-i", "--input-type", "env", "a.env"]);
    assert.is(made.code, 0);
    assert.match(made.stderr, 'there is no format "env", so --input-type is ignored\n  did you mean dotenv?');
    const shown = await box.run(["decrypt", "--output-type", "xml", "a.env"]);
    assert.is(shown.stdout, "A=x\n");
    assert.match(shown.stderr, /--output-type is ignored\n {2}there are: .*yaml/);
  }));

test("a mistyped subcommand is named, with the one that may be meant", () =>
  inSandbox(async (box) => {
    const near = await box.run(["config", "chek"]);
    assert.is(near.code, 1);
    assert.match(near.stderr, 'config has no command "chek"\n  did you mean check?');
    assert.match((await box.run(["groups", "list"])).stderr, "there are: add, delete");
  }));

test.run();
