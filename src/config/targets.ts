import { resolve } from "node:path";
import type { Place, TsopsError } from "../errors.ts";
import type { Destination } from "./model.ts";
import { configError } from "./problem.ts";

/** The fields of a destination that say where it is. SOPS has those for S3, Google and Vault, and passes the rest over. */
export const TARGET_TEXTS = [
  "s3_bucket",
  "s3_prefix",
  "gcs_bucket",
  "gcs_prefix",
  "vault_path",
  "vault_address",
  "vault_kv_mount_name",
  "azure_account",
  "azure_url",
  "azure_container",
  "azure_prefix",
  "folder",
] as const;

/** Their values as they stand in the configuration; an empty text is as good as none. */
export type Targets = Readonly<Partial<Record<(typeof TARGET_TEXTS)[number], string>>> & {
  readonly vault_kv_version: 1 | 2;
};

/** The fields of which a destination has exactly one: SOPS publishes a file to one place. */
export const TARGET_CHOICE = ["s3_bucket", "gcs_bucket", "vault_path", "azure_container", "folder"] as const;

/** The target of a destination; `here` is the folder of the configuration. */
export function targetsOf(
  given: Targets,
  here: string,
): Pick<Destination, "s3" | "gcs" | "vault" | "azure" | "folder"> {
  const { s3_bucket, gcs_bucket, vault_path, azure_container, folder } = given;
  return {
    s3: s3_bucket ? { bucket: s3_bucket, prefix: given.s3_prefix ?? "" } : undefined,
    gcs: gcs_bucket ? { bucket: gcs_bucket, prefix: given.gcs_prefix ?? "" } : undefined,
    vault: vault_path
      ? {
          address: given.vault_address ?? "",
          path: vault_path,
          mount: given.vault_kv_mount_name ?? "",
          version: given.vault_kv_version,
        }
      : undefined,
    azure: azure_container
      ? { url: azureUrl(given), container: azure_container, prefix: given.azure_prefix ?? "" }
      : undefined,
    folder: folder ? resolve(here, folder) : undefined,
  };
}

function azureUrl({ azure_account, azure_url }: Targets): string {
  return azure_url ? azure_url.replace(/\/+$/, "") : `https://${azure_account}.blob.core.windows.net`;
}

/** What is wrong with the target of a destination. */
export function targetErrors(given: Targets, what: string, place: Place): TsopsError[] {
  const named = TARGET_CHOICE.filter((name) => given[name]);
  const [first = "", second] = named;
  if (first === "" || second !== undefined) {
    const count = first === "" ? "no destination" : `${named.length} destinations`;
    const hint = `give it exactly one of ${listed(TARGET_CHOICE)}`;
    return [configError(`${what} has ${count}`, place, hint)];
  }
  return first === "azure_container" ? azureErrors(given, what, place) : [];
}

function azureErrors({ azure_account, azure_url }: Targets, what: string, place: Place): TsopsError[] {
  if (!azure_account === !azure_url) {
    const both = azure_url ? "both azure_account and azure_url" : "azure_container without an account";
    return [configError(`${what} has ${both}`, place, "give it either azure_account or azure_url")];
  }
  if (azure_account && !/^[a-z0-9]{3,24}$/.test(azure_account)) {
    const hint = "3 to 24 lower-case letters and digits; a whole address goes into azure_url";
    return [configError(`azure_account of ${what} is not the name of a storage account`, place, hint)];
  }
  // a query would be a shared access signature: a secret, and so not for this file
  if (azure_url && !isPlainUrl(azure_url)) {
    const hint =
      "write https://ACCOUNT.blob.core.windows.net; a signature goes into the variable AZURE_STORAGE_SAS_TOKEN";
    return [configError(`azure_url of ${what} is not the address of a storage account`, place, hint)];
  }
  return [];
}

function isPlainUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, search, hash, username, password } = new URL(text);
  return /^https?:$/.test(protocol) && search + hash + username + password === "" && !/[?#]/.test(text);
}

function listed(names: readonly string[]): string {
  return `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}
