import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { TsopsError } from "../../../src/errors.ts";
import type { KeyContext } from "../../../src/keys/kind.ts";
import { placesOfCredentials, VaultError, vaultClient } from "../../../src/keys/vault/client.ts";
import { contextWith, emptyFolder } from "../../support/keys/contexts.ts";
import { ending } from "../../support/pace.ts";
import { fakeVault, type Reply, stopServers } from "../../support/servers/vault.ts";

const TOKEN = "s.token-of-the-test";

async function failure(promise: Promise<unknown>): Promise<TsopsError> {
  const error: unknown = await promise.then(
    () => assert.unreachable("it must fail"),
    (reason: unknown) => reason,
  );
  assert.instance(error, TsopsError, String(error));
  return error as TsopsError;
}

const okay: Reply = { body: { data: { fine: true } } };
const login = (token: string, seconds = 3600): Reply => ({
  body: { auth: { client_token: token, lease_duration: seconds } },
});

/** A context in which VAULT_ADDR vouches for the address. */
function contextFor(
  address: string,
  env: Record<string, string | undefined> = {},
  more: Partial<KeyContext> = {},
): KeyContext {
  return contextWith({ VAULT_ADDR: address, VAULT_TOKEN: TOKEN, ...env }, more);
}

test("a request carries token, namespace and body, and gives the answer", async () => {
  const vault = await fakeVault(() => okay);
  const client = await vaultClient(contextFor(vault.address, { VAULT_NAMESPACE: "team/a" }), vault.address);
  const answer = await client!.request("POST", "transit/encrypt/k", { body: { plaintext: "eA==" } });
  assert.equal(answer, { data: { fine: true } });
  const [asked] = vault.asked;
  assert.is(asked?.method, "POST");
  assert.is(asked?.path, "/v1/transit/encrypt/k");
  assert.equal(asked?.body, { plaintext: "eA==" });
  assert.is(asked?.headers["x-vault-token"], TOKEN);
  assert.is(asked?.headers["x-vault-namespace"], "team/a");
  assert.is(asked?.headers["x-vault-request"], "true");
  assert.is(client!.source, "the token in VAULT_TOKEN");
  assert.is(client!.namespace, "team/a");
  assert.is(client!.address, vault.address);
});

test("paths are encoded, queries appended, and what leads elsewhere is refused", async () => {
  const vault = await fakeVault(() => ({}));
  const client = await vaultClient(contextFor(vault.address), vault.address);
  assert.is(await client!.request("POST", "a b/c?d#e/%2e%2e/ü/"), undefined);
  await client!.request("GET", "secret/data/x", { query: { version: "2" } });
  assert.equal(
    vault.asked.map(({ method, path }) => `${method} ${path}`),
    ["POST /v1/a%20b/c%3Fd%23e/%252e%252e/%C3%BC", "GET /v1/secret/data/x?version=2"],
  );
  for (const path of ["transit/decrypt/../../sys/seal", "./a", "a//b", "", "a/\ud800"]) {
    assert.is((await failure(client!.request("POST", path))).code, "usage", path);
  }
  assert.is(vault.asked.length, 2);
});

test("the process's own variables and a DEBUG there are not used", async () => {
  const vault = await fakeVault(() => okay);
  const kept = { ...process.env };
  const shown: unknown[] = [];
  const write = process.stderr.write;
  try {
    Object.assign(process.env, {
      VAULT_ADDR: "http://127.0.0.1:1",
      VAULT_TOKEN: "the process's",
      VAULT_NAMESPACE: "the process's",
      VAULT_PREFIX: "/elsewhere",
      HTTP_PROXY: "http://127.0.0.1:1",
      http_proxy: "http://127.0.0.1:1",
    });
    process.stderr.write = (text: unknown) => shown.push(text) > 0;
    const { default: debug } = (await import("debug" as string)) as {
      default: { enable(name: string): void };
    };
    debug.enable("*");
    const context = contextFor(vault.address, {
      VAULT_TOKEN: undefined,
      VAULT_ROLE_ID: "role-id",
      VAULT_SECRET_ID: "s",
    });
    await (await vaultClient(context, vault.address))!.request("GET", "sys/x").catch(() => undefined);
  } finally {
    process.stderr.write = write;
    for (const name of Object.keys(process.env)) if (!(name in kept)) delete process.env[name];
    Object.assign(process.env, kept);
  }
  const [asked] = vault.asked;
  assert.is(asked?.path, "/v1/auth/approle/login");
  assert.is(asked?.headers["x-vault-token"], undefined);
  assert.is(asked?.headers["x-vault-namespace"], undefined);
  assert.equal(shown, []);
});

test("a no of the server comes with its status and texts, also for paths that end in sys/health", async () => {
  const vault = await fakeVault(() => ({
    status: 403,
    body: { errors: ["permission denied", "\u001b[2J"] },
  }));
  const client = await vaultClient(contextFor(vault.address), vault.address);
  const error: unknown = await client!
    .request("GET", "secret/data/sys/health")
    .catch((reason: unknown) => reason);
  assert.instance(error, VaultError);
  assert.is((error as VaultError).status, 403);
  assert.equal((error as VaultError).texts, ["permission denied", "\\x1b[2J"]);
});

test("texts of the server that repeat the token or what was sent are left out", async () => {
  const vault = await fakeVault(({ headers }) => ({
    status: 400,
    body: { errors: [`token ${headers["x-vault-token"]} is bad`, "c2VjcmV0IHNlY3JldA== is bad", "so"] },
  }));
  const client = await vaultClient(contextFor(vault.address), vault.address);
  const error: unknown = await client!
    .request("POST", "secret/data/x", { body: { data: { inner: "c2VjcmV0IHNlY3JldA==" } } })
    .catch((reason: unknown) => reason);
  assert.equal((error as VaultError).texts, ["so"]);
});

test("throttling, failures of the server and broken connections are tried again, a sealed server and a no are not", async () => {
  const answers: (Reply | undefined)[] = [{ status: 429, body: { errors: ["slow down"] } }, undefined, okay];
  const vault = await fakeVault(() => answers.shift());
  const client = await vaultClient(contextFor(vault.address), vault.address);
  assert.equal(await client!.request("GET", "a/b"), { data: { fine: true } });
  assert.is(vault.asked.length, 3);
  for (const [status, text] of [
    [503, "Vault is sealed"],
    [400, "no"],
    [404, ""],
  ] as const) {
    const firm = await fakeVault(() => ({ status, body: { errors: [text] } }));
    const other = await vaultClient(contextFor(firm.address), firm.address);
    await other!.request("GET", "a/b").catch((error: unknown) => assert.instance(error, VaultError));
    assert.is(firm.asked.length, 1, String(status));
  }
});

test("without credentials there is no client, and nothing was asked", async () => {
  const vault = await fakeVault(() => okay);
  const context = contextFor(vault.address, { VAULT_TOKEN: "" });
  assert.is(await vaultClient(context, vault.address), undefined);
  assert.is(vault.asked.length, 0);
  assert.match(placesOfCredentials(context).join("\n"), /VAULT_TOKEN.*\.vault-token.*vault login/s);
});

test("the token of ~/.vault-token", async () => {
  const vault = await fakeVault(() => okay);
  const home = emptyFolder();
  writeFileSync(join(home, ".vault-token"), "from-the-file\n");
  const client = await vaultClient(
    contextFor(vault.address, { VAULT_TOKEN: undefined }, { home }),
    vault.address,
  );
  await client!.request("GET", "a/b");
  assert.is(vault.asked[0]?.headers["x-vault-token"], "from-the-file");
  assert.match(client!.source, join(home, ".vault-token"));
});

test("a token file that cannot be read, and a token that is none, are errors and not quoted", async () => {
  const home = emptyFolder();
  mkdirSync(join(home, ".vault-token"));
  const unreadable = await failure(
    vaultClient(contextFor("http://127.0.0.1:1", { VAULT_TOKEN: undefined }, { home }), "http://127.0.0.1:1"),
  );
  assert.match(unreadable.message, /\.vault-token with credentials for Vault cannot be read/);
  const malformed = await failure(
    vaultClient(contextFor("http://127.0.0.1:1", { VAULT_TOKEN: "sec\nret" }), "http://127.0.0.1:1"),
  );
  assert.is(malformed.message, "the token in VAULT_TOKEN has characters that no token has");
});

const folder = emptyFolder();
writeFileSync(join(folder, "jwt"), "ey.from-file\n");
for (const [what, env, path, body] of [
  ["AppRole", { VAULT_ROLE_ID: "r", VAULT_SECRET_ID: "s" }, "approle", { role_id: "r", secret_id: "s" }],
  [
    "AppRole without a secret id, mounted elsewhere",
    { VAULT_ROLE_ID: "r", VAULT_APPROLE_MOUNT: "a/b" },
    "a/b",
    { role_id: "r" },
  ],
  ["JWT", { VAULT_JWT: "ey.x", VAULT_JWT_ROLE: "ci" }, "jwt", { jwt: "ey.x", role: "ci" }],
  [
    "JWT from a file, mounted elsewhere",
    { VAULT_JWT_FILE: join(folder, "jwt"), VAULT_JWT_MOUNT: "gitlab" },
    "gitlab",
    { jwt: "ey.from-file" },
  ],
  [
    "Kubernetes",
    { VAULT_K8S_ROLE: "app", VAULT_KUBERNETES_TOKEN_FILE: join(folder, "jwt") },
    "kubernetes",
    { role: "app", jwt: "ey.from-file" },
  ],
  [
    "Kubernetes with the long names, mounted elsewhere",
    {
      VAULT_KUBERNETES_ROLE: "app",
      VAULT_KUBERNETES_MOUNT: "k8s/eu",
      VAULT_KUBERNETES_TOKEN_FILE: join(folder, "jwt"),
    },
    "k8s/eu",
    { role: "app", jwt: "ey.from-file" },
  ],
] as const) {
  test(`login with ${what}, once a run`, async () => {
    const vault = await fakeVault(({ path }) => (path.includes("/auth/") ? login("t-1") : okay));
    const context = contextFor(vault.address, { VAULT_TOKEN: undefined, ...env });
    const [one, two] = [await vaultClient(context, vault.address), await vaultClient(context, vault.address)];
    await Promise.all([one!.request("GET", "a/b"), two!.request("GET", "a/c")]);
    assert.is(vault.asked.length, 3);
    assert.is(vault.asked[0]?.path, `/v1/auth/${path}/login`);
    assert.equal(vault.asked[0]?.body, body);
    assert.is(vault.asked[0]?.headers["x-vault-token"], undefined);
    for (const asked of vault.asked.slice(1)) assert.is(asked.headers["x-vault-token"], "t-1");
  });
}

test("a login is made again before its token expires", async () => {
  let logins = 0;
  const vault = await fakeVault(({ path }) => (path.includes("/auth/") ? login(`t-${++logins}`, 60) : okay));
  let now = 0;
  const context = contextFor(
    vault.address,
    { VAULT_TOKEN: undefined, VAULT_ROLE_ID: "r" },
    { now: () => new Date(now) },
  );
  const client = await vaultClient(context, vault.address);
  await client!.request("GET", "a/b");
  now = 50_000;
  await client!.request("GET", "a/b");
  now = 55_000;
  await client!.request("GET", "a/b");
  const tokens = vault.asked
    .filter(({ method }) => method === "GET")
    .map((asked) => asked.headers["x-vault-token"]);
  assert.equal(tokens, ["t-1", "t-1", "t-2"]);
});

test("a login that is refused says which, where and what to check, without what was sent", async () => {
  const vault = await fakeVault(() => ({ status: 400, body: { errors: ["invalid role or secret ID"] } }));
  const env = { VAULT_TOKEN: undefined, VAULT_ROLE_ID: "role-1234", VAULT_SECRET_ID: "very-secret-id" };
  const client = await vaultClient(contextFor(vault.address, env), vault.address);
  const error = await failure(client!.request("GET", "a/b"));
  assert.is(
    error.message,
    `the AppRole login (VAULT_ROLE_ID and VAULT_SECRET_ID) at ${vault.address} failed: invalid role or secret ID`,
  );
  assert.match(error.hint ?? "", "auth/approle");
});

test("a login that fails since the server has trouble says that, and not to check the role", async () => {
  const cases: [Reply, RegExp, RegExp][] = [
    [{ status: 429, body: { errors: ["too many"] } }, /failed: .* got too many requests$/, /try again later/],
    [{ status: 500, body: { errors: ["no leader"] } }, /failed: .* failed: no leader$/, /vault status/],
    [{ status: 503, body: { errors: ["Vault is sealed"] } }, /failed: .* is sealed$/, /has to unseal it/],
    [
      { status: 429, headers: { "retry-after": "3600" } },
      /failed: the service has too many requests, and asks to be left alone for another 3600 seconds$/,
      /after that/,
    ],
  ];
  for (const [reply, message, next] of cases) {
    const vault = await fakeVault(() => reply);
    const env = { VAULT_TOKEN: undefined, VAULT_ROLE_ID: "r", TSOPS_KMS_TIMEOUT: "0.1" };
    const client = await vaultClient(contextFor(vault.address, env), vault.address);
    const error = await failure(client!.request("GET", "a/b"));
    assert.match(error.message, message);
    assert.match(error.message, /^the AppRole login/);
    assert.match(error.hint ?? "", next);
    assert.not.match(error.hint ?? "", "check the role");
    assert.is.not(error.code, "bad-credentials");
  }
});

test("a login at a server that hangs ends in time, for all who wait for it", async () => {
  const silent = createServer(() => undefined).listen(0, "127.0.0.1");
  await new Promise((resolve) => silent.once("listening", resolve));
  silent.unref();
  const address = `http://127.0.0.1:${(silent.address() as { port: number }).port}`;
  const env = { VAULT_TOKEN: undefined, VAULT_ROLE_ID: "r", TSOPS_KMS_TIMEOUT: "0.3" };
  const client = await vaultClient(contextFor(address, env), address);
  const asked = [client!.request("GET", "a/b"), client!.request("GET", "a/c")].map(failure);
  for (const { message } of await ending(Promise.all(asked))) {
    assert.match(message, "did not answer within 0.3 seconds");
  }
  silent.close();
});

test("an address that nothing vouches for gets nothing", async () => {
  const vault = await fakeVault(() => okay);
  const context = contextWith({ VAULT_TOKEN: TOKEN, VAULT_ADDR: "https://other.example" });
  const error = await failure(vaultClient(context, vault.address));
  assert.is(error.code, "not-allowed");
  assert.match(error.message, vault.address);
  assert.is(vault.asked.length, 0);
});

test("SOPS_HC_VAULT_ALLOWLIST vouches for what it names, and keeps everything else out", async () => {
  const vault = await fakeVault(() => okay);
  const withList = (list: string, more = {}) =>
    vaultClient(contextWith({ VAULT_TOKEN: TOKEN, SOPS_HC_VAULT_ALLOWLIST: list, ...more }), vault.address);
  for (const list of ["all", vault.address, ` https://a.example , ${vault.address}/`])
    assert.ok(await withList(list));
  for (const list of ["none", "https://a.example", `${vault.address}1`, vault.address.slice(0, -1)]) {
    const error = await failure(withList(list, { VAULT_ADDR: vault.address }));
    assert.is(error.code, "not-allowed", list);
    assert.match(error.message, "SOPS_HC_VAULT_ALLOWLIST");
  }
  assert.is((await failure(withList(`${vault.address},`))).code, "config");
});

test("a redirect to another server gets no token unless that server is vouched for", async () => {
  const active = await fakeVault(() => okay);
  const standby = await fakeVault(({ path }) => ({
    status: 307,
    headers: { Location: active.address + path },
  }));
  const client = await vaultClient(contextFor(standby.address), standby.address);
  const error = await failure(client!.request("POST", "transit/decrypt/k", { body: { ciphertext: "c" } }));
  assert.is(
    error.message,
    `the Vault server ${standby.address} redirects to ${active.address}, which got no credentials`,
  );
  assert.is(active.asked.length, 0);

  const known = contextFor(standby.address, { TSOPS_ALLOW: `vault=${active.address}` });
  const answer = await (await vaultClient(known, standby.address))!.request("POST", "transit/decrypt/k", {
    body: { ciphertext: "c" },
  });
  assert.equal(answer, { data: { fine: true } });
  assert.is(active.asked[0]?.headers["x-vault-token"], TOKEN);
  assert.equal(active.asked[0]?.body, { ciphertext: "c" });
});

test("redirects without end are left", async () => {
  const round = await fakeVault(({ path }) => ({ status: 302, headers: { Location: path } }));
  const client = await vaultClient(contextFor(round.address), round.address);
  assert.match((await failure(client!.request("GET", "a/b"))).message, "redirects again");
  assert.is(round.asked.length, 2);
});

test("a server that is not there, one that is silent, and one that is no Vault", async () => {
  const request = async (address: string, env = {}) => {
    const client = await vaultClient(contextFor(address, env), address);
    return failure(client!.request("GET", "a/b"));
  };
  const gone = await fakeVault(() => okay);
  await new Promise((resolve) => gone.server.close(resolve));
  assert.is(
    (await request(gone.address)).message,
    `the Vault server ${gone.address} cannot be reached: nothing listens there (ECONNREFUSED)`,
  );

  const silent = createServer(() => undefined).listen(0, "127.0.0.1");
  await new Promise((resolve) => silent.once("listening", resolve));
  silent.unref();
  const { port } = silent.address() as { port: number };
  assert.match(
    (await request(`http://127.0.0.1:${port}`, { TSOPS_KMS_TIMEOUT: "0.3" })).message,
    "did not answer within 0.3 seconds",
  );
  silent.close();

  const page = await fakeVault(() => ({ body: "<html>" }));
  assert.match((await request(page.address)).message, "does not answer as a Vault server does");
  const talk = createServer((socket) => socket.end("220 mail ready\r\n")).listen(0, "127.0.0.1");
  await new Promise((resolve) => talk.once("listening", resolve));
  const other = talk.address() as { port: number };
  assert.match((await request(`http://127.0.0.1:${other.port}`)).message, "does not answer in HTTP");
  talk.close();
});

test("addresses that are none", async () => {
  for (const address of ["", "vault.example.com", "ftp://vault.example.com", "https://v/?x"]) {
    assert.match(
      (await failure(vaultClient(contextFor(address), address))).message,
      "is not the address of a Vault server",
    );
  }
});

test("plain http to another machine is warned about once, to this one not", async () => {
  const warnings: string[] = [];
  const far = "http://vault.example.com:8200";
  const context = contextFor(far, {}, { warn: (message) => void warnings.push(message) });
  await vaultClient(context, far);
  await vaultClient(context, far);
  assert.is(warnings.length, 1);
  assert.match(warnings[0] ?? "", /http:\/\/vault\.example\.com:8200 is not encrypted/);
  for (const near of ["http://127.0.0.1:8200", "http://localhost:8200", "http://[::1]:8200"]) {
    await vaultClient(contextFor(near, {}, { warn: () => assert.unreachable(near) }), near);
  }
});

test("variables about TLS that make no sense", async () => {
  const client = (env: Record<string, string>) =>
    failure(vaultClient(contextFor("https://127.0.0.1:1", env), "https://127.0.0.1:1"));
  assert.match((await client({ VAULT_SKIP_VERIFY: "perhaps" })).message, "neither true nor false");
  assert.match((await client({ VAULT_CLIENT_CERT: "x" })).message, "only one of");
  assert.match((await client({ VAULT_CACERT: "/no/such/file" })).message, "/no/such/file cannot be read");
  assert.match((await client({ VAULT_CAPATH: "/no/such/folder" })).message, "/no/such/folder cannot be read");
});

test.after(stopServers);
test.run();
