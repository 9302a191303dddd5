import { type Allow, allowAll, namedByKeys } from "../keys/allow.ts";
import { nameOf } from "../keys/store/env-uri.ts";
import type { Config, KeyRef } from "./model.ts";

/**
 * All addresses and identities that a configuration vouches for: its `allow` lists, and what its own keys name. A
 * file may name others, and they get nobody's credentials (docs/security.md).
 */
export function allowedBy(config: Pick<Config, "allow" | "rules" | "destinations" | "names">): Allow {
  const keys = keysOf(config);
  const vault = config.destinations.flatMap((destination) => destination.vault?.address || []);
  return allowAll([config.allow, namedByKeys(keys), { vault }]);
}

/** The variables that hold master keys which a configuration names (`env://NAME`). */
export function masterVariablesOf(config: Keys): string[] {
  return keysOf(config).flatMap(({ kind, id }) => (kind === "env" ? nameOf(id) : []));
}

type Keys = Pick<Config, "rules" | "destinations" | "names">;

function keysOf(config: Keys): KeyRef[] {
  const rules = [...(config.rules ?? []), ...config.destinations.map(({ recreation }) => recreation)];
  return [...rules.flatMap(({ groups }) => groups.flat()), ...config.names.map(({ key }) => key)];
}
