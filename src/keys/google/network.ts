import { readFileSync } from "node:fs";
import type { Agent } from "node:http";
import { isIP } from "node:net";
import { connect } from "node:tls";
import { TsopsError } from "../../errors.ts";
import { agentFor as newAgent, openTunnel } from "../../net/agent.ts";
import { proxyFor } from "../../net/proxy.ts";
import { once } from "../cache.ts";
import type { KeyContext } from "../kind.ts";

/**
 * How Google's servers are reached: which proxy, which certificates. Google's libraries would look into the process's
 * environment for that; here it is read from the context and handed to them.
 */

/**
 * The authorities that SSL_CERT_FILE names instead of the usual ones, as for SOPS (Go's crypto/x509).
 * @throws TsopsError("generic") if the file cannot be read.
 */
export function authorities({ env }: Pick<KeyContext, "env">): Buffer | undefined {
  if (!env.SSL_CERT_FILE) return undefined;
  try {
    return readFileSync(env.SSL_CERT_FILE);
  } catch (error) {
    throw new TsopsError("generic", "the file that SSL_CERT_FILE names cannot be read", {
      hint: "correct the variable, or remove it",
      cause: error,
    });
  }
}

/** The agent for a request: its connections are kept for others to the same server. */
export function agentFor(url: URL, context: KeyContext): Agent {
  return once(context, `google agent ${url.origin}`, () =>
    newAgent(url, context, { tls: { ca: authorities(context) } }),
  );
}

/**
 * Sees whether a server can be reached and is trusted: TCP, a proxy's tunnel, TLS. The gRPC library cannot give up a
 * connection that it is making, which would keep a process alive for minutes; this can.
 * @throws an error of the network, or the signal's.
 */
export async function reach(
  host: string,
  port: number,
  context: KeyContext,
  signal: AbortSignal,
): Promise<void> {
  const proxy = proxyFor(new URL(`https://${host}:${port}`), context.env);
  const socket = proxy && (await openTunnel(proxy, `${host}:${port}`, signal, authorities(context)));
  const bare = host.replace(/^\[|\]$/g, "");
  const servername = isIP(bare) ? undefined : bare;
  await new Promise<void>((resolve, reject) => {
    const options = { host: bare, port, socket, servername, ca: authorities(context), ALPNProtocols: ["h2"] };
    const secure = connect(options, () => {
      resolve();
      secure.destroy();
    });
    const stop = () => secure.destroy(new Error("stopped"));
    signal.addEventListener("abort", stop);
    secure.once("error", reject).once("close", () => {
      signal.removeEventListener("abort", stop);
      reject(Object.assign(new Error("the connection was closed"), { code: "ECONNRESET" }));
    });
  });
}
