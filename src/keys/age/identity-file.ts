import { readFileSync } from "node:fs";
import { TsopsError } from "../../errors.ts";
import { printable } from "../../printable.ts";
import { findKept, keep, nameOfKept } from "../kept.ts";
import type { KeyContext } from "../kind.ts";
import { type AgeFile, dearmor, looksLikeAge, openAge, parseAge } from "./file.ts";
import { HybridIdentity } from "./hybrid.ts";
import type { AgeIdentity } from "./identity.ts";
import { fileKeyByPassphrase } from "./passphrase.ts";
import { PluginIdentity } from "./plugin.ts";
import { type Memory, parseSshIdentity } from "./ssh-private.ts";
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
    const kept = nameOfKept("ssh key", contents);
    const memory: Memory = {
      recall: async () => (await findKept([kept], context))?.bytes,
      keep: async (bytes) => await keep("unlocked", kept, bytes, context),
    };
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
    const kept = nameOfKept("age identity file", bytes);
    const open = async (): Promise<Buffer> => {
      const before = await findKept([kept], context);
      // what does not open it was not kept by tsops
      const contents = before && openOrNothing(file, before.bytes);
      if (contents) return contents;
      const fileKey = await fileKeyFor(file, bytes, question, context);
      try {
        const opened = openAge(file, fileKey);
        await keep("unlocked", kept, fileKey, context);
        return opened;
      } finally {
        fileKey.fill(0);
      }
    };
    this.#unlock = async () => {
      const contents = await open();
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

/** Asks for the passphrase of an age identity file. @throws TsopsError("bad-credentials") if it is wrong. */
async function fileKeyFor(
  file: AgeFile,
  bytes: Buffer,
  question: string,
  context: KeyContext,
): Promise<Buffer> {
  const { cacheIdOf, forgetPassphrase, passphraseFromAgent } = await import("./agent.ts");
  const id = cacheIdOf(bytes);
  const ask = async (): Promise<string> =>
    (await passphraseFromAgent(id, question, context)) ?? (await askPassphrase(question, context));
  const fileKey = await fileKeyByPassphrase(file, ask);
  if (fileKey) return fileKey;
  await forgetPassphrase(id, context);
  throw new TsopsError("bad-credentials", "the passphrase is wrong");
}

function openOrNothing(file: AgeFile, fileKey: Buffer): Buffer | undefined {
  try {
    return openAge(file, fileKey);
  } catch {
    return undefined;
  } finally {
    fileKey.fill(0);
  }
}
