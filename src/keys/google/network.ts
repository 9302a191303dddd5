import { readFileSync } from "node:fs";
import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { isIP } from "node:net";
import { connect } from "node:tls";
import { TsopsError } from "../../errors.ts";
import { limitSeconds } from "../../net/attempt.ts";
import { proxyFor as chooseProxy, openTunnel, TunnelAgent } from "../../net/proxy.ts";
import { once } from "../cache.ts";
import type { KeyContext } from "../kind.ts";

/**
 * How Google's servers are reached: which proxy, which certificates. Google's libraries would look into the process's
 * environment for that; here it is read from the context and handed to them.
 */

/** The proxy for a host of Google's. */
export function proxyFor(host: string, { env }: Pick<KeyContext, "env">): URL | undefined {
  return chooseProxy(new URL(`https://${host}`), env);
}

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
export function agentFor(url: URL, context: KeyContext): HttpAgent {
  if (url.protocol === "http:") {
    return once(context, "google http", () => new HttpAgent({ keepAlive: true }));
  }
  const proxy = proxyFor(url.hostname, context);
  return once(context, proxy ? "google tunnel" : "google https", () => {
    const options = { keepAlive: true, ca: authorities(context) };
    return proxy ? new TunnelAgent(proxy, limitSeconds(context), options) : new HttpsAgent(options);
  });
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
  const proxy = proxyFor(host, context);
  const socket = proxy && (await openTunnel(proxy, `${host}:${port}`, signal));
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
