import { TsopsError } from "../../errors.ts";
import { TreeMap } from "../../formats/tree.ts";
import {
  neededField,
  sortedFields,
  splitList,
  textField,
  unreadable,
  withFields,
  withWrapped,
} from "../fields.ts";
import type { Examination, KeyContext, KeyKind, KindName, MasterKey } from "../kind.ts";
import { shortened } from "../printable.ts";
import { reasonsOf } from "../reasons.ts";
import { masterKeyId, unwrapWithMaster, wrapWithMaster } from "./master.ts";
import { clear, type Held, openMasterKey, readMasterKeys } from "./secret.ts";

/** A place that holds secrets, one of which holds master keys. */
export interface Store {
  readonly name: KindName;
  readonly title: string;
  /** What the URIs of its secrets begin with. */
  readonly schemes: readonly string[];
  /** @throws TsopsError("usage") if a URI is malformed; the message names it. */
  check(uri: string): void;
  /**
   * The secret's text, or null if there is nothing here to reach it with, which is found out without the network.
   * @param version of stores that keep old versions: which one; the newest if it is not given.
   * @throws TsopsError with the cause in a sentence and a hint.
   */
  read(uri: string, context: KeyContext, version?: string): Promise<Secret | null>;
  /** After `read` gave null: what is missing. */
  whyNot(uri: string, context: KeyContext): readonly string[];
  /** For reports: the address, and the credentials that are used. */
  describe(uri: string, context: KeyContext): readonly string[] | Promise<readonly string[]>;
}

export interface Secret {
  /** As it stands in the store; who reads it clears it. */
  readonly text: Buffer;
  /** The version that was read, in stores that keep old ones. */
  readonly version?: string;
}

/** The kind of master key that a store holds. Files name the key by the secret's URI and the key's id. */
export function storeKind(store: Store): KeyKind {
  const { name, title, schemes } = store;
  const keyOf = (uri: string, fields: TreeMap): MasterKey => ({ kind: name, id: uri, fields });
  return {
    name,
    field: undefined,
    schemes,
    title,

    parse(list) {
      return splitList(list, title).map((part) => {
        const uri = part.trim();
        store.check(uri);
        return keyOf(uri, sortedFields([["uri", uri]]));
      });
    },

    fromMetadata(fields) {
      const uri = neededField(fields, "uri", title);
      try {
        store.check(uri);
      } catch (error) {
        throw error instanceof TsopsError ? unreadable(error.message) : error;
      }
      return keyOf(uri, fields);
    },

    async wrap(key, dataKey, context) {
      const wrapped = await withSecret(store, key, context, undefined, async (held, version) => {
        const master = await openMasterKey(held[0]!, key.id, context);
        try {
          const changes = {
            key_id: masterKeyId(master),
            ...(version ? { key_version: BigInt(version) } : {}),
          };
          return withWrapped(
            withFields(withoutVersion(key), changes),
            wrapWithMaster(master, dataKey),
            context,
          );
        } finally {
          master.fill(0);
        }
      });
      if (wrapped) return wrapped;
      const [why, ...next] = store.whyNot(key.id, context);
      throw new TsopsError("generic", why!, { hint: next.join("\n") });
    },

    async unwrap(key, context) {
      const wanted = wantedId(key);
      const newest = await search(store, key, wanted, context);
      if (newest === null) return null;
      const found = newest.master ? newest : await searchRecorded(store, key, wanted, context, newest);
      if (!found.master) throw notThere(key, wanted, found);
      try {
        return unwrapWithMaster(found.master, textField(key.fields, "enc"));
      } finally {
        found.master.fill(0);
      }
    },

    whyNot(key, context) {
      const id = textField(key.fields, "key_id");
      const wanted = KEY_ID.test(id) ? [`the file was encrypted with the master key whose id is ${id}`] : [];
      return [...store.whyNot(key.id, context), ...wanted];
    },

    examine: (key, context) => examine(store, key, context),
  };
}

const KEY_ID = /^[0-9a-f]{16}$/;

/** Which master key wrapped. @throws TsopsError("generic") if the entry does not say it. */
function wantedId(key: MasterKey): string {
  const id = textField(key.fields, "key_id");
  if (KEY_ID.test(id)) return id;
  throw new TsopsError("generic", `the key_id of ${shortened(key.id)} is not 16 hexadecimal digits`, {
    hint: "compare the file's metadata with its last good version in git",
  });
}

/** Another version may have been recorded when the key last wrapped. */
function withoutVersion(key: MasterKey): MasterKey {
  const kept = key.fields.entries().filter((entry) => entry.key !== "key_version");
  return { ...key, fields: TreeMap.of(kept.map((entry) => [entry.key, entry.value])) };
}

/** Reads a secret for the time of the work, and clears what was read. Null if there is nothing to reach it with. */
async function withSecret<T>(
  store: Store,
  key: MasterKey,
  context: KeyContext,
  version: string | undefined,
  work: (held: readonly Held[], version: string | undefined) => Promise<T>,
): Promise<T | null> {
  const secret = await store.read(key.id, context, version);
  if (!secret) return null;
  let held: readonly Held[] = [];
  try {
    held = await readMasterKeys(secret.text, key.id);
    return await work(held, secret.version);
  } finally {
    secret.text.fill(0);
    clear(held);
  }
}

interface Search {
  /** The key that was looked for; who gets it clears it. */
  readonly master?: Buffer;
  /** The ids of the other keys that are there. */
  readonly others: readonly string[];
  /** Why wrapped keys could not be opened, and old versions not be read: the one that is wanted may be among them. */
  readonly failures: readonly TsopsError[];
  readonly version?: string;
}

function search(
  store: Store,
  key: MasterKey,
  wanted: string,
  context: KeyContext,
  version?: string,
): Promise<Search | null> {
  return withSecret(store, key, context, version, async (held, read) => {
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

/** Looks into the version of the secret that the entry names, where the newest does not hold the key any more. */
async function searchRecorded(
  store: Store,
  key: MasterKey,
  wanted: string,
  context: KeyContext,
  newest: Search,
): Promise<Search> {
  const version = textField(key.fields, "key_version");
  if (!/^[1-9]\d{0,8}$/.test(version) || version === newest.version) return newest;
  try {
    const old = await search(store, key, wanted, context, version);
    return old ? { ...old, failures: [...newest.failures, ...old.failures] } : newest;
  } catch (error) {
    if (!(error instanceof TsopsError) || error.code === "aborted") throw error;
    return { ...newest, failures: [...newest.failures, error] };
  }
}

function notThere(key: MasterKey, wanted: string, { others, failures }: Search): TsopsError {
  const there = others.length > 0 ? ` (it holds ${others.join(", ")})` : "";
  const reasons = failures.map((failure) => reasonsOf(failure).join("; "));
  return new TsopsError(
    failures.length > 0 ? failures[0]!.code : "generic",
    `${shortened(key.id)} does not hold the master key whose id is ${wanted}${there}`,
    {
      hint: [...reasons, "put that master key back into the secret, behind the newest one"].join("\n"),
      cause: failures[0],
    },
  );
}

async function examine(store: Store, key: MasterKey, context: KeyContext): Promise<Examination> {
  try {
    const found = await withSecret(store, key, context, undefined, async (held) => describeHeld(held, key));
    if (!found) return { usable: false, lines: store.whyNot(key.id, context) };
    return { ...found, lines: [...(await store.describe(key.id, context)), ...found.lines] };
  } catch (error) {
    return { usable: false, lines: [...(await store.describe(key.id, context)), ...reasonsOf(error)] };
  }
}

async function describeHeld(held: readonly Held[], key: MasterKey): Promise<Examination> {
  const { describeKey } = await import("../table.ts");
  const ids = held.flatMap((one) => ("raw" in one ? masterKeyId(one.raw) : []));
  const by = held.flatMap((one) => ("raw" in one ? [] : describeKey(one.wrappedBy)));
  const lines = [
    ...ids.map((id) => `it holds the master key ${id}`),
    ...by.map((name) => `it holds a master key that is wrapped by ${name}`),
  ];
  const wanted = textField(key.fields, "key_id");
  if (wanted === "" ? "raw" in held[0]! : ids.includes(wanted)) return { usable: true, lines };
  if (by.length > 0) return { usable: undefined, lines };
  const version = textField(key.fields, "key_version");
  const last = version ? `version ${version} of it may hold the one that is wanted` : "";
  const next = [`the file wants the master key ${wanted}`, ...(last ? [last] : [])];
  return { usable: version ? undefined : false, lines: [...lines, ...next] };
}
