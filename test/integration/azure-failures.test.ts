import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { globalAgent } from "node:https";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { TsopsError } from "../../src/errors.ts";
import { withFields } from "../../src/keys/fields.ts";
import { wrapDataKey } from "../../src/keys/groups.ts";
import type { KeyContext, MasterKey } from "../../src/keys/kind.ts";
import { freePorts, scratch } from "../support/integration/servers.ts";
import { contextWith } from "../support/keys/contexts.ts";
import { azureKv } from "../support/keys/in-use.ts";
import { ending, until } from "../support/pace.ts";
import { entraError, KeyVault, vaultError } from "../support/servers/key-vault.ts";
import { makeCertificates } from "../support/servers/tls.ts";

// What a vault and a login service can answer, against the project's double: each failure has its own sentence and says
// what to do next.

const certificates = makeCertificates(scratch());
const trusted = readFileSync(certificates.ca);
globalAgent.options.ca = trusted;
const vault = await new KeyVault().listen(certificates);
const { resource } = vault;
vault.create("sops");
const DATA_KEY = Buffer.from(Array.from({ length: 32 }, (_, i) => i));

test.before.each(() => {
  vault.requests.length = 0;
  vault.logins.length = 0;
});
test.after(() => vault.close());

function contextFor(env: Record<string, string> = {}): KeyContext {
  return contextWith({
    AZURE_AUTHORITY_HOST: vault.url,
    AZURE_TENANT_ID: "adfs",
    AZURE_CLIENT_ID: vault.application.id,
    AZURE_CLIENT_SECRET: vault.application.secret,
    TSOPS_ALLOW: `azure=${vault.url}`,
    ...env,
  });
}

const [named] = azureKv.parse(`${vault.url}/keys/sops`);
const key = await azureKv.wrap(named!, DATA_KEY, contextFor());

const unwrap = (env: Record<string, string> = {}, changed: MasterKey = key) =>
  azureKv.unwrap(changed, contextFor(env));

/** Fails with a message and a hint, and neither holds a secret. */
async function fails(work: Promise<unknown>, message: RegExp, hint: RegExp): Promise<TsopsError> {
  const error: unknown = await work.then(
    () => assert.unreachable("it must fail"),
    (reason: unknown) => reason,
  );
  assert.instance(error, TsopsError);
  const { code, message: text, hint: next = "" } = error as TsopsError;
  assert.is.not(code, "generic");
  assert.match(text, message);
  assert.match(next, hint);
  const said = `${text} ${next}`;
  for (const secret of [vault.application.secret, DATA_KEY.toString("base64url"), "Bearer", "Timestamp"]) {
    assert.not.match(said, secret);
  }
  return error as TsopsError;
}

test("wrap and unwrap", async () => {
  const part = await unwrap();
  assert.equal(part, DATA_KEY);
  assert.is(key.id, `${vault.url}/keys/sops/${vault.newest("sops").version}`);
});

test("permission denied: says which one, for wrapping, unwrapping and looking up", async () => {
  vault.permissions.clear();
  try {
    const right = (name: string) => new RegExp(`access denied: .* keys/${name}$`);
    await fails(unwrap(), right("decrypt"), /Key Vault Crypto User/);
    await fails(azureKv.wrap(key, DATA_KEY, contextFor()), right("encrypt"), /Crypto User/);
    await fails(azureKv.wrap(named!, DATA_KEY, contextFor()), right("get"), /Crypto User/);
  } finally {
    vault.permissions = new Set(["get", "encrypt", "decrypt"]);
  }
});

test("wrapping and unwrapping need no permission to get the key, as in SOPS", async () => {
  vault.permissions.delete("get");
  try {
    const wrapped = await azureKv.wrap(key, DATA_KEY, contextFor());
    assert.equal(await unwrap({}, wrapped), DATA_KEY);
    assert.ok(vault.requests.every(({ method }) => method === "POST"));
  } finally {
    vault.permissions.add("get");
  }
});

/** What came of 60 files' keys in one run, and how often the vault was asked for the key. */
async function lookups(work: (context: KeyContext) => Promise<unknown>) {
  const context = contextFor();
  const results = await Promise.allSettled(Array.from({ length: 60 }, () => work(context)));
  // once more, when all of them have an answer
  results.push(...(await Promise.allSettled([work(context)])));
  const asked = vault.requests.splice(0).filter(({ method, authorized }) => method === "GET" && authorized);
  return { asked: asked.length, results };
}

test("the newest version of a key is looked up once a run, however many files need it", async () => {
  const some = (i: number) => Buffer.alloc(32, i);
  let i = 0;
  const wrapped = await lookups((context) => azureKv.wrap(named!, some(i++), context));
  assert.is(wrapped.asked, 1);
  assert.ok(wrapped.results.every(({ status }) => status === "fulfilled"));
  const exact = await lookups((context) => azureKv.exact(named!, context));
  assert.is(exact.asked, 1);
  for (const { value } of exact.results as PromiseFulfilledResult<MasterKey>[]) assert.is(value.id, key.id);
});

test("a lookup that is refused counts for the other files of the run, and so does that of another version", async () => {
  vault.permissions.delete("get");
  try {
    const { asked, results } = await lookups((context) => azureKv.exact(named!, context));
    assert.is(asked, 1);
    for (const { reason } of results as PromiseRejectedResult[]) assert.match(reason.message, "keys/get");
  } finally {
    vault.permissions.add("get");
  }
  const wrong = withFields(key, { version: "0".repeat(32) });
  const { asked, results } = await lookups((context) => azureKv.unwrap(wrong, context));
  assert.is(asked, 1);
  for (const { reason } of results as PromiseRejectedResult[])
    assert.match(reason.message, "not its version");
});

test("a key without a version is named without a slash at its end, in each part of a sentence", async () => {
  vault.permissions.delete("get");
  const work = wrapDataKey(DATA_KEY, [[named!]], 0, { context: contextFor() });
  const error = await fails(work, /cannot look up the version/, /Crypto User/).finally(() =>
    vault.permissions.add("get"),
  );
  assert.is(error.message.split(`${vault.url}/keys/sops`).length, 3);
  assert.not.match(error.message, "/keys/sops/");
});

test("a managed HSM's role is another one", async () => {
  const { explained } = await import("../../src/keys/azure/errors.ts");
  const denied = Object.assign(new Error("x"), { statusCode: 403 });
  const at = { vault: "https://team.managedhsm.azure.net", name: "sops", version: "" };
  const error = explained(denied, at, "decrypt") as TsopsError;
  assert.match(error.hint ?? "", "Managed HSM Crypto User");
});

test("key not found or deleted, and wrong version", async () => {
  await fails(unwrap({}, withFields(key, { name: "other" })), /has no such key$/, /key recover/);
  const wrong = withFields(key, { version: "0".repeat(32) });
  await fails(unwrap({}, wrong), /has the key, but not its version 0{32}$/, /list-versions/);
});

test("key disabled", async () => {
  vault.newest("sops").enabled = false;
  await fails(unwrap(), /the key is disabled$/, /set-attributes --enabled true/).finally(() => {
    vault.newest("sops").enabled = true;
  });
});

test("key expired: it decrypts, but wraps nothing new", async () => {
  vault.newest("sops").expires = 1_000_000_000;
  try {
    assert.equal(await unwrap(), DATA_KEY);
    await fails(azureKv.wrap(key, DATA_KEY, contextFor()), /has expired or is not valid yet$/, /new version/);
  } finally {
    vault.newest("sops").expires = undefined;
  }
});

test("key that is not for encrypting", async () => {
  vault.create("signing", { operations: ["sign", "verify"] });
  const [signing] = azureKv.parse(`${vault.url}/keys/signing`);
  await fails(azureKv.wrap(signing!, DATA_KEY, contextFor()), /list of operations has no encrypt$/, /--ops/);
});

test("a firewall in front of the vault", async () => {
  vault.failures = [{ status: 403, body: vaultError("Forbidden", "x", "ForbiddenByFirewall") }];
  await fails(unwrap(), /firewall does not let this machine in$/, /private endpoint/);
});

test("corrupted wrapped key", async () => {
  const other = Buffer.alloc(256, 1).toString("base64url");
  await fails(unwrap({}, withFields(key, { enc: other })), /wrapped data key is damaged, or/, /in git/);
  await fails(unwrap({}, withFields(key, { enc: "AAAA" })), /wrapped data key is damaged, or/, /in git/);
  await fails(unwrap({}, withFields(key, { enc: "A=!" })), /is damaged: it is not base64url$/, /in git/);
  await fails(unwrap({}, withFields(key, { enc: "" })), /wrapped data key is missing$/, /in git/);
  const [, second] = [vault.create("second"), vault.newest("second").version];
  const swapped = withFields(key, { name: "second", version: second });
  await fails(unwrap({}, swapped), /wrapped with another key or version$/, /in git/);
});

test("throttling and failures of the service are tried again", async () => {
  const throttled = { status: 429, body: vaultError("Throttled", "Request was not processed.") };
  const broken = { status: 503, body: "" };
  vault.failures = [throttled, broken];
  assert.equal(await unwrap(), DATA_KEY);
  // as often as need be; but nobody waits for an hour
  vault.failures = [throttled, throttled, throttled, throttled, throttled];
  assert.equal(await unwrap(), DATA_KEY);
  vault.failures = [{ ...throttled, headers: { "retry-after": "3600" } }];
  await fails(unwrap(), /asks to be left alone for another 3600 seconds$/, /after that/);
  vault.failures = [broken, broken, broken, broken];
  await fails(unwrap(), /has an internal error \(HTTP 503\)$/, /later/);
});

test("the login service is throttling, or fails by itself", async () => {
  const busy = [429, 503].map((status) => ({ status, body: {} }));
  vault.loginFailures = [...busy];
  assert.equal(await unwrap(), DATA_KEY);
  vault.loginFailures = Array.from({ length: 8 }, () => ({ status: 503, body: {} }));
  await fails(unwrap(), /the login service has an internal error \(HTTP 503\)$/, /minute/);
  vault.loginFailures = [{ status: 429, body: {}, headers: { "retry-after": "3600" } }];
  await fails(unwrap(), /no token by environment.*: .* left alone for another 3600 seconds$/, /after that/);
  vault.loginFailures = [];
});

test("what the login service refuses", async () => {
  await fails(
    unwrap({ AZURE_CLIENT_SECRET: "wrong" }),
    /client secret is wrong \(AADSTS7000215\)$/,
    /secret's value/,
  );
  await fails(unwrap({ AZURE_CLIENT_ID: "nobody" }), /no such application/, /AZURE_CLIENT_ID/);
  for (const [code, message] of [
    ["7000222", /the client secret has expired/],
    ["700211", /the application trusts no token like this one/],
    ["1", /Microsoft Entra ID refuses it \(AADSTS1\)$/],
  ] as const) {
    vault.loginFailures = [{ status: 400, body: entraError("invalid_client", `AADSTS${code}: x`) }];
    await fails(unwrap(), message, /./);
  }
});

/** The program az on a PATH of its own, and a login of it in the home folder of a context. */
function withAz(script: string, env: Record<string, string> = {}): { context: KeyContext; path: string } {
  const path = scratch();
  writeFileSync(join(path, "az"), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  const more = { AZURE_TOKEN_CREDENTIALS: "AzureCLICredential", PATH: `${path}:${process.env.PATH}`, ...env };
  const context = contextFor(more);
  mkdirSync(join(context.home, ".azure"));
  return { context, path };
}

test("az that is slower than the vault may be loses no file", async () => {
  const slow = 'until [ -e "$(dirname "$0")/go" ]; do sleep 0.05; done\ncat "$(dirname "$0")/token"';
  const { context, path } = withAz(`echo >> "$(dirname "$0")/begun"\n${slow}`, { TSOPS_KMS_TIMEOUT: "2" });
  const expires_on = Math.floor(Date.now() / 1000) + 3600;
  writeFileSync(join(path, "token"), JSON.stringify({ accessToken: vault.token("az"), expires_on }));
  const wraps = Promise.all(
    Array.from({ length: 20 }, (_, i) => azureKv.wrap(key, Buffer.alloc(32, i), context)),
  );
  wraps.catch(() => undefined);
  await until(() => existsSync(join(path, "begun")), "az");
  await sleep(2500);
  writeFileSync(join(path, "go"), "");
  assert.is((await ending(wraps)).length, 20);
  assert.is(readFileSync(join(path, "begun"), "utf8"), "\n");
});

test("a login service that cannot be reached does not make the vault count as silent", async () => {
  const [port] = await freePorts(1);
  const context = contextFor({ AZURE_AUTHORITY_HOST: `https://127.0.0.1:${port}` });
  for (let i = 0; i < 5; i++) await fails(azureKv.unwrap(key, context), /no token by environment/, /check/);
});

test("a token that the vault does not take", async () => {
  vault.failures = [{ status: 401, body: vaultError("Unauthorized", "AKV10032: Invalid issuer.") }];
  await fails(unwrap(), /does not accept the token \(AKV10032\)$/, /AZURE_TENANT_ID/);
});

test("a vault of another tenant gets no token", async () => {
  const env = { AZURE_TENANT_ID: "00000000-0000-0000-0000-000000000001" };
  await fails(unwrap(env), /gives a token$/, /tenant adfs, .*AZURE_ADDITIONALLY_ALLOWED_TENANTS/);
  assert.equal(vault.logins, []);
});

test("a server that wants a token for another service gets neither token nor data key", async () => {
  vault.resource = "https://vault.azure.net";
  try {
    await fails(azureKv.wrap(key, DATA_KEY, contextFor()), /meant for another service/, /address/);
    assert.equal(vault.logins, []);
    assert.ok(vault.requests.every(({ body }) => body === ""));
  } finally {
    vault.resource = resource;
  }
});

test("a certificate that nobody trusts", async () => {
  globalAgent.options.ca = undefined;
  globalAgent.destroy();
  try {
    await fails(
      unwrap(),
      /127.0.0.1:\d+ cannot be reached: its certificate is not trusted/,
      /NODE_EXTRA_CA_CERTS/,
    );
  } finally {
    globalAgent.options.ca = trusted;
  }
});

test("no answer, nobody there, no such name: bounded", async () => {
  vault.silent = true;
  await fails(unwrap({ TSOPS_KMS_TIMEOUT: "1" }), /did not answer within 1 seconds$/, /network/).finally(
    () => {
      vault.silent = false;
    },
  );
  const [port] = await freePorts(1);
  const at = (url: string) => unwrap({ TSOPS_ALLOW: `azure=${url}` }, withFields(key, { vault_url: url }));
  await fails(
    at(`https://127.0.0.1:${port}`),
    /cannot be reached: nothing listens there \(ECONNREFUSED\)$/,
    /HTTPS_PROXY/,
  );
  await fails(
    at("https://team.invalid"),
    /team.invalid cannot be reached: its name cannot be resolved \(E\w+\)$/,
    /a name may be known in a private one only/,
  );
  const nobody = { AZURE_AUTHORITY_HOST: `https://127.0.0.1:${port}` };
  await fails(unwrap(nobody), /no token by environment: .*cannot be reached/, /HTTPS_PROXY/);
});

test("many calls at once: one challenge for a key, and no data before it", async () => {
  vault.create("many");
  const [fresh] = azureKv.parse(`${vault.url}/keys/many/${vault.newest("many").version}`);
  const context = contextFor();
  const dataKeys = Array.from({ length: 8 }, (_, i) => Buffer.alloc(32, i));
  const wrapped = await Promise.all(dataKeys.map((each) => azureKv.wrap(fresh!, each, context)));
  assert.equal(await Promise.all(wrapped.map((each) => azureKv.unwrap(each, context))), dataKeys);
  const unauthorized = vault.requests.filter(({ authorized }) => !authorized);
  assert.equal(
    unauthorized.map(({ body }) => body),
    [""],
  );
  assert.is(vault.logins.length, 1);
});

test("many calls at once that all fail: each with its own error, in bounded time", async () => {
  const context = contextFor({ TSOPS_KMS_TIMEOUT: "1" });
  vault.silent = true;
  const unwrap = (times: number) =>
    Promise.allSettled(Array.from({ length: times }, () => azureKv.unwrap(key, context)));
  const start = performance.now();
  await unwrap(1);
  const one = performance.now() - start;
  const results = await unwrap(5);
  const five = performance.now() - start - one;
  vault.silent = false;
  assert.ok(results.every(({ status }) => status === "rejected"));
  // one limit after the other would be five times as long
  assert.ok(five < 3 * one, `${one} ms for one, ${five} ms for five`);
});

test("stopping ends a call at once", async () => {
  const stopper = new AbortController();
  const { env } = contextFor();
  const before = vault.unanswered;
  vault.silent = true;
  const work = azureKv.unwrap(key, contextWith(env, { signal: stopper.signal }));
  await until(() => vault.unanswered > before, "the request");
  stopper.abort();
  const error: unknown = await work.catch((reason: unknown) => reason);
  vault.silent = false;
  assert.is((error as TsopsError).code, "aborted");
});

test("examine: what the vault says of the key, without unwrapping", async () => {
  // a key of its own: what the test before gave up may still arrive
  vault.create("examined");
  const [examined] = azureKv.parse(`${vault.url}/keys/examined`);
  const { usable, lines } = await azureKv.examine(examined!, contextFor());
  assert.is(usable, undefined);
  const text = lines.join("\n");
  assert.match(text, /credentials: environment: application .* with the secret in AZURE_CLIENT_SECRET/);
  assert.match(
    text,
    `${vault.url} answers: key examined, version ${vault.newest("examined").version}, RSA 2048`,
  );
  assert.not.match(text, vault.application.secret);
  const asked = vault.requests.filter(({ path }) => path.startsWith("/keys/examined"));
  assert.ok(asked.length > 0);
  assert.ok(asked.every(({ method }) => method === "GET"));
});

test("examine: says what stands in the way", async () => {
  const lines = async (env = {}, changed = key) => {
    const { usable, lines } = await azureKv.examine(changed, contextFor(env));
    return { usable, text: lines.join("\n") };
  };
  vault.permissions.delete("get");
  const denied = await lines();
  vault.permissions.add("get");
  assert.is(denied.usable, undefined);
  assert.match(denied.text, "lack the permission keys/get");
  vault.create("signing2", { operations: ["sign"] });
  const [signing] = azureKv.parse(`${vault.url}/keys/signing2`);
  const cannot = await lines({}, signing);
  assert.is(cannot.usable, false);
  assert.match(cannot.text, "no decrypt");
  const strange = await lines({ TSOPS_ALLOW: "" });
  assert.is(strange.usable, false);
  assert.match(strange.text, "nothing here vouches for it");
  const gone = await lines({}, withFields(key, { name: "gone" }));
  assert.is(gone.usable, false);
  assert.match(gone.text, "the vault has no such key");
});

test.run();
