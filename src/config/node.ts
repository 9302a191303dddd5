import type { Place } from "../errors.ts";
import type { Alias, Container, Entry } from "../formats/format.ts";
import type { Scalar } from "../formats/scalar.ts";

/** What a configuration file holds, as a tree whose nodes know where they stand. */
export type Node = ScalarNode | ListNode | MapNode;

export interface ScalarNode {
  readonly kind: "scalar";
  readonly value: Scalar;
  /** As it is spelled: Go takes that where a text is due and the value is of another type. */
  readonly spelling: string;
  /** Offset in the text. */
  readonly at: number;
  /** An alias repeats it. */
  readonly anchored: boolean;
  /** Name of the YAML anchor before it. */
  readonly anchor?: string;
}

export interface ListNode {
  readonly kind: "list";
  readonly items: Node[];
  readonly at: number;
}

export interface MapNode {
  readonly kind: "map";
  readonly fields: Field[];
  /** Where it begins: its bracket, or its first key. */
  at: number;
}

export interface Field {
  readonly key: string;
  /** Offset of the key, or of the value where the key has no text of its own (in an alias's copy). */
  readonly at: number;
  readonly node: Node;
}

/** The tree of the first document; later ones are nobody's configuration (SOPS reads the first only). */
export function treeOf(text: string, entries: readonly Entry[]): MapNode {
  return new TreeBuilder(text).build(entries);
}

class TreeBuilder {
  private readonly text: string;
  private readonly made = new Map<Container, ListNode | MapNode>();
  private readonly root: MapNode = { kind: "map", fields: [], at: 0 };
  /** Scalars that aliases repeat. */
  private readonly repeated = new Map<Entry, ScalarNode>();
  private readonly copies = new Map<Alias, { originals: readonly Entry[]; next: number }>();
  /** Maps that begin where their first key does, while they have none. */
  private readonly unbracketed = new Set<MapNode>();
  /** Where the last entry ended: between there and the next one stand only keys and punctuation. */
  private end = 0;

  constructor(text: string) {
    this.text = text;
  }

  build(entries: readonly Entry[]): MapNode {
    for (const entry of entries) {
      if (entry.in && entry.in.document > 0) break;
      if (entry.kind !== "comment" && entry.in && entry.key !== undefined) {
        this.put(this.holderOf(entry.in, entry.start), entry.key, entry.start, this.nodeOf(entry));
      }
      this.end = Math.max(this.end, entry.end);
    }
    return this.root;
  }

  private holderOf(container: Container, at: number): ListNode | MapNode {
    // not by recursion: a text may nest deeper than the stack is
    const missing: Container[] = [];
    let node: ListNode | MapNode | undefined;
    for (let c: Container | undefined = container; c && !(node = this.made.get(c)); c = c.parent)
      missing.push(c);
    for (const child of missing.reverse()) {
      const holder: ListNode | MapNode | undefined = node;
      if (!holder || child.key === undefined) node = this.root;
      else {
        const begin = child.start ?? at;
        node =
          child.kind === "map"
            ? { kind: "map", fields: [], at: begin }
            : { kind: "list", items: [], at: begin };
        this.put(holder, child.key, begin, node);
        if (child.start === undefined && node.kind === "map") this.unbracketed.add(node);
      }
      this.made.set(child, node);
    }
    return node ?? this.root;
  }

  private put(holder: ListNode | MapNode, key: string | number, at: number, node: Node): void {
    if (holder.kind === "list") holder.items.push(node);
    else {
      const keyAt = this.findKey(String(key), at);
      if (this.unbracketed.delete(holder)) holder.at = keyAt;
      holder.fields.push({ key: String(key), at: keyAt, node });
    }
  }

  private findKey(key: string, valueAt: number): number {
    const gap = this.text.slice(this.end, valueAt);
    for (let i = gap.indexOf(key); i >= 0; i = gap.indexOf(key, i + 1)) {
      if (isWordEnd(gap[i - 1]) && isWordEnd(gap[i + key.length])) {
        const at = this.end + i;
        this.end = at + key.length;
        return at;
      }
    }
    return valueAt;
  }

  private nodeOf(entry: Entry): Node {
    const { start: at, end, kind } = entry;
    if (kind === "empty-map") return { kind: "map", fields: [], at };
    if (kind === "empty-list") return { kind: "list", items: [], at };
    const value = entry.value ?? null;
    const original = entry.alias && this.originalOf(entry.alias);
    const source = this.text.slice(at, end);
    const spelling = typeof value === "string" ? value : (original?.spelling ?? bare(source));
    const anchored = entry.anchored === true;
    if (!anchored && !original) return { kind: "scalar", value, spelling, at, anchored };
    const gap = this.text.slice(Math.min(this.end, at), at);
    const anchor = original?.anchor ?? (ANCHOR_BEFORE.exec(gap) ?? ANCHOR_WITHIN.exec(source))?.[1];
    const node: ScalarNode = { kind: "scalar", value, spelling, at, anchored, anchor };
    this.repeated.set(entry, node);
    return node;
  }

  /** The scalar that the next entry of an alias repeats: an alias's copies come in the order of what it stands for. */
  private originalOf(alias: Alias): ScalarNode | undefined {
    let copy = this.copies.get(alias);
    if (!copy) {
      copy = { originals: alias.originals.filter(({ kind }) => kind === "value"), next: 0 };
      this.copies.set(alias, copy);
    }
    const original = copy.originals[copy.next++];
    return original && this.repeated.get(original);
  }
}

/** A scalar without its tag, its anchor and its quotes. */
function bare(source: string): string {
  return source.replace(PROPERTIES, "").replace(/^(['"])(.*)\1$/s, "$2");
}

/** Tags and anchors in front of a YAML scalar. */
const PROPERTIES = /^(?:[!&]\S*\s+)+/;
const ANCHOR_BEFORE = /(?:^|[\s[{,])&([^\s,[\]{}]+)[ \t]+(?:!\S*[ \t]+)?$/;
const ANCHOR_WITHIN = /^(?:!\S*[ \t]+)?&([^\s,[\]{}]+)[ \t]+/;

function isWordEnd(char: string | undefined): boolean {
  return char === undefined || !/[\w.-]/.test(char);
}

export function fieldOf(node: Node | undefined, name: string): Node | undefined {
  return node?.kind === "map" ? node.fields.find(({ key }) => key === name)?.node : undefined;
}

export function itemsOf(node: Node | undefined): readonly Node[] | undefined {
  return node?.kind === "list" ? node.items : undefined;
}

export function textOf(node: Node | undefined): string | undefined {
  return node?.kind === "scalar" && typeof node.value === "string" ? node.value : undefined;
}

export function numberOf(node: Node | undefined): number | undefined {
  if (node?.kind !== "scalar") return undefined;
  return typeof node.value === "bigint" || typeof node.value === "number" ? Number(node.value) : undefined;
}

export function truthOf(node: Node | undefined): boolean | undefined {
  return node?.kind === "scalar" && typeof node.value === "boolean" ? node.value : undefined;
}

/** Places in a text, after one pass over it. */
export class Places {
  private readonly text: string;
  private readonly starts: number[] = [0];
  private last = { line: 0, offset: 0, column: 1 };
  readonly file: string;

  constructor(text: string, file: string) {
    this.text = text;
    this.file = file;
    for (const match of text.matchAll(/\r\n|\n|\r/g)) this.starts.push(match.index + match[0].length);
  }

  at(offset: number): Place {
    let low = 0;
    let high = this.starts.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (this.starts[middle]! <= offset) low = middle;
      else high = middle;
    }
    return { file: this.file, line: low + 1, column: this.columnAt(offset, low) };
  }

  /** Counted from the place that was asked for last: a text may be one long line. */
  private columnAt(offset: number, line: number): number {
    const { last } = this;
    const near = last.line === line ? last : { offset: this.starts[line]!, column: 1 };
    const [from, to] = near.offset < offset ? [near.offset, offset] : [offset, near.offset];
    let distance = 0;
    for (const _ of this.text.slice(from, to)) distance++;
    const column = near.column + (near.offset < offset ? distance : -distance);
    this.last = { line, offset, column };
    return column;
  }
}
