import { execFileSync, spawn } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { answers, freePorts, installed, scratch, startServer } from "../support/integration/servers.ts";
import { argvOf } from "../support/program.ts";
import { KeyVault } from "../support/servers/key-vault.ts";
import { makeCertificates } from "../support/servers/tls.ts";

// The command line and the real SOPS, with the vendor's SDK for Go in it, against the same vault. The vendor offers none
// to test with: these are doubles, with real RSA and TLS. The second one is not the project's.

const TSOPS = installed("TSOPS");
const SOPS = installed("REAL_SOPS");
const SHARED =
  process.env.SHARED_SERVERS ?? fileURLToPath(new URL("../../../shared/servers", import.meta.url));
const PLAIN =
  "db:\n    # where it is\n    host: db.example.com\n    password: s3cret\nlist:\n    - 1\n    - two\n";

const certificates = makeCertificates(scratch());
const vault = await new KeyVault().listen(certificates);
test.after(() => vault.close());

type Env = Readonly<Record<string, string>>;
const TRUST: Env = { SSL_CERT_FILE: certificates.ca, NODE_EXTRA_CA_CERTS: certificates.ca };

function managedIdentityAt(endpoint: string, vaultUrl: string): Env {
  return {
    ...TRUST,
    IDENTITY_ENDPOINT: endpoint,
    IDENTITY_HEADER: "header-of-identity",
    AZURE_TOKEN_CREDENTIALS: "ManagedIdentityCredential",
    TSOPS_ALLOW: `azure=${vaultUrl}`,
  };
}

const MANAGED = managedIdentityAt(vault.msi, vault.url);
const PRINCIPAL: Env = {
  ...TRUST,
  AZURE_AUTHORITY_HOST: vault.url,
  AZURE_TENANT_ID: "adfs",
  AZURE_CLIENT_ID: vault.application.id,
  AZURE_CLIENT_SECRET: vault.application.secret,
  TSOPS_ALLOW: `azure=${vault.url}`,
};
const key = vault.create("sops");

interface Result {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program without stopping this process, which answers as the vault. */
function run(argv: readonly [string, ...string[]], cwd: string, env: Env): Promise<Result> {
  const [program, ...args] = argv;
  const child = spawn(program, args, {
    cwd,
    env: { PATH: process.env.PATH, HOME: cwd, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, stdout, stderr }));
  });
}

const tsops = (args: readonly string[], cwd: string, env: Env): Promise<Result> =>
  run([...argvOf(TSOPS), ...args], cwd, env);
const sops = (args: readonly string[], cwd: string, env: Env): Promise<Result> =>
  run([SOPS, ...args], cwd, env);

async function output(result: Promise<Result>): Promise<string> {
  const { code, stdout, stderr } = await result;
  assert.is(code, 0, stderr);
  return stdout;
}

/** The names of the fields of the file's Azure key, in their order. */
function fieldsOf(text: string): string[] {
  const block = /azure_kv:\n((?: {8}.*\n)+)/.exec(text)?.[1] ?? "";
  return Array.from(block.matchAll(/^ {8}[- ] (\w+):/gm), ([, field]) => field!);
}

const encOf = (text: string): string => /^ {10}enc: (.*)$/m.exec(text)?.[1] ?? "";

function bothWays(name: string, env: () => Env, url: () => string): void {
  test(`${name}: what the real SOPS encrypts opens here, and the reverse`, async () => {
    const folder = scratch();
    writeFileSync(join(folder, "plain.yaml"), PLAIN);
    const encrypt = ["encrypt", "--azure-kv", url(), "plain.yaml"];
    const theirs = await output(sops(encrypt, folder, env()));
    writeFileSync(join(folder, "theirs.yaml"), theirs);
    assert.is(await output(tsops(["decrypt", "theirs.yaml"], folder, env())), PLAIN);
    const ours = await output(tsops(encrypt, folder, env()));
    writeFileSync(join(folder, "ours.yaml"), ours);
    assert.is(await output(sops(["decrypt", "ours.yaml"], folder, env())), PLAIN);
    assert.equal(fieldsOf(ours), ["created_at", "enc", "name", "vault_url", "version"].sort());
    assert.equal(fieldsOf(ours).sort(), fieldsOf(theirs).sort());
    assert.match(encOf(ours), /^[\w-]{342}$/);
    assert.match(encOf(theirs), /^[\w-]{342}$/);
  });
}

bothWays(
  "managed identity",
  () => MANAGED,
  () => key,
);
bothWays(
  "service principal with a secret",
  () => PRINCIPAL,
  () => key,
);
bothWays(
  "a key without a version",
  () => MANAGED,
  () => key.replace(/\/[^/]+$/, ""),
);

test("a key without a version: the newest one is looked up and recorded, and old files open", async () => {
  const folder = scratch();
  writeFileSync(join(folder, "plain.yaml"), PLAIN);
  const first = vault.create("rotated").split("/").at(-1)!;
  const encrypt = ["encrypt", "--azure-kv", `${vault.url}/keys/rotated`, "plain.yaml"];
  const old = await output(tsops(encrypt, folder, MANAGED));
  const second = vault.create("rotated").split("/").at(-1)!;
  const fresh = await output(tsops(encrypt, folder, MANAGED));
  assert.match(old, `version: ${first}\n`);
  assert.match(fresh, `version: ${second}\n`);
  writeFileSync(join(folder, "old.yaml"), old);
  assert.is(await output(tsops(["decrypt", "old.yaml"], folder, MANAGED)), PLAIN);
});

test("updatekeys moves a file to the newest version, as SOPS does, and then is done", async () => {
  const folder = scratch();
  const first = vault.create("moving").split("/").at(-1)!;
  const rule = `creation_rules:\n  - azure_keyvault: ${vault.url}/keys/moving\n`;
  writeFileSync(join(folder, ".sops.yaml"), rule);
  writeFileSync(join(folder, "a.yaml"), PLAIN);
  await output(tsops(["encrypt", "--in-place", "a.yaml"], folder, MANAGED));
  const update = ["updatekeys", "--yes", "a.yaml"];
  assert.match((await tsops(update, folder, MANAGED)).stderr, "is up to date");
  const second = vault.create("moving").split("/").at(-1)!;
  // until then, the old version is one that the rule vouches for
  const set = await tsops(["set", "a.yaml", '["db"]["password"]', '"new"'], folder, MANAGED);
  assert.is(set.code, 0, set.stderr);
  assert.not.match(set.stderr, "not those of its creation rule");
  const changed = await output(tsops(update, folder, MANAGED));
  assert.match(changed, `--- ${vault.url}/keys/moving/${first}`);
  assert.match(changed, `+++ ${vault.url}/keys/moving/${second}`);
  const text = readFileSync(join(folder, "a.yaml"), "utf8");
  assert.match(text, `version: ${second}\n`);
  assert.not.match(text, first);
  const again = await sops(update, folder, MANAGED);
  assert.match(again.stderr + again.stdout, "already up to date");
  const extract = ["decrypt", "--extract", '["db"]["password"]', "a.yaml"];
  assert.is(await output(sops(extract, folder, MANAGED)), "new");
});

test("rotate adds and removes keys whose version is left open", async () => {
  const folder = scratch();
  vault.create("extra");
  const extra = `${vault.url}/keys/extra`;
  writeFileSync(join(folder, "a.yaml"), PLAIN);
  await output(tsops(["encrypt", "--in-place", "--azure-kv", key, "a.yaml"], folder, MANAGED));
  const change = (option: string) =>
    tsops(["rotate", "--in-place", option, extra, "a.yaml"], folder, MANAGED);
  await output(change("--add-azure-kv"));
  const both = readFileSync(join(folder, "a.yaml"), "utf8");
  assert.match(both, `version: ${vault.newest("extra").version}\n`);
  await output(change("--rm-azure-kv"));
  assert.not.match(readFileSync(join(folder, "a.yaml"), "utf8"), "name: extra");
  assert.is(await output(sops(["decrypt", "a.yaml"], folder, MANAGED)), PLAIN);
});

test("rotate and set here, and the real SOPS reads on", async () => {
  const folder = scratch();
  writeFileSync(join(folder, "a.yaml"), PLAIN);
  await output(sops(["encrypt", "--in-place", "--azure-kv", key, "a.yaml"], folder, MANAGED));
  await output(tsops(["set", "a.yaml", '["db"]["password"]', '"new"'], folder, MANAGED));
  await output(tsops(["rotate", "--in-place", "a.yaml"], folder, MANAGED));
  const extract = ["decrypt", "--extract", '["db"]["password"]', "a.yaml"];
  assert.is(await output(sops(extract, folder, MANAGED)), "new");
});

test("a configuration that names the vault vouches for it once it is approved", async () => {
  const folder = scratch();
  const { TSOPS_ALLOW: _, ...rest } = MANAGED;
  const env = { ...rest, XDG_DATA_HOME: scratch() };
  writeFileSync(join(folder, ".sops.yaml"), `creation_rules:\n  - azure_keyvault: ${key}\n`);
  writeFileSync(join(folder, "a.yaml"), PLAIN);
  const asked = vault.requests.length;
  const refused = await tsops(["encrypt", "--in-place", "a.yaml"], folder, env);
  assert.is(refused.code, 1);
  assert.match(refused.stderr, `TSOPS_ALLOW=azure=${vault.url}`);
  assert.is(vault.requests.length, asked);
  await output(tsops(["allow"], folder, env));
  await output(tsops(["encrypt", "--in-place", "a.yaml"], folder, env));
  assert.is(await output(tsops(["decrypt", "a.yaml"], folder, env)), PLAIN);
});

test("a vault that only the file names gets nothing", async () => {
  const folder = scratch();
  const { TSOPS_ALLOW: _, ...env } = MANAGED;
  writeFileSync(join(folder, "plain.yaml"), PLAIN);
  const text = await output(tsops(["encrypt", "--azure-kv", key, "plain.yaml"], folder, MANAGED));
  writeFileSync(join(folder, "a.yaml"), text);
  const [asked, logins] = [vault.requests.length, vault.logins.length];
  const { code, stderr } = await tsops(["decrypt", "a.yaml"], folder, env);
  assert.is(code, 128);
  assert.match(stderr, "nothing here vouches for it");
  assert.is(vault.requests.length, asked);
  assert.is(vault.logins.length, logins);
  await output(tsops(["decrypt", "a.yaml"], folder, { ...env, SOPS_AZURE_KEYVAULT_URLS: key }));
});

test("without credentials the next key opens the file, and no vault is asked", async () => {
  const folder = scratch();
  const golden = fileURLToPath(new URL("../../fixtures/golden/keys/", import.meta.url));
  const recipient = /age1\w+/.exec(readFileSync(join(golden, "age1.txt"), "utf8"))?.[0] ?? "";
  writeFileSync(join(folder, "plain.yaml"), PLAIN);
  const encrypt = ["encrypt", "--azure-kv", key, "--age", recipient, "plain.yaml"];
  writeFileSync(join(folder, "a.yaml"), await output(tsops(encrypt, folder, MANAGED)));
  const asked = vault.requests.length;
  const order = ["decrypt", "--decryption-order", "azure_kv,age", "a.yaml"];
  const env = { TSOPS_ALLOW: `azure=${vault.url}` };
  const age = { ...env, SOPS_AGE_KEY_FILE: join(golden, "age1.txt") };
  assert.is(await output(tsops(order, folder, age)), PLAIN);
  const { code, stderr } = await tsops(order, folder, env);
  assert.is(code, 128);
  assert.match(stderr, "no Azure credentials were found");
  assert.match(stderr, "az login");
  assert.is(vault.requests.length, asked);
});

test("a service principal logs in with a certificate", async () => {
  const folder = scratch();
  const subject = ["-subj", "/CN=application", "-days", "1", "-nodes"];
  execFileSync(
    "openssl",
    ["req", "-x509", "-newkey", "rsa:2048", ...subject, "-keyout", "app.key", "-out", "app.crt"],
    { cwd: folder, stdio: "ignore" },
  );
  const [secret, certificate] = ["app.key", "app.crt"].map((name) =>
    readFileSync(join(folder, name), "utf8"),
  );
  writeFileSync(join(folder, "app.pem"), `${secret}${certificate}`);
  vault.application.certificate = certificate;
  const { AZURE_CLIENT_SECRET: _, ...rest } = PRINCIPAL;
  const env = { ...rest, AZURE_CLIENT_CERTIFICATE_PATH: join(folder, "app.pem") };
  writeFileSync(join(folder, "plain.yaml"), PLAIN);
  const encrypt = ["encrypt", "--azure-kv", key, "plain.yaml"];
  await output(sops(encrypt, folder, env));
  assert.is(vault.logins.at(-1), "certificate");
  vault.logins.length = 0;
  writeFileSync(join(folder, "a.yaml"), await output(tsops(encrypt, folder, env)));
  assert.equal(vault.logins, ["certificate"]);
  assert.is(await output(sops(["decrypt", "a.yaml"], folder, env)), PLAIN);
});

test("workload identity: the token of a CI system is exchanged", async () => {
  const folder = scratch();
  vault.application.federated = "token.of-the.issuer";
  writeFileSync(join(folder, "token"), "token.of-the.issuer\n");
  writeFileSync(join(folder, "plain.yaml"), PLAIN);
  const { AZURE_CLIENT_SECRET: _, ...rest } = PRINCIPAL;
  const env = { ...rest, AZURE_FEDERATED_TOKEN_FILE: join(folder, "token") };
  vault.logins.length = 0;
  const text = await output(tsops(["encrypt", "--azure-kv", key, "plain.yaml"], folder, env));
  assert.equal(vault.logins, ["federated token"]);
  writeFileSync(join(folder, "a.yaml"), text);
  const { code, stderr } = await tsops(["decrypt", "a.yaml"], folder, {
    ...env,
    AZURE_FEDERATED_TOKEN_FILE: join(folder, "gone"),
  });
  assert.is(code, 128);
  assert.match(stderr, "gone cannot be used: ENOENT");
});

test("many files with one key: one login, one challenge, and each file with its own data key", async () => {
  const folder = scratch();
  const names = Array.from({ length: 6 }, (_, i) => `${i}.yaml`);
  for (const name of names) writeFileSync(join(folder, name), `name: ${name}\n`);
  for (const name of names) {
    await output(tsops(["encrypt", "--in-place", "--azure-kv", key, name], folder, MANAGED));
  }
  vault.requests.length = 0;
  vault.logins.length = 0;
  await output(tsops(["decrypt", "--in-place", ...names], folder, MANAGED));
  for (const name of names) {
    assert.match(readFileSync(join(folder, name), "utf8"), new RegExp(`^name: ${name}`));
  }
  assert.is(vault.logins.length, 1);
  assert.is(vault.requests.filter(({ authorized }) => !authorized).length, 1);
  assert.is(vault.requests.filter(({ authorized }) => authorized).length, names.length);
});

const shared = join(SHARED, "fake-keyvault.mjs");
if (existsSync(shared)) {
  const [port, msiPort] = await freePorts(2);
  const endpoint = `http://127.0.0.1:${msiPort}/msi/token`;
  const url = `https://127.0.0.1:${port}`;
  let started: Promise<string> | undefined;
  const start = async (): Promise<string> => {
    await startServer({
      argv: [process.execPath, shared],
      env: {
        PORT: String(port),
        MSI_PORT: String(msiPort),
        TLS_DIR: certificates.folder,
        CHALLENGE_RESOURCE: `vault://0.0.1:${port}`,
      },
      ready: () => answers(`http://127.0.0.1:${msiPort}/`),
    });
    const tokens = await fetch(`${endpoint}?resource=x`, { headers: { "x-identity-header": "x" } });
    const { access_token } = (await tokens.json()) as { access_token: string };
    const create = `
      const body = JSON.stringify({ kty: "RSA", key_size: 2048 });
      const headers = { authorization: "Bearer " + process.env.TOKEN, "content-type": "application/json" };
      const answer = await fetch("${url}/keys/sops/create", { method: "POST", body, headers });
      console.log((await answer.json()).key.kid);`;
    const argv = [process.execPath, "--input-type=module", "-e", create] as const;
    return (await output(run([...argv], scratch(), { ...TRUST, TOKEN: access_token }))).trim();
  };
  test("a double that is not the project's starts", async () => {
    started = start();
    assert.match(await started, `${url}/keys/sops/`);
  });
  let kid = "";
  test.before.each(async () => {
    kid = (await started) ?? "";
  });
  bothWays(
    "a double that is not the project's",
    () => managedIdentityAt(endpoint, url),
    () => kid,
  );
}

test.run();
