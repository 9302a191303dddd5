import type { Agent } from "node:http";
import { isIP } from "node:net";
import { connect } from "node:tls";
import { agentFor as newAgent, openTunnel } from "../../net/agent.ts";
import { proxyFor } from "../../net/proxy.ts";
import { pemIn } from "../../net/tls.ts";
import { once } from "../cache.ts";
import type { KeyContext } from "../kind.ts";

/**
 * How Google's servers are reached: which proxy, which certificates. Google's libraries would look into the process's
 * environment for that; here it is read from the context and handed to them.
 */

/** The authorities that SSL_CERT_FILE names instead of the usual ones, as for SOPS (Go's crypto/x509). */
export function authorities(context: KeyContext): Promise<Buffer | undefined> {
  return once(context, "google authorities", () => pemIn(context.env, "SSL_CERT_FILE"));
}

/** The agent for a request: its connections are kept for others to the same server. */
export function agentFor(url: URL, context: KeyContext): Promise<Agent> {
  return once(context, `google agent ${url.origin}`, async () =>
    newAgent(url, context, { tls: { ca: await authorities(context) } }),
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
  const ca = await authorities(context);
  const socket = proxy && (await openTunnel(proxy, `${host}:${port}`, signal, ca));
  const bare = host.replace(/^\[|\]$/g, "");
  const servername = isIP(bare) ? undefined : bare;
  await new Promise<void>((resolve, reject) => {
    const options = { host: bare, port, socket, servername, ca, ALPNProtocols: ["h2"] };
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
