import { test } from "uvu";
import * as assert from "uvu/assert";
import { Time } from "../../src/formats/scalar.ts";
import { type Tree, TreeList, TreeMap } from "../../src/formats/tree.ts";
import { readMetadata, treeWith } from "../../src/sops/metadata.ts";
import { codeOf } from "../support/sealed.ts";

const tree = (fields: Record<string, Tree>) =>
  TreeMap.of(
    Object.entries({ lastmodified: "2026-11-22T10:00:00Z", mac: "ENC[]", version: "3.13.3", ...fields }),
  );

test("reads weakly: flat formats hold everything as text", () => {
  const metadata = readMetadata(tree({ mac_only_encrypted: "true", encrypted_suffix: "_enc" }));
  assert.is(metadata.macOnlyEncrypted, true);
  assert.equal(metadata.selector, { kind: "encrypted_suffix", value: "_enc" });
});

test("the default selector applies where the file has none", () => {
  assert.equal(readMetadata(tree({})).selector, { kind: "unencrypted_suffix", value: "_unencrypted" });
});

test("two selectors are refused", () => {
  assert.is(
    codeOf(() => readMetadata(tree({ encrypted_suffix: "a", encrypted_regex: "b" }))),
    "bad-metadata",
  );
});

test("the time is the one that Go would format: Z for +00:00, no fraction", () => {
  assert.is(
    readMetadata(tree({ lastmodified: "2026-11-22T10:00:00+00:00" })).lastModified,
    "2026-11-22T10:00:00Z",
  );
  assert.is(
    readMetadata(tree({ lastmodified: "2026-11-22T10:00:00.25Z" })).lastModified,
    "2026-11-22T10:00:00Z",
  );
  assert.is(
    readMetadata(tree({ lastmodified: "2026-11-22T10:00:00+02:00" })).lastModified,
    "2026-11-22T10:00:00+02:00",
  );
});

test("lastmodified without quotes, which YAML takes for a time, is the same text", () => {
  for (const text of ["2026-11-22T10:00:00Z", "2026-11-22T10:00:00+02:00"]) {
    assert.is(readMetadata(tree({ lastmodified: Time.parse(text)! })).lastModified, text);
  }
  const odd = Time.parse("2026-11-22T10:00:00.25Z")!;
  assert.is(readMetadata(tree({ lastmodified: odd })).lastModified, "2026-11-22T10:00:00Z");
});

test("times without quotes are texts everywhere in the metadata", () => {
  const created_at = Time.parse("2026-11-22T10:00:00Z")!;
  const { tree: read } = readMetadata(
    tree({ pgp: new TreeList([TreeMap.of([["created_at", created_at]])]) }),
  );
  const [key] = (read.get("pgp") as TreeList).values();
  assert.is((key as TreeMap).get("created_at"), "2026-11-22T10:00:00Z");
});

test("fields may have the types that other programs give them", () => {
  const metadata = readMetadata(tree({ mac_only_encrypted: "true", version: 3.9, encrypted_suffix: 1n }));
  assert.is(metadata.macOnlyEncrypted, true);
  assert.is(metadata.version, "3.9");
  assert.equal(metadata.selector, { kind: "encrypted_suffix", value: "1" });
});

test("fields are sorted, and taken away where they are undefined", () => {
  const changed = treeWith(tree({ zeta: "1" }), { alpha: "2", version: undefined });
  assert.equal(
    changed.entries().map(({ key }) => key),
    ["alpha", "lastmodified", "mac", "zeta"],
  );
});

test.run();
