import { createServer, type Socket } from "node:net";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { TsopsError } from "../../src/errors.ts";
import type { KeyContext } from "../../src/keys/kind.ts";
import { kindNamed } from "../../src/keys/table.ts";
import { contextWith } from "../support/keys/contexts.ts";
import { ending } from "../support/pace.ts";

/**
 * Calls wait for logins without losing time (src/net/clock.ts), so each way to log in must end by itself where a server
 * takes the request and never answers.
 */

const sockets = new Set<Socket>();
const silent = createServer((socket) => {
  sockets.add(socket.on("error", () => undefined));
}).listen(0, "127.0.0.1");
await new Promise((resolve) => silent.once("listening", resolve));
silent.unref();
const host = `127.0.0.1:${(silent.address() as { port: number }).port}`;
const url = `http://${host}`;

const AWS = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
const GOOGLE = "projects/p/locations/global/keyRings/r/cryptoKeys/k";
const HUAWEI = "tr-west-1:1234abcd-12ab-34cd-56ef-1234567890ab";
const FEDERATION = JSON.stringify({
  type: "external_account",
  audience: "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q",
  subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
  token_url: `${url}/sts`,
  credential_source: { url: `${url}/token` },
});

const WAYS: readonly (readonly [what: string, kind: string, id: string, env: Record<string, string>])[] = [
  ["AWS: a container's address", "kms", AWS, { AWS_CONTAINER_CREDENTIALS_FULL_URI: `${url}/creds` }],
  ["Google: the metadata server", "gcp_kms", GOOGLE, { GCE_METADATA_HOST: host }],
  ["Google: a token of CI", "gcp_kms", GOOGLE, { GOOGLE_CREDENTIALS: FEDERATION }],
  ["HuaweiCloud: the metadata service", "hckms", HUAWEI, { TSOPS_HUAWEICLOUD_METADATA: url }],
  ["Vault: AppRole", "hc_vault", `${url}/v1/transit/keys/k`, { VAULT_ADDR: url, VAULT_ROLE_ID: "r" }],
];

for (const [what, kind, id, env] of WAYS) {
  test(`${what} that never answers, for two files at once`, async () => {
    const context: KeyContext = contextWith({ TSOPS_KMS_TIMEOUT: "1", ...env });
    const use = await kindNamed(kind).use();
    const [key] = kindNamed(kind).parse(id);
    const wraps = [1, 2].map((i) => use.wrap(key!, Buffer.alloc(32, i), context));
    for (const { reason } of (await ending(Promise.allSettled(wraps))) as PromiseRejectedResult[]) {
      assert.match((reason as TsopsError).message, /did not answer|does not answer|cannot be reached/);
    }
  });
}

test.after(() => {
  for (const socket of sockets) socket.destroy();
  silent.close();
});

test.run();
