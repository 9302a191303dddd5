import { readFileSync } from "node:fs";
import { TsopsError } from "../../errors.ts";
import { printable } from "../../printable.ts";
import type { Memory } from "../kept.ts";
import type { KeyContext } from "../kind.ts";
import { type AgeFile, dearmor, looksLikeAge, parseAge } from "./file.ts";
import { HybridIdentity } from "./hybrid.ts";
import type { AgeIdentity } from "./identity.ts";
import { PluginIdentity } from "./plugin.ts";
import { parseSshIdentity } from "./ssh-private.ts";
import { X25519Identity } from "./x25519.ts";

/** What files, variables and commands say that hold identities: age's own, and SSH keys. */

const MAX_FILE_BYTES = 2 ** 24;

export interface Loaded {
  readonly identities: readonly AgeIdentity[];
  readonly problems: readonly string[];
}

/** Why something failed, as a line of a report. Only messages of our own: others may quote what they failed on. */
export function reasonOf(error: unknown): string {
  if (error instanceof TsopsError) return error.hint ? `${error.message} (${error.hint})` : error.message;
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  if (code === "EACCES") return "it may not be read";
  return `it cannot be used${code ? ` (${code})` : ""}`;
}

/** The file, or undefined if there is none. Read at a stroke: these are small, and starting threads for them takes longer. */
export function readKeyFile(path: string): Buffer | undefined {
  let contents: Buffer;
  try {
    contents = readFileSync(path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    if (code === "EISDIR") throw new TsopsError("bad-credentials", "it is a folder, not a file");
    throw error;
  }
  if (contents.length > MAX_FILE_BYTES)
    throw new TsopsError("bad-credentials", "it is too large for an identity file");
  return contents;
}

/** The identities in what was read. The contents are cleared. @throws TsopsError that says what is wrong with them. */
export async function readIdentities(
  contents: Buffer,
  name: string,
  holds: "ssh" | "age",
  context: KeyContext,
): Promise<Loaded> {
  try {
    if (holds === "age") return parseIdentities(contents, name, context);
    const ask = (): Promise<string> => askPassphrase(`passphrase of the SSH key ${printable(name)}`, context);
    // the key itself, which says less than a passphrase that may open other things, too
    const memory = async (): Promise<Memory> =>
      (await import("../kept.ts")).memoryOf("ssh key", contents, context);
    const readPublic = async (): Promise<string> => {
      const text = readKeyFile(`${name}.pub`);
      if (text) return text.toString();
      throw new TsopsError("bad-credentials", "its passphrase hides the public key", {
        hint: `put the public key into ${printable(name)}.pub`,
      });
    };
    return { identities: [await parseSshIdentity(contents, { ask, readPublic, memory })], problems: [] };
  } finally {
    if (holds === "age" && !looksLikeAge(contents)) contents.fill(0);
  }
}

function askPassphrase(question: string, context: KeyContext): Promise<string> {
  if (context.prompt) return context.prompt(question);
  throw new TsopsError("key-unavailable", "it has a passphrase, and there is nobody to ask for it");
}

/**
 * The identities in a text: one a line, or several with blanks between them; `#` begins a comment. A line that cannot
 * be read is a problem, and the others count. An age file under a passphrase is one identity that asks for it.
 */
export function parseIdentities(contents: Buffer, name: string, context: KeyContext): Loaded {
  const form = looksLikeAge(contents);
  if (form) {
    const bytes = form === "armored" ? dearmor(contents.toString("latin1")) : contents;
    return { identities: [new LockedIdentities(bytes, name, context)], problems: [] };
  }
  const identities: AgeIdentity[] = [];
  const problems: string[] = [];
  for (const [index, line] of contents.toString().split("\n").entries()) {
    if (line.trimStart().startsWith("#")) continue;
    for (const word of line.split(/\s+/)) {
      if (word === "") continue;
      try {
        identities.push(parseIdentity(word, context));
      } catch (error) {
        problems.push(`line ${index + 1}: ${reasonOf(error)}`);
        break;
      }
    }
  }
  return { identities, problems };
}

/** One identity. @throws TsopsError if it is malformed; the message holds nothing of it. */
export function parseIdentity(word: string, context: KeyContext): AgeIdentity {
  if (word.startsWith("AGE-PLUGIN-")) return new PluginIdentity(word, context);
  if (word.startsWith("AGE-SECRET-KEY-PQ-1")) return new HybridIdentity(word);
  if (word.startsWith("AGE-SECRET-KEY-1")) return new X25519Identity(word);
  throw new TsopsError("bad-credentials", "not an age identity", {
    hint: "identities begin with AGE-SECRET-KEY- or AGE-PLUGIN-",
  });
}

/** An identity file under a passphrase, which is asked for once. */
class LockedIdentities implements AgeIdentity {
  readonly needs = "person";
  readonly label = "identities with a passphrase";
  readonly #unlock: () => Promise<readonly AgeIdentity[]>;
  #identities: Promise<readonly AgeIdentity[]> | undefined;

  constructor(bytes: Buffer, name: string, context: KeyContext) {
    const file = parseAge(bytes);
    const question = `passphrase of the age identity file ${printable(name)}`;
    this.#unlock = async () => {
      const { openLocked } = await import("./locked.ts");
      const contents = await openLocked(bytes, {
        file,
        question,
        ask: async () => await askPassphrase(question, context),
        context,
      });
      try {
        const { identities, problems } = parseIdentities(contents, name, context);
        if (identities.length === 0)
          throw new TsopsError("bad-credentials", problems[0] ?? "it holds no identity");
        return identities;
      } finally {
        contents.fill(0);
      }
    };
  }

  async unwrap(file: AgeFile): Promise<Buffer | null> {
    this.#identities ??= this.#unlock();
    for (const identity of await this.#identities) {
      const fileKey = await identity.unwrap(file);
      if (fileKey) return fileKey;
    }
    return null;
  }
}
