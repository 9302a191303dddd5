import { TsopsError } from "../../errors.ts";
import { keepForRun, once } from "../cache.ts";
import type { KeyContext, Lines, MasterKey } from "../kind.ts";
import { clear, type Held, readMasterKeys } from "./secret.ts";

/** A place that holds secrets, one of which holds master keys. */
export interface Store {
  /**
   * The secret's text, or null if there is nothing here to reach it with, which is found out without the network.
   * @param version of stores that keep old versions: which one; the newest if it is not given.
   * @throws TsopsError with the cause in a sentence and a hint.
   */
  read(uri: string, context: KeyContext, version?: string): Promise<Secret | null>;
  /**
   * Of stores that are reached over the network: whether there is something to reach it with, found out without it.
   * @throws TsopsError as `read`, before anything is sent.
   */
  ready?(uri: string, context: KeyContext): Promise<boolean>;
  /** After `read` gave null: what is missing. */
  whyNot(uri: string, context: KeyContext): Lines;
  /** For reports: the address, and the credentials that are used. */
  describe(uri: string, context: KeyContext): readonly string[] | Promise<readonly string[]>;
}

export interface Secret {
  /** As it is in the store; whoever asked for it clears it. */
  readonly text: Buffer;
  /** The version that was read, in stores that keep old ones. */
  readonly version?: string;
}

/** The secret of a key, and which version of it; the newest if that is not given. */
export interface Wanted {
  readonly key: MasterKey;
  readonly version?: string;
}

/** The store answers that the secret, or the version that was asked for, is not there. */
export class NotThere extends TsopsError {}

/** Each secret is fetched once a run, however many files name it; what is kept is cleared at the run's end. */
async function fetched(
  store: Store,
  uri: string,
  context: KeyContext,
  version: string | undefined,
): Promise<Secret | null> {
  const name = `secret ${JSON.stringify([uri, version])}`;
  const secret = await once(context, name, async () => {
    const read = await store.read(uri, context, version);
    if (read) keepForRun(context, name, read.text);
    return read;
  });
  return secret && { ...secret, text: Buffer.from(secret.text) };
}

/** Reads a secret for the time of the work, and clears its copy. Null if there is nothing to reach it with. */
export async function withSecret<T>(
  store: Store,
  { key, version }: Wanted,
  context: KeyContext,
  work: (held: readonly Held[], version: string | undefined) => Promise<T>,
): Promise<T | null> {
  const secret = await fetched(store, key.id, context, version);
  if (!secret) return null;
  let held: readonly Held[] = [];
  try {
    held = readMasterKeys(secret.text, key.id, context.kinds);
    return await work(held, secret.version);
  } finally {
    secret.text.fill(0);
    clear(held);
  }
}
