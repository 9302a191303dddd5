import { sortedFields } from "../fields.ts";
import type { WireForm } from "../kind.ts";

export const EXAMPLE = "cluster://keys.example.com:5000/prod";

/** Key ids: letters, digits and `. _ - /`, so that there is one way to write each. */
export const KEY_ID = /^[A-Za-z0-9](?:[A-Za-z0-9._-]|\/(?=[A-Za-z0-9])){0,127}$/;

/** The parts of `cluster://HOST:PORT/KEY-ID`; undefined if it is malformed. */
export function parseClusterUri(uri: string): { hostPort: string; keyId: string } | undefined {
  const [, hostPort, keyId] =
    /^cluster:\/\/((?:\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+):\d{1,5})\/(.+)$/.exec(uri) ?? [];
  return hostPort !== undefined && keyId !== undefined && KEY_ID.test(keyId)
    ? { hostPort, keyId }
    : undefined;
}

/** Ours, with a number that SOPS will not come to soon (docs/keyservice.md). */
export const CLUSTER_WIRE = {
  name: "cluster_key",
  number: 100,
  fields: [{ wire: "key_id", own: "key_id" }],
  fieldsOf: ({ id }) => sortedFields([["key_id", parseClusterUri(id)?.keyId]]),
} as const satisfies WireForm;
