import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type ErrorCode, TsopsError } from "../../src/errors.ts";
import { withFields } from "../../src/keys/fields.ts";
import { unwrapDataKey, wrapDataKey } from "../../src/keys/groups.ts";
import type { KeyContext, MasterKey } from "../../src/keys/kind.ts";
import { parseDecryptionOrder } from "../../src/keys/table.ts";
import { keysOfUri } from "../../src/keys/uri.ts";
import { contextWith, emptyFolder } from "../support/keys/contexts.ts";

/** What a program learns of a key that cannot be used, over the kinds: the codes of docs/errors.md. */

const order = parseDecryptionOrder("");
const dataKey = Buffer.alloc(32, 9);

/** A server that knows who asks, and lets nobody do anything. */
const server = createServer((request, response) => {
  request.resume();
  const known = request.url?.endsWith("/auth/token/lookup-self") === true;
  response.writeHead(known ? 200 : 403, { "content-type": "application/json" });
  response.end(known ? '{"data": {}}' : "{}");
});
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
server.unref();
const REFUSING = `127.0.0.1:${(server.address() as AddressInfo).port}`;
const NOBODY = "127.0.0.1:1";

interface Service {
  readonly uri: (host: string) => string;
  /** Credentials that are well-formed, and where the service is. */
  readonly env: (host: string) => Record<string, string>;
  readonly enc?: string;
  readonly fields?: Record<string, string>;
}

const SERVICES: Readonly<Record<string, Service>> = {
  kms: {
    uri: () => "awskms://arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    env: (host) => ({
      AWS_ACCESS_KEY_ID: "AKIAIOSFODNN7EXAMPLE",
      AWS_SECRET_ACCESS_KEY: "of-the-test",
      AWS_ENDPOINT_URL: `http://${host}`,
    }),
  },
  gcp_kms: {
    uri: () => "gcpkms://projects/p/locations/global/keyRings/r/cryptoKeys/k",
    env: (host) => ({
      GOOGLE_OAUTH_ACCESS_TOKEN: "of-the-test",
      SOPS_GCP_KMS_CLIENT_TYPE: "rest",
      SOPS_GCP_KMS_ENDPOINT: `http://${host}`,
    }),
  },
  hc_vault: {
    uri: (host) => `hashivault+http://${host}/v1/transit/keys/k`,
    env: (host) => ({ VAULT_ADDR: `http://${host}`, VAULT_TOKEN: "of-the-test" }),
    enc: "vault:v1:AAAA",
  },
  hckms: {
    uri: () => "hckms:tr-west-1:00000000-0000-0000-0000-000000000000",
    env: (host) => ({
      HUAWEICLOUD_SDK_AK: "ak",
      HUAWEICLOUD_SDK_SK: "sk",
      HUAWEICLOUD_SDK_PROJECT_ID: "p",
      HUAWEICLOUD_SDK_REGION_KMS_TR_WEST_1: `http://${host}`,
    }),
  },
  vaultkv: {
    uri: (host) => `vaultkv+http://${host}/secret/master`,
    env: (host) => ({ VAULT_ADDR: `http://${host}`, VAULT_TOKEN: "of-the-test" }),
    fields: { key_id: "0123456789abcdef" },
  },
};

function keyOf(uri: string, fields: Record<string, string>): MasterKey {
  const [key] = keysOfUri(uri)!;
  return withFields(key!, { created_at: "2025-01-02T03:04:05Z", ...fields });
}

/** No program of this machine is found, and a server that is not there is not waited for. */
const alone = (env: Record<string, string> = {}): KeyContext => contextWith({ PATH: emptyFolder(), ...env });

async function failure(work: Promise<unknown>): Promise<TsopsError> {
  const error: unknown = await work.then(
    () => assert.unreachable("it must fail"),
    (reason: unknown) => reason,
  );
  assert.instance(error, TsopsError, String(error));
  return error as TsopsError;
}

async function wrapping(key: MasterKey, context: KeyContext): Promise<ErrorCode> {
  const error = await failure(wrapDataKey(dataKey, [[key]], 0, { context }));
  assert.is(error.exitCode, 1);
  assert.match(error.message, /^cannot wrap the data key for /);
  return error.code;
}

async function opening(key: MasterKey, context: KeyContext): Promise<ErrorCode> {
  const error = await failure(unwrapDataKey([[key]], 0, { order, context }));
  assert.is(error.code, "no-data-key");
  assert.instance(error.cause, TsopsError);
  const { code, cause } = error.cause as TsopsError;
  assert.is(cause, undefined, "what a service's client throws stays inside");
  return code;
}

for (const [name, { uri, env, enc = "AAAA", fields }] of Object.entries(SERVICES)) {
  const keyAt = (host: string): MasterKey => keyOf(uri(host), { enc, ...fields });

  test(`${name}: without credentials it is key-unavailable`, async () => {
    assert.is(await wrapping(keyAt(REFUSING), alone()), "key-unavailable");
    assert.is(await opening(keyAt(REFUSING), alone()), "key-unavailable");
  });

  test(`${name}: a no of the service is access-denied`, async () => {
    assert.is(await wrapping(keyAt(REFUSING), alone(env(REFUSING))), "access-denied");
    assert.is(await opening(keyAt(REFUSING), alone(env(REFUSING))), "access-denied");
  });

  test(`${name}: where nothing listens it is service-unreachable`, async () => {
    assert.is(await wrapping(keyAt(NOBODY), alone(env(NOBODY))), "service-unreachable");
    assert.is(await opening(keyAt(NOBODY), alone(env(NOBODY))), "service-unreachable");
  });
}

const AGE = "age:age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw";
const AZURE = {
  uri: "azurekms://team.vault.azure.net/keys/sops/0123456789abcdef0123456789abcdef",
  env: {
    AZURE_TENANT_ID: "t",
    AZURE_CLIENT_ID: "c",
    AZURE_CLIENT_SECRET: "s",
    TSOPS_ALLOW: "azure=https://team.vault.azure.net",
  },
};

const DAMAGED: Readonly<Record<string, readonly [uri: string, env: Record<string, string>]>> = {
  age: [AGE, {}],
  pgp: ["pgp:85D77543B3D624B63CEA9E6DBC17301B491B3F21", {}],
  kms: [SERVICES.kms!.uri(""), SERVICES.kms!.env(NOBODY)],
  gcp_kms: [SERVICES.gcp_kms!.uri(""), SERVICES.gcp_kms!.env(NOBODY)],
  azure_kv: [AZURE.uri, AZURE.env],
  env: ["env://MASTER", { MASTER: Buffer.alloc(32, 3).toString("base64").replace("AwMD", "AAMD") }],
};

for (const [name, [uri, env]] of Object.entries(DAMAGED)) {
  test(`${name}: a wrapped data key that is damaged is bad-key`, async () => {
    const key = keyOf(uri, { enc: "%%% no wrapped key", key_id: "nothing" });
    assert.is(await opening(key, alone(env)), "bad-key");
  });
}

test("age, PGP and Azure: without an identity or credentials it is key-unavailable", async () => {
  const { age } = await import("../support/keys/in-use.ts");
  const [key] = age.parse(AGE.slice("age:".length));
  assert.is(await opening(await age.wrap(key!, dataKey, alone()), alone()), "key-unavailable");
  assert.is(await wrapping(keyOf(DAMAGED.pgp![0], {}), alone()), "key-unavailable");
  assert.is(await wrapping(keyOf(AZURE.uri, {}), alone()), "key-unavailable");
});

test("where several keys fail, the first one's code counts; for no-data-key one that is nobody else's", async () => {
  const [aws, vault] = [SERVICES.kms!, SERVICES.hc_vault!];
  const keys = [keyOf(aws.uri(""), { enc: "AAAA" }), keyOf(vault.uri(NOBODY), { enc: vault.enc! })];
  const context = alone(vault.env(NOBODY));
  assert.is((await failure(wrapDataKey(dataKey, [keys], 0, { context }))).code, "key-unavailable");
  const { cause } = await failure(unwrapDataKey([keys], 0, { order, context }));
  assert.is((cause as TsopsError).code, "service-unreachable");
});

test.run();
