import { test } from "uvu";
import * as assert from "uvu/assert";
import { allowedBy } from "../../src/config/allow.ts";
import { ARN, ROLE, sopsrc, yaml } from "./support.ts";

test("what a .sopsrc allows, and what its keys name", async () => {
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
  assert.equal(allowedBy(config), {
    vault: ["https://two.example.com", "https://one.example.com:8200", "https://three.example.com"],
    azure: ["https://v.vault.azure.net"],
    awsRole: ["arn:r", ROLE],
    awsProfile: ["old", "prod"],
    keywhiz: [],
    cluster: [],
  });
});

test("a .sops.yaml vouches for the keys of its rules", async () => {
  const config = await yaml(
    `creation_rules:\n  - {hc_vault_transit_uri: 'http://v:1/v1/t/keys/k', kms: '${ARN}+${ROLE}', aws_profile: p}\n`,
  );
  const nothing = {
    vault: ["http://v:1"],
    azure: [],
    awsRole: [ROLE],
    awsProfile: ["p"],
    keywhiz: [],
    cluster: [],
  };
  assert.equal(allowedBy(config), nothing);
});

test.run();
