import { readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { checkConfig } from "../../src/config/check.ts";
import { readConfig } from "../../src/config/find.ts";
import { ruleGroups } from "../../src/config/groups.ts";
import { creationRule, destinationFor } from "../../src/config/match.ts";
import { keyName } from "../../src/config/names.ts";
import { SOPSRC, sopsrcSchema, USER_CONFIG, userConfigSchema } from "../../src/config/schema.ts";
import type { Shape } from "../../src/config/shape.ts";

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

test.run();
