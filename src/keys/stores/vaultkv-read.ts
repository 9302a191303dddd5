import { TsopsError } from "../../errors.ts";
import { shortened } from "../../printable.ts";
import { once } from "../cache.ts";
import type { KeyContext } from "../kind.ts";
import { type VaultClient, VaultError } from "../vault/client.ts";
import type { Secret } from "./store.ts";
import { explained, noSuchVersion } from "./vaultkv-errors.ts";

/** A secret in a KV engine. */
export interface KvPlace {
  /** For messages. */
  readonly uri: string;
  /** Mount and path in one, part by part. */
  readonly path: readonly string[];
  readonly field: string | undefined;
}

/** Where the mount ends, and which of KV's two versions it has. */
interface Mount {
  readonly parts: number;
  readonly kv: 1 | 2;
}

type Fields = Readonly<Record<string, unknown>>;

/**
 * The text in a field of a secret, with the secret's version where the engine keeps old ones.
 * @param version the one to read; the newest if it is not given. KV version 1 has only one.
 * @throws TsopsError with the cause in a sentence and a hint.
 */
export async function readSecret(
  client: VaultClient,
  place: KvPlace,
  context: KeyContext,
  version: string | undefined,
): Promise<Secret> {
  const what = `${client.address} ${place.path.join("/")}`;
  try {
    const mount = await once(context, `vaultkv mount ${what}`, () => findMount(client, place));
    if (mount) return await readFrom(client, place, mount, version);
    return await readByTrying(client, place, version);
  } catch (error) {
    throw error instanceof VaultError ? explained(error, place.uri, client.source) : error;
  }
}

/** Asks the server as its own command does; undefined where the token may not ask. */
async function findMount(client: VaultClient, { uri, path }: KvPlace): Promise<Mount | undefined> {
  try {
    const answer = await client.request("GET", `sys/internal/ui/mounts/${path.join("/")}`);
    const { path: mount, type, options } = answer?.data ?? {};
    if (typeof mount !== "string" || typeof type !== "string") return undefined;
    if (type !== "kv" && type !== "generic") {
      throw new TsopsError("bad-key", `${shortened(uri)} is not in a KV engine, but in one of type ${type}`, {
        hint: "name a secret in a KV engine; keys of the transit engine have URIs with hashivault://",
      });
    }
    const parts = mount.replace(/\/$/, "").split("/").length;
    const kv = (options as Fields | null | undefined)?.version === "2" ? 2 : 1;
    return parts < path.length ? { parts, kv } : undefined;
  } catch (error) {
    if (error instanceof VaultError && [400, 403, 404, 405].includes(error.status)) return undefined;
    throw error;
  }
}

/** The mount is then taken to be the first part, as most are. What is said is what KV version 2 says. */
async function readByTrying(client: VaultClient, place: KvPlace, version?: string): Promise<Secret> {
  try {
    return await readFrom(client, place, { parts: 1, kv: 2 }, version);
  } catch (error) {
    const elsewhere = error instanceof VaultError && [403, 404].includes(error.status) && !error.data;
    if (!elsewhere || version !== undefined) throw error;
    return await readFrom(client, place, { parts: 1, kv: 1 }, undefined).catch(() => Promise.reject(error));
  }
}

async function readFrom(
  client: VaultClient,
  place: KvPlace,
  { parts, kv }: Mount,
  version: string | undefined,
): Promise<Secret> {
  const [mount, path] = [place.path.slice(0, parts).join("/"), place.path.slice(parts).join("/")];
  if (kv === 1) {
    if (version !== undefined) throw noSuchVersion(place.uri, version);
    const answer = await client.request("GET", `${mount}/${path}`);
    return { text: textIn(answer?.data ?? undefined, place) };
  }
  const query = version === undefined ? undefined : { version };
  const answer = await client.request("GET", `${mount}/data/${path}`, { query });
  const { data, metadata } = (answer?.data ?? {}) as { data?: Fields | null; metadata?: Fields | null };
  const read = metadata?.version;
  if (typeof read !== "number" || (version !== undefined && String(read) !== version)) {
    throw malformed(place.uri, "the answer has no version, or another one");
  }
  return { text: textIn(data ?? undefined, place), version: String(read) };
}

/** The field that the URI names; else `value`, or the only one there is. */
function textIn(fields: Fields | undefined, { uri, field }: KvPlace): Buffer {
  if (!fields) throw malformed(uri, "the answer holds no fields");
  const names = Object.keys(fields);
  const name = field ?? (names.length === 1 ? names[0]! : "value");
  if (!Object.hasOwn(fields, name)) {
    throw field === undefined
      ? malformed(uri, `it has ${names.length} fields, and none of them is called value`)
      : malformed(uri, "it has no field of that name");
  }
  const value = fields[name];
  if (typeof value === "string") return Buffer.from(value);
  throw malformed(uri, "the field is not a text");
}

function malformed(uri: string, why: string): TsopsError {
  return new TsopsError("bad-key", `${shortened(uri)} holds no master key: ${why}`, {
    hint: "put the master key into a field called value, or name its field after the path: #FIELD",
  });
}
