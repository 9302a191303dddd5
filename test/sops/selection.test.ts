import { test } from "uvu";
import * as assert from "uvu/assert";
import { childContainer, type Entry, rootContainer } from "../../src/formats/format.ts";
import { compileSelector, type SelectorKind } from "../../src/sops/selection.ts";

const root = rootContainer();
const map = childContainer("map", root, "outer_plain");
const list = childContainer("list", root, "list");
const item = childContainer("map", list, 0);

function value(container: typeof root, key: string | number, text = "v"): Entry {
  return { kind: "value", in: container, key, value: text, start: 0, end: 0 };
}
function comment(container: typeof root, text: string): Entry {
  return { kind: "comment", in: container, key: undefined, value: text, start: 0, end: 0 };
}

async function select(kind: SelectorKind, expression: string, entries: readonly Entry[]): Promise<boolean[]> {
  return (await compileSelector({ kind, value: expression }))(entries);
}

test("suffixes match any key on the path", async () => {
  const entries = [
    value(root, "a"),
    value(root, "a_plain"),
    value(map, "inner"),
    comment(map, "c"),
    value(list, 0),
  ];
  assert.equal(await select("unencrypted_suffix", "_plain", entries), [true, false, false, false, true]);
  assert.equal(await select("encrypted_suffix", "_plain", entries), [false, true, true, true, false]);
});

test("expressions are unanchored RE2", async () => {
  const entries = [
    value(root, "SECRET_one"),
    value(root, "mysecret_1"),
    value(root, "other"),
    value(item, "k"),
  ];
  assert.equal(await select("encrypted_regex", "(?i)secret_[[:alpha:]]", entries), [
    true,
    false,
    false,
    false,
  ]);
  assert.equal(await select("unencrypted_regex", "^(list|other)$", entries), [true, true, false, false]);
});

test("an invalid expression never matches", async () => {
  const entries = [value(root, "x"), value(root, "negx")];
  assert.equal(await select("unencrypted_regex", "(?!neg)x", entries), [true, true]);
  assert.equal(await select("encrypted_regex", "(?!neg)x", entries), [false, false]);
});

test("hanging expressions: catastrophic patterns end in linear time", async () => {
  const started = process.cpuUsage();
  await select("encrypted_regex", "^(a+)+$", [value(root, `${"a".repeat(50_000)}b`)]);
  assert.ok(process.cpuUsage(started).user < 5_000_000);
});

test("a comment is active until the next entry of its map or list has ended", async () => {
  const entries = [
    comment(root, " enc"),
    value(root, "first"),
    value(root, "second"),
    comment(root, " enc"),
    value(map, "inner"),
    value(map, "inner2"),
    value(root, "after"),
  ];
  assert.equal(await select("encrypted_comment_regex", "enc", entries), [
    false, // the matching comment itself stays clear
    true,
    false,
    false,
    true,
    true,
    false,
  ]);
  assert.equal(await select("unencrypted_comment_regex", "enc", entries), [
    false,
    false,
    true,
    false,
    false,
    false,
    true,
  ]);
});

test("a second comment under an active one is encrypted", async () => {
  const entries = [comment(root, " enc"), comment(root, " hidden"), value(root, "a")];
  assert.equal(await select("encrypted_comment_regex", "enc", entries), [false, true, true]);
});

test("a comment counts in its own collection only", async () => {
  const entries = [comment(map, " enc"), value(map, "inner"), value(map, "next"), value(root, "outside")];
  assert.equal(await select("encrypted_comment_regex", "enc", entries), [false, true, false, false]);
});

test("duplicate keys are two entries: the comment is over after the first", async () => {
  const entries = [comment(root, " enc"), value(root, "A"), value(root, "A")];
  assert.equal(await select("encrypted_comment_regex", "enc", entries), [false, true, false]);
});

test.run();
