import * as fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ruleGroups } from "../../src/config/groups.ts";
import { creationRule } from "../../src/config/match.ts";
import { TsopsError } from "../../src/errors.ts";
import {
  ALICE,
  ARN,
  BOB,
  CAROL,
  FINGERPRINT,
  failure,
  keysOf,
  ROLE,
  shown,
  yaml,
} from "../support/config.ts";
import { assertLinear } from "../support/pace.ts";

/** A creation rule with these fields, and nothing else. */
const rule = (...lines: string[]) => yaml(`creation_rules:\n  - ${lines.join("\n    ")}\n`);

test("a file without anything is no error, and has no rules", async () => {
  for (const text of [
    "",
    "\n",
    "# just a comment\n",
    "---\n",
    "---\n...\n",
    "~\n",
    "{}",
    "creation_rules:\n",
  ]) {
    const config = await yaml(text);
    assert.equal(config.errors, [], JSON.stringify(text));
    assert.is(config.rules, undefined, JSON.stringify(text));
  }
  // an empty list is one that nothing matches
  assert.equal((await yaml("creation_rules: []\n")).rules, []);
});

test("keys in SOPS's order, from texts with commas, folded texts and lists", async () => {
  const config = await rule(
    "hc_vault_transit_uri: https://vault:8200/v1/transit/keys/k",
    "azure_keyvault: [https://v.vault.azure.net/keys/k/1]",
    "hckms: ['tr-west-1:abc']",
    "gcp_kms: projects/p/locations/l/keyRings/r/cryptoKeys/k",
    `kms: ${ARN}+${ROLE}`,
    `pgp: ${FINGERPRINT},`,
    "age: >-",
    `  ${ALICE},`,
    `  ${BOB}`,
  );
  assert.equal(config.errors, []);
  assert.equal(keysOf(config), [
    [
      [
        `age ${ALICE}`,
        `age ${BOB}`,
        `pgp ${FINGERPRINT}`,
        `kms ${ARN}+${ROLE}`,
        "gcp_kms projects/p/locations/l/keyRings/r/cryptoKeys/k",
        "hckms tr-west-1:abc",
        "azure_kv https://v.vault.azure.net/keys/k/1",
        "hc_vault https://vault:8200/v1/transit/keys/k",
      ],
    ],
  ]);
});

test("a list's items may have commas; one empty text is no key", async () => {
  assert.equal(keysOf(await rule(`age: ["${ALICE}, ${BOB}"]`)), [[[`age ${ALICE}`, `age ${BOB}`]]]);
  assert.equal(keysOf(await rule('age: [""]')), [[[]]]);
  assert.equal(keysOf(await rule('age: " , "')), [[[]]]);
});

test("key groups: merged groups come first, and a key counts once in a group", async () => {
  const config = await rule(
    "key_groups:",
    "  - merge:",
    `      - age: [${ALICE}]`,
    `      - age: [${BOB}]`,
    `        merge: [{pgp: [${FINGERPRINT}]}]`,
    `    age: [${CAROL}, ${ALICE}]`,
    "  - hc_vault: [https://vault:8200/v1/transit/keys/k]",
    "    azure_keyvault: [{vaultUrl: https://v.vault.azure.net, key: k, version: 01}]",
    "    gcp_kms: [{resource_id: projects/p}]",
    "    hckms: [{key_id: 'tr-west-1:abc'}]",
    `    kms: [{arn: '${ARN}', role: '${ROLE}', aws_profile: prod, context: {b: 1, a: yes}}]`,
    "shamir_threshold: 2",
  );
  assert.equal(config.errors, []);
  const [only] = config.rules!;
  assert.is(only!.threshold, 2);
  assert.equal(
    ruleGroups(only!).map((group) => group.map(({ kind, id }) => `${kind} ${id}`)),
    [
      [`age ${ALICE}`, `pgp ${FINGERPRINT}`, `age ${BOB}`, `age ${CAROL}`],
      [
        `kms ${ARN}+${ROLE}|a:yes,b:1|prod`,
        "gcp_kms projects/p",
        "hckms tr-west-1:abc",
        "azure_kv https://v.vault.azure.net/keys/k/01",
        "hc_vault https://vault:8200/v1/transit/keys/k",
      ],
    ],
  );
});

test("outside key_groups a key that stands twice counts twice, and aws_profile is for all KMS keys", async () => {
  const config = await rule(`age: [${ALICE}, ${ALICE}]`, `kms: ${ARN},${ARN}`, "aws_profile: prod");
  const ids = ruleGroups(config.rules![0]!)[0]!.map(({ id }) => id);
  assert.equal(ids, [ALICE, ALICE, `${ARN}||prod`, `${ARN}||prod`]);
});

test("with key_groups the other keys of a rule do not count", async () => {
  const config = await rule("key_groups:", `  - age: [${ALICE}]`, `age: ${BOB}`, "pgp: ABCD");
  assert.equal(keysOf(config), [[[`age ${ALICE}`]]]);
  assert.equal(
    config.rules![0]!.ignored.map(({ name, place }) => [name, place.line]),
    [
      ["age", 4],
      ["pgp", 5],
    ],
  );
});

test("anchors, aliases and merges work as in Go's YAML, and anchors are names", async () => {
  const config = await yaml(
    [
      "keys:",
      `  - &alice ${ALICE}`,
      `  - &bob "${BOB}"`,
      "defaults: &defaults",
      "  encrypted_suffix: &suffix 0x1F",
      "  mac_only_encrypted: yes",
      `  age: ${CAROL}`,
      "others: &others",
      "  shamir_threshold: 3",
      "  mac_only_encrypted: false",
      "creation_rules:",
      "  - <<: [*defaults, *others]",
      "    age: [*alice, *bob]",
      "  - <<: *others",
      "    age:",
      "    unencrypted_suffix: *suffix",
    ].join("\n"),
  );
  assert.equal(config.errors, []);
  // the field of its own wins, then the first merge; texts are taken as they are spelled
  assert.equal(keysOf(config), [[[`age ${ALICE}`, `age ${BOB}`]], [[]]]);
  const [first, second] = config.rules!;
  assert.is(first!.macOnlyEncrypted, true);
  assert.is(first!.threshold, 3);
  assert.equal(
    [first, second].map((one) => one!.selectors.map(({ kind, value }) => `${kind} ${value}`)),
    [["encrypted_suffix 0x1F"], ["unencrypted_suffix 0x1F"]],
  );
  assert.equal(
    config.names.map(({ name, key }) => [name, key.id]),
    [
      ["alice", ALICE],
      ["bob", BOB],
    ],
  );
  // the lists that anchors live in are not mistakes
  assert.equal(
    config.unknown.map(({ name }) => name),
    [],
  );
});

test("weak types, as Go's YAML has them", async () => {
  const config = await yaml(
    [
      "creation_rules:",
      "  -",
      "  - path_regex: 1.10",
      "    shamir_threshold: 2.9",
      "    mac_only_encrypted: 'on'",
      "    unencrypted_regex: null",
      "stores:",
      "  yaml: {indent: 0x2}",
      "  json: {indent: 0}",
      "  json_binary:",
    ].join("\n"),
  );
  assert.equal(config.errors, []);
  assert.is(config.rules!.length, 1);
  const [only] = config.rules!;
  assert.is(only!.pattern?.text, "1.10");
  assert.is(only!.threshold, 2);
  assert.is(only!.macOnlyEncrypted, true);
  assert.equal(only!.selectors, []);
  assert.equal(config.stores, { yaml: 2, json: 0, jsonBinary: undefined });
});

test("only the first document counts", async () => {
  assert.is((await yaml(`creation_rules:\n  - age: ${ALICE}\n---\ncreation_rules: 5\n`)).rules!.length, 1);
});

const WRONG: readonly (readonly [text: string, error: string])[] = [
  ["creation_rules: 5\n", "1:17 creation_rules must be a list, and this is a number"],
  ["creation_rules:\n  a: 1\n", "2:3 creation_rules must be a list, and this is a map"],
  ["creation_rules:\n  - a\n", "2:5 creation rule 1 must be a map, and this is a text"],
  [
    "creation_rules:\n  - path_regex: [a]\n",
    "2:17 path_regex of creation rule 1 must be a text, and this is a list",
  ],
  ["creation_rules:\n  - hckms: a:b\n", "2:12 hckms of creation rule 1 must be a list, and this is a text"],
  [
    "creation_rules:\n  - key_groups:\n    - age: x\n",
    "3:12 age of key group 1 of creation rule 1 must be a list, and this is a text",
  ],
  [
    "creation_rules:\n  - key_groups:\n    - age: [[x]]\n",
    "3:13 age of key group 1 of creation rule 1 must be a list of texts, and this item is a list",
  ],
  [
    "creation_rules:\n  - key_groups: [[]]\n",
    "2:18 key group 1 of creation rule 1 must be a map, and this is a list",
  ],
  [
    "creation_rules:\n  - shamir_threshold: '2'\n",
    "2:23 shamir_threshold of creation rule 1 must be a whole number, and this is a text",
  ],
  [
    "creation_rules:\n  - mac_only_encrypted: 1\n",
    "2:25 mac_only_encrypted of creation rule 1 must be true or false, and this is a number",
  ],
  ["stores:\n  json: {indent: x}\n", "2:18 stores.json.indent must be a whole number, and this is a text"],
  [
    "destination_rules:\n  - s3_bucket: {}\n",
    "2:16 s3_bucket of destination rule 1 must be a text, and this is a map",
  ],
  ["stores:\n  yaml: {indent: -1}\n", "2:18 stores.yaml.indent is negative"],
];

test("what has the wrong type stops everything, with its place", async () => {
  for (const [text, error] of WRONG) {
    const config = await yaml(text);
    assert.equal(config.errors.map(shown), [error]);
    const thrown = await failure(creationRule(config, "/repo/a.yaml"));
    assert.is(shown(thrown), error);
    assert.is(thrown.exitCode, 1);
  }
});

test("YAML that is broken says where", async () => {
  const error = await failure(yaml("creation_rules: [\n"));
  assert.is(error.code, "config");
  assert.is(error.exitCode, 1);
  assert.is(error.place?.file, "/repo/.sops.yaml");
  assert.type(error.place?.line, "number");
  assert.type(error.place?.column, "number");
  assert.equal((await failure(yaml("a: 1\na: 2\n"))).place, { line: 2, column: 1, file: "/repo/.sops.yaml" });
});

const BROKEN_RULES: readonly (readonly [rule: string, error: string])[] = [
  ["age: 5", "3:10 age of creation rule 2 must be a text or a list, and this is a number"],
  ["age: [5]", "3:11 age of creation rule 2 must be a list of texts, and this item is a number"],
  ["age: [null]", "3:11 age of creation rule 2 must be a list of texts, and this item is null"],
  [`age: [${ALICE}, ""]`, "3:75 a key in age of creation rule 2 is empty"],
  ["key_groups: [{kms: [{role: x}]}]", "3:25 a key in kms of key group 1 of creation rule 2 has no arn"],
  [
    "key_groups: [{kms: [{arn: x, context: {a: }}]}]",
    "3:44 a in the encryption context of a key in key group 1 of creation rule 2 is null",
  ],
  [
    "unencrypted_suffix: a\n    encrypted_regex: b",
    "4:22 creation rule 2 has unencrypted_suffix and encrypted_regex, and only one of them may be there",
  ],
];

test("a broken rule stops its own files only", async () => {
  for (const [text, error] of BROKEN_RULES) {
    const config = await yaml(`creation_rules:\n  - {path_regex: ok, age: ${ALICE}}\n  - ${text}\n`);
    assert.equal(config.errors, []);
    assert.is((await creationRule(config, "/repo/ok.yaml"))?.number, 1);
    const thrown = await failure(creationRule(config, "/repo/other.yaml"));
    assert.is(shown(thrown), error);
    assert.is(thrown.exitCode, 1);
  }
});

test("a malformed key is an error with the place of the key", async () => {
  const config = await rule("age:", `  - ${ALICE}`, "  - age1nonsense");
  const error = await failure((async () => ruleGroups(config.rules![0]!))());
  assert.is(error.code, "config");
  assert.is(error.place?.line, 4);
  assert.is(error.place?.column, 9);
});

test("no message shows what stands in the file", async () => {
  const secret = "AGE-SECRET-KEY-1QQQQQQQQQQQQQQQ";
  const texts = [
    `creation_rules: ${secret}`,
    `creation_rules:\n  - ${secret}`,
    `creation_rules:\n  - {age: {a: ${secret}}}`,
    `creation_rules:\n  - age: ${secret}`,
    `creation_rules:\n  - key_groups: [{age: [${secret}]}]`,
    `creation_rules:\n  - shamir_threshold: ${secret}`,
    `a: [${secret}`,
  ];
  for (const text of texts) {
    try {
      const config = await yaml(text);
      for (const error of config.errors) throw error;
      ruleGroups((await creationRule(config, "/repo/x"))!);
      assert.unreachable(text);
    } catch (error) {
      assert.instance(error, TsopsError);
      assert.not.match(`${(error as TsopsError).message} ${(error as TsopsError).hint}`, /SECRET|QQQ/);
    }
  }
});

test("groups that merge each other without end are refused", async () => {
  const deep = `${"{merge: [".repeat(2000)}{}${"]}".repeat(2000)}`;
  try {
    const config = await yaml(`creation_rules:\n  - key_groups: [${deep}]\n`);
    assert.match(config.errors[0]!.message, /more than 100 levels deep/);
  } catch (error) {
    assert.instance(error, TsopsError);
  }
});

test("long lines cost what they are long", async () => {
  await assertLinear((length) => failure(yaml(`${" ".repeat(length)}x`)), 100_000);
  await assertLinear(async (count) => {
    const rules = Array.from({ length: count }, (_, i) => `{path_regex: x${i}, age: ${ALICE}}`).join(", ");
    const config = await yaml(`{creation_rules: [${rules}]}`);
    assert.is(config.rules!.at(-1)!.number, count);
  }, 500);
});

test("any text gives a configuration or a TsopsError with place and hint", async () => {
  const words = [
    "creation_rules",
    "age",
    "key_groups",
    "path_regex",
    "kms",
    "stores",
    "<<",
    ": ",
    "- ",
    "\n",
    "  ",
    "[",
    "]",
  ];
  const more = [
    "{",
    "}",
    ",",
    "&a ",
    "*a",
    "'",
    '"',
    "#",
    "|",
    ">-",
    "\t",
    "5",
    "null",
    "!!str ",
    "x",
    "merge",
    "\u{d8}",
    "---\n",
  ];
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.array(fc.constantFrom(...words, ...more), { maxLength: 40 }).map((parts) => parts.join("")),
  );
  await fc.assert(
    fc.asyncProperty(text, async (source) => {
      const errors: unknown[] = [];
      try {
        const config = await yaml(source);
        errors.push(...config.errors, ...(config.rules ?? []).flatMap((one) => one.errors));
        for (const one of config.rules ?? []) {
          try {
            ruleGroups(one);
          } catch (error) {
            errors.push(error);
          }
        }
      } catch (error) {
        errors.push(error);
      }
      for (const error of errors) assert.match(shown(error), /^\d+:\d+ ./);
    }),
    { numRuns: 500 },
  );
});

test.run();
