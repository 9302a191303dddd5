import type { globalAgent } from "node:https";
import type { KeyContext } from "../kind.ts";

interface Proxy {
  readonly host: string;
  readonly port: number;
  readonly username?: string;
  readonly password?: string;
}

/** Options for every client of Azure's SDK. */
export interface ConnectionOptions {
  readonly agent?: typeof globalAgent;
  readonly proxyOptions?: Proxy;
  readonly retryOptions: { readonly maxRetries: 0 };
  readonly redirectOptions: { readonly maxRetries: 0 };
}

/**
 * How to reach an address: through the proxy that the context's environment names for it. The SDK by itself would take
 * the one of the process. Retries are attempt()'s; redirects, which the services never send, are not followed.
 */
export function connectionTo(url: string, env: KeyContext["env"]): ConnectionOptions {
  const once = { retryOptions: { maxRetries: 0 }, redirectOptions: { maxRetries: 0 } } as const;
  const proxy = proxyFor(url, env);
  // with an agent of its own a client asks for no proxy
  if (proxy) return { ...once, proxyOptions: proxy };
  return { ...once, agent: process.getBuiltinModule("node:https").globalAgent };
}

function proxyFor(url: string, env: KeyContext["env"]): Proxy | undefined {
  const variable = (name: string) => env[name] || env[name.toLowerCase()];
  const text = variable("HTTPS_PROXY") ?? variable("ALL_PROXY");
  if (!text || !URL.canParse(text) || !URL.canParse(url)) return undefined;
  const { hostname } = new URL(url);
  if ((variable("NO_PROXY") ?? "").split(",").some((name) => isUnder(hostname, name.trim())))
    return undefined;
  const proxy = new URL(text);
  return {
    host: `${proxy.protocol}//${proxy.hostname}`,
    port: Number(proxy.port) || (proxy.protocol === "https:" ? 443 : 80),
    username: decodeURIComponent(proxy.username) || undefined,
    password: decodeURIComponent(proxy.password) || undefined,
  };
}

function isUnder(host: string, name: string): boolean {
  return name === "*" || (name !== "" && `.${host}`.endsWith(name.startsWith(".") ? name : `.${name}`));
}
