import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { makeWorld } from "../support/golden/world.ts";
import {
  type Env,
  folderWith,
  OurServer,
  output,
  PLAIN,
  RECIPIENT,
  read,
  realServer,
  sops,
  tsops,
} from "../support/integration/keyservice.ts";
import { freePorts, scratch } from "../support/integration/servers.ts";
import { BY_NODE } from "../support/program.ts";
import { makeCertificates } from "../support/servers/tls.ts";

// Our client against the real SOPS's key service, and the real SOPS's client against ours. The client never has a key
// of its own: what it opens, the service opened.

const world = makeWorld(fileURLToPath(new URL("../../fixtures/golden/keys", import.meta.url)));
test.after(() => world.close());
const FINGERPRINT = readFileSync(join(world.keys, "pgp1.fp"), "utf8").trim();
/** What the services have, and clients have not. */
const KEYS: Env = { SOPS_AGE_KEY_FILE: join(world.keys, "age1.txt"), GNUPGHOME: world.gpg };
const NO_KEYS: Env = { GNUPGHOME: world.noGpg };
const ONLY = "--enable-local-keyservice=false";
const RECIPIENTS: readonly (readonly [string, string])[] = [
  ["--age", RECIPIENT],
  ["--pgp", FINGERPRINT],
];

async function ourServer(args: readonly string[] = [], env: Env = KEYS) {
  const socket = join(scratch(), "s");
  const server = await OurServer.start(["--network", "unix", "--address", socket, ...args], env);
  return { server, socket, uri: `unix://${socket}` };
}

test("our client uses the real SOPS's key service, for age and for PGP", async () => {
  const uri = await realServer(KEYS);
  for (const [option, recipient] of RECIPIENTS) {
    const folder = folderWith();
    const asking = [ONLY, "--keyservice", uri];
    await output(tsops(["encrypt", "-i", option, recipient, ...asking, "plain.yaml"], folder, NO_KEYS));
    assert.not.ok(read(folder, "plain.yaml").includes("s3cret"));
    assert.is(await output(tsops(["decrypt", ...asking, "plain.yaml"], folder, NO_KEYS)), PLAIN);
    const alone = await tsops(["decrypt", "plain.yaml"], folder, NO_KEYS);
    assert.is(alone.code, 128, "without the service nothing opens it");
    // the real SOPS with keys of its own agrees that the file is one
    assert.is(await output(sops(["decrypt", "plain.yaml"], folder, KEYS)), PLAIN);
    // and all the other commands that need the data key
    await output(tsops(["set", ...asking, "plain.yaml", '["db"]["port"]', "5432"], folder, NO_KEYS));
    await output(tsops(["rotate", "-i", ...asking, "plain.yaml"], folder, NO_KEYS));
    assert.match(await output(sops(["decrypt", "plain.yaml"], folder, KEYS)), /port: 5432/);
  }
});

test("the real SOPS's client uses our key service, for age and for PGP", async () => {
  const { server, uri } = await ourServer();
  for (const [option, recipient] of RECIPIENTS) {
    const folder = folderWith();
    const asking = [ONLY, "--keyservice", uri];
    await output(sops(["encrypt", "-i", option, recipient, ...asking, "plain.yaml"], folder, NO_KEYS));
    assert.is(await output(sops(["decrypt", ...asking, "plain.yaml"], folder, NO_KEYS)), PLAIN);
    assert.is(await output(tsops(["decrypt", "plain.yaml"], folder, KEYS)), PLAIN);
    assert.is(await output(tsops(["decrypt", ...asking, "plain.yaml"], folder, NO_KEYS)), PLAIN);
  }
  assert.equal(server.requests(), [
    ...["Encrypt age ok", "Decrypt age ok", "Decrypt age ok"],
    ...["Encrypt pgp ok", "Decrypt pgp ok", "Decrypt pgp ok"],
  ]);
  assert.is(await server.stop(), 0);
});

test("metadata that a service helped to write has the same fields as SOPS's own, for both kinds", async () => {
  const { server, uri } = await ourServer();
  const fieldsIn = (text: string) =>
    [...text.matchAll(/^ {4,}(?:- )?([a-z_]+):/gm)]
      .map(([, name]) => name)
      .filter((name) => name !== "tsops");
  const recipients = ["--age", RECIPIENT, "--pgp", FINGERPRINT];
  const folder = folderWith("a: 1\n");
  const ours = await output(
    tsops(["encrypt", ...recipients, ONLY, "--keyservice", uri, "plain.yaml"], folder, NO_KEYS),
  );
  const theirs = await output(sops(["encrypt", ...recipients, "plain.yaml"], folder, KEYS));
  const known = new Set(fieldsIn(theirs));
  assert.equal(
    [...new Set(fieldsIn(ours))].filter((name) => name && known.has(name)).sort(),
    [...known].sort(),
  );
  await server.stop();
});

test("several services, from the option and the variable: a dead one is passed over", async () => {
  const { server, uri } = await ourServer();
  const folder = folderWith();
  await output(sops(["encrypt", "-i", "--age", RECIPIENT, "plain.yaml"], folder));
  const dead = `unix://${join(folder, "nobody.sock")}`;
  const options = ["--keyservice", dead, "--keyservice", uri];
  assert.is(await output(tsops(["decrypt", ONLY, ...options, "plain.yaml"], folder)), PLAIN);
  const env = { SOPS_KEYSERVICE: `${dead}, ${uri}`, SOPS_ENABLE_LOCAL_KEYSERVICE: "0" };
  assert.is(await output(tsops(["decrypt", "plain.yaml"], folder, env)), PLAIN);
  assert.is(await output(sops(["decrypt", "plain.yaml"], folder, env)), PLAIN, "as the real SOPS does");
  await server.stop();
  const gone = await tsops(["decrypt", "plain.yaml"], folder, env);
  assert.is(gone.code, 128);
  assert.match(gone.stderr, /nobody\.sock: the key service cannot be reached: there is no such socket/);
});

test("mutual TLS from end to end; without the certificate nothing is served", async () => {
  const certificates = makeCertificates(join(scratch(), "certs"));
  const [port] = await freePorts(1);
  const files = ["--tls-cert", certificates.server.cert, "--tls-key", certificates.server.key];
  const args = ["--address", `127.0.0.1:${port}`, ...files, "--tls-client-ca", certificates.ca];
  const server = await OurServer.start(args, KEYS);
  const folder = folderWith();
  const asking = [ONLY, "--keyservice", `tls://127.0.0.1:${port}`];
  const trusting = { TSOPS_KEYSERVICE_CA: certificates.ca };
  const certified = {
    ...trusting,
    TSOPS_KEYSERVICE_CERT: certificates.client.cert,
    TSOPS_KEYSERVICE_KEY: certificates.client.key,
  };
  await output(tsops(["encrypt", "-i", "--age", RECIPIENT, ...asking, "plain.yaml"], folder, certified));
  const opened = await tsops(["decrypt", ...asking, "plain.yaml"], folder, certified);
  assert.is(opened.stdout, PLAIN);
  assert.is(opened.stderr, "", "no warning of Node's");
  const refused = await tsops(["decrypt", ...asking, "plain.yaml"], folder, trusting);
  assert.is(refused.code, 128);
  assert.match(refused.stderr, /requires a client certificate/);
  assert.equal(server.requests(), ["Encrypt age ok", "Decrypt age ok"]);
  assert.is(server.log.at(-1)!.client, "client");
  await server.stop();
});

test("a service that is killed in the middle is a clear error, and the next service is tried", async () => {
  for (const helped of [false, true]) {
    // it waits for an answer to its question, so the request is under way when it dies
    const { server, uri } = await ourServer(["--prompt"]);
    const second = await ourServer();
    const folder = folderWith();
    await output(sops(["encrypt", "-i", "--age", RECIPIENT, "plain.yaml"], folder));
    const services = ["--keyservice", uri, ...(helped ? ["--keyservice", second.uri] : [])];
    const opening = tsops(["decrypt", ONLY, ...services, "plain.yaml"], folder);
    await server.until(() => server.stdout.includes("Respond to request?"));
    server.child.kill("SIGKILL");
    const { code, stdout, stderr } = await opening;
    assert.is(code, helped ? 0 : 128, stderr);
    assert.is(stdout, helped ? PLAIN : "");
    if (!helped) assert.match(stderr, /the connection to the key service broke before it answered, and now/);
    await second.server.stop();
  }
});

test("--prompt: yes and no are the person's, for our client and the real SOPS's; the end of input is a no", async () => {
  const { server, uri } = await ourServer(["--prompt"]);
  const folder = folderWith();
  await output(sops(["encrypt", "-i", "--age", RECIPIENT, "plain.yaml"], folder));
  const decrypt = ["decrypt", ONLY, "--keyservice", uri, "plain.yaml"];
  const questions = () => server.stdout.split("Received decrypt request from unix using age key").length - 1;
  const answered = async (call: ReturnType<typeof tsops>, answer: string | undefined) => {
    const before = questions();
    await server.until(() => questions() > before || answer === undefined);
    if (answer === undefined) server.child.stdin!.end();
    else server.child.stdin!.write(`${answer}\n`);
    return await call;
  };
  const first = tsops(decrypt, folder);
  await server.until(() => questions() === 1);
  server.child.stdin!.write("perhaps\ny\n");
  assert.is((await first).stdout, PLAIN);
  const no = await answered(tsops(decrypt, folder), "n");
  assert.is(no.code, 128);
  assert.match(no.stderr, /the key service refuses: the person who runs it said no/);
  assert.is((await answered(sops(decrypt, folder), "y")).stdout, PLAIN);
  const refused = await answered(sops(decrypt, folder), "n");
  assert.is(refused.code, 128);
  const end = await answered(tsops(decrypt, folder), undefined);
  assert.is(end.code, 128);
  assert.equal(
    server.requests().map((line) => line.split(" ")[2]),
    ["ok", "refused", "ok", "refused", "refused"],
  );
  assert.is(await server.stop(), 0, "it ends, although its standard input did");
});

test("the log has what happened, and no secret; gpg does not get the master secret", async () => {
  const folder = folderWith();
  const master = Buffer.from(Array.from({ length: 32 }, (_, i) => 200 - i)).toString("base64");
  const gpg = join(folder, "gpg-spy");
  const seen = join(folder, "seen");
  writeFileSync(gpg, `#!/bin/sh\nenv >> ${seen}\nexec gpg "$@"\n`, { mode: 0o700 });
  const { server, uri } = await ourServer(["--verbose", "--master-secret", "env://MASTER"], {
    ...KEYS,
    SOPS_GPG_EXEC: gpg,
    MASTER: master,
  });
  const recipients = ["--age", RECIPIENT, "--pgp", FINGERPRINT];
  await output(
    tsops(["encrypt", "-i", ...recipients, ONLY, "--keyservice", uri, "plain.yaml"], folder, NO_KEYS),
  );
  const order = ["--decryption-order", "pgp,age"];
  await output(tsops(["decrypt", ...order, ONLY, "--keyservice", uri, "plain.yaml"], folder, NO_KEYS));
  await server.stop();
  const identity = /AGE-SECRET-KEY-\S+/.exec(read(world.keys, "age1.txt"))![0];
  for (const secret of [master, identity, "s3cret", "BEGIN", "ENC["])
    assert.not.ok(server.stderr.includes(secret), secret);
  for (const line of read(folder, "plain.yaml").match(/^ +[A-Za-z0-9+/=]{40,}$/gm)!)
    assert.not.ok(server.stderr.includes(line.trim()));
  assert.ok(existsSync(seen));
  assert.not.ok(read(folder, "seen").includes(master));
  for (const { time } of server.log) assert.match(String(time), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  const [encrypted] = server.log.filter(({ method, ms }) => method === "Encrypt" && ms !== undefined);
  assert.equal(Object.keys(encrypted!).sort(), [
    ...["event", "key", "kind", "method", "ms", "peer", "result", "time"],
  ]);
});

test("shutdown: a signal ends it with code 0, its socket goes, and what runs is finished", async () => {
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    const { server, socket, uri } = await ourServer(["--prompt"]);
    assert.is(statSync(socket).mode & 0o777, 0o600);
    const folder = folderWith();
    await output(sops(["encrypt", "-i", "--age", RECIPIENT, "plain.yaml"], folder));
    const opening = tsops(["decrypt", ONLY, "--keyservice", uri, "plain.yaml"], folder);
    await server.until(() => server.stdout.includes("Respond to request?"));
    const ended = server.stop(signal);
    await server.until(() => server.stderr.includes('"stopping"'));
    server.child.stdin!.write("y\n");
    assert.is((await opening).stdout, PLAIN, "the request that ran was answered");
    assert.is(await ended, 0);
    assert.not.ok(existsSync(socket));
    assert.is(server.log.at(-1)!.event, "stopped");
  }
});

const ofNode = BY_NODE ? test : () => undefined;

ofNode("gRPC is loaded when a service is asked, and not before", async () => {
  const { server, uri } = await ourServer();
  const folder = folderWith();
  await output(sops(["encrypt", "-i", "--age", RECIPIENT, "plain.yaml"], folder));
  const spy = join(folder, "spy.cjs");
  const code = `const fs = require("node:fs");
  const { openSync } = fs;
  let loaded = 0;
  fs.openSync = (path, ...more) => {
    if (String(path).endsWith("grpc.cjs")) loaded++;
    return openSync(path, ...more);
  };
  process.on("exit", () => {
    const packages = Object.keys(require.cache).filter((path) => /@grpc|protobufjs/.test(path));
    process.stderr.write("loaded: " + (loaded + packages.length) + "\\n");
  });`;
  writeFileSync(spy, code);
  const loaded = async (args: readonly string[]) => {
    const { stderr } = await tsops([...args, "plain.yaml"], folder, {
      ...KEYS,
      NODE_OPTIONS: `--require ${spy}`,
    });
    return Number(/loaded: (\d+)/.exec(stderr)?.[1]);
  };
  assert.is(await loaded(["decrypt"]), 0);
  assert.is(await loaded(["decrypt", "--keyservice", uri]), 0, "the local key opens it");
  assert.is(await loaded(["decrypt", ONLY, "--keyservice", uri]), 1);
  await server.stop();
});

test("options that cannot be used are refused before anything is served", async () => {
  const folder = folderWith();
  const refused = async (args: readonly string[], env: Env = {}) => {
    const { code, stderr } = await tsops(["keyservice", ...args], folder, env);
    assert.is(code, 1, stderr);
    return stderr;
  };
  assert.match(await refused(["--network", "udp"]), /neither tcp nor unix/);
  assert.match(await refused(["--network", "unix"]), /needs a path/);
  assert.match(await refused(["--keyservice", "unix:///x"]), /asks no other/);
  assert.match(await refused(["--tls-cert", "plain.yaml"]), /needs both/);
  assert.match(await refused(["--tls-cert", "nope", "--tls-key", "nope"]), /cannot be read: it is not there/);
  assert.match(await refused(["--master-secret", "env://NOPE"]), /NOPE.*is not set/);
  const secret = Buffer.alloc(32, "x1").toString("hex");
  const open = ["--address", "0.0.0.0:0", "--master-secret", "env://S"];
  assert.match(await refused(open, { S: secret }), /every key of the cluster/);
  assert.match(await refused(["--address", "127.0.0.1"]), /is not an address/);
});

test.run();
