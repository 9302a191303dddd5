import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { argvOf } from "../support/program.ts";

/** Whether the real SOPS and tsops go through a proxy for the same addresses: neither gets any further. */

const { REAL_SOPS, TSOPS } = process.env;
if (!REAL_SOPS || !TSOPS) throw new Error("REAL_SOPS or TSOPS is not set: run npm run test:interop");

const folder = mkdtempSync(join(tmpdir(), "tsops-proxies-"));
writeFileSync(join(folder, "plain.yaml"), "a: 1\n");

let asked = 0;
const proxy = createServer((_, response) => {
  asked++;
  response.writeHead(403).end();
}).on("connect", (_, socket) => {
  asked++;
  socket.on("error", () => undefined).end("HTTP/1.1 403 no\r\n\r\n");
});
await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
const P = `127.0.0.1:${(proxy.address() as AddressInfo).port}`;

/** Encrypts for a key of a Vault server that nobody has. */
async function through(program: readonly string[], address: string, env: Record<string, string>) {
  asked = 0;
  const [command = "", ...args] = program;
  const child = spawn(
    command,
    [...args, "encrypt", "--hc-vault-transit", `${address}/v1/transit/keys/k`, "plain.yaml"],
    {
      cwd: folder,
      stdio: "ignore",
      env: {
        PATH: process.env.PATH,
        HOME: folder,
        VAULT_TOKEN: "t",
        VAULT_ADDR: address,
        VAULT_MAX_RETRIES: "0",
        ...env,
      },
    },
  );
  assert.is.not(await new Promise((resolve) => child.once("close", resolve)), 0);
  return asked > 0 ? "proxy" : "direct";
}

const NAME = "https://v.a.invalid:8200";
// of a range that no network has: a connection fails at once
const NUMBER = "https://240.0.0.1:8200";

const CASES: readonly (readonly [env: Record<string, string>, address: string])[] = [
  [{}, NAME],
  [{ https_proxy: P }, NAME],
  [{ HTTPS_PROXY: "", https_proxy: P }, NAME],
  [{ HTTP_PROXY: P }, NAME],
  [{ HTTP_PROXY: P }, "http://v.a.invalid:8200"],
  [{ HTTPS_PROXY: P }, "http://v.a.invalid:8200"],
  ...[
    "a.invalid",
    ".a.invalid",
    "*.a.invalid",
    "V.A.invalid",
    ".v.a.invalid",
    "*.v.a.invalid",
    "x, v.a.invalid",
    "*",
  ].map((NO_PROXY) => [{ HTTPS_PROXY: P, NO_PROXY }, NAME] as const),
  ...["v.a.invalid:8200", "v.a.invalid:443", ".invalid:443"].map(
    (NO_PROXY) => [{ HTTPS_PROXY: P, NO_PROXY }, NAME] as const,
  ),
  ...["240.0.0.1", "240.0.0.1:443", "240.0.0.0/8", "240.1.0.0/16"].map(
    (NO_PROXY) => [{ HTTPS_PROXY: P, NO_PROXY }, NUMBER] as const,
  ),
];

for (const [env, address] of CASES) {
  test(`${JSON.stringify(env)} ${address}`.replaceAll(P, "PROXY"), async () => {
    const bySops = await through([REAL_SOPS], address, env);
    assert.is(await through(argvOf(TSOPS), address, env), bySops);
  });
}

test.after(() => {
  proxy.close();
  rmSync(folder, { recursive: true, force: true });
});
test.run();
