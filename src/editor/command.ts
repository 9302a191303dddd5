import { basename } from "node:path";
import { TsopsError } from "../errors.ts";
import { findProgram } from "../programs/run.ts";
import { splitCommand } from "../programs/words.ts";

type Environment = Readonly<Record<string, string | undefined>>;

const WINDOWS = process.platform === "win32";

/** What SOPS tries if no variable names an editor (docs/internals/sops.md §7); notepad is always there on Windows. */
const FALLBACKS: readonly string[] = WINDOWS ? ["vim.exe", "nano.exe", "notepad.exe"] : ["vim", "nano", "vi"];

/** `VISUAL` comes last: git and others read it before `EDITOR`, but who sets both has SOPS start `EDITOR`. */
const VARIABLES = ["SOPS_EDITOR", "EDITOR", "VISUAL"] as const;

/** Whether somebody chose an editor. */
export function namesEditor(env: Environment): boolean {
  return VARIABLES.some((variable) => env[variable]);
}

/**
 * The editor to start, as an argument list that lacks the file: `SOPS_EDITOR`, else `EDITOR`, else `VISUAL`, split into
 * words as a shell would, else the first of vim, nano and vi.
 * @throws TsopsError("editor") if there is none, or the variable is no command.
 */
export async function editorCommand(env: Environment): Promise<[string, ...string[]]> {
  const name = VARIABLES.find((variable) => env[variable]) ?? "EDITOR";
  const value = env[name];
  const words = value ? await split(value, name) : await fallback(env);
  const [program, ...args] = words;
  if (program === undefined) {
    throw new TsopsError("editor", value ? `${name} names no editor` : "there is no editor", {
      hint: `set SOPS_EDITOR or EDITOR to your editor's command, for example "vim" or "code --wait"`,
    });
  }
  return [program, ...args];
}

/** Editors with windows that return at once unless they are told to wait. */
const WINDOWED =
  /^(?:code|codium|vscodium|code-insiders|cursor|windsurf|subl|sublime_text|atom|zed|gedit|gnome-text-editor|xed|kate|mate|bbedit|idea|webstorm|pycharm|phpstorm|goland|clion|rider|rubymine|fleet|[gm]vim)(?:\.\w+)?$/i;

/** Whether a command is known to return before the person has closed the file. */
export function returnsAtOnce([program, ...args]: readonly string[]): boolean {
  const name = basename((program ?? "").replaceAll("\\", "/"));
  return WINDOWED.test(name) && !args.some((word) => /^(?:-w|--wait|-b|--block|-f|--nofork)$/.test(word));
}

async function split(value: string, name: string): Promise<string[]> {
  try {
    return await splitCommand(value);
  } catch (cause) {
    throw new TsopsError("editor", `${name} is not a command: ${(cause as Error).message}`, {
      hint: "check its quotes and backslashes",
      cause,
    });
  }
}

async function fallback(env: Environment): Promise<string[]> {
  for (const name of FALLBACKS) {
    const file = findProgram(name, env);
    if (file !== undefined) return [file];
  }
  return [];
}
