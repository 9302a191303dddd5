import { type Agent, globalAgent } from "node:http";
import { globalAgent as secureAgent } from "node:https";
import { agentFor } from "../../net/agent.ts";
import { proxyFor } from "../../net/proxy.ts";
import type { KeyContext } from "../kind.ts";

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
  const agent = proxyFor(target, context.env) ? agentFor(target, context) : usual;
  return { agent, retryOptions: { maxRetries: 0 }, redirectOptions: { maxRetries: 0 } };
}
