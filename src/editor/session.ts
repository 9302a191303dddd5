import { chmod, readFile, stat } from "node:fs/promises";
import { TsopsError, withHint } from "../errors.ts";
import { makePrivateFolder, type PrivateFolder } from "../files/private.ts";
import { decodeText } from "../formats/text.ts";
import { printable } from "../printable.ts";
import { type KindsWithSecrets, withoutSecrets } from "../programs/secret-variables.ts";
import { editorCommand } from "./command.ts";
import { harden } from "./hardening.ts";
import { runEditor } from "./process.ts";

export interface EditRequest {
  /** The plaintext that the editor opens. */
  readonly text: Uint8Array;
  /** The file's name, without folders: the editor goes by its extension. */
  readonly name: string;
  /** Names the editor (`SOPS_EDITOR`, `EDITOR`, `VISUAL`) and is handed on to it, less what opens files. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Variables with secrets that only this file makes ones: the editor does not get them. */
  readonly hidden?: readonly string[];
  /** Whose variables it does not get. */
  readonly kinds: KindsWithSecrets;
  readonly cwd?: string;
  /** Makes the new document from what was typed. A TsopsError means that the text is not right yet. */
  readonly encrypt: (typed: string) => Promise<string>;
  /** Writes the new document. If that fails, what was typed is kept in a file. */
  readonly save: (encrypted: string) => Promise<void>;
  /**
   * Shows why the text is not right, and resolves when the person wants to go back to the editor: what they typed is
   * still there. Rejects if they give it up; resolves to false if nobody answers. Undefined where nobody can be asked.
   */
  readonly retry?: (error: TsopsError) => Promise<unknown>;
  readonly warn: (message: string) => unknown;
  readonly signal?: AbortSignal;
}

/**
 * One edit session: the plaintext in a private file of the same name, the editor, and what was typed encrypted and
 * saved. The file is gone on every way out, by signals too, but for one: text that could not be saved, with nobody
 * to ask, is not thrown away. It stays where it is, in its private folder, and the error's hint says where that is and
 * how to get rid of it. (A copy in the repository would be one `git add` away from being published.)
 * @throws TsopsError("editor" | "aborted" | "write"), and what `encrypt`, `save` and `retry` throw.
 */
export async function editText(request: EditRequest): Promise<"saved" | "unchanged"> {
  const { text, name, env, kinds, hidden, cwd, warn, signal } = request;
  const command = await editorCommand(env);
  const folder = await makePrivateFolder({ env, warn, size: text.length });
  try {
    const path = await folder.write(name, text);
    const hardened = await harden(command, env, folder.path);
    if (hardened.warning) await warn(hardened.warning);
    const own = { ...withoutSecrets(env, "edits", kinds, hidden), ...hardened.env };
    for (;;) {
      const end = await runEditor([...hardened.argv, path], { env: own, cwd, signal });
      const typed = await readTyped(path);
      if (!end.ok)
        throw end.crashed && !typed.equals(text) ? await kept(end.error, folder, path, warn) : end.error;
      if (typed.equals(text)) return "unchanged";
      if (await finish(decodeText(typed), request, folder, path)) return "saved";
    }
  } finally {
    await folder.remove();
  }
}

/** Encrypts and saves. Returns false if the text has to be edited again. */
async function finish(
  typed: string,
  { encrypt, save, retry, warn }: EditRequest,
  folder: PrivateFolder,
  path: string,
): Promise<boolean> {
  let encrypted: string;
  try {
    encrypted = await encrypt(typed);
  } catch (error) {
    const askable = error instanceof TsopsError && error.code !== "aborted";
    if (askable && retry && (await retry(error)) !== false) return false;
    throw await kept(error, folder, path, warn);
  }
  try {
    await save(encrypted);
    return true;
  } catch (error) {
    throw await kept(error, folder, path, warn);
  }
}

async function readTyped(path: string): Promise<Buffer> {
  try {
    // a pipe in its place would never come to its end
    if (!(await stat(path)).isFile()) throw new Error("it is not a regular file");
    return await readFile(path);
  } catch (cause) {
    throw new TsopsError("editor", "the editor left no file behind", { hint: "nothing was saved", cause });
  }
}

/** Leaves what was typed where it is. Returns the error with a hint that says so. */
async function kept(
  error: unknown,
  folder: PrivateFolder,
  path: string,
  warn: EditRequest["warn"],
): Promise<unknown> {
  await chmod(path, 0o600).catch(() => undefined);
  folder.keep();
  const until = folder.inMemory ? " until the next restart" : "";
  const where =
    `what you typed is kept in ${printable(path)}${until}, unencrypted, for you alone to read; ` +
    `remove the folder ${printable(folder.path)} when you do not need it any more`;
  if (!(error instanceof TsopsError)) {
    warn(where);
    return error;
  }
  return withHint(error, where);
}
