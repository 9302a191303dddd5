import { TsopsError } from "../../errors.ts";
import { shortened } from "../../printable.ts";

export interface VaultKvAddress {
  /** Of the server: `https://HOST:PORT`. */
  readonly address: string;
  /** Mount and path; only the server knows where the one ends. */
  readonly path: readonly string[];
  readonly field: string | undefined;
}

/** @throws TsopsError("usage") if it does not name a secret of a server. */
export function parseVaultKv(uri: string): VaultKvAddress {
  const pattern =
    /^vaultkv(\+http)?:\/\/((?:[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?)((?:\/[^/?#\s,]+){2,})(?:#([^#\s,]+))?$/;
  const [, plain, host, path, field] = pattern.exec(uri) ?? [];
  const address = `${plain ? "http" : "https"}://${host}`;
  if (host && path && URL.canParse(address)) {
    const parts = path.slice(1).split("/").map(decoded);
    const name = field === undefined ? undefined : decoded(field);
    if (parts.every((part) => part && !/^\.{1,2}$|\//.test(part)) && name !== "") {
      return { address, path: parts as string[], field: name };
    }
  }
  throw new TsopsError("usage", `${shortened(uri)} does not name a secret in Vault's KV engine`, {
    hint: "write it as vaultkv://vault.example.com:8200/MOUNT/PATH#FIELD, the host in lower case and spaces as %20",
  });
}

/** Percent signs undone; empty if they are malformed. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return "";
  }
}
