import { TsopsError } from "../../errors.ts";
import { memoryOf } from "../kept.ts";
import type { KeyContext } from "../kind.ts";
import { cacheIdOf, forgetPassphrase, passphraseFromAgent } from "./agent.ts";
import { type AgeFile, openAge } from "./file.ts";
import { fileKeyByPassphrase } from "./passphrase.ts";

/** Opens identity files that are under a passphrase. */

export interface Locked {
  readonly file: AgeFile;
  /** For gpg's agent, which asks by itself. */
  readonly question: string;
  readonly ask: () => Promise<string>;
  readonly context: KeyContext;
}

/**
 * What an identity file holds. Its file key is kept for other runs, and not the passphrase, which may open other things,
 * too. The caller clears it.
 * @throws TsopsError("bad-credentials") if the passphrase is wrong.
 */
export async function openLocked(bytes: Buffer, locked: Locked): Promise<Buffer> {
  const { file, context } = locked;
  const memory = memoryOf("age identity file", bytes, context);
  const before = await memory.recall();
  const contents = before && (await openOrNothing(file, before));
  if (contents) return contents;
  const fileKey = await askForFileKey(bytes, locked);
  try {
    const opened = await openAge(file, fileKey);
    await memory.keep(fileKey);
    return opened;
  } finally {
    fileKey.fill(0);
  }
}

async function askForFileKey(bytes: Buffer, { file, question, ask, context }: Locked): Promise<Buffer> {
  const id = cacheIdOf(bytes);
  const passphrase = async (): Promise<string> =>
    (await passphraseFromAgent(id, question, context)) ?? (await ask());
  const fileKey = await fileKeyByPassphrase(file, passphrase);
  if (fileKey) return fileKey;
  await forgetPassphrase(id, context);
  throw new TsopsError("bad-credentials", "the passphrase is wrong");
}

/** What does not open it was not kept by tsops. */
async function openOrNothing(file: AgeFile, fileKey: Buffer): Promise<Buffer | undefined> {
  try {
    return await openAge(file, fileKey);
  } catch {
    return undefined;
  } finally {
    fileKey.fill(0);
  }
}
