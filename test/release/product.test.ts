import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  addressOf,
  notesOf,
  type Product,
  product,
  refuseOtherTag,
  timeOf,
} from "../../scripts/release/product.mjs";
import { MANIFEST, ROOT } from "../support/release.ts";

/* What a release is refused for: what is published cannot be taken back. */

const URL_HERE = "https://github.com/owner/name";
const ready: Product = { ...MANIFEST, url: URL_HERE, released: true };
const env = { GITHUB_SERVER_URL: "https://github.com", GITHUB_REPOSITORY: "owner/name" };

test("a tag of another version, a package without a repository, and another repository are refused", () => {
  refuseOtherTag(`v${MANIFEST.version}`, ready, env);
  assert.throws(
    () => refuseOtherTag("v99.0.0", ready, env),
    /the tag is v99\.0\.0, and package\.json has version/,
  );
  assert.throws(() => refuseOtherTag(MANIFEST.version, ready, env), /the tag is/);
  const without = { ...ready, released: false };
  assert.throws(() => refuseOtherTag(`v${MANIFEST.version}`, without, env), /names no repository/);
  const fork = { ...env, GITHUB_REPOSITORY: "fork/name" };
  assert.throws(
    () => refuseOtherTag(`v${MANIFEST.version}`, ready, fork),
    /and this is https:\/\/github\.com\/fork/,
  );
});

test("a repository is named as npm names it", () => {
  for (const written of [URL_HERE, `git+${URL_HERE}.git`, { url: `git+${URL_HERE}.git` }])
    assert.is(addressOf(written), URL_HERE);
  for (const wrong of [
    "owner/name",
    "http://github.com/owner/name",
    "https://github.com/owner",
    `${URL_HERE}" x`,
  ])
    assert.throws(() => addressOf(wrong), /repository has to be/);
});

test("package.json is where all of that comes from", () => {
  const { name, version, url, released } = product(ROOT);
  assert.equal([name, version], [MANIFEST.name, MANIFEST.version]);
  assert.is(released, !url.endsWith(".invalid"));
});

const CHANGELOG =
  "# Changelog\n\n## Unreleased\n\nnew\n\n## 1.0.0 (2026-11-29)\n\n* one\n* two\n\n## 0.9.0\n\nold\n";

test("the notes are the section of the version; what is unreleased counts only without a tag", () => {
  assert.is(notesOf(CHANGELOG, "1.0.0", true), "* one\n* two\n");
  assert.is(notesOf(CHANGELOG, "0.9.0", true), "old\n");
  assert.is(notesOf(CHANGELOG, "2.0.0", false), "new\n");
  assert.throws(() => notesOf(CHANGELOG, "2.0.0", true), /has no section "## 2\.0\.0"/);
  assert.throws(() => notesOf("## 1.0.0\n\n## 0.9\nx\n", "1.0.0", true), /says nothing of version 1\.0\.0/);
});

test("the time of all files is that of the commit, or the one that is given", () => {
  assert.is(timeOf(ROOT, { SOURCE_DATE_EPOCH: "1700000000" }), 1_700_000_000);
  assert.ok(timeOf(ROOT, {}) > 1_700_000_000);
  assert.throws(() => timeOf(ROOT, { SOURCE_DATE_EPOCH: "today" }), /not a number of seconds/);
});

test.run();
