import type { AddressInfo } from "node:net";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Destination } from "../../src/config/model.ts";
import { TsopsError } from "../../src/errors.ts";
import { failureIn, failureOf } from "../../src/net/failure.ts";
import { openTarget } from "../../src/publish/open.ts";
import { contextWith, emptyFolder } from "../support/keys/contexts.ts";
import { azureKv, cluster, gcpKms, hckms, hcVault, keywhiz, kms, vaultkv } from "../support/keys/in-use.ts";
import { makeCertificates } from "../support/servers/tls.ts";
import { fakeProxy, stopServers } from "../support/servers/vault.ts";

type Env = Record<string, string>;
/** Asks a server at HOST:PORT over TLS, and gives what is said of it. */
type Ask = (place: string, env?: Env) => Promise<string>;

const { client, ca } = makeCertificates(join(emptyFolder(), "tls"));
const DATA_KEY = Buffer.alloc(32, 1);

async function said(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    assert.instance(error, TsopsError);
    return `${(error as TsopsError).message}\n${(error as TsopsError).hint}`;
  }
  throw new Error("it should have failed");
}

function wrapping(kind: typeof kms, id: (place: string) => string, env: (place: string) => Env): Ask {
  return (place, more) =>
    said(
      kind.wrap(
        kind.parse(id(place))[0]!,
        DATA_KEY,
        contextWith({ ...env(place), ...more }, { now: () => new Date() }),
      ),
    );
}

function publishing(to: (place: string) => Partial<Destination>, env: (place: string) => Env): Ask {
  return async (place, more) => {
    const context = contextWith({ ...env(place), ...more });
    return said((await openTarget(to(place) as Destination, context)).write("a.yaml", Buffer.from("{}")));
  };
}

const AWS = (place: string): Env => ({
  AWS_ACCESS_KEY_ID: "AKIAEXAMPLE",
  AWS_SECRET_ACCESS_KEY: "secret",
  AWS_ENDPOINT_URL: `https://${place}`,
});
const VAULT = (place: string): Env => ({ VAULT_ADDR: `https://${place}`, VAULT_TOKEN: "t" });
const google =
  (type: string) =>
  (place: string): Env => ({
    GOOGLE_OAUTH_ACCESS_TOKEN: "t",
    SOPS_GCP_KMS_ENDPOINT: place,
    SOPS_GCP_KMS_CLIENT_TYPE: type,
  });
const GOOGLE_KEY = () => "projects/p/locations/l/keyRings/r/cryptoKeys/k";

const KINDS: Readonly<Record<string, Ask>> = {
  "AWS KMS": wrapping(kms, () => "arn:aws:kms:eu-west-1:111122223333:key/1234", AWS),
  "Google by REST": wrapping(gcpKms, GOOGLE_KEY, google("rest")),
  "Google by gRPC": wrapping(gcpKms, GOOGLE_KEY, google("grpc")),
  Azure: wrapping(
    azureKv,
    (place) => `https://${place}/keys/k/0123456789abcdef0123456789abcdef`,
    (place) => ({
      AZURE_TENANT_ID: "t",
      AZURE_CLIENT_ID: "c",
      AZURE_CLIENT_SECRET: "s",
      TSOPS_ALLOW: `azure=https://${place}`,
    }),
  ),
  Vault: wrapping(hcVault, (place) => `https://${place}/v1/transit/keys/k`, VAULT),
  HuaweiCloud: wrapping(
    hckms,
    () => "tr-west-1:12345678-1234-1234-1234-123456789abc",
    (place) => ({
      HUAWEICLOUD_SDK_AK: "a",
      HUAWEICLOUD_SDK_SK: "s",
      HUAWEICLOUD_SDK_PROJECT_ID: "p",
      HUAWEICLOUD_SDK_REGION_KMS_TR_WEST_1: `https://${place}`,
    }),
  ),
  Keywhiz: wrapping(
    keywhiz,
    (place) => `keywhiz://${place}/name`,
    (place) => ({
      KEYWHIZ_CLIENT_CERT: client.cert,
      KEYWHIZ_CLIENT_KEY: client.key,
      KEYWHIZ_CA: ca,
      TSOPS_ALLOW: `keywhiz=${place}`,
    }),
  ),
  "keys in Vault's KV": wrapping(vaultkv, (place) => `vaultkv://${place}/secret/a`, VAULT),
  "a cluster's keys": wrapping(
    cluster,
    (place) => `cluster://${place}/prod`,
    (place) => ({ TSOPS_ALLOW: `cluster=${place}`, TSOPS_KEYSERVICE_CA: ca }),
  ),
  "publishing to S3": publishing(() => ({ s3: { bucket: "bucket", prefix: "" } }), AWS),
  "publishing to Google": publishing(
    () => ({ gcs: { bucket: "bucket", prefix: "" } }),
    (place) => ({ STORAGE_EMULATOR_HOST: `https://${place}` }),
  ),
  "publishing to Azure": publishing(
    (place) => ({ azure: { url: `https://${place}`, container: "c", prefix: "" } }),
    (place) => ({
      AZURE_STORAGE_KEY: "AAAAAAAA",
      TSOPS_ALLOW: `azure_storage=https://${place}`,
    }),
  ),
  "publishing to Vault": publishing(
    () => ({ vault: { address: "", path: "p", mount: "", version: 2 } }),
    VAULT,
  ),
};

const servers: Server[] = [];
async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  servers.push(server);
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function refusedPlace(): Promise<string> {
  const server = createServer();
  const place = await listening(server);
  server.close();
  return place;
}

/** How long tries take does not matter, but that they end does. */
const SOON = { TSOPS_KMS_TIMEOUT: "20" };

const CASES: readonly (readonly [what: string, place: () => Promise<string>, words: RegExp, env?: Env])[] = [
  [
    "nothing listens",
    refusedPlace,
    /cannot be reached: nothing listens there \(ECONNREFUSED\)[\s\S]*check the address/,
  ],
  [
    "a host that does not exist",
    async () => "nobody.invalid:8443",
    /cannot be reached: its name cannot be resolved \((ENOTFOUND|EAI_AGAIN)\)\n.*check the address/,
  ],
  [
    "no TLS",
    () =>
      listening(
        createServer((socket) => void socket.on("error", () => undefined).end("220 hello there\r\n")),
      ),
    /cannot be reached: it does not speak TLS \(\w+\)[\s\S]*check the address/,
  ],
];

for (const [what, place, words] of CASES) {
  test(`told in the same words by all: ${what}`, async () => {
    const at = await place();
    const texts = await Promise.all(Object.values(KINDS).map((ask) => ask(at, SOON)));
    for (const [i, kind] of Object.keys(KINDS).entries()) assert.match(texts[i]!, words, kind);
  });
}

test("a server that hangs up", async () => {
  const place = await listening(createServer((socket) => socket.destroy()));
  // two services do that to a client whose certificate they do not know, and say so
  const words = /cannot be reached: the connection broke \(ECONNRESET\)|closes the connection|hangs up/;
  const texts = await Promise.all(Object.values(KINDS).map((ask) => ask(place, SOON)));
  for (const [i, kind] of Object.keys(KINDS).entries()) assert.match(texts[i]!, words, kind);
});

test("a proxy that refuses is told of in the same words by all that go through proxies", async () => {
  const proxy = await fakeProxy("http://127.0.0.1:9", 407);
  const env = { HTTPS_PROXY: `me:pw%21@${proxy.address}`, ...SOON };
  const login = Buffer.from("me:pw!").toString("base64");
  for (const [kind, ask] of Object.entries(KINDS)) {
    // other people's software: see newStorage; and key services are reached directly
    if (kind === "publishing to Google" || kind === "a cluster's keys") continue;
    proxy.asked.length = 0;
    const text = await ask("server.example:8443", env);
    assert.match(text, /cannot be reached: the proxy needs a user name and a password\n.*HTTPS_PROXY/, kind);
    assert.not.match(text, "pw!");
    const asked = /^CONNECT (?:bucket\.)?server\.example:8443 Basic (.*)$/.exec(proxy.asked[0] ?? "");
    assert.is(asked?.[1], login, kind);
  }
});

test("a proxy that is not there is not mistaken for the server", async () => {
  const env = { HTTPS_PROXY: await refusedPlace(), ...SOON };
  for (const kind of ["AWS KMS", "Azure", "Vault", "HuaweiCloud", "Google by gRPC", "Google by REST"]) {
    assert.match(await KINDS[kind]!("server.example:8443", env), /of the proxy, nothing listens there/, kind);
  }
});

test("codes are found wherever an SDK puts them, and in texts", () => {
  const coded = (code: string) => Object.assign(new Error("x"), { code });
  const wrapped = new Error("x", {
    cause: new AggregateError([coded("ECONNREFUSED"), coded("ENETUNREACH")]),
  });
  assert.match(failureOf(wrapped)!.why, "nothing listens there");
  const named = Object.assign(coded("ECONNRESET"), { name: "TimeoutError" });
  assert.ok(failureOf(named)!.passes);
  assert.is(failureOf(coded("ContainerNotFound")), undefined);
  assert.is(failureOf(undefined), undefined);
  assert.match(failureIn("14: Name resolution failed for target dns:x")!.why, "its name cannot be resolved");
  assert.match(failureIn("AN ERROR: connect EHOSTUNREACH 1.2.3.4")!.why, "there is no route to it");
  assert.is(failureIn("all is well"), undefined);
});

test.after(() => {
  stopServers();
  for (const server of servers) server.close();
});
test.run();
