import { generateKeyPairSync } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer as createTlsServer } from "node:https";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { KeyContext, MasterKey } from "../../src/keys/kind.ts";
import {
  contextWith,
  type Env,
  failure,
  googleProxy,
  ID,
  PLAIN,
  run,
  silentServer,
  tsops,
} from "../support/integration/google.ts";
import { scratch } from "../support/integration/servers.ts";
import { gcpKms } from "../support/keys/in-use.ts";
import { ALL, type GoogleKms, startGoogleKms } from "../support/servers/google-kms.ts";
import { type Certificates, makeCertificates } from "../support/servers/tls.ts";

const dataKey = Buffer.from(Array.from({ length: 32 }, (_, i) => i));
const [key] = gcpKms.parse(ID) as [MasterKey];

let tls: Certificates;
let kms: GoogleKms;
/** What leads the programs, ours and SOPS, to the double. */
let env: Env;

test.before(async () => {
  tls = makeCertificates(scratch(), ["cloudkms.googleapis.com", "oauth2.googleapis.com"]);
  kms = await startGoogleKms(tls.server);
  env = { SSL_CERT_FILE: tls.ca, SOPS_GCP_KMS_ENDPOINT: kms.endpoint, GOOGLE_OAUTH_ACCESS_TOKEN: "fake" };
});
test.before.each(() => {
  kms.createKey(ID);
  kms.grant("fake", ALL);
  kms.spoil();
  kms.calls.length = 0;
});
test.after(() => kms.stop());

function context(more: Env = {}, rest: Partial<KeyContext> = {}): KeyContext {
  return contextWith({ ...env, ...more }, rest);
}

test("a program that uses the library ends as soon as it is done, also when that is because nobody answered", async () => {
  const silent = await silentServer();
  const script = join(scratch(), "use.mts");
  const source = fileURLToPath(new URL("../../src/keys/google/kind.ts", import.meta.url));
  writeFileSync(
    script,
    `import { gcpKms } from ${JSON.stringify(source)};
     const context = { env: process.env, home: "/nonexistent", now: () => new Date(), warn() {}, cache: new Map() };
     const [key] = gcpKms.parse(${JSON.stringify(ID)});
     const end = (text) => {
       const done = performance.now();
       process.on("exit", () => console.log(text, Math.round(done), Math.round(performance.now() - done)));
     };
     await (await gcpKms.use()).wrap(key, Buffer.alloc(32), context).then(() => end("done"), () => end("failed"));`,
  );
  const cases: [string, Env][] = [
    ["done", {}],
    ["failed", { SOPS_GCP_KMS_ENDPOINT: "127.0.0.1:9" }],
    ["failed", { SOPS_GCP_KMS_ENDPOINT: silent.address, TSOPS_KMS_TIMEOUT: "0.5" }],
    // without an endpoint it is Google's own; what is on this machine is reached without a proxy
    [
      "failed",
      {
        SOPS_GCP_KMS_ENDPOINT: "",
        HTTPS_PROXY: `http://${silent.address}`,
        TSOPS_KMS_TIMEOUT: "0.5",
      },
    ],
    [
      "failed",
      {
        SOPS_GCP_KMS_ENDPOINT: `https://${silent.address}`,
        SOPS_GCP_KMS_CLIENT_TYPE: "rest",
        TSOPS_KMS_TIMEOUT: "0.5",
      },
    ],
  ];
  try {
    for (const [expected, more] of cases) {
      const argv = [process.execPath, "--import", import.meta.resolve("tsx"), script] as const;
      const { stdout, stderr, code } = await run(argv, { ...env, ...more });
      assert.is(code, 0, stderr);
      const [, word, until, after] = /^(\w+) (\d+) (\d+)$/.exec(stdout.trim()) ?? [];
      assert.is(word, expected);
      // against the time that it took to start and to ask, which is as much longer on a slow machine
      assert.ok(2 * Number(after) < Number(until), `done after ${until} ms, ended ${after} ms later`);
      assert.is(stderr, "");
    }
  } finally {
    silent.stop();
  }
});

test("the debug log of Google's libraries shows neither token nor data key", async () => {
  const folder = scratch();
  writeFileSync(join(folder, "plain.yaml"), PLAIN);
  for (const type of ["grpc", "rest"]) {
    const google = await atGoogle({ status: 200, body: { access_token: "users-token", expires_in: 3600 } });
    kms.grant("users-token", ALL);
    const { stderr } = await tsops(
      ["encrypt", "--gcp-kms", ID, "plain.yaml"],
      {
        ...google.env,
        GOOGLE_CREDENTIALS: JSON.stringify(USER),
        GOOGLE_SDK_NODE_LOGGING: "all",
        SOPS_GCP_KMS_CLIENT_TYPE: type,
        TSOPS_KMS_TIMEOUT: "5",
      },
      folder,
    );
    assert.is(google.asked.length, 1);
    assert.not.match(stderr, /users-token|refresh_token|plaintext/);
    google.stop();
  }
});

/** Google's own addresses, which a proxy leads to the doubles: nothing leaves the machine. */
async function atGoogle(tokenAnswer: { status: number; body: unknown }, login?: string) {
  const asked: string[] = [];
  const oauth = createTlsServer(
    { key: readFileSync(tls.server.key), cert: readFileSync(tls.server.cert) },
    async (request, response) => {
      let body = "";
      for await (const chunk of request) body += String(chunk);
      asked.push(body);
      response.writeHead(tokenAnswer.status, { "content-type": "application/json" });
      response.end(JSON.stringify(tokenAnswer.body));
    },
  );
  await new Promise<void>((resolve) => oauth.listen(0, "127.0.0.1", resolve));
  oauth.unref();
  const { port } = oauth.address() as { port: number };
  const proxy = await googleProxy(
    new Map([
      ["cloudkms.googleapis.com:443", kms.endpoint],
      ["oauth2.googleapis.com:443", `127.0.0.1:${port}`],
    ]),
    login,
  );
  const stop = () => {
    proxy.stop();
    oauth.close();
    oauth.closeAllConnections();
  };
  const [name, password = ""] = login?.split(":") ?? [];
  const address = name ? `${name}:${encodeURIComponent(password)}@${proxy.address}` : proxy.address;
  return { env: { SSL_CERT_FILE: tls.ca, HTTPS_PROXY: `http://${address}` }, proxy, asked, stop };
}

const USER = { type: "authorized_user", client_id: "id", client_secret: "cs", refresh_token: "rt" };

test("through a proxy to Google's own addresses: a user's login becomes a token, once", async () => {
  const google = await atGoogle(
    { status: 200, body: { access_token: "users", expires_in: 3600, token_type: "Bearer" } },
    "me:p@ss",
  );
  kms.grant("users", ALL);
  const home = scratch();
  const folder = join(home, ".config", "gcloud");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "application_default_credentials.json"), JSON.stringify(USER));
  const at = contextWith(google.env, { home });
  const wrapped = await gcpKms.wrap(key, dataKey, at);
  assert.equal(await gcpKms.unwrap(wrapped, at), dataKey);
  assert.is(google.asked.length, 1);
  assert.is(new URLSearchParams(google.asked[0]).get("refresh_token"), "rt");
  assert.equal([...new Set(google.proxy.targets)].sort(), [
    "cloudkms.googleapis.com:443",
    "oauth2.googleapis.com:443",
  ]);
  assert.is(kms.calls.at(-1)?.token, "users");
  google.stop();
});

test("through a proxy to Google's own addresses: a login that has expired", async () => {
  const google = await atGoogle({
    status: 400,
    body: { error: "invalid_grant", error_description: "Token has been expired or revoked." },
  });
  const at = contextWith({ ...google.env, GOOGLE_CREDENTIALS: JSON.stringify(USER) });
  const error = await failure(gcpKms.wrap(key, dataKey, at));
  assert.match(error.message, /the login of a user's credentials \(GOOGLE_CREDENTIALS\) has expired/);
  assert.match(error.hint!, /gcloud auth application-default login/);
  google.stop();
});

test("through a proxy to Google's own addresses: a service account needs no token server", async () => {
  const google = await atGoogle({ status: 500, body: {} });
  const pair = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const account = {
    type: "service_account",
    client_email: "a@p.iam.gserviceaccount.com",
    private_key: pair.privateKey.export({ type: "pkcs8", format: "pem" }),
    private_key_id: "1",
  };
  const given = { ...google.env, GOOGLE_CREDENTIALS: JSON.stringify(account) };
  const error = await failure(gcpKms.wrap(key, dataKey, contextWith(given)));
  assert.match(error.message, "Google does not accept the service account a@p.iam.gserviceaccount.com");
  const { token } = kms.calls.at(-1)!;
  kms.grant(token, ALL);
  assert.is(JSON.parse(Buffer.from(token.split(".")[1]!, "base64url").toString()).iss, account.client_email);
  assert.equal([...new Set(google.proxy.targets)], ["cloudkms.googleapis.com:443"]);
  google.stop();
});

test("Google must send checksums; only a server that the environment names may not know them", async () => {
  kms.spoil((_, answer) => {
    answer.ciphertextCrc32c = null;
    answer.plaintextCrc32c = null;
    answer.verifiedPlaintextCrc32c = false;
  });
  await gcpKms.wrap(key, dataKey, context());
  const google = await atGoogle({ status: 500, body: {} });
  const at = contextWith({ ...google.env, GOOGLE_OAUTH_ACCESS_TOKEN: "fake" });
  assert.match((await failure(gcpKms.wrap(key, dataKey, at))).message, /did not arrive as it was sent/);
  google.stop();
});

test.run();
