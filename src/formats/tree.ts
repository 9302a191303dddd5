import type { Scalar } from "./scalar.ts";

/**
 * A document as a tree, built only where one is asked for. Order, duplicate keys and keys such as `__proto__`
 * survive because maps are lists of entries, never objects.
 */
export type Tree = Scalar | TreeMap | TreeList;

/**
 * Deeper nesting is refused: nobody writes it, and code that walks trees must not run out of stack (SOPS has 10,000).
 */
export const MAX_DEPTH = 1000;

/** A comment between entries; `inline` stands on the line of the entry after it (docs/internals/sops.md §1). */
export class TreeComment {
  readonly text: string;
  readonly inline: boolean;
  constructor(text: string, inline = false) {
    this.text = text;
    this.inline = inline;
  }
}

/** Keys that tell the items of a list from each other, whatever else in them changes, in the order they are tried. */
export const IDENTITY_KEYS = ["name", "id", "key"] as const;

export interface TreeEntry {
  key: string;
  value: Tree;
}

/** For sorting entries by their keys. */
export function byKey(a: TreeEntry, b: TreeEntry): number {
  if (a.key === b.key) return 0;
  return a.key < b.key ? -1 : 1;
}

export class TreeMap {
  readonly items: (TreeEntry | TreeComment)[];
  constructor(items: (TreeEntry | TreeComment)[] = []) {
    this.items = items;
  }

  /** A map of these pairs, in their order; undefined values are left out. */
  static of(pairs: Iterable<readonly [string, Tree | undefined]>): TreeMap {
    const map = new TreeMap();
    for (const [key, value] of pairs) if (value !== undefined) map.items.push({ key, value });
    return map;
  }

  entries(): TreeEntry[] {
    return this.items.filter((item): item is TreeEntry => !(item instanceof TreeComment));
  }

  /** The first entry of that name: SOPS reads and sets the first of duplicates. */
  get(key: string): Tree | undefined {
    return this.entries().find((entry) => entry.key === key)?.value;
  }
}

export class TreeList {
  readonly items: (Tree | TreeComment)[];
  constructor(items: (Tree | TreeComment)[] = []) {
    this.items = items;
  }

  values(): Tree[] {
    return this.items.filter((item): item is Tree => !(item instanceof TreeComment));
  }
}
