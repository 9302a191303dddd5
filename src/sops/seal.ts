/**
 * The seal: an HMAC over everything that an encrypted file says, and over how it is spelled: all of its text but its
 * white space (docs/format.md has the exact encoding and test vectors). Its key comes from the data key, so it also
 * commits to that.
 */

import { createHmac, hkdfSync, timingSafeEqual } from "node:crypto";
import { TsopsError } from "../errors.ts";
import { type Container, type Entry, type Format, pathOf, type Reading } from "../formats/format.ts";
import { type Scalar, scalarType } from "../formats/scalar.ts";
import { type Edit, encodeText, withoutWhiteSpace } from "../formats/text.ts";
import { byKey, type Tree, TreeList, TreeMap } from "../formats/tree.ts";
import { valueBytes, valueText } from "./cipher.ts";
import { Encoder } from "./encoder.ts";
import { type Item, valuesOf } from "./items.ts";
import type { Metadata } from "./metadata.ts";
import { significantText } from "./significant.ts";

const VERSION = "v2";
const LABEL = "tsops seal v2";

/** An encrypted document, as it is read with the data key. */
export interface SealedDocument {
  /** What the file is written in: of a binary file that, although its text reads as JSON. */
  readonly format: Format;
  readonly reading: Reading;
  readonly metadata: Metadata;
  readonly items: readonly Item[];
  /** The edits that take the metadata out of the text, where they are known already. */
  readonly removal?: readonly Edit[];
}

/** `v2:` and the base64 of the HMAC-SHA-256. */
export function computeSeal(document: SealedDocument, dataKey: Buffer): string {
  const key = Buffer.from(hkdfSync("sha256", dataKey, Buffer.alloc(0), LABEL, 32));
  const hmac = createHmac("sha256", key);
  const out = new Encoder((chunk) => hmac.update(chunk));
  encode(out, document);
  out.flush();
  key.fill(0);
  return `${VERSION}:${hmac.digest("base64")}`;
}

/** What the HMAC is computed over: for the test vectors of docs/format.md. */
export function sealedBytes(document: SealedDocument): Buffer {
  return Encoder.bytes((out) => encode(out, document));
}

/** The seal as it stands in the metadata, or undefined if there is none. */
export function sealOf(metadata: Metadata): string | undefined {
  const seal = metadata.own.get("seal");
  return seal === undefined || seal === null ? undefined : String(seal);
}

/** @throws TsopsError("seal-broken") if the seal is not that of the document, or of another version than ours. */
export function verifySeal(stored: string, document: SealedDocument, dataKey: Buffer): void {
  const version = /^v(\d+):/.exec(stored)?.[0];
  if (version !== undefined && version !== `${VERSION}:`) throw otherVersion(version.slice(0, -1));
  const a = Buffer.from(stored);
  const b = Buffer.from(computeSeal(document, dataKey));
  if (a.length === b.length && timingSafeEqual(a, b) && !hasTails(document)) return;
  const what = document.metadata.macOnlyEncrypted
    ? "recipients, selectors, or encrypted values (their order, names, tags or quotes)"
    : "recipients, selectors, or anything of the text but its white space (names, order, tags, quotes, comments)";
  throw new TsopsError("seal-broken", `the file's seal is broken: ${what} were changed without the key`, {
    hint:
      `compare the file with git's history; it was read as ${document.format.name}: if it was sealed as another type ` +
      "and renamed, say which with --input-type\n--ignore-mac reads it anyway",
  });
}

function otherVersion(version: string): TsopsError {
  if (Number(version.slice(1)) > Number(VERSION.slice(1))) {
    return new TsopsError(
      "seal-broken",
      `the file was sealed by a newer version of tsops (seal ${version})`,
      {
        hint: "update tsops; or use --ignore-mac to read the file without checking its seal",
      },
    );
  }
  return new TsopsError(
    "seal-broken",
    `the file was sealed by an older, unreleased version of tsops (seal ${version})`,
    {
      hint:
        "compare the file with git's history; if it is as it should be, seal it again with\n" +
        "tsops rotate --in-place --ignore-mac --yes FILE (--ignore-mac skips the MAC as well)",
    },
  );
}

/** SOPS ignores what stands behind a ciphertext; nobody sealed such a thing. */
function hasTails({ items }: SealedDocument): boolean {
  return items.some(({ entry, encrypted }) => {
    const text = String(entry.value);
    return encrypted && !text.endsWith("]") && !/\][ \t\r\n]*$/.test(text);
  });
}

function encode(out: Encoder, document: SealedDocument): void {
  const { format, reading, items, metadata } = document;
  out.text(LABEL);
  out.text(format.name);
  encodeMetadata(out, metadata);
  if (metadata.macOnlyEncrypted) {
    encodeCiphers(out, document);
    return;
  }
  out.number(items.length);
  const pathBytes = rememberPaths((path, container) => {
    path.number(container.document);
    for (const element of pathOf(container)) encodeElement(path, element);
  });
  for (const item of items) encodeItem(out, item, pathBytes(item.entry.in), item.entry.key);
  // a whole file is a single value, whatever the text around it
  if (format.wrapper) {
    out.blob(Buffer.alloc(0));
    return;
  }
  const removal = document.removal ?? format.removeMetadata(reading);
  out.blob(significantText(format, reading, valuesOf(items), removal));
}

/**
 * With `mac_only_encrypted`: ciphertexts with all that says what they are, wherever plain values are put around them.
 */
function encodeCiphers(out: Encoder, { format, reading, items }: SealedDocument): void {
  const { text, duplicates } = reading;
  // an entry that an alias makes of a ciphertext is one, too
  const sealed = items.filter(({ entry, encrypted }) => encrypted || (entry.alias && isCipher(entry.value)));
  const entries = sealed.map(({ entry }) => entry);
  const ranks = new Ranks(entries);
  const pathBytes = rememberPaths((path, container) => {
    path.number(ranks.document(container));
    for (const element of ranks.path(container)) encodeElement(path, element);
  });
  const own =
    format.ownText?.(reading, valuesOf(items)) ??
    (({ start, end }) => withoutWhiteSpace(text.slice(start, end)));
  // a key that stands there once more could hide an encrypted one
  out.number((duplicates?.length ?? 0) + namesakes(format, reading.entries, entries));
  out.number(entries.length);
  for (const item of sealed) {
    const { entry } = item;
    encodeItem(out, item, pathBytes(entry.in), ranks.element(entry.in, entry.key));
    out.blob(encodeText(own(entry)));
  }
}

/** How many plain values other readers may take for more of an encrypted one, by their names. */
function namesakes({ commonName }: Format, entries: readonly Entry[], sealed: readonly Entry[]): number {
  const part = (element: string | number) => folded(commonName?.(String(element)) ?? String(element));
  const name = (entry: Entry) => JSON.stringify(pathOf(entry).map(part));
  const isSealed = new Set(sealed);
  const names = new Set(sealed.filter(({ kind }) => kind === "value").map(name));
  return entries.filter((entry) => entry.kind === "value" && !isSealed.has(entry) && names.has(name(entry)))
    .length;
}

/** Python's configparser, Windows and Go's JSON do not tell cases apart. */
function folded(name: string): string {
  return name.toUpperCase().toLowerCase();
}

function isCipher(value: Scalar | undefined): boolean {
  return typeof value === "string" && value.startsWith("ENC[");
}

/** Places in lists and documents as they are if all is left out that leads to no ciphertext. */
class Ranks {
  private readonly ranks = new Map<Container | undefined, Map<string | number, number>>();

  constructor(entries: readonly Entry[]) {
    for (const entry of entries) {
      this.add(entry.in, entry.key);
      let container = entry.in;
      for (; container?.parent; container = container.parent) this.add(container.parent, container.key);
      this.add(undefined, container?.document ?? 0);
    }
  }

  path(container: Container): (string | number)[] {
    const path: (string | number)[] = [];
    for (let at: Container | undefined = container; at?.parent; at = at.parent) {
      path.push(this.element(at.parent, at.key)!);
    }
    return path.reverse();
  }

  document(container: Container): number {
    return this.ranks.get(undefined)!.get(container.document)!;
  }

  element(holder: Container | undefined, key: string | number | undefined): string | number | undefined {
    return typeof key === "number" ? this.ranks.get(holder)!.get(key)! : key;
  }

  private add(holder: Container | undefined, key: string | number | undefined): void {
    if (typeof key !== "number") return;
    let known = this.ranks.get(holder);
    if (!known) {
      known = new Map();
      this.ranks.set(holder, known);
    }
    if (!known.has(key)) known.set(key, known.size);
  }
}

function encodeMetadata(out: Encoder, { tree, selector, macOnlyEncrypted, own }: Metadata): void {
  out.text(selector.kind);
  out.text(selector.value);
  out.number(macOnlyEncrypted ? 1 : 0);
  out.text(scalarField(tree.get("shamir_threshold")));
  const groups = keyGroups(tree);
  out.number(groups.length);
  for (const keys of groups) {
    out.number(keys.length);
    for (const { list, key } of keys) {
      out.text(list);
      const fields = key.entries().filter(({ key: name }) => name !== "enc" && name !== "created_at");
      encodeTree(out, TreeMap.of(fields.map((field) => [field.key, field.value])));
    }
  }
  encodeTree(
    out,
    TreeMap.of(own.entries().flatMap(({ key, value }) => (key === "seal" ? [] : [[key, value]]))),
  );
}

/**
 * The groups in file order: what stands at the top level as one group, then `key_groups` (docs/internals/sops.md §5).
 */
function keyGroups(tree: TreeMap): { list: string; key: TreeMap }[][] {
  const top = keysIn(tree);
  const groups = mapsIn(tree.get("key_groups")).map(keysIn);
  return top.length > 0 || groups.length === 0 ? [top, ...groups] : groups;
}

/** Fields that hold maps and are no lists of master keys. */
const OTHERS = ["key_groups", "tsops"];

/**
 * The keys of a group. Every list of maps counts as one of master keys, whatever its name: this code knows no kinds,
 * and a kind that a later version has is sealed, too.
 */
function keysIn(group: TreeMap): { list: string; key: TreeMap }[] {
  const fields = group.entries().filter(({ key }) => !OTHERS.includes(key));
  return fields
    .sort((a, b) => (a.key < b.key ? -1 : 1))
    .flatMap((field) => mapsIn(field.value).map((key) => ({ list: field.key, key })));
}

/** A single map counts as a list of one, as where keys are read (src/keys/metadata.ts): all that counts is sealed. */
function mapsIn(value: Tree | undefined): TreeMap[] {
  if (value instanceof TreeMap) return value.entries().length === 0 ? [] : [value];
  return value instanceof TreeList ? value.values().filter((item) => item instanceof TreeMap) : [];
}

function scalarField(value: Tree | undefined): string {
  return value === undefined || value === null || value instanceof TreeMap || value instanceof TreeList
    ? ""
    : valueBytes(value).toString();
}

/** A tree with its map keys sorted: flat formats may store them in another order. Scalars count by their text. */
function encodeTree(out: Encoder, tree: Tree): void {
  if (tree instanceof TreeMap) {
    const entries = tree.entries().sort(byKey);
    out.text("map");
    out.number(entries.length);
    for (const { key, value } of entries) {
      out.text(key);
      encodeTree(out, value);
    }
  } else if (tree instanceof TreeList) {
    const values = tree.values();
    out.text("list");
    out.number(values.length);
    for (const value of values) encodeTree(out, value);
  } else {
    out.text("text");
    out.text(tree === null ? "" : scalarField(tree));
  }
}

/** The encoded path of each collection, made once. */
function rememberPaths(write: (path: Encoder, container: Container) => void) {
  const paths = new Map<Container, Buffer>();
  return (container: Container | undefined): Buffer => {
    if (container === undefined) return Buffer.alloc(0);
    let bytes = paths.get(container);
    if (!bytes) {
      bytes = Encoder.bytes((path) => write(path, container));
      paths.set(container, bytes);
    }
    return bytes;
  };
}

/** An item under the path of what holds it. */
function encodeItem(
  out: Encoder,
  { entry, value }: Item,
  path: Buffer,
  key: string | number | undefined,
): void {
  out.text(entry.kind);
  out.blob(path);
  if (key === undefined) out.text("none");
  else encodeElement(out, key);
  if (value === undefined || value === null) out.text(value === null ? "null" : "none");
  else {
    out.text(scalarType(value));
    out.text(entry.kind === "comment" ? words(valueText(value)) : valueText(value));
  }
}

/** A comment's text as formatters leave it. A carriage return alone ends a line for some readers. */
function words(comment: string): string {
  return comment.replace(/(?:[ \t]|\r?\n)+/g, " ").replace(/^ | ?\r?$/g, "");
}

function encodeElement(out: Encoder, element: string | number): void {
  if (typeof element === "number") {
    out.text("index");
    out.number(element);
  } else {
    out.text("key");
    out.text(element);
  }
}
