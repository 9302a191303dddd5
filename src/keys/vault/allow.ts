import { originOf } from "../allow-list.ts";

/** Addresses of Vault servers, e.g. `https://vault.example.com:8200`. */
export const VAULT_SERVERS = {
  name: "vault",
  field: "vault",
  what: "the Vault server",
  about: "Addresses of Vault servers.",
  example: "https://vault.example.com:8200",
  variable: "VAULT_ADDR",
  named: originOf,
} as const;
