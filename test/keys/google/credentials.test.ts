import { createPublicKey, generateKeyPairSync, verify } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { inspect } from "node:util";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { googleCredentials, missedPlaces } from "../../../src/keys/google/credentials.ts";
import { metadataHost } from "../../../src/keys/google/metadata-server.ts";
import { contextWith, emptyFolder } from "../../support/keys/contexts.ts";
import { context, EMAIL, jsonFile, SCOPES, signed } from "../../support/keys/google-signing.ts";
import { failure, type HttpServer, httpServer, misleadByProcess } from "../../support/servers/google-http.ts";

const { privateKey, publicKey } = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  privateKeyEncoding: { type: "pkcs8", format: "pem" },
  publicKeyEncoding: { type: "spki", format: "pem" },
});
const ACCOUNT = {
  type: "service_account",
  client_email: EMAIL,
  private_key: privateKey,
  private_key_id: "key-1",
  token_uri: "https://127.0.0.1:9/never-asked",
};

misleadByProcess();

let server: HttpServer;
test.before(async () => {
  server = await httpServer(() => ({ status: 500, body: "not set" }));
});
test.before.each(() => {
  server.requests.length = 0;
});
test.after(() => server.stop());

test("they are looked for in SOPS's order", async () => {
  const home = emptyFolder();
  const user = (id: string) => ({
    type: "authorized_user",
    client_id: id,
    client_secret: "s",
    refresh_token: "r",
  });
  const folder = join(home, ".config", "gcloud");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "application_default_credentials.json"), JSON.stringify(user("a")));
  const other = emptyFolder();
  writeFileSync(join(other, "application_default_credentials.json"), JSON.stringify(user("b")));
  const env: Record<string, string> = {
    GOOGLE_CREDENTIALS: JSON.stringify(ACCOUNT),
    GOOGLE_OAUTH_ACCESS_TOKEN: "token",
    GOOGLE_APPLICATION_CREDENTIALS: jsonFile(user("c")),
    CLOUDSDK_CONFIG: other,
    METADATA_SERVER_DETECTION: "assume-present",
  };
  const found: (string | undefined)[] = [];
  for (const next of [...Object.keys(env), ""]) {
    found.push((await googleCredentials(context(env, home), SCOPES))?.where);
    delete env[next];
  }
  assert.equal(found, [
    "GOOGLE_CREDENTIALS",
    "GOOGLE_OAUTH_ACCESS_TOKEN",
    "the file that GOOGLE_APPLICATION_CREDENTIALS names",
    join(other, "application_default_credentials.json"),
    join(folder, "application_default_credentials.json"),
    join(folder, "application_default_credentials.json"),
  ]);
  const nothing = context();
  assert.is(await googleCredentials(nothing, SCOPES), null);
  assert.is((await missedPlaces(nothing)).length, 5);
});

test("a service account signs its own token, for the scopes and nobody else, without asking", async () => {
  for (const GOOGLE_CREDENTIALS of [
    JSON.stringify(ACCOUNT),
    `\n ${JSON.stringify(ACCOUNT)}`,
    jsonFile(ACCOUNT),
  ]) {
    const at = context({ GOOGLE_CREDENTIALS });
    const { authorization, headers } = await signed(at);
    const [head = "", body = "", signature = ""] = authorization!.replace("Bearer ", "").split(".");
    assert.ok(
      verify(
        "sha256",
        Buffer.from(`${head}.${body}`),
        createPublicKey(publicKey),
        Buffer.from(signature, "base64url"),
      ),
    );
    const claims = JSON.parse(Buffer.from(body, "base64url").toString()) as Record<string, unknown>;
    assert.is(claims.iss, EMAIL);
    assert.is(claims.scope, SCOPES[0]);
    assert.is(headers.get("x-goog-user-project"), null);
    assert.is((await googleCredentials(at, SCOPES))?.owner, `the service account ${EMAIL}`);
  }
});

test("the project that pays comes from the context", async () => {
  const env = { GOOGLE_OAUTH_ACCESS_TOKEN: " token\n", GOOGLE_CLOUD_QUOTA_PROJECT: "payer" };
  const { authorization, headers } = await signed(context(env));
  assert.is(authorization, "Bearer token");
  assert.is(headers.get("x-goog-user-project"), "payer");
});

const MALFORMED: [string, Record<string, string>, RegExp][] = [
  [
    "neither path nor JSON",
    { GOOGLE_CREDENTIALS: "s3cret" },
    /neither the name of a file that exists nor JSON/,
  ],
  ["broken JSON", { GOOGLE_CREDENTIALS: '{"private_key": "s3cret"' }, /it is not a JSON object/],
  ["no type", { GOOGLE_CREDENTIALS: '{"private_key": "s3cret"}' }, /it has no type/],
  ["an unknown type", { GOOGLE_CREDENTIALS: '{"type": "s3cret"}' }, /its type is not one that can be used/],
  [
    "a key that is not one",
    { GOOGLE_CREDENTIALS: JSON.stringify({ ...ACCOUNT, private_key: "s3cret" }) },
    /a part of them is missing or damaged/,
  ],
  [
    "no key",
    { GOOGLE_CREDENTIALS: '{"type": "service_account", "client_email": "s3cret"}' },
    /incomplete or damaged/,
  ],
  ["a list", { GOOGLE_APPLICATION_CREDENTIALS: jsonFile('["s3cret"]') }, /it has no type/],
  [
    "JSON for a path",
    { GOOGLE_APPLICATION_CREDENTIALS: '{"x":"s3cret"}' },
    /cannot be read: it does not exist/,
  ],
  ["a folder", { GOOGLE_APPLICATION_CREDENTIALS: emptyFolder() }, /cannot be read: EISDIR/],
  [
    "an incomplete federation",
    { GOOGLE_CREDENTIALS: '{"type": "external_account", "audience": "s3cret"}' },
    /incomplete or damaged/,
  ],
];
for (const [name, env, message] of MALFORMED) {
  test(`malformed credentials (${name}) are named, but never shown`, async () => {
    const error = await failure(signed(context(env)));
    assert.match(error.message, message);
    assert.ok(error.hint);
    assert.not.match(inspect(error, { depth: 20 }), "s3cret");
  });
}

test("the metadata server is asked only where there can be one", async () => {
  const firmware = emptyFolder();
  const host = (env: Record<string, string>) => metadataHost({ env }, firmware);
  assert.is(await host({}), undefined);
  writeFileSync(join(firmware, "product_name"), "Standard PC\n");
  assert.is(await host({}), undefined);
  writeFileSync(join(firmware, "product_name"), "Google Compute Engine\n");
  assert.is(await host({}), "169.254.169.254");
  assert.is(await host({ METADATA_SERVER_DETECTION: "none", GCE_METADATA_HOST: "x" }), undefined);
  const elsewhere = join(firmware, "none");
  assert.is(await metadataHost({ env: { K_SERVICE: "run" } }, elsewhere), "169.254.169.254");
  assert.is(await metadataHost({ env: { GCE_METADATA_HOST: "meta:80" } }, elsewhere), "meta:80");
  assert.is(
    await metadataHost({ env: { METADATA_SERVER_DETECTION: " Assume-Present " } }, elsewhere),
    "169.254.169.254",
  );
});

test("a machine's own account: a token from the metadata server, kept until it ends", async () => {
  server.answer = ({ headers }) =>
    headers["metadata-flavor"] === "Google"
      ? { body: { access_token: "machine", expires_in: 3600, token_type: "Bearer" } }
      : { status: 403, body: "" };
  const at = contextWith({ GCE_METADATA_HOST: server.host });
  assert.is((await signed(at)).authorization, "Bearer machine");
  assert.is((await signed(at)).authorization, "Bearer machine");
  assert.is(server.requests.length, 1);
  assert.is(
    server.requests[0]?.path,
    `/computeMetadata/v1/instance/service-accounts/default/token?scopes=${SCOPES[0]}`,
  );
  server.answer = () => ({ status: 404, body: "not found" });
  const error = await failure(signed(contextWith({ GCE_METADATA_HOST: server.host })));
  assert.match(error.message, /gives no access token: the machine has no service account/);
});

test.run();
