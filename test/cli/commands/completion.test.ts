import { spawnSync } from "node:child_process";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { inSandbox, type Sandbox } from "../../support/cli.ts";

/** The scripts in the real shells, which have to be there: a test that is left out shows nothing. */

const SHELLS = ["bash", "zsh", "fish"] as const;
type Shell = (typeof SHELLS)[number];

/** Writes the script of a shell, and runs a program of that shell's. */
async function inShell(box: Sandbox, shell: Shell, flags: readonly string[], code?: string): Promise<string> {
  const { code: exit, stdout } = await box.run(["completion", shell]);
  assert.is(exit, 0);
  const script = box.write(`completion.${shell}`, stdout);
  const argv = code === undefined ? [...flags, script] : [...flags, "-c", code, shell, script];
  const env = { PATH: process.env.PATH, HOME: box.home, LC_ALL: "C.UTF-8", TERM: "dumb" };
  const result = spawnSync(shell, argv, { cwd: box.folder, env, encoding: "utf8" });
  assert.not.ok(result.error, `this test needs ${shell}: ${result.error?.message}`);
  assert.is(result.stderr, "");
  assert.is(result.status, 0, result.stdout);
  return result.stdout;
}

/** What a shell offers behind these words, the last of which is still being typed. */
type Offers = (box: Sandbox, words: readonly string[]) => Promise<string[]>;

const quoted = (words: readonly string[]) => words.map((word) => `'${word}'`).join(" ");
const linesOf = (text: string) => text.split("\n").filter((line) => line !== "");

const inBash: Offers = async (box, words) => {
  // bash makes words of its own of --option=value
  const split = words.flatMap((word) => {
    const [, name, value] = /^(--[^=]+)=(.*)$/.exec(word) ?? [];
    return name === undefined ? [word] : [name, "=", ...(value === "" ? [] : [value!])];
  });
  const code = `. "$1"; COMP_WORDS=(tsops ${quoted(split)}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _tsops
    printf '%s\\n' "\${COMPREPLY[@]}"`;
  return linesOf(await inShell(box, "bash", ["--norc", "--noprofile"], code));
};

/** zsh's own functions complete only at its prompt: what ours asks of them is printed here. */
const inZsh: Offers = async (box, words) => {
  const stubs = `
    compdef() { : }
    compset() { case $2 in ('*=') current="\${current#*=}" ;; ('*,') current="\${current##*,}" ;; esac }
    offer() { local word; for word; do [[ $word != "\${current}"* ]] || { print -r -- $word; found=0 }; done }
    compadd() { shift; local found=1; offer "$@"; return $found }
    _describe() { local found=1; offer "\${(@)\${(P@)argv[-1]}%%:*}"; return $found }
    _files() { offer *(DN) }
    _alternative() { print PROGRAMS; _files }`;
  const code = `${stubs}\n. "$1"; words=(tsops ${quoted(words)}); CURRENT=$#words; _tsops || :`;
  return linesOf(await inShell(box, "zsh", ["-f"], code));
};

const inFish: Offers = async (box, words) => {
  const line = ["tsops", ...words].join(" ");
  const out = await inShell(box, "fish", ["--no-config"], `source completion.fish; complete -C '${line}'`);
  return linesOf(out).map((text) => text.split("\t")[0]!);
};

const OFFERS: Readonly<Record<Shell, Offers>> = { bash: inBash, zsh: inZsh, fish: inFish };

for (const shell of SHELLS) {
  const offers = OFFERS[shell];
  const last = (words: string[]) => words.map((word) => word.replace(/^.*=/, "")).sort();

  test(`${shell} can read its script`, () =>
    inSandbox(async (box) => {
      await inShell(box, shell, ["-n"]);
    }));

  test(`${shell} offers commands and subcommands`, () =>
    inSandbox(async (box) => {
      assert.equal((await offers(box, ["upd"])).sort(), ["updatekeys"]);
      const commands = await offers(box, [""]);
      for (const name of ["encrypt", "exec-env", "config", "keyservice"])
        assert.ok(commands.includes(name), name);
      assert.not.ok(commands.some((word) => word.startsWith("-")));
      assert.equal((await offers(box, ["groups", ""])).sort(), ["add", "delete"]);
      assert.equal((await offers(box, ["config", "ch"])).sort(), ["check"]);
      assert.equal((await offers(box, ["--config", "x", "config", "ch"])).sort(), ["check"]);
    }));

  test(`${shell} offers the options of a command, and none that is hidden`, () =>
    inSandbox(async (box) => {
      const rotate = await offers(box, ["rotate", "--"]);
      assert.ok(rotate.includes("--rm-key") && rotate.includes("--config") && rotate.includes("--no-color"));
      assert.not.ok(rotate.includes("--mac-only-encrypted"));
      assert.ok((await offers(box, ["encrypt", "--mac"])).includes("--mac-only-encrypted"));
      assert.ok((await offers(box, ["groups", "add", "--hc"])).includes("--hc-vault-transit"));
      assert.not.ok((await offers(box, ["groups", "delete", "--hc"])).includes("--hc-vault-transit"));
      const early = await offers(box, ["--"]);
      assert.ok(early.includes("--config"));
      assert.not.ok(early.some((word) => /mac-only|comment-regex|--rotate|--add-/.test(word)));
    }));

  test(`${shell} offers values`, () =>
    inSandbox(async (box) => {
      const formats = ["binary", "dotenv", "ini", "json", "json5", "toml", "yaml"];
      assert.equal(last(await offers(box, ["decrypt", "--input-type", ""])), formats);
      assert.equal(last(await offers(box, ["encrypt", "x.yaml", "--output-type", "j"])), ["json", "json5"]);
      assert.equal(last(await offers(box, ["decrypt", "--output-type=t"])), ["toml"]);
      assert.equal((await offers(box, ["completion", ""])).sort(), ["bash", "fish", "zsh"]);
      const kinds = await offers(box, ["decrypt", "--decryption-order", ""]);
      assert.ok(kinds.includes("age") && kinds.includes("hc_vault") && !kinds.includes("unknown"));
      const second = await offers(box, ["decrypt", "--decryption-order", "age,p"]);
      assert.equal(
        second.map((word) => word.replace("age,", "")),
        ["pgp"],
      );
      // nobody knows them, and files are none
      box.write("age1file", "");
      assert.equal(await offers(box, ["encrypt", "--age", "age1"]), []);
    }));

  test(`${shell} offers files, also with blanks`, () =>
    inSandbox(async (box) => {
      box.write("my secrets.yaml", "");
      box.write("my config.yaml", "");
      const found = await offers(box, ["decrypt", "-i", "my"]);
      assert.equal(found.map((word) => word.replaceAll("\\", "")).sort(), [
        "my config.yaml",
        "my secrets.yaml",
      ]);
      assert.is((await offers(box, ["--config", "my"])).length, 2);
      assert.is((await offers(box, ["encrypt", "--", "my"])).length, 2);
    }));

  test(`${shell} offers programs behind the -- of exec`, () =>
    inSandbox(async (box) => {
      box.write("my secrets.yaml", "");
      const found = await offers(box, ["exec", "a.yaml", "--", shell === "zsh" ? "" : "env"]);
      assert.ok(found.includes(shell === "zsh" ? "PROGRAMS" : "env"), found.join(" "));
      assert.is((await offers(box, ["exec", "a.yaml", "--", "cat", "my"])).length, 1);
    }));
}

test("another shell than these has no completion", () =>
  inSandbox(async (box) => {
    const { code, stderr } = await box.run(["completion", "tcsh"]);
    assert.is(code, 1);
    assert.match(stderr, "use bash, zsh or fish");
  }));

test.run();
