import { TsopsError } from "../errors.ts";
import type { TreeMap } from "../formats/tree.ts";
import { checkAllowed } from "./allow.ts";
import { decrypt, encrypt, getKey } from "./azure/client.ts";
import { azureSources } from "./azure/credentials.ts";
import { explained, isNotFound, noSuchVersion, type Operation } from "./azure/errors.ts";
import { described } from "./azure/examine.ts";
import { type AzureKey, azureKey, vaultsOf } from "./azure/identifier.ts";
import { once } from "./cache.ts";
import {
  checkCreatedAt,
  neededField,
  sortedFields,
  splitList,
  textField,
  withFields,
  withWrapped,
} from "./fields.ts";
import type { KeyContext, KeyKind, MasterKey } from "./kind.ts";
import { printable, shortened } from "./printable.ts";
import { reasonsOf } from "./reasons.ts";

const TITLE = "Azure Key Vault";

/** Keys in Azure key vaults and managed HSMs: `https://VAULT/keys/NAME/VERSION` (SPEC section 5). */
export const azureKv: KeyKind = {
  name: "azure_kv",
  field: "azure_kv",
  title: TITLE,

  parse(list) {
    return splitList(list, TITLE).map((part) => {
      const [, vault, name, version = ""] =
        /^(https:\/\/[^/]+)\/keys\/([^/]+)(?:\/([^/]*))?$/.exec(part.trim()) ?? [];
      if (vault === undefined || name === undefined) {
        throw new TsopsError("usage", `${printable(part)} is not an Azure Key Vault key`, {
          hint: "write it as https://VAULT.vault.azure.net/keys/NAME/VERSION",
        });
      }
      // Without a version the newest is meant; wrap looks up which one that is.
      const fields = sortedFields([
        ["name", name],
        ["vault_url", vault],
        ["version", version],
      ]);
      return { kind: "azure_kv", id: idOf(fields), fields };
    });
  },

  fromMetadata(fields) {
    checkCreatedAt(fields, TITLE);
    neededField(fields, "vault_url", TITLE);
    neededField(fields, "name", TITLE);
    return { kind: "azure_kv", id: idOf(fields), fields };
  },

  async exact(key, context) {
    if (textField(key.fields, "version") !== "") return key;
    return named(`cannot look up the version of ${shortened(key.id)}`, async () => {
      await needCredentials(context);
      const version = await newestVersion(await vouched(key, context), context);
      const { fields } = withFields(key, { version });
      return { ...key, id: idOf(fields), fields };
    });
  },

  async wrap(open, dataKey, context) {
    const key = await azureKv.exact!(open, context);
    return named(`cannot wrap the data key for ${shortened(key.id)}`, async () => {
      await needCredentials(context);
      const at = await vouched(key, context);
      const wrapped = await asking(at, "encrypt", context, () => encrypt(at, dataKey, context));
      // as SOPS writes it: without padding
      return withWrapped(key, Buffer.from(wrapped).toString("base64url"), context);
    });
  },

  async unwrap(key, context) {
    return named(`cannot unwrap the data key for ${shortened(key.id)}`, async () => {
      if (await missingCredentials(context)) return null;
      const at = await vouched(key, context);
      const wrapped = wrappedKey(key);
      return asking(at, "decrypt", context, () => decrypt(at, wrapped, context));
    });
  },

  whyNot(_key, context) {
    return once(context, MISSING, () => ["no Azure credentials were found"]);
  },

  async examine(key, context) {
    const lines: string[] = [];
    try {
      const missing = await missingCredentials(context);
      if (missing) return { usable: false, lines: missing };
      lines.push(...(await azureSources(context)).found.map(({ where }) => `credentials: ${where}`));
      const at = await vouched(key, context);
      const result = await described(at, context);
      return { ...result, lines: [...lines, ...result.lines] };
    } catch (error) {
      return { usable: false, lines: [...lines, ...reasonsOf(error)] };
    }
  },
};

/** As SOPS prints it. */
function idOf(fields: TreeMap): string {
  return `${textField(fields, "vault_url")}/keys/${textField(fields, "name")}/${textField(fields, "version")}`;
}

const MISSING = "azure missing credentials";

/** What was looked for in vain, and what to do; undefined if there are credentials. Asks nobody. */
async function missingCredentials(context: KeyContext): Promise<readonly string[] | undefined> {
  const { found, missing } = await azureSources(context);
  if (found.length > 0) return undefined;
  return once(context, MISSING, () => [
    "no Azure credentials were found",
    ...missing,
    "log in with `az login`, or set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET",
  ]);
}

async function needCredentials(context: KeyContext): Promise<void> {
  const [message, ...hint] = (await missingCredentials(context)) ?? [];
  if (message) throw new TsopsError("generic", message, { hint: hint.join("\n") });
}

/** Where the key is, if somebody vouches for its vault: any other gets no token. */
async function vouched(key: MasterKey, context: KeyContext): Promise<AzureKey> {
  const at = azureKey(key);
  await checkAllowed(context, "azure", at.vault, vaultsOf(context.env.SOPS_AZURE_KEYVAULT_URLS));
  return at;
}

async function newestVersion(at: AzureKey, context: KeyContext): Promise<string> {
  const { properties } = await asking(at, "get", context, () => getKey(at, context));
  if (properties.version) return properties.version;
  throw new TsopsError("generic", "the vault does not say which version of the key is the newest", {
    hint: "write the version behind the key's name",
  });
}

/** Tells what failed in front of why. */
async function named<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof TsopsError) || error.code !== "generic") throw error;
    throw new TsopsError("generic", `${what}: ${error.message}`, { hint: error.hint, cause: error });
  }
}

/** Does something with a key in its vault. @throws TsopsError("generic") that says in our words what is wrong. */
async function asking<T>(
  at: AzureKey,
  operation: Operation,
  context: KeyContext,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    // the vault does not say whether the key or the version is what it lacks
    const others = isNotFound(error) && at.version !== "" && (await exists({ ...at, version: "" }, context));
    throw others ? noSuchVersion(at, error) : explained(error, at, operation);
  }
}

async function exists(at: AzureKey, context: KeyContext): Promise<boolean> {
  return getKey(at, context).then(
    () => true,
    () => false,
  );
}

function wrappedKey(key: MasterKey): Buffer {
  // Go's decoder, which SOPS uses, passes line breaks over
  const enc = textField(key.fields, "enc").replace(/[\r\n]/g, "");
  const bytes = Buffer.from(enc, "base64url");
  if (enc !== "" && bytes.toString("base64url") === enc) return bytes;
  throw new TsopsError(
    "generic",
    `the wrapped data key is ${enc === "" ? "missing" : "damaged: it is not base64url"}`,
    {
      hint: "compare enc of the key in the file's metadata with the file's last good version in git",
    },
  );
}
