import { test } from "uvu";
import * as assert from "uvu/assert";
import { keyName, shownKey } from "../../src/config/names.ts";
import { ALICE, ARN, BOB, FINGERPRINT, ROLE, sopsrc, yaml } from "../support/config.ts";

const SSH = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICMbdSt97qlzRzHKXlrDNb+ged7EZI9hQJBK2RDKvlnj";

test("keys of files are found by what identifies them", async () => {
  const config = await sopsrc(`{ keys: {
    alice: "age:${ALICE}",
    laptop: "age:${SSH} me@laptop",
    card: "pgp:${FINGERPRINT.toLowerCase().replace(/(.{4})/g, "$1 ")}",
    aws: "awskms://${ARN}",
    "aws shop": { uri: "awskms://${ARN.replace("key/1", "key/2")}", role: "${ROLE}", context: { app: "shop" } },
    google: "gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/k",
    azure: "azurekms://v.vault.azure.net/keys/k",
    vault: "hashivault://vault:8200/v1/transit/keys/k",
  } }`);
  assert.equal(config.errors, []);
  const name = (kind: Parameters<typeof keyName>[1]["kind"], id: string) => keyName(config, { kind, id });
  assert.is(name("age", ALICE), "alice");
  assert.is(name("age", BOB), undefined);
  assert.is(name("age", SSH), "laptop");
  assert.is(name("age", `${SSH} other comment`), "laptop");
  assert.is(name("pgp", FINGERPRINT), "card");
  assert.is(name("kms", ARN), "aws");
  assert.is(name("kms", `${ARN}||profile`), "aws");
  assert.is(name("kms", `${ARN.replace("key/1", "key/2")}+${ROLE}|app:shop`), "aws shop");
  assert.is(name("gcp_kms", "projects/p/locations/l/keyRings/r/cryptoKeys/k"), "google");
  assert.is(name("azure_kv", "https://v.vault.azure.net/keys/k/0123"), "azure");
  assert.is(name("azure_kv", "https://v.vault.azure.net/keys/kk/0123"), undefined);
  assert.is(name("hc_vault", "https://vault:8200/v1/transit/keys/k"), "vault");
  // another kind's identifier is another key
  assert.is(name("pgp", ALICE), undefined);
});

test("an exact match comes before one without role or version", async () => {
  const config = await sopsrc(`{ keys: {
    newest: "azurekms://v.vault.azure.net/keys/k",
    second: "azurekms://v.vault.azure.net/keys/k/2",
  } }`);
  assert.is(keyName(config, { kind: "azure_kv", id: "https://v.vault.azure.net/keys/k/2" }), "second");
  assert.is(keyName(config, { kind: "azure_kv", id: "https://v.vault.azure.net/keys/k/1" }), "newest");
});

test("a key as people see it", async () => {
  const config = await yaml(`keys: [&alice ${ALICE}]\ncreation_rules: [{age: [*alice]}]\n`);
  assert.is(shownKey(config, { kind: "age", id: ALICE }), `alice (${ALICE})`);
  assert.is(shownKey(config, { kind: "age", id: BOB }), BOB);
  assert.is(shownKey(undefined, { kind: "pgp", id: "A\u001b[31m" }), "A\\x1b[31m");
});

test.run();
