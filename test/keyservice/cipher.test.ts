import { createDecipheriv, hkdfSync } from "node:crypto";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { TsopsError } from "../../src/errors.ts";
import { secretIdOf } from "../../src/keys/cluster/wrapped.ts";
import { encryptKey, masterSecret, openKey } from "../../src/keyservice/cipher.ts";

const SECRET = Buffer.from(Array.from({ length: 32 }, (_, i) => i));
const OTHER = Buffer.from(Array.from({ length: 48 }, (_, i) => 255 - i));
const DATA_KEY = Buffer.from(Array.from({ length: 32 }, (_, i) => 0xa0 + i));
const secret = masterSecret(SECRET);
const other = masterSecret(OTHER);

/** The test vector of docs/format.md: master secret, key id and data key are above. */
const VECTOR = {
  id: "9d2a92debf6aacdb",
  keyId: "team-a/prod",
  key: "2fe06ed3e74e65e629d0c972d6b5b603aba2048bbef4a47b9a4a785dc6099b88",
  wrapped:
    "tsops-cluster:v1:9d2a92debf6aacdb:AAECAwQFBgcICQoLn3Oz0Nsq11xTnXqayAqukpVxquLc4sDngbm5biGuZD3cCMYSO3Mfmc1dycMDSbNr",
};

const messageOf = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    assert.instance(error, TsopsError);
    return (error as TsopsError).message;
  }
  assert.unreachable("it should have failed");
  return "";
};

test("the test vector opens, and is what the description says", () => {
  assert.is(secret.id, VECTOR.id);
  assert.equal(openKey(VECTOR.wrapped, [secret], VECTOR.keyId), DATA_KEY);
  // once more with nothing of ours
  const key = Buffer.from(hkdfSync("sha256", SECRET, "", `tsops cluster v1 key\0${VECTOR.keyId}`, 32));
  assert.is(key.toString("hex"), VECTOR.key);
  const [head, text = ""] = VECTOR.wrapped.split(/:(?=[^:]*$)/);
  assert.is(head, `tsops-cluster:v1:${VECTOR.id}`);
  const bytes = Buffer.from(text, "base64");
  const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(0, 12), { authTagLength: 16 });
  decipher.setAAD(Buffer.from(`${head}:${VECTOR.keyId}`)).setAuthTag(bytes.subarray(-16));
  const plain = Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()]);
  assert.equal(plain, DATA_KEY);
});

test("what is wrapped opens with the same secret and key id only, and never looks the same twice", () => {
  const wrapped = encryptKey(DATA_KEY, secret, "a");
  assert.equal(openKey(wrapped, [secret], "a"), DATA_KEY);
  assert.is.not(encryptKey(DATA_KEY, secret, "a"), wrapped);
  assert.match(
    messageOf(() => openKey(wrapped, [secret], "b")),
    /changed, or is of another key id/,
  );
  assert.match(
    messageOf(() => openKey(wrapped, [other], "a")),
    new RegExp(`needs the master secret ${secret.id}, which is not held here`),
  );
  const share = Buffer.alloc(33, 7);
  assert.equal(openKey(encryptKey(share, secret, "a"), [secret], "a"), share);
});

test("after a rotation, what older secrets wrapped still opens, and says which secret it needs", () => {
  const old = encryptKey(DATA_KEY, secret, "a");
  const young = encryptKey(DATA_KEY, other, "a");
  for (const wrapped of [old, young]) assert.equal(openKey(wrapped, [other, secret], "a"), DATA_KEY);
  assert.is(secretIdOf(old), secret.id);
  assert.is(secretIdOf(young), other.id);
  assert.is(secretIdOf("-----BEGIN"), undefined);
});

test("a wrapped key that was changed anywhere does not open", () => {
  const wrapped = encryptKey(DATA_KEY, secret, "a");
  for (let i = 0; i < wrapped.length; i++) {
    for (const character of ["A", "0", "=", "\n", "é"]) {
      if (wrapped[i] === character) continue;
      const changed = wrapped.slice(0, i) + character + wrapped.slice(i + 1);
      assert.throws(() => openKey(changed, [secret, other], "a"), undefined, `${i} ${character}`);
    }
    assert.throws(() => openKey(wrapped.slice(0, i), [secret], "a"));
  }
  for (const more of [" ", "\n", "=", "AAAA"]) assert.throws(() => openKey(wrapped + more, [secret], "a"));
  // bound to the secret's id, too: another one's id with this one's ciphertext
  const moved = wrapped.replace(secret.id, other.id);
  assert.throws(() => openKey(moved, [secret, { ...secret, id: other.id }], "a"), /another key id/);
});

test("later versions are told from damage, and only data keys are wrapped", () => {
  assert.match(
    messageOf(() => openKey("tsops-cluster:v2:abc:def", [secret], "a")),
    /only a later version/,
  );
  assert.match(
    messageOf(() => openKey("", [secret], "a")),
    /does not have the form/,
  );
  for (const size of [0, 65, 4096])
    assert.match(
      messageOf(() => encryptKey(Buffer.alloc(size), secret, "a")),
      /only data keys are wrapped/,
    );
});

test.run();
