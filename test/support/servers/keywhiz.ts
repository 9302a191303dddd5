import { readFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { TLSSocket } from "node:tls";
import type { Certificates } from "./tls.ts";

/**
 * A double of Keywhiz's client API: `GET /secret/NAME` over mutual TLS. Written from the server's published source; it
 * knows its clients by the common name of their certificates, as that does.
 */
export interface Keywhiz {
  /** `HOST:PORT` */
  readonly address: string;
  readonly secrets: Map<string, KeywhizSecret>;
  /** Common names of the clients that it knows. */
  readonly clients: Set<string>;
  /** Method and path of each request that got through TLS. */
  readonly asked: string[];
  /** Answers in its place, for failures that it does not have by itself. True: it did. */
  instead: ((request: IncomingMessage, response: ServerResponse) => boolean) | undefined;
}

export interface KeywhizSecret {
  readonly content: Buffer | string;
  /** Which clients are in a group that it is assigned to. */
  readonly clients: readonly string[];
}

/** Starts one on a free port of a loopback address; it ends with the process. */
export async function startKeywhiz(
  { ca, server: { key, cert } }: Certificates,
  host = "127.0.0.1",
): Promise<Keywhiz> {
  const [ours, theirs] = [{ key: readFileSync(key), cert: readFileSync(cert) }, readFileSync(ca)];
  const tls = { ...ours, ca: theirs, requestCert: true, rejectUnauthorized: true };
  const server = createServer(tls, (request, response) => {
    keywhiz.asked.push(`${request.method} ${request.url}`);
    if (keywhiz.instead?.(request, response)) return;
    const { status, body } = answer(keywhiz, request);
    response.writeHead(status, { "content-type": "application/json" }).end(body && JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  server.unref();
  const address = `${host}:${(server.address() as AddressInfo).port}`;
  const keywhiz: Keywhiz = {
    ...{ address, secrets: new Map(), clients: new Set(["client", "other"]), asked: [] },
    instead: undefined,
  };
  return keywhiz;
}

function answer(keywhiz: Keywhiz, request: IncomingMessage): { status: number; body?: unknown } {
  const client = (request.socket as TLSSocket).getPeerCertificate().subject?.CN;
  if (!keywhiz.clients.has(String(client))) return { status: 401 };
  const name = /^\/secret\/([^/?]+)$/.exec(request.url ?? "")?.[1];
  const secret = name && keywhiz.secrets.get(decodeURIComponent(name));
  if (!secret || request.method !== "GET") return { status: 404 };
  if (!secret.clients.includes(String(client))) return { status: 403 };
  return { status: 200, body: delivered(name, Buffer.from(secret.content)) };
}

/** As the server writes it; the secret's own metadata stand beside its fields. */
export function delivered(name: string, content: Buffer): Record<string, unknown> {
  return {
    name,
    secret: content.toString("base64"),
    secretLength: content.length,
    // an HMAC with a key that only the server has
    checksum: "A1B2C3D4E5F60718293A4B5C6D7E8F90A1B2C3D4E5F60718293A4B5C6D7E8F90",
    creationDate: "2011-09-29T15:46:00.000Z",
    updateDate: "2012-09-29T16:34:00.000Z",
    isVersioned: false,
    mode: "0400",
    owner: "root",
  };
}
