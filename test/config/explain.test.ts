import { test } from "uvu";
import * as assert from "uvu/assert";
import { explain, explanationLines } from "../../src/config/explain.ts";
import { ALICE, ARN, BOB, sopsrc, yaml } from "../support/config.ts";

const explanationText = (explanation: Parameters<typeof explanationLines>[0]): string =>
  `${explanationLines(explanation).join("\n")}\n`;

test("why a rule was chosen, and the others not", async () => {
  const config = await yaml(
    [
      "creation_rules:",
      `  - {path_regex: ^prod/, age: ${ALICE}}`,
      `  - {path_regex: '\\.env$', age: ${BOB}, encrypted_regex: ^a}`,
      `  - age: ${ALICE}`,
    ].join("\n"),
  );
  const explanation = await explain(config, "/repo/dev/x.env", "working folder");
  assert.equal(explanation.texts, ["dev/x.env"]);
  assert.equal(
    explanation.rules.map(({ matches, why }) => [matches, why]),
    [
      [false, "it does not match"],
      [true, "it matches"],
      [true, "it has no pattern, so it is for every file, but rule 2 comes first"],
    ],
  );
  assert.is(explanation.chosen?.number, 2);
  assert.is(
    explanationText(explanation),
    [
      "configuration: /repo/.sops.yaml (found from the working folder upwards)",
      "matched against: dev/x.env",
      "",
      "  rule 1, line 2: it does not match",
      "    path_regex: ^prod/",
      "→ rule 2, line 3: it matches",
      "    path_regex: \\.env$",
      "  rule 3, line 4: it has no pattern, so it is for every file, but rule 2 comes first",
      "",
      "encrypts values below keys that match ^a",
      "any one of these can decrypt:",
      `  age ${BOB}`,
      "",
    ].join("\n"),
  );
});

test("key groups and names of a .sopsrc", async () => {
  const config = await sopsrc(`{
    keys: { alice: "age:${ALICE}", aws: "awskms://${ARN}" },
    rules: [{ name: "all", glob: "*.yaml", key_groups: [["alice"], ["aws"]], mac_only_encrypted: true }],
    seal: false,
  }`);
  const lines = explanationText(await explain(config, "/repo/a.yaml")).split("\n");
  assert.equal(lines.slice(3), [
    "→ rule 1 (all), line 3: it matches",
    "    glob: *.yaml",
    "",
    "encrypts every value, except below keys that end with _unencrypted",
    "the MAC covers encrypted values only",
    "2 of these 2 key groups are needed to decrypt:",
    "  group 1:",
    `    age alice (${ALICE})`,
    "  group 2:",
    `    AWS KMS aws (${ARN})`,
    "without a seal",
    "",
  ]);
});

test("an invalid expression, and what encrypting would end with", async () => {
  const config = await yaml(
    `creation_rules:\n  - {path_regex: 'a(', age: ${ALICE}}\n  - {path_regex: b, age: 5}\n`,
  );
  const stopped = await explain(config, "/repo/b");
  assert.equal(
    stopped.rules.map(({ matches }) => matches),
    [undefined, true],
  );
  assert.match(stopped.problem!.message, /not a valid regular expression/);
  assert.match(
    explanationText(stopped),
    /! rule 1, line 2: .*\n.*\n→ rule 2[\s\S]*would stop \(line 2, column 18\)/,
  );
  const other = await explain(await yaml(`creation_rules:\n  - {path_regex: b, age: 5}\n`), "/repo/b");
  assert.match(other.problem!.message, /^age of creation rule 1/);
  const none = await explain(await yaml(`creation_rules:\n  - {path_regex: b, age: ${ALICE}}\n`), "/repo/a");
  assert.is(none.chosen, undefined);
  assert.is(none.problem!.message, "no creation rule matches");
});

test("a file without rules, a rule without keys", async () => {
  assert.match(
    explanationText(await explain(await yaml(""), "/repo/b")),
    /no creation rules: keys have to be named/,
  );
  const nobody = await explain(await yaml("creation_rules:\n  - path_regex: b\n"), "/repo/b");
  assert.match(explanationText(nobody), /for nobody: the rule names no key/);
});

test("control characters are shown, not sent", async () => {
  const config = await yaml(`creation_rules:\n  - {path_regex: "\\e[31m", age: "\\e]0;x"}\n`);
  assert.not.match(explanationText(await explain(config, "/repo/\u001b[31mb")), /\u001b/);
});

test.run();
