import { chmodSync, existsSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { inspect } from "node:util";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { googleCredentials } from "../../../src/keys/google/credentials.ts";
import { emptyFolder } from "../../support/keys/contexts.ts";
import { context, EMAIL, jsonFile, SCOPES, signed } from "../../support/keys/google-signing.ts";
import { ending, until } from "../../support/pace.ts";
import { failure, type HttpServer, httpServer, misleadByProcess } from "../../support/servers/google-http.ts";

misleadByProcess();

let server: HttpServer;
test.before(async () => {
  server = await httpServer(() => ({ status: 500, body: "not set" }));
});
test.before.each(() => {
  server.requests.length = 0;
});
test.after(() => server.stop());

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

test("federation: a program may be slower than the token service may be, and one that hangs is named and stopped", async () => {
  exchange((subject) => subject === "slow");
  const folder = emptyFolder();
  const program = join(folder, "program");
  const write = (script: string) => writeFileSync(program, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  const at = (executable: object, env = {}) =>
    context({
      GOOGLE_CREDENTIALS: federation({ executable: { command: program, ...executable } }),
      GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES: "1",
      ...env,
    });
  write('sleep 2\necho \'{"version":1,"success":true,"token_type":"t","id_token":"slow"}\'');
  const { authorization } = await ending(signed(at({}, { TSOPS_KMS_TIMEOUT: "1" })));
  assert.is(authorization, "Bearer federated");
  write(`trap 'echo > "${folder}/stopped"; exit 1' TERM\nwhile :; do sleep 0.05; done`);
  const { message, hint } = await failure(ending(signed(at({ timeout_millis: 700 }))));
  assert.match(
    message,
    /the program that the Google credentials name: .* did not answer within 0.7 seconds$/,
  );
  assert.match(hint!, "run it by hand");
  await until(() => existsSync(join(folder, "stopped")), "the signal");
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
  assert.match(unreachable.message, /cannot be reached: nothing listens there/);
});

test("a token service that never answers is given up in time, and it is said that it was that", async () => {
  const silent = createServer(() => undefined);
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  silent.unref();
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

test.run();
