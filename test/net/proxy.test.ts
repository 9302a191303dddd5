import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { TsopsError } from "../../src/errors.ts";
import { awsClientConfig } from "../../src/keys/aws/client.ts";
import { managedIdentity } from "../../src/keys/azure/managed-identity.ts";
import { connectionTo } from "../../src/keys/azure/network.ts";
import { agentFor as googleAgent } from "../../src/keys/google/network.ts";
import { vaultAgent } from "../../src/keys/vault/transport.ts";
import { agentFor, proxyOf } from "../../src/net/agent.ts";
import { proxyFor } from "../../src/net/proxy.ts";
import { newStorage } from "../../src/publish/gcs.ts";
import { contextWith } from "../support/keys/contexts.ts";

type Env = Record<string, string>;
type Reading = (url: string, env: Env) => Promise<string | undefined>;

/** How each kind of key, and each place to publish to, would reach an address. */
const KINDS: Readonly<Record<string, Reading>> = {
  "AWS KMS and S3": async (url, env) => {
    const context = contextWith({ ...env, AWS_ENDPOINT_URL: url });
    const { requestHandler } = await awsClientConfig(context, "KMS", { region: "eu-west-1" });
    return proxyOf(requestHandler.httpsAgent ?? requestHandler.httpAgent)?.href;
  },
  "Google, REST and logins": async (url, env) =>
    proxyOf(await googleAgent(new URL(url), contextWith(env)))?.href,
  "Azure vaults, logins and blobs": async (url, env) => proxyOf(connectionTo(url, { env }).agent)?.href,
  "Vault and OpenBao": async (url, env) => proxyOf(vaultAgent(new URL(url), contextWith(env), {}))?.href,
  "HuaweiCloud and Keywhiz": async (url, env) => proxyOf(agentFor(new URL(url), contextWith(env)))?.href,
  "Google Cloud Storage": async (url, env) => {
    const { interceptors } = await newStorage(url, contextWith(env));
    return interceptors
      .map(({ request }) => (request({} as never) as { proxy?: string }).proxy)
      .find(Boolean);
  },
};

const P = "http://p.example:3128/";
const HTTPS: Env = { HTTPS_PROXY: P };

const CASES: readonly (readonly [env: Env, url: string, proxy: string | undefined])[] = [
  [{}, "https://a.example", undefined],
  [HTTPS, "https://a.example", P],
  [{ https_proxy: P }, "https://a.example", P],
  [{ HTTPS_PROXY: "http://up.example:1", https_proxy: P }, "https://a.example", "http://up.example:1/"],
  [{ HTTPS_PROXY: "p.example:3128" }, "https://a.example", P],
  [{ HTTPS_PROXY: "http://me:pw%21@p.example:3128" }, "https://a.example", "http://me:pw%21@p.example:3128/"],
  [{ HTTPS_PROXY: "https://p.example" }, "https://a.example", "https://p.example/"],
  // by the scheme of the server, not of the proxy
  [HTTPS, "http://a.example", undefined],
  [{ HTTP_PROXY: P }, "http://a.example", P],
  [{ http_proxy: P }, "https://a.example", undefined],
  [{ HTTP_PROXY: P, REQUEST_METHOD: "GET" }, "http://a.example", undefined],
  // what all programs may use, after what is for one scheme
  [{ ALL_PROXY: P }, "https://a.example", P],
  [{ all_proxy: P }, "http://a.example", P],
  [{ ALL_PROXY: "http://other.example", ...HTTPS }, "https://a.example", P],
  [{ ALL_PROXY: "socks5h://p.example" }, "https://a.example", undefined],
  // this machine
  [HTTPS, "https://localhost:8200", undefined],
  [HTTPS, "https://127.0.0.2", undefined],
  [HTTPS, "https://[::1]:1", undefined],
  // NO_PROXY: a name is for itself and what is below it, one with a dot only for what is below
  [{ ...HTTPS, NO_PROXY: "*" }, "https://a.example", undefined],
  [{ ...HTTPS, NO_PROXY: "x, A.Example" }, "https://a.example", undefined],
  [{ ...HTTPS, no_proxy: "example" }, "https://a.example", undefined],
  [{ ...HTTPS, NO_PROXY: "*.a.example" }, "https://b.a.example", undefined],
  [{ ...HTTPS, NO_PROXY: ".a.example" }, "https://b.a.example", undefined],
  [{ ...HTTPS, NO_PROXY: ".a.example,*.a.example" }, "https://a.example", P],
  [{ ...HTTPS, NO_PROXY: "xample,b.example,b.a.example," }, "https://a.example", P],
  [{ ...HTTPS, NO_PROXY: "a.example:443" }, "https://a.example", undefined],
  [{ ...HTTPS, NO_PROXY: "a.example:8200" }, "https://a.example", P],
  [{ ...HTTPS, NO_PROXY: "bücher.example" }, "https://xn--bcher-kva.example", undefined],
  [{ ...HTTPS, NO_PROXY: "10.1.2.3" }, "https://10.1.2.3", undefined],
  [{ ...HTTPS, NO_PROXY: "10.1.2.3:8200" }, "https://10.1.2.3", P],
  [{ ...HTTPS, NO_PROXY: "10.0.0.0/8" }, "https://10.1.2.3:8200", undefined],
  [{ ...HTTPS, NO_PROXY: "10.0.0.0/16,10.0.0.0/99,3" }, "https://10.1.2.3", P],
  [{ ...HTTPS, NO_PROXY: "fd00::/8" }, "https://[fd00::1]", undefined],
  [{ ...HTTPS, NO_PROXY: "[fd00::1]:443" }, "https://[fd00::1]", undefined],
];

for (const [kind, reading] of Object.entries(KINDS)) {
  test(`the variables mean the same for all: ${kind}`, async () => {
    for (const [env, url, proxy] of CASES) {
      assert.is(await reading(url, env), proxy, `${JSON.stringify(env)} ${url}`);
    }
  });

  test(`what is no HTTP proxy is refused, without its password: ${kind}`, async () => {
    for (const text of [
      "socks5://me:hunter2@p.example",
      "http://",
      "http://me:hunter2@p:x",
      "me:hunter2%@p.example",
    ]) {
      const error: unknown = await reading("https://a.example", { HTTPS_PROXY: text }).catch(
        (e: unknown) => e,
      );
      assert.instance(error, TsopsError);
      assert.match((error as TsopsError).message, "HTTPS_PROXY is not the address of a proxy");
      assert.not.match((error as TsopsError).message, "hunter2");
    }
  });
}

test("Vault's own variables go before, for every address", () => {
  const of = (env: Env) => proxyOf(vaultAgent(new URL("https://127.0.0.1:8200"), contextWith(env), {}))?.href;
  const own = { ...HTTPS, VAULT_HTTP_PROXY: "third.example:3", NO_PROXY: "*" };
  assert.is(of(own), "http://third.example:3/");
  assert.is(of({ ...own, VAULT_PROXY_ADDR: "http://own.example:4" }), "http://own.example:4/");
  assert.throws(() => of({ VAULT_PROXY_ADDR: "socks5://x" }), /VAULT_PROXY_ADDR is not the address/);
});

test("what gives out identities on a machine is asked directly, whatever the process's environment says", async () => {
  const answer = { access_token: "of the machine", expires_on: String(Math.floor(Date.now() / 1000) + 3600) };
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? "");
    response
      .setHeader("content-type", "application/json")
      .end(JSON.stringify({ ...answer, token_type: "Bearer" }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const own = {
    HTTPS_PROXY: "http://127.0.0.1:9",
    HTTP_PROXY: "http://127.0.0.1:9",
    IDENTITY_ENDPOINT: `http://127.0.0.1:${(server.address() as AddressInfo).port}/msi/token`,
    IDENTITY_HEADER: "h",
  };
  const before = { ...process.env };
  Object.assign(process.env, own);
  try {
    const source = await managedIdentity(contextWith(own), true);
    assert.ok("make" in source);
    const token = await (await source.make()).getToken("https://vault.azure.net/.default");
    assert.is(token?.token, "of the machine");
    assert.is(asked.length, 1);
  } finally {
    for (const name of Object.keys(own)) delete process.env[name];
    Object.assign(process.env, before);
    server.close();
  }
});

test("a name that is in the variable twice, in both cases, is that in capitals; an empty one is none", () => {
  const url = new URL("https://a.example");
  assert.is(proxyFor(url, { HTTPS_PROXY: "", https_proxy: P })?.href, P);
});

test.run();
