import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { TsopsError } from "../../../src/errors.ts";
import { withFields } from "../../../src/keys/fields.ts";
import { addressOf } from "../../../src/keys/google/address.ts";
import { crc32c } from "../../../src/keys/google/crc32c.ts";
import type { KeyContext, MasterKey } from "../../../src/keys/kind.ts";
import { contextWith, emptyFolder } from "../../support/keys/contexts.ts";
import { gcpKms } from "../../support/keys/in-use.ts";
import {
  failure,
  type HttpServer,
  httpServer,
  kmsAnswer,
  misleadByProcess,
  refusal,
  restContext,
} from "../../support/servers/google-http.ts";

const ID = "projects/p/locations/global/keyRings/r/cryptoKeys/k";
const dataKey = Buffer.from(Array.from({ length: 32 }, (_, i) => i));
const [key] = gcpKms.parse(ID) as [MasterKey];

misleadByProcess();

let google: HttpServer;
test.before(async () => {
  google = await httpServer(kmsAnswer);
});
test.before.each(() => {
  google.answer = kmsAnswer;
  google.requests.length = 0;
});
test.after(() => google.stop());

const context = (env: Record<string, string | undefined> = {}, more: Partial<KeyContext> = {}) =>
  restContext(google, env, more);

function withEnc(enc: string): MasterKey {
  return withFields(key, { created_at: "2025-01-02T03:04:05Z", enc });
}

test("a data key is wrapped, written as SOPS writes it, and unwrapped", async () => {
  const wrapped = await gcpKms.wrap(key, dataKey, context());
  assert.equal(
    wrapped.fields.entries().map((entry) => [entry.key, entry.value]),
    [
      ["created_at", "2025-01-02T03:04:05Z"],
      ["enc", Buffer.from(dataKey.toReversed()).toString("base64")],
      ["resource_id", ID],
    ],
  );
  assert.equal(await gcpKms.unwrap(wrapped, context()), dataKey);
  assert.is(dataKey[1], 1, "the caller's buffer stays");
  const [request] = google.requests;
  assert.is(request?.headers.authorization, "Bearer the-token");
  assert.is(request?.headers["x-goog-user-project"], undefined);
  assert.is((JSON.parse(request!.body) as Record<string, unknown>).plaintextCrc32c, String(crc32c(dataKey)));
});

test("one client serves a run, also for keys side by side", async () => {
  const one = context();
  await Promise.all([1, 2, 3].map(() => gcpKms.wrap(key, dataKey, one)));
  const clients = [...one.cache.keys()].filter((name) => name === "google kms");
  assert.is(clients.length, 1);
  assert.is(google.requests.length, 3);
});

test("CRC-32C gives the check values of RFC 3720", () => {
  assert.is(crc32c(Buffer.from("123456789")), 0xe3069283);
  assert.is(crc32c(Buffer.alloc(32)), 0x8a9136aa);
  assert.is(crc32c(Buffer.alloc(32, 0xff)), 0x62a8ab43);
  assert.is(crc32c(Buffer.alloc(0)), 0);
});

test("an answer whose checksum is wrong is asked for again, and not believed", async () => {
  let wrong = 1;
  google.answer = (request) => {
    const { body } = kmsAnswer(request) as { body: Record<string, unknown> };
    return { body: wrong-- > 0 ? { ...body, plaintextCrc32c: "1", ciphertextCrc32c: "1" } : body };
  };
  await gcpKms.wrap(key, dataKey, context());
  assert.is(google.requests.length, 2);
  wrong = 99;
  const uses = [gcpKms.wrap(key, dataKey, context()), gcpKms.unwrap(withEnc("AAAA"), context())];
  for (const error of await Promise.all(uses.map(failure))) {
    assert.match(error.message, /did not arrive as it was sent/);
  }
});

test("a request whose checksum did not arrive is not believed, nor an answer about another key", async () => {
  for (const change of [
    { verifiedPlaintextCrc32c: false },
    { name: "projects/x/cryptoKeys/y/cryptoKeyVersions/1" },
  ]) {
    google.requests.length = 0;
    let wrong = 1;
    google.answer = (request) => {
      const { body } = kmsAnswer(request);
      return { body: wrong-- > 0 ? { ...(body as object), ...change } : body };
    };
    await gcpKms.wrap(key, dataKey, context());
    assert.is(google.requests.length, 2);
  }
});

test("a malformed resource id is refused before anything is asked", async () => {
  for (const id of [
    "x",
    "projects/p/locations/l/keyRings/r/cryptoKeys/",
    `${ID}/more`,
    `/${ID}`,
    "projects/p/cryptoKeys/k",
    "arn:aws:kms:x",
    "projects/p/locations/../keyRings/r/cryptoKeys/k",
    "projects/p/locations/l/keyRings/r/cryptoKeys/.",
    "projects/p;reboot/locations/l/keyRings/r/cryptoKeys/k",
    `${ID}%2f..`,
    `${ID}?x=1`,
  ]) {
    const [bad] = gcpKms.parse(id) as [MasterKey];
    const uses = [gcpKms.wrap(bad, dataKey, context()), gcpKms.unwrap(bad, context())];
    for (const error of await Promise.all(uses.map(failure))) {
      assert.is(error.message, `${id} is not the resource id of a Google Cloud KMS key`);
      assert.match(error.hint!, "projects/PROJECT/locations/LOCATION/keyRings/RING/cryptoKeys/KEY");
    }
    assert.is((await gcpKms.examine(bad, context())).usable, false);
  }
  const [version] = gcpKms.parse(`${ID}/cryptoKeyVersions/2`) as [MasterKey];
  assert.match((await failure(gcpKms.unwrap(version, context()))).hint!, "leave out /cryptoKeyVersions/");
  assert.is(google.requests.length, 0);
});

test("a wrapped key that is not base64 is damaged, and is not sent", async () => {
  for (const enc of ["", "AAA", "AA A=", "!!!!", "AAAA=", "AB=="]) {
    const error = await failure(gcpKms.unwrap(withEnc(enc), context()));
    assert.match(
      error.message,
      enc === "" ? `${ID}: the wrapped data key is missing` : "damaged: it is not base64",
    );
  }
  assert.is(google.requests.length, 0);
  const folded = `${dataKey.toString("base64").slice(0, 20)}\n${dataKey.toString("base64").slice(20)}\n`;
  assert.equal(await gcpKms.unwrap(withEnc(folded), context()), Buffer.from(dataKey.toReversed()));
});

test("without credentials nothing is asked, and it is said where they were looked for", async () => {
  const none = context({ GOOGLE_OAUTH_ACCESS_TOKEN: "" });
  assert.is(await gcpKms.unwrap(withEnc("AAAA"), none), null);
  const lines = gcpKms.whyNot!(key, none);
  assert.equal(lines, [
    "there are no Google credentials",
    "GOOGLE_CREDENTIALS is not set",
    "GOOGLE_OAUTH_ACCESS_TOKEN is not set",
    "GOOGLE_APPLICATION_CREDENTIALS is not set",
    `there is no ${join(none.home, ".config/gcloud/application_default_credentials.json")}`,
    "this machine is not one of Google's, so no metadata server was asked",
    "log in with `gcloud auth application-default login`, or name a credentials file in GOOGLE_APPLICATION_CREDENTIALS",
  ]);
  assert.equal(await gcpKms.examine(key, none), { usable: false, lines });
  const error = await failure(gcpKms.wrap(key, dataKey, none));
  assert.is(error.message, "there are no Google credentials");
  assert.match(error.hint!, "gcloud auth application-default login");
  assert.is(google.requests.length, 0);
});

test("examine says credentials, address, permissions and the key's state", async () => {
  const head = ["credentials: an access token (GOOGLE_OAUTH_ACCESS_TOKEN)", `address: ${google.host} (REST)`];
  assert.equal(await gcpKms.examine(key, context()), {
    usable: true,
    lines: [...head, "they may encrypt and decrypt with it"],
  });
  assert.not(google.requests.some(({ path }) => path.includes(":decrypt")));
  const can = (...permissions: string[]) => {
    google.answer = () => ({ body: { permissions } });
    return gcpKms.examine(key, context());
  };
  const only = await can("cloudkms.cryptoKeyVersions.useToDecrypt");
  assert.is(only.usable, true);
  assert.match(only.lines[2]!, "may decrypt with it, but not encrypt");
  assert.is((await can("cloudkms.cryptoKeyVersions.useToEncrypt")).usable, false);
  const nothing = await can();
  assert.is(nothing.usable, false);
  assert.match(nothing.lines[2]!, "neither encrypt nor decrypt");
});

test("examine of what fails says why, and does not throw", async () => {
  google.answer = () => refusal(401, "UNAUTHENTICATED", "…");
  const { usable, lines } = await gcpKms.examine(key, context());
  assert.is(usable, false);
  assert.match(lines.join("\n"), "does not accept an access token");
  const malformed = await gcpKms.examine(key, context({ GOOGLE_CREDENTIALS: "{" }));
  assert.is(malformed.usable, false);
});

test("addresses are those of SOPS's variables", () => {
  const of = (env: Record<string, string>) => addressOf({ env });
  const google443 = { rest: false, protocol: "https:", host: "cloudkms.googleapis.com", port: 443 };
  assert.equal(of({}), { ...google443, universe: "googleapis.com" });
  assert.equal(of({ SOPS_GCP_KMS_UNIVERSE_DOMAIN: "s3nsapis.fr" }), {
    ...google443,
    host: "cloudkms.s3nsapis.fr",
    universe: "s3nsapis.fr",
  });
  const named = { SOPS_GCP_KMS_UNIVERSE_DOMAIN: "ignored.example", SOPS_GCP_KMS_ENDPOINT: "kms.example" };
  assert.equal(of(named), { ...google443, host: "kms.example" });
  assert.is(of({ SOPS_GCP_KMS_ENDPOINT: "https://kms.example:8443/" }).port, 8443);
  assert.is(of({ SOPS_GCP_KMS_CLIENT_TYPE: "rest", SOPS_GCP_KMS_ENDPOINT: "http://127.0.0.1" }).port, 80);
  for (const bad of [
    "http://127.0.0.1:1",
    "host:port",
    "https://h/path",
    "https://u:p@h",
    "ftp://h",
    "h?x",
  ]) {
    assert.throws(
      () => of({ SOPS_GCP_KMS_ENDPOINT: bad }),
      (error: TsopsError) => /SOPS_GCP_KMS_ENDPOINT/.test(error.message) && !error.message.includes("u:p"),
    );
  }
  assert.throws(() => of({ SOPS_GCP_KMS_UNIVERSE_DOMAIN: "a/b" }), /SOPS_GCP_KMS_UNIVERSE_DOMAIN/);
});

test("credentials of one universe are not shown to another", async () => {
  const path = join(emptyFolder(), "c.json");
  writeFileSync(
    path,
    JSON.stringify({ type: "authorized_user", client_id: "a", client_secret: "b", refresh_token: "c" }),
  );
  const env = {
    GOOGLE_APPLICATION_CREDENTIALS: path,
    SOPS_GCP_KMS_UNIVERSE_DOMAIN: "s3nsapis.fr",
    METADATA_SERVER_DETECTION: "none",
  };
  const error = await failure(gcpKms.unwrap(withEnc("AAAA"), contextWith(env)));
  assert.match(error.message, "belongs to googleapis.com, but s3nsapis.fr would be asked");
});

test.run();
