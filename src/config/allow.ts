import { type Allow, allowAll, namedByKeys } from "../keys/allow-lists.ts";
import { AZURE_STORAGE } from "../keys/azure/allow.ts";
import { kindNamed } from "../keys/table.ts";
import { VAULT_SERVERS } from "../keys/vault/allow.ts";
import type { Config, KeyRef } from "./model.ts";

/**
 * All servers, roles, profiles and plugins that a configuration names: in its `allow` lists, its keys and its
 * destinations. It vouches for none of them: whoever hands over a repository hands over its configuration, too. Naming
 * them is what a person approves (docs/config.md).
 */
export function namedBy(config: Pick<Config, "allow" | "rules" | "destinations" | "names">): Allow {
  const keys = keysOf(config);
  const vault = config.destinations.flatMap((destination) => destination.vault?.address || []);
  const azureStorage = config.destinations.flatMap((destination) => destination.azure?.url || []);
  return allowAll([
    config.allow,
    namedByKeys(keys),
    { [VAULT_SERVERS.name]: vault, [AZURE_STORAGE.name]: azureStorage },
  ]);
}

/** The variables that hold master keys which a configuration names (`env://NAME`). */
export function masterVariablesOf(config: Keys): string[] {
  return keysOf(config).flatMap(({ kind, id }) => kindNamed(kind).variableOf?.(id) ?? []);
}

type Keys = Pick<Config, "rules" | "destinations" | "names">;

function keysOf(config: Keys): KeyRef[] {
  const rules = [...(config.rules ?? []), ...config.destinations.map(({ recreation }) => recreation)];
  return [...rules.flatMap(({ groups }) => groups.flat()), ...config.names.map(({ key }) => key)];
}
