import type { IncomingHttpHeaders } from "node:http";
import { agentFor, type TlsOptions } from "../../net/agent.ts";
import { send } from "../../net/http.ts";
import { parseProxy } from "../../net/proxy.ts";
import { once } from "../cache.ts";
import type { KeyContext } from "../kind.ts";
import { JsonText } from "./api.ts";

/** One request and its answer. */
export interface Exchange {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly json?: unknown;
  readonly signal: AbortSignal;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Undefined where the answer is empty. */
  readonly body: unknown;
}

export type Transport = (exchange: Exchange) => Promise<Answer>;

const MAX_ANSWER = 2 ** 25;

/** Connections to servers, kept open between requests. */
export function transportWith(context: KeyContext, tls: TlsOptions): Transport {
  return async ({ method, url, headers, json, signal }) => {
    const body =
      json === undefined
        ? undefined
        : Buffer.from(json instanceof JsonText ? json.text : JSON.stringify(json));
    try {
      const all = { ...headers, ...(body && { "Content-Type": contentType(method) }) };
      const options = { signal, agent: vaultAgent(url, context, tls), limit: MAX_ANSWER };
      const answer = await send({ method, url, headers: all, body }, options);
      return { ...answer, body: parsed(answer.body) };
    } finally {
      // it may be a data key
      body?.fill(0);
    }
  };
}

/** The proxy is the one that the vault program chooses: VAULT_PROXY_ADDR or VAULT_HTTP_PROXY for all, else everybody's. */
export function vaultAgent(url: URL, context: KeyContext, tls: TlsOptions) {
  const name = ["VAULT_PROXY_ADDR", "VAULT_HTTP_PROXY"].find((variable) => context.env[variable]);
  const proxy = name === undefined ? undefined : parseProxy(context.env[name]!, name);
  return once(context, `vault agent ${url.origin}`, () => agentFor(url, context, { tls, proxy }));
}

function contentType(method: string): string {
  return method === "PATCH" ? "application/merge-patch+json" : "application/json";
}

/** Text that is not JSON comes from something else than Vault; the caller tells by its type. */
function parsed(bytes: Buffer): unknown {
  const text = bytes.toString("utf8");
  bytes.fill(0);
  if (text.trim() === "") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
