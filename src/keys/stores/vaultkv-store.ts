import { placesOfCredentials, vaultClient } from "../vault/client.ts";
import type { Store } from "./store.ts";
import { parseVaultKv } from "./vaultkv-address.ts";
import { readSecret } from "./vaultkv-read.ts";

/** Vault's KV engine as a store. */
export const vaultKvStore: Store = {
  async read(uri, context, version) {
    const { address, path, field } = parseVaultKv(uri);
    const client = await vaultClient(context, address);
    return client ? readSecret(client, { uri, path, field }, context, version) : null;
  },

  ready: async (uri, context) => (await vaultClient(context, parseVaultKv(uri).address)) !== undefined,

  whyNot: (_uri, context) => placesOfCredentials(context),

  async describe(uri, context) {
    const { address } = parseVaultKv(uri);
    const client = await vaultClient(context, address).catch(() => undefined);
    const namespace = client?.namespace ? `, namespace ${client.namespace}` : "";
    return [`Vault at ${address}${namespace}`, ...(client ? [`credentials: ${client.source}`] : [])];
  },
};
