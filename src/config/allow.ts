import { type Allow, allowAll, namedByKeys } from "../keys/allow.ts";
import type { Config } from "./model.ts";

/**
 * All addresses and identities that a configuration vouches for: its `allow` lists, and what its own keys name. A
 * file may name others, and they get nobody's credentials (docs/security.md).
 */
export function allowedBy(config: Pick<Config, "allow" | "rules" | "destinations" | "names">): Allow {
  const rules = [...(config.rules ?? []), ...config.destinations.map(({ recreation }) => recreation)];
  const keys = [...rules.flatMap(({ groups }) => groups.flat()), ...config.names.map(({ key }) => key)];
  const vault = config.destinations.flatMap((destination) => destination.vault?.address || []);
  return allowAll([config.allow, namedByKeys(keys), { vault }]);
}
