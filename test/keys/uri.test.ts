import { test } from "uvu";
import * as assert from "uvu/assert";
import { masterKeys } from "../../src/config/groups.ts";
import { parseUri, URI_FORMS, uriOf } from "../../src/keys/uri.ts";

test("every example is the URI of a key of its kind, and comes back", () => {
  for (const { kind, example } of URI_FORMS) {
    const key = parseUri(example);
    assert.is(key?.kind, kind, example);
    assert.is(uriOf(key!), example);
    const [master, ...more] = masterKeys({ ...key!, place: {} });
    assert.is(master?.kind, kind);
    assert.equal(more, []);
  }
});

test("all kinds of keys have a form", () => {
  assert.equal([...new Set(URI_FORMS.map(({ kind }) => kind))].sort(), [
    "age",
    "azure_kv",
    "cluster",
    "env",
    "gcp_kms",
    "hc_vault",
    "hckms",
    "keywhiz",
    "kms",
    "pgp",
    "vaultkv",
  ]);
});

test("what is not one", () => {
  for (const text of ["", "alice", "age", "age:", "pgp: ", "https://a", "awskms:arn", "AGE:x"]) {
    assert.is(parseUri(text), undefined, text);
  }
});

test.run();
