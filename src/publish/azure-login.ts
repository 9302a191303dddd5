import type { BlobServiceClient, StoragePipelineOptions } from "@azure/storage-blob";
import { TsopsError } from "../errors.ts";
import { azureCredential, azureSources } from "../keys/azure/credentials.ts";
import { connectionTo } from "../keys/azure/network.ts";
import type { KeyContext } from "../keys/kind.ts";

/** A client for a storage account, and what it shows there, for messages. */
export interface AzureLogin {
  readonly client: BlobServiceClient;
  readonly where: string;
}

/**
 * A client for the account at an address: with AZURE_STORAGE_CONNECTION_STRING, AZURE_STORAGE_KEY or
 * AZURE_STORAGE_SAS_TOKEN as Azure's own command line takes them, else with an identity (docs/keys.md). None of them is shown
 * to another account than the one that it is for.
 * @throws TsopsError if there is none, or it is malformed or another account's.
 */
export async function azureLogin(url: string, context: KeyContext): Promise<AzureLogin> {
  const { env } = context;
  const { BlobServiceClient, StorageSharedKeyCredential } = await import("@azure/storage-blob");
  const options = pipelineOptions(url, context);
  const shared = (account: string, key: string, where: string): AzureLogin => {
    checkKey(key, where);
    const credential = new StorageSharedKeyCredential(account, key);
    return { client: new BlobServiceClient(url, credential, options), where };
  };
  const signed = (signature: string, where: string): AzureLogin => ({
    client: new BlobServiceClient(`${url}?${signature.replace(/^\?/, "")}`, undefined, options),
    where,
  });
  if (env.AZURE_STORAGE_CONNECTION_STRING) {
    const where = "AZURE_STORAGE_CONNECTION_STRING";
    const parts = connectionParts(env.AZURE_STORAGE_CONNECTION_STRING);
    checkAccount(parts.account, url, where);
    if (parts.endpoint && normal(parts.endpoint) !== normal(url)) throw otherAccount(url, where);
    if (parts.key) return shared(parts.account, parts.key, where);
    if (parts.signature) return signed(parts.signature, where);
    throw malformed(where);
  }
  const account = accountOf(url);
  if (env.AZURE_STORAGE_KEY) {
    checkAccount(env.AZURE_STORAGE_ACCOUNT || account, url, "AZURE_STORAGE_KEY");
    return shared(account, env.AZURE_STORAGE_KEY, "AZURE_STORAGE_KEY");
  }
  if (env.AZURE_STORAGE_SAS_TOKEN) {
    checkAccount(env.AZURE_STORAGE_ACCOUNT || account, url, "AZURE_STORAGE_SAS_TOKEN");
    return signed(env.AZURE_STORAGE_SAS_TOKEN, "AZURE_STORAGE_SAS_TOKEN");
  }
  const credential = await azureCredential(context);
  if (!credential) throw await none(context);
  if (!url.startsWith("https:")) {
    throw new TsopsError("bad-setting", "an identity's token is not sent without TLS", {
      hint: "use an https address, or AZURE_STORAGE_KEY for an emulator",
    });
  }
  return { client: new BlobServiceClient(url, credential, options), where: "the identity's token" };
}

/** The storage account that the environment itself names. */
export function ownAddress({
  AZURE_STORAGE_CONNECTION_STRING: connection,
  AZURE_STORAGE_ACCOUNT: name,
}: KeyContext["env"]): string | undefined {
  if (!connection) return name ? publicAddress(name) : undefined;
  const { account, endpoint } = connectionParts(connection);
  return endpoint || publicAddress(account);
}

function publicAddress(account: string): string {
  return `https://${account}.blob.core.windows.net`;
}

/** Retries are attempt()'s. */
function pipelineOptions(url: string, context: KeyContext): StoragePipelineOptions {
  return { ...connectionTo(url, context), retryOptions: { maxTries: 1 } } as StoragePipelineOptions;
}

interface Parts {
  readonly account: string;
  readonly endpoint: string;
  readonly key: string;
  readonly signature: string;
}

/** https://learn.microsoft.com/azure/storage/common/storage-configure-connection-string */
function connectionParts(text: string): Parts {
  const pairs = text.split(";").map((pair) => /^\s*([A-Za-z]+)=(.*)$/s.exec(pair));
  const value = (name: string): string => pairs.find((pair) => pair?.[1] === name)?.[2]?.trim() ?? "";
  const endpoint = value("BlobEndpoint").replace(/\/+$/, "");
  const account = value("AccountName") || (URL.canParse(endpoint) ? accountOf(endpoint) : "");
  if (account === "" || (endpoint !== "" && !URL.canParse(endpoint))) {
    throw malformed("AZURE_STORAGE_CONNECTION_STRING");
  }
  return { account, endpoint, key: value("AccountKey"), signature: value("SharedAccessSignature") };
}

/** The account in an address: the host's first label; for an address of numbers, as emulators have it, the path. */
function accountOf(url: string): string {
  const { hostname, pathname } = new URL(url);
  const [label = ""] = hostname.split(".");
  const [part = ""] = pathname.split("/").filter(Boolean);
  return part || label;
}

function checkAccount(account: string, url: string, where: string): void {
  if (account !== accountOf(url)) throw otherAccount(url, where);
}

function normal(url: string): string {
  return new URL(url).href.replace(/\/+$/, "");
}

function otherAccount(url: string, where: string): TsopsError {
  return new TsopsError("bad-setting", `${where} is for another storage account than ${new URL(url).host}`, {
    hint: "the destination names the account: unset the variable, or correct one of the two",
  });
}

function malformed(where: string): TsopsError {
  return new TsopsError("bad-credentials", `${where} is malformed`, {
    hint: "copy it again from the account's access keys, whole and in quotes",
  });
}

/** A key that is no base64 would sign with something else. */
function checkKey(key: string, where: string): void {
  if (!/^[A-Za-z0-9+/]{4,}={0,2}$/.test(key)) throw malformed(where);
}

async function none(context: KeyContext): Promise<TsopsError> {
  const { missing } = await azureSources(context);
  return new TsopsError("key-unavailable", "no credentials for Azure Storage were found", {
    hint: [
      "looked for AZURE_STORAGE_CONNECTION_STRING, AZURE_STORAGE_KEY and AZURE_STORAGE_SAS_TOKEN, then for an identity:",
      ...missing,
      "log in with `az login`, or set one of these variables",
    ].join("\n"),
  });
}
