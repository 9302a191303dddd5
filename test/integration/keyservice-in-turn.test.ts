import { join } from "node:path";
import { CreateKeyCommand, KMSClient } from "@aws-sdk/client-kms";
import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  type Env,
  folderWith,
  OurServer,
  output,
  PLAIN,
  sops,
  tsops,
} from "../support/integration/keyservice.ts";
import { answers, freePorts, installed, scratch, startServer } from "../support/integration/servers.ts";

// Key management systems behind our key service. Clients have no credentials, and each one is a process of its own: what
// the service remembers of one has to serve the next.

const [awsPort, googlePort, vaultPort] = (await freePorts(3)) as [number, number, number];
const AWS = `http://127.0.0.1:${awsPort}`;
const GOOGLE = `http://127.0.0.1:${googlePort}`;
const VAULT = `http://127.0.0.1:${vaultPort}`;
await Promise.all([
  startServer({
    argv: [installed("MOTO"), "-H", "127.0.0.1", "-p", String(awsPort)],
    ready: () => answers(`${AWS}/moto-api/`, 200),
  }),
  startServer({
    argv: [installed("DRONGO"), "server", "--host", "127.0.0.1", "--port", String(googlePort)],
    ready: () => answers(GOOGLE),
  }),
  startServer({
    argv: [
      ...([installed("BAO"), "server", "-dev", "-dev-root-token-id=root", "-dev-no-store-token"] as const),
      `-dev-listen-address=127.0.0.1:${vaultPort}`,
    ],
    ready: () => answers(`${VAULT}/v1/sys/health`, 200),
  }),
]);

const CREDENTIALS: Env = {
  ...{ AWS_ACCESS_KEY_ID: "AKIATEST", AWS_SECRET_ACCESS_KEY: "secret", AWS_ENDPOINT_URL: AWS },
  ...{ SOPS_GCP_KMS_CLIENT_TYPE: "rest", SOPS_GCP_KMS_ENDPOINT: GOOGLE, GOOGLE_OAUTH_ACCESS_TOKEN: "token" },
  ...{ VAULT_ADDR: VAULT, VAULT_TOKEN: "root" },
};
const NOTHING: Env = { AWS_EC2_METADATA_DISABLED: "true" };

async function makeKeys(): Promise<readonly (readonly [string, string])[]> {
  const aws = new KMSClient({
    region: "eu-west-1",
    endpoint: AWS,
    credentials: { accessKeyId: "AKIATEST", secretAccessKey: "secret" },
  });
  const arn = (await aws.send(new CreateKeyCommand({}))).KeyMetadata!.Arn!;
  const location = "projects/p/locations/global";
  await post(`${GOOGLE}/v1/${location}/keyRings?keyRingId=r`, {});
  await post(`${GOOGLE}/v1/${location}/keyRings/r/cryptoKeys?cryptoKeyId=k`, { purpose: "ENCRYPT_DECRYPT" });
  await post(`${VAULT}/v1/sys/mounts/transit`, { type: "transit" });
  await post(`${VAULT}/v1/transit/keys/k`, {});
  return [
    ["--kms", arn],
    ["--gcp-kms", `${location}/keyRings/r/cryptoKeys/k`],
    ["--hc-vault-transit", `${VAULT}/v1/transit/keys/k`],
  ];
}

async function post(url: string, body: unknown): Promise<void> {
  const headers = { "content-type": "application/json", "X-Vault-Token": "root" };
  const { ok, status } = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
  assert.ok(ok, `${url}: ${status}`);
}

test("AWS KMS, Google Cloud KMS and Vault behind our key service, for SOPS's client and ours, one after the other", async () => {
  const keys = await makeKeys();
  const socket = join(scratch(), "s");
  const server = await OurServer.start(["--network", "unix", "--address", socket], CREDENTIALS);
  const asking = ["--enable-local-keyservice=false", "--keyservice", `unix://${socket}`];
  for (const [option, key] of keys) {
    for (const [client, other] of [
      [sops, tsops],
      [tsops, sops],
    ] as const) {
      const folder = folderWith();
      await output(client(["encrypt", "-i", option, key, ...asking, "plain.yaml"], folder, NOTHING));
      for (const reader of [client, other])
        assert.is(await output(reader(["decrypt", ...asking, "plain.yaml"], folder, NOTHING)), PLAIN);
    }
  }
  const results = server.requests();
  assert.is(results.length, 18);
  assert.ok(
    results.every((result) => result.endsWith(" ok")),
    results.join(", "),
  );
});

test.run();
