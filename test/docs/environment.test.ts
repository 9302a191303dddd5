import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { EXIT_CODES } from "../../src/errors.ts";
import { codeSpans, page } from "../support/docs/pages.ts";

/** docs/environment.md lists the variables that tsops reads, and its exit codes: neither more nor less. */

const SRC = new URL("../../src", import.meta.url).pathname;
const PAGE = page("docs/environment.md");

/** Names in the source that are not read, although they look like it. */
const NOT_READ = new Set([
  // only kept from other programs
  ...["AWS_SECURITY_TOKEN", "BAO_TOKEN", "CLOUDSDK_AUTH_ACCESS_TOKEN"],
  // set for git, or named in a hint
  ...["GIT_CONFIG_GLOBAL", "NODE_EXTRA_CA_CERTS"],
]);
/** On the page, but not read by a name that the source has in one piece, or named to say that it is not read. */
const NOT_IN_ONE_PIECE = new Set([
  ...["AWS_ENDPOINT_URL_KMS", "AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL_S3"],
  ...["SOPS_DISABLE_VERSION_CHECK", "NODE_EXTRA_CA_CERTS", "EXIT"],
]);
/** Lists of variables that programs read which tsops starts. */
const LISTS_OF_OTHERS = new Set(["exec/steering.ts", "git/program.ts"]);

const PROVIDERS =
  "T?SOPS|AWS|AZURE|AZD|VAULT|GOOGLE|GCE|CLOUDSDK|HUAWEICLOUD|HC_CONTAINER|KEYWHIZ|IDENTITY|MSI|IMDS|XDG";
const READ = [
  /\benv\.([A-Z][A-Z0-9_]+)\b/g,
  /\benv\["([A-Z][A-Z0-9_]+)"\]/g,
  new RegExp(`"((?:${PROVIDERS})_[A-Z0-9_]*[A-Z0-9])"`, "g"),
  /"((?:HTTPS?|ALL|NO)_PROXY|CLOUD_RUN_JOB|K_SERVICE|GAE_SERVICE|FUNCTION_[A-Z]+|SSL_CERT_FILE|GNUPGHOME)"/g,
];

const sources = (readdirSync(SRC, { recursive: true }) as string[])
  .map((name) => name.replaceAll("\\", "/"))
  .filter((name) => name.endsWith(".ts") && !LISTS_OF_OTHERS.has(name))
  .map((name) => readFileSync(join(SRC, name), "utf8"));
const listed = new Set(codeSpans(PAGE).filter((span) => /^[A-Z][A-Z0-9_]+$/.test(span)));

test("the page has every variable that the source reads", () => {
  const read = new Set(
    sources.flatMap((text) => READ.flatMap((form) => [...text.matchAll(form)].map((m) => m[1]!))),
  );
  assert.ok(read.size > 120, `only ${read.size} variables were found`);
  const missing = [...read].filter((name) => !listed.has(name) && !NOT_READ.has(name));
  assert.equal(missing, []);
});

test("every variable of the page is in the source", () => {
  const words = new Set(sources.flatMap((text) => text.match(/\b[A-Z][A-Z0-9_]+\b/g) ?? []));
  assert.equal(
    [...listed].filter((name) => !words.has(name) && !NOT_IN_ONE_PIECE.has(name)),
    [],
  );
});

test("the page has every exit code, and no other", () => {
  const [, table = ""] = /^## Exit codes$([\s\S]*)/m.exec(PAGE.text) ?? [];
  const rows = [...table.matchAll(/^\| (\d+) \|/gm)].map(([, code]) => Number(code));
  const codes = new Set([0, ...Object.values(EXIT_CODES)]);
  assert.equal(
    rows,
    [...codes].sort((a, b) => a - b),
  );
});

test.run();
