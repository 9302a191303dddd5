import { TsopsError } from "../../errors.ts";
import type { KeyContext } from "../kind.ts";

/** Where Google Cloud KMS is, and which way it is spoken to. */
export interface Address {
  readonly rest: boolean;
  /** `http:` is for REST only, and only where the environment says so. */
  readonly protocol: "http:" | "https:";
  readonly host: string;
  readonly port: number;
  /** The part of Google's world, e.g. `googleapis.com`; undefined where the environment names the server itself. */
  readonly universe?: string;
}

const DEFAULT_UNIVERSE = "googleapis.com";

/**
 * The address, from SOPS's variables: SOPS_GCP_KMS_ENDPOINT, or else SOPS_GCP_KMS_UNIVERSE_DOMAIN, and
 * SOPS_GCP_KMS_CLIENT_TYPE (docs/internals/sops.md §7).
 * @throws TsopsError("bad-setting") if one of them is malformed.
 */
export function addressOf({ env }: Pick<KeyContext, "env">): Address {
  const rest = env.SOPS_GCP_KMS_CLIENT_TYPE?.toLowerCase() === "rest";
  const endpoint = env.SOPS_GCP_KMS_ENDPOINT?.trim();
  if (endpoint) return { rest, ...parseEndpoint(endpoint, rest) };
  const universe = env.SOPS_GCP_KMS_UNIVERSE_DOMAIN || env.GOOGLE_CLOUD_UNIVERSE_DOMAIN || DEFAULT_UNIVERSE;
  if (!/^[a-z0-9.-]+$/i.test(universe)) throw malformed("SOPS_GCP_KMS_UNIVERSE_DOMAIN", "a domain");
  return { rest, protocol: "https:", host: `cloudkms.${universe}`, port: 443, universe };
}

/** For messages. */
export function showAddress({ rest, host, port }: Address): string {
  return `${host}:${port} (${rest ? "REST" : "gRPC"})`;
}

function parseEndpoint(text: string, rest: boolean): Pick<Address, "protocol" | "host" | "port"> {
  const full = text.includes("://") ? text : `https://${text}`;
  const url = URL.canParse(full) ? new URL(full) : undefined;
  const plain = url && url.pathname === "/" && url.search === "" && url.hash === "" && url.username === "";
  if (!url || !plain || (url.protocol !== "https:" && url.protocol !== "http:")) {
    throw malformed("SOPS_GCP_KMS_ENDPOINT", "HOST:PORT");
  }
  if (url.protocol === "http:" && !rest) {
    throw new TsopsError(
      "bad-setting",
      "SOPS_GCP_KMS_ENDPOINT is an http:// address, but gRPC is spoken over TLS only",
      {
        hint: "leave the http:// out, or set SOPS_GCP_KMS_CLIENT_TYPE=rest",
      },
    );
  }
  const port = Number(url.port) || (url.protocol === "http:" ? 80 : 443);
  return { protocol: url.protocol, host: url.hostname, port };
}

function malformed(variable: string, form: string): TsopsError {
  return new TsopsError("bad-setting", `${variable} is not of the form ${form}`, {
    hint: "correct the variable, or remove it",
  });
}
