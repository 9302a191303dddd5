import { randomBytes } from "node:crypto";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { namedByKeys } from "../../src/keys/allow-lists.ts";
import { textField, withFields } from "../../src/keys/fields.ts";
import type { KeyContext, MasterKey } from "../../src/keys/kind.ts";
import { answers, freePorts, installed, startServer } from "../support/integration/servers.ts";
import { contextWith } from "../support/keys/contexts.ts";
import { vaultkv } from "../support/keys/in-use.ts";
import { newMaster, said } from "../support/keys/stores.ts";
import { until } from "../support/pace.ts";

/** Master keys in the KV engine, both of its versions, against OpenBao. */

const [port, closedPort] = (await freePorts(2)) as [number, number];
const HOST = `127.0.0.1:${port}`;
await startServer({
  argv: [
    ...([installed("BAO"), "server", "-dev", "-dev-root-token-id=root", "-dev-no-store-token"] as const),
    `-dev-listen-address=${HOST}`,
  ],
  ready: () => answers(`http://${HOST}/v1/sys/health`, 200),
});
const DATA_KEY = randomBytes(32);

/** What an administrator does, without any code of this project. */
async function admin(
  method: string,
  path: string,
  body?: unknown,
): Promise<{ data: Record<string, unknown> }> {
  const headers = { "X-Vault-Token": "root" };
  const response = await fetch(`http://${HOST}/v1/${path}`, { method, headers, body: JSON.stringify(body) });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return text ? JSON.parse(text) : { data: {} };
}

/** A token with a policy of its own. */
async function tokenFor(name: string, policy: string, more: Record<string, unknown> = {}): Promise<string> {
  await admin("PUT", `sys/policies/acl/${name}`, { policy });
  const answer = await admin("POST", "auth/token/create", { policies: [name], ...more });
  return (answer as unknown as { auth: { client_token: string } }).auth.client_token;
}

await admin("POST", "sys/mounts/team/kv", { type: "kv", options: { version: "2" } });
await admin("POST", "sys/mounts/old", { type: "kv", options: { version: "1" } });
await admin("POST", "sys/mounts/transit", { type: "transit" });
const put = (path: string, fields: Record<string, unknown>) =>
  admin("POST", `secret/data/${path}`, { data: fields });

const keyOf = (path: string, host = HOST): MasterKey => vaultkv.parse(`vaultkv+http://${host}/${path}`)[0]!;
function contextFor(env: Record<string, string | undefined> = {}, more: Partial<KeyContext> = {}) {
  return contextWith({ VAULT_ADDR: `http://${HOST}`, VAULT_TOKEN: "root", ...env }, more);
}
const wrap = (path: string, env?: Record<string, string>) =>
  vaultkv.wrap(keyOf(path), DATA_KEY, contextFor(env));
const unwrap = (key: MasterKey, env?: Record<string, string>) => vaultkv.unwrap(key, contextFor(env));

test("KV version 2: a data key comes back, and the version of the secret is recorded", async () => {
  const { text, id } = newMaster();
  await put("sops/v2", { value: text });
  const wrapped = await wrap("secret/sops/v2");
  assert.equal(
    wrapped.fields.entries().map(({ key }) => key),
    ["created_at", "enc", "key_id", "key_version", "uri"],
  );
  assert.is(textField(wrapped.fields, "key_id"), id);
  assert.is(textField(wrapped.fields, "key_version"), "1");
  assert.equal(await unwrap(wrapped), DATA_KEY);
});

test("KV version 1, and a mount whose path has several parts", async () => {
  const master = newMaster();
  await admin("POST", "old/sops/master", { value: master.text });
  const one = await wrap("old/sops/master");
  assert.is(one.fields.get("key_version"), undefined);
  assert.equal(await unwrap(one), DATA_KEY);
  await admin("POST", "team/kv/data/a/b", { data: { value: master.text } });
  const two = await wrap("team/kv/a/b");
  assert.is(textField(two.fields, "key_version"), "1");
  assert.equal(await unwrap(two), DATA_KEY);
  // the same master key, found elsewhere
  assert.equal(await unwrap({ ...keyOf("team/kv/a/b"), fields: one.fields }), DATA_KEY);
});

test("the field: value, or the only one, or the one that is named", async () => {
  const [a, b] = [newMaster(), newMaster()];
  await put("fields", { value: a.text, other: b.text });
  await put("only one", { "the key": b.text });
  await put("none", { a: a.text, b: b.text });
  await put("number", { value: 5 });
  const idOf = async (path: string) => textField((await wrap(path)).fields, "key_id");
  assert.is(await idOf("secret/fields"), a.id);
  assert.is(await idOf("secret/fields#other"), b.id);
  assert.is(await idOf("secret/only%20one"), b.id);
  assert.is(await idOf("secret/only%20one#the%20key"), b.id);
  assert.match(await said(wrap("secret/none")), /2 fields, and none of them is called value[\s\S]*#FIELD/);
  assert.match(await said(wrap("secret/fields#nothing")), /it has no field of that name/);
  assert.match(await said(wrap("secret/fields#__proto__")), /it has no field of that name/);
  assert.match(await said(wrap("secret/number")), /the field is not a text/);
});

test("rotation by version: old files open from the recorded version, new files get the newest key", async () => {
  const [old, now] = [newMaster(), newMaster()];
  await put("rotated", { value: old.text });
  const before = await wrap("secret/rotated");
  await put("rotated", { value: now.text });
  assert.equal(await unwrap(before), DATA_KEY);
  const after = await vaultkv.wrap(before, DATA_KEY, contextFor());
  assert.is(textField(after.fields, "key_id"), now.id);
  assert.is(textField(after.fields, "key_version"), "2");
  assert.equal(await unwrap(after), DATA_KEY);

  await admin("POST", "secret/delete/rotated", { versions: [1] });
  const deleted = await said(unwrap(before));
  assert.match(deleted, `does not hold the master key whose id is ${old.id} (it holds ${now.id})`);
  assert.match(deleted, /version 1 of it was deleted[\s\S]*undelete/);
  await admin("POST", "secret/undelete/rotated", { versions: [1] });
  assert.equal(await unwrap(before), DATA_KEY);
  await admin("PUT", "secret/destroy/rotated", { versions: [1] });
  assert.match(await said(unwrap(before)), /version 1 of it was destroyed/);
  // a person puts it back after the newest one
  await put("rotated", { value: `${now.text} ${old.text}` });
  assert.equal(await unwrap(before), DATA_KEY);
});

test("a version that is not there, or was changed in the file", async () => {
  const [old, now] = [newMaster(), newMaster()];
  await put("versions", { value: old.text });
  const wrapped = await wrap("secret/versions");
  await put("versions", { value: now.text });
  for (const version of ["9", "2", "x", "0", "1/../../x", ""]) {
    const words = await said(unwrap(withFields(wrapped, { key_version: version })));
    assert.match(words, `the master key whose id is ${old.id}`, version);
  }
});

test("the newest version is deleted, but the file was encrypted with an older one", async () => {
  await put("newest", { value: newMaster().text });
  const wrapped = await wrap("secret/newest");
  await put("newest", { value: newMaster().text });
  await admin("DELETE", "secret/data/newest");
  assert.equal(await unwrap(wrapped), DATA_KEY);
});

test("secrets that are deleted, that never were, and what is no secret", async () => {
  await put("gone", { value: newMaster().text });
  const wrapped = await wrap("secret/gone");
  await admin("DELETE", "secret/data/gone");
  assert.match(await said(unwrap(wrapped)), /version 1 of it was deleted \(20\d\d-[\s\S]*undelete/);
  assert.match(await said(wrap("secret/gone")), /version 1 of it was deleted/);
  assert.match(await said(wrap("secret/never")), /there is no such secret[\s\S]*VAULT_NAMESPACE/);
  assert.match(await said(wrap("old/never")), /there is no such secret/);
  assert.match(await said(wrap("transit/keys/x")), /in one of type transit[\s\S]*hashivault:/);
});

test("the least privilege that docs/keys.md names is enough", async () => {
  const { text } = newMaster();
  await put("least", { value: text });
  await admin("POST", "old/least", { value: text });
  const token = await tokenFor("least", 'path "secret/data/least" { capabilities = ["read"] }');
  const wrapped = await wrap("secret/least", { VAULT_TOKEN: token });
  assert.equal(await unwrap(wrapped, { VAULT_TOKEN: token }), DATA_KEY);
  const one = await tokenFor("least-1", 'path "old/least" { capabilities = ["read"] }');
  assert.equal(await unwrap(await wrap("old/least", { VAULT_TOKEN: one }), { VAULT_TOKEN: one }), DATA_KEY);
});

test("a server that does not say what is mounted: both versions are tried", async () => {
  const { text } = newMaster();
  await put("tried", { value: text });
  await admin("POST", "old/tried", { value: text });
  const rest = 'path "sys/internal/ui/mounts/*" { capabilities = ["deny"] }';
  const policy = `path "secret/data/tried" { capabilities = ["read"] }\npath "old/tried" { capabilities = ["read"] }`;
  const token = await tokenFor("tried", `${policy}\n${rest}`);
  const two = await wrap("secret/tried", { VAULT_TOKEN: token });
  assert.is(textField(two.fields, "key_version"), "1");
  assert.equal(await unwrap(two, { VAULT_TOKEN: token }), DATA_KEY);
  const one = await wrap("old/tried", { VAULT_TOKEN: token });
  assert.is(one.fields.get("key_version"), undefined);
  assert.equal(await unwrap(one, { VAULT_TOKEN: token }), DATA_KEY);
  assert.match(await said(wrap("secret/elsewhere", { VAULT_TOKEN: token })), /may not read it/);
});

test("access denied, an expired token, a token that is none, and no token", async () => {
  await put("denied", { value: newMaster().text });
  const other = await tokenFor("other", 'path "secret/data/other" { capabilities = ["read"] }');
  const words = await said(wrap("secret/denied", { VAULT_TOKEN: other }));
  assert.match(words, /the token in VAULT_TOKEN may not read it, or has expired[\s\S]*MOUNT\/data\/PATH/);
  assert.not.ok(words.includes(other));
  const short = await tokenFor("short", 'path "secret/data/denied" { capabilities = ["read"] }', {
    ttl: "1s",
  });
  const expired = async () => {
    const asked = await fetch(`http://${HOST}/v1/auth/token/lookup-self`, {
      headers: { "x-vault-token": short },
    });
    return asked.status === 403;
  };
  await until(expired, "the end of the token");
  for (const token of [short, "hvs.nonsense"]) {
    const refused = await said(wrap("secret/denied", { VAULT_TOKEN: token }));
    assert.match(refused, /the token in VAULT_TOKEN/);
    assert.match(refused, /expired|any more/);
    assert.not.ok(refused.includes(token));
  }
  assert.match(await said(wrap("secret/denied", { VAULT_TOKEN: "" })), /no credentials for Vault/);
});

test("an address that only a file names gets no token, and one that does not answer is not waited for", async () => {
  const path = "secret/denied";
  const elsewhere = contextFor({ VAULT_ADDR: "https://vault.example.com" });
  assert.match(await said(vaultkv.wrap(keyOf(path), DATA_KEY, elsewhere)), /nothing here vouches for it/);
  const closed = keyOf(path, `127.0.0.1:${closedPort}`);
  const context = contextFor({}, { allow: async () => namedByKeys([closed]) });
  assert.match(
    await said(vaultkv.wrap(closed, DATA_KEY, context)),
    /cannot be reached: nothing listens there/,
  );
});

test("what doctor says: server, credentials, permission, whether the key is there", async () => {
  const [old, now] = [newMaster(), newMaster()];
  await put("doctor", { value: old.text });
  const wrapped = await wrap("secret/doctor");
  const lines = async (env: Record<string, string> = {}) => {
    const { usable, lines } = await vaultkv.examine(wrapped, contextFor(env));
    return { usable, text: lines.join("\n") };
  };
  const good = await lines();
  assert.is(good.usable, true);
  assert.match(good.text, `Vault at http://${HOST}`);
  assert.match(good.text, "the token in VAULT_TOKEN");
  assert.match(good.text, `it holds the master key ${old.id}`);
  await put("doctor", { value: now.text });
  const later = await lines();
  assert.is(later.usable, undefined);
  assert.match(later.text, /version 1 of the secret may hold it/);
  const other = await tokenFor("blind", 'path "secret/data/other" { capabilities = ["read"] }');
  assert.match((await lines({ VAULT_TOKEN: other })).text, /may not read it/);
  assert.match((await lines({ VAULT_TOKEN: "" })).text, /no credentials for Vault/);
});

test("a master key that Vault's transit engine wrapped, in a variable of the environment", async () => {
  const { env } = await import("../support/keys/in-use.ts");
  await admin("POST", "transit/keys/kek");
  const plaintext = randomBytes(32).toString("base64");
  const { data } = await admin("POST", "transit/encrypt/kek", { plaintext });
  const MASTER = `hashivault+http://${HOST}/v1/transit/keys/kek#${data.ciphertext}`;
  const [key] = env.parse("env://MASTER");
  const context = () => contextFor({ MASTER });
  const wrapped = await env.wrap(key!, DATA_KEY, context());
  assert.equal(await env.unwrap(wrapped, context()), DATA_KEY);
  // it is the same master key as the one in the clear
  assert.equal(await env.unwrap(wrapped, contextFor({ MASTER: plaintext })), DATA_KEY);
  const stranger = contextFor({ MASTER, VAULT_ADDR: undefined });
  assert.match(await said(env.unwrap(wrapped, stranger)), /nothing here vouches for it/);
});

test("a sealed server says so", async () => {
  const wrapped = await wrap("secret/doctor");
  await admin("PUT", "sys/seal");
  assert.match(await said(unwrap(wrapped)), /the server is sealed[\s\S]*unseal/);
});

test.run();
