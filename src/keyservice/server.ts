import { createSecureContext } from "node:tls";
import type { Server, ServerCredentials, UntypedServiceImplementation } from "@grpc/grpc-js";
import { TsopsError } from "../errors.ts";
import { TABLE_OF_KINDS } from "../keys/context.ts";
import { parseHostPort, type TlsFiles } from "../keys/service/address.ts";
import { loadProtocol, MAX_MESSAGE_BYTES, type Protocol } from "../keys/service/protocol.ts";
import { wireForms } from "../keys/service/wire.ts";
import { isLoopback } from "../net/loopback.ts";
import { printable } from "../printable.ts";
import { Health } from "./health.ts";
import { type RequestOptions, Requests } from "./requests.ts";
import { cannotListen, clearSocket } from "./socket.ts";

/** Streams that one connection may have open at once. */
const MAX_STREAMS = 32;

export interface ServerOptions extends RequestOptions {
  readonly network: "tcp" | "unix";
  /** `HOST:PORT`, `:PORT` for all addresses of the machine, or a path. */
  readonly address: string;
  /** Certificate and key of the server; with `ca`, clients need a certificate that comes from that authority. */
  readonly tls?: TlsFiles;
  /** Master secrets may be used by whoever can connect. */
  readonly allowAnyone?: boolean;
}

export interface RunningServer {
  /** As clients name it. */
  readonly uri: string;
  readonly port: number;
  /** Takes no more requests, and ends when those that run are done, or when so many milliseconds are over. */
  stop(graceMs: number): Promise<void>;
}

/**
 * Starts a key service.
 * @throws TsopsError("usage") for an address that is none, "bad-setting" if it cannot listen there.
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const place = placeOf(options);
  guard(options, place);
  const [grpc, protocol] = await Promise.all([
    import("../net/grpc/sdk.ts"),
    loadProtocol(wireForms(TABLE_OF_KINDS)),
  ]);
  // it would write to standard error, between the lines of the log
  grpc.setLogVerbosity(grpc.logVerbosity.NONE);
  const server = new grpc.Server({
    "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
    "grpc.max_concurrent_streams": MAX_STREAMS,
  });
  const health = new Health();
  const requests = new Requests(options);
  add(server, clearing(protocol), requests.handlers);
  add(server, protocol.health, health.handlers);
  const security = credentialsFor(options, grpc.ServerCredentials);
  if (place.path !== undefined) await clearSocket(place.path);
  const port = await listen(server, place, security);
  const uri = place.path !== undefined ? `unix://${place.path}` : uriOf(options, place, port);
  options.log({ event: "listening", address: uri, tls: tlsOf(options) });
  return { uri, port, stop: (graceMs) => stop(server, health, graceMs) };
}

interface Place {
  readonly target: string;
  readonly path?: string;
  readonly host?: string;
  /** Whether only this machine gets there. */
  readonly local: boolean;
}

function placeOf({ network, address }: ServerOptions): Place {
  if (network === "unix") return { target: `unix:${address}`, path: address, local: true };
  // Go's way of writing all addresses of the machine
  const hostPort = address.startsWith(":") ? `[::]${address}` : address;
  const parsed = parseHostPort(hostPort);
  if (!parsed) {
    throw new TsopsError("usage", `${printable(address)} is not an address to listen on`, {
      hint: "write it as HOST:PORT, or with --network unix as a path",
    });
  }
  return { target: hostPort, host: parsed.host, local: isLoopback(parsed.host) };
}

/** What a person should know, or must not do. */
function guard(options: ServerOptions, place: Place): void {
  const { tls, secrets, log, allowAnyone } = options;
  if (place.local) {
    warnOfUsers(options, place);
    return;
  }
  if (secrets.length > 0 && !tls?.ca && !allowAnyone) {
    throw new TsopsError("usage", "whoever reaches this address could use every key of the cluster", {
      hint: "have clients show certificates (--tls-cert, --tls-key, --tls-client-ca), or use --allow-anyone",
    });
  }
  if (!tls) log({ event: "warning", message: "without TLS, data keys go over the network unencrypted" });
  if (!tls?.ca) {
    log({ event: "warning", message: "whoever reaches this address can use the keys of this machine" });
  }
}

/** Other users of this machine reach its own addresses, but not a Unix socket. */
function warnOfUsers({ tls, secrets, log }: ServerOptions, { path }: Place): void {
  if (path !== undefined || tls?.ca) return;
  const keys =
    secrets.length > 0 ? "every key of the cluster and the keys of this machine" : "the keys of this machine";
  const advice = "a socket is for its owner only (--network unix), or have clients show certificates";
  log({ event: "warning", message: `every user of this machine can use ${keys} here: ${advice}` });
}

function credentialsFor({ tls }: ServerOptions, make: typeof ServerCredentials): ServerCredentials {
  if (!tls?.cert || !tls.key) return make.createInsecure();
  try {
    // gRPC would find out later, and say less
    createSecureContext({ ...tls });
  } catch (error) {
    throw new TsopsError("bad-credentials", "the certificate and key of the server cannot be used", {
      hint: "both are PEM files, and belong together; so is the file of the clients' authority",
      cause: error,
    });
  }
  const pair = { private_key: tls.key, cert_chain: tls.cert };
  return make.createSsl(tls.ca ?? null, [pair], tls.ca !== undefined);
}

/** Plaintexts are cleared as soon as they are a message. */
function clearing({ keyService }: Protocol): Protocol["keyService"] {
  const { Decrypt, ...others } = keyService;
  const responseSerialize = (response: { plaintext?: Buffer }): Buffer => {
    try {
      return Decrypt!.responseSerialize(response);
    } finally {
      response.plaintext?.fill(0);
    }
  };
  return { ...others, Decrypt: { ...Decrypt!, responseSerialize } };
}

function add(server: Server, service: Protocol["health"], handlers: object): void {
  server.addService(service, handlers as UntypedServiceImplementation);
}

async function listen(server: Server, { target, path }: Place, security: ServerCredentials): Promise<number> {
  // the socket is never there with a wider mode, not for a moment
  const mask = path === undefined ? undefined : process.umask(0o177);
  try {
    return await new Promise<number>((resolve, reject) => {
      server.bindAsync(target, security, (error, port) => (error ? reject(error) : resolve(port)));
    });
  } catch (error) {
    throw cannotListen(path ?? target, reasonOf(error), error);
  } finally {
    if (mask !== undefined) process.umask(mask);
  }
}

/** Why the system does not let it listen, from the text that gRPC makes of the error. */
function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : "";
  const causes: readonly (readonly [RegExp, string])[] = [
    [/EADDRINUSE/, "another process listens there"],
    [/EACCES|EPERM/, "this user may not listen there"],
    [/EADDRNOTAVAIL/, "this machine has no such address"],
    [/Name resolution/, "its host name is not known"],
  ];
  return causes.find(([pattern]) => pattern.test(text))?.[1] ?? "the system refuses it";
}

function uriOf({ tls }: ServerOptions, { host = "" }: Place, port: number): string {
  return `${tls ? "tls" : "tcp"}://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

function tlsOf({ tls }: ServerOptions): string {
  if (!tls) return "none";
  return tls.ca ? "mutual" : "server";
}

async function stop(server: Server, health: Health, graceMs: number): Promise<void> {
  health.stop();
  await new Promise<void>((resolve) => {
    const timer = setTimeout(() => {
      server.forceShutdown();
      resolve();
    }, graceMs);
    server.tryShutdown(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
