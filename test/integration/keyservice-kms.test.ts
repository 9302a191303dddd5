import { join } from "node:path";
import { KMS } from "@aws-sdk/client-kms";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { newAwsClient } from "../../src/keys/aws/client.ts";
import {
  type Env,
  folderWith,
  OurServer,
  output,
  PLAIN,
  read,
  realServer,
  sops,
  tsops,
} from "../support/integration/keyservice.ts";
import { answers, freePorts, installed, scratch, startServer } from "../support/integration/servers.ts";

// Keys of AWS KMS (moto) and of Vault's transit engine (OpenBao) through key services: our client and the real SOPS's
// server, and the reverse. Only the service has credentials.

const [motoPort, baoPort] = (await freePorts(2)) as [number, number];
const moto = `http://127.0.0.1:${motoPort}`;
const bao = `http://127.0.0.1:${baoPort}`;
const TOKEN = "the-root-token-of-the-tests";
const SECRET = "the-secret-access-key-of-the-tests";
await Promise.all([
  startServer({
    argv: [installed("MOTO"), "-H", "127.0.0.1", "-p", String(motoPort)],
    ready: () => answers(`${moto}/moto-api/`, 200),
  }),
  startServer({
    argv: [
      ...([installed("BAO"), "server", "-dev", `-dev-root-token-id=${TOKEN}`] as const),
      `-dev-listen-address=127.0.0.1:${baoPort}`,
      "-dev-no-store-token",
    ],
    ready: () => answers(`${bao}/v1/sys/health`, 200),
  }),
]);

const CREDENTIALS: Env = {
  AWS_ACCESS_KEY_ID: "AKIATESTSTESTSTESTS0",
  AWS_SECRET_ACCESS_KEY: SECRET,
  AWS_ENDPOINT_URL: moto,
  AWS_EC2_METADATA_DISABLED: "true",
  VAULT_TOKEN: TOKEN,
};
const ONLY = "--enable-local-keyservice=false";

async function vault(path: string, body: unknown): Promise<void> {
  const response = await fetch(`${bao}/v1/${path}`, {
    method: "POST",
    headers: { "X-Vault-Token": TOKEN },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
}

await vault("sys/mounts/team/transit", { type: "transit" });
await vault("team/transit/keys/app", {});
const client = newAwsClient(
  () =>
    new KMS({
      endpoint: moto,
      region: "us-east-1",
      credentials: { accessKeyId: "x", secretAccessKey: SECRET },
    }),
);
const ARN = (await client.createKey({})).KeyMetadata!.Arn!;
const URI = `${bao}/v1/team/transit/keys/app`;
/** What each kind is named with, and how a service's log calls it. */
const KINDS: readonly (readonly [kind: string, ...options: string[]])[] = [
  ["kms", "--kms", ARN, "--encryption-context", "app:web,stage:prod"],
  ["hc_vault", "--hc-vault-transit", URI],
];

async function ourServer(args: readonly string[] = [], env: Env = {}) {
  const socket = join(scratch(), "s");
  const all = ["--network", "unix", "--address", socket, ...args];
  const server = await OurServer.start(all, { ...CREDENTIALS, TSOPS_ALLOW: `vault=${bao}`, ...env });
  return { server, uri: `unix://${socket}` };
}

test("our client uses the real SOPS's key service", async () => {
  const uri = await realServer(CREDENTIALS);
  const asking = [ONLY, "--keyservice", uri];
  for (const [, ...options] of KINDS) {
    const folder = folderWith();
    await output(tsops(["encrypt", "-i", ...options, ...asking, "plain.yaml"], folder));
    assert.is(await output(tsops(["decrypt", ...asking, "plain.yaml"], folder)), PLAIN);
    await output(tsops(["rotate", "-i", ...asking, "plain.yaml"], folder));
    assert.is(await output(sops(["decrypt", "plain.yaml"], folder, CREDENTIALS)), PLAIN);
    assert.is((await tsops(["decrypt", "plain.yaml"], folder)).code, 128, "nothing else opens it");
  }
});

test("the real SOPS's client uses our key service, time and again", async () => {
  const { server, uri } = await ourServer();
  const asking = [ONLY, "--keyservice", uri];
  for (const [kind, ...options] of KINDS) {
    const folder = folderWith();
    await output(sops(["encrypt", "-i", ...options, ...asking, "plain.yaml"], folder));
    assert.is(await output(sops(["decrypt", ...asking, "plain.yaml"], folder)), PLAIN);
    assert.is(await output(tsops(["decrypt", ...asking, "plain.yaml"], folder)), PLAIN);
    const alone = { ...CREDENTIALS, TSOPS_ALLOW: `vault=${bao}` };
    assert.is(await output(tsops(["decrypt", "plain.yaml"], folder, alone)), PLAIN);
    assert.equal(server.requests().splice(-3), [
      `Encrypt ${kind} ok`,
      `Decrypt ${kind} ok`,
      `Decrypt ${kind} ok`,
    ]);
  }
  assert.is(await server.stop(), 0);
  for (const secret of [TOKEN, SECRET]) assert.not.ok(server.stderr.includes(secret));
});

test("a client cannot make the service use its credentials where nobody vouches for them", async () => {
  const { server, uri } = await ourServer([], { TSOPS_ALLOW: "" });
  const folder = folderWith();
  const asking = [ONLY, "--keyservice", uri];
  const { code, stderr } = await tsops(
    ["encrypt", "-i", "--hc-vault-transit", URI, ...asking, "plain.yaml"],
    folder,
  );
  assert.is.not(code, 0);
  assert.match(stderr, /vouches/);
  const role = `${ARN}+arn:aws:iam::123456789012:role/other`;
  const other = await sops(["encrypt", "-i", "--kms", role, ...asking, "plain.yaml"], folder);
  assert.is.not(other.code, 0);
  assert.match(other.stderr, /vouches/);
  assert.is(read(folder, "plain.yaml"), PLAIN);
  assert.is(await server.stop(), 0);
});

test.run();
