import { createServer as createHttpServer, type Server } from "node:http";
import { type AddressInfo, createServer, type Server as TcpServer } from "node:net";
import { inspect } from "node:util";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { withFields } from "../../../src/keys/fields.ts";
import type { KeyContext, MasterKey } from "../../../src/keys/kind.ts";
import { gcpKms } from "../../support/keys/in-use.ts";
import { until } from "../../support/pace.ts";
import {
  failure,
  type HttpServer,
  httpServer,
  kmsAnswer,
  misleadByProcess,
  refusal,
  restContext,
} from "../../support/servers/google-http.ts";

const ID = "projects/p/locations/global/keyRings/r/cryptoKeys/k";
const dataKey = Buffer.from(Array.from({ length: 32 }, (_, i) => i));
const [key] = gcpKms.parse(ID) as [MasterKey];

misleadByProcess();

let google: HttpServer;
test.before(async () => {
  google = await httpServer(kmsAnswer);
});
test.before.each(() => {
  google.answer = kmsAnswer;
  google.requests.length = 0;
});
test.after(() => google.stop());

const context = (env: Record<string, string | undefined> = {}, more: Partial<KeyContext> = {}) =>
  restContext(google, env, more);

async function listening(server: Server | TcpServer): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  server.unref();
  return (server.address() as AddressInfo).port;
}

function withEnc(enc: string): MasterKey {
  return withFields(key, { created_at: "2025-01-02T03:04:05Z", enc });
}

const DISABLED = `${ID}/cryptoKeyVersions/3 is not enabled, current state is: `;
const REFUSALS: [string, ReturnType<typeof refusal>, RegExp, RegExp][] = [
  [
    "access denied",
    refusal(403, "PERMISSION_DENIED", "Permission denied"),
    /an access token \(GOOGLE_OAUTH_ACCESS_TOKEN\) may not decrypt with it.*useToDecrypt/,
    /add-iam-policy-binding k --project=p --location=global --keyring=r/,
  ],
  [
    "an API that is not enabled",
    refusal(403, "PERMISSION_DENIED", "…", "SERVICE_DISABLED"),
    /the Cloud KMS API is not enabled/,
    /services enable cloudkms.googleapis.com --project=p/,
  ],
  ["no billing", refusal(403, "PERMISSION_DENIED", "…", "BILLING_DISABLED"), /billing account/, /attach one/],
  [
    "an expired token",
    refusal(401, "UNAUTHENTICATED", "…"),
    /does not accept an access token/,
    /print-access-token/,
  ],
  [
    "a key that is not there",
    refusal(404, "NOT_FOUND", "…"),
    /there is no such key/,
    /project, location, key ring/,
  ],
  [
    "a disabled version",
    refusal(400, "FAILED_PRECONDITION", `${DISABLED}DISABLED.`),
    /version 3 of the key is disabled/,
    /versions enable 3 --key=/,
  ],
  [
    "a version about to be destroyed",
    refusal(400, "FAILED_PRECONDITION", `${DISABLED}DESTROY_SCHEDULED.`),
    /version 3 .* about to be destroyed/,
    /versions restore 3 --key=/,
  ],
  [
    "a destroyed version",
    refusal(400, "FAILED_PRECONDITION", `${DISABLED}DESTROYED.`),
    /version 3 of the key was destroyed for good/,
    /another key/,
  ],
  [
    "a precondition in other words",
    refusal(400, "FAILED_PRECONDITION", "…"),
    /the key cannot be used now/,
    /versions list --key=/,
  ],
  [
    "a damaged wrapped key",
    refusal(400, "INVALID_ARGUMENT", "…"),
    /damaged, or that another key wrapped it/,
    /git/,
  ],
  ["a proxy's page", { status: 403, body: "<html>no</html>" }, /may not decrypt/, /add-iam-policy-binding/],
];
for (const [name, answer, message, hint] of REFUSALS) {
  test(`${name}: cause and next step, asked once`, async () => {
    google.answer = () => answer;
    const error = await failure(gcpKms.unwrap(withEnc("AAAA"), context()));
    assert.ok(error.message.startsWith(`cannot unwrap the data key with ${ID}: `), error.message);
    assert.match(error.message, message);
    assert.match(error.hint!, hint);
    assert.is(google.requests.length, 1);
  });
}

test("who may not encrypt is told so", async () => {
  google.answer = () => refusal(403, "PERMISSION_DENIED", "…");
  const error = await failure(gcpKms.wrap(key, dataKey, context()));
  assert.match(error.message, /may not encrypt with it.*useToEncrypt/);
});

test("throttling and failures of the service are tried again with pauses", async () => {
  for (const answer of [refusal(429, "RESOURCE_EXHAUSTED", "…"), { status: 503, body: "busy" }]) {
    google.requests.length = 0;
    let times = 2;
    google.answer = (request) => (times-- > 0 ? answer : kmsAnswer(request));
    assert.equal((await gcpKms.unwrap(withEnc("AAAA"), context()))?.length, 3);
    assert.is(google.requests.length, 3);
  }
  // nobody waits for an hour
  google.answer = () => ({ ...refusal(429, "RESOURCE_EXHAUSTED", "…"), headers: { "retry-after": "3600" } });
  assert.match(
    (await failure(gcpKms.unwrap(withEnc("AAAA"), context()))).message,
    /asks to be left alone for another 3600 seconds$/,
  );
  const details = [{ "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "3600s" }];
  google.answer = () => ({
    status: 429,
    body: { error: { code: 429, status: "RESOURCE_EXHAUSTED", message: "…", details } },
  });
  google.requests.length = 0;
  assert.match((await failure(gcpKms.unwrap(withEnc("AAAA"), context()))).message, /left alone/);
  assert.is(google.requests.length, 1);
});

test("redirects are not followed: neither the token nor the data key goes on", async () => {
  const elsewhere: string[] = [];
  const other = createHttpServer((request, response) => {
    elsewhere.push(`${request.method} ${request.url}`);
    response.end("{}");
  });
  const to = await listening(other);
  for (const status of [301, 302, 303, 307, 308]) {
    const server = createHttpServer((request, response) => {
      request.resume();
      response.writeHead(status, { location: `http://127.0.0.1:${to}/` }).end();
    });
    const port = await listening(server);
    const env = { SOPS_GCP_KMS_ENDPOINT: `http://127.0.0.1:${port}` };
    const error = await failure(gcpKms.wrap(key, dataKey, context(env)));
    assert.is(error.code, "service-failed", error.message);
    server.close();
  }
  other.close();
  assert.equal(elsewhere, []);
});

test("a server that never answers is given up in time", async () => {
  const sockets = createServer(() => undefined);
  const port = await listening(sockets);
  const env = { SOPS_GCP_KMS_ENDPOINT: `http://127.0.0.1:${port}`, TSOPS_KMS_TIMEOUT: "0.3" };
  const error = await failure(gcpKms.unwrap(withEnc("AAAA"), context(env)));
  assert.match(error.message, /did not answer within 0.3 seconds/);
  sockets.close();
});

test("a proxy that never answers is let go of, so that it keeps no process alive", async () => {
  const open = new Set<unknown>();
  let connections = 0;
  const proxy = createServer((socket) => {
    connections++;
    open.add(socket.on("error", () => undefined));
    socket.once("close", () => open.delete(socket));
    socket.resume();
  });
  const port = await listening(proxy);
  const env = {
    SOPS_GCP_KMS_ENDPOINT: "https://kms.example.invalid",
    HTTPS_PROXY: `http://127.0.0.1:${port}`,
    TSOPS_KMS_TIMEOUT: "2",
  };
  const error = await failure(gcpKms.unwrap(withEnc("AAAA"), context(env)));
  assert.match(error.message, /did not answer within 2 seconds/);
  await until(() => connections > 0 && open.size === 0, "the end of the connection");
  proxy.close();
});

test("a run that is stopped stops the call", async () => {
  const stop = new AbortController();
  google.answer = () => {
    stop.abort();
    return refusal(503, "UNAVAILABLE", "…");
  };
  const error = await failure(gcpKms.unwrap(withEnc("AAAA"), context({}, { signal: stop.signal })));
  assert.is(error.code, "aborted");
});

test("neither token nor data key is in an error, its cause or its hint", async () => {
  google.answer = ({ body }) => refusal(400, "INVALID_ARGUMENT", `refused: ${body} the-token`);
  const error = await failure(gcpKms.wrap(key, dataKey, context()));
  const shown = inspect(error, { depth: 20, showHidden: true });
  assert.not.match(shown, "the-token");
  assert.not.match(shown, dataKey.toString("base64"));
});

test.run();
