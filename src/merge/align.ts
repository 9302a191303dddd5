/** What two versions of a sequence have in common, and how three of them come together. */

import { append } from "../formats/append.ts";

/** Indices of equal items, growing on both sides. */
export type Match = readonly [left: number, right: number];

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
  const numbers = new Map<string, number>();
  const tokens = (items: readonly T[]) => items.map((item) => numberOf(same(item), numbers));
  const [baseTokens, aTokens, bTokens] = [tokens(base), tokens(a), tokens(b)];
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
    if (left && right && !sameTokens(aTokens.slice(...group.a!), bTokens.slice(...group.b!))) {
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

function hunksOf(base: readonly number[], side: readonly number[], name: "a" | "b"): Hunk[] {
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

/** Equal items of two sequences. Where something occurs once on both sides, it holds the two together. */
export function commonItems(left: readonly number[], right: readonly number[]): Match[] {
  const matches: Match[] = [];
  const work: [number, number, number, number][] = [[0, left.length, 0, right.length]];
  for (let span = work.pop(); span; span = work.pop()) {
    let [i, iEnd, j, jEnd] = span;
    while (i < iEnd && j < jEnd && left[i] === right[j]) matches.push([i++, j++]);
    while (i < iEnd && j < jEnd && left[iEnd - 1] === right[jEnd - 1]) matches.push([--iEnd, --jEnd]);
    if (i === iEnd || j === jEnd) continue;
    const anchors = growing(uniquePairs(left, right, [i, iEnd, j, jEnd]));
    if (anchors.length === 0) {
      for (const [x, y] of shortest(left.slice(i, iEnd), right.slice(j, jEnd))) matches.push([i + x, j + y]);
      continue;
    }
    for (const [x, y] of anchors) {
      matches.push([x, y]);
      work.push([i, x, j, y]);
      [i, j] = [x + 1, y + 1];
    }
    work.push([i, iEnd, j, jEnd]);
  }
  return matches.sort((x, y) => x[0] - y[0]);
}

function uniquePairs(
  left: readonly number[],
  right: readonly number[],
  [i, iEnd, j, jEnd]: readonly [number, number, number, number],
): Match[] {
  const places = (items: readonly number[], from: number, to: number) => {
    const found = new Map<number, number>();
    for (let at = from; at < to; at++) found.set(items[at]!, found.has(items[at]!) ? -1 : at);
    return found;
  };
  const [onLeft, onRight] = [places(left, i, iEnd), places(right, j, jEnd)];
  const pairs: Match[] = [];
  for (const [token, x] of onLeft) {
    const y = onRight.get(token);
    if (x >= 0 && y !== undefined && y >= 0) pairs.push([x, y]);
  }
  return pairs.sort((x, y) => x[0] - y[0]);
}

/** The longest part of some pairs that grows on the right as well (patience sorting). */
function growing(pairs: readonly Match[]): Match[] {
  const tops: number[] = [];
  const before: (number | undefined)[] = [];
  for (const [n, [, right]] of pairs.entries()) {
    let [low, high] = [0, tops.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (pairs[tops[middle]!]![1] < right) low = middle + 1;
      else high = middle;
    }
    before[n] = tops[low - 1];
    tops[low] = n;
  }
  const found: Match[] = [];
  for (let n = tops.at(-1); n !== undefined; n = before[n]) found.push(pairs[n]!);
  return found.reverse();
}

/** More changes than this are one change: a file that became another one. */
const MAX_CHANGES = 1000;

/** The longest common subsequence, as Myers finds it (An O(ND) Difference Algorithm, 1986). */
function shortest(left: readonly number[], right: readonly number[]): Match[] {
  const [n, m] = [left.length, right.length];
  const rounds: Map<number, number>[] = [];
  let furthest = new Map<number, number>([[1, 0]]);
  for (let changes = 0; changes <= Math.min(n + m, MAX_CHANGES); changes++) {
    const round = new Map(furthest);
    for (let k = -changes; k <= changes; k += 2) {
      const [down, across] = [furthest.get(k + 1) ?? -1, furthest.get(k - 1) ?? -1];
      let x = k === -changes || (k !== changes && across < down) ? down : across + 1;
      let y = x - k;
      while (x < n && y < m && x >= 0 && y >= 0 && left[x] === right[y]) [x, y] = [x + 1, y + 1];
      round.set(k, x);
      if (x >= n && y >= m) return walkBack([...rounds, furthest], n, m);
    }
    rounds.push(furthest);
    furthest = round;
  }
  return [];
}

function walkBack(rounds: readonly Map<number, number>[], n: number, m: number): Match[] {
  const matches: Match[] = [];
  let [x, y] = [n, m];
  for (let changes = rounds.length - 1; changes >= 0; changes--) {
    const furthest = rounds[changes]!;
    const k = x - y;
    const [down, across] = [furthest.get(k + 1) ?? -1, furthest.get(k - 1) ?? -1];
    const from = k === -changes || (k !== changes && across < down) ? k + 1 : k - 1;
    const startX = furthest.get(from) ?? 0;
    const startY = startX - from;
    while (x > startX && y > startY && x > 0 && y > 0) matches.push([--x, --y]);
    if (changes === 0) break;
    [x, y] = [startX, startY];
  }
  return matches.reverse();
}

function numberOf(text: string, numbers: Map<string, number>): number {
  const known = numbers.get(text);
  if (known !== undefined) return known;
  numbers.set(text, numbers.size);
  return numbers.size - 1;
}

const sameTokens = (x: readonly number[], y: readonly number[]): boolean =>
  x.length === y.length && x.every((token, i) => token === y[i]);
