import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { buildTrees } from "../../src/formats/build.ts";
import type { Format, PathElement } from "../../src/formats/format.ts";
import { FORMAT_NAMES, loadFormat } from "../../src/formats/index.ts";
import { sameTree, valueAt } from "../../src/formats/path.ts";
import type { Tree } from "../../src/formats/tree.ts";
import { commentCounts } from "../../src/merge/comments.ts";
import { mergePlain } from "../../src/merge/merge.ts";
import { canonical } from "../support/formats/laws.ts";
import { edited, treeOf } from "../support/merge/edits.ts";
import { readable } from "../support/merge/texts.ts";

fc.configureGlobal({ includeErrorInReport: true });

const formats = await Promise.all(FORMAT_NAMES.map(loadFormat));

/** Base and two versions of it. `apart`: each side has keys of its own at the top. */
function versions(format: Format, apart = false) {
  return fc.tuple(readable(format), fc.gen()).map(([base, g]) => {
    const pick = (limit: number) => g(fc.nat, { max: limit - 1 });
    const half = (key: PathElement) => [...String(key)].reduce((sum, c) => sum + c.charCodeAt(0), 0) % 2;
    const side = (n: number) => edited(format, base, pick, (key) => !apart || half(key) === n);
    return { base, x: side(0), y: side(1), half };
  });
}

const trees = (format: Format, text: string) => {
  const reading = format.read(text);
  return buildTrees(reading.entries, reading.documents);
};

for (const format of formats) {
  const merge = (base: string | undefined, ours: string, theirs: string) =>
    mergePlain({ format, base, ours, theirs });

  test(`${format.name}: a side that changed nothing gives way to the byte`, () => {
    fc.assert(
      fc.property(versions(format), ({ base, x }) => {
        for (const [ours, theirs] of [
          [x.text, base],
          [base, x.text],
          [x.text, x.text],
        ] as const) {
          const { text, conflicts } = merge(base, ours, theirs);
          assert.is(text, x.text);
          assert.equal(conflicts, []);
        }
      }),
      { numRuns: 30 },
    );
  });

  test(`${format.name}: a merge is the same in both directions, and can be read`, () => {
    fc.assert(
      fc.property(versions(format), ({ base, x, y }) => {
        const [there, back] = [merge(base, x.text, y.text), merge(base, y.text, x.text)];
        assert.is(there.text, back.theirs);
        assert.is(there.theirs, back.text);
        assert.is(there.base, back.base);
        assert.is(there.conflicts.length, back.conflicts.length);
        for (const text of [there.text, there.theirs]) assert.equal(format.read(text).duplicates ?? [], []);
      }),
      { numRuns: 60 },
    );
  });

  test(`${format.name}: of a conflict ours stays, and nothing of theirs is lost`, () => {
    fc.assert(
      fc.property(versions(format), ({ base, x, y }) => {
        const merged = merge(base, x.text, y.text);
        const [now, ours] = [trees(format, merged.text), trees(format, x.text)];
        for (const { path, document, kind, ours: said } of merged.conflicts) {
          if (kind === "comment") continue;
          if (kind === "whole text") assert.is(merged.text, x.text);
          else if (path.every((element) => typeof element === "string")) {
            const [here, there] = [now[document]!, ours[document]!].map((tree) => valueAt(tree, path));
            if (kind !== "order" && path.length > 0) {
              assert.ok(same(here, said));
              assert.ok(same(there, said));
            }
          }
        }
        // whatever one side has and base has not is in one of the texts
        const texts = [merged.text, merged.theirs].map((text) => format.read(text));
        const before = commentCounts(format.read(base));
        for (const side of [x.text, y.text]) {
          for (const comment of commentCounts(format.read(side)).keys()) {
            if (before.has(comment)) continue;
            assert.ok(
              texts.some((reading) => commentCounts(reading).has(comment)),
              comment,
            );
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  if (format.wrapper) continue;

  test(`${format.name}: changes of different places come together as their trees do`, () => {
    let [tried, clean] = [0, 0];
    fc.assert(
      fc.property(versions(format, true), ({ base, x, y, half }) => {
        const before = treeOf(format, base);
        if (!before || !x.tree || !y.tree) return;
        tried++;
        const { text, conflicts } = merge(base, x.text, y.text);
        // a text that cannot be made of both is a conflict of the whole text, and never something else
        assert.ok(
          conflicts.every(({ kind }) => kind === "whole text" || kind === "comment"),
          JSON.stringify(conflicts.map((c) => [c.kind, c.path])),
        );
        if (conflicts.length > 0) return;
        clean++;
        const own = (tree: Tree, n: number) => {
          const { map } = canonical(tree) as { map: [string, unknown][] };
          // a section that INI has without a header, empty or not
          return map.filter(([key, value]) => half(key) === n && !isEmptyDefault(key, value));
        };
        const wanted = [...own(x.tree, 0), ...own(y.tree, 1)].sort(([a], [b]) => (a < b ? -1 : 1));
        const { map } = canonical(treeOf(format, text)) as { map: [string, unknown][] };
        const said = map.filter(([key, value]) => !isEmptyDefault(key, value));
        assert.equal(loose({ map: said }), loose({ map: wanted }));
      }),
      { numRuns: 100 },
    );
    // usually five of six: this many are as good as certain
    assert.ok(clean > 0.7 * tried, `${clean} of ${tried} came together`);
  });
}

function isEmptyDefault(key: string, value: unknown): boolean {
  return key === "DEFAULT" && JSON.stringify(value) === '{"map":[]}';
}

/** Numbers by their text: SOPS prints the float 1.0 as 1. */
function loose(tree: unknown): string {
  return JSON.stringify(tree, (_, value) => (typeof value === "bigint" ? `int ${value}` : value)).replace(
    /\{"float":"([^"]*)"\}/g,
    '"int $1"',
  );
}

function same(x: Tree | undefined, y: Tree | undefined): boolean {
  return x === undefined || y === undefined ? x === y : sameTree(x, y);
}

test.run();
