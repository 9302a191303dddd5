import { test } from "uvu";
import * as assert from "uvu/assert";
import { namedBy } from "../../src/config/allow.ts";
import { ALICE, ARN, ROLE, sopsrc, yaml } from "../support/config.ts";

const PLUGIN = "age1yubikey1qqqsyqcyq5rqwzqfpg9scrgwpugpzysnzs23v9ccrydpk8qarc0jqmenk29";

test("what a .sopsrc names in its lists, its keys and its destinations", async () => {
  const config = await sopsrc(`{
    keys: {
      a: "hashivault://one.example.com:8200/v1/transit/keys/k",
      b: { uri: "awskms://${ARN}", role: "${ROLE}", profile: "prod" },
    },
    rules: [{ recipients: ["azurekms://v.vault.azure.net/keys/k/1", "b"] }],
    destinations: [{ vault_path: "x", vault_address: "https://three.example.com/" }],
    allow: { vault: ["https://two.example.com/"], aws_role: ["arn:r"], aws_profile: ["old", "prod"] },
  }`);
  assert.equal(config.errors, []);
  assert.equal(namedBy(config), {
    vault: ["https://two.example.com", "https://one.example.com:8200", "https://three.example.com"],
    azure: ["https://v.vault.azure.net"],
    azureStorage: [],
    awsRole: ["arn:r", ROLE],
    awsProfile: ["old", "prod"],
    keywhiz: [],
    cluster: [],
    plugin: [],
  });
});

test("a .sops.yaml names what the keys of its rules do", async () => {
  const config = await yaml(
    `creation_rules:\n  - {hc_vault_transit_uri: 'http://v:1/v1/t/keys/k', kms: '${ARN}+${ROLE}', aws_profile: p}\n`,
  );
  const named = {
    vault: ["http://v:1"],
    azure: [],
    azureStorage: [],
    awsRole: [ROLE],
    awsProfile: ["p"],
    keywhiz: [],
    cluster: [],
    plugin: [],
  };
  assert.equal(namedBy(config), named);
});

test("plugins and the addresses of storage accounts are named, too", async () => {
  const config = await sopsrc(`{
    rules: [{ recipients: ["age:${PLUGIN}", "age:${ALICE}", "keywhiz://kw.example.com/KEY", "cluster://c.example.com:1/k"] }],
    destinations: [
      { azure_container: "c", azure_account: "account" },
      { azure_container: "c", azure_url: "https://Blobs.example.com/" },
    ],
    allow: { plugin: ["tpm"] },
  }`);
  assert.equal(config.errors, []);
  const { azureStorage, keywhiz, cluster, plugin } = namedBy(config);
  assert.equal(azureStorage, ["https://account.blob.core.windows.net", "https://blobs.example.com"]);
  assert.equal(keywhiz, ["kw.example.com:4444"]);
  assert.equal(cluster, ["c.example.com:1"]);
  assert.equal(plugin, ["tpm", "yubikey"]);
});

test.run();
