import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { TsopsError } from "../../errors.ts";
import { namedProxy, proxyLogin } from "../../net/proxy.ts";
import { printable } from "../../printable.ts";
import type { KeyContext } from "../kind.ts";

/**
 * The proxy for a server, as the vault program chooses it: VAULT_PROXY_ADDR or VAULT_HTTP_PROXY for all; else HTTPS_PROXY or
 * HTTP_PROXY, but not for this machine and what NO_PROXY names.
 * @throws TsopsError("generic") if it is not an HTTP proxy.
 */
export function proxyFor(url: URL, { env }: Pick<KeyContext, "env">): URL | undefined {
  const own = env.VAULT_PROXY_ADDR || env.VAULT_HTTP_PROXY;
  const proxy = own || namedProxy(url, env);
  if (!proxy) return undefined;
  const address = /^[a-z][a-z0-9+.-]*:\/\//i.test(proxy) ? proxy : `http://${proxy}`;
  if (URL.canParse(address) && new URL(address).protocol === "http:") return new URL(address);
  throw new TsopsError("generic", "the proxy for Vault is not one of HTTP", {
    hint: "write it as http://proxy.example.com:3128; see VAULT_PROXY_ADDR, HTTPS_PROXY and HTTP_PROXY",
  });
}

export function proxyHeaders(proxy: URL): Record<string, string> {
  const login = proxyLogin(proxy);
  return login ? { "Proxy-Authorization": `Basic ${Buffer.from(login).toString("base64")}` } : {};
}

/** A connection through the proxy to a server, for TLS: the proxy sees the server's name and nothing else. */
export async function tunnel(proxy: URL, url: URL, signal: AbortSignal): Promise<Socket> {
  const { request } = await import("node:http");
  const target = `${url.hostname}:${url.port || 443}`;
  const headers = { Host: target, ...proxyHeaders(proxy) };
  return new Promise((resolve, reject) => {
    request({
      host: proxy.hostname,
      port: proxy.port || 80,
      method: "CONNECT",
      path: target,
      headers,
      signal,
      agent: false,
    })
      .once("connect", ({ statusCode }: IncomingMessage, socket: Socket) => {
        if (statusCode === 200) return resolve(socket);
        socket.destroy();
        reject(refusal(proxy, statusCode));
      })
      .once("response", (response) => {
        response.destroy();
        reject(refusal(proxy, response.statusCode));
      })
      .once("error", reject)
      .end();
  });
}

function refusal(proxy: URL, status: number | undefined): TsopsError {
  const why = status === 407 ? "needs a user name and a password" : `answers with status ${status}`;
  return new TsopsError("generic", `the proxy ${printable(proxy.host)} ${why}`, {
    hint: "check VAULT_PROXY_ADDR, HTTPS_PROXY and NO_PROXY",
  });
}
