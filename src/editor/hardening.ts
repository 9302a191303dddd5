import { open, realpath } from "node:fs/promises";
import { basename } from "node:path";
import { findProgram, isPath, SHELL_EXTENSIONS } from "../programs/run.ts";
import { VIM_ARGUMENTS, vimInit } from "./vim.ts";

/**
 * Editors keep copies of what they edit: backups, undo, what was cut. Those beside the file go with its private folder;
 * those elsewhere stay. So editors are told to keep none, as far as they can be told (docs/programs.md).
 */

type Environment = Readonly<Record<string, string | undefined>>;

export interface Hardened {
  /** The command, its program as a path where it was found; it lacks the file. */
  readonly argv: readonly [string, ...string[]];
  /** Variables for it. */
  readonly env: Readonly<Record<string, string>>;
  /** Said to the person, where the editor cannot be told. */
  readonly warning?: string;
}

/** A command line as it is to be run. `folder` is the private one. */
export async function harden(
  [program, ...args]: readonly [string, ...string[]],
  env: Environment,
  folder: string,
): Promise<Hardened> {
  const found = isPath(program) ? program : findProgram(program, env, SHELL_EXTENSIONS);
  // not found: starting it says so, without another look at PATH
  const path = found ?? program;
  const own = await argumentsFor(path, folder);
  if (own) return { argv: [path, ...own, ...args], env: {}, ...elsewhere(program, args) };
  if (TRANSPARENT.has(nameOf(program))) {
    for (const [i, word] of args.entries()) {
      const inner = word.startsWith("-") ? undefined : await argumentsOfWord(word, env, folder);
      if (inner) return { argv: [path, ...args.slice(0, i + 1), ...inner, ...args.slice(i + 1)], env: {} };
    }
  }
  const vim = MENTIONS_VIM.test([program, ...args].join(" ")) || (await mayStartVim(path));
  return {
    argv: [path, ...args],
    env: vim ? { VIMINIT: vimInit(env) } : {},
    ...elsewhere(program, args),
  };
}

/** Programs that run the command behind their options in their own place. */
const TRANSPARENT: ReadonlySet<string> = new Set(
  "env nice ionice nohup setsid time timeout stdbuf chrt taskset sudo doas".split(" "),
);

async function argumentsOfWord(word: string, env: Environment, folder: string) {
  const path = isPath(word) ? word : findProgram(word, env, SHELL_EXTENSIONS);
  return path === undefined ? undefined : await argumentsFor(path, folder);
}

/** These names are vim's alone. */
const VIM = /^(?:[gmnre]|mac|rg)?vimx?(?:diff)?(?:\.\w+)?$|^(?:r|g|rg|e)view$/;
/** These may be another vi, whose options differ. */
const VI = /^(?:vi|view|ex)$/;
const EMACS = /^x?emacs(?!client)[\w.-]*$/;
const JOE = /^(?:joe|jmacs|jpico|jstar|rjoe)$/;

/** What tells an editor to keep no copies; undefined if it is none that can be told so, or needs nothing. */
async function argumentsFor(path: string, folder: string): Promise<readonly string[] | undefined> {
  // links hide what runs: Debian's vi leads to vim.basic
  const real = await realpath(path).catch(() => path);
  for (const name of [nameOf(path), nameOf(real)]) {
    if (VI.test(name) ? await holds(real, "VIM - Vi IMproved") : VIM.test(name)) return VIM_ARGUMENTS;
    if (name === "nano" || name === "rnano") return ["-C", folder];
    if (name === "micro") return ["-backup", "false", "-saveundo", "false", "-savehistory", "false"];
    if (JOE.test(name)) return ["-nobackups", "--joe_state"];
    if (EMACS.test(name)) return ["--eval", EMACS_SETTINGS];
  }
  return undefined;
}

/** Given before the file, so evaluated before it is visited, and after the user's own configuration. */
const EMACS_SETTINGS =
  "(progn (setq make-backup-files nil auto-save-default nil create-lockfiles nil enable-local-variables nil" +
  " undo-tree-auto-save-history nil)" +
  " (if (bound-and-true-p savehist-mode) (savehist-mode -1))" +
  " (if (bound-and-true-p desktop-save-mode) (desktop-save-mode -1)))";

/** As a word of a command line or of a script; programs with neovim inside, too. */
const MENTIONS_VIM = /(?<![\w.-])(?:[gmnr]?vim?x?|vim\.\w+|view|ex|neovide|nvim-qt|goneovim)(?![\w-])/i;

/** Editors that by default keep copies of what they save, or are told everything by a window that runs already. */
const KEEPS_COPIES =
  /^(?:code|codium|vscodium|cursor|windsurf|zed|subl|sublime_text|atom|emacsclient|nvr|idea|webstorm|pycharm|phpstorm|goland|clion|rider|rubymine|fleet)(?:64|-\w+)?$/;

function elsewhere(program: string, args: readonly string[]): Pick<Hardened, "warning"> {
  const name = nameOf(program);
  const remote = args.some((word) => word.startsWith("--remote") || word === "--servername");
  if (!remote && !KEEPS_COPIES.test(name)) return {};
  return {
    warning: `${name} may keep copies of what it edits, and tsops cannot turn that off: see docs/programs.md`,
  };
}

function nameOf(path: string): string {
  const name = basename(path);
  return process.platform === "win32" ? name.toLowerCase().replace(/\.(?:exe|com|cmd|bat)$/, "") : name;
}

/**
 * Whether a program is a script that may start vim, by a name that it puts together, or from another file that it reads.
 * Not the scripts of editors with windows: what they start stays, and would hand the variable on for days.
 */
async function mayStartVim(path: string): Promise<boolean> {
  return !KEEPS_COPIES.test(nameOf(path)) && (await readStart(path, 2)) === "#!";
}

async function readStart(path: string, size: number): Promise<string> {
  const file = await open(path).catch(() => undefined);
  try {
    const { buffer, bytesRead } = (await file?.read(Buffer.alloc(size), 0, size, 0)) ?? {};
    return buffer?.toString("latin1", 0, bytesRead) ?? "";
  } catch {
    return "";
  } finally {
    await file?.close();
  }
}

const LARGEST_PROGRAM = 2 ** 26;

/** Whether a program has this text in it. Running it to ask could do anything. */
async function holds(path: string, text: string): Promise<boolean> {
  const start = await readStart(path, 2);
  return start !== "#!" && (await readStart(path, LARGEST_PROGRAM)).includes(text);
}
