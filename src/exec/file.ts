import { join } from "node:path";
import { TsopsError } from "../errors.ts";
import { makePrivateFolder, type PrivateFolder } from "../files/private.ts";
import { feedFifo, makeFifo } from "./fifo.ts";
import { type Command, type RunOptions, run } from "./run.ts";

export interface FileOptions extends RunOptions {
  /** Says where private folders are, too, and where mkfifo is. */
  readonly ownEnv: Readonly<Record<string, string | undefined>>;
  /** The file's name (`--filename`), a relative path that stays below its folder. Default `tmp-file`, as in SOPS. */
  readonly filename?: string;
  /** A fifo, which can be read once, rather than a file. Default true. */
  readonly fifo?: boolean;
  readonly warn: (message: string) => unknown;
}

const DEFAULT_NAME = "tmp-file";

/**
 * Runs a command with plaintext in a fifo or private file; each `{}` in the command becomes its path. It is removed
 * when the command ends. (SOPS has `--background` here too: it then removes the file before the command can read it,
 * so a caller should refuse that.)
 * @returns as `run` does.
 * @throws what `run` throws; TsopsError("usage") if the file's name leads elsewhere, TsopsError("write").
 */
export async function runWithFile(
  command: Command,
  plaintext: Uint8Array,
  options: FileOptions,
): Promise<number> {
  const name = options.filename || DEFAULT_NAME;
  if (!isLocal(name)) {
    throw new TsopsError("usage", "the file name is not a local path", {
      hint: "--filename takes a name, or a relative path that does not lead out with ..",
    });
  }
  const { ownEnv: env, warn, account } = options;
  const folder = await makePrivateFolder({ env, warn, size: plaintext.length, owner: account });
  try {
    if ((options.fifo ?? true) && (await offerFifo(folder, name, options))) {
      return await runWithFifo(command, join(folder.path, name), plaintext, options);
    }
    const path = await folder.write(name, plaintext);
    return await run(withPath(command, path), options);
  } finally {
    await folder.remove();
  }
}

async function offerFifo(folder: PrivateFolder, name: string, options: FileOptions): Promise<boolean> {
  await folder.makeParents(name);
  if (await makeFifo(join(folder.path, name), options.ownEnv, options.account)) return true;
  options.warn(
    "there are no named pipes here, so the plaintext is in a private file while the command runs (--no-fifo)",
  );
  return false;
}

async function runWithFifo(
  command: Command,
  path: string,
  plaintext: Uint8Array,
  options: FileOptions,
): Promise<number> {
  const over = new AbortController();
  const feeding = feedFifo(path, plaintext, over.signal);
  try {
    return await run(withPath(command, path), options);
  } finally {
    over.abort();
    await feeding;
  }
}

function withPath(command: Command, path: string): Command {
  // a function, because $ has a meaning in a replacement text
  if (typeof command === "string") return command.replaceAll("{}", () => path);
  const [program, ...args] = command;
  return [program.replaceAll("{}", () => path), ...args.map((arg) => arg.replaceAll("{}", () => path))];
}

/** As Go's filepath.IsLocal: relative, not empty, and it does not lead out, not even on the way. */
function isLocal(name: string): boolean {
  if (name.includes("\0") || /^[/\\]|^[A-Za-z]:/.test(name)) return false;
  let depth = 0;
  for (const part of name.split(process.platform === "win32" ? /[/\\]/ : "/")) {
    if (part === "" || part === ".") continue;
    depth += part === ".." ? -1 : 1;
    if (depth < 0) return false;
  }
  return depth > 0;
}
