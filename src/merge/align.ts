/** How three versions of a sequence come together. */

import { append } from "../formats/append.ts";
import { commonItems, sameSequence } from "../sequences.ts";

/** Part of a sequence of three: what all agree on (or one side changed), or what both sides changed differently. */
export type Chunk<T> =
  | { readonly kind: "agreed"; readonly items: readonly T[] }
  | {
      readonly kind: "conflict";
      readonly base: readonly T[];
      readonly a: readonly T[];
      readonly b: readonly T[];
    };

/**
 * Three versions together. Changes that only touch each other are no conflict: whoever asks has a meaning to compare
 * the result with. `same` texts mean equal items.
 */
export function threeWay<T>(
  base: readonly T[],
  a: readonly T[],
  b: readonly T[],
  same: (item: T) => string,
): Chunk<T>[] {
  const [baseTokens, aTokens, bTokens] = [base, a, b].map((items) => items.map(same)) as [
    string[],
    string[],
    string[],
  ];
  const hunks = [...hunksOf(baseTokens, aTokens, "a"), ...hunksOf(baseTokens, bTokens, "b")].sort(
    (x, y) => x.start - y.start || x.end - y.end || (x.side < y.side ? -1 : 1),
  );
  const chunks: Chunk<T>[] = [];
  let agreed: T[] | undefined;
  const agree = (items: readonly T[]): void => {
    if (items.length === 0) return;
    if (!agreed) chunks.push({ kind: "agreed", items: (agreed = []) });
    append(agreed!, items);
  };
  let at = 0;
  for (const group of groupsOf(hunks)) {
    agree(base.slice(at, group.start));
    const left = group.a && a.slice(...group.a);
    const right = group.b && b.slice(...group.b);
    if (left && right && !sameSequence(aTokens.slice(...group.a!), bTokens.slice(...group.b!))) {
      agreed = undefined;
      chunks.push({ kind: "conflict", base: base.slice(group.start, group.end), a: left, b: right });
    } else agree(left ?? right!);
    at = group.end;
  }
  agree(base.slice(at));
  return chunks;
}

/** One change of one side: base's items [start, end) became the side's items [from, to). */
interface Hunk {
  readonly side: "a" | "b";
  readonly start: number;
  readonly end: number;
  readonly from: number;
  readonly to: number;
}

/** Changes of base that overlap. A side that changed nothing there has no span. */
interface Group {
  readonly start: number;
  readonly end: number;
  readonly a?: [from: number, to: number];
  readonly b?: [from: number, to: number];
}

function hunksOf(base: readonly string[], side: readonly string[], name: "a" | "b"): Hunk[] {
  const hunks: Hunk[] = [];
  let [i, j] = [0, 0];
  for (const [left, right] of [...commonItems(base, side), [base.length, side.length] as const]) {
    if (left > i || right > j) hunks.push({ side: name, start: i, end: left, from: j, to: right });
    [i, j] = [left + 1, right + 1];
  }
  return hunks;
}

function groupsOf(hunks: readonly Hunk[]): Group[] {
  const groups: Hunk[][] = [];
  let end = -1;
  for (const hunk of hunks) {
    const last = groups.at(-1);
    const [first] = last ?? [];
    const sameInsertion =
      first !== undefined && hunk.start === hunk.end && first.start === hunk.start && end === hunk.end;
    if (last && (hunk.start < end || sameInsertion)) last.push(hunk);
    else groups.push([hunk]);
    end = last && groups.at(-1) === last ? Math.max(end, hunk.end) : hunk.end;
  }
  return groups.map((group) => {
    // by where they start
    const start = group[0]!.start;
    const stop = group.reduce((end, hunk) => Math.max(end, hunk.end), start);
    const span = (side: "a" | "b"): [number, number] | undefined => {
      const own = group.filter((hunk) => hunk.side === side);
      const [first, last] = [own[0], own.at(-1)];
      return first && last && [first.from - (first.start - start), last.to + (stop - last.end)];
    };
    return { start, end: stop, a: span("a"), b: span("b") };
  });
}
