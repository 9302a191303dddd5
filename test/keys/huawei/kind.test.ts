import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { TsopsError } from "../../../src/errors.ts";
import { iamEndpoint, kmsEndpoints } from "../../../src/keys/huawei/region.ts";
import { signedHeaders } from "../../../src/keys/huawei/sign.ts";
import type { KeyContext, MasterKey } from "../../../src/keys/kind.ts";
import { freePorts } from "../../support/integration/servers.ts";
import { contextWith, emptyFolder } from "../../support/keys/contexts.ts";
import { hckms } from "../../support/keys/in-use.ts";
import { ending } from "../../support/pace.ts";
import {
  DELETED,
  DISABLED,
  ENABLED,
  EXPIRED_TOKEN,
  FORBIDDEN,
  type HuaweiDouble,
  ID_TOKEN,
  KEY_PAIR,
  OTHER,
  POD_TOKEN,
  PROJECT,
  startHuaweiDouble,
  TEMPORARY,
} from "../../support/servers/huawei-kms.ts";

const dataKey = Buffer.from(Array.from({ length: 32 }, (_, i) => i));
const double: HuaweiDouble = await startHuaweiDouble();
test.before.each(() => {
  double.requests.length = 0;
  double.bodies.length = 0;
  double.next.length = 0;
  double.projects = [PROJECT];
});
test.after(() => double.close());

const AT_DOUBLE = { HUAWEICLOUD_SDK_REGION_KMS_TR_WEST_1: double.url };
const PAIR = {
  HUAWEICLOUD_SDK_AK: KEY_PAIR.ak,
  HUAWEICLOUD_SDK_SK: KEY_PAIR.sk,
  HUAWEICLOUD_SDK_PROJECT_ID: PROJECT,
};

function here(env: Record<string, string | undefined>, more: Partial<KeyContext> = {}): KeyContext {
  return contextWith({ ...AT_DOUBLE, ...env }, { now: () => new Date(), ...more });
}

const keyOf = (id: string, region = "tr-west-1"): MasterKey => hckms.parse(`${region}:${id}`)[0]!;

async function failure(promise: Promise<unknown>): Promise<TsopsError> {
  const error: unknown = await promise.then(
    () => assert.unreachable("it must fail"),
    (reason: unknown) => reason,
  );
  assert.instance(error, TsopsError, String(error));
  const { message, hint = "", code } = error as TsopsError;
  assert.is.not(code, "generic");
  for (const secret of [KEY_PAIR.sk, TEMPORARY.sk, TEMPORARY.token, dataKey.toString("base64")])
    assert.not.ok(`${message}${hint}`.includes(secret), "a message holds a secret");
  return error as TsopsError;
}

test("the signature is the one that the vendor's own SDK for Node makes", () => {
  const pair = { accessKey: "AKTEST", secretKey: "SKTEST" };
  const now = new Date("2025-01-02T03:04:05.678Z");
  const post = signedHeaders(
    {
      method: "POST",
      url: new URL("https://kms.tr-west-1.myhuaweicloud.com/v1.0/proj1/kms/encrypt-data"),
      headers: { "x-project-id": "proj1", "x-security-token": "token" },
      body: JSON.stringify({ key_id: "k", plain_text: "a+/='*" }),
    },
    pair,
    now,
  );
  assert.is(post["x-sdk-date"], "20250102T030405Z");
  assert.is(
    post.authorization,
    "SDK-HMAC-SHA256 Access=AKTEST, SignedHeaders=host;x-project-id;x-sdk-date;x-security-token, Signature=b3510d8b1537fde6cb38be97090fb29cb52e82e9ce44c1f93757f084d9945a0c",
  );
  const url = new URL("https://iam.tr-west-1.myhuaweicloud.com/v3/projects");
  url.searchParams.set("name", "tr-west-1");
  url.searchParams.set("b*", "x y'~");
  const get = signedHeaders({ method: "GET", url, headers: {}, body: "" }, pair, now);
  assert.match(
    get.authorization!,
    /Signature=65e3a8a0d30311179c17bb8dd5311d67f87395727c7c74bb661ab75755e74552$/,
  );
});

test("wrapping and unwrapping, with what SOPS sends and writes", async () => {
  const wrapped = await hckms.wrap(keyOf(ENABLED), dataKey, here(PAIR));
  assert.equal(
    wrapped.fields.entries().map(({ key }) => key),
    ["created_at", "enc", "key_id"],
  );
  assert.is(wrapped.fields.get("key_id"), `tr-west-1:${ENABLED}`);
  assert.equal(double.bodies, [
    { key_id: ENABLED, plain_text: dataKey.toString("base64"), encryption_algorithm: "SYMMETRIC_DEFAULT" },
  ]);
  assert.equal(await hckms.unwrap(wrapped, here(PAIR)), dataKey);
  assert.equal(double.bodies[1], {
    cipher_text: wrapped.fields.get("enc"),
    encryption_algorithm: "SYMMETRIC_DEFAULT",
    key_id: ENABLED,
  });
});

test("credentials from the file, with comments and other sections", async () => {
  const home = emptyFolder();
  mkdirSync(join(home, ".huaweicloud"));
  const text = `# mine\n[global]\nak = no\n[basic]\nak = ${KEY_PAIR.ak}\nsk = ${KEY_PAIR.sk}\nproject_id = ${PROJECT}\n`;
  writeFileSync(join(home, ".huaweicloud", "credentials"), text);
  const wrapped = await hckms.wrap(keyOf(ENABLED), dataKey, here({}, { home }));
  assert.equal(await hckms.unwrap(wrapped, here({}, { home })), dataKey);

  const elsewhere = join(emptyFolder(), "my credentials");
  writeFileSync(elsewhere, text);
  assert.equal(await hckms.unwrap(wrapped, here({ HUAWEICLOUD_SDK_CREDENTIALS_FILE: elsewhere })), dataKey);
});

test("temporary credentials of the environment carry their token, signed", async () => {
  const env = {
    HUAWEICLOUD_SDK_AK: TEMPORARY.ak,
    HUAWEICLOUD_SDK_SK: TEMPORARY.sk,
    HUAWEICLOUD_SDK_SECURITY_TOKEN: TEMPORARY.token,
    HUAWEICLOUD_SDK_PROJECT_ID: PROJECT,
  };
  const wrapped = await hckms.wrap(keyOf(ENABLED), dataKey, here(env));
  assert.equal(await hckms.unwrap(wrapped, here(env)), dataKey);
});

test("the agency of a machine: fetched once a run, and fetched again before it expires", async () => {
  const env = { TSOPS_HUAWEICLOUD_METADATA: double.url, HUAWEICLOUD_SDK_IAM_ENDPOINT: double.url };
  let ahead = 0;
  const context = here(env, { now: () => new Date(Date.now() + ahead) });
  const wrapped = await hckms.wrap(keyOf(ENABLED), dataKey, context);
  await hckms.unwrap(wrapped, context);
  const asked = (): number => double.requests.filter((line) => line.includes("securitykey")).length;
  assert.is(asked(), 1);
  ahead = 6 * 3_600_000 - 60_000;
  await failure(hckms.unwrap(wrapped, context));
  assert.is(
    asked(),
    2,
    "the double refuses a clock that is wrong, but only after new credentials were fetched",
  );
});

test("the identity of a pod, also where the machine has none", async () => {
  const file = join(emptyFolder(), "token");
  writeFileSync(file, `${POD_TOKEN}\n`);
  const [dead] = await freePorts(1);
  const env = {
    HC_CONTAINER_CREDENTIALS_FULL_URI: `${double.url}/pod`,
    HC_CONTAINER_AUTHORIZATION_TOKEN_FILE: file,
    HUAWEICLOUD_SDK_IAM_ENDPOINT: double.url,
  };
  const wrapped = await hckms.wrap(keyOf(ENABLED), dataKey, here(env));
  const both = here({ ...env, TSOPS_HUAWEICLOUD_METADATA: `http://127.0.0.1:${dead}` });
  assert.equal(await hckms.unwrap(wrapped, both), dataKey);
});

test("a token of an identity provider is exchanged at IAM", async () => {
  const file = join(emptyFolder(), "token");
  writeFileSync(file, ID_TOKEN);
  const env = {
    HUAWEICLOUD_SDK_IDP_ID: "provider",
    HUAWEICLOUD_SDK_ID_TOKEN_FILE: file,
    HUAWEICLOUD_SDK_PROJECT_ID: PROJECT,
    HUAWEICLOUD_SDK_IAM_ENDPOINT: double.url,
  };
  const wrapped = await hckms.wrap(keyOf(ENABLED), dataKey, here(env));
  assert.equal(await hckms.unwrap(wrapped, here(env)), dataKey);

  writeFileSync(file, "stale");
  const error = await failure(hckms.unwrap(wrapped, here(env)));
  assert.match(error.message, /IAM does not take the identity token for provider \(401\)$/);
});

test("without a project, IAM is asked for the region's, once a run", async () => {
  const env = { ...PAIR, HUAWEICLOUD_SDK_PROJECT_ID: undefined, HUAWEICLOUD_SDK_IAM_ENDPOINT: double.url };
  const context = here(env);
  const wrapped = await hckms.wrap(keyOf(ENABLED), dataKey, context);
  assert.equal(await hckms.unwrap(wrapped, context), dataKey);
  assert.is(double.requests.filter((line) => line === "GET /v3/projects").length, 1);

  double.projects = [PROJECT, "another"];
  const error = await failure(hckms.unwrap(wrapped, here(env)));
  assert.match(error.message, /the account has 2 projects for the region tr-west-1$/);
  assert.match(error.hint!, /HUAWEICLOUD_SDK_PROJECT_ID/);
});

test("no credentials at all: passed over without the network, and told where they were looked for", async () => {
  const context = here({ HUAWEICLOUD_SDK_AK: KEY_PAIR.ak, TSOPS_HUAWEICLOUD_METADATA: "off" });
  assert.is(await hckms.unwrap(keyOf(ENABLED), context), null);
  assert.equal(double.requests, []);
  assert.equal(hckms.whyNot!(keyOf(ENABLED), context), [
    "there are no credentials for HuaweiCloud",
    "the environment: HUAWEICLOUD_SDK_SK is missing",
    `${join(context.home, ".huaweicloud", "credentials")}: there is no such file`,
    "the machine's metadata service: TSOPS_HUAWEICLOUD_METADATA is off",
    "the pod's identity: HC_CONTAINER_CREDENTIALS_FULL_URI is not set",
    "set HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK, or write them into ~/.huaweicloud/credentials",
  ]);
  assert.match(
    (await failure(hckms.wrap(keyOf(ENABLED), dataKey, context))).message,
    /no credentials for HuaweiCloud$/,
  );
});

const REFUSALS: [name: string, id: string, env: Record<string, string>, message: RegExp, hint: RegExp][] = [
  [
    "an unknown key",
    ENABLED.replaceAll("1", "9"),
    {},
    /no such key in this region and project \(the KMS answered 400, KMS\.0205\)/,
    /region/,
  ],
  ["a disabled key", DISABLED, {}, /the key is disabled \(the KMS answered 400, KMS\.0209\)/, /enable it/],
  ["a key that is being deleted", DELETED, {}, /going to be deleted.* KMS\.0210/, /cancel its deletion/],
  [
    "access denied",
    FORBIDDEN,
    {},
    /may not use the key \(the KMS answered 403, KMS\.0306\)/,
    /kms:cmk:crypto/,
  ],
  [
    "a wrong secret key",
    ENABLED,
    { HUAWEICLOUD_SDK_SK: "wrong" },
    /the secret key does not belong to the access key/,
    /same pair/,
  ],
  [
    "an unknown access key",
    ENABLED,
    { HUAWEICLOUD_SDK_AK: "wrong" },
    /the credentials are not valid/,
    /exists/,
  ],
  [
    "an expired token",
    ENABLED,
    { HUAWEICLOUD_SDK_SECURITY_TOKEN: EXPIRED_TOKEN },
    /the credentials have expired/,
    /temporary/,
  ],
  [
    "a wrong project",
    ENABLED,
    { HUAWEICLOUD_SDK_PROJECT_ID: "other" },
    /no KMS at this address.*404/,
    /endpoint/,
  ],
  [
    "a project with a slash",
    ENABLED,
    { HUAWEICLOUD_SDK_PROJECT_ID: "../x?y" },
    /no KMS at this address.*404/,
    /endpoint/,
  ],
  [
    "a line break in the access key",
    ENABLED,
    { HUAWEICLOUD_SDK_AK: "a\nb" },
    /from the environment contain spaces or line breaks/,
    /again/,
  ],
];
for (const [name, id, env, message, hint] of REFUSALS) {
  test(`${name} is told as what it is`, async () => {
    const error = await failure(hckms.wrap(keyOf(id), dataKey, here({ ...PAIR, ...env })));
    assert.match(error.message, message);
    assert.match(error.hint!, hint);
  });
}

test("a wrong clock is told as what it is", async () => {
  const context = here(PAIR, { now: () => new Date("2020-01-01T00:00:00Z") });
  const error = await failure(hckms.wrap(keyOf(ENABLED), dataKey, context));
  assert.match(error.message, /the request is too old or too new/);
});

test("a wrapped data key that is damaged, cut, of no use or of another key", async () => {
  const wrapped = await hckms.wrap(keyOf(ENABLED), dataKey, here(PAIR));
  const enc = Buffer.from(String(wrapped.fields.get("enc")), "base64");
  const flipped = Buffer.from(enc);
  flipped[60]! ^= 1;
  for (const bad of [flipped, enc.subarray(0, 70), Buffer.alloc(0)]) {
    const fields = wrapped.fields.items.map((item) =>
      "key" in item && item.key === "enc" ? { key: "enc", value: bad.toString("base64") } : item,
    );
    const key = {
      ...wrapped,
      fields: Object.assign(Object.create(Object.getPrototypeOf(wrapped.fields)), { items: fields }),
    };
    const error = await failure(hckms.unwrap(key, here(PAIR)));
    assert.match(error.message, /is damaged, or another key wrapped it/);
  }
  // the service finds the key in the ciphertext, whatever the request names: the answer says which one it was
  const named = { ...wrapped, id: `tr-west-1:${OTHER}` };
  assert.match((await failure(hckms.unwrap(named, here(PAIR)))).message, `another key opens it: ${ENABLED}`);
});

test("throttling and failures of the service are tried again, refusals are not", async () => {
  double.next.push({ status: 429, code: "APIGW.0308" }, { status: 503, code: "" });
  const wrapped = await hckms.wrap(keyOf(ENABLED), dataKey, here(PAIR));
  assert.is(double.requests.length, 3);
  double.next.push({ status: 429, code: "APIGW.0308", headers: { "retry-after": "3600" } });
  const error = await failure(hckms.unwrap(wrapped, here(PAIR)));
  assert.match(error.message, /asks to be left alone for another 3600 seconds$/);
  assert.is(double.requests.length, 4);
  double.next.push({ status: 400, code: "KMS.9999", text: "\u001b[2J <secret text>" });
  const unknown = await failure(hckms.unwrap(wrapped, here(PAIR)));
  assert.match(unknown.message, /the request was refused \(the KMS answered 400, KMS\.9999\)$/);
  assert.match(unknown.hint!, /KMS\.9999/);
  assert.is(double.requests.length, 5);
});

test("an address where nothing listens, or nothing answers in time", async () => {
  const [dead] = await freePorts(1);
  const refused = here({ ...PAIR, HUAWEICLOUD_SDK_REGION_KMS_TR_WEST_1: `http://127.0.0.1:${dead}` });
  const error = await failure(hckms.wrap(keyOf(ENABLED), dataKey, refused));
  assert.match(
    error.message,
    new RegExp(`127\\.0\\.0\\.1:${dead} cannot be reached: nothing listens there \\(ECONNREFUSED\\)$`),
  );

  const { createServer } = await import("node:net");
  const silent = createServer(() => undefined);
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  silent.unref();
  const { port } = silent.address() as { port: number };
  const address = {
    HUAWEICLOUD_SDK_REGION_KMS_TR_WEST_1: `http://127.0.0.1:${port}`,
    TSOPS_KMS_TIMEOUT: "1",
  };
  const late = await failure(hckms.wrap(keyOf(ENABLED), dataKey, here({ ...PAIR, ...address })));
  assert.match(late.message, /did not answer within 1 seconds/);

  const stop = new AbortController();
  silent.once("connection", () => stop.abort());
  const stopped = here({ ...PAIR, ...address, TSOPS_KMS_TIMEOUT: "3600" }, { signal: stop.signal });
  const work = hckms.wrap(keyOf(ENABLED), dataKey, stopped).catch((reason: unknown) => reason);
  const aborted = await ending(work);
  assert.is((aborted as TsopsError).code, "aborted");
  silent.close();
});

test("a redirect is not followed: it would carry the credentials along", async () => {
  const { createServer } = await import("node:http");
  const before = double.requests.length;
  const server = createServer((_, response) => {
    response.writeHead(307, { location: `${double.url}/stolen` }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const env = { ...PAIR, HUAWEICLOUD_SDK_REGION_KMS_TR_WEST_1: `http://127.0.0.1:${port}` };
  const error = await failure(hckms.wrap(keyOf(ENABLED), dataKey, here(env)));
  assert.match(error.message, /answered 307/);
  assert.is(double.requests.length, before);
  server.close();
});

test("a server that is no KMS", async () => {
  for (const body of ["<html>", "[]", '"x"', "{}"]) {
    const { createServer } = await import("node:http");
    const server = createServer((_, response) => response.end(body));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    const env = { ...PAIR, HUAWEICLOUD_SDK_REGION_KMS_TR_WEST_1: `http://127.0.0.1:${port}` };
    await failure(hckms.wrap(keyOf(ENABLED), dataKey, here(env)));
    await failure(hckms.unwrap(keyOf(ENABLED), here(env)));
    server.close();
  }
});

test("a region from a file cannot send a request anywhere but to HuaweiCloud", async () => {
  const evil = [
    "evil.com/",
    "x.evil",
    "evil.com#",
    "a@evil.com",
    "evil.com\\",
    "..",
    "-x",
    "",
    "tr_west_1",
    "ü",
  ];
  for (const region of evil) {
    const key: MasterKey = { ...keyOf(ENABLED), id: `${region}:${ENABLED}` };
    const context = here({ ...PAIR, [`HUAWEICLOUD_SDK_REGION_KMS_${region.toUpperCase()}`]: double.url });
    await failure(hckms.wrap(key, dataKey, context));
    await failure(hckms.unwrap(key, context));
    assert.is((await hckms.examine(key, context)).usable, false);
  }
  const unknown = await failure(hckms.unwrap(keyOf(ENABLED, "xx-moon-1"), here(PAIR)));
  assert.match(unknown.message, /no KMS in a region xx-moon-1/);
  assert.match(unknown.hint!, /HUAWEICLOUD_SDK_REGION_KMS_XX_MOON_1/);
  assert.equal(double.requests, []);
});

test("addresses of regions: the vendor's, the variable's, the file's", async () => {
  const addresses = async (region: string, context: KeyContext): Promise<string[]> =>
    (await kmsEndpoints(region, context)).map(({ href }) => href);
  const plain = contextWith();
  assert.equal(await addresses("tr-west-1", plain), ["https://kms.tr-west-1.myhuaweicloud.com/"]);
  assert.equal(await addresses("eu-west-101", plain), ["https://kms.eu-west-101.myhuaweicloud.eu/"]);
  assert.is(iamEndpoint(plain, "tr-west-1").href, "https://iam.tr-west-1.myhuaweicloud.com/");
  assert.is(iamEndpoint(plain, "eu-west-101").href, "https://iam.myhuaweicloud.com/");
  assert.is(iamEndpoint(plain).href, "https://iam.myhuaweicloud.com/");

  const named = contextWith({ HUAWEICLOUD_SDK_REGION_KMS_NEW_1: "kms.new.example,https://b.example" });
  assert.equal(await addresses("new-1", named), ["https://kms.new.example/", "https://b.example/"]);

  const home = emptyFolder();
  mkdirSync(join(home, ".huaweicloud"));
  writeFileSync(
    join(home, ".huaweicloud", "regions.yaml"),
    "KMS:\n  - id: new-1\n    endpoint: one.example\n  - id: new-2\n    endpoints:\n      - two.example\n      - three.example\nECS:\n  - id: new-3\n    endpoint: no.example\n",
  );
  const listed = contextWith({}, { home });
  assert.equal(await addresses("new-1", listed), ["https://one.example/"]);
  assert.equal(await addresses("new-2", listed), ["https://two.example/", "https://three.example/"]);
  await failure(kmsEndpoints("new-3", listed));
  const password = contextWith({ HUAWEICLOUD_SDK_REGION_KMS_NEW_1: "https://user:pass@x" });
  assert.not.match((await failure(kmsEndpoints("new-1", password))).message, "pass@");
});

test("another address counts where the first one's name is unknown", async () => {
  const env = { ...PAIR, HUAWEICLOUD_SDK_REGION_KMS_TR_WEST_1: `https://nowhere.invalid,${double.url}` };
  const wrapped = await hckms.wrap(keyOf(ENABLED), dataKey, here({ ...env }));
  assert.ok(wrapped.fields.get("enc"));
});

test("doctor: credentials, region, state of the key, permission, and nothing unwrapped", async () => {
  const found = await hckms.examine(keyOf(ENABLED), here(PAIR));
  assert.is(found.usable, true);
  assert.equal(found.lines.slice(0, 2), [
    `region tr-west-1 at ${double.url}`,
    "credentials from the environment",
  ]);
  assert.match(found.lines[2]!, /there and enabled/);
  assert.equal(double.requests, [`POST /v1.0/${PROJECT}/kms/describe-key`]);

  const state = async (id: string, env = {}): Promise<string> => {
    const { usable, lines } = await hckms.examine(keyOf(id), here({ ...PAIR, ...env }));
    return `${usable} ${lines.join("; ")}`;
  };
  assert.match(await state(DISABLED), /^false .*the key is disabled/);
  assert.match(await state(DELETED), /^false .*going to be deleted/);
  assert.match(await state(FORBIDDEN), /^undefined .*cannot be looked at.*may still unwrap/);
  assert.match(await state(ENABLED.replaceAll("1", "9")), /^false .*no such key/);
  assert.match(await state(ENABLED, { HUAWEICLOUD_SDK_SK: "wrong" }), /^false .*secret key does not belong/);
  assert.match(
    await state(ENABLED, { HUAWEICLOUD_SDK_AK: "", TSOPS_HUAWEICLOUD_METADATA: "off" }),
    /^false .*HUAWEICLOUD_SDK_AK is missing/,
  );
});

test.run();
