import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { isMadeUp } from "../../../src/check/secrets/placeholders.ts";
import { shapesIn } from "../../../src/check/secrets/shapes.ts";
import { VENDORS, type Vendor } from "../../../src/check/secrets/vendors.ts";

/*
 * No token stands in this file as it is, and none of them was ever issued: they are made from the forms, so that neither
 * forges nor scanners take the tests for a leak.
 */

/** Texts of a vendor's form. */
function tokensOf(vendor: Vendor): fc.Arbitrary<string> {
  return fc
    .stringMatching(new RegExp(`^${vendor.pattern}$`))
    .filter((token) => vendor.keywords.some((keyword) => token.includes(keyword)))
    .filter((token) => !vendor.keywords.some((keyword) => isMadeUp(token, keyword)));
}

const AROUND: readonly (readonly [string, string])[] = [
  ["", ""],
  ["token: ", "\n"],
  ['{"a": "', '"}'],
  ["export A='", "' # b\n"],
  ["https://x/?t=", "&b=1"],
];

for (const vendor of VENDORS) {
  test(`${vendor.id}: found wherever it stands, from its first character to its last`, async () => {
    await fc.assert(
      fc.asyncProperty(tokensOf(vendor), fc.constantFrom(...AROUND), async (token, [before, behind]) => {
        const hits = await shapesIn(before + token + behind);
        const hit = hits.find(({ start }) => start === before.length);
        assert.ok(hit, `${vendor.id}: ${token}`);
        assert.is(hit.what, vendor.id, token);
        assert.is(hit.end, before.length + token.length, token);
      }),
      { numRuns: 25 },
    );
  });
}

test("the names of vendors are distinct, and so are their keywords", () => {
  assert.is(new Set(VENDORS.map(({ id }) => id)).size, VENDORS.length);
  const keywords = VENDORS.flatMap((vendor) => vendor.keywords);
  assert.is(new Set(keywords).size, keywords.length);
  assert.ok(VENDORS.length >= 60);
});

const filler = (length: number): string =>
  Array.from({ length }, (_, i) => "aB3dE5gH7jK9mN2pQ4sT6vW8yZ"[(i * 7) % 26]).join("");

test("made-up tokens of manuals are none", async () => {
  for (const token of [
    `ghp_${"x".repeat(36)}`,
    `ghp_${"0".repeat(36)}`,
    `AKIA${"IOSFODNN7"}EXAMPLE`,
    `sk_live_${"*".repeat(20)}`,
    `glpat-${"your".repeat(1)}-token`,
  ])
    assert.equal(await shapesIn(`a: ${token}\n`), [], token);
});

test("a piece of a longer word is none: base64 holds every short text at some time", async () => {
  for (const text of [
    `q${"AKIA"}${"ABCDEFGHIJKLMNOP"}`,
    `${"AKIA"}${"ABCDEFGHIJKLMNOP"}x`,
    `x${"ghp_"}${filler(36)}`,
  ])
    assert.equal(await shapesIn(text), [], text);
});

const body = (lines: number, end: string): string =>
  Array.from({ length: lines }, (_, i) => filler(60 + i)).join(end);
const header = (kind: string, word = "BEGIN"): string => `-----${word} ${kind}PRIVATE ${"KEY"}-----`;

test("private keys: PEM of every kind, PGP, PuTTY, on one line with escapes, too", async () => {
  const found = async (text: string) => (await shapesIn(text)).map(({ rule, what }) => `${rule} ${what}`);
  for (const kind of ["", "RSA ", "EC ", "OPENSSH ", "ENCRYPTED ", "DSA "]) {
    const what = `private-key ${kind.trim().toLowerCase() || "key"}`;
    assert.equal(await found(`${header(kind)}\n${body(3, "\n")}\n${header(kind, "END")}\n`), [what]);
    assert.equal(await found(`k: |\n  ${header(kind)}\n  ${body(3, "\n  ")}\n`), [what]);
    assert.equal(await found(`{"k": "${header(kind)}\\n${body(3, "\\n")}\\n"}`), [what]);
  }
  const pgp = `-----BEGIN PGP PRIVATE ${"KEY"} BLOCK-----`;
  assert.equal(await found(`${pgp}\nVersion: 1\n\n${body(3, "\n")}\n`), ["private-key pgp"]);
  assert.equal(await found(`PuTTY-User-Key-File-3: ssh-ed25519\nComment: a\n${body(3, "\n")}`), [
    "private-key key",
  ]);
});

test("a header alone is no key: programs look for it, and manuals show it", async () => {
  for (const text of [
    `if (text.includes("${header("RSA ")}")) throw new Error("no")`,
    `${header("")}\n...\n${header("", "END")}\n`,
    `-----BEGIN PUBLIC ${"KEY"}-----\n${body(3, "\n")}`,
    `-----BEGIN CERTIFICATE-----\n${body(3, "\n")}`,
  ])
    assert.equal(await shapesIn(text), [], text);
});

test("signed tokens", async () => {
  const jwt = `${"eyJ"}${filler(20)}.${"eyJ"}${filler(40)}.${filler(43)}`;
  assert.equal(
    (await shapesIn(`a: ${jwt}\n`)).map(({ rule, start, end }) => [rule, start, end]),
    [["jwt", 3, 3 + jwt.length]],
  );
  assert.equal(await shapesIn(`${"eyJ"}${filler(20)}`), []);
});

test("passwords in addresses, and what only looks like one", async () => {
  const whats = async (text: string) => (await shapesIn(text)).map(({ what }) => what);
  for (const [url, what] of [
    ["postgres://bob:geheim99@db.internal/x", "postgres"],
    ["https://bob:geheim99@host.net", "https"],
    ["redis://:geheim99@10.0.0.1:6379/0", "redis"],
    ["mongodb+srv://a:b%40c-d9@cluster0.mongodb.net/?x=1", "mongodb+srv"],
    ["amqps://u:geheim99@mq", "amqps"],
  ] as const) {
    assert.equal(await whats(url), [what], url);
    assert.equal(await whats(`a: "${url}"\n`), [what], url);
  }
  for (const url of [
    "https://host.net:8080/a@b",
    "https://host.net/a:b@c",
    `postgres://bob:\${PASSWORD}@db/x`,
    "postgres://bob:{{ password }}@db/x",
    "postgres://user:password@localhost/x",
    "postgres://bob:<password>@db/x",
    "https://bob:geheim99@example.com/",
    "https://bob@host.net/",
    "ssh://git@host.net:22/x",
    "see https://host.net and mail a:b@c",
  ])
    assert.equal(await whats(url), [], url);
});

test("what is part of another finding is said once", async () => {
  const url = `https://oauth2:glpat-${filler(20)}@gitlab.internal/x.git`;
  assert.equal(
    (await shapesIn(url)).map(({ what }) => what),
    ["gitlab-token"],
  );
});

test("no text takes long: a megabyte of the worst that there is", async () => {
  for (const piece of ["eyJ", "://a:", "ghp_", "-----BEGIN RSA PRIVATE ", "AKIA", "a:b@://", "SK"]) {
    const text = piece.repeat(1_000_000 / piece.length);
    await shapesIn(text);
  }
});

test.run();
