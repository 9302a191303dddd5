import type { PathElement } from "../formats/format.ts";
import { commonSubsequence, equalPairs, type Pairs } from "../sequences.ts";
import type { Item } from "../sops/items.ts";
import type { EntryDifference } from "./difference.ts";
import { type Child, type PlacedComment, sameness } from "./node.ts";
import { differencesOf, sideOf } from "./side.ts";

/** The map or list that comments are in, on both sides. */
interface Holder {
  readonly document: number;
  readonly path: readonly PathElement[];
  readonly before: readonly Child[];
  readonly after: readonly Child[];
  readonly pairs: Pairs;
}

/** A comment with what it stands before: the number of the newer side's child, or a word. */
interface Anchored {
  readonly item: Item;
  readonly anchor: number | string;
  readonly next: PathElement | undefined;
}

/**
 * Comments belong to what they stand before. Equal ones at the same thing are the same; then equal ones elsewhere were
 * moved; then others at the same thing were changed.
 */
export function compareComments(
  before: readonly PlacedComment[],
  after: readonly PlacedComment[],
  holder: Holder,
): EntryDifference[] {
  if (before.length + after.length === 0) return [];
  const partner = new Map(holder.pairs);
  const old = before.map(({ item, at }): Anchored => {
    const anchor = at === holder.before.length ? "end" : (partner.get(at) ?? `gone ${at}`);
    return { item, anchor, next: holder.before[at]?.key };
  });
  const now = after.map(({ item, at }): Anchored => {
    return { item, anchor: at === holder.after.length ? "end" : at, next: holder.after[at]?.key };
  });
  return new Matching(old, now, holder).differences();
}

class Matching {
  private readonly old: readonly Anchored[];
  private readonly now: readonly Anchored[];
  private readonly holder: Holder;
  private readonly partner = new Map<number, { readonly before: number; readonly moved: boolean }>();
  private readonly taken = new Set<number>();

  constructor(old: readonly Anchored[], now: readonly Anchored[], holder: Holder) {
    this.old = old;
    this.now = now;
    this.holder = holder;
    const place = ({ item, anchor }: Anchored) => JSON.stringify([anchor, sameness(item)]);
    this.match(place, { moved: false, inOrder: true });
    this.match(({ item }) => sameness(item), { moved: true });
    this.match(({ anchor }) => String(anchor), { moved: false });
  }

  /** Takes those for the same that have the same word. */
  private match(
    word: (comment: Anchored) => string,
    { moved, inOrder = false }: { moved: boolean; inOrder?: boolean },
  ): void {
    const free = (list: readonly Anchored[], gone: (i: number) => boolean) =>
      list.flatMap((comment, i) => (gone(i) ? [] : [{ i, word: word(comment) }]));
    const old = free(this.old, (i) => this.taken.has(i));
    const now = free(this.now, (k) => this.partner.has(k));
    const words = [old, now].map((list) => list.map((free) => free.word)) as [string[], string[]];
    for (const [i, k] of inOrder ? commonSubsequence(...words) : equalPairs(...words)) {
      this.taken.add(old[i]!.i);
      this.partner.set(now[k]!.i, { before: old[i]!.i, moved });
    }
  }

  differences(): EntryDifference[] {
    const { document, path } = this.holder;
    const where = (comment: Anchored) => ({
      kind: "comment" as const,
      document,
      path,
      ...(comment.next === undefined ? {} : { next: comment.next }),
    });
    const found: EntryDifference[] = [];
    this.old.forEach((comment, i) => {
      if (this.taken.has(i)) return;
      found.push({ change: "removed", ...where(comment), before: sideOf(comment.item), differs: [] });
    });
    for (const [k, comment] of this.now.entries()) {
      const after = sideOf(comment.item);
      const partner = this.partner.get(k);
      if (!partner) {
        found.push({ change: "added", ...where(comment), after, differs: [] });
        continue;
      }
      const old = this.old[partner.before]!.item;
      const sides = { before: sideOf(old), after };
      if (partner.moved) found.push({ change: "moved", ...where(comment), ...sides, differs: [] });
      const differs = differencesOf(old, comment.item);
      if (differs.length > 0) found.push({ change: "changed", ...where(comment), ...sides, differs });
    }
    return found;
  }
}
