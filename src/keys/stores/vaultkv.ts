import { VAULT_SERVERS } from "../vault/allow.ts";
import { storeKind } from "./kind.ts";
import { parseVaultKv } from "./vaultkv-address.ts";

const REST = "[A-Za-z0-9.\\[\\]:_-]+/.+";

/** `vaultkv://HOST[:PORT]/MOUNT/PATH[#FIELD]`: master keys in the KV engine of Vault or OpenBao, of either version. */
export const vaultkv = storeKind(
  {
    name: "vaultkv",
    title: "Vault KV",
    uris: [
      {
        scheme: "vaultkv://",
        stands: "vaultkv://",
        example: "vaultkv://vault.example.com:8200/secret/sops/master",
        rest: REST,
      },
      {
        scheme: "vaultkv+http://",
        stands: "vaultkv+http://",
        example: "vaultkv+http://127.0.0.1:8200/secret/sops/master",
        rest: REST,
      },
    ],
    names: [VAULT_SERVERS],
  },
  { check: parseVaultKv, load: async () => (await import("./vaultkv-store.ts")).vaultKvStore },
);
