import { test } from "uvu";
import * as assert from "uvu/assert";
import type { TsopsError } from "../../../src/errors.ts";
import { vaultClient } from "../../../src/keys/vault/client.ts";
import { contextWith } from "../../support/keys/contexts.ts";
import { fakeProxy, fakeVault, stopServers } from "../../support/servers/vault.ts";

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
    [200, "it does not speak TLS"],
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
