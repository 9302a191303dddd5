import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { S3 } from "@aws-sdk/client-s3";
import {
  BlobSASPermissions,
  BlobServiceClient,
  generateBlobSASQueryParameters,
  StorageSharedKeyCredential,
} from "@azure/storage-blob";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { newAwsClient } from "../../src/keys/aws/client.ts";
import { IDENTITY_FILE, OTHER_RECIPIENT, RECIPIENT } from "../support/cli.ts";
import { answers, freePorts, installed, scratch, startServer } from "../support/integration/servers.ts";
import { argvOf } from "../support/program.ts";

/*
 * `publish` against servers of others: moto (S3), fake-gcs-server, OpenBao, azurite. For S3, Google Cloud Storage and
 * Vault the real SOPS publishes with the same rules, and what it leaves there is compared.
 */

const folder = scratch();
const [s3Port, gcsPort, baoPort, azurePort, nowhere] = (await freePorts(5)) as [
  number,
  number,
  number,
  number,
  number,
];
const S3_URL = `http://127.0.0.1:${s3Port}`;
const GCS_URL = `http://127.0.0.1:${gcsPort}`;
const BAO_URL = `http://127.0.0.1:${baoPort}`;
/** Azurite's account, whose key is the same everywhere. */
const ACCOUNT = "devstoreaccount1";
const ACCOUNT_KEY =
  "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
const AZURE_URL = `http://127.0.0.1:${azurePort}/${ACCOUNT}`;

const ENV: Record<string, string> = {
  PATH: process.env.PATH!,
  HOME: scratch(),
  SOPS_AGE_KEY_FILE: IDENTITY_FILE,
  AWS_ENDPOINT_URL: S3_URL,
  AWS_ACCESS_KEY_ID: "test",
  AWS_SECRET_ACCESS_KEY: "test",
  AWS_REGION: "us-east-1",
  AWS_EC2_METADATA_DISABLED: "true",
  STORAGE_EMULATOR_HOST: `127.0.0.1:${gcsPort}`,
  METADATA_SERVER_DETECTION: "none",
  VAULT_TOKEN: "root",
  // the rules alone vouch for no server
  TSOPS_ALLOW: [BAO_URL, `http://127.0.0.1:${nowhere}`]
    .flatMap((url) => [`vault=${url}`, `azure_storage=${url}/${ACCOUNT}`])
    .concat(`azure_storage=${AZURE_URL}`)
    .join(","),
  SOPS_DISABLE_VERSION_CHECK: "true",
  TSOPS_KMS_TIMEOUT: "10",
};

await Promise.all([
  startServer({
    argv: [installed("MOTO"), "-H", "127.0.0.1", "-p", String(s3Port)],
    ready: () => answers(`${S3_URL}/moto-api/`, 200),
  }),
  startServer({
    argv: [
      installed("FAKE_GCS"),
      ...["-scheme", "http", "-host", "127.0.0.1", "-port", String(gcsPort), "-backend", "memory"],
      ...["-external-url", GCS_URL],
    ],
    ready: () => answers(`${GCS_URL}/storage/v1/b?project=p`, 200),
  }),
  startServer({
    argv: [
      installed("BAO"),
      ...["server", "-dev", "-dev-root-token-id=root", "-dev-no-store-token"],
      `-dev-listen-address=127.0.0.1:${baoPort}`,
    ],
    ready: () => answers(`${BAO_URL}/v1/sys/health`, 200),
  }),
  startServer({
    argv: [
      process.execPath,
      installed("AZURITE"),
      ...["--blobHost", "127.0.0.1", "--blobPort", String(azurePort), "--silent", "--inMemoryPersistence"],
      ...["--skipApiVersionCheck", "--disableTelemetry"],
    ],
    ready: () => answers(AZURE_URL),
  }),
]);

interface Result {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function run(
  argv: readonly string[],
  { env = {}, input = "" }: { env?: Record<string, string | undefined>; input?: string } = {},
): Promise<Result> {
  const [program, ...args] = argv as [string, ...string[]];
  const child = spawn(program, args, { cwd: folder, env: { ...ENV, ...env } });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  child.stdin.on("error", () => undefined).end(input);
  const code = await new Promise<number | null>((resolve, reject) =>
    child.once("error", reject).once("close", resolve),
  );
  return { code, stdout, stderr };
}

const tsops = (args: readonly string[], options?: Parameters<typeof run>[1]) =>
  run([...argvOf(process.env.TSOPS!), ...args], options);
const sops = (args: readonly string[], options?: Parameters<typeof run>[1]) =>
  run([process.env.REAL_SOPS!, ...args], options);

async function ok(work: Promise<Result>): Promise<Result> {
  const result = await work;
  assert.is(result.code, 0, result.stderr + result.stdout);
  assert.not.match(result.stderr, /Warning: |\(node:/);
  return result;
}

/** Fails with exit code 1, and says what is expected. */
async function fails(work: Promise<Result>, message: RegExp): Promise<void> {
  const { code, stderr } = await work;
  assert.is(code, 1, stderr);
  assert.match(stderr, message);
  assert.not.match(stderr, /s3cret|internal error/);
}

function put(name: string, text: string): void {
  mkdirSync(dirname(join(folder, name)), { recursive: true });
  writeFileSync(join(folder, name), text);
}

const read = (name: string) => readFileSync(join(folder, name), "utf8");

function rules(...lines: readonly string[]): void {
  put(".sops.yaml", `destination_rules:\n${lines.map((line) => `  - ${line}\n`).join("")}`);
}

const FILES: Readonly<Record<string, string>> = {
  "app.yaml": "db:\n    password: s3cret # why\n    port: 5432\nplain_unencrypted: seen\n",
  "in/b.json": '{\n\t"token": "s3cret",\n\t"list": [1, "two", true, null, 2.5]\n}\n',
  "in/deep/my.c.env": "PASSWORD=s3cret\n# note\nB=c d\n",
  "in/d.ini": "[one]\npassword = s3cret\n",
  "in/odd name+&=ü.yaml":
    "big: 9007199254740993\nnested:\n    on: true\n    empty: {}\n    none: null\n    when: 2025-01-02T03:04:05Z\n",
};

test.before(async () => {
  for (const [name, text] of Object.entries(FILES)) {
    put(name, text);
    await ok(tsops(["encrypt", "-i", "--age", RECIPIENT, name]));
  }
});

/** Objects by name. */
type Shelf = Record<string, Buffer>;

/** Publishes with tsops, then with SOPS, each into an empty place, and gives what is there then. */
async function both(
  args: readonly string[],
  { list, clear }: { list: () => Promise<Shelf>; clear: () => Promise<void> },
): Promise<{ ours: Shelf; theirs: Shelf }> {
  await clear();
  await ok(tsops(["publish", ...args]));
  const ours = await list();
  await clear();
  await ok(sops(["publish", ...args]));
  const theirs = await list();
  assert.ok(Object.keys(theirs).length > 0);
  return { ours, theirs };
}

/** Both shelves hold the same names with what decrypts to the same, for the same recipients. */
async function sameSecrets(ours: Shelf, theirs: Shelf, recipients: readonly string[]): Promise<void> {
  assert.equal(Object.keys(ours), Object.keys(theirs));
  for (const [name, bytes] of Object.entries(ours)) {
    const type = /\.env$/.test(name) ? "dotenv" : /([a-z]+)$/.exec(name)![1]!;
    const plain = async (content: Buffer, program: typeof tsops) => {
      put("published", content.toString("utf8"));
      const { stdout } = await ok(
        program(["decrypt", "--input-type", type, "--output-type", "json", "published"]),
      );
      return JSON.parse(stdout) as unknown;
    };
    const due = await plain(theirs[name]!, sops);
    assert.equal(await plain(bytes, sops), due, name);
    assert.equal(await plain(bytes, tsops), due, name);
    for (const recipient of [RECIPIENT, OTHER_RECIPIENT]) {
      for (const side of [bytes, theirs[name]!])
        assert.is(side.includes(recipient), recipients.includes(recipient), name);
    }
  }
}

function sameBytes(ours: Shelf, theirs: Shelf): void {
  assert.equal(Object.keys(ours), Object.keys(theirs));
  for (const [name, bytes] of Object.entries(ours)) assert.ok(bytes.equals(theirs[name]!), name);
}

const ODD = "odd name+&=ü.yaml";

// --- S3

const s3 = newAwsClient(
  () =>
    new S3({
      endpoint: S3_URL,
      region: "us-east-1",
      credentials: { accessKeyId: "test", secretAccessKey: "test" },
    }),
);

const bucket = {
  async list(): Promise<Shelf> {
    const { Contents = [] } = await s3.listObjectsV2({ Bucket: "secrets" });
    const shelf: Shelf = {};
    for (const { Key } of Contents) {
      const { Body } = await s3.getObject({ Bucket: "secrets", Key });
      shelf[Key!] = Buffer.from(await Body!.transformToByteArray());
    }
    return shelf;
  },
  async clear(): Promise<void> {
    for (const Key of Object.keys(await bucket.list())) await s3.deleteObject({ Bucket: "secrets", Key });
  },
};

test("S3: the same objects as SOPS, whatever their names", async () => {
  await s3.createBucket({ Bucket: "secrets" });
  rules("{s3_bucket: secrets, s3_prefix: team/}");
  const one = await both(["-y", "app.yaml"], bucket);
  assert.equal(Object.keys(one.ours), ["team/app.yaml"]);
  sameBytes(one.ours, one.theirs);
  const many = await both(["-y", "--recursive", "in"], bucket);
  assert.equal(
    Object.keys(many.ours).sort(),
    ["b.json", "d.ini", "deep/my.c.env", ODD].map((name) => `team/${name}`).sort(),
  );
  sameBytes(many.ours, many.theirs);
  const bare = await both(["-y", "--recursive", "--omit-extensions", "in"], bucket);
  assert.ok(Object.hasOwn(bare.ours, "team/deep/my.c"));
  sameBytes(bare.ours, bare.theirs);
});

test("S3: encrypted again as SOPS does, and left alone the second time", async () => {
  rules(
    `{s3_bucket: secrets, omit_extensions: false, recreation_rule: {age: "${RECIPIENT},${OTHER_RECIPIENT}", encrypted_suffix: ""}}`,
  );
  rmSync(join(folder, "published"), { force: true });
  const { ours, theirs } = await both(["-y", "in/b.json"], bucket);
  await sameSecrets(ours, theirs, [RECIPIENT, OTHER_RECIPIENT]);
  const yaml = await both(["-y", `in/${ODD}`], bucket);
  await sameSecrets(yaml.ours, yaml.theirs, [RECIPIENT, OTHER_RECIPIENT]);
  // SOPS's object has no seal yet
  assert.match((await ok(tsops(["publish", "-y", `in/${ODD}`]))).stderr, /published/);
  const before = await bucket.list();
  assert.match((await ok(tsops(["publish", "-y", `in/${ODD}`]))).stderr, /is up to date at s3:\/\/secrets\//);
  sameBytes(await bucket.list(), before);
});

test("S3: SOPS opens what is encrypted again, plain values included, although not what it encrypts itself", async () => {
  rules(`{s3_bucket: secrets, recreation_rule: {age: ${RECIPIENT}}}`);
  const { ours, theirs } = await both(["-y", "app.yaml"], bucket);
  const opens = (bytes: Buffer) => {
    put("published.yaml", bytes.toString());
    return sops(["decrypt", "published.yaml"]);
  };
  assert.match((await ok(opens(ours["app.yaml"]!))).stdout, /password: s3cret.*plain_unencrypted: seen/s);
  // it encrypts plain_unencrypted and writes no selector that says so
  assert.is((await opens(theirs["app.yaml"]!)).code, 51);
});

test("S3: asks what SOPS asks", async () => {
  rules("{s3_bucket: secrets, s3_prefix: team/}");
  await bucket.clear();
  const [ours, theirs] = [
    await tsops(["publish", "app.yaml"], { input: "n\n" }),
    await sops(["publish", "app.yaml"], { input: "n\n" }),
  ];
  assert.is(ours.stdout.trim(), theirs.stdout.trim());
  assert.is(ours.code, theirs.code);
  assert.equal(await bucket.list(), {});
  await ok(tsops(["publish", "app.yaml"], { input: "y\n" }));
  assert.equal(Object.keys(await bucket.list()), ["team/app.yaml"]);
});

test("S3: unchanged files are left alone, a changed one is not", async () => {
  const published = async () => {
    const { LastModified, ETag } = await s3.headObject({ Bucket: "secrets", Key: "team/app.yaml" });
    return `${LastModified?.toISOString()} ${ETag}`;
  };
  const before = await published();
  assert.match((await ok(tsops(["publish", "-y", "app.yaml"]))).stderr, /is up to date/);
  assert.is(await published(), before);
  await s3.putObject({ Bucket: "secrets", Key: "team/app.yaml", Body: "something else" });
  assert.match((await ok(tsops(["publish", "-y", "app.yaml"]))).stderr, /published app\.yaml to s3:/);
  assert.is((await bucket.list())["team/app.yaml"]!.toString(), read("app.yaml"));
});

test("S3: --dry-run touches nothing", async () => {
  await bucket.clear();
  const env = { AWS_ENDPOINT_URL: `http://127.0.0.1:${nowhere}` };
  const { stderr } = await ok(tsops(["publish", "--dry-run", "--recursive", "in"], { env }));
  assert.match(stderr, /would publish in\/deep\/my\.c\.env to s3:\/\/secrets\/team\/deep\/my\.c\.env/);
  assert.equal(await bucket.list(), {});
});

test("S3: no such bucket, and one of many fails", async () => {
  rules("{path_regex: deep, s3_bucket: none}", "{s3_bucket: secrets}");
  await fails(
    tsops(["publish", "-y", "in/deep/my.c.env"]),
    /s3:\/\/none\/my\.c\.env: there is no such bucket\n {2}.*aws s3 ls/,
  );
  await bucket.clear();
  await fails(
    tsops(["publish", "-y", "--recursive", "in"]),
    /in\/deep\/my\.c\.env: s3:\/\/none\/deep.*published 3 of 4 files/s,
  );
  assert.is(Object.keys(await bucket.list()).length, 3);
});

test("S3: an address where nothing answers, in bounded time", async () => {
  await fails(
    tsops(["publish", "-y", "app.yaml"], { env: { AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${nowhere}` } }),
    /s3:\/\/secrets\/app\.yaml: S3 at http:\/\/127\.0\.0\.1:\d+ cannot be reached: nothing listens there \(ECONNREFUSED\)/,
  );
});

test("S3: credentials that may not write, and ones that nobody knows", async () => {
  const iam = async (form: Record<string, string>): Promise<string> => {
    const response = await fetch(S3_URL, {
      method: "POST",
      headers: {
        authorization:
          "AWS4-HMAC-SHA256 Credential=test/20250101/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=x",
      },
      body: new URLSearchParams({ Version: "2010-05-08", ...form }),
    });
    return await response.text();
  };
  await iam({ Action: "CreateUser", UserName: "reader" });
  const key = await iam({ Action: "CreateAccessKey", UserName: "reader" });
  const of = (name: string) => new RegExp(`<${name}>([^<]+)`).exec(key)![1]!;
  const env = { AWS_ACCESS_KEY_ID: of("AccessKeyId"), AWS_SECRET_ACCESS_KEY: of("SecretAccessKey") };
  const enforce = (after: string) => fetch(`${S3_URL}/moto-api/reset-auth`, { method: "POST", body: after });
  await enforce("0");
  try {
    await fails(
      tsops(["publish", "-y", "app.yaml"], { env }),
      /s3:\/\/secrets\/app\.yaml: access denied\n {2}allow s3:PutObject on arn:aws:s3:::secrets\/\*/,
    );
    await fails(
      tsops(["publish", "-y", "app.yaml"], { env: { AWS_ACCESS_KEY_ID: "AKIANOBODY" } }),
      /s3:\/\/secrets\/app\.yaml: AWS does not know these credentials/,
    );
  } finally {
    await enforce("1000000");
  }
});

// --- Google Cloud Storage

const gcs = {
  async list(): Promise<Shelf> {
    const found = (await (await fetch(`${GCS_URL}/storage/v1/b/secrets/o`)).json()) as {
      items?: { name: string }[];
    };
    const shelf: Shelf = {};
    for (const { name } of found.items ?? []) {
      const object = await fetch(`${GCS_URL}/storage/v1/b/secrets/o/${encodeURIComponent(name)}?alt=media`);
      shelf[name] = Buffer.from(await object.arrayBuffer());
    }
    return shelf;
  },
  async clear(): Promise<void> {
    for (const name of Object.keys(await gcs.list()))
      await fetch(`${GCS_URL}/storage/v1/b/secrets/o/${encodeURIComponent(name)}`, { method: "DELETE" });
  },
};

test("Google Cloud Storage: the same objects as SOPS", async () => {
  await fetch(`${GCS_URL}/storage/v1/b?project=p`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: '{"name":"secrets"}',
  });
  rules("{gcs_bucket: secrets, gcs_prefix: team/}");
  const many = await both(["-y", "--recursive", "in"], gcs);
  assert.is(Object.keys(many.ours).length, 4);
  sameBytes(many.ours, many.theirs);
  rules(`{gcs_bucket: secrets, omit_extensions: true}`);
  const one = await both(["-y", "in/deep/my.c.env"], gcs);
  assert.equal(Object.keys(one.ours), ["my.c"]);
  sameBytes(one.ours, one.theirs);
});

test("Google Cloud Storage: encrypted again, unchanged, changed", async () => {
  rules(`{gcs_bucket: secrets, recreation_rule: {age: ${RECIPIENT}}}`);
  const { ours, theirs } = await both(["-y", `in/${ODD}`], gcs);
  await sameSecrets(ours, theirs, [RECIPIENT]);
  await ok(tsops(["publish", "-y", `in/${ODD}`]));
  assert.match(
    (await ok(tsops(["publish", "-y", `in/${ODD}`]))).stderr,
    /is up to date at gcs:\/\/secrets\//,
  );
});

test("Google Cloud Storage: no such bucket, nothing answers", async () => {
  rules("{gcs_bucket: none}");
  await fails(tsops(["publish", "-y", "app.yaml"]), /gcs:\/\/none\/app\.yaml: there is no such bucket/);
  await fails(
    tsops(["publish", "-y", "app.yaml"], { env: { STORAGE_EMULATOR_HOST: `127.0.0.1:${nowhere}` } }),
    /gcs:\/\/none\/app\.yaml: 127\.0\.0\.1:\d+ cannot be reached: nothing listens there \(ECONNREFUSED\)/,
  );
});

// --- Vault

async function bao(method: string, path: string, body?: unknown): Promise<{ status: number; text: string }> {
  const response = await fetch(`${BAO_URL}/v1/${path}`, {
    method,
    headers: { "x-vault-token": "root" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  return { status: response.status, text: await response.text() };
}

/** What stands there, as text: numbers beyond 2^53 count. */
async function secretAt(path: string): Promise<string> {
  const { status, text } = await bao("GET", path);
  assert.is(status, 200, `${path}: ${text}`);
  const [, values] =
    /"data":\{"data":(\{.*\}),"metadata"/.exec(text) ?? /"data":(\{.*\}),"wrap_info"/.exec(text)!;
  return values!;
}

for (const [version, mount] of [
  [2, "secret"],
  [1, "kv1"],
] as const) {
  const inside = (name: string) => `${mount}/${version === 2 ? "data/" : ""}app/${encodeURIComponent(name)}`;

  test(`Vault KV v${version}: the same values as SOPS`, async () => {
    if (version === 1) await bao("POST", "sys/mounts/kv1", { type: "kv", options: { version: "1" } });
    rules(
      `{vault_path: app, vault_address: "${BAO_URL}", vault_kv_mount_name: ${mount}, vault_kv_version: ${version}}`,
    );
    for (const name of ["app.yaml", "in/b.json", "in/deep/my.c.env", "in/d.ini", `in/${ODD}`]) {
      const path = inside(name.split("/").at(-1)!);
      await ok(tsops(["publish", "-y", name]));
      const ours = await secretAt(path);
      await bao("DELETE", path);
      await ok(sops(["publish", "-y", name]));
      assert.is(ours, await secretAt(path), name);
    }
    // the engine of version 2 makes a double of it
    if (version === 1) assert.match(await secretAt(inside(ODD)), /"big":9007199254740993/);
  });

  test(`Vault KV v${version}: unchanged values are left alone, changed ones are not`, async () => {
    const publish = async (name: string) => (await ok(tsops(["publish", "-y", name]))).stderr;
    const versions = async () =>
      (await bao("GET", "secret/metadata/app/app.yaml")).text.match(/"current_version":(\d+)/)?.[1];
    await publish("app.yaml");
    const before = await versions();
    assert.match(await publish("app.yaml"), /app\.yaml is up to date at/);
    assert.is(await versions(), before);
    const changed = { db: { password: "other", port: 5432 }, plain_unencrypted: "seen" };
    await bao("PUT", inside("app.yaml"), version === 2 ? { data: changed } : changed);
    assert.match(await publish("app.yaml"), /published app\.yaml to/);
    assert.match(await secretAt(inside("app.yaml")), /s3cret/);
    // a number that a double cannot hold is written again rather than taken for the same
    assert.match(await publish(`in/${ODD}`), /published/);
  });
}

test("Vault: a deleted secret is written again", async () => {
  rules(`{vault_path: app, vault_address: "${BAO_URL}"}`);
  await ok(tsops(["publish", "-y", "app.yaml"]));
  await bao("DELETE", "secret/data/app/app.yaml");
  assert.match((await ok(tsops(["publish", "-y", "app.yaml"]))).stderr, /published app\.yaml/);
  assert.match(await secretAt("secret/data/app/app.yaml"), /s3cret/);
});

test("Vault: the address of the environment, folders with --recursive", async () => {
  rules("{vault_path: some/where/, vault_kv_mount_name: secret/}");
  const env = { VAULT_ADDR: BAO_URL };
  await ok(tsops(["publish", "-y", "--recursive", "--omit-extensions", "in"], { env }));
  assert.match(await secretAt("secret/data/some/where/deep/my.c"), /s3cret/);
});

test("Vault: a token that may write but not read, and one that may do nothing", async () => {
  rules(`{vault_path: app, vault_address: "${BAO_URL}"}`);
  const token = async (name: string, policy: string) => {
    await bao("PUT", `sys/policies/acl/${name}`, { policy });
    return JSON.parse((await bao("POST", "auth/token/create", { policies: [name] })).text).auth
      .client_token as string;
  };
  const writer = await token("writer", 'path "secret/data/app/*" { capabilities = ["create", "update"] }');
  const { stderr } = await ok(tsops(["publish", "-y", "app.yaml"], { env: { VAULT_TOKEN: writer } }));
  assert.match(
    stderr,
    /warning: app\.yaml: the copy at .* cannot be read from here, so it is written without comparing/,
  );
  const reader = await token("reader", 'path "secret/data/app/*" { capabilities = ["read"] }');
  await bao("DELETE", "secret/data/app/app.yaml");
  await fails(
    tsops(["publish", "-y", "app.yaml"], { env: { VAULT_TOKEN: reader } }),
    /access denied, or the token is not valid\n.*path "secret\/data\/app\/app\.yaml" \{ capabilities/,
  );
  await fails(tsops(["publish", "-y", "app.yaml"], { env: { VAULT_TOKEN: "nobody" } }), /access denied/);
});

test("Vault: the wrong mount, the wrong version, nothing answers", async () => {
  rules(`{vault_path: app, vault_address: "${BAO_URL}", vault_kv_mount_name: none}`);
  await fails(tsops(["publish", "-y", "app.yaml"]), /there is no KV engine of version 2 at none\//);
  rules(`{vault_path: app, vault_address: "${BAO_URL}", vault_kv_version: 1}`);
  await fails(tsops(["publish", "-y", "app.yaml"]), /there is no KV engine of version 1 at secret\//);
  rules(`{vault_path: app, vault_address: "${BAO_URL}", vault_kv_mount_name: kv1}`);
  await fails(tsops(["publish", "-y", "app.yaml"]), /the engine at kv1\/ is of version 1/);
  rules(`{vault_path: app, vault_address: "http://127.0.0.1:${nowhere}"}`);
  await fails(
    tsops(["publish", "-y", "app.yaml"]),
    /the Vault server http:\/\/127\.0\.0\.1:\d+ cannot be reached/,
  );
});

test("Vault: a file that was changed without the key is not published", async () => {
  rules(`{vault_path: app, vault_address: "${BAO_URL}"}`);
  const text = read("app.yaml");
  put("app.yaml", text.replace("plain_unencrypted: seen", "plain_unencrypted: forged"));
  await bao("DELETE", "secret/data/app/app.yaml");
  const { code } = await tsops(["publish", "-y", "app.yaml"]);
  put("app.yaml", text);
  assert.is(code, 51);
  assert.is((await bao("GET", "secret/data/app/app.yaml")).status, 404);
});

// --- Azure

const shared = new StorageSharedKeyCredential(ACCOUNT, ACCOUNT_KEY);
const container = new BlobServiceClient(AZURE_URL, shared).getContainerClient("secrets");
const KEY = { AZURE_STORAGE_ACCOUNT: ACCOUNT, AZURE_STORAGE_KEY: ACCOUNT_KEY };

test("Azure Blob: a file as it is, unchanged, changed, by key and by connection string", async () => {
  await container.create();
  rules(`{azure_url: "${AZURE_URL}", azure_container: secrets, azure_prefix: team/}`);
  const blob = (name: string) => container.getBlobClient(`team/${name}`).downloadToBuffer();
  await ok(tsops(["publish", "-y", "--recursive", "in"], { env: KEY }));
  for (const name of ["b.json", "d.ini", "deep/my.c.env", ODD])
    assert.is((await blob(name)).toString(), read(`in/${name}`), name);
  const string = `DefaultEndpointsProtocol=http;AccountName=${ACCOUNT};AccountKey=${ACCOUNT_KEY};BlobEndpoint=${AZURE_URL};`;
  const env = { AZURE_STORAGE_CONNECTION_STRING: string };
  const again = await ok(tsops(["publish", "-y", "--recursive", "in"], { env }));
  assert.match(again.stderr, /published 0 of 4 files, 4 there already/);
  await container.getBlockBlobClient("team/b.json").upload("other", 5);
  assert.match(
    (await ok(tsops(["publish", "-y", "in/b.json"], { env }))).stderr,
    /published in\/b\.json to http/,
  );
  assert.is((await blob("b.json")).toString(), read("in/b.json"));
});

test("Azure Blob: encrypted again, unchanged", async () => {
  rules(
    `{azure_url: "${AZURE_URL}", azure_container: secrets, recreation_rule: {age: "${RECIPIENT},${OTHER_RECIPIENT}"}}`,
  );
  const publish = async () => (await ok(tsops(["publish", "-y", "in/b.json"], { env: KEY }))).stderr;
  assert.match(await publish(), /published/);
  assert.match(await publish(), /is up to date/);
  put("published", (await container.getBlobClient("b.json").downloadToBuffer()).toString());
  const { stdout } = await ok(
    sops(["decrypt", "--input-type", "json", "--output-type", "json", "published"]),
  );
  assert.equal(JSON.parse(stdout), JSON.parse(FILES["in/b.json"]!));
});

test("Azure Blob: a signature that may write but not read, and one that has expired", async () => {
  rules(`{azure_url: "${AZURE_URL}", azure_container: secrets}`);
  const signature = (permissions: string, minutes: number) =>
    generateBlobSASQueryParameters(
      {
        containerName: "secrets",
        permissions: BlobSASPermissions.parse(permissions),
        startsOn: new Date(Date.now() - 3_600_000),
        expiresOn: new Date(Date.now() + minutes * 60_000),
      },
      shared,
    ).toString();
  const publish = (AZURE_STORAGE_SAS_TOKEN: string) =>
    tsops(["publish", "-y", "app.yaml"], { env: { AZURE_STORAGE_SAS_TOKEN } });
  assert.match(
    (await ok(publish(signature("cw", 60)))).stderr,
    /warning: .*cannot be read from here.*published/s,
  );
  assert.match((await ok(publish(signature("rcw", 60)))).stderr, /is up to date/);
  const expired = signature("rcw", -10);
  const { code, stderr } = await publish(expired);
  assert.is(code, 1);
  assert.match(stderr, /access denied to AZURE_STORAGE_SAS_TOKEN\n.*expired signature/);
  assert.not.match(stderr, /sig=/);
});

test("Azure Blob: no such container, a wrong key, another account's, nothing answers", async () => {
  rules(`{azure_url: "${AZURE_URL}", azure_container: none}`);
  await fails(tsops(["publish", "-y", "app.yaml"], { env: KEY }), /there is no such container/);
  rules(`{azure_url: "${AZURE_URL}", azure_container: secrets}`);
  const wrong = { ...KEY, AZURE_STORAGE_KEY: Buffer.alloc(64).toString("base64") };
  await fails(
    tsops(["publish", "-y", "app.yaml"], { env: wrong }),
    /access denied to AZURE_STORAGE_KEY\n.*wrong key/,
  );
  const other = { ...KEY, AZURE_STORAGE_ACCOUNT: "another" };
  await fails(
    tsops(["publish", "-y", "app.yaml"], { env: other }),
    /AZURE_STORAGE_KEY is for another storage account/,
  );
  rules(`{azure_url: "http://127.0.0.1:${nowhere}/${ACCOUNT}", azure_container: secrets}`);
  await fails(
    tsops(["publish", "-y", "app.yaml"], { env: KEY }),
    /127\.0\.0\.1:\d+ cannot be reached: nothing listens there \(ECONNREFUSED\)/,
  );
});

test.run();
