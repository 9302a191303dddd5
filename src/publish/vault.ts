import type { Destination } from "../config/model.ts";
import { TsopsError } from "../errors.ts";
import type { KeyContext } from "../keys/kind.ts";
import { parseAddress, shownAddress } from "../keys/vault/address.ts";
import {
  JsonText,
  placesOfCredentials,
  type VaultAnswer,
  type VaultClient,
  VaultError,
  vaultClient,
} from "../keys/vault/client.ts";
import { type Explanation, explainNetwork, notPublished, type Standing, type Target } from "./target.ts";

/**
 * A path in a KV engine of Vault or OpenBao, version 1 or 2. It gets the decrypted values, so the address must be one that
 * the configuration or the environment names.
 * @throws TsopsError("config") if neither names one, or one that is none.
 */
export function vaultTarget(
  { address: given, path, mount: engine, version }: NonNullable<Destination["vault"]>,
  context: KeyContext,
): Target {
  const address = given || context.env.VAULT_ADDR;
  if (!address) {
    throw new TsopsError("config", "neither the destination nor VAULT_ADDR names a Vault server", {
      hint: "write vault_address into the destination, or set VAULT_ADDR",
    });
  }
  const base = shownAddress(parseAddress(address));
  const mount = cleaned(engine || "secret");
  const pathOf = (name: string): string => cleaned(`${mount}/${version === 2 ? "data/" : ""}${path}/${name}`);
  const addressOf = (name: string): string => `${base}/v1/${pathOf(name)}`;
  const call = async (name: string, work: (client: VaultClient) => Promise<VaultAnswer | undefined>) => {
    try {
      const client = await vaultClient(context, address);
      if (client) return await work(client);
      const [message = "", ...hints] = placesOfCredentials(context);
      throw new TsopsError("key-unavailable", message, { hint: hints.join("\n") });
    } catch (error) {
      throw notPublished(addressOf(name), error, explain(error, pathOf(name), mount, version));
    }
  };
  return {
    takes: "values",
    addressOf,
    async read(name): Promise<Standing> {
      let hidden = false;
      const answer = await call(name, (client) =>
        client.request("GET", pathOf(name)).catch((error: unknown) => {
          if (error instanceof VaultError && error.status === 404) return undefined;
          if (error instanceof VaultError && error.status === 403) hidden = true;
          else throw error;
          return undefined;
        }),
      );
      if (hidden) return "unreadable";
      const values = version === 2 ? answer?.data?.data : answer?.data;
      return typeof values === "object" && values !== null ? Buffer.from(exactText(values)) : "nothing";
    },
    async write(name, bytes) {
      const text = bytes.toString("utf8");
      const body = new JsonText(version === 2 ? `{"data":${text}}` : text);
      const answer = await call(name, (client) => client.request("PUT", pathOf(name), { body }));
      // an engine of version 1 takes everything, with data as a part of the path
      if (version === 2 && answer?.data?.version === undefined) throw notVersion2(addressOf(name), mount);
    },
  };
}

/** As Go joins paths; what has dots in it the client refuses. */
function cleaned(path: string): string {
  return path
    .split("/")
    .filter((part) => part !== "")
    .join("/");
}

/** Numbers that JavaScript cannot hold exactly become null: they are the same as nothing, and are written again. */
function exactText(values: object): string {
  return JSON.stringify(values, (_, value: unknown) =>
    typeof value === "number" && Math.abs(value) > Number.MAX_SAFE_INTEGER ? null : value,
  );
}

function notVersion2(address: string, mount: string): TsopsError {
  return new TsopsError(
    "bad-setting",
    `${address}: the engine at ${mount}/ is of version 1, so the values are under data/`,
    {
      hint: "set vault_kv_version to 1, publish again, and delete what is under data/",
    },
  );
}

/** Vault's own words stay out: they may quote what was sent. */
function explain(error: unknown, path: string, mount: string, version: 1 | 2): Explanation {
  const { status, texts } =
    error instanceof VaultError ? error : { status: undefined, texts: [] as readonly string[] };
  if (status === 403) {
    return {
      code: "access-denied",
      cause: "access denied, or the token is not valid",
      hint: `see \`vault token lookup\`; a policy that is enough: path "${path}" { capabilities = ["create", "update", "read"] }`,
    };
  }
  if (status === 404 || (status === 405 && version === 1)) {
    return {
      code: "bad-setting",
      cause: `there is no KV engine of version ${version} at ${mount}/`,
      hint: "compare vault_kv_mount_name and vault_kv_version with `vault secrets list -detailed`",
    };
  }
  if (status === 400 && texts.some((text) => text.includes("check-and-set"))) {
    return {
      code: "access-denied",
      cause: "the engine requires check-and-set for each write, which publish does not do",
      hint: `turn it off for this path: vault write ${mount}/config cas_required=false`,
    };
  }
  if (status === 503) {
    return {
      code: "service-failed",
      cause: "the server is sealed or not ready",
      hint: "unseal it, or try again later",
    };
  }
  return explainNetwork(error, status, "the server");
}
