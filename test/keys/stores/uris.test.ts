import { test } from "uvu";
import * as assert from "uvu/assert";
import { TsopsError } from "../../../src/errors.ts";
import { namedByKeys } from "../../../src/keys/allow-lists.ts";
import { textField, withFields } from "../../../src/keys/fields.ts";
import { contextWith, emptyFolder } from "../../support/keys/contexts.ts";
import { keywhiz, vaultkv } from "../../support/keys/in-use.ts";

/** Identifiers of the stores behind a network, and what happens to them without any network. */

test("the URIs of Vault KV: several parts, a field, escapes; and what is none", () => {
  const good = [
    "vaultkv://vault.example.com:8200/secret/sops/master",
    "vaultkv://vault.example.com/team/kv/a/b#KEY",
    "vaultkv+http://127.0.0.1:8200/secret/master",
    "vaultkv://[::1]:8200/secret/a%20b#the%20field",
  ];
  assert.equal(
    vaultkv.parse(good.join(",")).map(({ kind, id, fields }) => [kind, id, textField(fields, "uri")]),
    good.map((uri) => ["vaultkv", uri, uri]),
  );
  const bad = [
    "vaultkv://vault.example.com:8200",
    "vaultkv://vault.example.com:8200/secret",
    "vaultkv://vault.example.com:8200/secret/",
    "vaultkv://vault.example.com:8200/secret//a",
    "vaultkv://vault.example.com:8200/secret/a/",
    "vaultkv://vault.example.com:8200/secret/../sys/raw",
    "vaultkv://vault.example.com:8200/secret/%2e%2e/a",
    "vaultkv://vault.example.com:8200/secret/a%2fb",
    "vaultkv://vault.example.com:8200/secret/a%zz",
    "vaultkv://vault.example.com:8200/secret/a?version=1",
    "vaultkv://vault.example.com:8200/secret/a#",
    "vaultkv://vault.example.com:8200/secret/a#b#c",
    "vaultkv://user@vault.example.com:8200/secret/a",
    "vaultkv://Vault.example.com:8200/secret/a",
    "vaultkv://vault.example.com:99999/secret/a",
    "vaultkv+https://vault.example.com:8200/secret/a",
    "vaultkv:///secret/a",
  ];
  for (const uri of bad) assert.throws(() => vaultkv.parse(uri), /does not name a secret in Vault's KV/, uri);
});

test("the URIs of Keywhiz, and what is none", () => {
  const good = [
    "keywhiz://keywhiz.example.com:4444/sops-master",
    "keywhiz://keywhiz.example.com/a_b.c",
    "keywhiz://127.0.0.1:1/x",
    "keywhiz://[::1]/x",
  ];
  assert.equal(
    keywhiz.parse(good.join(",")).map(({ id }) => id),
    good,
  );
  const bad = [
    "",
    "h",
    "h/",
    "h/a/b",
    "h:0/a",
    "h:65536/a",
    "u@h/a",
    "H/a",
    "h/a#b",
    "h/a?b",
    "h/..",
    "h/a b",
  ];
  for (const rest of bad) {
    const uri = `keywhiz://${rest}`;
    assert.throws(() => keywhiz.parse(uri), /does not name a secret of a Keywhiz server/, uri);
  }
});

/** Nothing listens on that port: whoever tries it fails. */
const KEYS = [
  [vaultkv, vaultkv.parse("vaultkv://127.0.0.1:9/secret/a")[0]!],
  [keywhiz, keywhiz.parse("keywhiz://127.0.0.1:9/a")[0]!],
] as const;

test("without credentials they are passed over without the network, and say what is missing", async () => {
  for (const [kind, key] of KEYS) {
    const entry = withFields(key, { key_id: "0123456789abcdef", enc: "v1:" });
    const context = contextWith();
    assert.is(await kind.unwrap(entry, context), null);
    const lines = kind.whyNot!(entry, context).join("\n");
    assert.match(lines, kind === vaultkv ? /VAULT_TOKEN/ : /KEYWHIZ_CLIENT_CERT and KEYWHIZ_CLIENT_KEY not/);
    assert.match(lines, "the master key whose id is 0123456789abcdef");
    assert.is((await kind.examine(entry, context)).usable, false);
    const error: unknown = await kind.wrap(key, Buffer.alloc(32), context).catch((reason: unknown) => reason);
    assert.instance(error, TsopsError);
  }
});

test("an address that only the file names gets no credentials", async () => {
  const env = {
    VAULT_TOKEN: "hvs.secret",
    KEYWHIZ_CLIENT_CERT: `${emptyFolder()}/none.pem`,
    KEYWHIZ_CLIENT_KEY: `${emptyFolder()}/none.key`,
  };
  for (const [kind, key] of KEYS) {
    const error: unknown = await kind.wrap(key, Buffer.alloc(32), contextWith(env)).catch((e: unknown) => e);
    assert.is((error as TsopsError).code, "not-allowed");
    assert.match((error as TsopsError).message, "127.0.0.1:9");
    assert.match(
      (error as TsopsError).hint!,
      kind === vaultkv ? "vault=https://127.0.0.1:9" : "keywhiz=127.0.0.1:9",
    );
    // what comes next, once the configuration, a variable or the person names it
    for (const vouching of [
      contextWith(env, { allow: async () => namedByKeys([key]) }),
      contextWith({ ...env, TSOPS_ALLOW: "vault=https://127.0.0.1:9,keywhiz=127.0.0.1:9" }),
    ]) {
      const next: unknown = await kind.wrap(key, Buffer.alloc(32), vouching).catch((e: unknown) => e);
      assert.is((next as TsopsError).code, kind === vaultkv ? "service-unreachable" : "bad-credentials");
      assert.match(
        (next as TsopsError).message,
        kind === vaultkv ? /cannot be reached/ : /cannot be read: it is not there/,
      );
    }
  }
});

test("Keywhiz's usual port may be left out where the server is named", async () => {
  const env = { KEYWHIZ_CLIENT_CERT: "/nonexistent/c", KEYWHIZ_CLIENT_KEY: "/nonexistent/k" };
  const code = async (uri: string, allowed: string) => {
    const context = contextWith({ ...env, TSOPS_ALLOW: `keywhiz=${allowed}` });
    const error: unknown = await keywhiz
      .wrap(keywhiz.parse(uri)[0]!, Buffer.alloc(32), context)
      .catch((e) => e);
    return (error as TsopsError).code;
  };
  for (const uri of ["keywhiz://k.example/a", "keywhiz://k.example:4444/a"]) {
    assert.is(await code(uri, "k.example"), "bad-credentials");
    assert.is(await code(uri, "k.example:4444"), "bad-credentials");
    assert.is(await code(uri, "k.example:444"), "not-allowed");
  }
  assert.is(await code("keywhiz://k.example:4443/a", "k.example"), "not-allowed");
});

test.run();
