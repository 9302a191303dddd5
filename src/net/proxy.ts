import { BlockList, isIP } from "node:net";
import { domainToASCII } from "node:url";
import { TsopsError } from "../errors.ts";
import { isLoopback } from "./loopback.ts";

/**
 * Which proxy leads to a server. The rules are those of Go's golang.org/x/net/http/httpproxy, which SOPS follows, with
 * one more: ALL_PROXY counts last. Libraries would read the process's environment, each by rules of its own.
 */

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The proxy for a server: HTTPS_PROXY or HTTP_PROXY by the server's scheme, else ALL_PROXY, each in either case; but none
 * for this machine and for what NO_PROXY names.
 * @throws TsopsError("bad-setting") if it is not an HTTP proxy.
 */
export function proxyFor(url: URL, env: Environment): URL | undefined {
  const name = url.protocol === "https:" ? "HTTPS_PROXY" : "HTTP_PROXY";
  const own = variable(env, name);
  const text = own || otherProxy(env);
  if (!text || isLoopback(url.hostname) || isExcepted(url, variable(env, "NO_PROXY"))) return undefined;
  // in a CGI program the header Proxy of a request would be HTTP_PROXY (https://httpoxy.org)
  if (name === "HTTP_PROXY" && env.REQUEST_METHOD) return undefined;
  return parseProxy(text, own ? name : "ALL_PROXY");
}

/**
 * A proxy as a variable names it; a scheme may be left out.
 * @throws TsopsError("bad-setting") if it is not an HTTP proxy. Its text is not shown: it may hold a password.
 */
export function parseProxy(text: string, name: string): URL {
  const address = text.includes("://") ? text : `http://${text}`;
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url && /^https?:$/.test(url.protocol) && isSound(url.username + url.password)) return url;
  throw new TsopsError("bad-setting", `${name} is not the address of a proxy that can be used`, {
    hint: "write it as http://HOST:PORT; special characters of a password are written as %XX",
  });
}

function isSound(encoded: string): boolean {
  try {
    return decodeURIComponent(encoded) !== undefined;
  } catch {
    return false;
  }
}

/** Many set ALL_PROXY to a SOCKS proxy for other programs: that is no error. */
function otherProxy(env: Environment): string {
  const text = variable(env, "ALL_PROXY");
  return /^socks/i.test(text) ? "" : text;
}

function variable(env: Environment, name: string): string {
  return env[name] || env[name.toLowerCase()] || "";
}

/** NO_PROXY: `*`, hosts (with what is below them), `.domain` and `*.domain` (only what is below), IP addresses, CIDR. */
function isExcepted({ hostname, port, protocol }: URL, list: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, "");
  const usedPort = port || (protocol === "https:" ? "443" : "80");
  return list.split(",").some((entry) => covers(entry.trim().toLowerCase(), host, usedPort));
}

function covers(entry: string, host: string, usedPort: string): boolean {
  if (entry === "*") return true;
  const [, network, bits] = /^([\d.]+|[\da-f:.]+)\/(\d{1,3})$/.exec(entry) ?? [];
  if (network !== undefined) return isWithin(host, network, Number(bits));
  const [, inBrackets, plain = "", port] = /^(?:\[(.*)\]|([^:]*))(?::(\d+))?$/.exec(entry) ?? [];
  const name = isIP(entry) ? entry : (inBrackets ?? plain);
  if (name === "" || (port && port !== usedPort)) return false;
  if (isIP(name)) return isWithin(host, name);
  const below = name.startsWith("*.") ? name.slice(1) : name;
  if (isIP(host)) return false;
  if (below.startsWith(".")) return host.endsWith(`.${ascii(below.slice(1))}`);
  return `.${host}`.endsWith(`.${ascii(below)}`);
}

function isWithin(host: string, network: string, bits?: number): boolean {
  const [family, ofHost] = [isIP(network), isIP(host)];
  if (family === 0 || ofHost === 0) return false;
  const size = family === 4 ? 32 : 128;
  if (bits !== undefined && bits > size) return false;
  const nets = new BlockList();
  nets.addSubnet(network, bits ?? size, family === 4 ? "ipv4" : "ipv6");
  return nets.check(host, ofHost === 4 ? "ipv4" : "ipv6");
}

function ascii(name: string): string {
  return domainToASCII(name) || name;
}

/** Name and password for a proxy, `NAME:PASSWORD`. */
export function proxyLogin({ username, password }: URL): string | undefined {
  return username ? `${decodeURIComponent(username)}:${decodeURIComponent(password)}` : undefined;
}
