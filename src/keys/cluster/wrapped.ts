/** A data key that a cluster's key service wrapped: the id of its master secret, and what only the service can open. */
export const WRAPPED_BY_CLUSTER = /^tsops-cluster:v1:([0-9a-f]{16}):([A-Za-z0-9+/]+={0,2})$/;

/** The id of the secret that a wrapped key needs; undefined if the text is no wrapped key. */
export function secretIdOf(wrapped: string): string | undefined {
  return WRAPPED_BY_CLUSTER.exec(wrapped)?.[1];
}
