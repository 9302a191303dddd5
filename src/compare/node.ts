import type { Container, PathElement } from "../formats/format.ts";
import { Time } from "../formats/scalar.ts";
import { valueText } from "../sops/cipher.ts";
import type { Item } from "../sops/items.ts";

/** A document as maps, lists and leaves that know what they were read from. */
export type Node = Leaf | Collection;

export interface Leaf {
  readonly kind: "leaf";
  readonly item: Item;
}

export interface Collection {
  readonly kind: "map" | "list";
  readonly children: Child[];
  readonly comments: PlacedComment[];
}

export interface Child {
  readonly key: PathElement;
  readonly node: Node;
}

export interface PlacedComment {
  readonly item: Item;
  /** How many children stand before it. */
  readonly at: number;
}

/** The root of each document. */
export function nodesOf(items: readonly Item[], documents: number): Collection[] {
  const roots = Array.from({ length: documents }, (): Collection => emptyCollection("map"));
  const made = new Map<Container, Collection>();
  const nodeOf = (container: Container): Collection => {
    const known = made.get(container);
    if (known) return known;
    const node = makeNode(container);
    made.set(container, node);
    return node;
  };
  const makeNode = (container: Container): Collection => {
    const { parent, key } = container;
    if (!parent || key === undefined) return roots[container.document] ?? emptyCollection("map");
    const node = emptyCollection(container.kind);
    nodeOf(parent).children.push({ key, node });
    return node;
  };
  for (const item of items) {
    const { entry } = item;
    if (!entry.in) continue;
    const holder = nodeOf(entry.in);
    if (entry.kind === "comment" || entry.key === undefined) {
      holder.comments.push({ item, at: holder.children.length });
      continue;
    }
    if (entry.kind === "value") {
      holder.children.push({ key: entry.key, node: { kind: "leaf", item } });
      continue;
    }
    const node = emptyCollection(entry.kind === "empty-map" ? "map" : "list");
    holder.children.push({ key: entry.key, node });
    if (entry.collection) made.set(entry.collection, node);
  }
  return roots;
}

function emptyCollection(kind: Collection["kind"]): Collection {
  return { kind, children: [], comments: [] };
}

/**
 * Gives equal nodes equal numbers: those that say the same, whatever the order of keys in maps; comments, and what is
 * encrypted, do not count.
 */
export class Numbering {
  readonly #known = new Map<string, number>();
  readonly #numbers = new WeakMap<Node, number>();

  of(node: Node): number {
    let number = this.#numbers.get(node);
    if (number === undefined) {
      number = this.#number(this.#words(node));
      this.#numbers.set(node, number);
    }
    return number;
  }

  #words(node: Node): string {
    if (node.kind === "leaf") return `=${sameness(node.item)}`;
    const parts = node.children.map(({ key, node: child }) =>
      node.kind === "list" ? String(this.of(child)) : `${this.#number(`.${key}`)}:${this.of(child)}`,
    );
    return node.kind === "list" ? `[${parts.join()}` : `{${parts.sort().join()}`;
  }

  #number(words: string): number {
    const known = this.#known.get(words);
    if (known !== undefined) return known;
    this.#known.set(words, this.#known.size);
    return this.#known.size - 1;
  }
}

/** A text that is the same for equal values of the same type only. */
export function sameness({ value }: Pick<Item, "value">): string {
  if (value === undefined || value === null) return String(value);
  // 0 and -0 differ, as everywhere
  const text = Object.is(value, -0) ? "-0" : valueText(value);
  return `${value instanceof Time ? "time" : typeof value} ${text}`;
}
