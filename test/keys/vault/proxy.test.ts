import { test } from "uvu";
import * as assert from "uvu/assert";
import { TsopsError } from "../../../src/errors.ts";
import { vaultClient } from "../../../src/keys/vault/client.ts";
import { proxyFor } from "../../../src/keys/vault/proxy.ts";
import { contextWith } from "../helpers.ts";
import { fakeProxy, fakeVault, stopServers } from "./server.ts";

const chosen = (address: string, env: Record<string, string>): string | undefined =>
  proxyFor(new URL(address), { env })?.href;

test("which proxy is taken for which server", () => {
  const general = { HTTPS_PROXY: "http://secure:1", http_proxy: "plain:2" };
  assert.is(chosen("https://vault.example.com", general), "http://secure:1/");
  assert.is(chosen("http://vault.example.com", general), "http://plain:2/");
  assert.is(chosen("https://127.0.0.1:8200", general), undefined);
  assert.is(chosen("https://vault.example.com", {}), undefined);
  const own = { ...general, VAULT_HTTP_PROXY: "http://third:3", NO_PROXY: "*" };
  assert.is(chosen("https://127.0.0.1:8200", own), "http://third:3/");
  assert.is(chosen("https://v.example", { ...own, VAULT_PROXY_ADDR: "http://own:4" }), "http://own:4/");
  for (const proxy of ["socks5://x:1", "https://x:1", "http://"]) {
    assert.throws(
      () => chosen("https://v.example", { HTTPS_PROXY: proxy }),
      (error: unknown) => error instanceof TsopsError && error.message.includes("not one of HTTP"),
    );
  }
});

test("what NO_PROXY names", () => {
  const past = (list: string, address = "https://vault.example.com:8200"): boolean =>
    chosen(address, { HTTPS_PROXY: "http://p:1", no_proxy: list }) === undefined;
  for (const list of [
    "*",
    "vault.example.com",
    "a, .example.com",
    "example.com",
    "*.example.com",
    "VAULT.example.com:8200",
  ]) {
    assert.ok(past(list), list);
  }
  for (const list of ["", ",", "ample.com", "vault.example.com:443", "x.vault.example.com"]) {
    assert.not.ok(past(list), list);
  }
  assert.ok(past("vault.example.com:443", "https://vault.example.com"));
});

test("a request without TLS is made by the proxy", async () => {
  const vault = await fakeVault(() => ({}));
  const proxy = await fakeProxy(vault.address);
  const address = "http://vault.example.com:8200";
  const env = { VAULT_ADDR: address, VAULT_TOKEN: "t", HTTP_PROXY: `http://us%40er:pw@${proxy.address}` };
  const client = await vaultClient(contextWith(env), address);
  assert.equal(await client!.request("GET", "a/b", { query: { list: "true" } }), { data: { by: "proxy" } });
  const login = Buffer.from("us@er:pw").toString("base64");
  assert.equal(proxy.asked, [`GET http://vault.example.com:8200/v1/a/b?list=true Basic ${login}`]);
  assert.is(vault.asked.length, 0);
});

test("for TLS the proxy connects and sees nothing; one that refuses is named", async () => {
  // what answers at the end of the tunnel has no TLS: that is enough to see that the connection went there
  const vault = await fakeVault(() => ({}));
  for (const [status, message] of [
    [200, "cannot agree on TLS"],
    [407, "needs a user name and a password"],
    [503, "answers with status 503"],
  ] as const) {
    const proxy = await fakeProxy(vault.address, status);
    const address = "https://vault.example.com";
    const env = { VAULT_ADDR: address, VAULT_TOKEN: "t", VAULT_PROXY_ADDR: `http://${proxy.address}` };
    const client = await vaultClient(contextWith(env), address);
    const error: unknown = await client!.request("GET", "a/b").catch((reason: unknown) => reason);
    assert.match((error as TsopsError).message, message);
    assert.equal(proxy.asked, ["CONNECT vault.example.com:443"]);
  }
});

test.after(stopServers);
test.run();
