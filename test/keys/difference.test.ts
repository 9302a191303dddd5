import { test } from "uvu";
import * as assert from "uvu/assert";
import { azureKv } from "../../src/keys/azure-kv.ts";
import { holdersGone, keysGone } from "../../src/keys/difference.ts";
import { parseEncryptionContext, parseKms } from "../../src/keys/kms.ts";

const ARN = "arn:aws:kms:eu-west-1:111122223333:key/a";
const [first, second] = ["1", "2"].map((digit) =>
  azureKv.parse(`https://v.vault.azure.net/keys/sops/${digit.repeat(32)}`),
);
const [other] = [azureKv.parse(`https://v.vault.azure.net/keys/sops2/${"1".repeat(32)}`)];

test("a new version of an Azure key, and an AWS key with another role or context, have the readers that they had", () => {
  assert.is(keysGone([first!], [second!]).length, 1);
  assert.equal(holdersGone(first!, [second!]), []);
  assert.equal(holdersGone(first!, [other!]), first);
  assert.equal(holdersGone(parseKms(ARN), [parseKms(`${ARN}+arn:aws:iam::111122223333:role/r`)]), []);
  assert.equal(
    holdersGone(parseKms(ARN), [parseKms(ARN, { context: parseEncryptionContext("app:web") })]),
    [],
  );
  assert.is(holdersGone(parseKms(ARN), [parseKms(`${ARN}b`)]).length, 1);
});

test.run();
