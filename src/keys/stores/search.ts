import { TsopsError } from "../../errors.ts";
import { shortened } from "../../printable.ts";
import { textField } from "../fields.ts";
import type { KeyContext, MasterKey } from "../kind.ts";
import { reasonsOf } from "../reasons.ts";
import { masterKeyId } from "./master.ts";
import { openMasterKey } from "./secret.ts";
import { NotThere, type Store, type Wanted, withSecret } from "./store.ts";

export interface Search {
  /** The key that was looked for; who gets it clears it. */
  readonly master?: Buffer;
  /** The ids of the other keys that are there. */
  readonly others: readonly string[];
  /** Why wrapped keys could not be opened, and old versions not be read: the one that is wanted may be among them. */
  readonly failures: readonly TsopsError[];
  readonly version?: string;
}

function search(store: Store, secret: Wanted, wanted: string, context: KeyContext): Promise<Search | null> {
  const { key } = secret;
  return withSecret(store, secret, context, async (held, read) => {
    const others: string[] = [];
    const failures: TsopsError[] = [];
    // those that stand there as they are first: opening the wrapped ones takes a call to a service each
    for (const one of [...held].sort((a, b) => Number("wrappedBy" in a) - Number("wrappedBy" in b))) {
      try {
        const master = await openMasterKey(one, key.id, context);
        const id = masterKeyId(master);
        if (id === wanted) return { master, others, failures };
        master.fill(0);
        others.push(id);
      } catch (error) {
        if (!(error instanceof TsopsError) || error.code === "aborted") throw error;
        failures.push(error);
      }
    }
    return { others, failures, version: read };
  });
}

/** Looks into the newest version of the secret, then into the one that the entry names. */
export async function searchVersions(
  store: Store,
  key: MasterKey,
  wanted: string,
  context: KeyContext,
): Promise<Search | null> {
  const recorded = textField(key.fields, "key_version");
  const known = /^[1-9]\d{0,8}$/.test(recorded);
  const newest = await search(store, { key }, wanted, context).catch((error: unknown): Search => {
    if (error instanceof NotThere && known) return { others: [], failures: [error] };
    throw error;
  });
  if (!newest || newest.master || !known || recorded === newest.version) return newest;
  try {
    const old = await search(store, { key, version: recorded }, wanted, context);
    if (old?.master) return old;
    return { ...newest, failures: [...newest.failures, ...(old?.failures ?? [])] };
  } catch (error) {
    if (!(error instanceof TsopsError) || error.code === "aborted") throw error;
    return { ...newest, failures: [...newest.failures, error] };
  }
}

/** The error for a key that was not found. A wrapped one that is alone and could not be opened speaks for itself. */
export function notThere(key: MasterKey, wanted: string, { others, failures }: Search): TsopsError {
  const [only] = failures;
  if (only && failures.length + others.length === 1 && !(only instanceof NotThere)) return only;
  const there = others.length > 0 ? ` (it holds ${others.join(", ")})` : "";
  const reasons = new Set(failures.map((failure) => reasonsOf(failure).join("; ")));
  return new TsopsError(
    only?.code ?? "no-such-key",
    `${shortened(key.id)} does not hold the master key whose id is ${wanted}${there}`,
    {
      hint: [...reasons, "put that master key back into the secret, after the newest one"].join("\n"),
      cause: only,
    },
  );
}
