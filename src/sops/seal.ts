import { createHmac, hkdfSync, timingSafeEqual } from "node:crypto";
import { TsopsError } from "../errors.ts";
import { type Container, type Entry, pathOf } from "../formats/format.ts";
import { type Scalar, scalarType } from "../formats/scalar.ts";
import { encodeText } from "../formats/text.ts";
import { type Tree, TreeList, TreeMap } from "../formats/tree.ts";
import { valueBytes, valueText } from "./cipher.ts";
import type { Metadata } from "./metadata.ts";

/**
 * The seal: an HMAC over everything a file says that SOPS leaves open (docs/format.md has the exact encoding and
 * test vectors). Its key comes from the data key, so it also commits to that.
 */
const VERSION = "v1";
const LABEL = "tsops seal v1";

export interface SealedEntry {
  readonly entry: Entry;
  /** The decrypted value, or a comment's text; undefined for empty collections. */
  readonly value: Scalar | undefined;
}

/** `v1:` and the base64 of the HMAC-SHA-256. */
export function computeSeal(entries: readonly SealedEntry[], metadata: Metadata, dataKey: Buffer): string {
  const key = Buffer.from(hkdfSync("sha256", dataKey, Buffer.alloc(0), LABEL, 32));
  const hmac = createHmac("sha256", key);
  const out = new Encoder((chunk) => hmac.update(chunk));
  encode(out, entries, metadata);
  out.flush();
  key.fill(0);
  return `${VERSION}:${hmac.digest("base64")}`;
}

/** What the HMAC is computed over: for the test vectors of docs/format.md. */
export function sealedBytes(entries: readonly SealedEntry[], metadata: Metadata): Buffer {
  return Encoder.bytes((out) => encode(out, entries, metadata));
}

function encode(out: Encoder, entries: readonly SealedEntry[], metadata: Metadata): void {
  out.text(LABEL);
  encodeMetadata(out, metadata);
  encodeEntries(out, entries);
}

/** The seal as it stands in the metadata, or undefined if there is none. */
export function sealOf(metadata: Metadata): string | undefined {
  const seal = metadata.own.get("seal");
  return seal === undefined || seal === null ? undefined : String(seal);
}

/** @throws TsopsError("seal-broken") if the seal is not the computed one, or of a version that this does not know. */
export function verifySeal(stored: string, computed: string): void {
  const version = /^v(\d+):/.exec(stored)?.[0];
  if (version !== undefined && version !== `${VERSION}:`) {
    throw new TsopsError(
      "seal-broken",
      `the file was sealed by a newer version of tsops (seal ${version.slice(0, -1)})`,
      {
        hint: "update tsops; or use --ignore-mac to read the file without checking its seal",
      },
    );
  }
  const a = Buffer.from(stored);
  const b = Buffer.from(computed);
  if (a.length === b.length && timingSafeEqual(a, b)) return;
  throw new TsopsError(
    "seal-broken",
    "the file's seal is broken: recipients, selectors, names, order, types or comments were changed without the key",
    { hint: "compare the file with git's history; --ignore-mac reads it all the same" },
  );
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

/** Fields of `sops` that hold lists of master keys. */
const KEY_LISTS = ["age", "azure_kv", "gcp_kms", "hc_vault", "hckms", "kms", "pgp"];

/** The groups in file order; one group stands at the top level, and hides `key_groups` (SPEC section 5). */
function keyGroups(tree: TreeMap): { list: string; key: TreeMap }[][] {
  const top = keysIn(tree);
  const groups = mapsIn(tree.get("key_groups"));
  return top.length > 0 || groups.length === 0 ? [top] : groups.map(keysIn);
}

function keysIn(group: TreeMap): { list: string; key: TreeMap }[] {
  return KEY_LISTS.flatMap((list) => mapsIn(group.get(list)).map((key) => ({ list, key })));
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
    const entries = tree.entries().sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
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

function encodeEntries(out: Encoder, entries: readonly SealedEntry[]): void {
  const paths = new Map<Container, Buffer>();
  const pathBytes = (container: Container): Buffer => {
    let bytes = paths.get(container);
    if (!bytes) {
      bytes = Encoder.bytes((path) => {
        path.number(container.document);
        for (const element of pathOf(container)) encodeElement(path, element);
      });
      paths.set(container, bytes);
    }
    return bytes;
  };
  out.number(entries.length);
  for (const { entry, value } of entries) {
    out.text(entry.kind);
    out.blob(entry.in ? pathBytes(entry.in) : Buffer.alloc(0));
    if (entry.key === undefined) out.text("none");
    else encodeElement(out, entry.key);
    if (value === undefined || value === null) out.text(value === null ? "null" : "none");
    else {
      out.text(scalarType(value));
      out.text(valueText(value));
    }
  }
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

/** Characters. */
const SHORT = 1024;
/** Small, since one is made for each collection; a short text fits with its length. */
const BUFFER_BYTES = 8 + 3 * SHORT;

/** Length-prefixed encoding: numbers are 8 bytes big endian, texts and blobs their length in bytes, then the bytes. */
class Encoder {
  private buffer = Buffer.allocUnsafe(BUFFER_BYTES);
  private used = 0;
  private readonly sink: (chunk: Buffer) => void;

  constructor(sink: (chunk: Buffer) => void) {
    this.sink = sink;
  }

  static bytes(write: (out: Encoder) => void): Buffer {
    const chunks: Buffer[] = [];
    const out = new Encoder((chunk) => chunks.push(Buffer.from(chunk)));
    write(out);
    out.flush();
    return Buffer.concat(chunks);
  }

  number(value: number): void {
    this.room(8);
    this.used = this.buffer.writeUInt32BE(Math.floor(value / 2 ** 32), this.used);
    this.used = this.buffer.writeUInt32BE(value % 2 ** 32, this.used);
  }

  text(value: string): void {
    // three bytes a unit are enough; most texts are short, and go in without a buffer of their own
    if (value.length > SHORT || !value.isWellFormed()) {
      this.blob(encodeText(value));
      return;
    }
    this.room(8 + 3 * value.length);
    const length = this.writeAscii(value) ?? this.buffer.write(value, this.used + 8, "utf8");
    this.number(length);
    this.used += length;
  }

  /** A short text, written here rather than by Node, whose call takes longer; undefined if it is not one. */
  private writeAscii(value: string): number | undefined {
    if (value.length > 32) return undefined;
    for (let i = 0, at = this.used + 8; i < value.length; i++, at++) {
      const code = value.charCodeAt(i);
      if (code > 0x7f) return undefined;
      this.buffer[at] = code;
    }
    return value.length;
  }

  blob(value: Buffer): void {
    this.number(value.length);
    if (value.length > this.buffer.length) {
      this.flush();
      this.sink(value);
      return;
    }
    this.room(value.length);
    value.copy(this.buffer, this.used);
    this.used += value.length;
  }

  flush(): void {
    if (this.used > 0) this.sink(this.buffer.subarray(0, this.used));
    this.used = 0;
  }

  private room(size: number): void {
    if (this.used + size > this.buffer.length) this.flush();
  }
}
