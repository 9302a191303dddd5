import { readFileSync } from "node:fs";
import { type Agent, globalAgent } from "node:http";
import { globalAgent as secureAgent } from "node:https";
import { agentFor } from "../../net/agent.ts";
import { proxyFor } from "../../net/proxy.ts";
import { unreadable } from "../../net/tls.ts";
import type { KeyContext } from "../kind.ts";

/** The SDK's ways to get tokens. */
export async function azureLogins(): Promise<typeof import("./logins.ts")> {
  const { logins } = await import("./sdk.ts");
  return logins();
}

/** Options for every client of Azure's SDK. */
export interface ConnectionOptions {
  readonly agent: Agent;
  readonly retryOptions: { readonly maxRetries: 0 };
  readonly redirectOptions: { readonly maxRetries: 0 };
}

/**
 * How to reach an address: through the proxy that the context's environment names for it. With an agent of its own a
 * client does not look for a proxy in the environment of the process. Retries are attempt()'s; redirects, which the
 * services never send, are not followed.
 */
export function connectionTo(url: string, context: Pick<KeyContext, "env">): ConnectionOptions {
  const target = new URL(url);
  const usual = target.protocol === "http:" ? globalAgent : secureAgent;
  // authorities instead of the usual ones, as for SOPS (Go's crypto/x509)
  const ca = authorities(context.env.SSL_CERT_FILE);
  const own = ca !== undefined || proxyFor(target, context.env) !== undefined;
  const agent = own ? agentFor(target, context, { tls: { ca } }) : usual;
  return { agent, retryOptions: { maxRetries: 0 }, redirectOptions: { maxRetries: 0 } };
}

function authorities(path: string | undefined): Buffer | undefined {
  if (!path) return undefined;
  try {
    return readFileSync(path);
  } catch (error) {
    throw unreadable("file", path, "SSL_CERT_FILE", error);
  }
}
