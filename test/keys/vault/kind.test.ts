import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { TsopsError } from "../../../src/errors.ts";
import { textField, withFields } from "../../../src/keys/fields.ts";
import { unwrapDataKey, wrapDataKey } from "../../../src/keys/groups.ts";
import type { KeyContext, MasterKey } from "../../../src/keys/kind.ts";
import { contextWith } from "../../support/keys/contexts.ts";
import { hcVault } from "../../support/keys/in-use.ts";
import { type Asked, fakeVault, type Reply, stopServers } from "../../support/servers/vault.ts";

/** What the transit kind sends, and what it makes of answers that OpenBao does not give; see test/integration/vault. */

const dataKey = Buffer.alloc(32, 9);
const TOKEN = "s.token-of-the-test";

const no = (status: number, ...errors: string[]): Reply => ({ status, body: { errors } });
const data = (fields: Record<string, unknown>): Reply => ({ body: { data: fields } });

interface Scene {
  readonly key: MasterKey;
  readonly context: KeyContext;
  readonly asked: Asked[];
}

/** A server that answers by path, a key on it, and a context in which both may be used. */
async function scene(answer: (asked: Asked) => Reply, env: Record<string, string> = {}): Promise<Scene> {
  const { address, asked } = await fakeVault(answer);
  const [key] = hcVault.parse(`${address}/v1/team/a/transit/keys/k`);
  const context = contextWith({ VAULT_ADDR: address, VAULT_TOKEN: TOKEN, ...env });
  return { key: withFields(key!, { enc: "vault:v1:abc" }), context, asked };
}

async function failure(promise: Promise<unknown>): Promise<TsopsError> {
  const error: unknown = await promise.then(
    () => assert.unreachable("it must fail"),
    (reason: unknown) => reason,
  );
  assert.instance(error, TsopsError, String(error));
  assert.not.match(JSON.stringify([(error as TsopsError).message, (error as TsopsError).hint]), TOKEN);
  return error as TsopsError;
}

const honest = ({ path }: Asked): Reply => {
  if (path.includes("/encrypt/")) return data({ ciphertext: "vault:v1:new" });
  if (path.includes("/decrypt/")) return data({ plaintext: dataKey.toString("base64") });
  return data({ min_decryption_version: 1 });
};

test("wrapping looks whether the key is there, once a run, and sends the data key to it", async () => {
  const { key, context, asked } = await scene(honest);
  const wrapped = await hcVault.wrap(key, dataKey, context);
  await hcVault.wrap(key, dataKey, context);
  assert.is(textField(wrapped.fields, "enc"), "vault:v1:new");
  assert.equal(
    asked.map(({ method, path }) => `${method} ${path}`),
    [
      "GET /v1/team/a/transit/keys/k",
      "POST /v1/team/a/transit/encrypt/k",
      "POST /v1/team/a/transit/encrypt/k",
    ],
  );
  assert.equal(asked[1]?.body, { plaintext: dataKey.toString("base64") });
});

test("unwrapping is one request, and gives bytes that the caller owns", async () => {
  const { key, context, asked } = await scene(honest);
  assert.equal(await hcVault.unwrap(key, context), dataKey);
  assert.is(asked.length, 1);
  assert.equal(asked[0]?.body, { ciphertext: "vault:v1:abc" });
});

for (const [what, reply, message, hint] of [
  [
    "the sealed state of HashiCorp's server",
    no(503, "error performing token check: Vault is sealed"),
    /the Vault server http:\S+ is sealed$/,
    /unseal/,
  ],
  ["another request of a client", no(418, "teapot"), /the Vault server http:\S+ refused: teapot$/, /log/],
  ["an answer without a text", no(400), /refused: status 400$/, /log/],
  [
    "a token that HashiCorp's server calls invalid",
    no(403, "2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n"),
    /permission denied: the server does not accept the token in VAULT_TOKEN$/,
    /vault login/,
  ],
  [
    "an engine of another kind",
    no(405, "unsupported operation"),
    /no transit engine at team\/a\/transit$/,
    /secrets list/,
  ],
  ["an answer of another engine", data({ value: 1 }), /does not answer as a transit engine does$/, /URI/],
  ["no answer at all of an engine", {}, /does not answer as a transit engine does$/, /URI/],
  ["base64 that is none", data({ plaintext: "%%%" }), /does not answer as a transit engine does$/, /URI/],
] as const) {
  test(`unwrapping: ${what}`, async () => {
    const { key, context } = await scene(() => reply);
    const error = await failure(hcVault.unwrap(key, context));
    assert.match(error.message, /^cannot unwrap the data key with http:\S+\/v1\/team\/a\/transit\/keys\/k: /);
    assert.match(error.message, message);
    assert.match(error.hint ?? "", hint);
  });
}

test("throttling and a standby without an active server are waited for, and named if they stay", async () => {
  for (const [status, text, message, tries] of [
    [429, 'request path "transit": rate limit quota exceeded', "left alone for another 3600 seconds", 1],
    [500, "local node not active but active cluster node not found", "failed: local node not active", 4],
  ] as const) {
    let left = 1;
    const passing = await scene((asked) => (left-- > 0 ? no(status, text) : honest(asked)));
    assert.equal(await hcVault.unwrap(passing.key, passing.context), dataKey);
    assert.is(passing.asked.length, 2);
    const headers = status === 429 ? { "retry-after": "3600" } : undefined;
    const staying = await scene(() => ({ ...no(status, text), headers }));
    assert.match((await failure(hcVault.unwrap(staying.key, staying.context))).message, message);
    assert.is(staying.asked.length, tries);
  }
});

test("an engine at which the key's state may not be read gets the data key nevertheless", async () => {
  const { key, context, asked } = await scene((call) =>
    call.method === "GET" ? no(403, "permission denied") : honest(call),
  );
  assert.is(textField((await hcVault.wrap(key, dataKey, context)).fields, "enc"), "vault:v1:new");
  assert.is(asked.length, 2);
});

test("nothing is sent to a server that only the file names, when wrapping neither", async () => {
  const { key, context, asked } = await scene(honest, { VAULT_ADDR: "https://other.example" });
  assert.is((await failure(hcVault.wrap(key, dataKey, context))).code, "not-allowed");
  assert.is((await failure(hcVault.unwrap(key, context))).code, "not-allowed");
  const { usable, lines } = await hcVault.examine(key, context);
  assert.is(usable, false);
  assert.match(lines.join("\n"), "nothing here vouches for it");
  assert.is(asked.length, 0);
});

test("a password in the address is not shown", async () => {
  const { key, context } = await scene(() => no(503, "Vault is sealed"));
  const address = textField(key.fields, "vault_address").replace("//", "//user:pass-word@");
  const [named] = hcVault.parse(`${address}/v1/transit/keys/k`);
  const error = await failure(hcVault.unwrap(named!, context));
  assert.match(error.message, "is sealed");
  assert.not.match(error.message, "pass-word");
  // nor where the key is named in front of what failed
  for (const work of [
    wrapDataKey(dataKey, [[named!]], 0, { context }),
    unwrapDataKey([[withFields(named!, { enc: "vault:v1:x" })]], 0, { order: [], context }),
  ]) {
    const { message, hint } = await failure(work);
    assert.match(`${message}${hint}`, "is sealed");
    assert.not.match(`${message}${hint}`, "pass-word");
  }
});

test("a stopped run stops the request", async () => {
  const stop = new AbortController();
  const { key, context } = await scene(() => {
    stop.abort();
    return no(500, "x");
  });
  const error = await failure(hcVault.unwrap(key, { ...context, signal: stop.signal }));
  assert.is(error.code, "aborted");
});

test("an examination of a token that may not ask what it may", async () => {
  const { key, context } = await scene(({ path }) =>
    path.endsWith("lookup-self") ? data({ policies: ["p"], ttl: 90 }) : no(403, "permission denied"),
  );
  const { usable, lines } = await hcVault.examine(key, context);
  assert.is(usable, undefined);
  assert.match(lines.join("\n"), /valid for 90 seconds, with the policies p\n.*may not ask/);
});

test("a token without the default policy is not called invalid, and one that is invalid is", async () => {
  // the texts are those of OpenBao 2 and Vault 1
  const denied = "1 error occurred:\n\t* permission denied\n\n";
  const answers = (text: string) =>
    scene(({ path }) => no(403, path.endsWith("lookup-self") ? text : denied));
  const strict = await answers(denied);
  const found = await hcVault.examine(strict.key, strict.context);
  assert.is(found.usable, undefined);
  assert.match(found.lines.join("\n"), /no default policy, or the server does not accept it/);
  const { message, hint } = await failure(hcVault.unwrap(strict.key, strict.context));
  assert.match(message, /may not use it, or the server does not accept it/);
  assert.match(hint!, /its policy needs path .*; or it has expired/);
  for (const text of [
    "permission denied",
    "2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n",
  ]) {
    const bad = await answers(text);
    assert.is((await hcVault.examine(bad.key, bad.context)).usable, false);
    const error = await failure(hcVault.unwrap(bad.key, bad.context));
    assert.match(error.message, /the server does not accept the token/);
    assert.not.match(error.message, /may not use it/);
  }
});

test("what a token is that may not do it is asked once for all files of a run", async () => {
  const { key, context, asked } = await scene(({ path }) =>
    path.endsWith("lookup-self")
      ? data({ policies: ["default"] })
      : no(403, "1 error occurred: permission denied"),
  );
  const unwraps = Array.from({ length: 20 }, (_, i) =>
    failure(hcVault.unwrap(withFields(key, { enc: `vault:v1:${i}` }), context)),
  );
  for (const { message } of await Promise.all(unwraps)) assert.match(message, "may not use it");
  assert.is(asked.filter(({ path }) => path.endsWith("lookup-self")).length, 1);
});

test("an examination ends soon where the server is silent, and throws nothing", async () => {
  const server = createServer(() => undefined).listen(0, "127.0.0.1");
  await once(server, "listening");
  server.unref();
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { usable, lines } = await hcVault.examine(
    hcVault.parse(`${address}/v1/transit/keys/k`)[0]!,
    contextWith({ VAULT_ADDR: address, VAULT_TOKEN: TOKEN, TSOPS_KMS_TIMEOUT: "0.3" }),
  );
  assert.is(usable, false);
  assert.match(lines.join("\n"), "did not answer within 0.3 seconds");
  server.close();
});

test.after(stopServers);
test.run();
