import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  type Env,
  folderWith,
  OurServer,
  output,
  PLAIN,
  RECIPIENT,
  read,
  sops,
  tsops,
} from "../support/integration/keyservice.ts";
import { freePorts, scratch } from "../support/integration/servers.ts";
import { makeCertificates } from "../support/servers/tls.ts";

// Keys of a cluster, through the command line on both sides.

const KEYS = fileURLToPath(new URL("../../fixtures/golden/keys", import.meta.url));
const IDENTITY: Env = { SOPS_AGE_KEY_FILE: join(KEYS, "age1.txt") };
const secretOf = (seed: number) => Buffer.from(Array.from({ length: 32 }, (_, i) => (i * 7 + seed) % 256));
const OLD = secretOf(1).toString("base64");
const NEW = secretOf(99).toString("hex");

async function serving(secrets: Env, port?: number) {
  const free = port ?? (await freePorts(1))[0]!;
  const references = Object.keys(secrets).flatMap((name) => ["--master-secret", `env://${name}`]);
  const server = await OurServer.start(["--address", `127.0.0.1:${free}`, ...references], secrets);
  return { server, port: free, host: `127.0.0.1:${free}` };
}

const allowing = (host: string): Env => ({ TSOPS_ALLOW: `cluster=${host}` });

test("a file with a cluster's key and an age key: either opens it, and the real SOPS does through age", async () => {
  const { server, host } = await serving({ SECRET: OLD });
  const folder = folderWith();
  const uri = `cluster://${host}/team/prod`;
  // what the person names on the command line is vouched for
  await output(tsops(["encrypt", "-i", "--age", RECIPIENT, "--key", uri, "plain.yaml"], folder));
  const text = read(folder, "plain.yaml");
  assert.ok(text.includes(`uri: ${uri}`), text);
  assert.is(await output(tsops(["decrypt", "plain.yaml"], folder, allowing(host))), PLAIN);
  assert.is(await output(tsops(["decrypt", "plain.yaml"], folder, IDENTITY)), PLAIN);
  assert.is(await output(sops(["decrypt", "plain.yaml"], folder, IDENTITY)), PLAIN);
  // a change keeps the cluster's key, a new data key is wrapped for it again
  const env = allowing(host);
  await output(tsops(["set", "plain.yaml", '["db"]["port"]', "5432"], folder, env));
  await output(tsops(["rotate", "-i", "plain.yaml"], folder, env));
  assert.match(await output(tsops(["decrypt", "plain.yaml"], folder, env)), /port: 5432/);
  assert.match(await output(sops(["decrypt", "plain.yaml"], folder, IDENTITY)), /port: 5432/);
  // taken away, it is gone
  await output(tsops(["rotate", "-i", "--rm-key", uri, "plain.yaml"], folder, { ...env, ...IDENTITY }));
  assert.not.ok(read(folder, "plain.yaml").includes("cluster://"));
  assert.is((await tsops(["decrypt", "plain.yaml"], folder, env)).code, 128);
  await server.stop();
});

test("an approved configuration names the cluster; others, and a file alone, get no connection", async () => {
  const { server, host } = await serving({ SECRET: OLD });
  const folder = folderWith();
  const uri = `cluster://${host}/prod`;
  const sopsrc = {
    keys: { prod: uri },
    rules: [{ name: "all", glob: "*.yaml", recipients: ["prod"] }],
  };
  writeFileSync(join(folder, ".sopsrc"), JSON.stringify(sopsrc));
  const refused = await tsops(["encrypt", "-i", "plain.yaml"], folder);
  assert.is(refused.code, 1);
  assert.match(refused.stderr, /only the configuration .* names the key service/);
  assert.equal(server.requests(), [], "it was not asked");
  await output(tsops(["allow"], folder));
  await output(tsops(["encrypt", "-i", "plain.yaml"], folder));
  assert.is(await output(tsops(["decrypt", "plain.yaml"], folder)), PLAIN);
  const before = server.requests().length;
  const stranger = folderWith(read(folder, "plain.yaml"), "got.yaml");
  const { code, stderr } = await tsops(["decrypt", "got.yaml"], stranger);
  assert.is(code, 128);
  assert.match(stderr, /the file names the key service .* nothing here vouches for it/);
  assert.match(stderr, new RegExp(`cluster=${host.replaceAll(".", "\\.")}`));
  assert.is(server.requests().length, before, "it was not asked");
  await server.stop();
});

test("a wrong master secret does not open, and rotation keeps old files and wraps with the new secret", async () => {
  const first = await serving({ SECRET: OLD });
  const { host, port } = first;
  const folder = folderWith();
  const uri = `cluster://${host}/prod`;
  await output(tsops(["encrypt", "-i", "--key", uri, "plain.yaml"], folder));
  await first.server.stop();
  const idIn = () => /tsops-cluster:v1:([0-9a-f]{16}):/.exec(read(folder, "plain.yaml"))![1]!;
  const old = idIn();

  const wrong = await serving({ SECRET: NEW }, port);
  const { code, stderr } = await tsops(["decrypt", "plain.yaml"], folder, allowing(host));
  assert.is(code, 128);
  assert.match(stderr, new RegExp(`it needs the master secret ${old}, which is not held here`));
  await wrong.server.stop();

  const both = await serving({ NEWER: NEW, OLDER: OLD }, port);
  assert.is(await output(tsops(["decrypt", "plain.yaml"], folder, allowing(host))), PLAIN);
  await output(tsops(["rotate", "-i", "plain.yaml"], folder, allowing(host)));
  assert.is.not(idIn(), old);
  await both.server.stop();

  // nothing needs the old secret any more
  const last = await serving({ NEWER: NEW }, port);
  assert.is(await output(tsops(["decrypt", "plain.yaml"], folder, allowing(host))), PLAIN);
  await last.server.stop();
  const gone = await tsops(["decrypt", "plain.yaml"], folder, allowing(host));
  assert.match(gone.stderr, /the key service cannot be reached: nothing listens there/);
});

test("a share of a data key that two groups need, one of them a cluster", async () => {
  const { server, host } = await serving({ SECRET: OLD });
  const folder = folderWith();
  const sopsrc = {
    rules: [{ name: "all", glob: "*.yaml", key_groups: [[`cluster://${host}/prod`], [`age:${RECIPIENT}`]] }],
  };
  writeFileSync(join(folder, ".sopsrc"), JSON.stringify(sopsrc));
  await output(tsops(["allow"], folder));
  await output(tsops(["encrypt", "-i", "plain.yaml"], folder));
  assert.is(await output(tsops(["decrypt", "plain.yaml"], folder, IDENTITY)), PLAIN);
  assert.is((await tsops(["decrypt", "plain.yaml"], folder)).code, 128, "one of the two is not enough");
  await server.stop();
});

test("the same service serves the real SOPS's client; over TLS, a cluster wants certificates", async () => {
  const certificates = makeCertificates(join(scratch(), "certs"));
  const [port] = await freePorts(1);
  const files = ["--tls-cert", certificates.server.cert, "--tls-key", certificates.server.key];
  const args = ["--address", `0.0.0.0:${port}`, ...files, "--tls-client-ca", certificates.ca];
  const secured = await OurServer.start([...args, "--master-secret", "env://SECRET"], { SECRET: OLD });
  const folder = folderWith();
  const uri = `cluster://localhost:${port}/prod`;
  const env = {
    TSOPS_KEYSERVICE_CA: certificates.ca,
    TSOPS_KEYSERVICE_CERT: certificates.client.cert,
    TSOPS_KEYSERVICE_KEY: certificates.client.key,
  };
  await output(tsops(["encrypt", "-i", "--key", uri, "plain.yaml"], folder, env));
  const allowed = { ...env, ...allowing(`localhost:${port}`) };
  assert.is(await output(tsops(["decrypt", "plain.yaml"], folder, allowed)), PLAIN);
  const { TSOPS_KEYSERVICE_CERT: _, TSOPS_KEYSERVICE_KEY: __, ...bare } = allowed;
  assert.match(
    (await tsops(["decrypt", "plain.yaml"], folder, bare)).stderr,
    /requires a client certificate/,
  );
  await secured.stop();

  const host = `127.0.0.1:${port}`;
  const both = await OurServer.start(["--address", host, "--master-secret", "env://SECRET"], {
    SECRET: OLD,
    ...IDENTITY,
  });
  const shared = folderWith();
  const asking = ["--enable-local-keyservice=false", "--keyservice", `tcp://${host}`];
  await output(sops(["encrypt", "-i", "--age", RECIPIENT, ...asking, "plain.yaml"], shared));
  assert.is(await output(sops(["decrypt", ...asking, "plain.yaml"], shared)), PLAIN);
  await both.stop();
});

test.run();
