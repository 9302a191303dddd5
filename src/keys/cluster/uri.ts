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
