import * as fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ruleGroups } from "../../src/config/groups.ts";
import { creationRule } from "../../src/config/match.ts";
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
  sopsrc,
} from "../support/config.ts";

test("names, groups and URIs become the keys of rules", async () => {
  const config = await sopsrc(`{
    keys: { alice: "age:${ALICE}", bob: "age:${BOB}", card: "pgp:${FINGERPRINT}" },
    groups: { team: ["alice", "bob"], all: ["team", "card", "alice"] },
    rules: [
      { path: "^prod/", recipients: "all" },
      { glob: "*.json", recipients: ["bob", "age:${CAROL}", "hashivault://vault:8200/v1/transit/keys/k"] },
      { key_groups: ["team", ["card", "hckms:tr-west-1:abc"]], shamir_threshold: 2 },
    ],
  }`);
  assert.equal(config.errors, []);
  assert.equal(keysOf(config), [
    [[`age ${ALICE}`, `age ${BOB}`, `pgp ${FINGERPRINT}`]],
    [[`age ${BOB}`, `age ${CAROL}`, "hc_vault https://vault:8200/v1/transit/keys/k"]],
    [
      [`age ${ALICE}`, `age ${BOB}`],
      [`pgp ${FINGERPRINT}`, "hckms tr-west-1:abc"],
    ],
  ]);
  assert.is(config.rules![2]!.threshold, 2);
  assert.equal([...config.groups.keys()], ["team", "all"]);
  assert.equal(
    config.names.map(({ name, key, place }) => [name, key.id, place.line]),
    [
      ["alice", ALICE, 2],
      ["bob", BOB, 2],
      ["card", FINGERPRINT, 2],
    ],
  );
});

test("an AWS key with role, profile and context", async () => {
  const config = await sopsrc(`{
    keys: { aws: { uri: "awskms:///${ARN}", role: "${ROLE}", profile: "prod", context: { app: "shop" } } },
    rules: [{ recipients: "aws" }],
  }`);
  assert.equal(config.errors, []);
  const [keys] = ruleGroups(config.rules![0]!);
  assert.equal(
    keys!.map(({ id }) => id),
    [`${ARN}+${ROLE}|app:shop|prod`],
  );
});

test("selectors, stores, seal, allow and destinations", async () => {
  const config = await sopsrc(`{
    rules: [{ recipients: "age:${ALICE}", encrypted_comment_regex: "secret", mac_only_encrypted: true }],
    stores: { yaml: { indent: 2 }, json: { indent: 0 }, json_binary: { indent: 3 } },
    seal: false,
    allow: { vault: ["https://a"], azure: ["https://b"], aws_role: ["c"], aws_profile: ["d"], keywhiz: ["e"], cluster: ["f"], plugin: ["g"] },
    destinations: [
      { path: "^v", vault_path: "x/", vault_kv_version: 1, omit_extensions: true },
      { azure_account: "acc", azure_container: "c", azure_prefix: "p/" },
      { azure_url: "http://127.0.0.1:10000/acc/", azure_container: "c" },
      { folder: "out/published" },
      { gcs_bucket: "b", gcs_prefix: "p/", recreation_rule: { recipients: "age:${BOB}", encrypted_suffix: "_s" } },
    ],
  }`);
  assert.equal(config.errors, []);
  const [rule] = config.rules!;
  assert.equal(
    rule!.selectors.map(({ kind, value }) => [kind, value]),
    [["encrypted_comment_regex", "secret"]],
  );
  assert.is(rule!.macOnlyEncrypted, true);
  assert.equal(config.stores, { yaml: 2, json: 0, jsonBinary: 3 });
  assert.is(config.seal, false);
  assert.equal(config.allow, {
    vault: ["https://a"],
    azure: ["https://b"],
    azureStorage: [],
    awsRole: ["c"],
    awsProfile: ["d"],
    keywhiz: ["e"],
    cluster: ["f"],
    plugin: ["g"],
  });
  const [vault, azure, emulator, folder, google] = config.destinations;
  assert.equal(azure!.azure, {
    url: "https://acc.blob.core.windows.net",
    container: "c",
    prefix: "p/",
  });
  assert.equal(emulator!.azure, { url: "http://127.0.0.1:10000/acc", container: "c", prefix: "" });
  assert.is(folder!.folder, "/repo/out/published");
  assert.equal(vault!.vault, { address: "", path: "x/", mount: "", version: 1 });
  assert.is(vault!.omitExtensions, true);
  assert.equal(vault!.recreation.groups, [[]]);
  assert.equal(google!.gcs, { bucket: "b", prefix: "p/" });
  assert.is(google!.recreation.groups[0]![0]!.id, BOB);
  assert.is(google!.recreation.selectors[0]!.kind, "encrypted_suffix");
});

test("an empty one is fine, and means no rules", async () => {
  const config = await sopsrc("{}");
  assert.equal(config.errors, []);
  assert.is(config.rules, undefined);
  assert.is(config.seal, true);
});

const WRONG: readonly (readonly [text: string, error: string, hint?: RegExp])[] = [
  ["{ rule: [] }", "1:3 the file has an unknown field", /did you mean rules\?/],
  ["{ rules: {} }", "1:10 rules must be a list, and this is a map"],
  [
    "{\n  rules: [\n    { recipient: 'age:x' },\n  ],\n}",
    "3:7 item 1 of rules has an unknown field",
    /did you mean recipients/,
  ],
  ["{ rules: [{}] }", "1:11 item 1 of rules has no recipients and no key_groups"],
  ["{ rules: [{ recipients: [] }] }", "1:25 recipients of item 1 of rules is empty"],
  [
    "{ rules: [{ recipients: 5 }] }",
    "1:25 recipients of item 1 of rules must be a text or a list, and this is a number",
  ],
  [
    "{ rules: [{ recipients: ['a'] }] }",
    "1:26 the recipients of rule 1: no key and no group has that name",
    /add it to keys/,
  ],
  [
    "{ rules: [{ name: 'x', recipients: ['a'] }] }",
    "1:37 the recipients of rule 1 (x): no key and no group has that name",
  ],
  [
    `{ rules: [{ recipients: ['${ALICE}'] }] }`,
    "1:26 the recipients of rule 1: no key and no group has that name",
    /write age: before/,
  ],
  [
    `{ rules: [{ recipients: ['${FINGERPRINT}'] }] }`,
    "1:26 the recipients of rule 1: no key and no group has that name",
    /write pgp:/,
  ],
  [
    "{ rules: [{ recipients: ['http://a'] }] }",
    "1:26 the recipients of rule 1: this is not the URI of a key",
    /awskms:\/\/…/,
  ],
  ["{ rules: [{ recipients: ['age:a,b'] }] }", "1:26 the recipients of rule 1: this is more than one key"],
  [
    "{ rules: [{ recipients: 'pgp:A', path: 'a', glob: 'b' }] }",
    "1:45 item 1 of rules has both path and glob",
  ],
  [
    "{ rules: [{ recipients: 'pgp:A', key_groups: ['pgp:A'] }] }",
    "1:34 item 1 of rules has both recipients and key_groups",
  ],
  [
    "{ rules: [{ recipients: 'pgp:A', encrypted_suffix: 'a', encrypted_regex: 'b' }] }",
    "1:57 item 1 of rules has both encrypted_suffix and encrypted_regex",
  ],
  [
    "{ rules: [{ recipients: 'pgp:A', shamir_threshold: 1 }] }",
    "1:52 shamir_threshold of item 1 of rules must be 2 to 255",
  ],
  [
    "{ rules: [{ recipients: 'pgp:A', shamir_threshold: 2 }] }",
    "1:52 the threshold of rule 1 is 2, and it has one key group",
  ],
  [
    "{ rules: [{ recipients: 'pgp:A', glob: 'a[' }] }",
    "1:40 a glob of rule 1 is not valid: a `[` is not closed",
  ],
  ["{ rules: [{ recipients: 'pgp:A', path: '' }] }", "1:40 path of item 1 of rules is empty"],
  ["{ seal: 'no' }", "1:9 seal must be true or false, and this is a text"],
  ["{ keys: { 'a:b': 'pgp:A' } }", "1:12 a name in keys is not valid", /no colon/],
  ["{ keys: { a: 'pgp:A' }, groups: { a: ['pgp:B'] } }", "1:35 a key and a group are both called a"],
  ["{ groups: { a: ['b'], b: ['a'] } }", "1:27 group a holds itself"],
  ["{ keys: { a: { uri: 'pgp:A', role: 'x' } } }", "1:14 key a is not one of AWS KMS"],
  ["{ keys: { a: { role: 'x' } } }", "1:14 a in keys has no uri"],
  [
    "{ destinations: [{ s3_bucket: 'a', gcs_bucket: 'b' }] }",
    "1:36 item 1 of destinations has both s3_bucket and gcs_bucket",
  ],
  [
    "{ destinations: [{ path: 'a' }] }",
    "1:18 item 1 of destinations has no s3_bucket and no gcs_bucket and no vault_path and no azure_container and no folder",
  ],
  [
    "{ destinations: [{ azure_container: 'a' }] }",
    "1:18 destination 1 has azure_container without an account",
    /azure_account or azure_url/,
  ],
  [
    "{ destinations: [{ azure_container: 'a', azure_account: 'my.account' }] }",
    "1:18 azure_account of destination 1 is not the name of a storage account",
  ],
  [
    "{ destinations: [{ azure_container: 'a', azure_url: 'https://a.example.com?sig=s3cret' }] }",
    "1:18 azure_url of destination 1 is not the address of a storage account",
    /AZURE_STORAGE_SAS_TOKEN/,
  ],
  ["{ seal: true, seal: true }", "1:15 a field of the file occurs twice"],
  ["{ seal: null }", "1:9 seal must be true or false, and this is null"],
];

test("what is wrong is said with its place and with what to do", async () => {
  for (const [text, error, hint = /./] of WRONG) {
    const config = await sopsrc(text);
    assert.is(config.errors.map(shown)[0], error, text);
    assert.match(config.errors[0]!.hint!, hint);
    const thrown = await failure(creationRule(config, "/repo/x"));
    assert.is(thrown.exitCode, 1);
  }
});

test("all mistakes are found at once, and the first one says so", async () => {
  const config = await sopsrc("{ seal: 1, stores: [], allow: { vault: 'x' } }");
  assert.is(config.errors.length, 3);
  const error = await failure(creationRule(config, "/repo/x"));
  assert.match(error.hint!, /config check` shows 2 more/);
});

test("text that is not JSON5 says where", async () => {
  for (const text of ["", "{", "{ a: }", "[]", "5", "{ a: 1 } x"]) {
    const error = await failure(sopsrc(text));
    assert.is(error.code, "config");
    assert.is(error.place?.file, "/repo/.sopsrc");
    assert.match(shown(error), /^\d+:\d+ ./, text);
  }
});

test("a .sopsrc without its braces gets advice for a configuration, not for a file to encrypt", async () => {
  for (const text of ["[]", "rules: []", "// a comment\nkeys: {}"]) {
    const { message, hint } = await failure(sopsrc(text));
    assert.is(message, "the configuration cannot be read: it is not an object");
    assert.is(hint, "put everything between { and }");
  }
});

test("names like __proto__ are names", async () => {
  const config = await sopsrc(`{
    keys: { __proto__: "age:${ALICE}", constructor: "age:${BOB}" },
    groups: { toString: ["__proto__", "constructor"] },
    rules: [{ recipients: "toString" }],
  }`);
  assert.equal(config.errors, []);
  assert.equal(keysOf(config), [[[`age ${ALICE}`, `age ${BOB}`]]]);
  assert.is((await sopsrc("{ rules: [{ recipients: 'hasOwnProperty' }] }")).errors.length, 1);
});

test("an identity in place of a recipient stays out of every message", async () => {
  const secret = "AGE-SECRET-KEY-1QQQQQQQQQQQQQQQ";
  const texts = [
    `{ rules: [{ recipients: "${secret}" }] }`,
    `{ rules: [{ recipients: "age:${secret}" }] }`,
    `{ keys: { a: "${secret}" }, rules: [{ recipients: "a" }] }`,
    `{ keys: { a: "age:${secret}" }, rules: [{ recipients: "a" }] }`,
    `{ keys: "${secret}" }`,
  ];
  for (const text of texts) {
    const error = await failure(
      (async () => ruleGroups((await creationRule(await sopsrc(text), "/repo/x"))!))(),
    );
    assert.not.match(`${error.message} ${error.hint}`, /SECRET|QQQ/);
  }
});

test("groups within groups: a bomb is small, a chain without end is refused", async () => {
  const doubled = Array.from({ length: 60 }, (_, i) => `g${i + 1}: ["g${i}", "g${i}"]`).join(", ");
  const bomb = await sopsrc(
    `{ groups: { g0: ["pgp:A", "pgp:B"], ${doubled} }, rules: [{ recipients: "g60" }] }`,
  );
  assert.equal(bomb.errors, []);
  assert.equal(keysOf(bomb), [[["pgp A", "pgp B"]]]);
  const links = Array.from({ length: 5000 }, (_, i) => `g${i}: ["g${i + 1}"]`).join(", ");
  const chain = await sopsrc(`{ groups: { ${links}, g5000: ["pgp:A"] }, rules: [{ recipients: "g0" }] }`);
  assert.match(chain.errors[0]!.message, /more than 100 levels deep/);
});

test("any text gives a configuration or a TsopsError with place and hint", async () => {
  const words = [
    "keys",
    "groups",
    "rules",
    "recipients",
    "path",
    "glob",
    "key_groups",
    ": ",
    ",",
    "{",
    "}",
    "[",
    "]",
    "\n",
  ];
  const more = [
    "'a'",
    '"pgp:A"',
    "5",
    "null",
    "true",
    "//",
    "/*",
    "destinations",
    "s3_bucket",
    "$schema",
    " ",
    "'",
  ];
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.array(fc.constantFrom(...words, ...more), { maxLength: 40 }).map((parts) => `{${parts.join("")}}`),
  );
  await fc.assert(
    fc.asyncProperty(text, async (source) => {
      const errors: unknown[] = [];
      try {
        errors.push(...(await sopsrc(source)).errors);
      } catch (error) {
        errors.push(error);
      }
      for (const error of errors) assert.match(shown(error), /^\d+:\d+ ./);
    }),
    { numRuns: 500 },
  );
});

test.run();
