import type { Allow, Config, KeyRef } from "./model.ts";

/**
 * All addresses and identities that a configuration vouches for: its `allow` lists, and what its own keys name. A
 * file may name others, and they get nobody's credentials (docs/security.md).
 */
export function allowedBy(config: Pick<Config, "allow" | "rules" | "destinations" | "names">): Allow {
  const rules = [...(config.rules ?? []), ...config.destinations.map(({ recreation }) => recreation)];
  const keys = [...rules.flatMap(({ groups }) => groups.flat()), ...config.names.map(({ key }) => key)];
  const from = (kind: KeyRef["kind"], get: (key: KeyRef) => string | undefined) =>
    keys.flatMap((key) => (key.kind === kind ? (get(key) ?? []) : []));
  const { allow } = config;
  const published = config.destinations.flatMap(({ vault }) => vault?.address || []);
  return {
    vault: unique([...allow.vault, ...from("hc_vault", originOf), ...published]),
    azure: unique([...allow.azure, ...from("azure_kv", originOf)]),
    awsRole: unique([...allow.awsRole, ...from("kms", roleOf)]),
    awsProfile: unique([...allow.awsProfile, ...from("kms", ({ profile }) => profile)]),
  };
}

function originOf({ id }: KeyRef): string | undefined {
  return /^[a-z][a-z0-9+.-]*:\/\/[^/?#]+/i.exec(id)?.[0];
}

/** The role of an `ARN+ROLE` identifier. */
function roleOf({ id, role }: KeyRef): string | undefined {
  return role ?? /\+(arn:.*)/.exec(id.replaceAll(" ", ""))?.[1];
}

function unique(texts: readonly string[]): string[] {
  return [...new Set(texts.map((text) => text.replace(/\/+$/, "")))];
}
