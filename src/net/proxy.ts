import { request } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import type { Duplex } from "node:stream";
import { connect } from "node:tls";
import { TsopsError } from "../errors.ts";
import type { KeyContext } from "../keys/kind.ts";

/** Proxies, as most programs choose and use them. Libraries would look into the process's environment for that. */

/**
 * The proxy for a server: HTTPS_PROXY or HTTP_PROXY, in either case, but not for this machine and what NO_PROXY names.
 * @throws TsopsError("generic") if it is not an HTTP proxy.
 */
export function proxyFor(url: URL, env: KeyContext["env"]): URL | undefined {
  const text = namedProxy(url, env);
  if (!text) return undefined;
  const address = text.includes("://") ? text : `http://${text}`;
  if (URL.canParse(address) && new URL(address).protocol === "http:") return new URL(address);
  // the variable may hold a password
  throw new TsopsError("generic", "HTTPS_PROXY is not the address of a proxy that can be used", {
    hint: "write it as http://HOST:PORT",
  });
}

/** What the variables say, as they say it. */
export function namedProxy(url: URL, env: KeyContext["env"]): string | undefined {
  const text =
    url.protocol === "https:" ? env.HTTPS_PROXY || env.https_proxy : env.HTTP_PROXY || env.http_proxy;
  return text && !isThisMachine(url.hostname) && !isExcepted(url, env) ? text : undefined;
}

function isThisMachine(hostname: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(hostname);
}

/** NO_PROXY: `*`, hosts (with what is below them), `.domain`, each perhaps with a port. */
function isExcepted({ hostname, port, protocol }: URL, env: KeyContext["env"]): boolean {
  const host = hostname.replace(/^\[|\]$/g, "");
  const usedPort = port || (protocol === "https:" ? "443" : "80");
  return (env.NO_PROXY || env.no_proxy || "").split(",").some((entry) => {
    const [, name = "", only] = /^(.*?)(?::(\d+))?$/.exec(entry.trim().toLowerCase()) ?? [];
    if (name === "*") return true;
    if (name === "" || (only && only !== usedPort)) return false;
    const bare = name.replace(/^\*?\./, "");
    return host === bare || host.endsWith(`.${bare}`);
  });
}

/** Name and password for a proxy, `NAME:PASSWORD`. */
export function proxyLogin({ username, password }: URL): string | undefined {
  return username ? `${decodeURIComponent(username)}:${decodeURIComponent(password)}` : undefined;
}

/** A connection to `HOST:PORT` through a proxy's CONNECT (RFC 9110 section 9.3.6). */
export function openTunnel(proxy: URL, target: string, signal: AbortSignal): Promise<Duplex> {
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
export class TunnelAgent extends HttpsAgent {
  readonly #proxy: URL;
  readonly #seconds: number;

  /** @param seconds how long the proxy may take to make a tunnel: a request that is given up does not end that. */
  constructor(proxy: URL, seconds: number, options: ConstructorParameters<typeof HttpsAgent>[0]) {
    super(options);
    this.#proxy = proxy;
    this.#seconds = seconds;
  }

  override createConnection(
    options: { host?: string; port?: number | string; ca?: string | Buffer; servername?: string },
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
