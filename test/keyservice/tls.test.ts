import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { TsopsError } from "../../src/errors.ts";
import type { KeyContext } from "../../src/keys/kind.ts";
import { keyServices } from "../../src/keys/service/client.ts";
import { contextWith } from "../support/keys/contexts.ts";
import { ageKey, DATA_KEY, requestsIn, scratch, serving } from "../support/servers/keyservice.ts";
import { type KeyPair, makeCertificates } from "../support/servers/tls.ts";

const ours = makeCertificates(join(scratch(), "a"));
const foreign = makeCertificates(join(scratch(), "b"));
const pem = ({ key, cert }: KeyPair) => ({ key: readFileSync(key), cert: readFileSync(cert) });
const mutual = { ...pem(ours.server), ca: readFileSync(ours.ca) };

const variables = (ca?: string, pair?: KeyPair): KeyContext =>
  contextWith({
    TSOPS_KEYSERVICE_CA: ca,
    TSOPS_KEYSERVICE_CERT: pair?.cert,
    TSOPS_KEYSERVICE_KEY: pair?.key,
  });

async function wrapsWith(uri: string, context: KeyContext): Promise<string> {
  return await keyServices([uri], context)[0]!
    .wrap(ageKey(), DATA_KEY)
    .then(
      () => "ok",
      ({ message, hint }: TsopsError) => `${message}; ${hint}`,
    );
}

test("with mutual TLS, only clients with a certificate of the authority are served, and the log names them", async () => {
  const log = await serving({ tls: mutual }, async ({ uri, port }) => {
    assert.is(uri, `tls://127.0.0.1:${port}`);
    assert.is(await wrapsWith(uri, variables(ours.ca, ours.client)), "ok");
    assert.is(await wrapsWith(`tls://localhost:${port}`, variables(ours.ca, ours.client)), "ok");
    assert.match(
      await wrapsWith(uri, variables(ours.ca)),
      /requires a client certificate.*TSOPS_KEYSERVICE_CERT/,
    );
    assert.match(
      await wrapsWith(uri, variables(ours.ca, foreign.client)),
      /hangs up|requires a client certificate/,
    );
    assert.match(
      await wrapsWith(uri, variables(undefined, ours.client)),
      /certificate is not trusted.*TSOPS_KEYSERVICE_CA/,
    );
    assert.match(await wrapsWith(uri, variables(foreign.ca, ours.client)), /its certificate is not trusted/);
    assert.match(
      await wrapsWith(`tcp://127.0.0.1:${port}`, contextWith()),
      /hangs up.*needs TLS.*TSOPS_KEYSERVICE_CA/,
    );
  });
  assert.equal(
    requestsIn(log).map(({ client, result }) => [client, result]),
    [
      ["client", "ok"],
      ["client", "ok"],
    ],
  );
});

test("TLS without client certificates works, and the certificate has to be for the address", async () => {
  const address = "0.0.0.0:0";
  await serving({ tls: pem(ours.server), address }, async ({ port }) => {
    assert.is(await wrapsWith(`tls://127.0.0.1:${port}`, variables(ours.ca)), "ok");
    // the server is there, but its certificate is for 127.0.0.1 only
    if (process.platform === "linux") {
      const other = await wrapsWith(`tls://127.0.0.2:${port}`, variables(ours.ca));
      assert.match(other, /certificate is for another name/);
    }
  });
});

test("a server without TLS, and certificates that cannot be used, are told apart", async () => {
  await serving({}, async ({ port, uri }) => {
    const tls = `tls://127.0.0.1:${port}`;
    assert.match(await wrapsWith(tls, variables(ours.ca)), /does not speak TLS/);
    const half = { ...variables(ours.ca).env, TSOPS_KEYSERVICE_CERT: ours.client.cert };
    assert.match(await wrapsWith(tls, contextWith(half)), /needs its key/);
    const mixed = { cert: ours.client.cert, key: ours.other.key };
    assert.match(await wrapsWith(tls, variables(ours.ca, mixed)), /cannot be used/);
    assert.match(
      await wrapsWith(tls, variables("/nowhere.pem")),
      /\/nowhere\.pem cannot be read: it is not there/,
    );
    assert.is(await wrapsWith(uri, variables("/nowhere.pem")), "ok", "without TLS, nobody needs it");
  });
  const mixed = { ...pem(ours.server), key: readFileSync(ours.other.key) };
  await serving({ tls: mixed }, async () => assert.unreachable()).then(
    () => assert.unreachable("it should have failed"),
    ({ message }: Error) => assert.match(message, /certificate and key of the server cannot be used/),
  );
});

test.run();
