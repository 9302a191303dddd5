import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import type { Duplex } from "node:stream";

/** What a server was asked. */
export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: unknown;
}

export interface Reply {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  /** A text is sent as it is, anything else as JSON. */
  readonly body?: unknown;
}

export interface FakeVault {
  readonly address: string;
  readonly asked: Asked[];
  readonly server: Server;
}

const servers: Server[] = [];
/** Of tunnels, which clients keep for more requests. */
const tunnels = new Set<Duplex>();

/** A server on loopback that answers as a test says, and notes what it is asked. Undefined as an answer: it hangs up. */
export async function fakeVault(answer: (asked: Asked) => Reply | undefined): Promise<FakeVault> {
  const asked: Asked[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    const { method = "", url: path = "", headers } = request;
    asked.push({ method, path, headers, body: text ? JSON.parse(text) : undefined });
    const reply = answer(asked.at(-1)!);
    if (!reply) return void request.socket.destroy();
    const { body, status = body === undefined ? 204 : 200 } = reply;
    response.writeHead(status, reply.headers);
    response.end(typeof body === "string" || body === undefined ? body : JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  servers.push(server);
  return { address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked, server };
}

export interface FakeProxy {
  /** HOST:PORT */
  readonly address: string;
  readonly asked: string[];
}

/** A proxy that leads every request to one server, and notes what it is asked. */
export async function fakeProxy(to: string, status = 200): Promise<FakeProxy> {
  const asked: string[] = [];
  const { hostname, port } = new URL(to);
  const note = (method = "", url = "", headers: NodeJS.Dict<string | string[]>): void => {
    asked.push(`${method} ${url} ${headers["proxy-authorization"] ?? ""}`.trim());
  };
  const server = createServer((request, response) => {
    note(request.method, request.url, request.headers);
    response.writeHead(status, { "Content-Type": "application/json" }).end('{"data":{"by":"proxy"}}');
  });
  server.on("connect", (request, socket) => {
    note(request.method, request.url, request.headers);
    tunnels.add(socket.on("error", () => undefined));
    if (status !== 200) return socket.end(`HTTP/1.1 ${status} no\r\nContent-Length: 0\r\n\r\n`);
    const onward = connect(Number(port), hostname, () => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      socket.pipe(onward).pipe(socket);
    });
    onward.on("error", () => socket.destroy());
    socket.on("close", () => onward.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  servers.push(server);
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
  };
}

/** To be called after the tests of a file. */
export function stopServers(): void {
  for (const socket of tunnels) socket.destroy();
  for (const server of servers) {
    server.close();
    server.closeAllConnections();
  }
}
