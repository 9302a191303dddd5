import { type ClientRequest, Agent as HttpAgent, request as httpRequest } from "node:http";
import { type AgentOptions, Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { type Socket, connect as tcpConnect } from "node:net";
import type { Duplex } from "node:stream";
import { type ConnectionOptions, connect as tlsConnect } from "node:tls";
import { closeForRoom } from "../descriptors.ts";
import { type Caller, limitSeconds } from "./attempt.ts";
import { proxyFor, proxyLogin } from "./proxy.ts";

/**
 * Connections to a server, through a proxy where the environment names one.
 *
 * The tunnel is our own, not that of https-proxy-agent (which several SDKs bring along): where a proxy refuses, that
 * package hands the proxy's answer to the client as if the server had given it, past TLS; and nothing ends it while a
 * proxy stays silent.
 */

export type TlsOptions = Pick<
  AgentOptions,
  "ca" | "cert" | "key" | "servername" | "rejectUnauthorized" | "secureContext"
>;

export interface AgentChoice {
  readonly tls?: TlsOptions;
  /** Default: the one that the environment names. */
  readonly proxy?: URL;
}

/** An agent for a server. @throws TsopsError("bad-setting") if the environment names a proxy that is none. */
export function agentFor(url: URL, context: Caller, choice: AgentChoice = {}): HttpAgent {
  const agent = newAgent(url, context, choice);
  closeForRoom(agent);
  return agent;
}

function newAgent(url: URL, context: Caller, { tls, proxy }: AgentChoice): HttpAgent {
  const through = proxy ?? proxyFor(url, context.env);
  const options = { keepAlive: true, ...tls };
  if (url.protocol === "http:") return through ? new ForwardAgent(through) : new HttpAgent(options);
  return through ? new TunnelAgent(through, limitSeconds(context), options) : new HttpsAgent(options);
}

/** The proxy that an agent goes through. */
export function proxyOf(agent: unknown): URL | undefined {
  return agent instanceof TunnelAgent || agent instanceof ForwardAgent ? agent.proxy : undefined;
}

/**
 * A connection to `HOST:PORT` through a proxy's CONNECT (RFC 9110 section 9.3.6).
 * @param ca authorities of a proxy that is itself spoken to over TLS.
 */
export function openTunnel(
  proxy: URL,
  target: string,
  signal: AbortSignal,
  ca?: AgentOptions["ca"],
): Promise<Duplex> {
  const { host, port, secure } = placeOf(proxy);
  const headers = { host: target, ...loginHeader(proxy) };
  const options = { method: "CONNECT", host, port, path: target, headers, signal, agent: false, ca };
  return new Promise((resolve, reject) => {
    const refused = (status = 0): void =>
      reject(Object.assign(new Error("the proxy refused"), { code: `PROXY_${status}` }));
    (secure ? httpsRequest : httpRequest)(options)
      .once("connect", ({ statusCode }, socket) => {
        if (statusCode === 200) return resolve(socket);
        socket.destroy();
        refused(statusCode);
      })
      .once("response", (response) => {
        response.destroy();
        refused(response.statusCode);
      })
      // the code says that it is the proxy's failure and not the server's (failure.ts)
      .once("error", (error: NodeJS.ErrnoException) =>
        reject(Object.assign(error, { code: signal.aborted ? "PROXY_ETIMEDOUT" : `PROXY_${error.code}` })),
      )
      .end();
  });
}

/** HTTPS through a proxy, which sees the server's name and nothing else. */
class TunnelAgent extends HttpsAgent {
  readonly proxy: URL;
  readonly #seconds: number;

  /** @param seconds how long the proxy may take to make a tunnel: a request that is given up does not end that. */
  constructor(proxy: URL, seconds: number, options: AgentOptions) {
    super(options);
    this.proxy = proxy;
    this.#seconds = seconds;
  }

  override createConnection(
    options: ConnectionOptions,
    done: (error: Error | null, socket?: Duplex) => void,
  ): undefined {
    const { host, port, servername = host } = options;
    const limit = AbortSignal.timeout(this.#seconds * 1000);
    openTunnel(this.proxy, `${bracketed(host)}:${port}`, limit, options.ca).then(
      (socket) => done(null, tlsConnect({ ...options, path: undefined, socket, servername })),
      (error: Error) => done(error),
    );
  }
}

/** HTTP through a proxy, which makes the request itself. */
class ForwardAgent extends HttpAgent {
  readonly proxy: URL;

  constructor(proxy: URL) {
    super({ keepAlive: true });
    this.proxy = proxy;
  }

  /** What Node calls with each new request, before its head is written. */
  addRequest(request: ClientRequest, options: { readonly host?: string; readonly port?: number }): void {
    const { host, port } = placeOf(this.proxy);
    const authority = `${bracketed(options.host)}${options.port === 80 ? "" : `:${options.port}`}`;
    request.path = `http://${authority}${request.path}`;
    for (const [name, value] of Object.entries(loginHeader(this.proxy))) request.setHeader(name, value);
    type Base = { addRequest: (request: ClientRequest, options: object) => void };
    (HttpAgent.prototype as unknown as Base).addRequest.call(this, request, { ...options, host, port });
  }

  override createConnection(): Socket {
    const { host, port, secure } = placeOf(this.proxy);
    return secure ? tlsConnect({ host, port, servername: host }) : tcpConnect({ host, port });
  }
}

function placeOf({ hostname, port, protocol }: URL): { host: string; port: number; secure: boolean } {
  const secure = protocol === "https:";
  return { host: hostname.replace(/^\[|\]$/g, ""), port: Number(port) || (secure ? 443 : 80), secure };
}

function bracketed(host = ""): string {
  return host.includes(":") ? `[${host}]` : host;
}

function loginHeader(proxy: URL): Record<string, string> {
  const login = proxyLogin(proxy);
  return login ? { "proxy-authorization": `Basic ${Buffer.from(login).toString("base64")}` } : {};
}
