import { originOf } from "../allow-list.ts";

/** Addresses of Azure key vaults, e.g. `https://team.vault.azure.net`. */
export const KEY_VAULTS = {
  name: "azure",
  field: "azure",
  what: "the key vault",
  about: "Addresses of Azure key vaults.",
  example: "https://team.vault.azure.net",
  named: originOf,
} as const;

/** Addresses of Azure storage accounts to publish to, e.g. `https://team.blob.core.windows.net`. */
export const AZURE_STORAGE = {
  name: "azureStorage",
  field: "azure_storage",
  what: "the storage account",
  about: "Addresses of Azure storage accounts to publish to.",
  example: "https://examplesecrets.blob.core.windows.net",
} as const;
