import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from "node:net";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { TsopsError } from "../../../src/errors.ts";
import { TABLE_OF_KINDS } from "../../../src/keys/context.ts";
import type { KeyContext } from "../../../src/keys/kind.ts";
import { argvOf } from "../program.ts";
import { installed, scratch } from "./servers.ts";

export const PLAIN = "password: s3cret\nport: 5432\n";
export const ID = "projects/p/locations/global/keyRings/r/cryptoKeys/k";

export type Env = Readonly<Record<string, string>>;

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end, without blocking the doubles in this process. */
export async function run(argv: readonly [string, ...string[]], env: Env, cwd = scratch()): Promise<Ended> {
  const child = spawn(argv[0], argv.slice(1), {
    cwd,
    env: { PATH: process.env.PATH, HOME: scratch(), METADATA_SERVER_DETECTION: "none", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const texts = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const)
    child[name].setEncoding("utf8").on("data", (text: string) => (texts[name] += text));
  const code = await new Promise<number | null>((resolve, reject) =>
    child.once("error", reject).once("close", resolve),
  );
  return { code, ...texts };
}

export const tsops = (args: readonly string[], env: Env, cwd?: string): Promise<Ended> =>
  run([...argvOf(installed("TSOPS")), ...args], env, cwd);

export const sops = (args: readonly string[], env: Env, cwd?: string): Promise<Ended> =>
  run([installed("REAL_SOPS"), ...args], env, cwd);

export function contextWith(env: Env, more: Partial<KeyContext> = {}): KeyContext {
  return {
    env: { METADATA_SERVER_DETECTION: "none", ...env },
    home: scratch(),
    now: () => new Date(),
    warn: () => undefined,
    kinds: TABLE_OF_KINDS,
    cache: new Map(),
    ...more,
  };
}

export interface Proxy {
  readonly address: string;
  /** The targets that were asked for. */
  readonly targets: string[];
  stop(): void;
}

/** A proxy that leads hosts of Google's to doubles on this machine, and nothing anywhere else. */
export async function googleProxy(routes: ReadonlyMap<string, string>, login?: string): Promise<Proxy> {
  const targets: string[] = [];
  const server: Server = createServer();
  server.on("connect", ({ url = "", headers }, client) => {
    targets.push(url);
    const right = !login || headers["proxy-authorization"] === `Basic ${btoa(login)}`;
    const [host, port] = (right ? routes.get(url) : undefined)?.split(":") ?? [];
    if (!host) {
      client.end(`HTTP/1.1 ${right ? "403 Forbidden" : "407 Proxy Authentication Required"}\r\n\r\n`);
      return;
    }
    const upstream = connect(Number(port), host, () => {
      client.write("HTTP/1.1 200 Connection established\r\n\r\n");
      client.pipe(upstream).pipe(client);
    });
    client.on("error", () => upstream.destroy());
    upstream.on("error", () => client.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  server.unref();
  const stop = () => void server.close();
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, targets, stop };
}

/** Sends JSON. @throws if the status is not 200. */
export async function post(url: string, body: unknown): Promise<void> {
  const headers = { "content-type": "application/json" };
  const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`${url}: status ${response.status}: ${await response.text()}`);
}

export async function failure(promise: Promise<unknown>): Promise<TsopsError> {
  const error: unknown = await promise.then(
    () => assert.unreachable("it must fail"),
    (reason: unknown) => reason,
  );
  assert.instance(error, TsopsError);
  return error as TsopsError;
}

/** Both programs write a file with the same server, and both open both. */
export async function bothWays(env: Env): Promise<void> {
  const folder = scratch();
  writeFileSync(join(folder, "plain.yaml"), PLAIN);
  const programs = { tsops, sops };
  for (const [name, program] of Object.entries(programs)) {
    const { code, stdout, stderr } = await program(["encrypt", "--gcp-kms", ID, "plain.yaml"], env, folder);
    assert.is(code, 0, stderr);
    assert.is(name === "tsops" ? stderr : "", "");
    assert.match(stdout, `resource_id: ${ID}`);
    writeFileSync(join(folder, `${name}.yaml`), stdout);
  }
  for (const [name, program] of Object.entries(programs)) {
    for (const writer of Object.keys(programs)) {
      const { code, stdout, stderr } = await program(["decrypt", `${writer}.yaml`], env, folder);
      assert.is(code, 0, stderr);
      assert.is(stdout, PLAIN, `${name} opens what ${writer} wrote`);
    }
  }
}

/** Listens, and says nothing. */
export async function silentServer(): Promise<{ address: string; stop(): void }> {
  const server = createTcpServer((socket) => void sockets.push(socket));
  const sockets: Socket[] = [];
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const stop = () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return { address: `127.0.0.1:${port}`, stop };
}
