import { TsopsError } from "../../errors.ts";
import {
  type Alias,
  type Container,
  childContainer,
  type Entry,
  type MetadataBlock,
  type PathElement,
  type Reading,
  rootContainer,
} from "../format.ts";
import type { Scalar } from "../scalar.ts";
import { placeOf } from "../text.ts";
import { TreeList, TreeMap } from "../tree.ts";
import { compose } from "./compose.ts";
import { checkMerges, checkUniqueKeys } from "./keys.ts";
import type { AliasNode, CollectionNode, Composed, Node, ScalarNode } from "./nodes.ts";
import { isTypeTag, MISMATCH, resolve, TOO_LARGE } from "./resolve.ts";
import { MAX_DEPTH } from "./scan.ts";
import { type Comment, type Lines, yamlError } from "./scanner.ts";

/** A reading that also knows the nodes it was made of, for edits. */
export class YamlReading implements Reading {
  readonly text: string;
  readonly entries: readonly Entry[];
  readonly documents: number;
  readonly metadata?: MetadataBlock;
  readonly duplicates?: readonly number[];
  readonly composed: Composed;
  /** Nodes that an alias uses as a key. */
  readonly keyTargets: ReadonlySet<Node>;

  constructor(reading: Reading, composed: Composed, keyTargets: ReadonlySet<Node>) {
    this.text = reading.text;
    this.entries = reading.entries;
    this.documents = reading.documents;
    if (reading.metadata) this.metadata = reading.metadata;
    if (reading.duplicates) this.duplicates = reading.duplicates;
    this.composed = composed;
    this.keyTargets = keyTargets;
  }
}

/** The alias of entries that come from it, with what holds it; nothing does at the root of a document. */
export interface YamlAlias extends Alias {
  readonly holder: Container | undefined;
  readonly key: PathElement | undefined;
  /** Start of the map entry or list item that the alias is the value of. */
  readonly at: number;
}

/** The style of a comment that is written as SOPS writes comments of lists: as an item. */
export interface ItemComment {
  readonly item: ScalarNode;
  /** What stands around the item's scalar in the entry's span. */
  readonly prefix: string;
  readonly suffix: string;
  /** What must stand before the `#` and after the text, so that the rest of the list stays what it is. */
  readonly before: string;
  readonly after: string;
}

export function isItemComment(style: unknown): style is ItemComment {
  return typeof style === "object" && style !== null && "item" in style;
}

type Draft = { -readonly [K in keyof Entry]: Entry[K] };

/**
 * Reads a YAML text into entries, in the order in which SOPS walks them, with aliases expanded.
 * @throws TsopsError("parse") if SOPS would not read it, TsopsError("tree-encryption") for keys and values that
 * SOPS reads but cannot encrypt.
 */
export function read(text: string): YamlReading {
  const composed = compose(text);
  if (composed.documents.length === 0 && text.length > 0) {
    throw new TsopsError("parse", "this file holds no document, at most comments", {
      hint: "Add a value, or a line `---` to make it an empty document.",
    });
  }
  return new Walk(composed).reading();
}

/** The nodes of a reading. */
export function composedOf(reading: Reading): Composed {
  return reading instanceof YamlReading ? reading.composed : compose(reading.text);
}

/** The key of an entry of a map. @throws TsopsError if it is not a string. */
export function keyOf(text: string, value: Node): string {
  let key = value.key!;
  if (key.kind === "alias") key = key.target;
  if (key.kind !== "scalar") {
    throw yamlError(
      text,
      "a map or list cannot be a key",
      value.at,
      "SOPS reads no such keys: use a string.",
    );
  }
  const resolved = resolve(key);
  if (typeof resolved === "string") return resolved;
  if (resolved === MISMATCH) throw mismatch(text, key);
  const hint = "SOPS encrypts string keys only: put the key in quotes.";
  throw new TsopsError("tree-encryption", "a key is not a string", { hint, place: placeOf(text, value.at) });
}

function mismatch(text: string, node: ScalarNode): TsopsError {
  return yamlError(
    text,
    "the value does not fit its tag",
    node.start,
    "Correct the value, or remove the tag.",
  );
}

class Walk {
  private readonly composed: Composed;
  private readonly text: string;
  private readonly entries: Entry[] = [];
  /** Entries of the `sops` blocks go here. */
  private out: Entry[] = this.entries;
  private readonly duplicates: number[] = [];
  private metadata: MetadataBlock | undefined;
  /** Whether list items can be encrypted comments. */
  private encrypted = false;
  /** The outermost alias that is being expanded, and the nodes inside of which the walk is. */
  private alias: YamlAlias | undefined;
  private readonly expanding = new Set<Node>();
  private readonly ranges = new Map<
    Node,
    { from: number; to: number; out: Entry[]; originals?: readonly Entry[] }
  >();
  private readonly keyTargets = new Set<Node>();
  private readonly roots: Container[] = [];
  private readonly containers = new Map<Node, Container>();
  private expanded = 0;
  private depth = 0;

  constructor(composed: Composed) {
    this.composed = composed;
    this.text = composed.text;
  }

  reading(): YamlReading {
    const { documents, comments } = this.composed;
    const first = documents[0]?.root;
    this.encrypted =
      first?.kind === "map" &&
      first.items.some((item) => item.key?.kind === "scalar" && item.key.text === "sops");
    for (let i = 0; i < documents.length; i++) this.document(i);
    for (const comment of comments) if (!comment.held) this.lost(comment);
    const { text, entries, metadata } = this;
    const duplicates = this.duplicates.length > 0 ? this.duplicates : undefined;
    const reading = { text, entries, documents: documents.length, metadata, duplicates };
    return new YamlReading(reading, this.composed, this.keyTargets);
  }

  private document(index: number): void {
    const document = this.composed.documents[index]!;
    const before = this.entries.length;
    const root = rootContainer(index);
    this.roots.push(root);
    this.comments(document.head, root);
    let node = document.root;
    if (node.kind === "alias") {
      this.comments(node.remarks?.head, root);
      this.comments(node.remarks?.line, root);
      this.expand(node, root, undefined, node.remarks?.foot);
    } else if (node.kind === "scalar") {
      this.rootScalar(node, root);
    } else {
      if (node.kind === "list") this.refuseRoot(node, "a list");
      if (index === 0) checkMerges(this.text, node);
      if (node.flow) {
        root.start = node.start;
        root.end = node.end;
      }
      this.map(node, root, false);
      if (node.props?.anchor !== undefined) this.remember(node, before);
    }
    if (node.kind === "alias") node = node.target;
    this.comments(document.foot, root);
    if (this.onlyComments(before)) {
      this.entries.push(
        entry("empty-map", undefined, undefined, undefined, node.start, node.end, undefined, undefined),
      );
    }
  }

  private onlyComments(from: number): boolean {
    for (let i = from; i < this.entries.length; i++) if (this.entries[i]!.kind !== "comment") return false;
    return true;
  }

  private rootScalar(node: ScalarNode, root: Container): void {
    if (resolve(node) !== null) this.refuseRoot(node, "a single value");
    this.comments(node.remarks?.head, root);
    this.comments(node.remarks?.line, root);
  }

  private refuseRoot(node: Node, what: string): never {
    const hint = "SOPS encrypts YAML whose top level is a map. A file like this can be encrypted as binary.";
    throw yamlError(
      this.text,
      `the top level of this document is ${what}`,
      node.at,
      `${hint} (--input-type binary)`,
    );
  }

  /** A map's entries with its own comments, unless whoever holds the map has taken care of those. */
  private map(node: CollectionNode, container: Container, handled: boolean): void {
    this.enter(node);
    if (!handled) {
      this.comments(node.remarks?.head, container);
      this.comments(node.remarks?.line, container);
    }
    const later = checkUniqueKeys(this.text, node, container.document);
    if (later) this.duplicates.push(...later);
    for (const value of node.items) this.pair(value, container);
    if (!handled) this.comments(node.remarks?.foot, container);
    this.leave(node);
  }

  private pair(value: Node, container: Container): void {
    const keyNode = value.key!;
    this.comments(keyNode.remarks?.head, container);
    this.comments(keyNode.remarks?.line, container);
    const own = value.kind === "scalar" || value.kind === "alias";
    if (own) {
      this.comments(value.remarks?.head, container);
      this.comments(value.remarks?.line, container, true);
    }
    const key = keyOf(this.text, value);
    if (keyNode.kind === "alias") this.keyTargets.add(keyNode.target);
    const inBlock = this.out !== this.entries;
    if (key === "sops" && container.parent === undefined && !inBlock) this.metadataBlock(value, container);
    else this.value(value, container, key, own);
    if (own) this.comments(value.remarks?.foot, container);
    this.comments(keyNode.remarks?.foot, container);
  }

  private list(node: CollectionNode, container: Container, handled: boolean): void {
    this.enter(node);
    if (!handled) {
      this.comments(node.remarks?.head, container);
      this.comments(node.remarks?.line, container);
    }
    let index = 0;
    const onlyComments = this.encrypted && node.items.every(isEncryptedComment);
    for (const [i, item] of node.items.entries()) {
      const range = item.props?.anchor === undefined ? undefined : this.out.length;
      this.comments(item.remarks?.head, container);
      this.comments(item.remarks?.line, container, true);
      if (this.encrypted && isEncryptedComment(item))
        this.itemComment(node, item, container, onlyComments && i === 0);
      else this.value(item, container, index++, true);
      this.comments(item.remarks?.foot, container);
      if (range !== undefined && item.kind !== "scalar") this.remember(item, range);
    }
    if (!handled) this.comments(node.remarks?.foot, container);
    this.leave(node);
  }

  private value(node: Node, container: Container, key: PathElement, handled: boolean): void {
    if (node.kind === "alias") {
      this.expand(node, container, key, undefined);
      return;
    }
    const from = this.out.length;
    if (node.kind === "scalar") this.scalar(node, container, key);
    else this.collection(node, container, key, handled);
    if (node.props?.anchor !== undefined) this.remember(node, from);
  }

  private collection(node: CollectionNode, parent: Container, key: PathElement, handled: boolean): void {
    const container = childContainer(node.kind, parent, key);
    if (!this.alias) this.containers.set(node, container);
    if (node.flow && !this.alias) {
      container.start = node.start;
      container.end = node.end;
    }
    const empty =
      node.items.length === 0 ||
      (this.encrypted && node.kind === "list" && node.items.every(isEncryptedComment));
    if (empty)
      this.push(
        entry(
          node.kind === "map" ? "empty-map" : "empty-list",
          parent,
          key,
          undefined,
          node.start,
          node.end,
          this.alias,
          undefined,
        ),
      );
    if (node.kind === "map") this.map(node, container, handled);
    else this.list(node, container, handled);
  }

  private scalar(node: ScalarNode, container: Container, key: PathElement): void {
    let value = this.resolved(node);
    // A block scalar ends its ciphertext with a line break, which means nothing.
    if (this.encrypted && node.block && CIPHER_LINE.test(node.text)) value = node.text.trimEnd();
    const { start, end } = this.alias ?? spanOf(this.text, node);
    this.push(entry("value", container, key, value, start, end, this.alias, node));
  }

  private resolved(node: ScalarNode): Scalar {
    const value = resolve(node);
    if (value === MISMATCH) throw mismatch(this.text, node);
    if (value === TOO_LARGE) {
      throw new TsopsError("tree-encryption", "this integer is too large for SOPS (2^63 or more)", {
        hint: "Put it in quotes to make it a string.",
        place: placeOf(this.text, node.start),
      });
    }
    return value;
  }

  /** Walks what an alias stands for, in the alias's place. */
  private expand(
    node: AliasNode,
    container: Container,
    key: PathElement | undefined,
    foot: Lines | undefined,
  ): void {
    const target = node.target;
    if (this.expanding.has(target)) {
      throw yamlError(
        this.text,
        "this alias stands inside what it repeats",
        node.start,
        "Remove the alias or its anchor.",
      );
    }
    const outermost = this.alias === undefined;
    if (outermost) {
      const { start, end, at } = node;
      const holder = key === undefined ? undefined : container;
      this.alias = { start, end, originals: this.originals(target), holder, key, at };
    }
    if (key !== undefined) {
      if (target.kind === "scalar") this.scalar(target, container, key);
      else this.collection(target, container, key, false);
    } else if (target.kind === "map") this.map(target, container, false);
    else if (target.kind === "scalar") this.rootScalar(target, container);
    else this.refuseRoot(node, "a list");
    if (outermost) this.alias = undefined;
    this.comments(foot, container);
  }

  private originals(target: Node): readonly Entry[] {
    const range = this.ranges.get(target);
    if (!range) return [];
    range.originals ??= range.out.slice(range.from, range.to);
    for (const original of range.originals as Draft[]) original.anchored = true;
    return range.originals;
  }

  private remember(node: Node, from: number): void {
    if (!this.alias) this.ranges.set(node, { from, to: this.out.length, out: this.out });
  }

  /** The `sops` entry: that of the first document is the metadata, and every other is left out as well. */
  private metadataBlock(node: Node, root: Container): void {
    const entries: Entry[] = [];
    this.out = entries;
    if (node.kind === "map") this.map(node, rootContainer(root.document), false);
    else this.value(node, root, "sops", node.kind === "scalar");
    this.out = this.entries;
    if (root.document > 0) return;
    const tree = treeOf(this.text, node);
    if (tree instanceof TreeMap) this.metadata = { tree, entries: entries.filter(isValue) };
    else this.metadata = { tree: new TreeMap(), entries: [] };
  }

  private comments(lines: Lines | undefined, container: Container, inline = false): void {
    if (!lines) return;
    for (const comment of lines) {
      if (!comment) continue;
      comment.held = true;
      const text = this.text.slice(comment.start + 1, comment.end);
      const { start, end } = this.alias ?? comment;
      const found = entry("comment", container, undefined, text, start, end, this.alias, undefined);
      if (inline) found.inline = true;
      this.push(found);
    }
  }

  private itemComment(list: CollectionNode, item: Node, container: Container, alone: boolean): void {
    const node = item as ScalarNode;
    const { start, end, style } = itemSpan(this.text, list, node, alone);
    const span = this.alias ?? { start, end };
    this.push(entry("comment", container, undefined, node.text, span.start, span.end, this.alias, style));
  }

  /** Under the path of what is around it, which is where other programs would see it. */
  private lost(comment: Comment): void {
    const container = this.containerAt(comment.start);
    const text = this.text.slice(comment.start + 1, comment.end);
    const found = entry(
      "comment",
      container,
      undefined,
      text,
      comment.start,
      comment.end,
      undefined,
      undefined,
    );
    found.lost = true;
    this.entries.push(found);
  }

  private containerAt(offset: number): Container {
    const { documents } = this.composed;
    const index = Math.min(
      lastBefore(documents, (document) => document.start, offset),
      documents.length - 1,
    );
    let node = documents[Math.max(index, 0)]!.root;
    let container = this.roots[Math.max(index, 0)]!;
    while (node.kind === "map" || node.kind === "list") {
      container = this.containers.get(node) ?? container;
      const item = node.items[lastBefore(node.items, (value) => value.at, offset)];
      if (!item || offset < item.start || offset >= item.end) break;
      node = item;
    }
    return container;
  }

  private push(found: Draft): void {
    if (this.alias && ++this.expanded > Math.min(1_000_000, 10_000 + 10 * this.text.length)) {
      const hint = "Write out fewer copies: an alias of an alias grows fast.";
      throw yamlError(this.text, "the aliases of this file repeat too much", this.alias.start, hint);
    }
    this.out.push(found);
  }

  private enter(node: Node): void {
    if (++this.depth > MAX_DEPTH) {
      throw yamlError(this.text, `maps and lists are nested more than ${MAX_DEPTH} deep`, node.start);
    }
    this.expanding.add(node);
  }

  private leave(node: Node): void {
    this.depth--;
    this.expanding.delete(node);
  }
}

function entry(
  kind: Entry["kind"],
  container: Container | undefined,
  key: PathElement | undefined,
  value: Scalar | undefined,
  start: number,
  end: number,
  alias: Alias | undefined,
  style: unknown,
): Draft {
  return { kind, in: container, key, value, start, end, alias, style };
}

/** Index of the last item whose place is not behind an offset, -1 if there is none; the items are in text order. */
function lastBefore<T>(items: readonly T[], placeOf: (item: T) => number, offset: number): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (placeOf(items[middle]!) <= offset) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

const isValue = (found: Entry): boolean => found.kind === "value";

/** What encrypting a scalar replaces: with a tag that says its type, without a header that holds a comment. */
function spanOf(text: string, node: ScalarNode): { start: number; end: number } {
  const { props, block, end } = node;
  if (isTypeTag(props?.tag)) {
    const clean = !block?.comment && /^\s*$/.test(text.slice(props!.tagEnd, node.start));
    return { start: clean ? props!.tagStart : node.start, end };
  }
  return block?.comment ? { start: Math.min(block.body, end), end } : node;
}

const CIPHER_LINE = /^ENC\[AES256_GCM,[^\n]*\]\n+$/;

/** A list item that is how SOPS writes a comment of a list (SPEC section 10). */
function isEncryptedComment(item: Node): boolean {
  if (item.kind !== "scalar" || item.style === "absent" || !item.text.startsWith("ENC[AES256_GCM,"))
    return false;
  const end = item.text.lastIndexOf("]");
  return item.text.endsWith(",type:comment", end);
}

function itemSpan(
  text: string,
  list: CollectionNode,
  item: ScalarNode,
  alone: boolean,
): { start: number; end: number; style: ItemComment } {
  const start = item.at;
  let end = item.end;
  let after = "";
  if (list.flow) {
    const comma = /[ \t]*,/y;
    comma.lastIndex = end;
    if (comma.test(text)) end = comma.lastIndex;
  }
  const restOfLine = /[ \t]*(?:\r?\n|$)/y;
  restOfLine.lastIndex = end;
  if (!restOfLine.test(text)) {
    const eol = text.charAt(text.indexOf("\n", end) - 1) === "\r" ? "\r\n" : "\n";
    after = eol + " ".repeat(Math.max(list.column, 0));
  }
  const style = {
    item,
    prefix: text.slice(start, item.start),
    suffix: text.slice(item.end, end),
    // A list that is left without items must still be one, and stand further right than its key.
    before: alone && !list.flow ? " [] " : "",
    after,
  };
  return { start, end, style };
}

/** A node as a tree, with aliases expanded: for the metadata, which the walk has checked before. */
function treeOf(text: string, node: Node): Scalar | TreeMap | TreeList {
  if (node.kind === "alias") return treeOf(text, node.target);
  if (node.kind === "scalar") return resolve(node) as Scalar;
  if (node.kind === "list") return new TreeList(node.items.map((item) => treeOf(text, item)));
  return new TreeMap(node.items.map((item) => ({ key: keyOf(text, item), value: treeOf(text, item) })));
}
