import { createPublicKey, generateKeyPairSync, verify } from "node:crypto";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { inspect } from "node:util";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { TsopsError } from "../../../src/errors.ts";
import { googleCredentials, login, missedPlaces } from "../../../src/keys/google/credentials.ts";
import { metadataHost } from "../../../src/keys/google/metadata-server.ts";
import { proxyFor } from "../../../src/keys/google/network.ts";
import type { KeyContext } from "../../../src/keys/kind.ts";
import { type HttpServer, httpServer } from "../google-http.ts";
import { contextWith, emptyFolder } from "../helpers.ts";

const SCOPES = ["https://www.googleapis.com/auth/cloud-platform"];
const URL_ASKED = "https://cloudkms.googleapis.com/";
const EMAIL = "tsops@project.iam.gserviceaccount.com";
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

// what Google's library would read behind the caller's back
Object.assign(process.env, {
  HTTPS_PROXY: "http://127.0.0.1:9",
  HTTP_PROXY: "http://127.0.0.1:9",
  GOOGLE_APPLICATION_CREDENTIALS: "/nonexistent/of-the-process.json",
  GOOGLE_CLOUD_QUOTA_PROJECT: "of-the-process",
  GCE_METADATA_HOST: "127.0.0.1:9",
  GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES: "1",
  AWS_REGION: "of-the-process-1",
  AWS_ACCESS_KEY_ID: "OF-THE-PROCESS",
  AWS_SECRET_ACCESS_KEY: "of-the-process",
});

let server: HttpServer;
test.before(async () => {
  server = await httpServer(() => ({ status: 500, body: "not set" }));
});
test.before.each(() => {
  server.requests.length = 0;
});
test.after(() => server.stop());

function context(env: Record<string, string | undefined> = {}, home = emptyFolder()): KeyContext {
  return contextWith({ METADATA_SERVER_DETECTION: "none", ...env }, { home });
}

function jsonFile(content: unknown): string {
  const path = join(emptyFolder(), "credentials.json");
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  return path;
}

async function signed(at: KeyContext): Promise<{ authorization: string | null; headers: Headers }> {
  const credentials = await googleCredentials(at, SCOPES);
  assert.ok(credentials);
  const headers = await login(credentials!, at, URL_ASKED);
  return { authorization: headers.get("authorization"), headers };
}

async function failure(promise: Promise<unknown>): Promise<TsopsError> {
  const error: unknown = await promise.then(
    () => assert.unreachable("it must fail"),
    (reason: unknown) => reason,
  );
  assert.instance(error, TsopsError);
  return error as TsopsError;
}

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

/** Answers as the services that exchange tokens; the token of the other system must be the one given. */
function exchange(expected: (subject: string) => boolean): void {
  server.answer = ({ path, body }) => {
    if (path === "/oidc") return { body: { value: "from-oidc" } };
    if (path === "/zone") return { body: "eu-central-1b" };
    if (path === "/role") return { body: "the-role" };
    if (path === "/role/the-role")
      return { body: { AccessKeyId: "AK", SecretAccessKey: "SK", Token: "session" } };
    if (path === "/sts") {
      const subject = new URLSearchParams(body).get("subject_token") ?? "";
      return expected(subject)
        ? {
            body: {
              access_token: "federated",
              expires_in: 3600,
              token_type: "Bearer",
              issued_token_type: "x",
            },
          }
        : { status: 400, body: { error: "invalid_grant", error_description: subject } };
    }
    if (path.endsWith(":generateAccessToken")) {
      return {
        body: { accessToken: "impersonated", expireTime: new Date(Date.now() + 3.6e6).toISOString() },
      };
    }
    return { status: 404, body: "" };
  };
}

function federation(credential_source: unknown, more: object = {}): string {
  return JSON.stringify({
    type: "external_account",
    audience: "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q",
    subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
    token_url: `http://${server.host}/sts`,
    credential_source,
    ...more,
  });
}

test("federation: a token that CI leaves in a file", async () => {
  exchange((subject) => subject === "from-file");
  const GOOGLE_APPLICATION_CREDENTIALS = jsonFile(federation({ file: jsonFile("from-file") }));
  assert.is((await signed(context({ GOOGLE_APPLICATION_CREDENTIALS }))).authorization, "Bearer federated");
});

test("federation: a token that CI gives over HTTP, and a service account taken on with it", async () => {
  exchange((subject) => subject === "from-oidc");
  const source = {
    url: `http://${server.host}/oidc`,
    headers: { Authorization: "bearer ci" },
    format: { type: "json", subject_token_field_name: "value" },
  };
  const service_account_impersonation_url = `http://${server.host}/v1/projects/-/serviceAccounts/${EMAIL}:generateAccessToken`;
  const at = context({ GOOGLE_CREDENTIALS: federation(source, { service_account_impersonation_url }) });
  assert.is((await signed(at)).authorization, "Bearer impersonated");
  assert.is(server.requests[0]?.headers.authorization, "bearer ci");
  assert.is((await googleCredentials(at, SCOPES))?.owner, `the service account ${EMAIL}`);
});

test("federation: AWS credentials of the context, or of the machine that the file names", async () => {
  const read = (subject: string) =>
    JSON.parse(decodeURIComponent(subject)) as { url: string; headers: { key: string; value: string }[] };
  const has = (subject: string, key: string, region: string) => {
    const { url, headers } = read(subject);
    const authorization = headers.find((header) => header.key === "authorization")?.value ?? "";
    return url.includes(`sts.${region}.amazonaws.com`) && authorization.includes(`Credential=${key}/`);
  };
  const aws = federation({
    environment_id: "aws1",
    region_url: `http://${server.host}/zone`,
    url: `http://${server.host}/role`,
    regional_cred_verification_url:
      "https://sts.{region}.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15",
  });
  exchange((subject) => has(subject, "AK", "eu-central-1"));
  assert.is((await signed(context({ GOOGLE_CREDENTIALS: aws }))).authorization, "Bearer federated");
  exchange((subject) => has(subject, "AKIA", "us-west-2"));
  const own = { AWS_REGION: "us-west-2", AWS_ACCESS_KEY_ID: "AKIA", AWS_SECRET_ACCESS_KEY: "x" };
  assert.is((await signed(context({ GOOGLE_CREDENTIALS: aws, ...own }))).authorization, "Bearer federated");
});

test("federation: a program is run only when the context allows it, with what it needs to know", async () => {
  exchange((subject) => subject === "from-program for //iam.googleapis.com");
  const program = join(emptyFolder(), "a program");
  writeFileSync(
    program,
    '#!/bin/sh\nprintf \'{"version":1,"success":true,"token_type":"t","id_token":"from-program for %s"}\' "$(echo "$GOOGLE_EXTERNAL_ACCOUNT_AUDIENCE" | cut -d/ -f1-3)"\n',
  );
  chmodSync(program, 0o755);
  const GOOGLE_CREDENTIALS = federation({ executable: { command: `"${program}" now` } });
  const refused = await failure(signed(context({ GOOGLE_CREDENTIALS })));
  assert.match(refused.hint!, "GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES=1");
  const allowed = context({ GOOGLE_CREDENTIALS, GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES: "1" });
  assert.is((await signed(allowed)).authorization, "Bearer federated");
});

test("federation: a program's token that is still good is taken from its file", async () => {
  exchange((subject) => subject === "kept");
  const kept = (expiration_time: number) =>
    jsonFile({ version: 1, success: true, token_type: "t", id_token: "kept", expiration_time });
  const with_ = (output_file: string) =>
    context({ GOOGLE_CREDENTIALS: federation({ executable: { command: "/nonexistent", output_file } }) });
  // the context's clock stands in 2025
  assert.is((await signed(with_(kept(1_900_000_000)))).authorization, "Bearer federated");
  assert.match((await failure(signed(with_(kept(1_000_000_000))))).message, "name a program to run");
});

test("a login that has expired is told from one that is refused and from a busy or missing service", async () => {
  const GOOGLE_CREDENTIALS = federation({ file: jsonFile("s3cret") });
  const login = () => failure(signed(context({ GOOGLE_CREDENTIALS })));
  server.answer = () => ({ status: 400, body: { error: "invalid_grant", error_description: "s3cret" } });
  const expired = await login();
  assert.match(
    expired.message,
    /the login of a federated identity \(GOOGLE_CREDENTIALS\) has expired or was revoked/,
  );
  assert.not.match(inspect(expired, { depth: 20 }), "s3cret");
  assert.is(server.requests.length, 1);
  server.answer = () => ({ status: 403, body: { error: "unauthorized_client" } });
  assert.match((await login()).message, /no access token is given for .*: status 403/);
  let times = 2;
  server.requests.length = 0;
  server.answer = () =>
    times-- > 0
      ? { status: 503, body: "busy" }
      : {
          body: { access_token: "federated", expires_in: 3600, token_type: "Bearer", issued_token_type: "x" },
        };
  assert.is((await signed(context({ GOOGLE_CREDENTIALS }))).authorization, "Bearer federated");
  assert.is(server.requests.length, 3);
  const gone = federation({ file: jsonFile("x") }, { token_url: "http://127.0.0.1:9/sts" });
  const unreachable = await failure(signed(context({ GOOGLE_CREDENTIALS: gone })));
  assert.match(unreachable.message, /cannot be reached \(it refuses connections\)/);
});

test("a token service that never answers is given up in time, and it is said that it was that", async () => {
  const silent = createServer(() => undefined);
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  const { port } = silent.address() as { port: number };
  const slow = { token_url: `http://127.0.0.1:${port}/sts` };
  const GOOGLE_CREDENTIALS = federation({ file: jsonFile("x") }, slow);
  const error = await failure(signed(context({ GOOGLE_CREDENTIALS, TSOPS_KMS_TIMEOUT: "0.3" })));
  assert.match(
    error.message,
    /no access token for a federated identity .* did not answer within 0.3 seconds/,
  );
  silent.close();
});

test("proxies come from the context, with exceptions", () => {
  const of = (host: string, env: Record<string, string>) => proxyFor(host, { env })?.href;
  assert.is(of("a.example", {}), undefined);
  assert.is(of("a.example", { HTTPS_PROXY: "http://proxy:3128" }), "http://proxy:3128/");
  assert.is(of("a.example", { https_proxy: "proxy:3128" }), "http://proxy:3128/");
  for (const NO_PROXY of ["*", "a.example", ".example", "*.example", "x, example"]) {
    assert.is(of("a.example", { HTTPS_PROXY: "http://proxy:3128", NO_PROXY }), undefined, NO_PROXY);
  }
  for (const NO_PROXY of ["", "b.example", "xample", "le"]) {
    assert.ok(of("a.example", { HTTPS_PROXY: "http://proxy:3128", NO_PROXY }), NO_PROXY);
  }
  assert.throws(
    () => of("a.example", { HTTPS_PROXY: "socks5://user:s3cret@proxy" }),
    (error: TsopsError) => !error.message.includes("s3cret"),
  );
});

test.run();
