import { test } from "uvu";
import * as assert from "uvu/assert";
import { creationRule, destinationFor, matchingRule, subjectOf } from "../../src/config/match.ts";
import { ALICE, failure, shown, sopsrc, yaml } from "../support/config.ts";
import { assertLinear, cost } from "../support/pace.ts";

const rules = (...patterns: string[]) =>
  yaml(`creation_rules:\n${patterns.map((text) => `  - {path_regex: '${text}', age: ${ALICE}}\n`).join("")}`);

test("path_regex sees the path below the folder of the configuration", () => {
  assert.equal(subjectOf("/repo", "/repo/a/b.yaml", "/"), { texts: ["a/b.yaml"], inside: "a/b.yaml" });
  assert.equal(subjectOf("/repo", "/repo/./x/../a", "/").texts, ["a"]);
  // elsewhere, and beside a folder with the same beginning: the whole path
  assert.equal(subjectOf("/repo", "/repository/a", "/"), { texts: ["/repository/a"], inside: undefined });
  // SOPS cuts nothing off in the root folder
  assert.equal(subjectOf("/", "/a/b", "/"), { texts: ["/a/b"], inside: "a/b" });
});

test("on Windows both kinds of slashes are tried", () => {
  assert.equal(subjectOf("C:\\repo", "C:\\repo\\a\\b.yaml", "\\"), {
    texts: ["a/b.yaml", "a\\b.yaml"],
    inside: "a/b.yaml",
  });
});

test("the first rule that matches counts; expressions are RE2's and not anchored", async () => {
  const config = await rules("^sub/p", "(?i)P\\.YAML$", "prod");
  const number = async (file: string) => (await matchingRule(config, `/repo/${file}`))?.number;
  assert.is(await number("sub/p.yaml"), 1);
  assert.is(await number("x/sub/p.yaml"), 2);
  assert.is(await number("a-prod.env"), 3);
  assert.is(await number("nothing"), undefined);
});

test("no rule that matches is an error for new files, with exit code 1", async () => {
  const error = await failure(creationRule(await rules("a"), "/repo/x\u001b[31m.env"));
  assert.is(error.message, "no matching creation rules found for x\\x1b[31m.env");
  assert.is(error.exitCode, 1);
  assert.is(error.place?.file, "/repo/.sops.yaml");
  assert.is(await creationRule(await yaml("destination_rules: []\n"), "/repo/x"), undefined);
  assert.is((await failure(creationRule(await yaml("creation_rules: []\n"), "/repo/x"))).code, "config");
});

test("an invalid path_regex stops the files that come so far, as in SOPS", async () => {
  const config = await rules("ok", "a(b", "x");
  assert.is((await creationRule(config, "/repo/ok"))?.number, 1);
  const error = await failure(creationRule(config, "/repo/x"));
  assert.is(
    shown(error),
    "3:18 path_regex of creation rule 2 is not a valid regular expression: missing closing )",
  );
  assert.is(error.exitCode, 1);
});

test("the hint knows file patterns and look-ahead", async () => {
  const hint = async (text: string) => (await failure(creationRule(await rules(text), "/repo/x"))).hint;
  assert.match((await hint("*.yaml"))!, /looks like a file pattern/);
  assert.match((await hint("a/**"))!, /looks like a file pattern/);
  assert.match((await hint("^(?!prod)"))!, /no look-ahead/);
});

test("a pattern that makes other engines hang does not", async () => {
  const config = await rules("^(a+)+$");
  const matches = async (letters: number): Promise<void> =>
    assert.is(await matchingRule(config, `/repo/${"a".repeat(letters)}!`), undefined);
  await matches(14);
  // such an engine takes twice as long for each letter more: 14 letters, 16,000 times as long
  const short = await cost(async () => {
    for (let i = 0; i < 1000; i++) await matches(14);
  });
  assert.ok((await cost(() => matches(28))) < short);
  await assertLinear(matches, 5000);
});

test("globs see files below the folder only", async () => {
  const config = await sopsrc(`{ rules: [{ glob: ["*.env", "/a/**/b.yaml"], recipients: "pgp:A" }] }`);
  const matches = async (file: string) => (await matchingRule(config, file)) !== undefined;
  assert.is(await matches("/repo/x/y.env"), true);
  assert.is(await matches("/repo/a/b.yaml"), true);
  assert.is(await matches("/repo/a/x/y/b.yaml"), true);
  assert.is(await matches("/repo/c/a/b.yaml"), false);
  assert.is(await matches("/other/y.env"), false);
});

const DESTINATIONS = [
  "destination_rules:",
  "  - {path_regex: ^v, vault_path: sops/, vault_address: 'http://127.0.0.1:1'}",
  "  - {path_regex: ^two, s3_bucket: a, gcs_bucket: b}",
  "  - {path_regex: ^none}",
  "  - path_regex: ^s",
  "    s3_bucket: b",
  "    recreation_rule: {age: x, encrypted_suffix: a, encrypted_regex: b}",
].join("\n");

test("destinations: the path as it was typed, and one target", async () => {
  const config = await yaml(DESTINATIONS);
  const at = (typed: string) => destinationFor(config, `/repo/${typed}`, typed);
  assert.is((await at("v.yaml")).vault?.path, "sops/");
  assert.is((await failure(at("./v.yaml"))).message, "no destination matches ./v.yaml");
  assert.is(shown(await failure(at("two.yaml"))), "3:5 destination rule 2 has 2 destinations");
  assert.is(shown(await failure(at("none.yaml"))), "4:5 destination rule 3 has no destination");
  assert.match((await failure(at("s.yaml"))).message, /encrypted_suffix and encrypted_regex/);
});

test("destinations that SOPS lacks stand in destination rules, too", async () => {
  const config = await yaml(
    "destination_rules:\n  - {path_regex: ^a, azure_account: acc, azure_container: c, azure_prefix: p/}\n" +
      "  - {path_regex: ^b, azure_container: c}\n  - {folder: ../out}\n",
  );
  assert.equal(config.unknown, []);
  const at = async (name: string) => await destinationFor(config, `/repo/${name}`, name);
  assert.equal((await at("a")).azure, {
    url: "https://acc.blob.core.windows.net",
    container: "c",
    prefix: "p/",
  });
  assert.is(shown(await failure(at("b"))), "3:5 destination rule 2 has azure_container without an account");
  assert.is((await at("c")).folder, "/out");
});

test("destinations: an invalid expression is an error, where SOPS would publish elsewhere", async () => {
  const config = await yaml("destination_rules:\n  - {path_regex: 'a(', s3_bucket: a}\n  - {s3_bucket: b}\n");
  assert.match(
    (await failure(destinationFor(config, "/repo/x", "x"))).message,
    /not a valid regular expression/,
  );
});

test("destinations of a .sopsrc see the path below its folder", async () => {
  const config = await sopsrc('{ destinations: [{ path: "^a/", s3_bucket: "b" }] }');
  assert.is((await destinationFor(config, "/repo/a/x", "../repo/a/x")).s3?.bucket, "b");
});

test.run();
