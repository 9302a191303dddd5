/** What two sequences have in common. */

/** Which things of one sequence are which of another, by their places: each place once at most. */
export type Pairs = readonly (readonly [before: number, after: number])[];

/**
 * Equal things of two texts or lists, in order on both sides. What occurs once on both sides is held together first
 * (patience), so that a line which many places share does not pull them apart.
 */
export function commonItems<T>(before: readonly T[], after: readonly T[]): Pairs {
  const pairs: [number, number][] = [];
  const work: Span[] = [[0, before.length, 0, after.length]];
  for (let span = work.pop(); span; span = work.pop()) {
    let [i, end, k, stop] = span;
    while (i < end && k < stop && before[i] === after[k]) pairs.push([i++, k++]);
    while (i < end && k < stop && before[end - 1] === after[stop - 1]) pairs.push([--end, --stop]);
    if (i === end || k === stop) continue;
    const anchors = growing(uniquePairs(before, after, [i, end, k, stop]));
    if (anchors.length === 0) {
      for (const [x, y] of commonSubsequence(before.slice(i, end), after.slice(k, stop)))
        pairs.push([i + x, k + y]);
      continue;
    }
    for (const [x, y] of anchors) {
      pairs.push([x, y]);
      work.push([i, x, k, y]);
      [i, k] = [x + 1, y + 1];
    }
    work.push([i, end, k, stop]);
  }
  return pairs.sort(([x], [y]) => x - y);
}

/** A longest sequence that is part of both, in order; of very different ones a long one. */
export function commonSubsequence<T>(before: readonly T[], after: readonly T[]): Pairs {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start++;
  let [end, stop] = [before.length, after.length];
  while (end > start && stop > start && before[end - 1] === after[stop - 1]) {
    end--;
    stop--;
  }
  const [left, right] = [before.slice(start, end), after.slice(start, stop)];
  const middle = shortest(left, right) ?? growing(equalPairs(left, right));
  return [
    ...before.slice(0, start).map((_, i) => [i, i] as const),
    ...middle.map(([i, k]) => [i + start, k + start] as const),
    ...before.slice(end).map((_, i) => [i + end, i + stop] as const),
  ];
}

/** Equal things, the first with the first, whatever their order. */
export function equalPairs<T>(before: readonly T[], after: readonly T[]): Pairs {
  const free = new Map<T, number[]>();
  after.forEach((thing, k) => {
    const places = free.get(thing);
    if (places) places.push(k);
    else free.set(thing, [k]);
  });
  for (const places of free.values()) places.reverse();
  return before.flatMap((thing, i) => {
    const k = free.get(thing)?.pop();
    return k === undefined ? [] : [[i, k] as const];
  });
}

export function sameSequence<T>(x: readonly T[], y: readonly T[]): boolean {
  return x.length === y.length && x.every((thing, i) => thing === y[i]);
}

/** The places of a longest sequence of increasing numbers (patience sorting); no number occurs twice. */
export function increasing(numbers: readonly number[]): number[] {
  // ends[n]: the place of the least number that an increasing sequence of n + 1 can end with
  const ends: number[] = [];
  const before: (number | undefined)[] = [];
  numbers.forEach((number, place) => {
    let [low, high] = [0, ends.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (numbers[ends[middle]!]! < number) low = middle + 1;
      else high = middle;
    }
    before[place] = ends[low - 1];
    ends[low] = place;
  });
  const places: number[] = [];
  for (let place = ends.at(-1); place !== undefined; place = before[place]) places.push(place);
  return places.reverse();
}

/** Part of both sequences: [start, end) of the one and [start, end) of the other. */
type Span = readonly [from: number, end: number, to: number, stop: number];

/** Of pairs that grow on the left, the longest part that grows on the right as well. */
function growing(pairs: Pairs): Pairs {
  return increasing(pairs.map(([, right]) => right)).map((place) => pairs[place]!);
}

function uniquePairs<T>(before: readonly T[], after: readonly T[], [i, end, k, stop]: Span): Pairs {
  const places = (things: readonly T[], from: number, to: number) => {
    const found = new Map<T, number>();
    for (let at = from; at < to; at++) found.set(things[at]!, found.has(things[at]!) ? -1 : at);
    return found;
  };
  const [onLeft, onRight] = [places(before, i, end), places(after, k, stop)];
  const pairs: [number, number][] = [];
  for (const [thing, x] of onLeft) {
    const y = onRight.get(thing);
    if (x >= 0 && y !== undefined && y >= 0) pairs.push([x, y]);
  }
  return pairs.sort(([x], [y]) => x - y);
}

/** With more changes than this, one sequence is taken for another one: the search grows with their square. */
const MAX_CHANGES = 1000;

/** The longest common subsequence, as Myers finds it (An O(ND) Difference Algorithm, 1986); undefined beyond the limit. */
function shortest<T>(left: readonly T[], right: readonly T[]): Pairs | undefined {
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
  return undefined;
}

function walkBack(rounds: readonly Map<number, number>[], n: number, m: number): Pairs {
  const pairs: [number, number][] = [];
  let [x, y] = [n, m];
  for (let changes = rounds.length - 1; changes >= 0; changes--) {
    const furthest = rounds[changes]!;
    const k = x - y;
    const [down, across] = [furthest.get(k + 1) ?? -1, furthest.get(k - 1) ?? -1];
    const from = k === -changes || (k !== changes && across < down) ? k + 1 : k - 1;
    const startX = furthest.get(from) ?? 0;
    const startY = startX - from;
    while (x > startX && y > startY && x > 0 && y > 0) pairs.push([--x, --y]);
    if (changes === 0) break;
    [x, y] = [startX, startY];
  }
  return pairs.reverse();
}
