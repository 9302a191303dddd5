import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { TsopsError } from "../../../src/errors.ts";
import { TreeMap } from "../../../src/formats/tree.ts";
import { azureCredential, azureSources } from "../../../src/keys/azure/credentials.ts";
import { looksLikeAzure } from "../../../src/keys/azure/managed-identity.ts";
import { connectionTo } from "../../../src/keys/azure/network.ts";
import { SharedClient } from "../../../src/keys/azure/shared-client.ts";
import type { KeyContext, MasterKey } from "../../../src/keys/kind.ts";
import { contextWith, emptyFolder } from "../../support/keys/contexts.ts";
import { azureKv } from "../../support/keys/in-use.ts";

const VAULT = "https://team.vault.azure.net";
const PRINCIPAL = { AZURE_TENANT_ID: "tenant", AZURE_CLIENT_ID: "client", AZURE_CLIENT_SECRET: "s3cret" };

/** A context in which not even the programs of this machine are found. */
function bare(env: Record<string, string> = {}, more: Partial<KeyContext> = {}): KeyContext {
  return contextWith({ PATH: emptyFolder(), ...env }, more);
}

function keyWith(changes: Record<string, string> = {}): MasterKey {
  const fields = {
    created_at: "2025-01-02T03:04:05Z",
    enc: "AAAA",
    name: "sops",
    vault_url: VAULT,
    version: "0123456789abcdef0123456789abcdef",
    ...changes,
  };
  return azureKv.fromMetadata(TreeMap.of(Object.entries(fields)));
}

async function failure(promise: Promise<unknown>): Promise<TsopsError> {
  const error: unknown = await promise.then(
    () => assert.unreachable("it must fail"),
    (reason: unknown) => reason,
  );
  assert.instance(error, TsopsError);
  return error as TsopsError;
}

/** A program on a PATH of its own that notes its arguments and prints something. */
function fakeProgram(name: string, script: string): { path: string; args(): string[] } {
  const path = emptyFolder();
  writeFileSync(join(path, name), `#!/bin/sh\nprintf '%s\\n' "$@" >> '${path}/args'\n${script}\n`);
  chmodSync(join(path, name), 0o755);
  return { path, args: () => readFileSync(join(path, "args"), "utf8").split("\n").slice(0, -1) };
}

const where = async (context: KeyContext) =>
  (await azureSources(context)).found.map(({ name, where }) => `${name}: ${where}`);

test("parse: URLs with and without a version, several with commas", () => {
  const keys = azureKv.parse(`${VAULT}/keys/a/v1, ${VAULT}/keys/b,${VAULT}/keys/c/`);
  assert.equal(
    keys.map(({ id }) => id),
    [`${VAULT}/keys/a/v1`, `${VAULT}/keys/b/`, `${VAULT}/keys/c/`],
  );
  assert.equal(
    keys[0]!.fields.entries().map(({ key, value }) => [key, value]),
    [
      ["name", "a"],
      ["vault_url", VAULT],
      ["version", "v1"],
    ],
  );
});

test("parse: what is not a key's URL is refused", () => {
  for (const text of [
    "x",
    "http://team.vault.azure.net/keys/a",
    `${VAULT}/secrets/a`,
    `${VAULT}/keys/a/b/c`,
    VAULT,
  ])
    assert.throws(
      () => azureKv.parse(text),
      (error: TsopsError) => error.code === "usage" && /is not an Azure Key Vault key/.test(error.message),
    );
});

test("metadata without a needed field is refused", () => {
  for (const field of ["name", "vault_url", "created_at"]) {
    assert.throws(() => keyWith({ [field]: "" }), `has no ${field}`);
  }
});

test("without credentials: null, nothing is asked, and whyNot says where it looked", async () => {
  const context = bare();
  assert.is(await azureKv.unwrap(keyWith(), context), null);
  const text = azureKv.whyNot!(keyWith(), context).join("\n");
  for (const place of [
    "AZURE_TENANT_ID",
    "AZURE_FEDERATED_TOKEN_FILE",
    "IDENTITY_ENDPOINT",
    "no az on PATH",
  ]) {
    assert.match(text, place);
  }
  assert.match(text, "log in with `az login`");
});

test("without credentials: wrapping fails and says the same", async () => {
  const error = await failure(azureKv.wrap(keyWith(), Buffer.alloc(32), bare()));
  assert.is(error.message, "no Azure credentials were found");
  assert.is(error.code, "key-unavailable");
  assert.match(error.hint ?? "", "log in with `az login`");
});

test("without credentials: examine says so", async () => {
  const { usable, lines } = await azureKv.examine(keyWith(), bare());
  assert.is(usable, false);
  assert.is(lines[0], "no Azure credentials were found");
});

test("examine never throws, whatever is wrong", async () => {
  for (const context of [bare({ AZURE_TOKEN_CREDENTIALS: "rubbish" }), bare(PRINCIPAL)]) {
    const { usable, lines } = await azureKv.examine(keyWith({ vault_url: "rubbish" }), context);
    assert.is(usable, false);
    assert.ok(lines.length > 0);
  }
});

test("nothing is sent to a vault that only the file names", async () => {
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `https://127.0.0.1:${(server.address() as { port: number }).port}`;
  const key = keyWith({ vault_url: url });
  for (const work of [
    () => azureKv.unwrap(key, bare(PRINCIPAL)),
    () => azureKv.wrap(key, Buffer.alloc(32), bare(PRINCIPAL)),
  ]) {
    assert.is((await failure(work())).code, "not-allowed");
  }
  const { usable, lines } = await azureKv.examine(key, bare(PRINCIPAL));
  assert.is(usable, false);
  assert.match(lines.join("\n"), "nothing here vouches for it");
  assert.is(connections, 0);
  const allowed = bare({ ...PRINCIPAL, SOPS_AZURE_KEYVAULT_URLS: `x, ${url}/keys/other/v1` });
  await failure(azureKv.unwrap(key, allowed));
  assert.ok(connections > 0);
  server.close();
});

test("addresses and names that lead elsewhere are malformed", async () => {
  const cases: Record<string, string>[] = [
    { vault_url: "http://team.vault.azure.net" },
    { vault_url: "https://team.vault.azure.net@evil.example" },
    { vault_url: "https://team.vault.azure.net/x" },
    { vault_url: "https://team.vault.azure.net?x" },
    { vault_url: "team" },
    { name: "../secrets/x" },
    { name: "a/b" },
    { version: "../.." },
    { version: "a?b" },
  ];
  for (const changes of cases) {
    const error = await failure(azureKv.unwrap(keyWith(changes), bare(PRINCIPAL)));
    assert.is(error.code, "bad-key");
    assert.match(error.message, "is malformed");
    assert.match(error.hint ?? "", "https://VAULT.vault.azure.net/keys/NAME/VERSION");
  }
});

test("a final slash behind the vault, as configurations have it, does no harm", async () => {
  const error = await failure(azureKv.unwrap(keyWith({ vault_url: `${VAULT}/` }), bare(PRINCIPAL)));
  assert.is(error.code, "not-allowed");
  assert.match(error.message, `the key vault ${VAULT},`);
});

test("credentials: what is found, in SOPS's order", async () => {
  const token = join(emptyFolder(), "token");
  const { path } = fakeProgram("az", "");
  const context = bare({ ...PRINCIPAL, AZURE_FEDERATED_TOKEN_FILE: token, PATH: path });
  mkdirSync(join(context.home, ".azure"));
  const found = await where(context);
  assert.is(found.length, 3);
  assert.match(
    found[0]!,
    "EnvironmentCredential: environment: application client of tenant tenant, with the secret in AZURE_CLIENT_SECRET",
  );
  assert.match(
    found[1]!,
    `WorkloadIdentityCredential: workload identity: application client of tenant tenant, with the token in ${token}`,
  );
  assert.match(
    found[2]!,
    `AzureCLICredential: Azure CLI (${join(path, "az")}), logged in by ${join(context.home, ".azure")}`,
  );
  assert.not.match(found.join(), "s3cret");
});

test("credentials: az without a login, a login without az and a half-set environment do not count", async () => {
  const { path } = fakeProgram("az", "");
  assert.equal(await where(bare({ PATH: path })), []);
  const loggedIn = bare();
  mkdirSync(join(loggedIn.home, ".azure"));
  assert.equal(await where(loggedIn), []);
  const { found, missing } = await azureSources(bare({ AZURE_TENANT_ID: "t", AZURE_CLIENT_ID: "c" }));
  assert.equal(found, []);
  assert.match(missing.join("\n"), "no AZURE_CLIENT_SECRET (or AZURE_CLIENT_CERTIFICATE_PATH)");
});

test("credentials: AZURE_TOKEN_CREDENTIALS selects, without regard to case", async () => {
  const { path } = fakeProgram("az", "");
  const names = async (selected: string) => {
    const context = bare({ ...PRINCIPAL, PATH: path, AZURE_TOKEN_CREDENTIALS: selected });
    mkdirSync(join(context.home, ".azure"));
    return (await azureSources(context)).found.map(({ name }) => name);
  };
  assert.equal(await names("prod"), ["EnvironmentCredential"]);
  assert.equal(await names("dev"), ["AzureCLICredential"]);
  assert.equal(await names("azureclicredential"), ["AzureCLICredential"]);
  assert.equal(await names("ManagedIdentityCredential"), ["ManagedIdentityCredential"]);
  const error = await failure(names("Kerberos"));
  assert.match(error.message, "AZURE_TOKEN_CREDENTIALS is Kerberos");
  assert.match(error.hint ?? "", "ManagedIdentityCredential");
});

test("credentials: a managed identity needs the process's own environment", async () => {
  const { found, missing } = await azureSources(bare({ IDENTITY_ENDPOINT: "http://127.0.0.1:1/" }));
  assert.equal(found, []);
  assert.match(missing.join("\n"), "IDENTITY_ENDPOINT can only be used as the process has it");
});

test("credentials: a machine of Azure's is known by its chassis asset tag", async () => {
  const dmi = emptyFolder();
  assert.is(await looksLikeAzure(dmi), false);
  writeFileSync(join(dmi, "chassis_asset_tag"), "None\n");
  assert.is(await looksLikeAzure(dmi), false);
  writeFileSync(join(dmi, "chassis_asset_tag"), "7783-7084-3265-9085-8269-3286-77\n");
  assert.is(await looksLikeAzure(dmi), true);
});

async function tokenBy(
  env: Record<string, string>,
  folder: string,
  scope = "https://vault.azure.net/.default",
) {
  const context = bare(env);
  mkdirSync(join(context.home, folder));
  const credential = await azureCredential(context);
  const options = { tenantId: "11111111-2222-3333-4444-555555555555" };
  return { credential, token: () => credential!.getToken(scope, options) };
}

test("Azure CLI: is asked once for the vault's resource and tenant, and its token is kept", async () => {
  const soon = Math.floor(Date.now() / 1000) + 3600;
  const az = fakeProgram("az", `echo '{"accessToken":"tok","expires_on":${soon},"expiresOn":"2000-01-01"}'`);
  const { token } = await tokenBy({ PATH: az.path }, ".azure");
  const both = await Promise.all([token(), token()]);
  assert.equal(
    [...both, await token()].map((each) => each?.token),
    ["tok", "tok", "tok"],
  );
  assert.is(both[0]?.expiresOnTimestamp, soon * 1000);
  assert.equal(az.args(), [
    ...["account", "get-access-token", "--output", "json", "--resource", "https://vault.azure.net"],
    ...["--tenant", "11111111-2222-3333-4444-555555555555"],
  ]);
});

test("Azure CLI: a token near its end is not used again", async () => {
  const soon = Math.floor(Date.now() / 1000) + 60;
  const az = fakeProgram("az", `echo '{"accessToken":"tok","expires_on":${soon}}'`);
  const { token } = await tokenBy({ PATH: az.path }, ".azure");
  await token();
  await token();
  assert.is(az.args().filter((argument) => argument === "account").length, 2);
});

test("Azure Developer CLI: gives a token too", async () => {
  const azd = fakeProgram("azd", `echo '{"token":"tok","expiresOn":"2999-01-01T00:00:00Z"}'`);
  const { token } = await tokenBy({ PATH: azd.path }, ".azd");
  assert.is((await token())?.token, "tok");
  assert.equal(azd.args().slice(0, 2), ["auth", "token"]);
});

test("Azure PowerShell: gives a token too, and gets no identities of SOPS's", async () => {
  const pwsh = fakeProgram(
    "pwsh",
    'export -p > "$0.env"\necho \'{"token":"tok","expiresOn":"2999-01-01T00:00:00Z"}\'',
  );
  const context = bare({ PATH: pwsh.path, SOPS_AGE_KEY: "AGE-SECRET-KEY-1" });
  mkdirSync(join(context.home, ".Azure"));
  writeFileSync(join(context.home, ".Azure", "AzureRmContext.json"), "{}");
  const credential = await azureCredential(context);
  assert.is((await credential!.getToken("https://vault.azure.net/.default"))?.token, "tok");
  assert.match(pwsh.args().join("\n"), "Get-AzAccessToken -ResourceUrl 'https://vault.azure.net'");
  const environment = readFileSync(join(pwsh.path, "pwsh.env"), "utf8");
  assert.match(environment, "PATH=");
  assert.not.match(environment, "AGE-SECRET-KEY");
});

test("Azure CLI: why it gives no token, and never its own words", async () => {
  for (const [script, message] of [
    ["echo 'Please run az login, s3cret' >&2; exit 1", /nobody is logged in: run `az login`/],
    ["echo 'AADSTS70043: s3cret has expired' >&2; exit 1", /could not get a token \(AADSTS70043\)/],
    ["echo s3cret >&2; exit 3", /az ended with an error/],
    ["echo s3cret", /az printed something unexpected/],
    ['echo \'{"token":"s3cret"}\'', /az printed something unexpected/],
  ] as const) {
    const { token } = await tokenBy({ PATH: fakeProgram("az", script).path }, ".azure");
    const { message: text, hint = "" } = await failure(token());
    assert.is(text, "none of the Azure credentials here gives a token");
    assert.match(hint, message);
    assert.not.match(hint, "s3cret");
  }
});

test("Azure CLI: a strange resource or tenant does not reach it", async () => {
  const az = fakeProgram("az", "exit 1");
  const { token } = await tokenBy({ PATH: az.path }, ".azure", "https://x & calc/.default");
  assert.match((await failure(token())).hint ?? "", "strange");
  assert.throws(() => az.args(), /ENOENT/);
});

test("service principal: a certificate that cannot be read, or is no PEM with a key", async () => {
  const folder = emptyFolder();
  writeFileSync(join(folder, "x.pfx"), Buffer.from([0x30, 0x82, 1, 2]));
  for (const [name, message] of [
    ["gone.pem", /gone\.pem cannot be read: it is not there/],
    ["x.pfx", /x\.pfx is not PEM with its private key/],
  ] as const) {
    const { AZURE_CLIENT_SECRET: _, ...rest } = PRINCIPAL;
    const credential = await azureCredential(
      bare({ ...rest, AZURE_CLIENT_CERTIFICATE_PATH: join(folder, name) }),
    );
    assert.match((await failure(credential!.getToken("x"))).message, message);
  }
});

test("service principal: AZURE_AUTHORITY_HOST must be an https URL", async () => {
  const credential = await azureCredential(
    bare({ ...PRINCIPAL, AZURE_AUTHORITY_HOST: "http://login.example" }),
  );
  const { message } = await failure(credential!.getToken("x"));
  assert.match(message, "AZURE_AUTHORITY_HOST is http://login.example: not an https URL");
});

test("workload identity: a token file that is empty or not there", async () => {
  const file = join(emptyFolder(), "token");
  const { AZURE_CLIENT_SECRET: _, ...rest } = PRINCIPAL;
  const credential = await azureCredential(bare({ ...rest, AZURE_FEDERATED_TOKEN_FILE: file }));
  assert.match((await failure(credential!.getToken("x"))).message, "cannot be used: ENOENT");
  writeFileSync(file, "\n");
  const again = await azureCredential(bare({ ...rest, AZURE_FEDERATED_TOKEN_FILE: file }));
  assert.match((await failure(again!.getToken("x"))).message, "cannot be used: it is empty");
});

test("every client has an agent of its own: without one, the SDK looks for a proxy in the process", () => {
  for (const env of [
    {},
    { HTTPS_PROXY: "proxy.example:3128" },
    { HTTPS_PROXY: "http://p:1", NO_PROXY: "*" },
  ]) {
    assert.ok(connectionTo(VAULT, { env }).agent);
  }
});

test("a client is shared once its first call is through, and a new one made if that fails", async () => {
  let made = 0;
  const shared = new SharedClient(async () => ++made);
  const running: string[] = [];
  const call = (name: string, result: () => unknown) =>
    shared.use(async (client) => {
      running.push(`${name}${client}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
      running.push(`${name}.`);
      return result();
    });
  const broken = () => {
    throw new Error("broken");
  };
  const results = await Promise.allSettled([
    call("a", broken),
    call("b", () => 2),
    call("c", () => 3),
    call("d", () => 4),
  ]);
  assert.equal(
    results.map(({ status }) => status),
    ["rejected", "fulfilled", "fulfilled", "fulfilled"],
  );
  assert.is(made, 2);
  assert.equal(running, ["a1", "a.", "b2", "b.", "c2", "d2", "c.", "d."]);
});

test.run();
