import {
  type Alias,
  type Container,
  childContainer,
  type Entry,
  type MetadataBlock,
  type PathElement,
  rootContainer,
} from "../../format.ts";
import { MAX_DEPTH, TreeMap } from "../../tree.ts";
import type { AliasNode, CollectionNode, Composed, Node, ScalarNode } from "../compose/nodes.ts";
import { type Comment, type Lines, yamlError } from "../scan/state.ts";
import { checkMerges, checkUniqueKeys, keyOf } from "./keys.ts";
import { isEncryptedComment, itemSpan } from "./list-comments.ts";
import { resolve } from "./resolve.ts";
import { isCipherLine, scalarValue, spanOf, treeOf } from "./values.ts";

/** The alias of entries that come from it, with what holds it; nothing does at the root of a document. */
export interface YamlAlias extends Alias {
  readonly holder: Container | undefined;
  readonly key: PathElement | undefined;
  /** Start of the map entry or list item that the alias is the value of. */
  readonly at: number;
}

export interface Walked {
  readonly entries: readonly Entry[];
  readonly metadata: MetadataBlock | undefined;
  readonly duplicates: readonly number[] | undefined;
  /** Nodes that an alias uses as a key. */
  readonly keyTargets: ReadonlySet<Node>;
}

type Draft = { -readonly [K in keyof Entry]: Entry[K] };

/**
 * Turns nodes into entries, in the order in which SOPS walks its tree (docs/internals/sops.md §3): a comment belongs to
 * what SOPS's reader gave it to, and an alias to everything that it repeats.
 */
export class Walk {
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

  run(): Walked {
    const { documents, comments } = this.composed;
    const first = documents[0]?.root;
    this.encrypted =
      first?.kind === "map" &&
      first.items.some((item) => item.key?.kind === "scalar" && item.key.text === "sops");
    for (let i = 0; i < documents.length; i++) this.document(i);
    for (const comment of comments) if (!comment.held) this.lost(comment);
    const { entries, metadata, keyTargets } = this;
    const duplicates = this.duplicates.length > 0 ? this.duplicates : undefined;
    return { entries, metadata, duplicates, keyTargets };
  }

  private document(index: number): void {
    const document = this.composed.documents[index]!;
    const before = this.entries.length;
    const root = rootContainer(index);
    root.style = document.root;
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
      const { start, end } = node;
      this.entries.push({ kind: "empty-map", in: undefined, key: undefined, value: undefined, start, end });
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
    const hint = "SOPS encrypts YAML whose top level is a map; a file like this can be encrypted as binary";
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
    if (later && !this.alias) for (const offset of later) this.duplicates.push(offset);
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
    if (!this.alias) {
      this.containers.set(node, container);
      container.style = node;
    }
    if (node.flow && !this.alias) {
      container.start = node.start;
      container.end = node.end;
    }
    const empty =
      node.items.length === 0 ||
      (this.encrypted && node.kind === "list" && node.items.every(isEncryptedComment));
    if (empty) {
      const { start, end } = node;
      const kind = node.kind === "map" ? "empty-map" : "empty-list";
      const { alias } = this;
      this.push({
        kind,
        in: parent,
        key,
        collection: container,
        value: undefined,
        start,
        end,
        alias,
        style: undefined,
      });
    }
    if (node.kind === "map") this.map(node, container, handled);
    else this.list(node, container, handled);
  }

  private scalar(node: ScalarNode, container: Container, key: PathElement): void {
    const value = this.encrypted && isCipherLine(node) ? node.text.trimEnd() : scalarValue(this.text, node);
    const { start, end } = this.alias ?? spanOf(this.text, node);
    this.push({ kind: "value", in: container, key, value, start, end, alias: this.alias, style: node });
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
        "this alias is inside the value that it repeats",
        node.start,
        "remove the alias or its anchor",
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
    if (!range.originals) {
      range.originals = range.out.slice(range.from, range.to);
      for (const original of range.originals as Draft[]) original.anchored = true;
    }
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
      const found = this.comment(comment, container);
      if (inline) found.inline = true;
      this.push(found);
    }
  }

  private itemComment(list: CollectionNode, item: ScalarNode, container: Container, alone: boolean): void {
    const span = itemSpan(this.text, list, item, alone);
    const { style } = span;
    const { alias } = this;
    const { start, end } = alias ?? span;
    const comment: Draft = {
      kind: "comment",
      in: container,
      key: undefined,
      value: item.text,
      start,
      end,
      alias,
      item: true,
      style,
    };
    this.push(comment);
  }

  private comment(comment: Comment, container: Container): Draft {
    const value = this.text.slice(comment.start + 1, comment.end);
    const { alias } = this;
    const { start, end } = alias ?? comment;
    return { kind: "comment", in: container, key: undefined, value, start, end, alias, style: undefined };
  }

  /** Under the path of what is around it, which is where other programs would see it. */
  private lost(comment: Comment): void {
    const found = this.comment(comment, this.containerAt(comment.start));
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
      const hint = "write out fewer copies: an alias of an alias grows fast";
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

const isValue = (found: Entry): boolean => found.kind === "value" && !found.alias;
