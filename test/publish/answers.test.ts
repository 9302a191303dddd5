import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { TsopsError } from "../../src/errors.ts";
import { azureTarget } from "../../src/publish/azure.ts";
import { gcsTarget, newStorage } from "../../src/publish/gcs.ts";
import { s3Target } from "../../src/publish/s3.ts";
import type { Target } from "../../src/publish/target.ts";
import { contextWith } from "../support/keys/contexts.ts";

/** What the third-party servers cannot be made to say, said by a server of the tests' own. */

interface Reply {
  readonly status: number;
  readonly body?: string;
  readonly headers?: Record<string, string>;
}

type TargetAt = (url: string, seconds?: string) => Target;

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

async function serving(answer: Answer, work: (url: string) => Promise<void>): Promise<void> {
  const server = createServer((request, response) => {
    request.resume();
    request.once("end", () => answer(request, response));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    await work(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

/** Answers with these one after the other; the last one stays. */
function inTurn(...answers: readonly Reply[]) {
  let count = 0;
  const answer: Answer = (_, response) => {
    const { status, body = "", headers } = answers[Math.min(count++, answers.length - 1)]!;
    response.writeHead(status, { "content-length": Buffer.byteLength(body), ...headers }).end(body);
  };
  return { answer, calls: () => count };
}

const s3At: TargetAt = (url, seconds = "60") =>
  s3Target(
    { bucket: "b", prefix: "" },
    contextWith({
      AWS_ENDPOINT_URL: url,
      AWS_ACCESS_KEY_ID: "a",
      AWS_SECRET_ACCESS_KEY: "b",
      AWS_REGION: "eu-central-1",
      TSOPS_KMS_TIMEOUT: seconds,
    }),
  );
const gcsAt: TargetAt = (url, seconds = "60") =>
  gcsTarget(
    { bucket: "b", prefix: "" },
    contextWith({ STORAGE_EMULATOR_HOST: url, TSOPS_KMS_TIMEOUT: seconds }),
  );
const azureAt: TargetAt = (url, seconds = "60") =>
  azureTarget(
    { url: `${url}/acc`, container: "c", prefix: "" },
    contextWith({
      AZURE_STORAGE_KEY: "c2VjcmV0",
      TSOPS_KMS_TIMEOUT: seconds,
      TSOPS_ALLOW: `azure_storage=${url}/acc`,
    }),
  );

const awsError = (status: number, code: string) => ({
  status,
  body: `<?xml version="1.0"?><Error><Code>${code}</Code><Message>s3cret words of the server</Message></Error>`,
});
const gcsError = (status: number) => ({
  status,
  body: `{"error": {"code": ${status}, "message": "s3cret words of the server"}}`,
  headers: { "content-type": "application/json" },
});
const azureError = (status: number, code: string) => ({
  status,
  body: `<?xml version="1.0"?><Error><Code>${code}</Code><Message>s3cret words of the server</Message></Error>`,
  headers: { "x-ms-error-code": code, "content-type": "application/xml" },
});

async function failure(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    assert.instance(error, TsopsError);
    const { message, hint = "" } = error as TsopsError;
    assert.not.match(message + hint, "s3cret");
    return `${message} | ${hint}`;
  }
  throw new Error("it should have failed");
}

const BYTES = Buffer.from("x");

test("throttling and failures of the service pass by themselves", async () => {
  const cases: readonly [TargetAt, readonly Reply[]][] = [
    [s3At, [awsError(503, "SlowDown"), awsError(500, "InternalError"), { status: 200 }]],
    [gcsAt, [gcsError(429), gcsError(503), { status: 200, body: "{}" }]],
    [azureAt, [azureError(503, "ServerBusy"), azureError(500, "InternalError"), { status: 201 }]],
  ];
  for (const [targetAt, answers] of cases) {
    const { answer, calls } = inTurn(...answers);
    await serving(answer, async (url) => targetAt(url).write("a", BYTES));
    assert.is(calls(), 3);
  }
});

test("a service that says for how long it wants to be left alone is", async () => {
  const cases: readonly [TargetAt, Reply, Reply][] = [
    [s3At, awsError(503, "SlowDown"), { status: 200 }],
    [gcsAt, gcsError(429), { status: 200, body: "{}" }],
    [azureAt, azureError(503, "ServerBusy"), { status: 201 }],
  ];
  const ways = cases.map(async ([targetAt, busy, done]) => {
    const { answer } = inTurn({ ...busy, headers: { ...busy.headers, "retry-after": "2" } }, done);
    const start = performance.now();
    await serving(answer, async (url) => targetAt(url).write("a", BYTES));
    return performance.now() - start;
  });
  for (const ms of await Promise.all(ways)) assert.ok(ms >= 2000, `it was asked again after ${ms} ms`);
});

test("a refusal is final, and is told in our own words", async () => {
  const cases: readonly [TargetAt, Reply, RegExp][] = [
    [s3At, awsError(403, "AccessDenied"), /^s3:\/\/b\/a: access denied \| allow s3:PutObject/],
    [s3At, awsError(404, "NoSuchBucket"), /^s3:\/\/b\/a: there is no such bucket/],
    [s3At, awsError(400, "ExpiredToken"), /^s3:\/\/b\/a: the credentials have expired/],
    [s3At, awsError(403, "SignatureDoesNotMatch"), /^s3:\/\/b\/a: the signature is wrong/],
    [
      s3At,
      awsError(400, "AuthorizationHeaderMalformed"),
      /the bucket is not in eu-central-1 \| .*AWS_REGION/,
    ],
    [s3At, awsError(400, "InvalidBucketName"), /not the name of a bucket \| correct s3_bucket/],
    [gcsAt, gcsError(401), /^gcs:\/\/b\/a: Google does not accept .*gcloud auth/],
    [gcsAt, gcsError(403), /^gcs:\/\/b\/a: access denied to .*storage\.objects\.create/],
    [gcsAt, gcsError(404), /^gcs:\/\/b\/a: there is no such bucket/],
    [azureAt, azureError(403, "AuthenticationFailed"), /the account does not accept AZURE_STORAGE_KEY/],
    [azureAt, azureError(403, "AuthorizationPermissionMismatch"), /access denied .*Data Contributor/],
    [azureAt, azureError(404, "ContainerNotFound"), /there is no such container/],
    [azureAt, azureError(409, "BlobImmutableDueToPolicy"), /the blob that is there cannot be replaced/],
  ];
  for (const [targetAt, reply, message] of cases) {
    const { answer, calls } = inTurn(reply);
    await serving(answer, async (url) =>
      assert.match(await failure(targetAt(url).write("a", BYTES)), message),
    );
    assert.is(calls(), 1, String(message));
  }
});

test("what stands there: nothing, hidden, or its bytes", async () => {
  const cases: readonly [TargetAt, Reply, string][] = [
    [s3At, awsError(404, "NoSuchKey"), "nothing"],
    [s3At, awsError(403, "AccessDenied"), "unreadable"],
    [s3At, awsError(403, "InvalidObjectState"), "unreadable"],
    [s3At, { status: 200, body: "bytes" }, "bytes"],
    [gcsAt, gcsError(404), "nothing"],
    [gcsAt, gcsError(403), "unreadable"],
    [gcsAt, { status: 200, body: "bytes" }, "bytes"],
    [azureAt, azureError(404, "BlobNotFound"), "nothing"],
    [azureAt, azureError(403, "AuthorizationPermissionMismatch"), "unreadable"],
  ];
  for (const [targetAt, reply, due] of cases) {
    await serving(inTurn(reply).answer, async (url) =>
      assert.is(String(await targetAt(url).read("a")), due, `${targetAt.name} ${due}`),
    );
  }
});

test("a server that does not answer is waited for in bounded time", async () => {
  for (const targetAt of [s3At, gcsAt, azureAt]) {
    await serving(
      () => undefined,
      async (url) => {
        assert.match(
          await failure(targetAt(url, "2").write("a", BYTES)),
          /did not answer within 2 seconds|cannot be reached/,
        );
      },
    );
  }
});

test("Google gets the headers that sign a request, and the object's checksum", async () => {
  const seen: { url?: string; authorization?: string }[] = [];
  const answer: Answer = ({ url, headers: { authorization } }, response) => {
    seen.push({ url, authorization });
    response.writeHead(200, { "content-type": "application/json" }).end("{}");
  };
  await serving(answer, async (url) => {
    const storage = await newStorage(url, contextWith(), async () => ({ authorization: "Bearer token" }));
    await storage.bucket("b").file("x/y z").save(BYTES, { resumable: false, validation: false });
  });
  assert.is(seen.length, 1);
  assert.is(seen[0]!.authorization, "Bearer token");
  assert.match(seen[0]!.url!, /^\/upload\/storage\/v1\/b\/b\/o\?.*name=x%2Fy%20z/);
});

test("Azure: which credentials, and for which account", async () => {
  const place = (env: Record<string, string>, url = "https://acc.blob.core.windows.net") =>
    azureTarget({ url, container: "c", prefix: "" }, contextWith(env));
  const said = (env: Record<string, string>, url?: string) => failure(place(env, url).read("a"));
  const string = (more: string) => ({ AZURE_STORAGE_CONNECTION_STRING: more });
  assert.match(await said(string("rubbish")), /AZURE_STORAGE_CONNECTION_STRING is malformed/);
  assert.match(await said(string("AccountName=acc")), /AZURE_STORAGE_CONNECTION_STRING is malformed/);
  assert.match(await said(string("AccountName=other;AccountKey=c2VjcmV0")), /for another storage account/);
  assert.match(
    await said(string("AccountName=acc;AccountKey=c2VjcmV0;BlobEndpoint=https://acc.example.com")),
    /for another storage account than acc\.blob\.core\.windows\.net/,
  );
  assert.match(await said({ AZURE_STORAGE_KEY: "not base64!" }), /AZURE_STORAGE_KEY is malformed/);
  assert.match(
    await said({ AZURE_STORAGE_ACCOUNT: "other", AZURE_STORAGE_SAS_TOKEN: "sig=s3cret" }),
    /AZURE_STORAGE_SAS_TOKEN is for another storage account/,
  );
  const identity = { AZURE_TENANT_ID: "t", AZURE_CLIENT_ID: "c", AZURE_CLIENT_SECRET: "s" };
  assert.match(await said(identity, "http://127.0.0.1:1/acc"), /an identity's token is not sent without TLS/);
});

test.run();
