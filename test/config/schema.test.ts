import { readFileSync } from "node:fs";
import { Ajv } from "ajv";
import JSON5 from "json5";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { checkConfig } from "../../src/config/check.ts";
import { readConfig } from "../../src/config/find.ts";
import { ruleGroups } from "../../src/config/groups.ts";
import { creationRule, destinationFor } from "../../src/config/match.ts";
import { keyName } from "../../src/config/names.ts";
import { SOPSRC, sopsrcSchema, USER_CONFIG, userConfigSchema } from "../../src/config/schema.ts";
import type { Shape } from "../../src/config/shape.ts";
import { URI_FORMS } from "../../src/keys/uri.ts";

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");

test("the published schemas are those that the source describes", () => {
  for (const [name, schema] of [
    ["tsopsrc", sopsrcSchema()],
    ["user-config", userConfigSchema()],
  ] as const) {
    const published = JSON.parse(read(`schema/${name}.schema.json`));
    const due = JSON.parse(JSON.stringify(schema));
    assert.equal(published, due, "run `node scripts/schema.mjs`");
  }
});

test(".sopsrc.example is right, and its rules mean what they say", async () => {
  const config = await readConfig(read(".sopsrc.example"), "/repo/.sopsrc");
  assert.equal(config.errors, []);
  assert.equal(await checkConfig(config), []);
  const names = async (file: string) => {
    const rule = (await creationRule(config, `/repo/${file}`))!;
    const groups = ruleGroups(rule).map((group) => group.map((key) => keyName(config, key) ?? key.kind));
    return { rule: rule.name, groups, selectors: rule.selectors.map(({ kind }) => kind) };
  };
  assert.equal(await names("prod/db.yaml"), {
    rule: "production",
    groups: [
      ["alice", "bob", "carol"],
      ["prod-aws", "prod-google", "prod-azure", "prod-huawei"],
      ["prod-vault", "backup-aws"],
    ],
    selectors: [],
  });
  assert.equal(await names("deploy/eu/web/secrets.json"), {
    rule: "kubernetes",
    groups: [["alice", "bob", "carol", "dave", "ci", "age"]],
    selectors: ["encrypted_regex"],
  });
  assert.is((await names("local/x.env")).rule, "local");
  assert.is((await names("x.env")).rule, "the rest");
  const to = (file: string) => destinationFor(config, `/repo/${file}`, file);
  assert.is((await to("site/a.json")).s3?.bucket, "example-secrets");
  assert.is((await to("google/a")).gcs?.prefix, "google/");
  assert.is((await to("vault/a")).vault?.path, "shop/");
  assert.is((await to("azure/a")).azure?.container, "secrets");
  assert.is((await to("share/a")).folder, "/shared-secrets");
});

function fieldsOf(shape: Shape): Set<string> {
  const fields: string[] = [];
  const walk = (shape: Shape): void => {
    if (shape.is === "fields") {
      fields.push(...Object.keys(shape.fields));
      for (const inner of Object.values(shape.fields)) walk(inner);
    } else if (shape.is === "list" || shape.is === "names") walk(shape.of);
    else if (shape.is === "either") for (const inner of shape.of) walk(inner);
  };
  walk(shape);
  return new Set(fields);
}

test(".sopsrc.example and docs/config.md show every field", () => {
  const fields = fieldsOf(SOPSRC);
  assert.ok(fields.size > 40);
  const [example, docs] = [read(".sopsrc.example"), read("docs/config.md")];
  for (const field of fields) assert.ok(example.includes(field), `.sopsrc.example lacks ${field}`);
  for (const field of [...fields, ...fieldsOf(USER_CONFIG)]) {
    assert.ok(docs.includes(`\`${field}\``), `docs/config.md lacks ${field}`);
  }
});

/** As strict as ajv can be: what it says of the schema itself is thrown. */
function validator() {
  const ajv = new Ajv({ strict: true, strictTypes: true, strictRequired: true, allErrors: true });
  const validate = ajv.compile(sopsrcSchema());
  return (value: unknown): string[] =>
    validate(value)
      ? []
      : (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
}

test("the schema passes ajv in strict mode, and takes .sopsrc.example and docs/config.md's example", () => {
  const errors = validator();
  assert.equal(errors(JSON5.parse(read(".sopsrc.example"))), []);
  const shown = /```json5\n([\s\S]*?)```/.exec(read("docs/config.md"))?.[1] ?? "";
  assert.equal(errors(JSON5.parse(shown)), []);
  for (const { example } of URI_FORMS) assert.equal(errors({ keys: { k: example } }), [], example);
});

test("the schema finds what is not the URI of a key, and says which of two fields is too much", () => {
  const errors = validator();
  const wrong = [
    "agee:age1x",
    "age1nc2smgueu84l5gtq5w50nlpucs5jhd3233ve6hu5tq947zsmg4es0qqskx",
    "AGE-SECRET-KEY-1QQQ",
    "age:AGE-SECRET-KEY-1QQQ",
    "pgp:XYZ",
    "awskms://arn:aws:s3:::x",
    "gcpkms://foo",
    "azurekms://foo",
    "hashivault://foo",
    "hckms:foo",
  ];
  for (const uri of wrong) {
    assert.ok(errors({ keys: { k: uri } }).length > 0, uri);
    assert.ok(errors({ rules: [{ recipients: [uri] }] }).length > 0, uri);
  }
  assert.equal(errors({ rules: [{ recipients: ["alice", "a team"] }] }), []);
  const both = errors({ rules: [{ path: "a", glob: "b", recipients: "alice" }] });
  assert.ok(both.includes("/rules/0/glob boolean schema is false"), both.join("\n"));
  const none = errors({ rules: [{ path: "a" }] });
  assert.ok(none.includes("/rules/0 must have required property 'recipients'"), none.join("\n"));
});

test.run();
