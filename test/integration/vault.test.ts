import { execFile } from "node:child_process";
import { createSign, generateKeyPairSync } from "node:crypto";
import { chmodSync, copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { rootCertificates } from "node:tls";
import { promisify } from "node:util";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { TsopsError } from "../../src/errors.ts";
import { textField, withFields } from "../../src/keys/fields.ts";
import type { KeyContext, MasterKey } from "../../src/keys/kind.ts";
import { vaultClient } from "../../src/keys/vault/client.ts";
import { freePorts, installed, scratch, startServer } from "../support/integration/servers.ts";
import { contextWith } from "../support/keys/contexts.ts";
import { hcVault } from "../support/keys/in-use.ts";
import { until } from "../support/pace.ts";
import { argvOf } from "../support/program.ts";
import { fakeProxy, stopServers } from "../support/servers/vault.ts";

/** HashiCorp Vault's transit engine, against OpenBao. */

const run = promisify(execFile);
const dataKey = Buffer.from(Array.from({ length: 32 }, (_, i) => i * 7));
const [port, sealedPort, tlsPort, mutualPort, closedPort] = (await freePorts(5)) as [
  number,
  number,
  number,
  number,
  number,
];
const address = await startBao(port);

async function startBao(on: number, more: readonly string[] = [], scheme = "http"): Promise<string> {
  const options = ["-dev", "-dev-root-token-id=root", `-dev-listen-address=127.0.0.1:${on}`];
  const health = { hostname: "127.0.0.1", port: on, path: "/v1/sys/health", rejectUnauthorized: false };
  const { get } = (await import(`node:${scheme}`)) as typeof import("node:https");
  await startServer({
    argv: [installed("BAO"), "server", ...options, "-dev-no-store-token", ...more],
    ready: () =>
      new Promise((resolve, reject) =>
        get(health, (response) => resolve(response.resume().statusCode === 200)).once("error", reject),
      ),
  });
  return `${scheme}://127.0.0.1:${on}`;
}

interface Administered {
  readonly auth?: { readonly client_token: string };
  readonly data?: Record<string, unknown>;
}

/** What an administrator does, without any code of this project. */
async function admin(
  path: string,
  body?: unknown,
  { method = "POST", namespace = "", server = address, token = "root" } = {},
): Promise<Administered> {
  const headers = { "X-Vault-Token": token, ...(namespace && { "X-Vault-Namespace": namespace }) };
  const text = body === undefined ? undefined : JSON.stringify(body);
  const response = await fetch(`${server}/v1/${path}`, { method, headers, body: text });
  const answer = await response.text();
  if (!response.ok) throw new Error(`${path}: ${response.status} ${answer}`);
  return answer ? (JSON.parse(answer) as Administered) : {};
}

async function exists(name: string): Promise<boolean> {
  return admin(`transit/keys/${name}`, undefined, { method: "GET" }).then(
    () => true,
    () => false,
  );
}

/** A token with a policy of its own. */
async function tokenFor(name: string, policy: string, more: Record<string, unknown> = {}): Promise<string> {
  await admin(`sys/policies/acl/${name}`, { policy });
  return (await admin("auth/token/create", { policies: [name], ...more })).auth!.client_token;
}

const uri = (name: string, engine = "transit", server = address): string =>
  `${server}/v1/${engine}/keys/${name}`;
const keyOf = (text: string): MasterKey => hcVault.parse(text)[0]!;

function contextFor(
  env: Record<string, string | undefined> = {},
  more: Partial<KeyContext> = {},
): KeyContext {
  return contextWith({ VAULT_ADDR: address, VAULT_TOKEN: "root", ...env }, more);
}

async function failure(promise: Promise<unknown>): Promise<TsopsError> {
  const error: unknown = await promise.then(
    () => assert.unreachable("it must fail"),
    (reason: unknown) => reason,
  );
  assert.instance(error, TsopsError, String(error));
  const { message, hint } = error as TsopsError;
  assert.ok(hint, `${message} has no hint`);
  return error as TsopsError;
}

async function roundTrip(text: string, context: KeyContext): Promise<MasterKey> {
  const wrapped = await hcVault.wrap(keyOf(text), dataKey, context);
  assert.equal(await hcVault.unwrap(wrapped, context), dataKey);
  return wrapped;
}

const POLICY = `path "transit/encrypt/least" { capabilities = ["update"] }
path "transit/decrypt/least" { capabilities = ["update"] }`;

test.before(async () => {
  await admin("sys/mounts/transit", { type: "transit" });
  await admin("sys/mounts/team/a/transit", { type: "transit" });
  for (const name of ["k", "least", "old", "gone", "soft"]) await admin(`transit/keys/${name}`, {});
  await admin("team/a/transit/keys/k", {});
});

test("a data key comes back from what wrapped it, with the fields that SOPS writes", async () => {
  const wrapped = await roundTrip(uri("k"), contextFor());
  assert.match(textField(wrapped.fields, "enc"), /^vault:v1:[A-Za-z0-9+/=]+$/);
  assert.equal(
    wrapped.fields.entries().map(({ key }) => key),
    ["created_at", "enc", "engine_path", "key_name", "vault_address"],
  );
  assert.is(textField(wrapped.fields, "created_at"), "2025-01-02T03:04:05Z");
  // the administrator sees the same bytes
  const { data } = await admin("transit/decrypt/k", { ciphertext: textField(wrapped.fields, "enc") });
  assert.is(data?.plaintext, dataKey.toString("base64"));
});

test("engines under a longer path, and keys of a namespace", async () => {
  const nested = await roundTrip(uri("k", "team/a/transit"), contextFor());
  assert.is(textField(nested.fields, "engine_path"), "team/a/transit");

  await admin("sys/namespaces/unit", {});
  await admin("sys/mounts/transit", { type: "transit" }, { namespace: "unit" });
  await admin("transit/keys/inside", {}, { namespace: "unit" });
  const context = contextFor({ VAULT_NAMESPACE: "unit" });
  const wrapped = await roundTrip(uri("inside"), context);
  // the same namespace as a part of the engine's path
  await roundTrip(uri("inside", "unit/transit"), contextFor());

  const outside = await failure(hcVault.unwrap(wrapped, contextFor()));
  assert.match(outside.message, "the engine transit has no key inside");
  assert.match(outside.hint ?? "", "VAULT_NAMESPACE");
  const nowhere = await failure(hcVault.unwrap(wrapped, contextFor({ VAULT_NAMESPACE: "nope" })));
  assert.match(nowhere.message, "there is no such namespace (VAULT_NAMESPACE is nope)");
});

test("a key that does not exist is not made by encrypting to it", async () => {
  const error = await failure(hcVault.wrap(keyOf(uri("typo")), dataKey, contextFor()));
  assert.is(error.message, "the engine transit has no key typo");
  assert.match(error.hint ?? "", "vault write -f transit/keys/typo");
  assert.not(await exists("typo"));
});

test("the least policy is enough, also where the key's state may not be read", async () => {
  const token = await tokenFor("least", POLICY);
  await roundTrip(uri("least"), contextFor({ VAULT_TOKEN: token }));
  const error = await failure(hcVault.wrap(keyOf(uri("typo")), dataKey, contextFor({ VAULT_TOKEN: token })));
  assert.match(error.message, "permission denied");
  assert.not(await exists("typo"));
});

test("login with AppRole", async () => {
  await admin("sys/auth/approle", { type: "approle" });
  await admin("sys/policies/acl/least", { policy: POLICY });
  await admin("auth/approle/role/ci", { token_policies: ["least"] });
  const { data: role } = await admin("auth/approle/role/ci/role-id", undefined, { method: "GET" });
  const { data: secret } = await admin("auth/approle/role/ci/secret-id", {});
  const env = { VAULT_TOKEN: undefined, VAULT_ROLE_ID: String(role?.role_id) };
  const secretId = String(secret?.secret_id);
  await roundTrip(uri("least"), contextFor({ ...env, VAULT_SECRET_ID: secretId }));
  const error = await failure(
    hcVault.wrap(
      keyOf(uri("least")),
      dataKey,
      contextFor({ ...env, VAULT_SECRET_ID: `${secretId.slice(1)}0` }),
    ),
  );
  assert.match(error.message, /the AppRole login .* failed: invalid role or secret ID/i);
  assert.not.match(`${error.message} ${error.hint}`, secretId.slice(1));
});

/** A signed token as a CI system or a cluster gives. */
function jwt(privateKey: string, claims: Record<string, unknown>): string {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const signed = `${part({ alg: "RS256", typ: "JWT" })}.${part(claims)}`;
  return `${signed}.${createSign("RSA-SHA256").update(signed).sign(privateKey, "base64url")}`;
}

const pair = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  publicKeyEncoding: { type: "spki", format: "pem" },
  privateKeyEncoding: { type: "pkcs8", format: "pem" },
});
const times = (): Record<string, number> => {
  const now = Math.floor(Date.now() / 1000);
  return { iat: now - 10, nbf: now - 10, exp: now + 600 };
};

test("login with the JWT of a CI system", async () => {
  await admin("sys/auth/ci/jwt", { type: "jwt" });
  await admin("auth/ci/jwt/config", { jwt_validation_pubkeys: [pair.publicKey] });
  await admin("auth/ci/jwt/role/deploy", {
    role_type: "jwt",
    bound_audiences: ["vault"],
    user_claim: "sub",
    token_policies: ["least"],
  });
  const claims = { sub: "repo:team/app", aud: "vault", ...times() };
  const file = join(scratch(), "jwt");
  writeFileSync(file, `${jwt(pair.privateKey, claims)}\n`);
  const env = {
    VAULT_TOKEN: undefined,
    VAULT_JWT_FILE: file,
    VAULT_JWT_ROLE: "deploy",
    VAULT_JWT_MOUNT: "ci/jwt",
  };
  await roundTrip(uri("least"), contextFor(env));
  const wrong = jwt(pair.privateKey, { ...claims, aud: "other" });
  const error = await failure(
    hcVault.wrap(keyOf(uri("least")), dataKey, contextFor({ ...env, VAULT_JWT: wrong })),
  );
  assert.match(error.message, /the JWT login \(VAULT_JWT and VAULT_JWT_ROLE\) at .* failed: .*audience/);
  assert.not.match(error.message, wrong);
});

const CLUSTER = "https://kubernetes.default.svc";

test("login from a pod", async () => {
  // the part of a cluster that says whose token it is
  const reviews = createServer((request, response) => {
    request.resume().on("end", () => {
      const user = {
        username: "system:serviceaccount:prod:app",
        uid: "1",
        groups: ["system:serviceaccounts"],
      };
      response.writeHead(201, { "Content-Type": "application/json" });
      response.end(
        JSON.stringify({ kind: "TokenReview", status: { authenticated: true, audiences: [CLUSTER], user } }),
      );
    });
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => reviews.once("listening", resolve));
  try {
    await admin("sys/auth/kubernetes", { type: "kubernetes" });
    await admin("auth/kubernetes/config", {
      kubernetes_host: `http://127.0.0.1:${(reviews.address() as AddressInfo).port}`,
      disable_local_ca_jwt: true,
      // it wants one, although the cluster's part here speaks plain http
      kubernetes_ca_cert: rootCertificates[0],
    });
    await admin("auth/kubernetes/role/app", {
      bound_service_account_names: ["app"],
      bound_service_account_namespaces: ["prod"],
      token_policies: ["least"],
    });
    const claims = {
      iss: CLUSTER,
      sub: "system:serviceaccount:prod:app",
      aud: [CLUSTER],
      "kubernetes.io": { namespace: "prod", serviceaccount: { name: "app", uid: "1" } },
      ...times(),
    };
    const file = join(scratch(), "token");
    writeFileSync(file, jwt(pair.privateKey, claims));
    const env = { VAULT_TOKEN: undefined, VAULT_K8S_ROLE: "app", VAULT_KUBERNETES_TOKEN_FILE: file };
    await roundTrip(uri("least"), contextFor(env));
  } finally {
    reviews.close();
    reviews.closeAllConnections();
  }
});

test("lists, as the engines for secrets have them", async () => {
  const client = await vaultClient(contextFor(), address);
  const answer = await client!.request("LIST", "transit/keys");
  assert.ok((answer?.data?.keys as string[] | undefined)?.includes("k"));
});

test("a token without the permission: the policy that it needs is named", async () => {
  const wrapped = await roundTrip(uri("k"), contextFor());
  const context = contextFor({ VAULT_TOKEN: await tokenFor("least", POLICY) });
  const error = await failure(hcVault.unwrap(wrapped, context));
  assert.is(
    error.message,
    `cannot unwrap the data key with ${uri("k")}: permission denied: the token in VAULT_TOKEN may not use it`,
  );
  assert.match(error.hint ?? "", 'path "transit/decrypt/k" { capabilities = ["update"] }');
  const wrap = await failure(hcVault.wrap(keyOf(uri("k")), dataKey, context));
  assert.match(wrap.hint ?? "", 'path "transit/encrypt/k" { capabilities = ["update"] }');
});

test("a token that is wrong or has expired", async () => {
  const wrapped = await roundTrip(uri("k"), contextFor());
  const short = await tokenFor("least", POLICY, { ttl: "1s" });
  const expired = async () => {
    const asked = await fetch(`${address}/v1/auth/token/lookup-self`, {
      headers: { "x-vault-token": short },
    });
    return asked.status === 403;
  };
  await until(expired, "the end of the token");
  for (const token of ["wrong-token", short]) {
    const error = await failure(hcVault.unwrap(wrapped, contextFor({ VAULT_TOKEN: token })));
    assert.match(error.message, "the server does not accept the token in VAULT_TOKEN");
    assert.match(error.hint ?? "", "it has expired");
    assert.not.match(`${error.message} ${error.hint}`, token);
  }
});

test("no credentials: passed over without asking the server, and what was looked for", async () => {
  const [key] = hcVault.parse(uri("k", "transit", `http://127.0.0.1:${closedPort}`));
  const context = contextFor({ VAULT_TOKEN: undefined });
  assert.is(await hcVault.unwrap(key!, context), null);
  assert.match(hcVault.whyNot!(key!, context).join("\n"), "no credentials for Vault");
  const error = await failure(hcVault.wrap(key!, dataKey, context));
  assert.match(error.message, "no credentials for Vault");
});

test("a deleted key, one that is hidden, and an engine that is not there", async () => {
  const [gone, soft] = [
    await roundTrip(uri("gone"), contextFor()),
    await roundTrip(uri("soft"), contextFor()),
  ];
  await admin("transit/keys/gone/config", { deletion_allowed: true });
  await admin("transit/keys/gone", undefined, { method: "DELETE" });
  const deleted = await failure(hcVault.unwrap(gone, contextFor()));
  assert.match(deleted.message, "the engine transit has no key gone: it was deleted, or never was there");

  await admin("transit/keys/soft/soft-delete", undefined, { method: "DELETE" });
  const uses = [() => hcVault.unwrap(soft, contextFor()), () => hcVault.wrap(soft, dataKey, contextFor())];
  for (const use of uses) {
    assert.match((await failure(use())).message, "the key soft of the engine transit is deleted");
  }
  const elsewhere = withFields(gone, { engine_path: "nothing/here" });
  assert.match(
    (await failure(hcVault.unwrap(elsewhere, contextFor()))).message,
    "there is no transit engine at nothing/here",
  );
  assert.match(
    (await failure(hcVault.wrap(elsewhere, dataKey, contextFor()))).message,
    "there is no transit engine at nothing/here",
  );
});

test("a version of the key that may not decrypt any more, and one that the server lacks", async () => {
  const wrapped = await roundTrip(uri("old"), contextFor());
  await admin("transit/keys/old/rotate");
  assert.match(textField((await roundTrip(uri("old"), contextFor())).fields, "enc"), /^vault:v2:/);
  assert.equal(await hcVault.unwrap(wrapped, contextFor()), dataKey);
  await admin("transit/keys/old/config", { min_decryption_version: 2 });
  const error = await failure(hcVault.unwrap(wrapped, contextFor()));
  assert.match(error.message, "(min_decryption_version)");
  const newer = withFields(wrapped, { enc: textField(wrapped.fields, "enc").replace("v1", "v9") });
  assert.match(
    (await failure(hcVault.unwrap(newer, contextFor()))).message,
    "does not have this version of the key",
  );
  const { usable, lines } = await hcVault.examine(wrapped, contextFor());
  assert.is(usable, false);
  assert.match(lines.join("\n"), "wrapped by version 1 of the key, and min_decryption_version is 2");
});

test("a damaged wrapped key, and one that another key wrapped", async () => {
  const wrapped = await roundTrip(uri("k"), contextFor());
  const enc = textField(wrapped.fields, "enc");
  const flipped = `${enc.slice(0, 12)}${enc[12] === "A" ? "B" : "A"}${enc.slice(13)}`;
  for (const bad of [flipped, "", "vault:v1:AAAA", "vault:v1:!", "rubbish", enc.slice(0, -8)]) {
    const error = await failure(hcVault.unwrap(withFields(wrapped, { enc: bad }), contextFor()));
    assert.match(error.message, "the wrapped data key is damaged, or another key wrapped it", bad);
  }
  const other = withFields(wrapped, { key_name: "least" });
  assert.match((await failure(hcVault.unwrap(other, contextFor()))).message, "or another key wrapped it");
});

test("keys that cannot wrap data keys", async () => {
  await admin("transit/keys/derived", { derived: true });
  await admin("transit/keys/signing", { type: "ed25519" });
  for (const [name, why] of [
    ["derived", "the key is a derived one"],
    ["signing", "is of a type that cannot encrypt"],
  ] as const) {
    assert.match((await failure(hcVault.wrap(keyOf(uri(name)), dataKey, contextFor()))).message, why);
  }
  await admin("transit/keys/rsa", { type: "rsa-2048" });
  await roundTrip(uri("rsa"), contextFor());
});

test("a name from a file that would reach something else is not sent", async () => {
  const key = keyOf(uri("k"));
  for (const [field, value] of [
    ["key_name", "../../sys/seal"],
    ["engine_path", "transit/.."],
    ["key_name", ".."],
  ] as const) {
    const error = await failure(hcVault.wrap(withFields(key, { [field]: value }), dataKey, contextFor()));
    assert.match(error.message, "is not a key of a transit engine");
  }
  await roundTrip(uri("k"), contextFor());
});

test("a sealed server, and one that is not there", async () => {
  const server = await startBao(sealedPort);
  const env = { VAULT_ADDR: server };
  await admin("sys/mounts/transit", { type: "transit" }, { server });
  await admin("transit/keys/k", {}, { server });
  const wrapped = await roundTrip(uri("k", "transit", server), contextFor(env));
  await admin("sys/seal", undefined, { server });
  assert.match(
    (await failure(hcVault.unwrap(wrapped, contextFor(env)))).message,
    `the Vault server ${server} is sealed`,
  );

  const closed = `http://127.0.0.1:${closedPort}`;
  const context = contextFor({ VAULT_ADDR: closed });
  const error = await failure(hcVault.wrap(keyOf(uri("k", "transit", closed)), dataKey, context));
  assert.match(error.message, `the Vault server ${closed} cannot be reached: nothing listens there`);
  const { usable, lines } = await hcVault.examine(keyOf(uri("k", "transit", closed)), context);
  assert.is(usable, false);
  assert.match(lines.join("\n"), "cannot be reached");
});

test("TLS with the variables of the vault program", async () => {
  const folder = scratch();
  const server = await startBao(tlsPort, ["-dev-tls", `-dev-tls-cert-dir=${folder}`], "https");
  const ca = join(folder, "vault-ca.pem");
  const warnings: string[] = [];
  const context = (env: Record<string, string>) =>
    contextFor({ VAULT_ADDR: server, ...env }, { warn: (message) => void warnings.push(message) });
  const key = keyOf(uri("k", "transit", server));
  const client = await vaultClient(context({ VAULT_CACERT: ca }), server);
  await client!.request("POST", "sys/mounts/transit", { body: { type: "transit" } });
  await client!.request("POST", "transit/keys/k", { body: {} });

  await roundTrip(key.id, context({ VAULT_CACERT: ca }));
  await roundTrip(key.id, context({ VAULT_CACERT_BYTES: readFileSync(ca, "utf8") }));
  const authorities = scratch();
  copyFileSync(ca, join(authorities, "ca.pem"));
  writeFileSync(join(authorities, "README"), "not a certificate");
  await roundTrip(key.id, context({ VAULT_CAPATH: authorities }));
  await roundTrip(key.id, context({ VAULT_CACERT: ca, VAULT_TLS_SERVER_NAME: "localhost" }));
  assert.equal(warnings, []);
  await roundTrip(key.id, context({ VAULT_SKIP_VERIFY: "1" }));
  assert.match(warnings.join("\n"), "VAULT_SKIP_VERIFY is set");

  const proxy = await fakeProxy(server);
  await roundTrip(key.id, context({ VAULT_CACERT: ca, VAULT_PROXY_ADDR: `http://${proxy.address}` }));
  assert.is(proxy.asked[0], `CONNECT ${new URL(server).host}`);

  const untrusted = await failure(hcVault.wrap(key, dataKey, context({})));
  assert.match(untrusted.message, "cannot be reached: its certificate is not trusted");
  assert.match(untrusted.hint ?? "", "VAULT_CACERT");
  const named = await failure(
    hcVault.wrap(key, dataKey, context({ VAULT_CACERT: ca, VAULT_TLS_SERVER_NAME: "vault.example.com" })),
  );
  assert.match(named.message, "cannot be reached: its certificate is for another name");
  const rubbish = join(scratch(), "ca.pem");
  writeFileSync(rubbish, "-----BEGIN CERTIFICATE-----\nrubbish\n-----END CERTIFICATE-----\n");
  const broken = await failure(hcVault.wrap(key, dataKey, context({ VAULT_CACERT: rubbish })));
  assert.match(broken.message, /certificate/);

  const plain = `http://127.0.0.1:${tlsPort}`;
  const spoken = contextFor({ VAULT_ADDR: plain });
  assert.match(
    (await failure(hcVault.wrap(keyOf(uri("k", "transit", plain)), dataKey, spoken))).message,
    "Vault server",
  );
  const noTls = `https://127.0.0.1:${port}`;
  const reverse = contextFor({ VAULT_ADDR: noTls });
  assert.match(
    (await failure(hcVault.wrap(keyOf(uri("k", "transit", noTls)), dataKey, reverse))).message,
    "cannot be reached: it does not speak TLS",
  );
});

test("a server that wants a client certificate gets the one that the variables name", async () => {
  const folder = scratch();
  await startBao(mutualPort, ["-dev-tls", `-dev-tls-cert-dir=${folder}`], "https");
  const [ca, cert, key] = ["vault-ca.pem", "vault-cert.pem", "vault-key.pem"].map((name) =>
    join(folder, name),
  );
  const read = (file: string | undefined): Buffer => readFileSync(file!);
  const tls = { ca: read(ca), cert: read(cert), key: read(key), requestCert: true };
  const server = createTlsServer(tls, (_, response) => response.end('{"data":{"plaintext":"eA=="}}'));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const there = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const env = { VAULT_ADDR: there, VAULT_CACERT: ca };
    const named = keyOf(uri("k", "transit", there));
    const certified = contextFor({ ...env, VAULT_CLIENT_CERT: cert, VAULT_CLIENT_KEY: key });
    assert.equal(await hcVault.unwrap(named, certified), Buffer.from("x"));
    const error = await failure(hcVault.unwrap(named, contextFor(env)));
    assert.match(`${error.message} ${error.hint}`, "VAULT_CLIENT_CERT");
  } finally {
    server.close();
    server.closeAllConnections();
  }
});

test("an examination says which token is used, what it may, and what is wrong", async () => {
  const wrapped = await roundTrip(uri("least"), contextFor());
  const look = async (key: MasterKey, env: Record<string, string | undefined> = {}) => {
    const { usable, lines } = await hcVault.examine(key, contextFor(env));
    return [usable, lines.join("\n")] as const;
  };
  const token = await tokenFor("least", POLICY, { ttl: "170m" });
  const [usable, lines] = await look(wrapped, { VAULT_TOKEN: token });
  assert.is(usable, true);
  assert.match(lines, `the token in VAULT_TOKEN, for ${address}`);
  assert.match(lines, /the token is valid for 2 hours, with the policies default, least/);
  assert.match(lines, "it may decrypt with least");
  assert.not.match(lines, token);

  const [other, why] = await look(keyOf(uri("k")), { VAULT_TOKEN: token });
  assert.is(other, false);
  assert.match(why, 'its policy needs path "transit/decrypt/k"');

  assert.match(
    (await look(wrapped, { VAULT_TOKEN: "wrong" }))[1],
    "the server does not accept the token in VAULT_TOKEN",
  );
  assert.match((await look(keyOf(uri("missing"))))[1], "the engine transit has no key missing");
  assert.match((await look(wrapped, { VAULT_TOKEN: undefined }))[1], "no credentials for Vault");
  assert.match((await look(wrapped, { VAULT_ADDR: undefined }))[1], "nothing here vouches for it");
  assert.match((await look(wrapped, { VAULT_NAMESPACE: "nope" }))[1], /namespace/);
});

/** A program with an environment of its own. */
async function sh(argv: readonly string[], env: Record<string, string> = {}) {
  const [program = "", ...args] = argv;
  const options = {
    env: { PATH: process.env.PATH, HOME: scratch(), VAULT_TOKEN: "root", ...env },
    cwd: scratch(),
  };
  return run(program, args, options).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    ({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) => ({
      code,
      stdout,
      stderr,
    }),
  );
}

const tsops = (): string[] => argvOf(installed("TSOPS"));
const sops = (): string[] => [installed("REAL_SOPS")];
const PLAIN = "# why\na: 1\nb: secret\n";

function plainFile(): string {
  const file = join(scratch(), "a.yaml");
  writeFileSync(file, PLAIN);
  return file;
}

test("the real SOPS opens what tsops wrote, and the reverse", async () => {
  for (const [writer, reader] of [
    [tsops(), sops()],
    [sops(), tsops()],
    [tsops(), tsops()],
  ] as const) {
    for (const key of [uri("k"), uri("k", "team/a/transit")]) {
      const file = plainFile();
      const written = await sh([...writer, "encrypt", "-i", "--hc-vault-transit", key, file]);
      assert.is(written.code, 0, written.stderr);
      assert.not.match(readFileSync(file, "utf8"), "secret");
      const read = await sh([...reader, "decrypt", file], { VAULT_ADDR: address });
      assert.is(read.code, 0, read.stderr);
      assert.match(read.stdout, "b: secret");
    }
  }
});

test("both write the same fields", async () => {
  const [ours, theirs] = await Promise.all(
    [tsops(), sops()].map(async (program) => {
      const { code, stdout, stderr } = await sh([
        ...program,
        "encrypt",
        "--output-type",
        "json",
        "--hc-vault-transit",
        uri("k"),
        plainFile(),
      ]);
      assert.is(code, 0, stderr);
      const { sops } = JSON.parse(stdout) as { sops: { hc_vault: Record<string, string>[] } };
      return sops.hc_vault.map((entry) => ({
        ...entry,
        enc: entry.enc?.replace(/[^:]*$/, ""),
        created_at: entry.created_at?.replace(/\d/g, "0"),
      }));
    }),
  );
  assert.equal(ours, theirs);
});

test("rotate adds a key, and the real SOPS opens the file with that one alone", async () => {
  const file = plainFile();
  const vault = { VAULT_ADDR: address };
  const made = await sh([...tsops(), "encrypt", "-i", "--hc-vault-transit", uri("k"), file]);
  assert.is(made.code, 0, made.stderr);
  const rotated = await sh([...tsops(), "rotate", "-i", "--add-hc-vault-transit", uri("least"), file], vault);
  assert.is(rotated.code, 0, rotated.stderr);
  const token = await tokenFor("least", POLICY);
  const read = await sh([...sops(), "decrypt", file], { VAULT_TOKEN: token });
  assert.is(read.code, 0, read.stderr);
});

test("a server that only the file names gets no token from the command line", async () => {
  const file = plainFile();
  await sh([...sops(), "encrypt", "-i", "--hc-vault-transit", uri("k"), file]);
  const refused = await sh([...tsops(), "decrypt", file]);
  assert.is(refused.code, 128, refused.stderr);
  assert.match(refused.stderr, `names the Vault server ${address}, and nothing here vouches for it`);
  const listed = await sh([...tsops(), "decrypt", file], { SOPS_HC_VAULT_ALLOWLIST: address });
  assert.is(listed.code, 0, listed.stderr);
  const allowed = await sh([...tsops(), "decrypt", file], { TSOPS_ALLOW: `vault=${address}` });
  assert.is(allowed.code, 0, allowed.stderr);
});

test("the token file of the vault program, and no token in any message", async () => {
  const file = plainFile();
  await sh([...sops(), "encrypt", "-i", "--hc-vault-transit", uri("k"), file]);
  const home = scratch();
  writeFileSync(join(home, ".vault-token"), "root");
  chmodSync(join(home, ".vault-token"), 0o600);
  const env = { VAULT_ADDR: address, HOME: home, DEBUG: "*" };
  const read = await sh([...tsops(), "decrypt", file], { ...env, VAULT_TOKEN: "" });
  assert.is(read.code, 0, read.stderr);
  assert.match(read.stdout, "b: secret");
  assert.is(read.stderr, "");
  const bad = await sh([...tsops(), "decrypt", file], { ...env, VAULT_TOKEN: "hvs.not-a-token" });
  assert.is(bad.code, 128);
  assert.match(bad.stderr, "does not accept the token in VAULT_TOKEN");
  assert.not.match(bad.stderr, "hvs.not-a-token");
});

test.after(stopServers);
test.run();
