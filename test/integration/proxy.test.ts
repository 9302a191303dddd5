import { writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type Env, folderWith, output, RECIPIENT, tsops } from "../support/integration/keyservice.ts";

// A proxy that takes connections and never says a word. Not every vendor's SDK lets go of it; the program ends all the same.

const SECONDS = 1;
const proxy = createServer((socket) => void socket.on("error", () => undefined).resume());
await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
proxy.unref();
const ENV: Env = {
  HTTPS_PROXY: `http://me:pass-of-the-proxy@127.0.0.1:${(proxy.address() as AddressInfo).port}`,
  TSOPS_KMS_TIMEOUT: String(SECONDS),
};

/** Runs it, which has to fail for want of an answer, and to be over soon. */
async function givesUp(args: readonly string[], folder: string, env: Env): Promise<void> {
  const start = performance.now();
  let said = 0;
  const noteTime = (): void => void (said ||= performance.now());
  const { code, stderr } = await tsops(args, folder, { ...ENV, ...env }, noteTime);
  assert.is.not(code, 0);
  assert.match(stderr, `did not answer within ${SECONDS} seconds`);
  assert.not.match(stderr, "pass-of-the-proxy");
  // it lingers for three seconds; without that, a connection to the proxy would keep it for ever
  const after = performance.now() - said;
  assert.ok(after < 30_000 + said - start, `the program ends soon after it gave up, not after ${after} ms`);
}

test("keys of Azure and Google", async () => {
  const azure = "https://team.vault.azure.net/keys/k/1";
  await givesUp(["encrypt", "--azure-kv", azure, "plain.yaml"], folderWith(), {
    AZURE_TENANT_ID: "t",
    AZURE_CLIENT_ID: "c",
    AZURE_CLIENT_SECRET: "s",
  });
  const google = "projects/p/locations/l/keyRings/r/cryptoKeys/k";
  const token = { GOOGLE_OAUTH_ACCESS_TOKEN: "t" };
  for (const type of ["rest", "grpc"]) {
    const env = { ...token, SOPS_GCP_KMS_CLIENT_TYPE: type };
    await givesUp(["encrypt", "--gcp-kms", google, "plain.yaml"], folderWith(), env);
  }
});

test("publishing to Google and Azure", async () => {
  const folder = folderWith();
  await output(tsops(["encrypt", "-i", "--age", RECIPIENT, "plain.yaml"], folder));
  const rule = (lines: readonly string[]): void =>
    writeFileSync(
      join(folder, ".sops.yaml"),
      ["destination_rules:", "  - path_regex: .*", ...lines.map((line) => `    ${line}`), ""].join("\n"),
    );
  rule(["gcs_bucket: b"]);
  await givesUp(["publish", "-y", "plain.yaml"], folder, { GOOGLE_OAUTH_ACCESS_TOKEN: "t" });
  rule(["azure_account: examplesecrets", "azure_container: secrets"]);
  const azure = { AZURE_STORAGE_ACCOUNT: "examplesecrets", AZURE_STORAGE_KEY: "AAAAAAAA" };
  await givesUp(["publish", "-y", "plain.yaml"], folder, azure);
});

test.run();
