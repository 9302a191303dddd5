import { strict as assert } from "node:assert";
import { TsopsError } from "../../../src/errors.ts";
import { buildTrees } from "../../../src/formats/build.ts";
import {
  aadOf,
  type Entry,
  type Format,
  type PathElement,
  pathOf,
  type Reading,
} from "../../../src/formats/format.ts";
import { type Scalar, Time } from "../../../src/formats/scalar.ts";
import { applyEdits } from "../../../src/formats/text.ts";
import { type Tree, TreeList, TreeMap } from "../../../src/formats/tree.ts";

/** What every format promises (src/formats/format.ts), as checks on one text. */

/** The reading, or undefined for a text that is refused as it should be: with a place, and none of the text. */
export function tryRead(format: Format, text: string): Reading | undefined {
  try {
    return format.read(text);
  } catch (error) {
    assert.ok(
      error instanceof TsopsError,
      `${text.slice(0, 80)}: ${error instanceof Error ? error.stack : error}`,
    );
    assert.equal(error.code, "parse");
    assert.ok(
      error.place?.line !== undefined && error.place.column !== undefined,
      "an error names its place",
    );
    assert.doesNotMatch(error.message, /^[A-Z](?!SON|OML)|\.$/, "lower case, no full stop");
    return undefined;
  }
}

/** Everything that an entry says, without its place. */
export function said(entry: Entry): unknown[] {
  const { kind, value, inline = false } = entry;
  return [kind, pathOf(entry), aadOf(entry), typed(value), inline];
}

/** The same where SOPS has the format: it prints the float 1.0 as `1`, so numbers compare whichever type they have. */
function saidIn({ ours }: Format): (entry: Entry) => unknown[] {
  return (entry) => {
    const all = said(entry);
    if (!ours) all[3] = loose(entry.value);
    return all;
  };
}

function loose(value: Scalar | undefined): unknown[] {
  const isNumber = typeof value === "number" || typeof value === "bigint";
  return isNumber ? ["number", String(value)] : typed(value);
}

/** A value that deepEqual compares as SOPS does: 1 and 1n and "1" differ, NaN equals NaN. */
export function typed(value: Scalar | undefined): unknown[] {
  if (typeof value !== "number") return [typeof value, value];
  return [typeof value, Object.is(value, -0) ? "-0" : String(value)];
}

const CIPHER = (i: number) => `ENC[AES256_GCM,data:${"A/+=".repeat(i % 3)},iv:${i},tag:x==,type:str]`;

function encrypts({ kind, value }: Entry): boolean {
  return kind === "comment" ? value !== "" : kind === "value" && value !== null;
}

/** Ciphertexts in place of all values read as those ciphertexts, and the values put back read as the values. */
export function replacingLaw(format: Format, text: string): void {
  const reading = format.read(text);
  const ciphered = applyEdits(
    text,
    reading.entries.flatMap((entry, i) =>
      encrypts(entry)
        ? [{ start: entry.start, end: entry.end, text: format.spellCipher(reading, entry, CIPHER(i)) }]
        : [],
    ),
  );
  const encrypted = format.read(ciphered);
  assert.deepEqual(
    encrypted.entries.map(said),
    reading.entries.map((entry, i) => said(encrypts(entry) ? { ...entry, value: CIPHER(i) } : entry)),
  );
  const restored = applyEdits(
    ciphered,
    encrypted.entries.flatMap((entry, i) => {
      const { value } = reading.entries[i]!;
      if (!encrypts(reading.entries[i]!)) return [];
      const spelled = format.spell(encrypted, entry, value!);
      // The ciphertext's span is what spellCipher wrote: the layout record depends on it.
      assert.equal(ciphered.slice(entry.start, entry.end), format.spellCipher(encrypted, entry, CIPHER(i)));
      return [{ start: entry.start, end: entry.end, text: spelled }];
    }),
  );
  assert.deepEqual(format.read(restored).entries.map(saidIn(format)), reading.entries.map(saidIn(format)));
}

export const METADATA = TreeMap.of([
  [
    "age",
    new TreeList([
      TreeMap.of([
        ["enc", "-----BEGIN AGE ENCRYPTED FILE-----\nYWdl\n-----END AGE ENCRYPTED FILE-----\n"],
        ["recipient", "age1qqq"],
      ]),
    ]),
  ],
  ["lastmodified", "2026-01-02T03:04:05Z"],
  ["mac", "ENC[AES256_GCM,data:x,iv:y,tag:z,type:str]"],
  ["mac_only_encrypted", true],
  ["tsops", TreeMap.of([["seal", "v1:<&>"]])],
  ["version", "3.13.3"],
]);

/** A block that is added reads as it was given, changes nothing else, can be replaced, and goes without a trace. */
export function metadataLaw(format: Format, text: string, options: { indent?: number } = {}): void {
  const reading = format.read(text);
  if (reading.metadata) return;
  const added = applyEdits(text, format.addMetadata(reading, METADATA, options));
  const again = format.read(added);
  assert.ok(again.metadata, "the block is found again");
  assert.deepEqual(again.metadata.tree, METADATA);
  assert.deepEqual(again.entries.map(said), reading.entries.map(said));
  for (const entry of again.metadata.entries) {
    if (entry.key !== "enc") continue;
    assert.deepEqual(pathOf(entry), ["age", 0, "enc"]);
  }
  assert.equal(applyEdits(added, format.removeMetadata(again)), text);
  const other = TreeMap.of([
    ["mac", "m"],
    ["pgp", new TreeList([TreeMap.of([["fp", "F"]])])],
  ]);
  const replaced = applyEdits(added, format.replaceMetadata(again, other, options));
  const third = format.read(replaced);
  assert.deepEqual(third.metadata?.tree, other);
  assert.deepEqual(third.entries.map(said), reading.entries.map(said));
  assert.equal(applyEdits(replaced, format.removeMetadata(third)), text);
}

/** Ciphertexts and metadata together, and back to the byte, as encrypting and decrypting do it. */
export function spliceLaw(format: Format, text: string): void {
  const draft = applyEdits(text, format.addMetadata(format.read(text), METADATA, {}));
  const reading = format.read(draft);
  const cipher = (entry: Entry, i: number) => {
    const { start, end } = entry;
    return encrypts(entry) ? [{ start, end, text: format.spellCipher(reading, entry, CIPHER(i)) }] : [];
  };
  const encrypted = format.read(applyEdits(draft, reading.entries.flatMap(cipher)));
  const plain = ({ start, end }: Entry, i: number) => {
    const original = reading.entries[i]!;
    return encrypts(original) ? [{ start, end, text: draft.slice(original.start, original.end) }] : [];
  };
  const edits = [...encrypted.entries.flatMap(plain), ...format.removeMetadata(encrypted)];
  assert.equal(applyEdits(encrypted.text, edits), text);
}

/**
 * What SOPS's set does to a tree (docs/internals/sops.md §7), as the model for the edits. Undefined where it panics.
 */
export function modelSet(tree: Tree, path: readonly PathElement[], value: Tree): Tree | undefined {
  const [element, ...rest] = path;
  if (element === undefined) return value;
  if (tree instanceof TreeMap) {
    if (typeof element !== "string") return undefined;
    const entries = tree.entries();
    const at = entries.findIndex(({ key }) => key === element);
    const inner = at < 0 ? wrapped(rest, value) : modelSet(entries[at]!.value, rest, value);
    if (inner === undefined) return undefined;
    if (at < 0) return new TreeMap([...entries, { key: element, value: inner }]);
    return new TreeMap(entries.with(at, { key: element, value: inner }));
  }
  if (tree instanceof TreeList) {
    if (typeof element !== "number") return undefined;
    const items = tree.values();
    if (element >= items.length) return new TreeList([...items, wrapped(rest, value)]);
    const inner = modelSet(items[element]!, rest, value);
    return inner === undefined ? undefined : new TreeList(items.with(element, inner));
  }
  return wrapped(path, value);
}

function wrapped([element, ...rest]: readonly PathElement[], value: Tree): Tree {
  if (element === undefined) return value;
  const inner = wrapped(rest, value);
  return typeof element === "number" ? new TreeList([inner]) : TreeMap.of([[element, inner]]);
}

/** What SOPS's unset does to a tree that has the path. */
export function modelUnset(tree: Tree, [element, ...rest]: readonly PathElement[]): Tree {
  if (tree instanceof TreeMap) {
    const entries = tree.entries();
    const at = entries.findIndex(({ key }) => key === element);
    // INI's section without a header is there even if nothing is in it
    if (at < 0) return tree;
    if (rest.length === 0) return new TreeMap(entries.toSpliced(at, 1));
    return new TreeMap(
      entries.with(at, { key: String(element), value: modelUnset(entries[at]!.value, rest) }),
    );
  }
  const items = (tree as TreeList).values();
  const at = Number(element);
  if (rest.length === 0) return new TreeList(items.toSpliced(at, 1));
  return new TreeList(items.with(at, modelUnset(items[at]!, rest)));
}

/** A tree as deepEqual compares it, comments left out. */
export function plainTree(tree: Tree | undefined): unknown {
  if (tree instanceof TreeMap)
    return { map: tree.entries().map(({ key, value }) => [key, plainTree(value)]) };
  if (tree instanceof TreeList) return { list: tree.values().map(plainTree) };
  return typed(tree);
}

/** The same with numbers of whichever type. */
function looseTree(tree: Tree): unknown {
  if (tree instanceof TreeMap)
    return { map: tree.entries().map(({ key, value }) => [key, looseTree(value)]) };
  if (tree instanceof TreeList) return { list: tree.values().map(looseTree) };
  return loose(tree);
}

function treeOf(reading: Reading): TreeMap {
  return buildTrees(reading.entries, reading.documents)[0]!;
}

/** A set gives the tree that it gives in SOPS, and leaves the metadata and the rest of the text alone. */
export function setLaw(format: Format, text: string, path: readonly PathElement[], value: Tree): void {
  const reading = format.read(text);
  const wanted = modelSet(treeOf(reading), path, value);
  if (wanted === undefined || path.length === 0) {
    assert.throws(() => format.set(reading, path, value, {}), { code: "bad-path" });
    return;
  }
  const edits = format.set(reading, path, value, {});
  const again = format.read(applyEdits(text, edits));
  const compared = format.ours ? plainTree : looseTree;
  assert.deepEqual(compared(treeOf(again)), compared(wanted), again.text);
  assert.deepEqual(again.metadata?.tree, reading.metadata?.tree);
}

/** An unset does as in SOPS. */
export function unsetLaw(format: Format, text: string, path: readonly PathElement[]): void {
  const reading = format.read(text);
  const again = format.read(applyEdits(text, format.unset(reading, path)));
  assert.deepEqual(plainTree(treeOf(again)), plainTree(modelUnset(treeOf(reading), path)), again.text);
  assert.deepEqual(again.metadata?.tree, reading.metadata?.tree);
}

/** All paths of a reading, those of collections among them. */
export function pathsOf(reading: Reading): PathElement[][] {
  return reading.entries.flatMap((entry) => {
    if (entry.kind === "comment") return [];
    const path = pathOf(entry);
    return path.map((_, i) => path.slice(0, i + 1));
  });
}

/** What can be compared without an order of keys, which TOML restricts. */
export function canonical(value: unknown): unknown {
  if (value instanceof TreeMap) {
    const entries = value.entries().map((entry): [string, unknown] => [entry.key, canonical(entry.value)]);
    return { map: entries.sort(([a], [b]) => (a < b ? -1 : 1)) };
  }
  if (value instanceof TreeList) return { list: value.values().map(canonical) };
  if (value instanceof Time) return { time: value.text };
  if (typeof value === "number") return { float: Object.is(value, -0) ? "-0" : String(value) };
  return typeof value === "bigint" ? { integer: String(value) } : value;
}
