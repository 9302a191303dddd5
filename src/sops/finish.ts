import { TsopsError } from "../errors.ts";
import { append } from "../formats/append.ts";
import { aadOf, type Format, pathOf, type Reading } from "../formats/format.ts";
import { shownPath } from "../formats/path.ts";
import { type Scalar, Time } from "../formats/scalar.ts";
import { applyEdits, type Edit, placeOf } from "../formats/text.ts";
import { type Tree, TreeList, TreeMap } from "../formats/tree.ts";
import { encryptBytes, valueBytes } from "./cipher.ts";
import { encryptConflicts } from "./conflicts.ts";
import type { Item } from "./items.ts";
import { keptComments } from "./kept.ts";
import { asLines, encryptLayout, type LayoutSpan, levelsUp } from "./layout.ts";
import { computeMac, encryptMac, macItems } from "./mac.ts";
import { readBoolean, readMetadata, treeWith, versionToWrite } from "./metadata.ts";
import { computeSeal } from "./seal.ts";
import { type CipherEdit, type EncryptOptions, type Plain, plainsOf } from "./work.ts";

export interface Unfinished {
  /** The plaintext with the metadata block in it. */
  readonly draft: string;
  readonly edits: readonly CipherEdit[];
  readonly plains: readonly Plain[];
  /** The format of the encrypted text. */
  readonly format: Format;
  /** The format that the seal names, where it is another one: binary, whose encrypted text is JSON. */
  readonly sealedAs?: Format;
  readonly options: EncryptOptions;
}

/**
 * From ciphertexts in their places to the whole file. Comments are bound to the places that they have in the final text
 * (docs/internals/yaml-comments.md §7), so it is read again; then layout, MAC and seal are worked out on that reading.
 */
export function finishText(work: Unfinished): string {
  const { draft, edits, format, options } = work;
  const { reading, plains } = boundComments(readCiphers(format, applyEdits(draft, edits)), work);
  const items = reading.entries.map((entry, i) => {
    const plain = plains[i];
    return { entry, value: plain?.value ?? entry.value, encrypted: plain !== undefined };
  });
  checkSelection(reading, items, work);

  const old = readMetadata(reading.metadata!.tree);
  const layout = encryptLayout(
    layoutSpans(work, reading, items),
    options,
    options.previous?.sameKey ? scalarField(old.own.get("layout")) : undefined,
  );
  const own = treeWith(ownFields(options.metadata), {
    layout,
    seal: undefined,
    conflicts: conflictsField(options),
  });
  // what the file is going to say, which may differ from what the draft says still
  const macOnly = readBoolean(options.metadata, "mac_only_encrypted");
  let tree = treeWith(options.metadata, {
    ...macFields(computeMac(macItems(items), macOnly), options),
    version: versionToWrite(options.metadata),
    tsops: own.items.length > 0 ? own : undefined,
  });
  if (options.seal) {
    const document = {
      format: work.sealedAs ?? format,
      reading,
      metadata: readMetadata(tree),
      items,
    };
    const seal = computeSeal(document, options.dataKey);
    tree = treeWith(tree, { tsops: treeWith(own, { seal }) });
  }
  return applyEdits(reading.text, metadataEdits(reading, format, tree, options.indent));
}

/** Ciphertexts of a field are never carried over: the data key may be another one. */
function conflictsField(options: EncryptOptions): string | undefined {
  const { conflicts } = options;
  return conflicts === undefined || conflicts === "resolved"
    ? undefined
    : encryptConflicts(conflicts, options);
}

function macFields(mac: string, options: EncryptOptions): Record<string, Tree | undefined> {
  const { keepMac, previous, lastModified } = options;
  if (keepMac && previous) {
    const { tree } = previous.decrypted.metadata;
    return { lastmodified: tree.get("lastmodified"), mac: tree.get("mac") };
  }
  return { lastmodified: lastModified, mac: encryptMac(mac, lastModified, options) };
}

function ownFields(metadata: TreeMap): TreeMap {
  const own = metadata.get("tsops");
  return own instanceof TreeMap ? own : new TreeMap();
}

function scalarField(value: Tree | undefined): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function readCiphers(format: Format, text: string): Reading {
  const reading = format.read(text);
  if (!reading.metadata) throw new RangeError("the metadata block was lost while encrypting");
  return reading;
}

/**
 * Other ciphertexts for the comments whose path is another one in the final text; their lengths stay the same. Those that
 * the file had there before are used again.
 */
function boundComments(reading: Reading, { plains, format, options }: Unfinished) {
  const found = plainsOf(reading, plains);
  const elsewhere = reading.entries.flatMap((entry, i) => {
    const [plain, aad] = [found[i], aadOf(entry)];
    return plain?.comment && plain.aad !== aad ? [{ entry, plain, aad }] : [];
  });
  if (elsewhere.length === 0) return { reading, plains: found };
  const edits: Edit[] = [];
  const bound = new Map<Plain, Plain>();
  const kept = keptComments(options.previous, new Set(plains.map(({ cipher }) => cipher)));
  for (const { entry, plain, aad } of elsewhere) {
    const { value } = plain;
    const cipher = kept(value, aad) ?? encryptBytes(valueBytes(value), "comment", aad, options);
    bound.set(plain, { ...plain, cipher, aad });
    edits.push({ start: entry.start, end: entry.end, text: format.spellCipher(reading, entry, cipher) });
  }
  const again = readCiphers(format, applyEdits(reading.text, edits));
  const all = plains.map((plain) => bound.get(plain) ?? plain);
  return { reading: again, plains: plainsOf(again, all) };
}

/** Reading the encrypted file must select what was encrypted: with comment regexes a ciphertext may match by chance. */
function checkSelection(reading: Reading, items: readonly Item[], { options }: Unfinished): void {
  const selected = options.selection(reading.entries);
  const odd = items.find(({ entry, encrypted }, i) => {
    if (entry.kind === "comment") return encrypted && !selected[i];
    return entry.kind === "value" && entry.value !== null && entry.value !== "" && selected[i] !== encrypted;
  });
  if (!odd) return;
  throw new TsopsError(
    "tree-encryption",
    "a comment expression matches other comments once they are encrypted, so that the file could not be decrypted",
    {
      hint: "choose an expression for unencrypted_comment_regex or encrypted_comment_regex that matches no ciphertext",
      place: placeOf(reading.text, odd.entry.start),
    },
  );
}

/** What the plain splice would not bring back, found by trying (docs/format.md). */
function layoutSpans(
  { draft, edits, format }: Unfinished,
  reading: Reading,
  items: readonly Item[],
): LayoutSpan[] {
  const order = [...reading.entries.keys()]
    .filter((i) => !reading.entries[i]!.alias)
    .sort((a, b) => reading.entries[a]!.start - reading.entries[b]!.start);
  // an alias may have been written out without any ciphertext; else entries that share a place do not matter
  const allFrom = forward(reading, order);
  const ciphersFrom = forward(
    reading,
    order.filter((i) => items[i]!.encrypted),
  );
  const spans: LayoutSpan[] = [];
  let shift = 0;
  for (const edit of edits) {
    const start = edit.start + shift;
    const end = start + edit.text.length;
    shift += edit.text.length - (edit.end - edit.start);
    const inAlias = edit.entries.some((entry) => entry.alias);
    const first = inAlias ? allFrom(start) : ciphersFrom(start);
    const item = first === undefined ? undefined : items[first];
    const raw = draft.slice(edit.start, edit.end);
    const up = item && item.entry.start < end ? levelsUp(reading, first!, start, end) : undefined;
    if (first === undefined || item === undefined || up === undefined) throw cannotKeep(edit, draft);
    const { entry, value, encrypted } = item;
    const own = up === 0 && encrypted;
    if (own && format.spell(reading, entry, value!) === raw) continue;
    spans.push({ entry: first, up, raw: (own && asLines(raw, value!)) || raw });
  }
  return spans;
}

/** The first of these entries that starts at or after an offset; asked with offsets that only grow. */
function forward(reading: Reading, order: readonly number[]): (offset: number) => number | undefined {
  let next = 0;
  return (offset) => {
    while (next < order.length && reading.entries[order[next]!]!.start < offset) next++;
    return order[next];
  };
}

function cannotKeep(edit: CipherEdit, draft: string): TsopsError {
  return new TsopsError(
    "tree-encryption",
    `the value at ${shownPath(edit.entries[0]!)} cannot be encrypted in its place`,
    {
      place: placeOf(draft, edit.start),
      hint: "write it in a simpler style, on one line; nothing was written",
    },
  );
}

/** Changed scalars are replaced where they stand, so the block keeps its formatting; else it is printed anew. */
function metadataEdits(reading: Reading, format: Format, tree: TreeMap, indent: number | undefined): Edit[] {
  const block = reading.metadata!;
  const changes = scalarChanges(block.tree, tree, []);
  const byPath = new Map(block.entries.map((entry) => [pathText(pathOf(entry)), entry]));
  const edits = changes?.map(({ path, value }) => {
    const entry = byPath.get(pathText(path));
    return entry && { start: entry.start, end: entry.end, text: format.spell(reading, entry, value) };
  });
  if (edits?.every((edit) => edit !== undefined)) return edits;
  return format.replaceMetadata(reading, tree, { indent });
}

function pathText(path: readonly (string | number)[]): string {
  return JSON.stringify(path);
}

interface Change {
  path: (string | number)[];
  value: Scalar;
}

/** The scalars in which two trees of the same shape differ; undefined if their shapes differ. */
function scalarChanges(old: Tree, now: Tree, path: (string | number)[]): Change[] | undefined {
  const all = (pairs: [Tree, Tree, string | number][]): Change[] | undefined => {
    const changes: Change[] = [];
    for (const [a, b, key] of pairs) {
      const inner = scalarChanges(a, b, [...path, key]);
      if (!inner) return undefined;
      append(changes, inner);
    }
    return changes;
  };
  if (old instanceof TreeMap && now instanceof TreeMap) {
    const before = old.entries();
    const after = now.entries();
    if (before.length !== after.length || new Set(before.map((e) => e.key)).size !== before.length)
      return undefined;
    const pairs: [Tree, Tree, string][] = [];
    for (const { key, value } of before) {
      const other = now.get(key);
      if (other === undefined) return undefined;
      pairs.push([value, other, key]);
    }
    return all(pairs);
  }
  if (old instanceof TreeList && now instanceof TreeList) {
    const before = old.values();
    const after = now.values();
    if (before.length !== after.length) return undefined;
    return all(before.map((value, i) => [value, after[i]!, i]));
  }
  const scalars = [old, now].every((tree) => !(tree instanceof TreeMap) && !(tree instanceof TreeList));
  if (!scalars) return undefined;
  if (sameText(old as Scalar, now as Scalar)) return [];
  return [{ path, value: now as Scalar }];
}

/** Flat formats hold every scalar as text, so numbers and booleans compare by theirs. */
function sameText(a: Scalar, b: Scalar): boolean {
  if (a === null || b === null) return a === b;
  // a time without quotes is none to SOPS
  if (a instanceof Time !== b instanceof Time) return false;
  return String(valueBytes(a)) === String(valueBytes(b)) || String(a) === String(b);
}
