import type NodeVault from "node-vault";
import { TsopsError } from "../../errors.ts";
import { attempt } from "../../net/attempt.ts";
import { once } from "../cache.ts";
import type { KeyContext } from "../kind.ts";
import { checkVaultAllowed, parseAddress, shownAddress, warnOfConnection } from "./address.ts";
import type { Send, VaultAnswer, VaultClient } from "./api.ts";
import { type Credentials, findCredentials } from "./credentials.ts";
import { passesByItself, throttle, unreachable, vaultError } from "./errors.ts";
import { loggedIn } from "./login.ts";
import { withRedirect } from "./redirect.ts";
import { tlsOptions } from "./tls.ts";
import { type Answer, type Exchange, type Transport, transportWith } from "./transport.ts";

export { JsonText, type VaultAnswer, type VaultClient, type VaultMethod, type VaultRequest } from "./api.ts";
export { placesOfCredentials } from "./credentials.ts";
export { VaultError } from "./errors.ts";

/**
 * The client for an address; undefined if there are no credentials at all, which is found out without the network
 * (`placesOfCredentials` says where they were looked for). One for each address and run, with one login.
 * @throws TsopsError("not-allowed") if nothing vouches for the address: it gets no credentials;
 * TsopsError for an address that is none, and for files with credentials or certificates that cannot be read.
 */
export async function vaultClient(context: KeyContext, address: string): Promise<VaultClient | undefined> {
  const url = parseAddress(address);
  const credentials = await once(context, "vault credentials", () => findCredentials(context));
  if (!credentials) return undefined;
  await checkVaultAllowed(context, address);
  return once(context, `vault client ${url.href}`, () => connect(context, url, credentials));
}

async function connect(context: KeyContext, url: URL, credentials: Credentials): Promise<VaultClient> {
  warnOfConnection(context, url);
  const transport = transportWith(context, await tlsOptions(context));
  const senderFor = (own: KeyContext) => sender(own, url, transport);
  const send = senderFor(context);
  const address = shownAddress(url);
  const token =
    "token" in credentials ? () => credentials.token : loggedIn(context, senderFor, address, credentials);
  return {
    address,
    namespace: context.env.VAULT_NAMESPACE || undefined,
    source: credentials.source,
    request: async (method, path, more = {}) => send(await token(), method, path, more),
  };
}

/** node-vault makes the requests, on connections of our own: its own would follow redirects with the token. */
function sender(context: KeyContext, url: URL, transport: Transport): Send {
  const follow = withRedirect(context, url, transport);
  return async (token, method, path, { body, query }) => {
    const target = encodedPath(path) + (query ? `?${new URLSearchParams(query)}` : "");
    const { nodeVault } = await import("./sdk.ts");
    const sent = [token, ...textsIn(body)];
    try {
      return await attempt(
        context,
        async (signal) => {
          // node-vault passes on the status and the body alone
          let retryAfter: string | undefined;
          const client = requester(nodeVault, url, { context, token }, async (options) => {
            const answer = await follow({ ...options, signal });
            retryAfter = answer.headers["retry-after"];
            return answer;
          });
          const options = { method, path: target, json: body, headers: { "X-Vault-Request": "true" } };
          const got = await client
            .request(options)
            .catch((error: unknown) => refused(error, retryAfter, sent));
          return answerOf(got, url);
        },
        { service: `vault ${url.origin}`, passes: passesByItself, throttle },
      );
    } catch (error) {
      throw unreachable(error, shownAddress(url));
    }
  };
}

/** What node-vault hands to the function that makes its requests. */
interface NodeVaultRequest {
  readonly method: string;
  readonly uri: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly json?: unknown;
}

function requester(
  nodeVault: typeof NodeVault,
  url: URL,
  { context, token }: { readonly context: KeyContext; readonly token: string },
  exchange: (request: Omit<Exchange, "signal">) => Promise<Answer>,
): NodeVault.client {
  const transport = async ({ method, uri, headers, json }: NodeVaultRequest) => {
    const { status, body } = await exchange({ method, url: new URL(uri), headers, json });
    // It takes errors of paths that end in sys/health for success, so it does not learn the path.
    return { statusCode: status, body, request: { path: "" } };
  };
  const client = nodeVault({
    endpoint: url.href,
    // it would print data keys if the variable DEBUG says so
    debug: () => undefined,
    "request-promise": { defaults: () => transport },
  });
  // What is empty here it has taken from the variables of the process.
  return Object.assign(client, { token, namespace: context.env.VAULT_NAMESPACE ?? "", pathPrefix: "" });
}

function textsIn(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(textsIn) : [];
}

/** node-vault's error as ours. */
function refused(error: unknown, retryAfter: string | undefined, sent: readonly string[]): never {
  const { response } = error as { response?: { statusCode?: unknown; body?: unknown } };
  if (typeof response?.statusCode !== "number") throw error;
  throw vaultError({ status: response.statusCode, body: response.body, retryAfter }, sent);
}

function answerOf(body: unknown, url: URL): VaultAnswer | undefined {
  if (body === undefined || (typeof body === "object" && body !== null)) return body;
  throw new TsopsError("service-failed", `${shownAddress(url)} does not answer as a Vault server does`, {
    hint: "check the address: something else is there, or a proxy is in between",
  });
}

/** @throws TsopsError("usage") for paths that would leave the API, or mean another path to the server. */
function encodedPath(path: string): string {
  const parts = path.replace(/^\/|\/$/g, "").split("/");
  if (parts.some((part) => part === "" || part === "." || part === ".." || !part.isWellFormed())) {
    throw new TsopsError("usage", "a path in Vault has an empty part, or one of dots", {
      hint: "check the engine's path and the name",
    });
  }
  return `/${parts.map(encodeURIComponent).join("/")}`;
}
