import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { KMS } from "@aws-sdk/client-kms";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { newAwsClient } from "../../src/keys/aws/client.ts";
import type { KeyContext } from "../../src/keys/kind.ts";
import { answers, freePorts, installed, scratch, startServer, stop } from "../support/integration/servers.ts";
import { contextWith } from "../support/keys/contexts.ts";
import { kms } from "../support/keys/in-use.ts";
import { argvOf } from "../support/program.ts";

/**
 * AWS KMS and STS, by two servers, since each gets something wrong: moto does not mind the state of a key, ministack
 * neither the KeyId of Decrypt nor a damaged ciphertext.
 */

const SECRET = "the-secret-access-key-of-the-tests";
const KEYS = { AWS_ACCESS_KEY_ID: "AKIATESTSTESTSTESTS0", AWS_SECRET_ACCESS_KEY: SECRET };
const PLAIN = "password: hunter2\nport: 5432\n";

const [motoPort, ministackPort, strictPort, nobodyPort] = (await freePorts(4)) as [
  number,
  number,
  number,
  number,
];
const moto = `http://127.0.0.1:${motoPort}`;
const ministack = `http://127.0.0.1:${ministackPort}`;
/** ministack, looking at signatures, policies and trust. */
const strict = `http://127.0.0.1:${strictPort}`;
const ROOT = { AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test" };
const servers = await Promise.all([
  startServer({
    argv: [installed("MOTO"), "-H", "127.0.0.1", "-p", String(motoPort)],
    ready: () => answers(`${moto}/moto-api/`, 200),
  }),
  startServer({
    argv: [installed("MINISTACK")],
    env: { GATEWAY_PORT: String(ministackPort), BIND_HOST: "127.0.0.1" },
    ready: () => answers(`${ministack}/_ministack/health`, 200),
  }),
  startServer({
    argv: [installed("MINISTACK")],
    env: { GATEWAY_PORT: String(strictPort), BIND_HOST: "127.0.0.1", AUTH: "true" },
    ready: () => answers(`${strict}/_ministack/health`, 200),
  }),
]);

/** What an administrator does at a server. */
function admin(endpoint: string, region = "us-east-1"): KMS {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } =
    endpoint === strict ? ROOT : KEYS;
  const credentials = { accessKeyId, secretAccessKey };
  return newAwsClient(() => new KMS({ endpoint, region, credentials }));
}

async function newKey(endpoint: string, region?: string): Promise<string> {
  const { KeyMetadata } = await admin(endpoint, region).createKey({});
  return KeyMetadata!.Arn!;
}

async function iam(endpoint: string, form: Record<string, string>): Promise<string> {
  const response = await fetch(endpoint, {
    method: "POST",
    headers: {
      authorization: `AWS4-HMAC-SHA256 Credential=test/20250101/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=0`,
      "content-type": "application/x-www-form-urlencoded",
    },
    body: new URLSearchParams({ Version: "2010-05-08", ...form }),
  });
  const text = await response.text();
  assert.ok(response.ok, text);
  return text;
}

async function newRole(endpoint: string, name: string, principal: object = { AWS: "*" }): Promise<string> {
  const statement = { Effect: "Allow", Principal: principal, Action: "sts:AssumeRole" };
  const text = await iam(endpoint, {
    Action: "CreateRole",
    RoleName: name,
    AssumeRolePolicyDocument: JSON.stringify({ Version: "2012-10-17", Statement: [statement] }),
  });
  return /<Arn>([^<]+)<\/Arn>/.exec(text)![1]!;
}

function connects(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}

interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A folder and a home in which both programs run, each in a process of its own. */
class Place {
  readonly folder = scratch();
  readonly home = scratch();

  private readonly env: Readonly<Record<string, string>>;

  constructor(env: Readonly<Record<string, string>>) {
    this.env = env;
    this.write("plain.yaml", PLAIN);
  }

  write(name: string, text: string): void {
    writeFileSync(join(this.folder, name), text);
  }

  read(name: string): string {
    return readFileSync(join(this.folder, name), "utf8");
  }

  awsFile(name: string, text: string): void {
    mkdirSync(join(this.home, ".aws"), { recursive: true });
    writeFileSync(join(this.home, ".aws", name), text);
  }

  tsops(argv: readonly string[], more = {}): Outcome {
    return this.run([...argvOf(installed("TSOPS")), ...argv], more);
  }

  sops(argv: readonly string[], more = {}): Outcome {
    return this.run([installed("REAL_SOPS"), ...argv], more);
  }

  private run([program, ...argv]: readonly string[], more: Record<string, string>): Outcome {
    const { status, stdout, stderr, error } = spawnSync(program!, argv, {
      cwd: this.folder,
      env: {
        PATH: process.env.PATH,
        HOME: this.home,
        LANG: "C.UTF-8",
        SOPS_DISABLE_VERSION_CHECK: "1",
        AWS_EC2_METADATA_DISABLED: "true",
        ...this.env,
        ...more,
      },
      timeout: 600_000,
    });
    if (error) throw error;
    return { code: status, stdout: stdout.toString(), stderr: stderr.toString() };
  }
}

function succeeded(outcome: Outcome): string {
  assert.is(outcome.code, 0, outcome.stderr);
  return outcome.stdout;
}

/** Names and fixed values of the key's entry in the metadata. */
function entryOf(text: string): Record<string, string> {
  const lines = text.slice(text.indexOf("\n    kms:")).split("\n").slice(2);
  const pairs = lines.map((line) => /^ +(?:- )?(\w+): ?(.*)$/.exec(line)).filter((pair) => pair !== null);
  const end = pairs.findIndex(([, name]) => name === "lastmodified");
  const known = ["enc", "created_at"];
  return Object.fromEntries(
    pairs
      .slice(0, end)
      .map(([, name, value]) => [name!, known.includes(name!) ? "…" : value!.replace(/^['"]|['"]$/g, "")]),
  );
}

/** One file by each program, opened by the other. */
function bothWays(place: Place, options: readonly string[], env: Record<string, string> = {}): void {
  const ours = succeeded(place.tsops(["encrypt", ...options, "plain.yaml"], env));
  const theirs = succeeded(place.sops(["encrypt", ...options, "plain.yaml"], env));
  place.write("ours.yaml", ours);
  place.write("theirs.yaml", theirs);
  assert.equal(entryOf(ours), entryOf(theirs));
  assert.is(succeeded(place.sops(["decrypt", "ours.yaml"], env)), PLAIN);
  const opened = place.tsops(["decrypt", "theirs.yaml"], env);
  assert.is(succeeded(opened), PLAIN);
  // not even the SDK's warning about the release of Node
  assert.is(opened.stderr, "");
  assert.is(succeeded(place.tsops(["decrypt", "ours.yaml"], env)), PLAIN);
}

function failed(outcome: Outcome, ...texts: (string | RegExp)[]): void {
  assert.is.not(outcome.code, 0);
  assert.is(outcome.stdout, "");
  for (const text of texts) assert.match(outcome.stderr, text);
  assert.not.match(outcome.stderr, SECRET);
  assert.not.match(outcome.stderr, "hunter2");
}

const contextAt = (endpoint: string, more: Record<string, string> = {}): KeyContext =>
  contextWith({ ...KEYS, AWS_ENDPOINT_URL: endpoint, ...more });

for (const [name, endpoint] of [
  ["moto", moto],
  ["ministack", ministack],
] as const) {
  const place = new Place({ ...KEYS, AWS_ENDPOINT_URL: endpoint });

  test(`${name}: a file that SOPS wrote opens here, and the reverse`, async () => {
    bothWays(place, ["--kms", await newKey(endpoint)]);
  });

  test(`${name}: with an encryption context, by an alias, in another region`, async () => {
    const arn = await newKey(endpoint, "eu-central-1");
    await admin(endpoint, "eu-central-1").createAlias({ AliasName: "alias/team/sops", TargetKeyId: arn });
    const alias = arn.replace(/:key\/.*/, ":alias/team/sops");
    bothWays(place, ["--kms", alias, "--encryption-context", "app:web,stage:prod"]);
  });

  test(`${name}: through a role, which the person names`, async () => {
    const arn = await newKey(endpoint);
    const role = await newRole(endpoint, `sops-${name}`);
    succeeded(place.tsops(["encrypt", "--kms", `${arn}+${role}`, "plain.yaml"]));
    bothWays(place, ["--kms", `${arn}+${role}`], { TSOPS_ALLOW: `aws_role=${role}` });
    assert.match(place.read("ours.yaml"), `role: ${role}`);
    failed(place.tsops(["decrypt", "ours.yaml"]), role, "nothing here vouches for it", "aws_role");
  });

  test(`${name}: by a profile's keys, and by a profile's role through another profile`, async () => {
    const arn = await newKey(endpoint);
    const role = await newRole(endpoint, `profile-${name}`);
    const own = new Place({ AWS_ENDPOINT_URL: endpoint });
    own.awsFile(
      "credentials",
      `[base]\naws_access_key_id = ${KEYS.AWS_ACCESS_KEY_ID}\naws_secret_access_key = ${SECRET}\n`,
    );
    own.awsFile("config", `[profile team]\nrole_arn = ${role}\nsource_profile = base\n`);
    bothWays(own, ["--kms", arn], { AWS_PROFILE: "base" });
    bothWays(own, ["--kms", arn, "--aws-profile", "base"], { AWS_PROFILE: "base" });
    // SOPS's SDK assumes a profile's role without minding AWS_ENDPOINT_URL
    const team = ["--kms", arn, "--aws-profile", "team"];
    own.write("ours.yaml", succeeded(own.tsops(["encrypt", ...team, "plain.yaml"])));
    assert.is(succeeded(own.tsops(["decrypt", "ours.yaml"], { AWS_PROFILE: "team" })), PLAIN);
    failed(own.tsops(["decrypt", "ours.yaml"]), "the AWS profile team", "nothing here vouches for it");
    own.awsFile("config", "");
    const gone = own.tsops(["decrypt", "ours.yaml"], { AWS_PROFILE: "base" });
    assert.is(succeeded(gone), PLAIN);
    assert.match(
      gone.stderr,
      "the AWS profile team that the file names is not on this machine: AWS_PROFILE (base) is used instead",
    );
    failed(own.tsops(["decrypt", "ours.yaml"]), "the AWS profile team is not on this machine", ".aws/config");
  });

  test(`${name}: examine learns of permission without unwrapping`, async () => {
    const [key] = kms.parse(await newKey(endpoint));
    const wrapped = await kms.wrap(key!, Buffer.alloc(32, 5), contextAt(endpoint));
    for (const each of [key!, wrapped]) {
      const { usable, lines } = await kms.examine(each, contextAt(endpoint));
      assert.is(usable, true, lines.join("\n"));
      assert.match(
        lines.join("\n"),
        /AWS_ACCESS_KEY_ID[\s\S]*us-east-1, at http[\s\S]*lets these credentials use/,
      );
    }
  });

  test(`${name}: no such key, a wrong region, and the wrong encryption context`, async () => {
    const arn = await newKey(endpoint);
    const nothing = arn.replace(/key\/.*/, "key/00000000-0000-4000-8000-000000000000");
    failed(
      place.tsops(["encrypt", "--kms", nothing, "plain.yaml"]),
      nothing,
      "there is no such key in us-east-1",
    );
    const elsewhere = arn.replace("us-east-1", "eu-west-3");
    failed(
      place.tsops(["encrypt", "--kms", elsewhere, "plain.yaml"]),
      elsewhere,
      "there is no such key in eu-west-3",
      "aws kms list-keys --region eu-west-3",
    );
    const options = ["--kms", arn, "--encryption-context", "app:web"];
    place.write(
      "context.yaml",
      succeeded(place.tsops(["encrypt", ...options, "plain.yaml"])).replace("app: web", "app: other"),
    );
    failed(
      place.tsops(["decrypt", "context.yaml"]),
      arn,
      "the encryption context is not the one",
      "last good version in git",
    );
  });
}

const motoPlace = new Place({ ...KEYS, AWS_ENDPOINT_URL: moto });

test("a wrapped data key that is damaged, or that another key wrapped", async () => {
  const [first, second] = [await newKey(moto), await newKey(moto)];
  const text = succeeded(motoPlace.tsops(["encrypt", "--kms", first, "plain.yaml"]));
  const enc = /enc: (\S+)/.exec(text)![1]!;
  const bytes = Buffer.from(enc, "base64");
  bytes[bytes.length - 1]! ^= 1;
  motoPlace.write("damaged.yaml", text.replace(enc, bytes.toString("base64")));
  failed(motoPlace.tsops(["decrypt", "damaged.yaml"]), first, "or the wrapped data key is damaged");
  motoPlace.write("cut.yaml", text.replace(enc, enc.slice(0, 6)));
  failed(
    motoPlace.tsops(["decrypt", "cut.yaml"]),
    first,
    "the wrapped data key is damaged: it is not base64",
  );
  motoPlace.write("other.yaml", text.replaceAll(first, second));
  failed(motoPlace.tsops(["decrypt", "other.yaml"]), second, "access denied");
});

test("credentials that may not, that nobody knows, and whose secret is wrong", async () => {
  const place = new Place({ ...ROOT, AWS_ENDPOINT_URL: strict });
  const arn = await newKey(strict);
  place.write("file.yaml", succeeded(place.tsops(["encrypt", "--kms", arn, "plain.yaml"])));
  await iam(strict, { Action: "CreateUser", UserName: "ann" });
  const made = await iam(strict, { Action: "CreateAccessKey", UserName: "ann" });
  const [, id = ""] = /<AccessKeyId>([^<]+)</.exec(made)!;
  const [, secret = ""] = /<SecretAccessKey>([^<]+)</.exec(made)!;
  const ann = { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret };

  const who = "arn:aws:iam::000000000000:user/ann";
  const denied = place.tsops(["decrypt", "file.yaml"], ann);
  failed(denied, arn, `access denied: ${who} may not do kms:Decrypt`, `allow kms:Decrypt on ${arn}`);
  assert.not.match(denied.stderr, secret);
  failed(place.tsops(["encrypt", "--kms", arn, "plain.yaml"], ann), `${who} may not do kms:Encrypt`);
  failed(
    place.tsops(["decrypt", "file.yaml"], { ...ann, AWS_ACCESS_KEY_ID: "AKIANOBODYNOBODYNOBO" }),
    "AWS does not know these credentials (the variable AWS_ACCESS_KEY_ID)",
  );
  failed(
    place.tsops(["decrypt", "file.yaml"], { ...ann, AWS_SECRET_ACCESS_KEY: "x" }),
    "the signature is wrong",
  );

  await iam(strict, {
    Action: "PutUserPolicy",
    UserName: "ann",
    PolicyName: "sops",
    PolicyDocument: JSON.stringify({
      Version: "2012-10-17",
      Statement: [{ Effect: "Allow", Action: "kms:Decrypt", Resource: arn }],
    }),
  });
  assert.is(succeeded(place.tsops(["decrypt", "file.yaml"], ann)), PLAIN);
  failed(place.tsops(["encrypt", "--kms", arn, "plain.yaml"], ann), `${who} may not do kms:Encrypt`);
});

test("roles that do not exist or may not be assumed", async () => {
  const nobody = "arn:aws:iam::000000000000:role/nobody";
  const closed = await newRole(strict, "closed", { AWS: "arn:aws:iam::999999999999:root" });
  const arn = await newKey(strict);
  for (const role of [nobody, closed]) {
    const place = new Place({ ...ROOT, AWS_ENDPOINT_URL: strict, TSOPS_ALLOW: `aws_role=${role}` });
    failed(
      place.tsops(["encrypt", "--kms", `${arn}+${role}`, "plain.yaml"]),
      `cannot assume the role ${role}: access denied`,
      "let the role's trust policy name them",
    );
  }
});

test("a web identity token, as CI platforms give it", async () => {
  const arn = await newKey(moto);
  const role = await newRole(moto, "ci");
  const token = join(scratch(), "token");
  writeFileSync(token, "aaa.bbb.ccc");
  const place = new Place({ AWS_ENDPOINT_URL: moto, AWS_WEB_IDENTITY_TOKEN_FILE: token, AWS_ROLE_ARN: role });
  place.write("file.yaml", succeeded(place.tsops(["encrypt", "--kms", arn, "plain.yaml"])));
  assert.is(succeeded(place.tsops(["decrypt", "file.yaml"])), PLAIN);
  // SOPS's SDK asks for this role without minding AWS_ENDPOINT_URL: it opens the file with keys
  assert.is(succeeded(motoPlace.sops(["decrypt", join(place.folder, "file.yaml")])), PLAIN);
});

test("the role of an EC2 instance, and credentials of a container", async () => {
  const arn = await newKey(ministack);
  const metadata = { AWS_EC2_METADATA_DISABLED: "false", AWS_EC2_METADATA_SERVICE_ENDPOINT: ministack };
  bothWays(new Place({ AWS_ENDPOINT_URL: ministack }), ["--kms", arn], metadata);
  // what the metadata service answers is what the container's address answers, too
  const roles = `${ministack}/latest/meta-data/iam/security-credentials/`;
  const role = (await (await fetch(roles)).text()).trim();
  const container = { AWS_CONTAINER_CREDENTIALS_FULL_URI: `${roles}${role}` };
  bothWays(new Place({ AWS_ENDPOINT_URL: ministack }), ["--kms", arn], container);
});

test("a server whose certificate only AWS_CA_BUNDLE vouches for", async () => {
  const folder = scratch();
  const [cert, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  const request = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"];
  const made = spawnSync("openssl", [
    ...request,
    "-addext",
    "subjectAltName=IP:127.0.0.1",
    "-keyout",
    key,
    "-out",
    cert,
  ]);
  assert.is(made.status, 0, String(made.stderr));
  const [port] = (await freePorts(1)) as [number];
  servers.push(
    await startServer({
      argv: [installed("MOTO"), "-H", "127.0.0.1", "-p", String(port), "-s", "-c", cert, "-k", key],
      ready: () => connects(port),
    }),
  );
  const url = `https://127.0.0.1:${port}`;
  const place = new Place({ ...KEYS, AWS_ENDPOINT_URL: url });
  const ca = readFileSync(cert, "utf8");
  const credentials = { accessKeyId: "x", secretAccessKey: "x" };
  const trusting = new KMS({
    endpoint: url,
    region: "us-east-1",
    credentials,
    requestHandler: { httpsAgent: { ca } },
  });
  const arn = (await trusting.createKey({})).KeyMetadata!.Arn!;
  bothWays(place, ["--kms", arn], { AWS_CA_BUNDLE: cert });
  failed(
    place.tsops(["decrypt", "ours.yaml"]),
    `KMS at ${url} cannot be reached: its certificate is not trusted`,
    "AWS_CA_BUNDLE",
  );
  failed(
    place.tsops(["decrypt", "ours.yaml"], { AWS_CA_BUNDLE: "/nowhere" }),
    "/nowhere cannot be read: it is not there",
  );
});

test("a key that is disabled, and one that waits for its deletion", async () => {
  const place = new Place({ ...KEYS, AWS_ENDPOINT_URL: ministack });
  const arn = await newKey(ministack);
  place.write("file.yaml", succeeded(place.tsops(["encrypt", "--kms", arn, "plain.yaml"])));
  await admin(ministack).disableKey({ KeyId: arn });
  failed(place.tsops(["decrypt", "file.yaml"]), arn, "the key is disabled", "aws kms enable-key");
  failed(place.tsops(["encrypt", "--kms", arn, "plain.yaml"]), arn, "the key is disabled");
  await admin(ministack).enableKey({ KeyId: arn });
  assert.is(succeeded(place.tsops(["decrypt", "file.yaml"])), PLAIN);
  await admin(ministack).scheduleKeyDeletion({ KeyId: arn, PendingWindowInDays: 7 });
  failed(place.tsops(["decrypt", "file.yaml"]), arn, "scheduled for deletion", "cancel-key-deletion");
});

test("no credentials, and a server that is not there, end at once", async () => {
  const arn = await newKey(moto);
  motoPlace.write("file.yaml", succeeded(motoPlace.tsops(["encrypt", "--kms", arn, "plain.yaml"])));
  const none = { AWS_ACCESS_KEY_ID: "", AWS_SECRET_ACCESS_KEY: "" };
  failed(
    motoPlace.tsops(["decrypt", "file.yaml"], none),
    arn,
    "no AWS credentials were found",
    ".aws/config",
  );
  const dead = { AWS_ENDPOINT_URL: `http://127.0.0.1:${nobodyPort}` };
  failed(
    motoPlace.tsops(["decrypt", "file.yaml"], dead),
    arn,
    "cannot be reached: nothing listens there (ECONNREFUSED)",
    "AWS_ENDPOINT_URL",
  );
});

test("a malformed ARN is named", () => {
  failed(
    motoPlace.tsops(["encrypt", "--kms", "arn:aws:kms:us-east-1:key/x", "plain.yaml"]),
    "arn:aws:kms:us-east-1:key/x is not the ARN of a KMS key",
    "arn:aws:kms:REGION:ACCOUNT:key/ID",
  );
});

test.after(() => servers.forEach(stop));
test.run();
