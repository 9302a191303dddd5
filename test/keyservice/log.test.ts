import { test } from "uvu";
import * as assert from "uvu/assert";
import { withoutIdentities } from "../../src/keys/secret.ts";

test("secret keys of all sorts that stand where a recipient is due are not shown, even on one line", () => {
  const secrets = [
    "AGE-SECRET-KEY-1QQQQ",
    "AGE-PLUGIN-YUBIKEY-1QQQQ",
    "-----BEGIN OPENSSH PRIVATE KEY----- c2VjcmV0 -----END OPENSSH PRIVATE KEY-----",
    "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----",
    "-----BEGIN PGP PRIVATE KEY BLOCK-----c2VjcmV0",
  ];
  for (const secret of secrets) {
    const text = withoutIdentities(`pgp: ${secret}`);
    assert.match(text, /^pgp: \((?:an identity|a secret key)\)$/);
  }
  assert.is(withoutIdentities("-----BEGIN PUBLIC KEY-----"), "-----BEGIN PUBLIC KEY-----");
});

test.run();
