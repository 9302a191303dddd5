import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { harden } from "../../src/editor/hardening.ts";
import { VIM_ARGUMENTS } from "../../src/editor/vim.ts";
import { splitWords } from "../../src/programs/words.ts";
import { IDENTITY_FILE, RECIPIENT } from "../support/cli.ts";
import { PROGRAM } from "../support/program.ts";
import { scratchFolder, start } from "../support/scripts.ts";

const test = suite("editor hardening");
const scratch = scratchFolder();
const bin = join(scratch, "bin");
mkdirSync(bin);
const PATH = `${bin}:${process.env.PATH}`;

function program(name: string, content: string): string {
  const path = join(bin, name);
  writeFileSync(path, content);
  chmodSync(path, 0o755);
  return path;
}

const hardened = (command: string, env: Record<string, string> = {}) =>
  harden(splitWords(command) as [string], { PATH, HOME: scratch, ...env }, "/private");

// programs that are only looked at, not run
const VIM_PROGRAM = "\x7fELF…VIM - Vi IMproved…";
for (const name of ["vim", "nvim", "gvim", "rvim", "rview", "vimx", "mvim", "vim.basic", "vim.tiny"]) {
  program(name, VIM_PROGRAM);
}
for (const name of ["nano", "micro", "joe", "emacs", "hx", "code"]) program(name, "\x7fELF");
program("nice", "\x7fELF");
mkdirSync(join(bin, "other"));

test("vim under all of its names is told to keep no copies, before its other arguments", async () => {
  for (const command of [
    ...["vim", "nvim", "gvim -f", "rvim", "rview", "vimx", "mvim", "vim.basic", "vim.tiny +3"],
    `${join(bin, "vim")} -u 'my rc' --`,
  ]) {
    const [name = "", ...args] = splitWords(command);
    const { argv, env, warning } = await hardened(command);
    assert.equal(argv, [name.startsWith("/") ? name : join(bin, name), ...VIM_ARGUMENTS, ...args], command);
    assert.equal([env, warning], [{}, undefined]);
  }
});

test("vi, view and ex are vim where they lead to one or are one, and others are left alone", async () => {
  for (const name of ["vi", "view", "ex"]) {
    program(`alternative-${name}`, "");
    symlinkSync("vim.basic", join(bin, `link-${name}`));
    symlinkSync(`link-${name}`, join(bin, name));
    assert.equal((await hardened(name)).argv.slice(1), VIM_ARGUMENTS, name);
    const own = join(bin, "other", name);
    writeFileSync(own, VIM_PROGRAM, { mode: 0o755 });
    assert.equal((await hardened(own)).argv.slice(1), VIM_ARGUMENTS, "a vi that is vim by its content");
    writeFileSync(own, "\x7fELF nvi", { mode: 0o755 });
    assert.equal((await hardened(own)).argv, [own], "another vi");
  }
  symlinkSync("vim.basic", join(bin, "editor"));
  assert.equal((await hardened("editor")).argv.slice(1), VIM_ARGUMENTS);
});

test("vim behind a wrapper gets arguments where that is sure, else it is told by the environment", async () => {
  const nice = await hardened("nice -n 5 vim +1");
  assert.equal(nice.argv.slice(1), ["-n", "5", "vim", ...VIM_ARGUMENTS, "+1"]);
  program("wrapper", '#!/bin/sh\n# my editor\nexec vim "$@"\n');
  program("sources", "#!/bin/sh\n. /usr/share/mine/lib.sh\n");
  program("joins", '#!/bin/sh\nE=v; exec $E"im" "$@"\n');
  for (const command of [
    "wrapper",
    "sources",
    "joins",
    "sh -c 'exec vi \"$@\"' x",
    "xterm -e vim",
    "neovide",
  ]) {
    const { argv, env } = await hardened(command);
    assert.equal(argv.slice(1), splitWords(command).slice(1), command);
    assert.match(env.VIMINIT!, "nobackup");
  }
  for (const command of ["hx", "sed -i s/a/b/"]) {
    const { argv, env, warning } = await hardened(command);
    assert.equal([argv.slice(1), env, warning], [splitWords(command).slice(1), {}, undefined], command);
  }
});

test("what VIMINIT hides of the user's configuration is read by it", async () => {
  const home = join(scratch, "my home");
  mkdirSync(join(home, ".config/nvim"), { recursive: true });
  const init = async (more = {}) => (await hardened("wrapper", { HOME: home, ...more })).env.VIMINIT!;
  assert.match(await init(), /^if !has\("nvim"\)\|silent! source \$VIMRUNTIME\/defaults.vim\|endif\|set /);
  writeFileSync(join(home, ".vimrc"), "");
  writeFileSync(join(home, ".config/nvim/init.lua"), "");
  const sources =
    /^if has\("nvim"\)\|source \S*my\\ home\/\.config\/nvim\/init\.lua\|else\|source \S*my\\ home\/\.vimrc\|/;
  assert.match(await init(), sources);
  assert.match(await init({ VIMINIT: "set ai" }), /^set ai\|set nobackup/);
});

test("other editors that can be told are told, and of those that cannot it is said", async () => {
  assert.equal((await hardened("nano -w")).argv.slice(1), ["-C", "/private", "-w"]);
  assert.equal((await hardened("joe")).argv.slice(1), ["-nobackups", "--joe_state"]);
  assert.match((await hardened("emacs -nw")).argv.join(" "), /--eval .*make-backup-files nil.* -nw$/);
  assert.match((await hardened("micro")).argv.join(" "), "-backup false");
  for (const command of ["code --wait", "emacsclient -t", "vim --remote-wait"]) {
    assert.match((await hardened(command)).warning!, /may keep copies .*docs\/programs\.md/);
  }
});

const HAVE = (process.env.PATH ?? "")
  .split(":")
  .map((folder) => (name: string) => existsSync(join(folder, name)));
const have = (name: string): boolean => HAVE.some((has) => has(name));

/** What a person does who wants to keep everything. */
const VIMRC = `set undofile undodir=~/undo backup writebackup backupdir=~/back directory=~/swap updatecount=1
set modeline modelines=5 viminfo='100,<50,s10,h viminfofile=~/info
autocmd!
autocmd BufRead * set undofile
`;

/** `dd u`, notes how wide a tab is, asks for everything to be kept, adds a line, `:wq`. */
const KEYS = 'ddu:call writefile([&ts], $HOME."/ts")\r:set backup undofile\rGobye: 1\u001b:w\r:wq\r';

async function editWith(
  EDITOR: string,
  name: string,
): Promise<{ home: string; shown: string; file: string }> {
  const home = join(scratch, `home-${name}`);
  for (const folder of ["undo", "back", "swap", "run"]) mkdirSync(join(home, folder), { recursive: true });
  chmodSync(join(home, "run"), 0o700);
  writeFileSync(join(home, ".vimrc"), VIMRC);
  writeFileSync(join(home, "keys"), KEYS);
  const file = join(home, "a.yaml");
  writeFileSync(file, "pw: s3cret-text\n# vim: set ts=13 :\n");
  const env = {
    PATH: process.env.PATH,
    HOME: home,
    TERM: "xterm",
    XDG_RUNTIME_DIR: join(home, "run"),
    SOPS_AGE_KEY_FILE: IDENTITY_FILE,
    SOPS_AGE_RECIPIENTS: RECIPIENT,
    EDITOR,
  };
  const tsops = PROGRAM.map((word) => `'${word}'`).join(" ");
  const cwd = new URL("../..", import.meta.url).pathname;
  const made = await start(["sh", "-c", `${tsops} encrypt -i '${file}'`], { env, cwd }).ended;
  assert.is(made.code, 0, made.stderr);
  const edited = await start(["script", "-qec", `${tsops} edit '${file}'`, "/dev/null"], { env, cwd }).ended;
  assert.is(edited.code, 0, edited.stdout);
  return { home, shown: edited.stdout, file };
}

/** Every file below a folder that holds the text. */
function holding(folder: string, text: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .filter((path) => readFileSync(path, "latin1").includes(text));
}

if (have("script") && have("vi") && have("vim")) {
  const wrapper = join(scratch, "ed");
  writeFileSync(wrapper, '#!/bin/sh\nexec vim "$@"\n', { mode: 0o755 });
  for (const [name, command] of [
    ["vi", "vi"],
    ["wrapper", "nice -n 1 vim"],
    ["script", wrapper],
  ] as const) {
    test(`finding 13: nothing of a secret is left by the real vim, started as ${command.replace(scratch, "")}`, async () => {
      const { home, file } = await editWith(`${command} -s ${join(scratch, `home-${name}`, "keys")}`, name);
      assert.match(readFileSync(file, "utf8"), /^bye: ENC/m, "it was edited");
      assert.is(readFileSync(join(home, "ts"), "utf8").trim(), "8", "modelines are off");
      assert.equal(holding(home, "s3cret-text"), []);
      assert.equal(
        ["undo", "back", "swap", "run"].flatMap((folder) => readdirSync(join(home, folder))),
        [],
      );
      assert.not.ok(existsSync(join(home, ".viminfo")) || existsSync(join(home, "info")));
    });
  }
} else console.error("editor hardening: there is no vim or no script(1) here, so vim itself is not tried");

test.run();
