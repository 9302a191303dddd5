import { TsopsError } from "../../errors.ts";
import { strictBase64 } from "../../net/base64.ts";
import { shortened } from "../../printable.ts";
import { once } from "../cache.ts";
import { textField } from "../fields.ts";
import type { KeyContext, MasterKey } from "../kind.ts";
import type { VaultClient } from "./api.ts";
import { VaultError } from "./errors.ts";

/** Where a key of the transit engine is. */
export interface TransitKey {
  readonly address: string;
  /** The path at which the engine is mounted, perhaps with a namespace before it: `transit`, `team/a/transit`. */
  readonly engine: string;
  readonly name: string;
}

/**
 * What the fields of a key name. They come from a file: names with slashes or dots would make a request for something
 * else (`../../sys/seal`), with the person's token.
 * @throws TsopsError if the path or the name is not one.
 */
export function transitKey({ fields, id }: MasterKey): TransitKey {
  const [address, path, name] = ["vault_address", "engine_path", "key_name"].map((f) => textField(fields, f));
  const parts = path!.split("/").filter(Boolean);
  const bad = (part: string): boolean => part === "" || /^\.\.?$/.test(part) || !part.isWellFormed();
  if (parts.length > 0 && !parts.some(bad) && !bad(name!) && !name!.includes("/")) {
    return { address: address!, engine: parts.join("/"), name: name! };
  }
  throw new TsopsError("bad-key", `${shortened(id)} is not a key of a transit engine`, {
    hint: "its engine_path and key_name come from the file: compare them with the file's last good version",
  });
}

/** What `keys/NAME` says of a key, or why it says nothing. */
export interface KeyState {
  readonly found: "yes" | "no" | "not readable";
  readonly softDeleted: boolean;
  /** Versions below this cannot be decrypted any more. */
  readonly minDecryption: number;
}

/** @throws VaultError (not for 403 and missing keys), TsopsError */
export async function readKey(client: VaultClient, { engine, name }: TransitKey): Promise<KeyState> {
  const none = { softDeleted: false, minDecryption: 0 };
  try {
    const data = (await client.request("GET", `${engine}/keys/${name}`))?.data ?? {};
    const { min_decryption_version: min, soft_deleted: softDeleted } = data;
    return {
      found: "yes",
      softDeleted: softDeleted === true,
      minDecryption: typeof min === "number" ? min : 0,
    };
  } catch (error) {
    if (!(error instanceof VaultError)) throw error;
    if (error.status === 403) return { found: "not readable", ...none };
    // with a text it is the engine or the namespace that is missing
    if (error.status === 404 && error.texts.length === 0) return { found: "no", ...none };
    throw error;
  }
}

/**
 * Encrypting to a name that does not exist would make a new key there, if the policy lets it: a typing mistake would
 * pass for success. So the key must be there, where its state may be read. Asked once a run.
 * @throws TsopsError, VaultError
 */
export async function checkKeyExists(
  context: KeyContext,
  client: VaultClient,
  key: TransitKey,
): Promise<void> {
  const name = `vault key state ${JSON.stringify(key)}`;
  const { found, softDeleted } = await once(context, name, () => readKey(client, key));
  if (softDeleted) throw deleted(key);
  if (found === "no") {
    throw new TsopsError("no-such-key", `the engine ${key.engine} has no key ${key.name}`, {
      hint: `check the name; \`vault write -f ${key.engine}/keys/${key.name}\` (or \`bao write …\`) makes it`,
    });
  }
}

function deleted({ engine, name }: TransitKey): TsopsError {
  return new TsopsError("no-such-key", `the key ${name} of the engine ${engine} is deleted`, {
    hint: `\`bao write -f ${engine}/keys/${name}/soft-delete-restore\` brings it back`,
  });
}

/** The wrapped data key: `vault:v1:…`. @throws VaultError, TsopsError */
export async function encrypt(
  client: VaultClient,
  { engine, name }: TransitKey,
  dataKey: Uint8Array,
): Promise<string> {
  const plaintext = Buffer.from(dataKey.buffer, dataKey.byteOffset, dataKey.byteLength).toString("base64");
  const answer = await client.request("POST", `${engine}/encrypt/${name}`, { body: { plaintext } });
  const ciphertext = answer?.data?.ciphertext;
  if (typeof ciphertext === "string" && ciphertext !== "") return ciphertext;
  throw notTransit(engine);
}

/** @throws VaultError, TsopsError */
export async function decrypt(
  client: VaultClient,
  { engine, name }: TransitKey,
  ciphertext: string,
): Promise<Buffer> {
  const answer = await client.request("POST", `${engine}/decrypt/${name}`, { body: { ciphertext } });
  const plaintext = answer?.data?.plaintext;
  if (typeof plaintext !== "string") throw notTransit(engine);
  const bytes = strictBase64(plaintext);
  if (bytes) return bytes;
  throw notTransit(engine);
}

function notTransit(engine: string): TsopsError {
  return new TsopsError("service-failed", `the engine ${engine} does not answer as a transit engine does`, {
    hint: "check the engine's path in the URI: ADDRESS/v1/ENGINE/keys/NAME",
  });
}
