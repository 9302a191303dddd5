import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { status } from "@grpc/grpc-js";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { post } from "../support/integration/google.ts";
import { answers, freePorts, installed, scratch, startServer } from "../support/integration/servers.ts";
import { argvOf } from "../support/program.ts";
import { ALL, startGoogleKms } from "../support/servers/google-kms.ts";
import { ENABLED, KEY_PAIR, PROJECT, startHuaweiDouble } from "../support/servers/huawei-kms.ts";
import { KeyVault } from "../support/servers/key-vault.ts";
import { makeCertificates } from "../support/servers/tls.ts";

/** Whole runs at the services of Google, Azure, HuaweiCloud and Vault when they throttle: nothing is lost. AWS: throttling.test.ts. */

const COUNT = 200;
/** Of so many calls one comes through. */
const EVERY = 5;
const GOOGLE_KEY = "projects/p/locations/global/keyRings/r/cryptoKeys/k";

type Headers = Readonly<Record<string, string>>;

interface Kind {
  readonly rule: string;
  readonly env: Readonly<Record<string, string>>;
  /** Four calls of five are refused, or none is any more. */
  throttle(on: boolean): void;
  /** The next call is refused with these headers; undefined where the protocol has none. */
  readonly refuseOne?: (headers: Headers) => void;
}

/** Stands before a server of others and refuses calls. */
async function front(upstream: string, refusal: { status: number; body: unknown }) {
  let [asked, on] = [0, false];
  let next: Headers | undefined;
  const server: Server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    asked++;
    if (next !== undefined || (on && asked % EVERY !== 0)) {
      const headers = { "content-type": "application/json", ...next };
      next = undefined;
      response.writeHead(refusal.status, headers).end(JSON.stringify(refusal.body));
      return;
    }
    const { host: _, connection: __, "content-length": ___, ...headers } = request.headers;
    const body = chunks.length > 0 ? Buffer.concat(chunks) : undefined;
    const answer = await fetch(`${upstream}${request.url}`, {
      method: request.method,
      headers: headers as Record<string, string>,
      body,
    });
    const type = answer.headers.get("content-type") ?? "";
    response.writeHead(answer.status, { "content-type": type }).end(Buffer.from(await answer.arrayBuffer()));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  stops.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    throttle: (value: boolean) => void (on = value),
    refuseOne: (headers: Headers) => void (next = headers),
  };
}

const stops: (() => unknown)[] = [];
const tls = makeCertificates(scratch());

/** What is refused, for a double that takes a list of what comes next. */
function pattern<T>(refusal: T): (T | undefined)[] {
  return Array.from({ length: COUNT * EVERY * 10 }, (_, i) =>
    i % EVERY === EVERY - 1 ? undefined : refusal,
  );
}

const KINDS: Readonly<Record<string, () => Promise<Kind>>> = {
  "Google Cloud KMS over gRPC": async () => {
    const kms = await startGoogleKms(tls.server);
    stops.push(kms.stop);
    kms.createKey(GOOGLE_KEY);
    kms.grant("fake", ALL);
    return {
      rule: `gcp_kms: ${GOOGLE_KEY}`,
      env: {
        SSL_CERT_FILE: tls.ca,
        SOPS_GCP_KMS_ENDPOINT: kms.endpoint,
        GOOGLE_OAUTH_ACCESS_TOKEN: "fake",
      },
      throttle: (on) => kms.failBetween(on ? EVERY : 1, status.RESOURCE_EXHAUSTED),
    };
  },

  "Google Cloud KMS over REST (drongo)": async () => {
    const [port] = await freePorts(1);
    const drongo = `http://127.0.0.1:${port}`;
    const argv = [installed("DRONGO"), "server", "--host", "127.0.0.1", "--port", String(port)] as const;
    await startServer({ argv, ready: () => answers(drongo) });
    const ring = `${drongo}/v1/projects/p/locations/global/keyRings`;
    await post(`${ring}?keyRingId=r`, {});
    await post(`${ring}/r/cryptoKeys?cryptoKeyId=k`, { purpose: "ENCRYPT_DECRYPT" });
    const error = { code: 429, status: "RESOURCE_EXHAUSTED", message: "Quota exceeded." };
    const before = await front(drongo, { status: 429, body: { error } });
    const env = {
      SOPS_GCP_KMS_CLIENT_TYPE: "rest",
      SOPS_GCP_KMS_ENDPOINT: before.url,
      GOOGLE_OAUTH_ACCESS_TOKEN: "fake",
    };
    return { ...before, rule: `gcp_kms: ${GOOGLE_KEY}`, env };
  },

  "Azure Key Vault": async () => {
    const vault = await new KeyVault().listen(tls);
    stops.push(() => vault.close());
    const refusal = { status: 429, body: { error: { code: "Throttled", message: "Not processed." } } };
    return {
      rule: `azure_keyvault: ${vault.create("sops")}`,
      env: {
        SSL_CERT_FILE: tls.ca,
        TSOPS_ALLOW: `azure=${vault.url}`,
        IDENTITY_ENDPOINT: vault.msi,
        IDENTITY_HEADER: "header-of-identity",
        AZURE_TOKEN_CREDENTIALS: "ManagedIdentityCredential",
      },
      throttle: (on) => void (vault.failures = on ? pattern(refusal) : []),
      refuseOne: (headers) => void (vault.failures = [{ ...refusal, headers }]),
    };
  },

  "HuaweiCloud KMS": async () => {
    const kms = await startHuaweiDouble();
    stops.push(() => kms.close());
    const refusal = { status: 429, code: "APIGW.0308" };
    return {
      rule: `hckms: ["tr-west-1:${ENABLED}"]`,
      env: {
        HUAWEICLOUD_SDK_REGION_KMS_TR_WEST_1: kms.url,
        HUAWEICLOUD_SDK_AK: KEY_PAIR.ak,
        HUAWEICLOUD_SDK_SK: KEY_PAIR.sk,
        HUAWEICLOUD_SDK_PROJECT_ID: PROJECT,
      },
      throttle: (on) => void kms.next.splice(0, Number.POSITIVE_INFINITY, ...(on ? pattern(refusal) : [])),
      refuseOne: (headers) => void kms.next.push({ ...refusal, headers }),
    };
  },

  "Vault's transit engine (OpenBao)": async () => {
    const [port] = await freePorts(1);
    const bao = `http://127.0.0.1:${port}`;
    const options = ["-dev", "-dev-root-token-id=root", `-dev-listen-address=127.0.0.1:${port}`];
    await startServer({
      argv: [installed("BAO"), "server", ...options, "-dev-no-store-token"],
      ready: () => answers(`${bao}/v1/sys/health`, 200),
    });
    for (const [path, body] of [
      ["sys/mounts/transit", { type: "transit" }],
      ["transit/keys/many", {}],
    ] as const) {
      const headers = { "X-Vault-Token": "root" };
      const answer = await fetch(`${bao}/v1/${path}`, {
        method: "POST",
        headers,
        body: JSON.stringify(body),
      });
      assert.ok(answer.ok, path);
    }
    const before = await front(bao, { status: 429, body: { errors: ["rate limit quota exceeded"] } });
    return {
      ...before,
      rule: `hc_vault_transit_uri: ${before.url}/v1/transit/keys/many`,
      env: { VAULT_TOKEN: "root", TSOPS_ALLOW: `vault=${before.url}` },
    };
  },
};

/** The built program in a folder; it never waits for a person. */
async function tsops(folder: string, { env }: Kind, argv: readonly string[]): Promise<string> {
  const [program, ...first] = argvOf(installed("TSOPS"));
  const child = spawn(program, [...first, ...argv], {
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: join(folder, "home"), ...env },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (said += text));
  const code = await new Promise((resolve) => child.on("close", resolve));
  assert.is(code, 0, said.slice(-2000));
  return said;
}

function folderWith({ rule }: Kind, count: number): { folder: string; files: string[] } {
  const folder = scratch();
  mkdirSync(join(folder, "home"));
  const files = Array.from({ length: count }, (_, i) => `f${i}.yaml`);
  for (const name of files) writeFileSync(join(folder, name), `name: ${name}\n`);
  writeFileSync(join(folder, ".sops.yaml"), `creation_rules:\n  - ${rule}\n`);
  return { folder, files };
}

/** All kinds at the same time, since most of it is waiting. What went wrong with one is its own test's matter. */
const runs = Object.entries(KINDS).map(([name, start]) => {
  const kind = start();
  const run = kind.then(throttled);
  run.catch(() => undefined);
  return { name, kind, run };
});

async function throttled(kind: Kind): Promise<void> {
  const { folder, files } = folderWith(kind, COUNT);
  const plain = files.map((file) => readFileSync(join(folder, file), "utf8"));
  kind.throttle(true);
  assert.match(await tsops(folder, kind, ["encrypt", "-i", ...files]), `encrypted ${COUNT} of ${COUNT}`);
  const some = files.slice(0, 20);
  assert.match(await tsops(folder, kind, ["rotate", "-i", ...some]), "rotated 20 of 20 files");
  kind.throttle(false);
  assert.match(await tsops(folder, kind, ["decrypt", "-i", ...files]), `decrypted ${COUNT} of ${COUNT}`);
  assert.equal(
    files.map((file) => readFileSync(join(folder, file), "utf8")),
    plain,
  );
}

for (const { name, kind, run } of runs) {
  test(`${name} throttles four calls of five: of ${COUNT} files none is lost`, () => run);

  test(`${name} says for how long it wants to be left alone, in seconds or as a date: it is`, async () => {
    const { refuseOne } = await kind;
    if (!refuseOne) return;
    await run;
    const { folder, files } = folderWith(await kind, 1);
    await tsops(folder, await kind, ["encrypt", "-i", ...files]);
    const start = Date.now();
    refuseOne({ "retry-after": "2" });
    await tsops(folder, await kind, ["decrypt", ...files]);
    assert.ok(Date.now() - start >= 2000, `it came back after ${Date.now() - start} ms`);
    // whole seconds
    const date = new Date(Math.ceil(Date.now() / 1000) * 1000 + 2000);
    refuseOne({ "retry-after": date.toUTCString() });
    await tsops(folder, await kind, ["decrypt", ...files]);
    assert.ok(Date.now() >= date.getTime(), `it came back ${date.getTime() - Date.now()} ms too early`);
  });
}

test.after(async () => {
  for (const stop of stops) await stop();
});
test.run();
