import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { KMS } from "@aws-sdk/client-kms";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { newAwsClient } from "../../src/keys/aws/client.ts";
import { answers, freePorts, installed, scratch, startServer } from "../support/integration/servers.ts";
import { argvOf } from "../support/program.ts";

/** Whole runs at services that throttle (OpenBao with a quota, moto behind a limit) or hang: what a user sees of them. */

const KEYS = { AWS_ACCESS_KEY_ID: "AKIATESTSTESTSTESTS0", AWS_SECRET_ACCESS_KEY: "secret" };
const [motoPort, baoPort] = (await freePorts(2)) as [number, number];
const moto = `http://127.0.0.1:${motoPort}`;
const bao = `http://127.0.0.1:${baoPort}`;
await startServer({
  argv: [installed("MOTO"), "-H", "127.0.0.1", "-p", String(motoPort)],
  ready: () => answers(`${moto}/moto-api/`, 200),
});
const baoOptions = ["-dev", "-dev-root-token-id=root", `-dev-listen-address=127.0.0.1:${baoPort}`];
await startServer({
  argv: [installed("BAO"), "server", ...baoOptions, "-dev-no-store-token"],
  ready: () => answers(`${bao}/v1/sys/health`, 200),
});

/** Stands before moto: of five calls it lets one through, the others are throttled; or it never answers. */
let asked = 0;
let throttled = 0;
let hanging = false;
let failing = false;
const front = createServer(async (request, response) => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  asked++;
  if (hanging) return;
  if (failing) return void response.writeHead(500).end('{"__type":"KMSInternalException"}');
  if (asked % 5 !== 0) {
    throttled++;
    response
      .writeHead(400, { "content-type": "application/x-amz-json-1.1" })
      .end('{"__type":"ThrottlingException","message":"Rate exceeded"}');
    return;
  }
  const { authorization = "", "content-type": type = "" } = request.headers;
  const answer = await fetch(moto, {
    method: "POST",
    headers: { authorization, "content-type": type, "x-amz-target": String(request.headers["x-amz-target"]) },
    body: Buffer.concat(chunks),
  });
  response.writeHead(answer.status).end(Buffer.from(await answer.arrayBuffer()));
});
await new Promise<void>((resolve) => front.listen(0, "127.0.0.1", resolve));
const endpoint = `http://127.0.0.1:${(front.address() as AddressInfo).port}`;

async function awsKey(): Promise<string> {
  const client = newAwsClient(
    () =>
      new KMS({
        endpoint: moto,
        region: "us-east-1",
        credentials: { accessKeyId: KEYS.AWS_ACCESS_KEY_ID, secretAccessKey: KEYS.AWS_SECRET_ACCESS_KEY },
      }),
  );
  return (await client.createKey({})).KeyMetadata!.Arn!;
}

async function baoAdmin(path: string, body: unknown): Promise<void> {
  const headers = { "X-Vault-Token": "root" };
  const answer = await fetch(`${bao}/v1/${path}`, { method: "POST", headers, body: JSON.stringify(body) });
  assert.ok(answer.ok, `${path}: ${answer.status} ${await answer.text()}`);
}

interface Outcome {
  readonly code: number;
  readonly said: string;
}

/** The built program in a folder; it never waits for a person. */
function tsops(folder: string, env: Record<string, string>, argv: readonly string[]): Promise<Outcome> {
  const [program, ...first] = argvOf(installed("TSOPS"));
  const child = spawn(program, [...first, ...argv], {
    cwd: folder,
    env: {
      ...KEYS,
      PATH: process.env.PATH,
      HOME: join(folder, "home"),
      AWS_ENDPOINT_URL: endpoint,
      AWS_EC2_METADATA_DISABLED: "true",
      VAULT_TOKEN: "root",
      TSOPS_ALLOW: `vault=${bao}`,
      ...env,
    },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (said += text));
  return new Promise((resolve) => child.on("close", (code) => resolve({ code: code ?? -1, said })));
}

function folderWith(rule: string, count: number): { folder: string; files: string[] } {
  const folder = scratch();
  mkdirSync(join(folder, "home"));
  const files = Array.from({ length: count }, (_, i) => `f${i}.yaml`);
  for (const name of files) writeFileSync(join(folder, name), `name: ${name}\n`);
  writeFileSync(join(folder, ".sops.yaml"), `creation_rules:\n  - ${rule}\n`);
  return { folder, files };
}

async function passes(outcome: Promise<Outcome>, said: string): Promise<void> {
  const { code, said: all } = await outcome;
  assert.is(code, 0, all.slice(-2000));
  assert.match(all, said);
}

test("AWS KMS throttles four calls of five: of 200 files none is lost", async () => {
  const arn = await awsKey();
  const { folder, files } = folderWith(`kms: ${arn}`, 200);
  throttled = 0;
  await passes(tsops(folder, {}, ["encrypt", "-i", ...files]), "encrypted 200 of 200 files");
  assert.ok(throttled > 200, `only ${throttled} calls were throttled`);
  const some = files.slice(0, 20);
  await passes(tsops(folder, {}, ["decrypt", "--output", "out", ...some]), "decrypted 20 of 20 files");
  await passes(tsops(folder, {}, ["rotate", "-i", ...some]), "rotated 20 of 20 files");
});

test("OpenBao with a quota of 40 calls a second: of 200 files none is lost", async () => {
  await baoAdmin("sys/mounts/transit", { type: "transit" });
  await baoAdmin("transit/keys/many", {});
  await baoAdmin("sys/quotas/rate-limit/few", { rate: 40, interval: "1s", path: "transit" });
  const { folder, files } = folderWith(`hc_vault_transit_uri: ${bao}/v1/transit/keys/many`, 200);
  await passes(tsops(folder, {}, ["encrypt", "-i", ...files]), "encrypted 200 of 200 files");
  await passes(tsops(folder, {}, ["rotate", "-i", ...files]), "rotated 200 of 200 files");
});

test("a service that never answers: the run gives up after three timeouts in a row, with one error for all files", async () => {
  const arn = await awsKey();
  const { folder, files } = folderWith(`kms: ${arn}`, 200);
  hanging = true;
  for (const jobs of [1, 16]) {
    asked = 0;
    const argv = ["encrypt", "-i", "--jobs", String(jobs), ...files];
    const { code, said } = await tsops(folder, { TSOPS_KMS_TIMEOUT: "1" }, argv);
    assert.is(code, 1);
    // each call waits for as long as one may. As many as jobs wait together, and with two more of them none waits behind
    // more than two others: the run takes three times as long as one call may, whatever the machine
    assert.ok(asked >= 3 && asked <= jobs + 2, `the service was called ${asked} times`);
    assert.is(said.match(/^tsops: f\d+\.yaml: /gm)?.length, 1, said);
    assert.match(said, "it did not answer within 1 seconds");
    assert.match(said, "  the same for 199 more files; --verbose lists them");
    assert.match(said, /encrypted 0 of 200 files, 200 failed\n$/);
    assert.ok(said.split("\n").length < 8, said);
  }
  hanging = false;
});

test("a service that answers 500 to everything: the run gives up after about as long as one call may take", async () => {
  const arn = await awsKey();
  const { folder, files } = folderWith(`kms: ${arn}`, 200);
  failing = true;
  asked = 0;
  const argv = ["encrypt", "-i", "--jobs", "4", ...files];
  const { code, said } = await tsops(folder, { TSOPS_KMS_TIMEOUT: "2" }, argv);
  failing = false;
  assert.is.not(code, 0);
  // four calls for each file would be 800
  assert.ok(asked < 200, `the service was called ${asked} times`);
  assert.match(said, /encrypted 0 of 200 files/);
  assert.ok(said.split("\n").length < 12, said);
});

test.after(() => {
  front.close();
  front.closeAllConnections();
});
test.run();
