import { TsopsError } from "../../errors.ts";
import { isLoopback } from "../../net/loopback.ts";
import { pemIn } from "../../net/tls.ts";
import { printable } from "../../printable.ts";
import type { KeyContext } from "../kind.ts";

/** Where a key service is, and how it is spoken to. */
export interface ServiceAddress {
  /** For messages: as it was given. */
  readonly name: string;
  /** What gRPC connects to. */
  readonly target: string;
  readonly host?: string;
  readonly tls: boolean;
  /** Whether data keys would go over a network that others may listen on. */
  readonly exposed: boolean;
}

/**
 * `tcp://HOST:PORT`, `tls://HOST:PORT`, `unix:///PATH`: SOPS's forms (docs/internals/sops.md §7), and one for TLS.
 * @throws TsopsError("usage") if it is none of them.
 */
export function parseServiceUri(uri: string): ServiceAddress {
  const text = uri.trim();
  const [, path] = /^unix:(?:\/\/(?=\/))?([^?#]+)$/.exec(text) ?? [];
  if (path !== undefined && !path.startsWith("//")) {
    return { name: text, target: `unix:${path}`, tls: false, exposed: false };
  }
  const [, scheme, host] = /^(tcp|tls):\/\/([^/?#@]+)\/?$/.exec(text) ?? [];
  const hostPort = host === undefined ? undefined : parseHostPort(host);
  if (scheme === undefined || !hostPort) {
    throw new TsopsError("usage", `${printable(text)} is not the address of a key service`, {
      hint: "write it as tcp://HOST:PORT, tls://HOST:PORT or unix:///PATH",
    });
  }
  const tls = scheme === "tls";
  return {
    name: text,
    target: `dns:${host}`,
    host: hostPort.host,
    tls,
    exposed: !tls && !isLoopback(hostPort.host),
  };
}

/** Host and port of `HOST:PORT`, `[IPV6]:PORT`; undefined if it is malformed. */
export function parseHostPort(text: string): { host: string; port: number } | undefined {
  const [, inBrackets, plain, digits] =
    /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = inBrackets ?? plain;
  const port = Number(digits);
  return host === undefined || port > 65535 ? undefined : { host, port };
}

/**
 * The address of a cluster's key service. It is spoken to over TLS. Two exceptions: this machine, as long as no
 * authority or certificate is named, and what `TSOPS_KEYSERVICE_PLAINTEXT` lists.
 * @throws TsopsError if it is malformed.
 */
export function clusterAddress(hostPort: string, { env }: Pick<KeyContext, "env">): ServiceAddress {
  const parsed = parseHostPort(hostPort);
  if (!parsed) {
    throw new TsopsError("bad-key", `${printable(hostPort)} is not the address of a key service`, {
      hint: "keys of a cluster are cluster://HOST:PORT/KEY-ID",
    });
  }
  const plain = (env.TSOPS_KEYSERVICE_PLAINTEXT ?? "").split(/[\s,]+/).includes(hostPort);
  const local = isLoopback(parsed.host) && !env.TSOPS_KEYSERVICE_CA && !env.TSOPS_KEYSERVICE_CERT;
  const tls = !plain && !local;
  const exposed = !tls && !isLoopback(parsed.host);
  return { name: hostPort, target: `dns:${hostPort}`, host: parsed.host, tls, exposed };
}

/** What TLS needs of this side, PEM: the authority that the other side's certificate must come from, and our own. */
export interface TlsFiles {
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
}

/**
 * The files that `TSOPS_KEYSERVICE_CA`, `_CERT` and `_KEY` name. Without the first, the authorities that Node knows
 * count.
 * @throws TsopsError that names a file that cannot be read, or the variable that is missing.
 */
export async function clientTls({ env }: Pick<KeyContext, "env">): Promise<TlsFiles> {
  const { TSOPS_KEYSERVICE_CERT: cert, TSOPS_KEYSERVICE_KEY: key } = env;
  if (Boolean(cert) !== Boolean(key)) {
    throw new TsopsError("bad-setting", "a client certificate needs its key and the reverse", {
      hint: "set both TSOPS_KEYSERVICE_CERT and TSOPS_KEYSERVICE_KEY",
    });
  }
  const [ca, certificate, privateKey] = await Promise.all(
    ["TSOPS_KEYSERVICE_CA", "TSOPS_KEYSERVICE_CERT", "TSOPS_KEYSERVICE_KEY"].map((name) => pemIn(env, name)),
  );
  return { ca, cert: certificate, key: privateKey };
}
