import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { TsopsError } from "../../src/errors.ts";
import { Time } from "../../src/formats/scalar.ts";
import { type Tree, TreeList, TreeMap } from "../../src/formats/tree.ts";
import { GROUP_FIELDS, groupsFromMetadata, groupsToMetadata } from "../../src/keys/metadata.ts";
import { GOLDEN, sopsTreeOf } from "../support/keys/contexts.ts";

const CREATED = "2025-01-02T03:04:05Z";
const map = (fields: Record<string, Tree>): TreeMap => TreeMap.of(Object.entries(fields));
const list = (...items: Tree[]): TreeList => new TreeList(items);
const age = (id: string): TreeMap => map({ enc: "e", recipient: id });
const pgp = (id: string): TreeMap => map({ created_at: CREATED, enc: "e", fp: id });

const ALL = {
  age: list(age("age1x")),
  azure_kv: list(map({ created_at: CREATED, enc: "e", name: "n", vault_url: "https://v", version: "1" })),
  gcp_kms: list(map({ created_at: CREATED, enc: "e", resource_id: "projects/p" })),
  hc_vault: list(
    map({ created_at: CREATED, enc: "e", engine_path: "t", key_name: "k", vault_address: "https://v" }),
  ),
  hckms: list(map({ created_at: CREATED, enc: "e", key_id: "r:u" })),
  kms: list(map({ arn: "arn:a", aws_profile: "", created_at: CREATED, enc: "e" })),
  pgp: list(pgp("ABC")),
};

test("every kind, in the order of a group that is loaded", () => {
  const { groups, threshold } = groupsFromMetadata(map(ALL));
  assert.is(threshold, 0);
  assert.equal(
    groups.map((group) => group.map((key) => key.id)),
    [["arn:a", "projects/p", "r:u", "https://v/keys/n/1", "https://v/v1/t/keys/k", "ABC", "age1x"]],
  );
  assert.equal(groupsToMetadata(groups, threshold), map(ALL));
});

test("key groups: age and hc_vault are always there, and the threshold", () => {
  const sops = map({
    key_groups: list(
      map({ age: list(age("age1x"), age("age1y")), hc_vault: list() }),
      map({ age: list(), hc_vault: list(), pgp: list(pgp("ABC")) }),
    ),
    shamir_threshold: 2n,
  });
  const { groups, threshold } = groupsFromMetadata(sops);
  assert.equal(
    groups.map((group) => group.map((key) => key.id)),
    [["age1x", "age1y"], ["ABC"]],
  );
  assert.is(threshold, 2);
  assert.equal(groupsToMetadata(groups, 2), sops);
  assert.equal(groupsToMetadata(groups, 0), sops, "the number that all of them means is written");
});

test("a threshold of one group is written, none is not", () => {
  const { groups } = groupsFromMetadata(map({ age: list(age("age1x")) }));
  assert.equal(groupsToMetadata(groups, 2), map({ age: list(age("age1x")), shamir_threshold: 2n }));
  assert.equal(groupsToMetadata(groups, 0), map({ age: list(age("age1x")) }));
});

test("keys at the top win over key groups", () => {
  const sops = map({ age: list(age("age1x")), key_groups: list(map({ age: list(age("age1y")) })) });
  assert.equal(
    groupsFromMetadata(sops).groups.map((group) => group.map((key) => key.id)),
    [["age1x"]],
  );
});

test("read weakly: text and numbers for the threshold, one map for a list of one", () => {
  const keys = { age: age("age1x") };
  for (const [value, threshold] of [
    [2n, 2],
    ["2", 2],
    [2, 2],
    ["", 0],
    [null, 0],
  ] as const) {
    assert.is(groupsFromMetadata(map({ ...keys, shamir_threshold: value })).threshold, threshold);
  }
  assert.is(
    groupsFromMetadata(map({ ...keys, pgp: map({}), kms: null, hc_vault: list() })).groups[0]!.length,
    1,
  );
  assert.is(
    groupsFromMetadata(map({ pgp: list(map({ created_at: CREATED, enc: "e", fp: 12345678n })) }))
      .groups[0]![0]!.id,
    "12345678",
  );
});

test("fields that nobody knows are kept", () => {
  const entry = map({ enc: "e", future: map({ a: 1n }), recipient: "age1x" });
  const { groups } = groupsFromMetadata(map({ age: list(entry) }));
  assert.equal(groupsToMetadata(groups, 0), map({ age: list(entry) }));
});

test("metadata that cannot be read, with SOPS's exit code", () => {
  const bad: [string, TreeMap, RegExp][] = [
    ["no key", map({}), /no keys found in it/],
    ["no group", map({ key_groups: list() }), /no keys found in it/],
    ["a text for a list", map({ age: "age1x" }), /an entry of its age is not a map/],
    ["a text for a group", map({ key_groups: list("x") }), /an entry of its key_groups is not a map/],
    ["no recipient", map({ age: list(map({ enc: "e" })) }), /an age key in it has no recipient/],
    ["no created_at", map({ pgp: list(map({ enc: "e", fp: "x" })) }), /a PGP key in it has no created_at/],
    [
      "a bad created_at",
      map({ pgp: list(map({ created_at: "today", enc: "e", fp: "x" })) }),
      /not a time in RFC 3339/,
    ],
    [
      "a created_at without quotes",
      map({ pgp: list(map({ created_at: Time.parse(CREATED)!, enc: "e", fp: "x" })) }),
      /a date that is not in quotes/,
    ],
    ["a map for a text", map({ age: list(map({ enc: "e", recipient: map({}) })) }), /is not a text/],
    [
      "a bad threshold",
      map({ age: list(age("age1x")), shamir_threshold: "two" }),
      /shamir_threshold is not a number/,
    ],
    [
      "a bad Huawei key",
      map({ hckms: list(map({ created_at: CREATED, key_id: "x" })) }),
      /not region:key-uuid/,
    ],
  ];
  for (const [name, sops, reason] of bad) {
    try {
      groupsFromMetadata(sops);
      assert.unreachable(name);
    } catch (error) {
      assert.instance(error, TsopsError, name);
      assert.match((error as TsopsError).message, reason, name);
      assert.is((error as TsopsError).exitCode, 1, name);
    }
  }
});

test("what SOPS wrote comes back as it was", () => {
  let count = 0;
  for (const folder of readdirSync(GOLDEN)) {
    if (!/^keys-.*/.test(folder)) continue;
    for (const name of readdirSync(join(GOLDEN, folder, "in"))) {
      if (!/^golden\.enc\.(yaml|json|bin)$/.test(name)) continue;
      const sops = sopsTreeOf(join(GOLDEN, folder, "in", name));
      const { groups, threshold } = groupsFromMetadata(sops);
      const expected = new TreeMap(sops.entries().filter(({ key }) => GROUP_FIELDS.includes(key)));
      assert.equal(groupsToMetadata(groups, threshold), expected, folder);
      count++;
    }
  }
  assert.ok(count >= 10);
});

test.run();
