import type { Container, Entry, PathElement, Reading } from "../../formats/format.ts";

export type NodeKind = "document" | "map" | "list" | "value" | "comment";

/** One line of the outline of a document: a map, a list, a value or a comment. */
export interface Node {
  /** Its place in walking order: the parent comes before its children. */
  readonly id: number;
  readonly kind: NodeKind;
  readonly parent: Node | undefined;
  /** Its place among the children of its parent. */
  readonly at: number;
  readonly depth: number;
  readonly document: number;
  readonly key: PathElement | undefined;
  /** Index of its entry in the reading: values, comments and empty collections have one. */
  readonly entry: number | undefined;
  readonly children: Node[];
  /** How many values and comments are below it. */
  size: number;
}

/** A document as people see it: maps and lists with what is in them, in the order of the file. */
export interface Outline {
  readonly roots: readonly Node[];
  readonly nodes: readonly Node[];
  /** The node of each entry of the reading. */
  readonly byEntry: readonly Node[];
}

/** The outline of a text that was read, encrypted or not. */
export function outlineOf(reading: Pick<Reading, "entries" | "documents">): Outline {
  return new Builder(reading.documents).build(reading.entries);
}

class Builder {
  readonly #roots: Node[] = [];
  readonly #nodes: Node[] = [];
  readonly #byEntry: Node[] = [];
  readonly #made = new Map<Container, Node | undefined>();
  readonly #several: boolean;
  /** A comment on the line of the value that is read next: people see it behind that. */
  #behind: { entry: Entry; index: number }[] = [];
  /** What held the last value: mostly it holds the next one, too. */
  #last: { container: Container; node: Node | undefined } | undefined;

  constructor(documents: number) {
    this.#several = documents > 1;
    if (this.#several)
      for (let i = 0; i < documents; i++)
        this.#add("document", undefined, { key: undefined, document: i, entry: undefined });
  }

  build(entries: readonly Entry[]): Outline {
    for (let index = 0; index < entries.length; index++) {
      const entry = entries[index]!;
      if (entry.kind === "comment" && entry.inline) {
        this.#behind.push({ entry, index });
        continue;
      }
      this.#take(entry, index);
      if (entry.kind !== "comment") this.#flush();
    }
    this.#flush();
    const nodes = this.#several ? this.#inOrder() : this.#nodes;
    for (let i = nodes.length - 1; i >= 0; i--) {
      const node = nodes[i]!;
      if (node.entry !== undefined && node.children.length === 0) node.size++;
      if (node.parent) node.parent.size += node.size;
    }
    return { roots: this.#roots, nodes, byEntry: this.#byEntry };
  }

  #flush(): void {
    const waiting = this.#behind;
    if (waiting.length === 0) return;
    this.#behind = [];
    for (const { entry, index } of waiting) this.#take(entry, index);
  }

  #take(entry: Entry, index: number): void {
    const parent = this.#parentOf(entry);
    const kind = KINDS[entry.kind];
    const node = this.#add(kind, parent, { key: entry.key, document: entry.in?.document ?? 0, entry: index });
    this.#byEntry[index] = node;
    if (entry.collection) this.#made.set(entry.collection, node);
  }

  #parentOf({ in: container }: Entry): Node | undefined {
    if (container && container === this.#last?.container) return this.#last.node;
    const node = this.#nodeOf(container, container?.document ?? 0);
    this.#last = container && { container, node };
    return node;
  }

  #nodeOf(container: Container | undefined, document: number): Node | undefined {
    if (!container?.parent) return this.#several ? this.#roots[document] : undefined;
    if (this.#made.has(container)) return this.#made.get(container);
    const parent = this.#nodeOf(container.parent, document);
    const node = this.#add(container.kind, parent, { key: container.key, document, entry: undefined });
    this.#made.set(container, node);
    return node;
  }

  #add(kind: NodeKind, parent: Node | undefined, what: Pick<Node, "key" | "document" | "entry">): Node {
    const siblings = parent?.children ?? this.#roots;
    const node: Node = {
      id: this.#nodes.length,
      kind,
      parent,
      at: siblings.length,
      depth: parent ? parent.depth + 1 : 0,
      document: what.document,
      key: what.key,
      entry: what.entry,
      children: kind === "value" || kind === "comment" ? NONE : [],
      size: 0,
    };
    siblings.push(node);
    this.#nodes.push(node);
    return node;
  }

  /** The documents were made first: their nodes get the numbers of walking order. */
  #inOrder(): Node[] {
    const nodes: Node[] = [];
    const walk = (node: Node): void => {
      (node as { id: number }).id = nodes.length;
      nodes.push(node);
      node.children.forEach(walk);
    };
    this.#roots.forEach(walk);
    return nodes;
  }
}

/** What is in a value. */
const NONE = Object.freeze([]) as readonly Node[] as Node[];

const KINDS = { value: "value", comment: "comment", "empty-map": "map", "empty-list": "list" } as const;

/** Map keys and list indices from the root of the document. */
export function pathOfNode(node: Node): PathElement[] {
  const path: PathElement[] = [];
  for (let at: Node | undefined = node; at; at = at.parent) if (at.key !== undefined) path.push(at.key);
  return path.reverse();
}

/** The same node in another outline of the document: by its path, the nearest one before it if there is none. */
export function nodeAt(
  outline: Outline,
  document: number,
  path: readonly PathElement[],
): { node: Node | undefined; exact: boolean } {
  let siblings: readonly Node[] = outline.roots;
  let node: Node | undefined;
  if (siblings[0]?.kind === "document") {
    node = siblings[Math.min(document, siblings.length - 1)];
    siblings = node!.children;
  }
  for (const element of path) {
    const next = siblings.find((child) => child.key === element);
    if (!next) return { node, exact: false };
    node = next;
    siblings = next.children;
  }
  return { node, exact: true };
}

/** What stands for a node in another outline of the document: comments, which have no path, by their place. */
export function counterpart(outline: Outline, node: Node): Node | undefined {
  const { node: found } = nodeAt(outline, node.document, pathOfNode(node));
  if (node.kind !== "comment") return found;
  const siblings = node.parent ? found?.children : outline.roots;
  const same = siblings?.[node.at];
  return same?.kind === "comment" ? same : (found ?? same);
}

/** Those of the children that are no comments: keys of a map, items of a list. */
export function membersOf(outline: Outline, parent: Node | undefined): Node[] {
  return (parent?.children ?? outline.roots).filter(({ kind }) => kind !== "comment");
}

/** The collection that holds what is added beside or in a node. */
export function holderOf(node: Node | undefined): Node | undefined {
  if (!node) return undefined;
  return node.kind === "value" || node.kind === "comment" ? node.parent : node;
}
