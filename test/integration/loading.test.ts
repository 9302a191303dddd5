import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { installed, scratch } from "../support/integration/servers.ts";

/*
 * Which SDKs and packages the program loads for a file with one key of one kind: SDKs are files of its own (dist/sdk-….js),
 * seen when they are read; packages are seen by a hook in Node's own loader. The keys are real enough for the SDK to be
 * asked, and every address is one where nothing listens.
 */

const CREATED = '"created_at": "2026-01-01T00:00:00Z"';
const NOWHERE = "127.0.0.1:9";

interface Case {
  readonly keys: string;
  readonly env?: Record<string, string>;
  /** SDKs, and what the packages' names begin with; the first one has to be loaded, and nothing else. */
  readonly packages: readonly string[];
}

const CASES: Readonly<Record<string, Case>> = {
  "AWS KMS": {
    keys: `"kms": [{"arn": "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab", "aws_profile": "", ${CREATED}, "enc": "AAAA"}]`,
    env: {
      AWS_ACCESS_KEY_ID: "a",
      AWS_SECRET_ACCESS_KEY: "s",
      AWS_ENDPOINT_URL: `http://${NOWHERE}`,
    },
    packages: ["sdk-aws.js"],
  },
  "Google Cloud KMS": {
    keys: `"gcp_kms": [{"resource_id": "projects/p/locations/l/keyRings/r/cryptoKeys/k", ${CREATED}, "enc": "AAAA"}]`,
    env: { GOOGLE_OAUTH_ACCESS_TOKEN: "t", SOPS_GCP_KMS_ENDPOINT: NOWHERE },
    packages: ["sdk-grpc.js", "sdk-google.js"],
  },
  "Azure Key Vault": {
    keys: `"azure_kv": [{"vault_url": "https://${NOWHERE}", "name": "k", "version": "v", ${CREATED}, "enc": "AAAA"}]`,
    env: {
      TSOPS_ALLOW: `azure=https://${NOWHERE}`,
      AZURE_TENANT_ID: "00000000-0000-0000-0000-000000000001",
      AZURE_CLIENT_ID: "c",
      AZURE_CLIENT_SECRET: "s",
      AZURE_AUTHORITY_HOST: `https://${NOWHERE}`,
    },
    packages: ["sdk-azure.js"],
  },
  "Vault transit": {
    keys: `"hc_vault": [{"vault_address": "http://${NOWHERE}", "engine_path": "transit", "key_name": "k", ${CREATED}, "enc": "vault:v1:AAAA"}]`,
    env: { VAULT_ADDR: `http://${NOWHERE}`, VAULT_TOKEN: "t" },
    packages: ["sdk-vault.js"],
  },
  "HuaweiCloud KMS": {
    keys: `"hckms": [{"key_id": "tr-west-1:abc12345-abcd-1234-abcd-1234567890ab", ${CREATED}, "enc": "AAAA"}]`,
    env: {
      HUAWEICLOUD_SDK_AK: "a",
      HUAWEICLOUD_SDK_SK: "s",
      HUAWEICLOUD_SDK_PROJECT_ID: "p",
      HUAWEICLOUD_SDK_REGION_KMS_TR_WEST_1: `http://${NOWHERE}`,
    },
    packages: [],
  },
  "a master key in a variable": {
    keys: `"tsops": {"keys": [{"uri": "env://MASTER", "key_id": "0011223344556677", ${CREATED}, "enc": "v1:AAAA"}]}`,
    env: { MASTER: Buffer.alloc(32, 7).toString("base64") },
    packages: [],
  },
  "a key of a cluster": {
    keys: `"tsops": {"keys": [{"uri": "cluster://${NOWHERE}/team", ${CREATED}, "enc": "v1:AAAA"}]}`,
    env: { TSOPS_ALLOW: `cluster=${NOWHERE}` },
    packages: ["sdk-grpc.js"],
  },
  age: {
    keys: `"age": [{"recipient": "age1nc2smgueu84l5gtq5w50nlpucs5jhd3233ve6hu5tq947zsmg4es0qqskx", "enc": "-----BEGIN AGE ENCRYPTED FILE-----\\nYWdl\\n-----END AGE ENCRYPTED FILE-----\\n"}]`,
    packages: [],
  },
};

/** Bare names that the program itself imports: those of packages that it needs for every file do not occur. */
const HOOK = `
import { appendFileSync } from "node:fs";
export async function resolve(specifier, context, next) {
  if (/\\/(bin|dist)\\/[^/]+$/.test(context.parentURL ?? "") && !/^(node:|file:|[./])/.test(specifier))
    appendFileSync(process.env.LOADED, specifier + "\\n");
  return next(specifier, context);
}`;

/** Before the program runs. */
const PRELOAD = `
import fs, { appendFileSync } from "node:fs";
import { basename } from "node:path";
import { register } from "node:module";
const { readFileSync } = fs;
fs.readFileSync = (path, ...more) => {
  const name = typeof path === "string" ? basename(path) : "";
  if (name.startsWith("sdk-")) appendFileSync(process.env.LOADED, name + "\\n");
  return readFileSync(path, ...more);
};
register(process.env.HOOK);`;

for (const [name, { keys, env = {}, packages }] of Object.entries(CASES)) {
  test(`a file with a key of this kind loads no package of another: ${name}`, () => {
    const folder = scratch();
    const hook = join(folder, "hook.mjs");
    writeFileSync(hook, HOOK);
    const register = join(folder, "register.mjs");
    writeFileSync(register, PRELOAD);
    const loaded = join(folder, "loaded");
    writeFileSync(loaded, "");
    const file = join(folder, "s.json");
    writeFileSync(
      file,
      `{"a": "x", "sops": {${keys}, "lastmodified": "2026-01-01T00:00:00Z", "mac": "x", "version": "3.13.3"}}`,
    );
    const { status, stderr } = spawnSync(
      process.execPath,
      ["--import", pathToFileURL(register).href, installed("TSOPS"), "decrypt", file],
      {
        cwd: folder,
        encoding: "utf8",
        env: {
          PATH: process.env.PATH,
          HOME: folder,
          TSOPS_KMS_TIMEOUT: "5",
          LOADED: loaded,
          HOOK: pathToFileURL(hook).href,
          ...env,
        },
      },
    );
    assert.is(status, 128, stderr);
    const seen = [...new Set(readFileSync(loaded, "utf8").split("\n").filter(Boolean))];
    for (const each of seen) {
      assert.ok(
        packages.some((wanted) => each.startsWith(wanted)),
        `${each} was loaded`,
      );
    }
    const [main] = packages;
    if (main)
      assert.ok(
        seen.some((each) => each.startsWith(main)),
        `${main} was not loaded: ${stderr}`,
      );
  });
}

test.run();
