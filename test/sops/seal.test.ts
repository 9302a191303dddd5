import { test } from "uvu";
import * as assert from "uvu/assert";
import { binary } from "../../src/formats/binary/index.ts";
import { json } from "../../src/formats/json/index.ts";
import { yaml } from "../../src/formats/yaml/index.ts";
import { decryptText, readEncrypted } from "../../src/sops/decrypt.ts";
import { compileSelector, DEFAULT_SELECTOR } from "../../src/sops/selection.ts";
import { box, codeOf } from "../support/sealed.ts";

const PLAIN = `{
  "b": "x",
  "a_unencrypted": {"p": "1", "q": "23", "n": null, "e": "", "l": [], "m": {}},
  "list": ["one", "two", "one"]
}
`;

async function sealed() {
  const { encrypt, decrypt, dataKey } = await box(json);
  return { text: encrypt(PLAIN), decrypt, encrypt, dataKey };
}

test("structure: renamed plain keys, moved borders, nulls and empty collections are refused", async () => {
  const { text, decrypt } = await sealed();
  const attacks: [string, string][] = [
    ['"p"', '"r"'],
    ['"p": "1", "q": "23"', '"p": "12", "q": "3"'],
    ['"n": null', '"n2": null'],
    ['"n": null, ', ""],
    ['"e": ""', '"e": null'],
    ['"l": []', '"l": {}'],
    ['"m": {}', '"m": []'],
    [', "m": {}', ""],
    ['"p": "1", "q": "23"', '"q": "1", "p": "23"'],
  ];
  for (const [from, to] of attacks) {
    const attacked = text.replace(from, to);
    assert.is.not(attacked, text);
    assert.is(
      codeOf(() => decrypt(attacked)),
      "seal-broken",
      `${from} -> ${to}`,
    );
  }
});

test("selectors and mac_only_encrypted are sealed", async () => {
  const { text, decrypt } = await sealed();
  const keys = '"encrypted_regex": "^(b|list)$"';
  assert.is(
    codeOf(() => decrypt(text.replace('"unencrypted_suffix": "_unencrypted"', keys))),
    "seal-broken",
  );
  const before = text.replace('"mac": ', '"mac_only_encrypted": false, "mac": ');
  assert.is(
    codeOf(() => decrypt(before)),
    undefined,
  );
});

test("recipient injection: another entry among the keys is refused", async () => {
  const { text, decrypt } = await sealed();
  const injected = text.replace(
    '"sops": {',
    '"sops": {"age": [{"recipient": "age1attacker", "enc": "junk"}], ',
  );
  assert.is(
    codeOf(() => decrypt(injected)),
    "seal-broken",
  );
});

test("recipient injection: a single map counts as a key as a list of one does", async () => {
  const { text, decrypt } = await sealed();
  for (const injected of [
    '"pgp": {"fp": "ATTACKER", "enc": "junk", "created_at": "2026-01-01T00:00:00Z"}, ',
    '"key_groups": {"age": {"recipient": "age1attacker", "enc": "junk"}}, ',
  ]) {
    const attacked = text.replace('"sops": {', `"sops": {${injected}`);
    assert.is.not(attacked, text);
    assert.is(
      codeOf(() => decrypt(attacked)),
      "seal-broken",
      injected,
    );
  }
});

test("a seal that was not checked vouches for nothing", async () => {
  const { text, decrypt } = await sealed();
  assert.is(decrypt(text, { ignoreMac: true }).sealed, false);
});

test("duplicate fields in the metadata are refused: readers differ in which one counts", async () => {
  const { encrypt, decrypt } = await box(json);
  const text = encrypt(PLAIN, { seal: false });
  const twice = text.replace('"sops": {', '"sops": {"unencrypted_suffix": "_unencrypted", ');
  assert.is(
    codeOf(() => decrypt(twice)),
    "bad-metadata",
  );
});

test("what else stands under sops.tsops is sealed", async () => {
  const { text, decrypt } = await sealed();
  assert.is(
    codeOf(() => decrypt(text.replace('"seal":', '"other": "x", "seal":'))),
    "seal-broken",
  );
});

test("type confusion that the bytes allow is found by the seal", async () => {
  const { encrypt, decrypt } = await box(json);
  const text = encrypt('{"pin": "1234"}');
  assert.is(
    codeOf(() => decrypt(text.replace("type:str]", "type:int]"))),
    "seal-broken",
  );
  const open = encrypt('{"pin": "1234"}', { seal: false });
  assert.is(
    codeOf(() => decrypt(open.replace("type:str]", "type:int]"))),
    undefined,
  );
  assert.is(
    codeOf(() => decrypt(open.replace("type:str]", "type:bool]"))),
    "tree-decryption",
  );
  assert.is(
    codeOf(() => decrypt(open.replace("type:str]", "type:comment]"))),
    "tree-decryption",
  );
});

test("no seal opens at SOPS's level; a broken, a newer and an older one are refused in other words", async () => {
  const { text, decrypt } = await sealed();
  const bare = text.replace(/"tsops": \{[^}]*\},\s*/, "");
  assert.is(decrypt(bare).sealed, false);
  assert.is(decrypt(text).sealed, true);
  const broken = text.replace(/"seal": "v2:.../, '"seal": "v2:AAA');
  const newer = text.replace('"seal": "v2:', '"seal": "v3:');
  const older = text.replace('"seal": "v2:', '"seal": "v1:');
  assert.throws(() => decrypt(broken), /seal is broken/);
  assert.throws(() => decrypt(newer), /newer version of tsops/);
  assert.throws(() => decrypt(older), /older, unreleased version of tsops/);
  assert.is(decrypt(newer, { ignoreMac: true }).text, PLAIN);
  assert.is(decrypt(older, { ignoreMac: true }).text, PLAIN);
});

test("what stands behind a ciphertext, which SOPS ignores, is refused", async () => {
  const { encrypt, decrypt } = await box(yaml);
  const text = encrypt("a: secret\n...\n");
  // the same characters but for white space: a document's end becomes a part of the value
  const moved = text.replace(/sops:[\s\S]*?(?=\.\.\.)/, "").replace(/\]\n\.\.\.\n/, "]...\n");
  const block = text.slice(text.indexOf("sops:"), text.indexOf("...\n"));
  assert.match(moved, "]...\n");
  assert.is(
    codeOf(() => decrypt(moved + block)),
    "seal-broken",
  );
});

test("a file that is read as another format than it was sealed as is refused, and the hint says so", async () => {
  const asJson = await box(json);
  const text = asJson.encrypt('{"data": "x"}\n');
  for (const format of [yaml, binary]) {
    try {
      decryptText(readEncrypted(text, format), asJson.dataKey, await compileSelector(DEFAULT_SELECTOR));
      assert.unreachable();
    } catch (error) {
      const { code, hint } = error as { code: string; hint: string };
      assert.is(code, "seal-broken");
      assert.match(hint, `read as ${format.name}`);
      assert.match(hint, "--input-type");
    }
  }
  const whole = await box(binary);
  const wrapped = whole.encrypt("bytes\n");
  assert.is(whole.decrypt(wrapped).text, "bytes\n");
  assert.is(
    codeOf(() => decryptText(readEncrypted(wrapped, json), whole.dataKey, () => [true])),
    "seal-broken",
  );
});

test("finding 20, layout: its AAD is one that no value can have", async () => {
  const { encrypt, decrypt } = await box(json);
  const text = encrypt('{"sops:tsops": {"layout": 1.50, "x": "y"}}', { seal: false });
  const layout = /"layout": "(ENC[^"]*)"\s*\}?,?\s*"lastmod|"tsops": \{\s*"layout": "(ENC[^"]*)"/.exec(text);
  const field = layout?.[1] ?? layout?.[2];
  assert.ok(field, text);
  assert.is(decrypt(text).text, '{"sops:tsops": {"layout": 1.50, "x": "y"}}');
  const swapped = text.replace(/"layout": "ENC[^"]*"/, `"layout": "${field}"`);
  assert.is.not(swapped, text);
  assert.is(
    codeOf(() => decrypt(swapped)),
    "tree-decryption",
  );
});

test("wrapped keys and the time are not sealed: they are bound by other means", async () => {
  const { encrypt, decrypt } = await box(json);
  const { TreeMap, TreeList } = await import("../../src/formats/tree.ts");
  const key = (enc: string) =>
    TreeMap.of([
      ["enc", enc],
      ["recipient", "age1x"],
    ]);
  const metadata = TreeMap.of([
    ["age", new TreeList([key("first")])],
    ["version", "3.13.3"],
  ]);
  const text = encrypt(PLAIN, { metadata });
  assert.is(decrypt(text.replace('"first"', '"second"')).text, PLAIN);
  assert.is(
    codeOf(() => decrypt(text.replace("age1x", "age1y"))),
    "seal-broken",
  );
});

test.run();
