import type { IncomingHttpHeaders, IncomingMessage, RequestOptions } from "node:http";
import { isIP } from "node:net";
import { TsopsError } from "../../errors.ts";
import type { KeyContext } from "../kind.ts";
import { JsonText } from "./api.ts";
import { proxyFor, proxyHeaders, tunnel } from "./proxy.ts";
import type { TlsOptions } from "./tls.ts";

/** One request and its answer, and nothing that happens by itself: no redirect, no other try. */
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

/** Connections to one server, kept open between requests; through a proxy where the environment names one. */
export async function transportWith(context: KeyContext, tls: TlsOptions): Promise<Transport> {
  const [http, https] = await Promise.all([import("node:http"), import("node:https")]);
  const agents = {
    http: new http.Agent({ keepAlive: true }),
    https: new https.Agent({ keepAlive: true, ...tls }),
  };
  return async ({ method, url, headers, json, signal }) => {
    const secure = url.protocol === "https:";
    const proxy = proxyFor(url, context);
    const way: Way = proxy
      ? await wayThrough(proxy, url, tls, signal)
      : { agent: agents[secure ? "https" : "http"] };
    const body =
      json === undefined
        ? undefined
        : Buffer.from(json instanceof JsonText ? json.text : JSON.stringify(json));
    const allHeaders = { ...headers, ...bodyHeaders(method, body), ...way.headers };
    return new Promise((resolve, reject) => {
      const options: RequestOptions = { method, signal, ...way, headers: allHeaders };
      const request = (secure ? https : http).request(url, options, (response) => {
        collected(response).then(resolve, reject);
      });
      request.on("error", reject);
      // the body may be a data key
      request.on("close", () => body?.fill(0));
      request.end(body);
    });
  };
}

type Way = Pick<RequestOptions, "agent" | "createConnection" | "hostname" | "port" | "path"> & {
  readonly headers?: Record<string, string>;
};

/** For TLS a tunnel; otherwise the proxy makes the request. */
async function wayThrough(proxy: URL, url: URL, tls: TlsOptions, signal: AbortSignal): Promise<Way> {
  if (url.protocol === "http:") {
    const path = `${url.origin}${url.pathname}${url.search}`;
    const headers = { Host: url.host, ...proxyHeaders(proxy) };
    return { hostname: proxy.hostname, port: proxy.port || 80, path, headers };
  }
  const { connect } = await import("node:tls");
  const socket = await tunnel(proxy, url, signal);
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const servername = isIP(host) ? "" : host;
  return { createConnection: () => connect({ host, servername, ...tls, socket }) };
}

function collected(response: IncomingMessage): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    response.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      size += chunk.length;
      if (size > MAX_ANSWER) response.destroy(new TsopsError("generic", "its answer has more than 32 MiB"));
    });
    response.on("error", reject);
    response.on("end", () => {
      const { statusCode: status = 0, headers } = response;
      resolve({ status, headers, body: parsed(Buffer.concat(chunks)) });
      for (const chunk of chunks) chunk.fill(0);
    });
  });
}

function bodyHeaders(method: string, body: Buffer | undefined): Record<string, string> {
  if (!body) return {};
  const type = method === "PATCH" ? "application/merge-patch+json" : "application/json";
  return { "Content-Type": type, "Content-Length": String(body.length) };
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
