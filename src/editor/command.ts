import { TsopsError } from "../errors.ts";
import { findProgram } from "../keys/program.ts";
import { splitWords } from "../keys/words.ts";

type Environment = Readonly<Record<string, string | undefined>>;

const WINDOWS = process.platform === "win32";

/** What SOPS tries if no variable names an editor (SPEC section 7); notepad is always there on Windows. */
const FALLBACKS: readonly string[] = WINDOWS ? ["vim.exe", "nano.exe", "notepad.exe"] : ["vim", "nano", "vi"];

/**
 * The editor to start, as an argument list that lacks the file: `SOPS_EDITOR`, else `EDITOR`, split into words as a
 * shell would, else the first of vim, nano and vi.
 * @throws TsopsError("editor") if there is none, or the variable is no command.
 */
export async function editorCommand(env: Environment): Promise<[string, ...string[]]> {
  const name = env.SOPS_EDITOR ? "SOPS_EDITOR" : "EDITOR";
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

async function split(value: string, name: string): Promise<string[]> {
  try {
    // paths hold backslashes on Windows, which are no escapes there
    return WINDOWS ? (await import("string-argv")).parseArgsStringToArgv(value) : splitWords(value);
  } catch (cause) {
    throw new TsopsError("editor", `${name} is no command: ${(cause as Error).message}`, {
      hint: "check its quotes and backslashes",
      cause,
    });
  }
}

async function fallback(env: Environment): Promise<string[]> {
  for (const name of FALLBACKS) {
    const file = await findProgram(name, env);
    if (file !== undefined) return [file];
  }
  return [];
}
