import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { namedByKeys } from "../../src/keys/allow-lists.ts";
import { textField } from "../../src/keys/fields.ts";
import type { KeyContext } from "../../src/keys/kind.ts";
import { scratch } from "../support/integration/servers.ts";
import { contextWith } from "../support/keys/contexts.ts";
import { keywhiz } from "../support/keys/in-use.ts";
import { newMaster, said } from "../support/keys/stores.ts";
import { delivered, startKeywhiz } from "../support/servers/keywhiz.ts";
import { makeCertificates } from "../support/servers/tls.ts";

/** Master keys in Keywhiz, against a double of its client API: no server of others can be had. */

const certificates = makeCertificates(scratch());
const server = await startKeywhiz(certificates);
const DATA_KEY = randomBytes(32);
const keyAt = (name: string, address = server.address) => keywhiz.parse(`keywhiz://${address}/${name}`)[0]!;
const key = keyAt("sops-master");
const STRANGERS = makeCertificates(scratch());

function contextFor(env: Record<string, string | undefined> = {}, more: Partial<KeyContext> = {}) {
  return contextWith(
    {
      KEYWHIZ_CLIENT_CERT: certificates.client.cert,
      KEYWHIZ_CLIENT_KEY: certificates.client.key,
      KEYWHIZ_CA: certificates.ca,
      ...env,
    },
    { allow: async () => namedByKeys([key]), now: () => new Date(), ...more },
  );
}

const wrap = (env?: Record<string, string | undefined>, which = key, more?: Partial<KeyContext>) =>
  keywhiz.wrap(which, DATA_KEY, contextFor(env, more));

function hold(content: string | Buffer, name = "sops-master", clients = ["client"]) {
  server.secrets.set(name, { content, clients });
}

test.before.each(() => {
  server.instead = undefined;
  server.asked.length = 0;
});

test("a data key comes back, and each wrapping takes one request", async () => {
  const { text, id } = newMaster();
  hold(`${text}\n`);
  const wrapped = await wrap();
  assert.equal(
    wrapped.fields.entries().map((entry) => entry.key),
    ["created_at", "enc", "key_id", "uri"],
  );
  assert.is(textField(wrapped.fields, "key_id"), id);
  assert.equal(server.asked, ["GET /secret/sops-master"]);
  assert.equal(await keywhiz.unwrap(wrapped, contextFor()), DATA_KEY);
});

test("rotation: old files open, new files get the newest key, and the message says which key is missing", async () => {
  const [old, now] = [newMaster(), newMaster()];
  hold(old.text);
  const before = await wrap();
  hold(`${now.text}\n${old.text}`);
  assert.equal(await keywhiz.unwrap(before, contextFor()), DATA_KEY);
  const after = await wrap({}, before);
  assert.is(textField(after.fields, "key_id"), now.id);
  hold(now.text);
  assert.equal(await keywhiz.unwrap(after, contextFor()), DATA_KEY);
  assert.match(await said(keywhiz.unwrap(before, contextFor())), `the master key whose id is ${old.id}`);
});

test("401, 403 and 404 each have a sentence, and a next step", async () => {
  hold(newMaster().text);
  server.clients.delete("other");
  const other = { KEYWHIZ_CLIENT_CERT: certificates.other.cert, KEYWHIZ_CLIENT_KEY: certificates.other.key };
  assert.match(await said(wrap(other)), /does not know this client \(401\)[\s\S]*common name/);
  server.clients.add("other");
  assert.match(await said(wrap(other)), /may not have the secret \(403\)[\s\S]*group/);
  assert.match(
    await said(wrap({}, keyAt("nothing"))),
    /no such secret \(404\)[\s\S]*typing error in the name/,
  );
});

test("a server that nothing here trusts, or that is for another name, gets no request", async () => {
  hold(newMaster().text);
  assert.match(
    await said(wrap({ KEYWHIZ_CA: STRANGERS.ca })),
    /its certificate is not trusted[\s\S]*KEYWHIZ_CA/,
  );
  assert.match(await said(wrap({ KEYWHIZ_CA: undefined })), /its certificate is not trusted/);
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
  try {
    assert.match(await said(wrap({ KEYWHIZ_CA: undefined })), /its certificate is not trusted/);
  } finally {
    delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
  }
  const elsewhere = keyAt("sops-master", server.address.replace("127.0.0.1", "127.0.0.2"));
  const allow = async () => namedByKeys([elsewhere]);
  const otherName = await startKeywhiz(certificates, "127.0.0.2");
  const named = keyAt("sops-master", otherName.address);
  assert.match(
    await said(wrap({}, named, { allow: async () => namedByKeys([named]) })),
    /certificate is for another name/,
  );
  assert.match(await said(wrap({}, elsewhere, { allow })), /cannot be reached: nothing listens there/);
  assert.equal([...server.asked, ...otherName.asked], []);
});

test("a client certificate of another authority, one that has expired, one that is not for the key, and rubbish", async () => {
  hold(newMaster().text);
  assert.match(
    await said(
      wrap({ KEYWHIZ_CLIENT_CERT: STRANGERS.client.cert, KEYWHIZ_CLIENT_KEY: STRANGERS.client.key }),
    ),
    /(refuses|does not accept) the client's certificate/,
  );
  const later = { now: () => new Date(Date.now() + 10 * 86_400_000) };
  assert.match(await said(wrap({}, key, later)), /client certificate has expired \(20\d\d-/);
  const earlier = { now: () => new Date("2001-01-01") };
  assert.match(await said(wrap({}, key, earlier)), /is not valid before 20\d\d-/);
  assert.match(
    await said(wrap({ KEYWHIZ_CLIENT_KEY: certificates.other.key })),
    /client certificate is not for the key in KEYWHIZ_CLIENT_KEY/,
  );
  const rubbish = join(scratch(), "rubbish.pem");
  writeFileSync(rubbish, "-----BEGIN NOTHING-----\nsecret\n");
  assert.match(await said(wrap({ KEYWHIZ_CLIENT_CERT: rubbish })), /is not a certificate in PEM/);
  assert.match(
    await said(wrap({ KEYWHIZ_CLIENT_KEY: rubbish })),
    /cannot be used[\s\S]*without a passphrase/,
  );
  const locked = join(scratch(), "locked.key");
  execFileSync(
    "openssl",
    [...["ec", "-in", certificates.client.key, "-aes256", "-passout", "pass:hidden", "-out", locked]],
    { stdio: "ignore" },
  );
  assert.match(readFileSync(locked, "utf8"), /ENCRYPTED/);
  assert.match(await said(wrap({ KEYWHIZ_CLIENT_KEY: locked })), /cannot be used[\s\S]*without a passphrase/);
  assert.match(
    await said(wrap({ KEYWHIZ_CLIENT_KEY: "/nonexistent" })),
    /\/nonexistent cannot be read[\s\S]*KEYWHIZ_CLIENT_KEY names it/,
  );
  assert.match(
    await said(wrap({ KEYWHIZ_CA: "/nonexistent" })),
    /\/nonexistent cannot be read[\s\S]*KEYWHIZ_CA names it/,
  );
  assert.equal(server.asked, []);
});

test("a busy server is asked again, and a connection that broke is made again", async () => {
  const { text, id } = newMaster();
  hold(text);
  let left = 2;
  server.instead = (_request, response) => {
    if (left-- <= 0) return false;
    if (left === 1) response.writeHead(503).end();
    else response.socket!.destroy();
    return true;
  };
  assert.is(textField((await wrap()).fields, "key_id"), id);
  assert.is(server.asked.length, 3);
  server.instead = (_request, response) => Boolean(response.writeHead(429).end());
  assert.match(await said(wrap()), /cannot answer now \(429\)/);
});

test("a server that does not answer is not waited for longer than the limit", async () => {
  server.instead = () => true;
  const words = await said(wrap({ TSOPS_KMS_TIMEOUT: "1" }));
  assert.match(words, `Keywhiz at ${server.address}: it did not answer within 1 seconds`);
});

test("answers that are not Keywhiz's, or not whole, are refused, and not shown", async () => {
  const master = newMaster();
  const good = delivered("sops-master", Buffer.from(master.text));
  const cases: [body: unknown, why: RegExp][] = [
    ["<html>hidden</html>", /the answer is not JSON/],
    ['{"secret": "hidden', /the answer is not JSON/],
    [null, /not one of Keywhiz for this secret/],
    [{ ...good, secret: 5 }, /not one of Keywhiz/],
    [{ ...good, secret: `${good.secret}!` }, /not one of Keywhiz/],
    [{ ...good, name: "another" }, /not one of Keywhiz/],
    [{ ...good, secretLength: 7 }, /it has 44 bytes, and the server says 7/],
    [{ ...good, secret: "", secretLength: 0 }, /is empty/],
    ["x".repeat(2_000_000), /its answer is too long/],
  ];
  for (const [body, why] of cases) {
    server.instead = (_request, response) =>
      Boolean(response.end(typeof body === "string" ? body : JSON.stringify(body)));
    const words = await said(wrap());
    assert.match(words, why);
    assert.not.ok(words.includes("hidden") || words.includes(master.text));
  }
  server.instead = (_request, response) => Boolean(response.writeHead(302, { location: "https://x/" }).end());
  assert.match(await said(wrap()), /status 302/);
  server.instead = (_request, response) =>
    Boolean(response.end(JSON.stringify({ ...good, name: "sops-master..1a2b" })));
  assert.is(textField((await wrap()).fields, "key_id"), master.id, "a name with a version behind it");
});

test("what doctor says: certificate and authority, permission, whether the key is there", async () => {
  const [old, now] = [newMaster(), newMaster()];
  hold(old.text);
  const wrapped = await wrap();
  const good = await keywhiz.examine(wrapped, contextFor());
  assert.is(good.usable, true);
  assert.match(good.lines.join("\n"), `Keywhiz at ${server.address}, trusted by ${certificates.ca}`);
  assert.match(good.lines.join("\n"), `client certificate: ${certificates.client.cert}`);
  hold(now.text);
  const gone = await keywhiz.examine(wrapped, contextFor());
  assert.is(gone.usable, false);
  assert.match(gone.lines.join("\n"), `the file needs the master key ${old.id}`);
  hold(now.text, "sops-master", []);
  assert.match(
    (await keywhiz.examine(wrapped, contextFor())).lines.join("\n"),
    /may not have the secret \(403\)/,
  );
  assert.match(
    (await keywhiz.examine(wrapped, contextFor({}, { allow: undefined }))).lines.join("\n"),
    /nothing here vouches for it/,
  );
});

test.run();
