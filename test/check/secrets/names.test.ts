import { test } from "uvu";
import * as assert from "uvu/assert";
import { assignmentsIn } from "../../../src/check/secrets/assignments.ts";
import { secretName } from "../../../src/check/secrets/names.ts";
import { isPlaceholder, isProse } from "../../../src/check/secrets/placeholders.ts";
import { looksRandom } from "../../../src/check/secrets/random.ts";

test("names of secrets, however they are written", () => {
  for (const name of [
    ...[
      "password",
      "DB_PASSWORD",
      "dbPassword",
      "db-password",
      "postgres.password",
      "rootPasswd",
      "pwd",
      "pw",
    ],
    ...["apiKey", "API_KEY", "APIKey", "x-api-key", "secretKey", "AWS_SECRET_ACCESS_KEY", "private_key"],
    ...["token", "githubToken", "GITHUB_TOKEN_2", "client_secret", "clientSecretProd", "credentials"],
    ...[
      "password_unencrypted",
      "TOKEN_BASE64",
      "connectionString",
      "passwordOld",
      "DOTENV_PRIVATE_KEY_PRODUCTION",
    ],
  ])
    assert.ok(secretName(name), name);
});

test("names of something else", () => {
  for (const name of [
    ...["user", "host", "port", "key", "keys", "passwordLength", "token_url", "tokenExpiry", "secretName"],
    ...["password_file", "apiKeyId", "AWS_ACCESS_KEY_ID", "tokenizer", "compass", "passenger", "secretary"],
    ...["public_key", "publicKey", "primary_key", "foreignKey", "passwordPolicy", "keyVaultName", "bypass"],
  ])
    assert.is(secretName(name), undefined, name);
});

test("words that stand for much else need a value that looks random", () => {
  for (const name of ["auth", "salt", "cookie", "seed"]) assert.is(secretName(name)?.randomOnly, true, name);
});

test("values that are no secrets themselves", () => {
  for (const value of [
    ...[
      "",
      "  ",
      "ab",
      "changeme",
      "CHANGE_ME",
      "change-me-please",
      "<password>",
      `\${PASSWORD}`,
      "$PASSWORD",
    ],
    ...[
      "{{ vault.password }}",
      "%PASSWORD%",
      "[password]",
      "__PASSWORD__",
      "xxxxxx",
      "******",
      "todo",
      "null",
    ],
    ...[
      "your-password-here",
      "insert token",
      "my-example-token",
      "op://vault/item/field",
      "vault:secret/a#b",
    ],
    ...["ref+awsssm://a/b", "arn:aws:secretsmanager:eu-west-1:1:secret:a", "projects/a/secrets/b/versions/1"],
    ...["@Microsoft.KeyVault(SecretUri=https://x)", "{cipher}abcdef", "GITHUB_TOKEN", "process.env.TOKEN"],
    ...[
      "secrets.GITHUB_TOKEN",
      "var.db_password",
      "/run/secrets/db_password",
      "./secret.txt",
      "~/.ssh/id_rsa",
    ],
    ...["https://vault.internal:8200/v1", "encrypted:BKz0...", "file:/run/x", "ENC[AES256_GCM,data:…]"],
  ])
    assert.ok(isPlaceholder(value), value);
});

test("values that may be secrets", () => {
  for (const value of [
    ...[
      "hunter2",
      "correct horse battery staple",
      "P@ssw0rd!",
      "geheim",
      "/abc+def/ghi==",
      "s3cr3t",
      "admin123",
    ],
    ...["0123456789abcdef0123", "A1b2C3d4", "letmein"],
  ])
    assert.not.ok(isPlaceholder(value), value);
});

test("texts about secrets are none", () => {
  assert.ok(isProse("Enter your password"));
  assert.ok(isProse("Forgot your password?"));
  assert.not.ok(isProse("correct horse battery staple"));
  assert.not.ok(isProse("Password1"));
});

test("what looks as if a machine had made it up", () => {
  for (const value of [
    "Zq8vX2mK9pLw4TnB",
    "9f86d081884c7d659a2feaa0c55ad015",
    "3f2504e0-4f89-41d3-9a0c-0305e82c3301",
  ])
    assert.ok(looksRandom(value), value);
  for (const value of [
    "hunter2",
    "correct horse battery staple",
    "aaaaaaaaaaaaaaaaaaaaaaaa",
    "my-service-account",
    "production-database",
  ])
    assert.not.ok(looksRandom(value), value);
});

test("files of names and values that tsops has no format for", () => {
  const text =
    "a.password = hunter2\n# token = x\ntoken: \"two words\" # c\nexport KEY='v';\nb\nc =\nlast = one two, \n";
  assert.equal(
    assignmentsIn("a.properties", text).map(({ key, value }) => [key, value]),
    [
      ["a.password", "hunter2"],
      ["token", "two words"],
      ["KEY", "v"],
      ["last", "one two"],
    ],
  );
  assert.equal(assignmentsIn("a.py", text), []);
  assert.equal(
    assignmentsIn("w/.npmrc", "//registry.npmjs.org/:_authToken=abc\nsave-exact=true\n").map(
      ({ key, value }) => [key, value],
    ),
    [
      ["_authToken", "abc"],
      ["save-exact", "true"],
    ],
  );
});

test.run();
