import { test } from "uvu";
import * as assert from "uvu/assert";
import { TsopsError } from "../../src/errors.ts";
import { type Tree, TreeMap } from "../../src/formats/tree.ts";
import { parseEncryptionContext } from "../../src/keys/aws/kind.ts";
import {
  describeKey,
  inDecryptionOrder,
  KINDS,
  kindNamed,
  parseDecryptionOrder,
} from "../../src/keys/table.ts";
import { goldenKey } from "../support/keys/contexts.ts";
import { kms } from "../support/keys/in-use.ts";

/** The table of kinds, and what each knows of its identifiers and metadata. */

const CREATED = "2025-01-02T03:04:05Z";
const ARN = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555";
const ROLE = "arn:aws:iam::123456789012:role/some+role";
const plain = (fields: TreeMap): Record<string, Tree> =>
  Object.fromEntries(fields.entries().map((e) => [e.key, e.value]));

const IDENTIFIERS: [string, string, Record<string, Tree>[], string[]][] = [
  [
    "kms",
    ` ${ARN} , ${ARN}+${ROLE},notanarn`,
    [
      { arn: ARN, aws_profile: "" },
      { arn: ARN, aws_profile: "", role: ROLE },
      { arn: "notanarn", aws_profile: "" },
    ],
    [ARN, `${ARN}+${ROLE}`, "notanarn"],
  ],
  [
    "gcp_kms",
    "projects/p /x, projects/q",
    [{ resource_id: "projects/p/x" }, { resource_id: "projects/q" }],
    ["projects/p/x", "projects/q"],
  ],
  [
    "hckms",
    "tr-west-1:abc,, cn:d:e ,",
    [{ key_id: "tr-west-1:abc" }, { key_id: "cn:d:e" }],
    ["tr-west-1:abc", "cn:d:e"],
  ],
  [
    "azure_kv",
    " https://v.vault.azure.net/keys/k/123,https://v.example/keys/k,https://v.example/keys/k/",
    [
      { name: "k", vault_url: "https://v.vault.azure.net", version: "123" },
      { name: "k", vault_url: "https://v.example", version: "" },
      { name: "k", vault_url: "https://v.example", version: "" },
    ],
    ["https://v.vault.azure.net/keys/k/123", "https://v.example/keys/k/", "https://v.example/keys/k/"],
  ],
  [
    "hc_vault",
    "https://vault.example.com:8200/v1/transit/keys/k, http://u@v/v1/a/b/keys/k/,",
    [
      { engine_path: "transit", key_name: "k", vault_address: "https://vault.example.com:8200" },
      { engine_path: "a/b", key_name: "k", vault_address: "http://u@v" },
    ],
    ["https://vault.example.com:8200/v1/transit/keys/k", "http://u@v/v1/a/b/keys/k"],
  ],
  [
    "pgp",
    "D2FD DC4A 5246 E0E1 1928 39E7 DF61 B0FF 46BB A262,ABC!",
    [{ fp: "D2FDDC4A5246E0E1192839E7DF61B0FF46BBA262" }, { fp: "ABC!" }],
    ["D2FDDC4A5246E0E1192839E7DF61B0FF46BBA262", "ABC!"],
  ],
];

for (const [name, text, fields, ids] of IDENTIFIERS) {
  test(`a list of ${name} keys`, () => {
    const kind = KINDS.find(({ sops }) => sops?.field === name)!;
    const keys = kind.parse(text);
    assert.equal(
      keys.map((key) => plain(key.fields)),
      fields,
    );
    assert.equal(
      keys.map((key) => key.id),
      ids,
    );
    assert.equal(kind.parse(""), []);
    // What stands in a file gives the same identifiers.
    for (const key of keys) {
      const read = kind.fromMetadata(
        TreeMap.of([["created_at", CREATED], ...Object.entries(plain(key.fields))]),
      );
      assert.is(read.id, key.id);
      assert.throws(() => kind.fromMetadata(key.fields), /has no created_at/);
    }
  });
}

test("identifiers that are malformed", () => {
  for (const [field, text, reason] of [
    ["kms", ",", /an entry in the list of AWS KMS keys is empty/],
    ["gcp_kms", "a,", /an entry in the list of Google Cloud KMS keys is empty/],
    ["hckms", "nocolon", /nocolon is not a HuaweiCloud KMS key/],
    ["hckms", ":x", /not a HuaweiCloud KMS key/],
    ["hckms", "x: ", /not a HuaweiCloud KMS key/],
    ["azure_kv", "http://v/keys/k/1", /not an Azure Key Vault key/],
    ["azure_kv", "https://v/keys/k/1/2", /not an Azure Key Vault key/],
    ["azure_kv", "https://v/k", /not an Azure Key Vault key/],
    ["hc_vault", "vault.example.com/v1/transit/keys/k", /no scheme/],
    ["hc_vault", "https://v/prefix/v1/transit/keys/k", /under a path of its own/],
    ["hc_vault", "https://v/v1/transit/k", /not one of a transit key/],
    ["hc_vault", "https://v/v1/transit/keys/k?x", /query/],
    ["pgp", "A,,B", /an entry in the list of PGP keys is empty/],
  ] as const) {
    try {
      KINDS.find(({ sops }) => sops?.field === field)!.parse(text);
      assert.unreachable(text);
    } catch (error) {
      assert.instance(error, TsopsError);
      assert.match((error as TsopsError).message, reason);
      assert.is((error as TsopsError).exitCode, 1);
    }
  }
});

test("AWS KMS keys with a context and a profile", () => {
  const context = parseEncryptionContext("b:2,a:1,b:3")!;
  assert.equal(plain(context), { a: "1", b: "3" });
  const [key] = kms.parse(`${ARN}+${ROLE}`, { context, awsProfile: "prod" });
  assert.is(key?.id, `${ARN}+${ROLE}|a:1,b:3|prod`);
  assert.equal(plain(key!.fields), { arn: ARN, aws_profile: "prod", context, role: ROLE });
  assert.is(kms.parse(ARN, { context })[0]?.id, `${ARN}|a:1,b:3`);
  assert.is(kms.parse(ARN, { awsProfile: "prod" })[0]?.id, `${ARN}||prod`);
  assert.is(parseEncryptionContext(""), undefined);
  for (const text of ["a", "a:b:c", "a:b,", ":,x"]) {
    try {
      parseEncryptionContext(text);
      assert.unreachable(text);
    } catch (error) {
      assert.is((error as TsopsError).exitCode, 6);
    }
  }
});

test("the table", () => {
  assert.equal(
    KINDS.flatMap(({ sops }) => sops?.field ?? []),
    ["kms", "gcp_kms", "hckms", "azure_kv", "hc_vault", "pgp", "age"],
  );
  for (const kind of KINDS) assert.is(kindNamed(kind.name), kind);
});

test("what a key is called", () => {
  assert.is(describeKey({ kind: "kms", id: "arn:\u001b[2J", fields: new TreeMap() }), "AWS KMS arn:\\x1b[2J");
  const [long] = kindNamed("age").parse(goldenKey("agepq.pub").trim());
  assert.match(describeKey(long!), /^age age1pq1[a-z0-9]{33}…[a-z0-9]{16}$/);
});

test("the decryption order", () => {
  assert.equal(parseDecryptionOrder(""), ["age", "pgp"]);
  assert.equal(parseDecryptionOrder("pgp, age"), ["pgp", "age"]);
  assert.equal(parseDecryptionOrder("later-kind,kms"), ["later-kind", "kms"]);
  for (const text of ["age,age", "x,y,x", "pgp, pgp"]) {
    try {
      parseDecryptionOrder(text);
      assert.unreachable(text);
    } catch (error) {
      assert.is((error as TsopsError).exitCode, 112);
    }
  }
});

test("keys are tried by that order, and as they stand within it", () => {
  const keys = [
    ["kms", "1"],
    ["pgp", "2"],
    ["age", "3"],
    ["hc_vault", "4"],
    ["age", "5"],
    ["pgp", "6"],
  ].map(([kind, id]) => ({ kind: kind as "age", id: id!, fields: new TreeMap() }));
  const ids = (order: readonly string[]): string =>
    inDecryptionOrder(keys, order)
      .map((key) => key.id)
      .join("");
  assert.is(ids(["age", "pgp"]), "352614");
  assert.is(ids(["hc_vault", "x", "pgp"]), "426135");
  assert.is(ids([]), "123456");
});

test("no kind takes an identifier with a line break, a control character or a mark of direction", () => {
  for (const kind of KINDS) {
    for (const text of ["\n", "\x1b", "\x85", "\u2028", "\u202e", "\u2066"]) {
      assert.throws(
        () => kind.parse(`x${text}y`),
        (error: unknown) => error instanceof TsopsError,
        kind.name,
      );
    }
  }
  assert.throws(() => kms.parse(`${ARN}\n::x`), /control character/);
});

test.run();
