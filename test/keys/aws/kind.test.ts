import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { ErrorCode } from "../../../src/errors.ts";
import { TreeMap } from "../../../src/formats/tree.ts";
import { ALLOW_NOTHING } from "../../../src/keys/allow-lists.ts";
import { parseKeyArn } from "../../../src/keys/aws/arn.ts";
import { awsClientConfig, newAwsClient } from "../../../src/keys/aws/client.ts";
import { textField } from "../../../src/keys/fields.ts";
import type { MasterKey } from "../../../src/keys/kind.ts";
import { contextWith, emptyFolder } from "../../support/keys/contexts.ts";
import { kms } from "../../support/keys/in-use.ts";
import { ending, until } from "../../support/pace.ts";
import { assumed, closeDoubles, double, failure, refusal, shown, signer } from "../../support/servers/aws.ts";
import { fakeProxy, stopServers } from "../../support/servers/vault.ts";

const ARN = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
const ROLE = "arn:aws:iam::111122223333:role/sops";
const dataKey = Buffer.alloc(32, 9);
const WRAPPED = Buffer.from("wrapped by KMS").toString("base64");
const KEYS = { AWS_ACCESS_KEY_ID: "AKIATEST", AWS_SECRET_ACCESS_KEY: "very-secret-access-key" };

const keyWith = (fields: Record<string, string | TreeMap> = {}): MasterKey => {
  const all = { arn: ARN, aws_profile: "", created_at: "2020-01-01T00:00:00Z", enc: WRAPPED, ...fields };
  return kms.fromMetadata(TreeMap.of(Object.entries(all)));
};

test("the SDK is not loaded, and nobody is asked, where there are no credentials", async () => {
  const { url, asked } = await double(() => ({}));
  const context = contextWith({ AWS_ENDPOINT_URL: url });
  assert.is(await kms.unwrap(keyWith(), context), null);
  const lines = kms.whyNot!(keyWith(), context).join("\n");
  for (const place of [
    "AWS_ACCESS_KEY_ID",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    ".aws/config",
    "AWS_CONTAINER_CREDENTIALS",
    "EC2 instance metadata",
    "aws sso login",
  ]) {
    assert.match(lines, place);
  }
  const wrapping = await failure(kms.wrap(keyWith(), dataKey, context));
  assert.match(wrapping.message, /^no AWS credentials were found/);
  const examination = await kms.examine(keyWith(), context);
  assert.is(examination.usable, false);
  assert.match(examination.lines.join("\n"), "no AWS credentials were found");
  assert.is(asked.length, 0);
  const loaded = Object.keys(createRequire(import.meta.url).cache).filter((path) =>
    path.includes("@aws-sdk"),
  );
  assert.equal(loaded, []);
});

test("no warning about the release of Node, but every other one", async () => {
  const seen: string[] = [];
  const note = (warning: Error): void => void seen.push(warning.message);
  process.on("warning", note);
  const original = process.emitWarning;
  const { url } = await double(() => ({ body: { CiphertextBlob: WRAPPED } }));
  await kms.wrap(keyWith(), dataKey, contextWith({ ...KEYS, AWS_ENDPOINT_URL: url }));
  newAwsClient(() => process.emitWarning("something else", "CustomWarning"));
  await until(() => seen.length > 0, "a warning");
  process.off("warning", note);
  assert.equal(seen, ["something else"]);
  assert.is(process.emitWarning, original);
});

test("wrapping: what is sent, and what becomes of the answer", async () => {
  const { url, asked } = await double(() => ({ body: { CiphertextBlob: WRAPPED, KeyId: ARN } }));
  const context = contextWith({ ...KEYS, AWS_ENDPOINT_URL: url, AWS_SESSION_TOKEN: "token" });
  const [key] = kms.parse(ARN, { context: TreeMap.of([["app", "web"]]) });
  const wrapped = await kms.wrap(key!, dataKey, context);
  assert.is(asked.length, 1);
  assert.is(asked[0]!.action, "TrentService.Encrypt");
  assert.equal(JSON.parse(asked[0]!.body), {
    KeyId: ARN,
    Plaintext: dataKey.toString("base64"),
    EncryptionContext: { app: "web" },
  });
  assert.is(signer(asked[0]!), "AKIATEST");
  assert.match(String(asked[0]!.headers.authorization), "/eu-west-1/kms/");
  assert.is(asked[0]!.headers["x-amz-security-token"], "token");
  assert.equal(
    wrapped.fields.entries().map(({ key: name }) => name),
    ["arn", "aws_profile", "context", "created_at", "enc"],
  );
  assert.is(textField(wrapped.fields, "enc"), WRAPPED);
  assert.is(textField(wrapped.fields, "created_at"), "2025-01-02T03:04:05Z");
});

test("unwrapping: the key is named, as SOPS does", async () => {
  const { url, asked } = await double(() => ({ body: { Plaintext: dataKey.toString("base64") } }));
  const context = contextWith({ ...KEYS, AWS_ENDPOINT_URL_KMS: url, AWS_ENDPOINT_URL: "http://127.0.0.1:1" });
  const key = keyWith({ context: TreeMap.of([["app", "web"]]) });
  assert.equal(await kms.unwrap(key, context), dataKey);
  assert.equal(JSON.parse(asked[0]!.body), {
    CiphertextBlob: WRAPPED,
    KeyId: ARN,
    EncryptionContext: { app: "web" },
  });
  await kms.unwrap(keyWith(), context);
  assert.equal(JSON.parse(asked[1]!.body), { CiphertextBlob: WRAPPED, KeyId: ARN });
  const [client] = [...context.cache.keys()].filter((name) => name.startsWith("kms client"));
  assert.is(client, `kms client ["eu-west-1",null,null]`);
});

test("unwrapping: an answer that another key gave is refused; what an alias leads to is not known", async () => {
  const Plaintext = dataKey.toString("base64");
  const { url } = await double(() => ({ body: { Plaintext, KeyId: `${ARN}-other` } }));
  const context = contextWith({ ...KEYS, AWS_ENDPOINT_URL: url });
  const error = await failure(kms.unwrap(keyWith(), context));
  assert.match(error.message, `KMS used another key, ${ARN}-other`);
  const alias = keyWith({ arn: ARN.replace(/:key\/.*/, ":alias/sops") });
  assert.equal(await kms.unwrap(alias, context), dataKey);
});

test("ARNs of all partitions, of keys and aliases; malformed ones are named", async () => {
  const good = {
    [ARN]: "eu-west-1",
    "arn:aws:kms:us-east-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab": "us-east-1",
    "arn:aws:kms:ap-southeast-2:111122223333:alias/team/sops": "ap-southeast-2",
    "arn:aws-cn:kms:cn-north-1:111122223333:alias/x": "cn-north-1",
    "arn:aws-us-gov:kms:us-gov-west-1:111122223333:key/x": "us-gov-west-1",
    "arn:aws-iso-b:kms:us-isob-east-1:111122223333:key/x": "us-isob-east-1",
  };
  for (const [arn, region] of Object.entries(good)) assert.is(parseKeyArn(arn).region, region);
  const bad = [
    "1234abcd-12ab-34cd-56ef-1234567890ab",
    "alias/x",
    "arn:aws:s3:eu-west-1:111122223333:key/x",
    "arn:aws:kms::111122223333:key/x",
    "arn:aws:kms:eu-west-1:key/x",
    "arn:aws:kms:eu-west-1:1111:key/x",
    "arn:aws:kms:eu-west-1:111122223333:x",
    "arn:aws:kms:evil.example/#-1:111122223333:key/x",
    "arn:aws:kms:eu-west-1.evil.example:111122223333:key/x",
    "arn:aws:kms:cn-north-1:111122223333:key/x",
    "arn:aws:kms:us-gov-west-1:111122223333:key/x",
  ];
  for (const arn of bad) {
    for (const work of [
      () => kms.wrap(keyWith({ arn }), dataKey, contextWith(KEYS)),
      () => kms.unwrap(keyWith({ arn }), contextWith(KEYS)),
    ]) {
      const error = await failure(work());
      assert.is(error.code, "bad-key");
      assert.match(error.message, `${arn} is not the ARN of a KMS key`);
      assert.ok(error.hint);
    }
  }
});

test("what KMS answers, in a sentence with a next step, and no secret", async () => {
  const user = "arn:aws:iam::111122223333:user/ann";
  const cases: [ReturnType<typeof refusal>, ErrorCode, string, string][] = [
    [
      refusal(
        "AccessDeniedException",
        `User: ${user} is not authorized to perform: kms:Decrypt on resource: x`,
      ),
      "access-denied",
      `access denied: ${user} may not do kms:Decrypt`,
      "allow kms:Decrypt on",
    ],
    [
      refusal("AccessDeniedException"),
      "access-denied",
      "access denied, or there is no such key",
      "key's policy",
    ],
    [refusal("NotFoundException"), "no-such-key", "no such key in eu-west-1", "does not come back"],
    [refusal("DisabledException"), "no-such-key", "the key is disabled", "aws kms enable-key"],
    [refusal("KMSInvalidStateException"), "no-such-key", "scheduled for deletion", "cancel-key-deletion"],
    [
      refusal("InvalidCiphertextException"),
      "bad-key",
      "encryption context is not the one",
      "compare context and enc",
    ],
    [refusal("IncorrectKeyException"), "bad-key", "wrapped with another KMS key", "alias"],
    [refusal("InvalidKeyUsageException"), "bad-key", "not for encryption", "ENCRYPT_DECRYPT"],
    [refusal("InvalidArnException"), "bad-key", "does not accept the ARN", "another region than eu-west-1"],
    [
      refusal("ExpiredTokenException"),
      "bad-credentials",
      "the credentials have expired",
      "AWS_SESSION_TOKEN",
    ],
    [
      refusal("UnrecognizedClientException"),
      "bad-credentials",
      "AWS does not know these credentials",
      "eu-west-1 is not enabled",
    ],
    [
      refusal("InvalidSignatureException"),
      "bad-credentials",
      "the signature is wrong",
      "put new credentials",
    ],
    [refusal("ValidationException"), "bad-key", "calls the request malformed", "typing error"],
    [
      refusal("SomethingNewException"),
      "service-failed",
      "KMS refuses it: SomethingNewException",
      "documentation",
    ],
    [refusal("constructor"), "service-failed", "KMS refuses it", "documentation"],
    [{ status: 403, body: "<html>" }, "access-denied", "access denied", "allow"],
    [{ body: "<html>" }, "service-failed", "is not understood", "address"],
  ];
  for (const [answer, code, cause, next] of cases) {
    const leaky =
      typeof answer.body === "object" && !(answer.body as { message: string }).message
        ? { ...answer, body: { ...answer.body, message: "raw text of the server" } }
        : answer;
    const { url } = await double(() => leaky);
    const error = await failure(kms.unwrap(keyWith(), contextWith({ ...KEYS, AWS_ENDPOINT_URL: url })));
    assert.is(error.code, code);
    assert.match(error.message, `cannot unwrap the data key for ${ARN}: `);
    assert.match(error.message, cause);
    assert.match(error.hint!, next);
    assert.not.match(shown(error), KEYS.AWS_SECRET_ACCESS_KEY);
    assert.not.match(shown(error), "raw text of the server");
    assert.not.match(shown(error), WRAPPED);
  }
});

test("throttling, failures of the service and broken connections are tried again", async () => {
  const troubles = [
    refusal("ThrottlingException"),
    refusal("KMSInternalException", "", 500),
    { status: 503, body: "busy" },
    { broken: true },
  ];
  for (const trouble of troubles) {
    const { url, asked } = await double((_, count) =>
      count < 3 ? trouble : { body: { Plaintext: dataKey.toString("base64") } },
    );
    const context = contextWith({ ...KEYS, AWS_ENDPOINT_URL: url });
    assert.equal(await kms.unwrap(keyWith(), context), dataKey);
    assert.is(asked.length, 3);
  }
});

test("throttling is waited out, and reported where it takes too long; refusals are not tried again", async () => {
  const passing = await double((_, count) =>
    count <= 4 ? refusal("ThrottlingException") : { body: { Plaintext: dataKey.toString("base64") } },
  );
  const context = contextWith({ ...KEYS, AWS_ENDPOINT_URL: passing.url });
  assert.equal(await kms.unwrap(keyWith(), context), dataKey);
  assert.is(passing.asked.length, 5);
  // nobody waits for an hour
  const headers = { "retry-after": "3600" };
  const busy = await double(() => ({ ...refusal("ThrottlingException"), headers }));
  const error = await failure(kms.unwrap(keyWith(), contextWith({ ...KEYS, AWS_ENDPOINT_URL: busy.url })));
  assert.match(
    error.message,
    "the service has too many requests, and asks to be left alone for another 3600 seconds",
  );
  assert.match(error.hint!, "after that");
  assert.is(busy.asked.length, 1);
  const denied = await double(() => refusal("AccessDeniedException"));
  await failure(kms.unwrap(keyWith(), contextWith({ ...KEYS, AWS_ENDPOINT_URL: denied.url })));
  assert.is(denied.asked.length, 1);
});

test("a clock that is wrong is corrected by the service's answer", async () => {
  const { url, asked } = await double((_, count) =>
    count === 1
      ? {
          ...refusal("RequestExpired", "Signature expired"),
          headers: { date: new Date(Date.now() + 3_600_000).toUTCString() },
        }
      : { body: { Plaintext: dataKey.toString("base64") } },
  );
  assert.equal(await kms.unwrap(keyWith(), contextWith({ ...KEYS, AWS_ENDPOINT_URL: url })), dataKey);
  assert.is(asked.length, 2);
});

test("a server that does not answer, and one that is not there, end in time", async () => {
  const { url } = await double(() => ({ silent: true }));
  const silent = await failure(
    kms.unwrap(keyWith(), contextWith({ ...KEYS, AWS_ENDPOINT_URL: url, TSOPS_KMS_TIMEOUT: "1" })),
  );
  assert.match(silent.message, "did not answer within 1 seconds");
  const nobody = await failure(
    kms.wrap(keyWith(), dataKey, contextWith({ ...KEYS, AWS_ENDPOINT_URL: "http://127.0.0.1:1" })),
  );
  assert.match(
    nobody.message,
    "KMS at http://127.0.0.1:1 cannot be reached: nothing listens there (ECONNREFUSED)",
  );
  assert.match(nobody.hint!, "AWS_ENDPOINT_URL");
  const withPassword = { ...KEYS, AWS_ENDPOINT_URL: "http://me:pass@word@127.0.0.1:1" };
  const hidden = await failure(kms.wrap(keyWith(), dataKey, contextWith(withPassword)));
  assert.match(hidden.message, "KMS at http://…@127.0.0.1:1 cannot be reached");
});

test("a call that the person stops is stopped", async () => {
  const stop = new AbortController();
  const { url } = await double(() => {
    stop.abort();
    return { silent: true };
  });
  const env = { ...KEYS, AWS_ENDPOINT_URL: url, TSOPS_KMS_TIMEOUT: "3600" };
  const context = contextWith(env, { signal: stop.signal });
  assert.is((await ending(failure(kms.unwrap(keyWith(), context)))).code, "aborted");
});

test("a wrapped data key that is damaged or missing is not sent", async () => {
  const { url, asked } = await double(() => ({}));
  const context = contextWith({ ...KEYS, AWS_ENDPOINT_URL: url });
  assert.match((await failure(kms.unwrap(keyWith({ enc: "%%%" }), context))).message, "it is not base64");
  assert.match((await failure(kms.unwrap(keyWith({ enc: "QUJD=" }), context))).message, "it is not base64");
  assert.match(
    (await failure(kms.unwrap(keyWith({ enc: "" }), context))).message,
    "the wrapped data key is missing",
  );
  assert.is(asked.length, 0);
});

test("a role that only the file names gets no credentials", async () => {
  const { url, asked } = await double((one) =>
    one.action === "AssumeRole" ? assumed(one) : { body: { Plaintext: dataKey.toString("base64") } },
  );
  const env = { ...KEYS, AWS_ENDPOINT_URL: url };
  const key = keyWith({ role: ROLE });
  for (const work of [
    () => kms.unwrap(key, contextWith(env)),
    () => kms.wrap(key, dataKey, contextWith(env)),
  ]) {
    const error = await failure(work());
    assert.is(error.code, "not-allowed");
    assert.match(error.hint!, "aws_role");
  }
  const examination = await kms.examine(key, contextWith(env));
  assert.is(examination.usable, false);
  assert.match(examination.lines.join("\n"), "nothing here vouches for it");
  assert.is(asked.length, 0);
  const vouched = contextWith(env, { allow: async () => ({ ...ALLOW_NOTHING, awsRole: [ROLE] }) });
  assert.equal(await kms.unwrap(key, vouched), dataKey);
  assert.equal(
    asked.map((one) => [one.action, signer(one)]),
    [
      ["AssumeRole", "AKIATEST"],
      ["TrentService.Decrypt", "ASIAROLE"],
    ],
  );
  assert.equal(await kms.unwrap(key, contextWith({ ...env, TSOPS_ALLOW: `aws_role=${ROLE}` })), dataKey);
  const bad = await failure(kms.unwrap(keyWith({ role: "sops" }), contextWith(env)));
  assert.match(bad.message, "sops is not the ARN of an IAM role");
});

test("a profile that the file names: vouched for, or the person's own serves, or a clear word", async () => {
  const { url, asked } = await double(() => ({ body: { Plaintext: dataKey.toString("base64") } }));
  const folder = emptyFolder();
  const credentials = join(folder, "credentials");
  const keys = (id: string) => `aws_access_key_id = ${id}\naws_secret_access_key = s\n`;
  writeFileSync(
    credentials,
    `[default]\n${keys("AKIADEFAULT")}[prod]\n${keys("AKIAPROD")}[mine]\n${keys("AKIAMINE")}`,
  );
  const env = { AWS_SHARED_CREDENTIALS_FILE: credentials, AWS_ENDPOINT_URL: url };
  const prod = keyWith({ aws_profile: "prod" });

  const refused = await failure(kms.unwrap(prod, contextWith(env)));
  assert.is(refused.code, "not-allowed");
  assert.match(refused.hint!, "aws_profile");
  assert.match(refused.hint!, "TSOPS_ALLOW=aws_profile=prod");
  assert.match(refused.hint!, "in AWS_PROFILE");
  // a profile of one's own that is another one does not vouch for it
  const other = await failure(kms.unwrap(prod, contextWith({ ...env, AWS_PROFILE: "mine" })));
  assert.is(other.code, "not-allowed");
  assert.is(asked.length, 0);

  const signers = async (key: MasterKey, more: Record<string, string>, warnings: string[] = []) => {
    asked.length = 0;
    const context = contextWith({ ...env, ...more }, { warn: (text) => void warnings.push(text) });
    assert.equal(await kms.unwrap(key, context), dataKey);
    return asked.map(signer);
  };
  assert.equal(await signers(prod, { AWS_PROFILE: "prod" }), ["AKIAPROD"]);
  assert.equal(await signers(prod, { TSOPS_ALLOW: "aws_profile=prod", ...KEYS }), ["AKIAPROD"]);
  assert.equal(await signers(keyWith({ aws_profile: "default" }), {}), ["AKIADEFAULT"]);
  assert.equal(await signers(keyWith(), {}), ["AKIADEFAULT"]);
  const defaulted = await failure(
    kms.unwrap(keyWith({ aws_profile: "default" }), contextWith({ ...env, ...KEYS })),
  );
  assert.is(defaulted.code, "not-allowed");

  const gone = keyWith({ aws_profile: "gone" });
  const warnings: string[] = [];
  assert.equal(await signers(gone, { AWS_PROFILE: "mine" }, warnings), ["AKIAMINE"]);
  assert.equal(warnings, [
    "the AWS profile gone that the file names is not on this machine: AWS_PROFILE (mine) is used instead",
  ]);
  assert.equal(await signers(gone, KEYS), ["AKIATEST"]);
  asked.length = 0;
  const context = contextWith(env);
  assert.is(await kms.unwrap(gone, context), null);
  const lines = kms.whyNot!(gone, context).join("\n");
  assert.match(lines, "the AWS profile gone is not on this machine; the file names it");
  assert.match(lines, "AWS_PROFILE");
  assert.is(asked.length, 0);
});

test("examine asks for a dry run, and unwraps nothing", async () => {
  const { url, asked } = await double(() => refusal("DryRunOperationException"));
  const context = contextWith({ ...KEYS, AWS_ENDPOINT_URL: url });
  const wrapped = await kms.examine(keyWith(), context);
  assert.is(wrapped.usable, true);
  assert.match(
    wrapped.lines.join("\n"),
    /AWS_ACCESS_KEY_ID[\s\S]*region eu-west-1, at http[\s\S]*lets these/,
  );
  assert.is(JSON.parse(asked[0]!.body).DryRun, true);
  assert.is(asked[0]!.action, "TrentService.Decrypt");
  const [fresh] = kms.parse(ARN);
  assert.is((await kms.examine(fresh!, context)).usable, true);
  assert.is(asked[1]!.action, "TrentService.Encrypt");
  assert.is(JSON.parse(asked[1]!.body).Plaintext, Buffer.alloc(32).toString("base64"));
  const denied = await double(() => refusal("AccessDeniedException"));
  const not = await kms.examine(keyWith(), contextWith({ ...KEYS, AWS_ENDPOINT_URL: denied.url }));
  assert.is(not.usable, false);
  assert.match(not.lines.join("\n"), /AWS_ACCESS_KEY_ID[\s\S]*access denied/);
  assert.is(not.ofWrapped, undefined, "it is about the key, and so about all files that have it");
  for (const [name, message, ofWrapped] of [
    ["InvalidCiphertextException", "", true],
    ["IncorrectKeyException", "", true],
    ["AccessDeniedException", "The ciphertext refers to a customer master key that does not exist", true],
    ["InvalidKeyUsageException", "", undefined],
    ["DisabledException", "", undefined],
    ["NotFoundException", "", undefined],
  ] as const) {
    const server = await double(() => refusal(name, message));
    const said = await kms.examine(keyWith(), contextWith({ ...KEYS, AWS_ENDPOINT_URL: server.url }));
    assert.is(said.usable, false);
    assert.is(said.ofWrapped, ofWrapped, name);
  }
  assert.is((await kms.examine(keyWith({ enc: "no base64!" }), context)).ofWrapped, true);
  const broken = await kms.examine(keyWith({ arn: "x" }), context);
  assert.match(broken.lines.join("\n"), "x is not the ARN of a KMS key");
});

test("KMS is asked through the proxy that HTTPS_PROXY names, but for what NO_PROXY names", async () => {
  const proxy = await fakeProxy("http://127.0.0.1:9", 403);
  const env = { ...KEYS, HTTPS_PROXY: `http://me:pw%21@${proxy.address}` };
  const error = await failure(kms.unwrap(keyWith(), contextWith(env)));
  assert.match(error.message, "KMS in eu-west-1 cannot be reached: the proxy answers with status 403");
  assert.match(error.hint!, "HTTPS_PROXY");
  assert.not.match(`${error.message}\n${error.hint}`, "pw!");
  const login = Buffer.from("me:pw!").toString("base64");
  assert.ok(proxy.asked.length > 0);
  for (const asked of proxy.asked) assert.is(asked, `CONNECT kms.eu-west-1.amazonaws.com:443 Basic ${login}`);
  const config = await awsClientConfig(contextWith({ ...env, NO_PROXY: ".amazonaws.com" }), "KMS", {
    region: "eu-west-1",
  });
  assert.is(config.requestHandler.httpsAgent, undefined);
});

test.after(closeDoubles);
test.after(stopServers);
test.run();
