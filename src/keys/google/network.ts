import { readFileSync } from "node:fs";
import { Agent as HttpAgent, request } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { isIP } from "node:net";
import type { Duplex } from "node:stream";
import { connect } from "node:tls";
import { TsopsError } from "../../errors.ts";
import { limitSeconds } from "../attempt.ts";
import { once } from "../cache.ts";
import type { KeyContext } from "../kind.ts";

/**
 * How Google's servers are reached: which proxy, which certificates. Google's libraries would look into the process's
 * environment for that; here it is read from the context and handed to them.
 */

/** The proxy for a host, from HTTPS_PROXY and NO_PROXY in either case, as most programs read them. */
export function proxyFor(host: string, { env }: Pick<KeyContext, "env">): URL | undefined {
  const text = env.HTTPS_PROXY || env.https_proxy;
  if (!text) return undefined;
  const excepted = (env.NO_PROXY || env.no_proxy || "").split(",").map((name) => name.trim());
  if (excepted.some((name) => name === "*" || matches(host, name))) return undefined;
  const url = text.includes("://") ? text : `http://${text}`;
  // the variable may hold a password
  if (!URL.canParse(url) || new URL(url).protocol !== "http:") {
    throw new TsopsError("generic", "HTTPS_PROXY is not the address of a proxy that can be used", {
      hint: "write it as http://HOST:PORT",
    });
  }
  return new URL(url);
}

/** Name and password for a proxy, `NAME:PASSWORD`. */
export function proxyLogin({ username, password }: URL): string | undefined {
  return username ? `${decodeURIComponent(username)}:${decodeURIComponent(password)}` : undefined;
}

function matches(host: string, exception: string): boolean {
  const name = exception.replace(/^\*?\./, "");
  return name !== "" && (host === name || host.endsWith(`.${name}`));
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

/** A connection to `HOST:PORT` through a proxy's CONNECT (RFC 9110 section 9.3.6). */
function openTunnel(proxy: URL, target: string, signal: AbortSignal): Promise<Duplex> {
  const login = proxyLogin(proxy);
  const headers = {
    host: target,
    ...(login && { "proxy-authorization": `Basic ${Buffer.from(login).toString("base64")}` }),
  };
  const { hostname: host, port } = proxy;
  return new Promise((resolve, reject) => {
    const asked = request({ method: "CONNECT", host, port: port || 80, path: target, headers, signal });
    asked.once("error", reject);
    asked.once("connect", ({ statusCode }, socket) => {
      if (statusCode === 200) return resolve(socket);
      socket.destroy();
      reject(Object.assign(new Error("the proxy refused"), { code: `PROXY${statusCode}` }));
    });
    asked.end();
  });
}

/** HTTPS through a proxy. */
class TunnelAgent extends HttpsAgent {
  readonly #proxy: URL;
  readonly #seconds: number;

  /** @param seconds how long the proxy may take to make a tunnel: a request that is given up does not end that. */
  constructor(proxy: URL, seconds: number, options: ConstructorParameters<typeof HttpsAgent>[0]) {
    super(options);
    this.#proxy = proxy;
    this.#seconds = seconds;
  }

  override createConnection(
    options: { host?: string; port?: number | string; ca?: Buffer; servername?: string },
    done: (error: Error | null, socket?: Duplex) => void,
  ): undefined {
    const limit = AbortSignal.timeout(this.#seconds * 1000);
    openTunnel(this.#proxy, `${options.host}:${options.port}`, limit).then(
      (socket) => {
        done(null, connect({ socket, ca: options.ca, servername: options.servername ?? options.host }));
      },
      (error: Error) => done(error),
    );
  }
}
