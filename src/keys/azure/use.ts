import { TsopsError } from "../../errors.ts";
import { append } from "../../formats/append.ts";
import { shortened } from "../../printable.ts";
import { checkAllowed } from "../allow.ts";
import { once } from "../cache.ts";
import { textField, withFields, withWrapped, wrappedKey } from "../fields.ts";
import type { KeyContext, KeyUse, Lines, MasterKey } from "../kind.ts";
import { AskedOnce } from "../login.ts";
import { notAsked } from "../offline.ts";
import { naming, reasonsOf, unavailable } from "../reasons.ts";
import { KEY_VAULTS } from "./allow.ts";
import { decrypt, encrypt, getKey } from "./client.ts";
import { azureSources } from "./credentials.ts";
import { explained, isNotFound, noSuchVersion, type Operation } from "./errors.ts";
import { described } from "./examine.ts";
import { type AzureKey, azureKey, idOf, shownId, vaultsOf } from "./identifier.ts";

/** Keys in Azure key vaults and managed HSMs in use: encrypt and decrypt, as SOPS does. */
export const azureUse: KeyUse = {
  async exact(key, context) {
    if (textField(key.fields, "version") !== "") return key;
    return naming(`cannot look up the version of ${nameOf(key)}`, async () => {
      await needCredentials(context);
      const version = await newestVersion(await vouched(key, context), context);
      const { fields } = withFields(key, { version });
      return { ...key, id: idOf(fields), fields };
    });
  },

  async wrap(open, dataKey, context) {
    const key = await azureUse.exact!(open, context);
    await needCredentials(context);
    const at = await vouched(key, context);
    const wrapped = await asking(at, "encrypt", context, () => encrypt(at, dataKey, context));
    // as SOPS writes it: without padding
    return withWrapped(key, Buffer.from(wrapped).toString("base64url"), context);
  },

  async unwrap(key, context) {
    return naming(`cannot unwrap the data key for ${nameOf(key)}`, async () => {
      const missing = await missingCredentials(context);
      if (missing) return { why: missing };
      const at = await vouched(key, context);
      const wrapped = wrappedKey(key, "base64url");
      return { key: await asking(at, "decrypt", context, () => decrypt(at, wrapped, context)) };
    });
  },

  async examine(key, context) {
    const lines: string[] = [];
    try {
      const missing = await missingCredentials(context);
      if (missing) return { usable: false, lines: missing };
      append(
        lines,
        (await azureSources(context)).found.map(({ where }) => `credentials: ${where}`),
      );
      const at = await vouched(key, context);
      if (context.offline) return notAsked(lines, at.vault);
      const result = await described(at, context);
      return { ...result, lines: [...lines, ...result.lines] };
    } catch (error) {
      return { usable: false, lines: [...lines, ...reasonsOf(error)] };
    }
  },
};

/** What was looked for in vain, and what to do; undefined if there are credentials. Asks nobody. */
async function missingCredentials(context: KeyContext): Promise<Lines | undefined> {
  const { found, missing } = await azureSources(context);
  if (found.length > 0) return undefined;
  return [
    "no Azure credentials were found",
    ...missing,
    "log in with `az login`, or set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET",
  ];
}

async function needCredentials(context: KeyContext): Promise<void> {
  const missing = await missingCredentials(context);
  if (missing) throw unavailable(missing);
}

function nameOf({ id }: MasterKey): string {
  return shortened(shownId(id));
}

/** Where the key is, if somebody vouches for its vault: any other gets no token. */
async function vouched(key: MasterKey, context: KeyContext): Promise<AzureKey> {
  const at = azureKey(key);
  await checkAllowed(context, KEY_VAULTS, at.vault, vaultsOf(context.env.SOPS_AZURE_KEYVAULT_URLS));
  return at;
}

/** A key service and a program that uses the library run for days, and keys get new versions meanwhile. */
const NEWEST_MS = 10 * 60_000;

/**
 * The newest version of a key, looked up once a run for all of its files. A lookup that is refused counts for a minute, as
 * logins do: somebody may grant the permission while an editor is open.
 */
function newestVersion({ vault, name }: AzureKey, context: KeyContext): Promise<string> {
  const lookup = once(context, `azure newest ${vault} ${name}`, () => {
    return new AskedOnce(() => lookUp({ vault, name, version: "" }, context), {
      now: () => context.now().getTime(),
      until: () => context.now().getTime() + NEWEST_MS,
    });
  });
  return lookup.get();
}

async function lookUp(at: AzureKey, context: KeyContext): Promise<string> {
  const { properties } = await getKey(at, context).catch((error: unknown) =>
    Promise.reject(explained(error, at, "get")),
  );
  if (properties.version) return properties.version;
  throw new TsopsError("service-failed", "the vault does not say which version of the key is the newest", {
    hint: "write the version after the key's name",
  });
}

/** Does something with a key in its vault. @throws TsopsError that says in our words what is wrong. */
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
    const others = isNotFound(error) && at.version !== "" && (await exists(at, context));
    throw others ? noSuchVersion(at, error) : explained(error, at, operation);
  }
}

/** Whether there is any version of it. */
async function exists(at: AzureKey, context: KeyContext): Promise<boolean> {
  return newestVersion(at, context).then(
    () => true,
    () => false,
  );
}
