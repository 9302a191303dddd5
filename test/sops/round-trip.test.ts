import { test } from "uvu";
import * as assert from "uvu/assert";
import { ini } from "../../src/formats/ini/index.ts";
import { json } from "../../src/formats/json/index.ts";
import { box, codeOf } from "../support/sealed.ts";

const PLAIN = `{
  "name": "h\\u00e9",
  "port": 5432, "ratio": 1.0,
  "list": ["a", "a", {"deep": true}],
  "none": null, "empty": "", "map": {}, "items": [],
  "note_unencrypted": "seen"
}
`;

test("decrypting gives back every byte", async () => {
  const { encrypt, decrypt } = await box(json);
  const text = encrypt(PLAIN);
  assert.is(decrypt(text).text, PLAIN);
  assert.match(text, '"note_unencrypted": "seen"');
  assert.match(text, '"none": null, "empty": "", "map": {}, "items": []');
  assert.not.match(text, "5432");
});

test("only what changed gets another ciphertext", async () => {
  const { encrypt, decrypt } = await box(json);
  const text = encrypt(PLAIN);
  const changed = PLAIN.replace("5432", "5433");
  const next = encrypt(changed, { previous: { decrypted: decrypt(text), sameKey: true } });
  assert.is(decrypt(next).text, changed);
  const differing = text.split("\n").filter((line, i) => line !== next.split("\n")[i]);
  assert.is(differing.length, 2 + 1, differing.map((line) => line.slice(0, 20)).join("\n"));
});

test("an unchanged file keeps every ciphertext, and each is used once", async () => {
  const { encrypt, decrypt } = await box(json);
  const text = encrypt(PLAIN);
  const doubled = PLAIN.replace('["a", "a",', '["a", "a", "a",');
  const next = encrypt(doubled, { previous: { decrypted: decrypt(text), sameKey: true } });
  const ciphers = [...next.matchAll(/ENC\[[^\]]*\]/g)].map((match) => match[0]);
  assert.is(new Set(ciphers).size, ciphers.length);
  assert.is(decrypt(next).text, doubled);
});

test("equal items next to a changed one keep their own ciphertexts", async () => {
  const { encrypt, decrypt } = await box(json);
  const text = encrypt('{"l": ["a", "a", "a"]}');
  const ciphers = (of: string) => [...of.matchAll(/"(ENC\[[^\]]*\])"/g)].map((match) => match[1]).slice(0, 3);
  const before = ciphers(text);
  const change = (plain: string) =>
    ciphers(encrypt(plain, { previous: { decrypted: decrypt(text), sameKey: true } }));
  assert.equal(change('{"l": ["b", "a", "a"]}').slice(1), before.slice(1));
  assert.equal(change('{"l": ["a", "b", "a"]}').slice(0, 1), before.slice(0, 1));
  assert.equal(change('{"l": ["a", "b", "a"]}').slice(2), before.slice(2));
  assert.equal(change('{"l": ["b", "a", "a", "a"]}').slice(1), before.slice(0, 2));
});

test("a value that moves, or is swapped for another, is refused", async () => {
  const { encrypt, decrypt } = await box(json);
  const text = encrypt('{"a": "1", "b": "2"}');
  const [a, b] = [...text.matchAll(/ENC\[[^\]]*\]/g)].map((match) => match[0]);
  const swapped = text.replace(a!, "@").replace(b!, a!).replace("@", b!);
  assert.is(
    codeOf(() => decrypt(swapped)),
    "tree-decryption",
  );
});

test("swapped list items pass the AAD, and the MAC finds them", async () => {
  const { encrypt, decrypt } = await box(json);
  const text = encrypt('{"l": ["1", "2"]}');
  const [a, b] = [...text.matchAll(/ENC\[[^\]]*\]/g)].map((match) => match[0]);
  const swapped = text.replace(a!, "@").replace(b!, a!).replace("@", b!);
  assert.is(
    codeOf(() => decrypt(swapped)),
    "mac-mismatch",
  );
});

test("a plaintext where a ciphertext is due is refused", async () => {
  const { encrypt, decrypt } = await box(json);
  const text = encrypt('{"a": "1", "b": 2}');
  assert.is(
    codeOf(() => decrypt(text.replace(/"ENC[^"]*type:int\]"/, "2"))),
    "tree-decryption",
  );
  assert.is(
    codeOf(() => decrypt(text.replace(/"ENC[^"]*type:int\]"/, '"2"'))),
    "tree-decryption",
  );
});

test("a text with a sops entry is not encrypted a second time", async () => {
  const { encrypt } = await box(json);
  assert.is(
    codeOf(() => encrypt(encrypt(PLAIN))),
    "already-encrypted",
  );
  assert.is(
    codeOf(() => encrypt('{"a": 1, "sops": {}}')),
    "already-encrypted",
  );
});

test("a MAC mismatch shows no hash of the plaintext", async () => {
  const { encrypt, decrypt } = await box(json);
  const text = encrypt('{"a": "1", "b_unencrypted": "2"}').replace('"2"', '"3"');
  try {
    decrypt(text);
    assert.unreachable();
  } catch (error) {
    const { message, hint } = error as { message: string; hint: string };
    assert.not.match(`${message} ${hint}`, /[0-9A-F]{16}/i);
  }
  assert.is(decrypt(text, { ignoreMac: true }).text, '{"a": "1", "b_unencrypted": "3"}');
});

test("a recorded spelling is used only for the value that it spells", async () => {
  const { encrypt, decrypt, dataKey } = await box(json);
  const plain = '{"a": 1.0, "b": 1.00}';
  const text = encrypt(plain, { seal: false });
  assert.match(text, '"layout"');
  assert.is(decrypt(text).text, plain);
  // the ciphertexts trade places together with their keys: the layout then speaks of the wrong ones, which does no harm
  const other = encrypt('{"a": 2.0, "b": 1.5}', { seal: false, dataKey });
  const layout = /"layout": "[^"]*"/;
  const forged = other.replace(layout, layout.exec(text)![0]);
  assert.is(decrypt(forged).text, '{"a": 2, "b": 1.5}');
});

test("mac_only_encrypted leaves plain values out of the MAC and out of the seal", async () => {
  const { encrypt, decrypt } = await box(json);
  const { TreeMap } = await import("../../src/formats/tree.ts");
  const metadata = TreeMap.of([
    ["mac_only_encrypted", true],
    ["unencrypted_suffix", "_unencrypted"],
    ["version", "3.13.3"],
  ]);
  for (const seal of [true, false]) {
    const text = encrypt('{"a": "1", "b_unencrypted": "2"}', { metadata, seal });
    assert.is(decrypt(text.replace('"2"', '"3"')).text, '{"a": "1", "b_unencrypted": "3"}');
  }
});

test("text behind a section's header that is no comment for SOPS leaves no value in plaintext", async () => {
  const { encrypt, decrypt } = await box(ini, { kind: "unencrypted_comment_regex", value: "plain" });
  const stray = "[s] plain\na = secret\n";
  assert.not.match(encrypt(stray), "secret");
  assert.is(decrypt(encrypt(stray)).text, stray);
  assert.match(encrypt("[s] ; plain\na = secret\n"), "a = secret");
});

test.run();
