import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { commonItems, commonSubsequence, equalPairs, increasing } from "../src/sequences.ts";

test("common subsequences: in order, equal, and as long as any", () => {
  const list = fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 8 });
  const longest = (a: readonly number[], b: readonly number[]): number => {
    if (a.length === 0 || b.length === 0) return 0;
    if (a[0] === b[0]) return 1 + longest(a.slice(1), b.slice(1));
    return Math.max(longest(a.slice(1), b), longest(a, b.slice(1)));
  };
  fc.assert(
    fc.property(list, list, (a, b) => {
      const pairs = commonSubsequence(a, b);
      for (const [n, [i, k]] of pairs.entries()) {
        assert.is(a[i], b[k]);
        if (n > 0) assert.ok(i > pairs[n - 1]![0] && k > pairs[n - 1]![1]);
      }
      assert.is(pairs.length, longest(a, b));
    }),
  );
});

test("common items: in order, equal, and what occurs once on both sides in its order", () => {
  const list = fc.array(fc.integer({ min: 0, max: 6 }), { maxLength: 12 });
  fc.assert(
    fc.property(list, list, (a, b) => {
      const pairs = commonItems(a, b);
      for (const [n, [i, k]] of pairs.entries()) {
        assert.is(a[i], b[k]);
        if (n > 0) assert.ok(i > pairs[n - 1]![0] && k > pairs[n - 1]![1]);
      }
      // nothing equal is left between two neighbours
      const ends = [[-1, -1], ...pairs, [a.length, b.length]] as [number, number][];
      for (const [n, [i, k]] of ends.slice(1).entries()) {
        const [before, after] = [a.slice(ends[n]![0] + 1, i), b.slice(ends[n]![1] + 1, k)];
        assert.not(before.some((thing) => after.includes(thing)));
      }
    }),
  );
  const lines = (text: string) => text.split(" ");
  assert.equal(commonItems(lines("} x } y }"), lines("} y } }")), [
    [0, 0],
    [3, 1],
    [4, 3],
  ]);
});

test("equal pairs: the first with the first, wherever they stand", () => {
  assert.equal(equalPairs(["a", "b", "a"], ["b", "a", "c", "a"]), [
    [0, 1],
    [1, 0],
    [2, 3],
  ]);
});

test("very long lists are compared, too", () => {
  const numbers = Array.from({ length: 3000 }, (_, i) => i);
  const turned = [...numbers.slice(1500), ...numbers.slice(0, 1500)];
  assert.is(commonSubsequence(numbers, turned).length, 1500);
  assert.equal(increasing([3, 1, 2, 0, 4]), [1, 2, 4]);
});

test.run();
