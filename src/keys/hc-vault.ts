import { TsopsError } from "../errors.ts";
import type { TreeMap } from "../formats/tree.ts";
import { checkCreatedAt, neededField, sortedFields, textField, withWrapped } from "./fields.ts";
import type { KeyContext, KeyKind, MasterKey } from "./kind.ts";
import { printable, shortened } from "./printable.ts";
import { placesOfCredentials, type VaultClient, vaultClient } from "./vault/client.ts";
import { examineTransit } from "./vault/examine.ts";
import { explained, prefixed } from "./vault/explain.ts";
import { checkKeyExists, decrypt, encrypt, type TransitKey, transitKey } from "./vault/transit.ts";

const TITLE = "HashiCorp Vault";
const EXAMPLE = "https://vault.example.com:8200/v1/transit/keys/keyName";

/** Keys of HashiCorp Vault's transit engine, by URI (SPEC section 5). */
export const hcVault: KeyKind = {
  name: "hc_vault",
  field: "hc_vault",
  title: TITLE,

  parse(list) {
    const uris = list.split(",").map((part) => part.trim());
    return uris.filter(Boolean).map((uri) => {
      const fields = parseUri(uri);
      return { kind: "hc_vault", id: idOf(fields), fields };
    });
  },

  fromMetadata(fields) {
    checkCreatedAt(fields, TITLE);
    for (const name of ["vault_address", "engine_path", "key_name"]) neededField(fields, name, TITLE);
    return { kind: "hc_vault", id: idOf(fields), fields };
  },

  async wrap(master, dataKey, context) {
    const what = `cannot wrap the data key for ${nameOf(master)}`;
    const { key, client } = await ready(master, context, what);
    if (!client) {
      const [why = "", ...hints] = placesOfCredentials(context);
      throw new TsopsError("generic", `${what}: ${why}`, { hint: hints.join("\n") });
    }
    try {
      await checkKeyExists(context, client, key);
      return withWrapped(master, await encrypt(client, key, dataKey), context);
    } catch (error) {
      throw await explained(error, what, client, key, "encrypt");
    }
  },

  async unwrap(master, context) {
    const what = `cannot unwrap the data key with ${nameOf(master)}`;
    const { key, client } = await ready(master, context, what);
    if (!client) return null;
    try {
      return await decrypt(client, key, textField(master.fields, "enc"));
    } catch (error) {
      throw await explained(error, what, client, key, "decrypt");
    }
  },

  whyNot: (_, context) => placesOfCredentials(context),

  examine: examineTransit,
};

async function ready(
  master: MasterKey,
  context: KeyContext,
  what: string,
): Promise<{ key: TransitKey; client: VaultClient | undefined }> {
  try {
    const key = transitKey(master);
    return { key, client: await vaultClient(context, key.address) };
  } catch (error) {
    throw prefixed(error, what);
  }
}

/** Address, engine and key from `ADDRESS/v1/ENGINE/keys/NAME`; the engine's path may have several parts. */
function parseUri(uri: string): TreeMap {
  const refuse = (why: string): TsopsError =>
    new TsopsError("usage", `${printable(uri)} is not a HashiCorp Vault key: ${why}`, {
      hint: `write it as ${EXAMPLE}`,
    });
  const [, address, path = ""] = /^([a-z][a-z0-9+.-]*:\/\/[^/?#]+)([^?#]*)$/i.exec(uri) ?? [];
  if (address === undefined) throw refuse("it has no scheme such as https://, or a query");
  if (/\/[^/]+\/v\d+\/[^/]+\/[^/]+\/[^/]+/.test(path))
    throw refuse("Vault under a path of its own is not supported");
  if (!/\/v\d+\/[^/]+\/[^/]+\/[^/]+/.test(path)) throw refuse("its path is not one of a transit key");
  const parts = path.replace(/^\/+|\/+$/g, "").split("/");
  return sortedFields([
    ["engine_path", parts.slice(1, -2).filter(Boolean).join("/")],
    ["key_name", parts.at(-1)],
    ["vault_address", address],
  ]);
}

/** As SOPS prints it. */
function idOf(fields: TreeMap): string {
  const [address, engine, name] = ["vault_address", "engine_path", "key_name"].map((f) =>
    textField(fields, f),
  );
  return `${address}/v1/${engine}/keys/${name}`;
}

/** The URI for messages, without a user name and password. */
function nameOf({ id }: Pick<MasterKey, "id">): string {
  return shortened(id.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/?#]*@/i, "$1"));
}
