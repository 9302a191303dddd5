import { test } from "uvu";
import * as assert from "uvu/assert";
import { checkConfig } from "../../src/config/check.ts";
import type { Config } from "../../src/config/model.ts";
import { ALICE, ARN, BOB, CAROL, sopsrc, yaml } from "../support/config.ts";

/** `severity line:column message` of each finding; all have a hint. */
async function findings(config: Config): Promise<string[]> {
  const found = await checkConfig(config);
  for (const { hint, message } of found) assert.ok(hint, message);
  return found.map(({ severity, place, message }) => `${severity} ${place.line}:${place.column} ${message}`);
}

const rule = (...lines: string[]) => yaml(`creation_rules:\n  - ${lines.join("\n    ")}\n`);

test("nothing is said of what is fine", async () => {
  const config = await yaml(
    [
      "x-note: mine",
      `keys: [&alice ${ALICE}, &bob ${BOB}]`,
      "creation_rules:",
      "  - {path_regex: 'prod/.*\\.yaml$', age: [*alice, *bob], encrypted_regex: '^(data|stringData)$'}",
      "  - path_regex: ^dev/[^/]*\\.env$",
      "    shamir_threshold: 2",
      "    key_groups:",
      "      - age: [*alice]",
      "      - age: [*bob]",
      `      - age: [${CAROL}]`,
      "  - age: *alice",
      "stores: {yaml: {indent: 2}}",
    ].join("\n"),
  );
  assert.equal(await findings(config), []);
});

const MISTAKES: readonly (readonly [lines: string, findings: readonly string[]])[] = [
  ["pathregex: a\nage: A", ["warning 2:5 creation rule 1 has an unknown field, which has no effect"]],
  ["path_regex: a", ["warning 2:5 creation rule 1 names no key"]],
  [
    "path_regex: a(\nage: A",
    ["error 2:17 path_regex of creation rule 1 is not a valid regular expression: missing closing )"],
  ],
  [
    "path_regex: secrets/*.yaml\nage: A",
    ["warning 2:17 the pattern of creation rule 1 looks like a file pattern"],
  ],
  [
    "path_regex: ^/prod\nage: A",
    ["warning 2:17 the pattern of creation rule 1 only matches paths that begin with a slash"],
  ],
  ["age: [A, A]", ["warning 2:75 a key occurs twice in one group of creation rule 1"]],
  [
    "age: A\nencrypted_regex: '(?!a)'",
    [
      "warning 3:22 encrypted_regex of creation rule 1 is not a valid regular expression (invalid or unsupported Perl syntax): nothing is encrypted",
    ],
  ],
  [
    "age: A\nunencrypted_regex: '['",
    [
      "warning 3:24 unencrypted_regex of creation rule 1 is not a valid regular expression (missing closing ]): everything is encrypted",
    ],
  ],
  ["age: A\nencrypted_suffix: '['", []],
  ["age: age1x", ["error 2:10 age1x is not an age recipient"]],
  [
    "age: A\nshamir_threshold: 2",
    ["warning 3:5 shamir_threshold of creation rule 1 is 2, and there is one key group"],
  ],
  [
    "key_groups: [{age: [A]}, {age: [B]}]\nshamir_threshold: 3",
    ["error 3:5 shamir_threshold of creation rule 1 is 3, and it has 2 key groups"],
  ],
  [
    "key_groups: [{age: [A]}, {age: [B]}]\nshamir_threshold: 1",
    ["error 3:5 shamir_threshold of creation rule 1 is 1"],
  ],
  [
    "key_groups: [{age: [A]}, {age: [B]}]\nshamir_threshold: -1",
    ["error 3:5 shamir_threshold of creation rule 1 is -1"],
  ],
  ["key_groups: [{age: [A]}, {}]", ["warning 2:5 a key group of creation rule 1 has no key"]],
  ["key_groups: [{age: [B]}, {age: [A, B]}]", ["warning 2:162 a key is in two groups of creation rule 1"]],
  [
    "key_groups: [{age: [A], vault: [x]}]",
    ["warning 2:90 key group 1 of creation rule 1 has an unknown field, which has no effect"],
  ],
  ["key_groups: [{age: [A]}]\nage: B", ["warning 3:5 age of creation rule 1 has no effect"]],
  ["age: 5", ["error 2:10 age of creation rule 1 must be a text or a list, and this is a number"]],
];

test("each likely mistake is found, with its place", async () => {
  for (const [lines, expected] of MISTAKES) {
    const text = lines.replace(/\bA\b/g, ALICE).replace(/\bB\b/g, BOB);
    const found = await findings(await rule(...text.split("\n")));
    assert.is(found.length, expected.length, `${lines}: ${found}`);
    for (const [i, finding] of expected.entries()) assert.is(found[i]!.slice(0, finding.length), finding);
  }
});

test("the hint for an unknown field knows what was meant", async () => {
  const [finding] = await checkConfig(await rule("encrypted_regexp: a", `age: ${ALICE}`));
  assert.is(finding!.hint, "did you mean encrypted_regex?");
  const [other] = await checkConfig(await yaml("creationrules: []\n"));
  assert.is(other!.hint, "did you mean creation_rules?");
});

test("rules that are never reached", async () => {
  for (const all of ["path_regex: ''", "path_regex: .*", "path_regex: ^.*$", "mac_only_encrypted: false"]) {
    const config = await yaml(
      `creation_rules:\n  - {path_regex: a, age: ${ALICE}}\n  - {${all}, age: ${ALICE}}\n  - {path_regex: b, age: ${ALICE}}\n`,
    );
    assert.equal(await findings(config), [
      "warning 4:5 creation rule 3 is never reached: creation rule 2 takes its files",
    ]);
  }
  const twice = await yaml(
    `creation_rules:\n  - {path_regex: a, age: ${ALICE}}\n  - {path_regex: b, age: ${ALICE}}\n  - {path_regex: a, age: ${ALICE}}\n`,
  );
  assert.equal(await findings(twice), [
    "warning 4:5 creation rule 3 is never reached: creation rule 1 takes its files",
  ]);
});

test("destinations", async () => {
  const config = await yaml(
    "destination_rules:\n  - {s3_bucket: a, path_regex: 'a('}\n  - {s3_bucket: a, gcs_bucket: b}\n  - {s3_bucket: c}\n",
  );
  assert.equal(await findings(config), [
    "error 2:32 path_regex of destination rule 1 is not a valid regular expression: missing closing )",
    "error 3:5 destination rule 2 has 2 destinations",
    "warning 4:5 destination 3 is never reached: destination 2 takes its files",
  ]);
});

test("recreation rules of destinations", async () => {
  const config = await yaml(
    `destination_rules:\n  - {path_regex: ^v, vault_path: v, recreation_rule: {age: ${ALICE}}}\n` +
      `  - {s3_bucket: a, recreation_rule: {age: ${ALICE}, encrypted_regex: 'a('}}\n`,
  );
  assert.equal(await findings(config), [
    "warning 2:54 the recreation rule of destination 1 has no effect",
    "warning 3:124 encrypted_regex of the recreation rule of destination 2 is not a valid regular expression (missing closing )): nothing is encrypted",
  ]);
});

test("all mistakes of one file, in its order", async () => {
  const config = await yaml("stores: 5\ncreation_rules:\n  - age: {a: 1}\n    shamir_threshold: x\n  - 7\n");
  assert.equal(
    (await findings(config)).map((finding) => finding.slice(0, 10)),
    ["error 1:9 ", "error 3:10", "error 4:23", "error 5:5 "],
  );
});

test("a .sopsrc: two names for one key, a malformed key that no rule uses", async () => {
  const config = await sopsrc(`{
    keys: { alice: "age:${ALICE}", alicia: "age:${ALICE}", broken: "age:age1x", aws: "awskms://${ARN}" },
    rules: [{ recipients: ["aws"] }],
  }`);
  const found = await findings(config);
  assert.is(found.length, 2);
  assert.match(found[0]!, /^warning 2:90 alicia and alice are the same key/);
  assert.match(found[1]!, /^error 2:\d+ age1x is not an age recipient/);
});

test.run();
