import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { KeyManagementServiceClient } from "@google-cloud/kms";
import { credentials as grpcCredentials, status } from "@grpc/grpc-js";
import { GoogleAuth, OAuth2Client } from "google-auth-library";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { textField, withFields } from "../../src/keys/fields.ts";
import { wrapDataKey } from "../../src/keys/groups.ts";
import type { KeyContext, MasterKey } from "../../src/keys/kind.ts";
import {
  bothWays,
  contextWith,
  type Env,
  failure,
  ID,
  PLAIN,
  post,
  silentServer,
  tsops,
} from "../support/integration/google.ts";
import { answers, freePorts, installed, scratch, startServer } from "../support/integration/servers.ts";
import { gcpKms } from "../support/keys/in-use.ts";
import { ALL, type GoogleKms, startGoogleKms } from "../support/servers/google-kms.ts";
import { type Certificates, makeCertificates } from "../support/servers/tls.ts";

const dataKey = Buffer.from(Array.from({ length: 32 }, (_, i) => i));
const [key] = gcpKms.parse(ID) as [MasterKey];

let tls: Certificates;
let kms: GoogleKms;
/** What leads the programs, ours and SOPS, to the double. */
let env: Env;

test.before(async () => {
  tls = makeCertificates(scratch());
  kms = await startGoogleKms(tls.server);
  env = { SSL_CERT_FILE: tls.ca, SOPS_GCP_KMS_ENDPOINT: kms.endpoint, GOOGLE_OAUTH_ACCESS_TOKEN: "fake" };
});
test.before.each(() => {
  kms.createKey(ID);
  kms.grant("fake", ALL);
  kms.spoil();
  kms.calls.length = 0;
});
test.after(() => kms.stop());

function context(more: Env = {}, rest: Partial<KeyContext> = {}): KeyContext {
  return contextWith({ ...env, ...more }, rest);
}

test("gRPC: a data key is wrapped and unwrapped, and the call says for which key", async () => {
  const wrapped = await gcpKms.wrap(key, dataKey, context());
  assert.equal(await gcpKms.unwrap(wrapped, context()), dataKey);
  const routing = `name=${encodeURIComponent(ID)}`;
  assert.equal(kms.calls, [
    { method: "Encrypt", token: "fake", routing },
    { method: "Decrypt", token: "fake", routing },
  ]);
});

test("gRPC: files that the real SOPS wrote open here, and the reverse", () => bothWays(env));

test("gRPC: after a rotation old files open, and new ones are wrapped with the new version", async () => {
  const old = await gcpKms.wrap(key, dataKey, context());
  kms.rotateKey(ID);
  kms.setState(ID, 1, "ENABLED");
  const fresh = await gcpKms.wrap(key, dataKey, context());
  assert.equal(await gcpKms.unwrap(old, context()), dataKey);
  kms.setState(ID, 1, "DISABLED");
  assert.equal(await gcpKms.unwrap(fresh, context()), dataKey);
  assert.match((await failure(gcpKms.unwrap(old, context()))).message, "version 1 of the key is disabled");
});

const STATES: [string, RegExp, RegExp][] = [
  ["DISABLED", /version 1 of the key is disabled/, /versions enable 1 --key=projects/],
  ["DESTROY_SCHEDULED", /about to be destroyed/, /versions restore 1 --key=projects/],
  ["DESTROYED", /was destroyed for good/, /another key/],
];
for (const [state, message, hint] of STATES) {
  test(`gRPC: a version that is ${state} is told, for wrapping and for unwrapping`, async () => {
    const wrapped = await gcpKms.wrap(key, dataKey, context());
    kms.setState(ID, 1, state);
    const uses = [
      wrapDataKey(dataKey, [[key]], 0, { context: context() }),
      gcpKms.unwrap(wrapped, context()),
    ];
    for (const error of await Promise.all(uses.map(failure))) {
      assert.ok(error.message.includes(ID), "names the key");
      assert.is(error.code, "no-such-key");
      assert.match(error.message, message);
      assert.match(error.hint!, hint);
    }
  });
}

test("gRPC: denied, unknown token, no such key, another location, damaged wrapped key", async () => {
  const wrapped = await gcpKms.wrap(key, dataKey, context());
  const use = () => failure(gcpKms.unwrap(wrapped, context()));
  kms.grant("fake", []);
  assert.match((await use()).message, /may not decrypt with it/);
  assert.match((await failure(gcpKms.wrap(key, dataKey, context()))).message, /may not encrypt with it/);
  kms.grant("fake", undefined);
  assert.match((await use()).message, /does not accept an access token/);
  kms.grant("fake", ALL);
  for (const id of [`${ID}2`, ID.replace("global", "europe-west1")]) {
    const error = await failure(gcpKms.unwrap({ ...wrapped, id }, context()));
    assert.match(error.message, /there is no such key/);
    assert.match(error.hint!, /a key of another location is another key/);
  }
  const bytes = Buffer.from(textField(wrapped.fields, "enc"), "base64");
  bytes[20]! ^= 1;
  const damaged = withFields(wrapped, { enc: bytes.toString("base64") });
  assert.match((await failure(gcpKms.unwrap(damaged, context()))).message, /the wrapped data key is damaged/);
});

test("gRPC: throttling, failures and broken calls are tried again", async () => {
  const wrapped = await gcpKms.wrap(key, dataKey, context());
  for (const code of [status.RESOURCE_EXHAUSTED, status.UNAVAILABLE, status.INTERNAL, status.CANCELLED]) {
    kms.calls.length = 0;
    kms.fail(2, code);
    assert.equal(await gcpKms.unwrap(wrapped, context()), dataKey);
    assert.is(kms.calls.length, 3);
  }
  kms.fail(99, status.RESOURCE_EXHAUSTED);
  const impatient = context({ TSOPS_KMS_TIMEOUT: "1" });
  assert.match((await failure(gcpKms.unwrap(wrapped, impatient))).message, /quota is used up/);
  // nobody waits for an hour: google.rpc.Status with a RetryInfo of 3600 s, byte for byte
  const type = "type.googleapis.com/google.rpc.RetryInfo";
  const retry = Buffer.from([0x0a, 0x03, 0x08, 0x90, 0x1c]);
  const any = Buffer.concat([
    Buffer.from([0x0a, type.length]),
    Buffer.from(type),
    Buffer.from([0x12, 5]),
    retry,
  ]);
  kms.calls.length = 0;
  kms.fail(99, status.RESOURCE_EXHAUSTED, Buffer.concat([Buffer.from([0x1a, any.length]), any]));
  assert.match(
    (await failure(gcpKms.unwrap(wrapped, context()))).message,
    /asks to be left alone for another 3600 seconds$/,
  );
  assert.is(kms.calls.length, 1);
  kms.fail(0, status.RESOURCE_EXHAUSTED);
  kms.calls.length = 0;
  kms.fail(1, status.PERMISSION_DENIED);
  await failure(gcpKms.unwrap(wrapped, context()));
  assert.is(kms.calls.length, 1);
});

test("gRPC: data that arrive changed are asked for again", async () => {
  let wrong = 1;
  kms.spoil((_, answer) => {
    if (wrong-- > 0) answer.ciphertextCrc32c = { value: 1 };
  });
  const wrapped = await gcpKms.wrap(key, dataKey, context());
  assert.is(kms.calls.length, 2);
  wrong = 1;
  kms.spoil((_, answer) => {
    if (wrong-- > 0) (answer.plaintext as Buffer)[0]! ^= 1;
  });
  assert.equal(await gcpKms.unwrap(wrapped, context()), dataKey);
});

test("gRPC: a server that dies, is not there, or is not trusted", async () => {
  const other = await startGoogleKms(tls.server);
  other.grant("fake", ALL);
  other.createKey(ID);
  const at = context({ SOPS_GCP_KMS_ENDPOINT: other.endpoint });
  const wrapped = await gcpKms.wrap(key, dataKey, at);
  const untrusted = context({ SOPS_GCP_KMS_ENDPOINT: other.endpoint, SSL_CERT_FILE: "" });
  const error = await failure(gcpKms.unwrap(wrapped, untrusted));
  assert.match(error.message, /its certificate is not trusted/);
  assert.match(error.hint!, /SSL_CERT_FILE/);
  other.stop();
  const gone = await failure(gcpKms.unwrap(wrapped, at));
  assert.match(gone.message, /cannot be reached: (nothing listens there|the connection broke)/);
});

test("gRPC: a server that never answers is given up in time", async () => {
  const silent = await silentServer();
  const at = context({ SOPS_GCP_KMS_ENDPOINT: silent.address, TSOPS_KMS_TIMEOUT: "0.5" });
  const error = await failure(gcpKms.wrap(key, dataKey, at));
  assert.match(error.message, /did not answer within 0.5 seconds/);
  silent.stop();
});

test("gRPC: examine asks what the credentials may do, and unwraps nothing", async () => {
  const examine = async () => gcpKms.examine(key, context());
  assert.equal(await examine(), {
    usable: true,
    lines: [
      "credentials: an access token (GOOGLE_OAUTH_ACCESS_TOKEN)",
      `address: ${kms.endpoint} (gRPC)`,
      "they may encrypt and decrypt with it",
    ],
  });
  assert.equal(
    kms.calls.map(({ method }) => method),
    ["TestIamPermissions", "GetCryptoKey"],
  );
  kms.setState(ID, 1, "DISABLED");
  assert.match((await examine()).lines.join("\n"), "its primary version 1 is disabled");
  kms.grant("fake", ["cloudkms.cryptoKeyVersions.useToEncrypt"]);
  assert.is((await examine()).usable, false);
  kms.grant("fake", undefined);
  assert.match((await examine()).lines.join("\n"), "does not accept an access token");
});

test("the command line says what is wrong, with exit code 128 and no secret", async () => {
  const folder = scratch();
  writeFileSync(join(folder, "plain.yaml"), PLAIN);
  const { stdout } = await tsops(["encrypt", "--gcp-kms", ID, "plain.yaml"], env, folder);
  writeFileSync(join(folder, "a.yaml"), stdout);
  const decrypt = (more: Env) => tsops(["decrypt", "a.yaml"], { ...env, ...more }, folder);
  const none = await decrypt({ GOOGLE_OAUTH_ACCESS_TOKEN: "" });
  assert.is(none.code, 128);
  assert.match(none.stderr, `Google Cloud KMS ${ID}`);
  assert.match(none.stderr, "there are no Google credentials");
  assert.match(none.stderr, "gcloud auth application-default login");
  const wrong = await decrypt({ GOOGLE_OAUTH_ACCESS_TOKEN: "unknown-token" });
  assert.is(wrong.code, 128);
  assert.match(wrong.stderr, "does not accept an access token");
  assert.not.match(wrong.stderr, "unknown-token");
  const malformed = await tsops(["encrypt", "--gcp-kms", "projects/p/keys/k", "plain.yaml"], env, folder);
  assert.is(malformed.code, 1);
  assert.match(malformed.stderr, "projects/p/keys/k is not the resource id of a Google Cloud KMS key");
});

test("drongo over REST: both ways with the real SOPS, examine, and a key that is not there", async () => {
  const [port] = await freePorts(1);
  const url = `http://127.0.0.1:${port}`;
  const argv = [installed("DRONGO"), "server", "--host", "127.0.0.1", "--port", String(port)] as const;
  await startServer({ argv, ready: () => answers(url) });
  await post(`${url}/v1/projects/p/locations/global/keyRings?keyRingId=r`, {});
  await post(`${url}/v1/projects/p/locations/global/keyRings/r/cryptoKeys?cryptoKeyId=k`, {
    purpose: "ENCRYPT_DECRYPT",
  });
  const rest = {
    SOPS_GCP_KMS_CLIENT_TYPE: "rest",
    SOPS_GCP_KMS_ENDPOINT: url,
    GOOGLE_OAUTH_ACCESS_TOKEN: "fake",
  };
  await bothWays(rest);
  const { usable, lines } = await gcpKms.examine(key, contextWith(rest));
  assert.is(usable, undefined);
  assert.match(lines.join("\n"), "it exists");
  const [missing] = gcpKms.parse(`${ID}2`) as [MasterKey];
  assert.match(
    (await failure(gcpKms.wrap(missing, dataKey, contextWith(rest)))).message,
    "there is no such key",
  );
});

const OTHER_DOUBLE = fileURLToPath(new URL("../../../shared/servers/fake-gcpkms.mjs", import.meta.url));
if (existsSync(OTHER_DOUBLE)) {
  test("another double over gRPC: both ways with the real SOPS, versions and states", async () => {
    const [plain, secure] = await freePorts(2);
    await startServer({
      argv: [process.execPath, OTHER_DOUBLE],
      env: {
        PORT: String(plain),
        TLS_PORT: String(secure),
        TLS_DIR: tls.folder,
        KMS_NODE_ROOT: fileURLToPath(new URL("../..", import.meta.url)),
      },
      // it speaks HTTP/2 only, and so breaks off an HTTP/1 request
      ready: () =>
        answers(`http://127.0.0.1:${plain}`).catch(
          (error: Error) => !/ECONNREFUSED/.test(String(error.cause)),
        ),
    });
    const admin = new KeyManagementServiceClient({
      apiEndpoint: "127.0.0.1",
      port: plain,
      sslCreds: grpcCredentials.createInsecure(),
      // or else it would look for a metadata server
      auth: new GoogleAuth({ authClient: new OAuth2Client() }) as never,
    });
    const parent = "projects/p/locations/global";
    await admin.createKeyRing({ parent, keyRingId: "r" });
    await admin.createCryptoKey({ parent: `${parent}/keyRings/r`, cryptoKeyId: "k" });
    const there = { ...env, SOPS_GCP_KMS_ENDPOINT: `127.0.0.1:${secure}` };
    await bothWays(there);
    const wrapped = await gcpKms.wrap(key, dataKey, contextWith(there));
    await admin.createCryptoKeyVersion({ parent: ID });
    await admin.updateCryptoKeyPrimaryVersion({ name: ID, cryptoKeyVersionId: "2" });
    assert.equal(await gcpKms.unwrap(wrapped, contextWith(there)), dataKey);
    const version = { name: `${ID}/cryptoKeyVersions/1`, state: "DISABLED" as const };
    await admin.updateCryptoKeyVersion({ cryptoKeyVersion: version });
    assert.match(
      (await failure(gcpKms.unwrap(wrapped, contextWith(there)))).message,
      "version 1 of the key is disabled",
    );
    await admin.close();
  });
}

test.run();
