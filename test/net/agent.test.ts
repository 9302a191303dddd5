import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { type AddressInfo, connect, type Server } from "node:net";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { agentFor } from "../../src/net/agent.ts";
import { failureOf } from "../../src/net/failure.ts";
import { send } from "../../src/net/http.ts";
import { emptyFolder } from "../support/keys/contexts.ts";
import { makeCertificates } from "../support/servers/tls.ts";

const { server: pair, ca: file } = makeCertificates(join(emptyFolder(), "tls"), ["server.example"]);
const pem = { key: readFileSync(pair.key), cert: readFileSync(pair.cert) };
const ca = readFileSync(file);

const servers: Server[] = [];
async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  servers.push(server.unref());
  return (server.address() as AddressInfo).port;
}

/** A proxy that leads everything to one port, as `answer` says first. */
async function proxyTo(port: number, tls: boolean, answer = "HTTP/1.1 200 OK\r\n\r\n") {
  const asked: string[] = [];
  const proxy = tls ? createSecureServer(pem) : createServer();
  proxy.on("connect", ({ url }, socket) => {
    asked.push(url ?? "");
    socket.on("error", () => undefined).write(answer);
    if (!answer.includes(" 200 ")) return socket.end();
    const onward = connect(port, "127.0.0.1").on("error", () => socket.destroy());
    socket.pipe(onward).pipe(socket);
  });
  return { address: `${tls ? "https" : "http"}://127.0.0.1:${await listening(proxy)}`, asked };
}

const target = new URL("https://server.example/a");
async function get(proxy: string, signal = AbortSignal.timeout(20_000)): Promise<string> {
  const agent = agentFor(target, { env: { HTTPS_PROXY: proxy, TSOPS_KMS_TIMEOUT: "1" } }, { tls: { ca } });
  try {
    return (await send({ method: "GET", url: target }, { signal, agent })).body.toString();
  } finally {
    agent.destroy();
  }
}

const server = await listening(createSecureServer(pem, (_, response) => void response.end("of the server")));

for (const tls of [false, true]) {
  test(`a proxy that is spoken to ${tls ? "over TLS" : "in the clear"}: TLS with the server is inside`, async () => {
    const proxy = await proxyTo(server, tls);
    assert.is(await get(proxy.address), "of the server");
    assert.equal(proxy.asked, ["server.example:443"]);
  });
}

test("what a proxy answers itself is never taken for the server's answer", async () => {
  for (const status of ["201 Created", "403 Forbidden", "302 Found"]) {
    const answer = `HTTP/1.1 ${status}\r\nContent-Length: 12\r\n\r\nof the proxy`;
    const error: unknown = await get((await proxyTo(server, false, answer)).address).catch((e: unknown) => e);
    assert.match(failureOf(error)!.why, `the proxy answers with status ${status.slice(0, 3)}`);
  }
});

test("a proxy that says nothing is waited for in bounded time", async () => {
  const silent = await listening(createServer().on("connect", () => undefined));
  const error: unknown = await get(`http://127.0.0.1:${silent}`).catch((e: unknown) => e);
  assert.match(failureOf(error)!.why, "of the proxy, it does not answer");
});

test("an answer that is too long is not collected", async () => {
  const port = await listening(createServer((_, response) => void response.end("x".repeat(2000))));
  const url = new URL(`http://127.0.0.1:${port}`);
  const options = { signal: AbortSignal.timeout(20_000), agent: agentFor(url, { env: {} }), limit: 1000 };
  const error: unknown = await send({ method: "GET", url }, options).catch((e: unknown) => e);
  assert.match((error as Error).message, "its answer is too long");
});

test.after(() => {
  for (const each of servers) each.close();
});
test.run();
