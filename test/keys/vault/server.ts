import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";

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

/** To be called after the tests of a file. */
export function stopServers(): void {
  for (const server of servers) {
    server.close();
    server.closeAllConnections();
  }
}
