import { append } from "../formats/append.ts";
import type { PathElement } from "../formats/format.ts";
import { equalPairs, increasing, type Pairs } from "../sequences.ts";
import type { Item } from "../sops/items.ts";
import { alignLists } from "./align.ts";
import { compareComments } from "./comments.ts";
import type { EntryDifference, EntryKind, EntrySide } from "./difference.ts";
import { type Child, type Collection, type Node, Numbering } from "./node.ts";
import { differencesOf, sideOf } from "./side.ts";

type Path = readonly PathElement[];

/** Compares documents by their number. */
export function compareDocuments(
  before: readonly Collection[],
  after: readonly Collection[],
): EntryDifference[] {
  const found: EntryDifference[] = [];
  const numbering = new Numbering();
  for (let document = 0; document < Math.max(before.length, after.length); document++) {
    const comparison = new Comparison(document, numbering, found);
    const [old, now] = [before[document], after[document]];
    if (old && now) comparison.both(old, now, { before: [], after: [] });
    else if (now) comparison.contents("added", now, []);
    else if (old) comparison.contents("removed", old, []);
  }
  return found;
}

/** The paths of two nodes that belong together. */
export interface Places {
  readonly before: Path;
  readonly after: Path;
}

class Comparison {
  private readonly document: number;
  private readonly numbering: Numbering;
  private readonly found: EntryDifference[];

  constructor(document: number, numbering: Numbering, found: EntryDifference[]) {
    this.document = document;
    this.numbering = numbering;
    this.found = found;
  }

  both(before: Node, after: Node, places: Places): void {
    if (before.kind === "leaf" && after.kind === "leaf") this.leaves(before.item, after.item, places);
    else if (before.kind === after.kind) this.collections(before as Collection, after as Collection, places);
    else {
      this.one("removed", before, places.before);
      this.one("added", after, places.after);
    }
  }

  /** What is on one side only. */
  one(change: "added" | "removed", node: Node, path: Path): void {
    if (node.kind === "leaf") this.alone(change, "value", { path, side: sideOf(node.item) });
    else if (node.children.length + node.comments.length === 0)
      this.alone(change, node.kind, { path, side: collectionSide(node) });
    else this.contents(change, node, path);
  }

  contents(change: "added" | "removed", { children, comments }: Collection, path: Path): void {
    const [old, now] = change === "added" ? [[], comments] : [comments, []];
    const nodes = { before: children, after: children, pairs: children.map((_, i) => [i, i] as const) };
    append(this.found, compareComments(old, now, { ...nodes, document: this.document, path }));
    for (const { key, node } of children) this.one(change, node, [...path, key]);
  }

  private collections(before: Collection, after: Collection, places: Places): void {
    const pairs =
      before.kind === "list"
        ? alignLists(before.children, after.children, this.numbering)
        : equalPairs(
            before.children.map(({ key }) => key),
            after.children.map(({ key }) => key),
          );
    const nodes = { before: before.children, after: after.children, pairs };
    append(
      this.found,
      compareComments(before.comments, after.comments, {
        ...nodes,
        document: this.document,
        path: places.after,
      }),
    );
    this.children(before.children, after.children, { pairs, places });
  }

  /** In the order of the newer side; what was removed comes behind what stood before it. */
  private children(
    before: readonly Child[],
    after: readonly Child[],
    { pairs, places }: { pairs: Pairs; places: Places },
  ): void {
    const partner = new Map(pairs.map(([i, k]) => [k, i]));
    const kept = new Set(pairs.map(([i]) => i));
    const order = increasing(pairs.map(([, k]) => k));
    const inOrder = new Set(order.map((place) => pairs[place]![1]));
    let next = 0;
    const removedUpTo = (end: number): void => {
      for (; next < end; next++) {
        const { key, node } = before[next]!;
        if (!kept.has(next)) this.one("removed", node, [...places.before, key]);
      }
    };
    for (const [k, { key, node }] of after.entries()) {
      const path = [...places.after, key];
      const i = partner.get(k);
      if (i === undefined) {
        this.one("added", node, path);
        continue;
      }
      const old = before[i]!;
      const both = { before: [...places.before, old.key], after: path };
      if (inOrder.has(k)) removedUpTo(i);
      else this.moved(old.node, node, both);
      this.both(old.node, node, both);
    }
    removedUpTo(before.length);
  }

  private moved(before: Node, after: Node, places: Places): void {
    const [old, now] = [before, after].map((node) =>
      node.kind === "leaf" ? sideOf(node.item) : collectionSide(node),
    );
    const kind = after.kind === "leaf" ? "value" : after.kind;
    const where = { document: this.document, path: places.after, from: places.before };
    this.push({ change: "moved", kind, ...where, before: old, after: now, differs: [] });
  }

  private leaves(before: Item, after: Item, { before: from, after: path }: Places): void {
    const [old, now] = [sideOf(before), sideOf(after)];
    const differs = differencesOf(before, after);
    if (differs.length === 0) return;
    this.push({
      change: "changed",
      kind: "value",
      document: this.document,
      path,
      ...(samePath(path, from) ? {} : { from }),
      before: old,
      after: now,
      differs,
    });
  }

  private alone(
    change: "added" | "removed",
    kind: EntryKind,
    { path, side }: { path: Path; side: EntrySide },
  ): void {
    const sides = change === "added" ? { after: side } : { before: side };
    this.push({ change, kind, document: this.document, path, ...sides, differs: [] });
  }

  private push(difference: EntryDifference): void {
    this.found.push(difference);
  }
}

function collectionSide({ kind }: Collection): EntrySide {
  return { value: undefined, type: kind, state: "none" };
}

function samePath(a: Path, b: Path): boolean {
  return a.length === b.length && a.every((element, i) => element === b[i]);
}
