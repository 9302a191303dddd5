import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { buildTrees } from "../../src/formats/build.ts";
import type { Format } from "../../src/formats/format.ts";
import { FORMAT_NAMES, loadFormat } from "../../src/formats/index.ts";
import { sameTree, valueAt } from "../../src/formats/path.ts";
import type { TreeMap } from "../../src/formats/tree.ts";
import { type Choice, chooseOne, type Variants, variantsOf } from "../../src/merge/choose.ts";
import { mergePlain } from "../../src/merge/merge.ts";
import { patchOf } from "../../src/merge/patch.ts";
import type { Conflict, Conflicts } from "../../src/sops/conflicts.ts";
import { canonical } from "../support/formats/laws.ts";
import { edited } from "../support/merge/edits.ts";
import { readable } from "../support/merge/texts.ts";

fc.configureGlobal({ includeErrorInReport: true });

const formats = await Promise.all(FORMAT_NAMES.filter((name) => name !== "binary").map(loadFormat));

/** A merge in conflict, as a file holds it. */
interface Held {
  readonly text: string;
  readonly said: Conflicts;
  readonly variants: Variants;
}

/** Two edits of one text, that often touch the same places. */
function held(format: Format): fc.Arbitrary<Held | undefined> {
  return fc.tuple(readable(format), fc.gen()).map(([base, g]) => {
    const pick = (limit: number) => g(fc.nat, { max: limit - 1 });
    const side = () => edited(format, edited(format, base, pick, () => true).text, pick, () => true).text;
    const {
      text,
      theirs,
      base: before,
      conflicts,
    } = mergePlain({ format, base, ours: side(), theirs: side() });
    if (conflicts.length === 0) return undefined;
    const said: Conflicts = {
      labels: {},
      conflicts,
      theirs: patchOf(text, theirs),
      base: before === undefined ? undefined : patchOf(text, before),
    };
    return { text, said, variants: { ours: text, theirs, base: before } };
  });
}

const treesOf = (format: Format, text: string) => {
  const { entries, documents } = format.read(text);
  return buildTrees(entries, documents);
};

const choices = fc.constantFrom<Choice[]>("ours", "theirs", "base");

/** Whether another conflict is at this place, above or below it. */
function near(one: Conflict, other: Conflict): boolean {
  if (one.document !== other.document) return false;
  const shorter = Math.min(one.path.length, other.path.length);
  return one.path.slice(0, shorter).every((element, i) => element === other.path[i]);
}

function sameAt(
  before: readonly TreeMap[],
  after: readonly TreeMap[],
  { document, path }: Conflict,
): boolean {
  const [was, is] = [before, after].map((trees) => valueAt(trees[document]!, path));
  return was === undefined || is === undefined ? was === is : sameTree(was, is);
}

for (const format of formats) {
  test(`${format.name}: what a file holds gives all three texts back`, () => {
    fc.assert(
      fc.property(held(format), (merge) => {
        if (merge) assert.equal(variantsOf(merge.text, merge.said), merge.variants);
      }),
      { numRuns: 60 },
    );
  });

  test(`${format.name}: one conflict after the other, each by a side of its own`, () => {
    let chosenOnes = 0;
    fc.assert(
      fc.property(held(format), fc.infiniteStream(choices), (merge, stream) => {
        if (!merge) return;
        let at: Held | undefined = merge;
        for (const conflict of merge.said.conflicts) {
          const { value: choice } = stream.next() as { value: Choice };
          if (!at.said.conflicts.includes(conflict)) continue;
          const chosen = chooseOne(at.said, { conflict, choice }, at.variants, format);
          // it says itself that this place is not to be had alone
          if (!chosen) continue;
          chosenOnes++;
          const [before, after] = [treesOf(format, at.text), treesOf(format, chosen.text)];
          const { document, path, kind } = conflict;
          if (kind !== "comment" && kind !== "order") {
            const [got, want] = [valueAt(after[document]!, path), conflict[choice]];
            assert.ok(want === undefined ? got === undefined : got !== undefined && sameTree(got, want));
          }
          assert.equal(format.read(chosen.text).duplicates ?? [], []);
          if (kind === "comment") assert.equal(after.map(canonical), before.map(canonical), "only comments");
          if (choice === "ours") assert.is(chosen.text, at.text, "ours stands there already");
          const elsewhere = at.said.conflicts.filter(
            (other) => other !== conflict && !near(other, conflict) && other.path.length > 0,
          );
          for (const other of elsewhere) assert.ok(sameAt(before, after, other), "no other place");
          assert.equal(
            chosen.left?.conflicts ?? [],
            at.said.conflicts.filter((one) => one !== conflict),
          );
          if (!chosen.left) return;
          // and the rest can go on from there, in each of the three ways
          const variants = variantsOf(chosen.text, chosen.left);
          assert.ok(variants);
          for (const side of ["theirs", "base"] as const) {
            const [was, is] = [at.variants[side], variants![side]];
            // base is not kept where it cannot have what was chosen in that place
            if (side === "theirs") assert.type(is, "string");
            if (was === undefined || is === undefined) continue;
            const trees = [treesOf(format, was), treesOf(format, is)] as const;
            for (const other of elsewhere) assert.ok(sameAt(...trees, other), `${side} at other places`);
          }
          at = { text: chosen.text, said: chosen.left, variants: variants! };
        }
      }),
      { numRuns: 150 },
    );
    assert.ok(chosenOnes > 5, `only ${chosenOnes} places could be taken alone`);
  });

  test(`${format.name}: all conflicts by one side, one after the other, are that side`, () => {
    fc.assert(
      fc.property(held(format), choices, (merge, choice) => {
        const whole = merge?.variants[choice];
        if (!merge || whole === undefined) return;
        let at: Held = merge;
        for (const conflict of merge.said.conflicts) {
          const chosen = chooseOne(at.said, { conflict, choice }, at.variants, format);
          if (!chosen) return;
          const text = chosen.text;
          if (chosen.left) at = { text, said: chosen.left, variants: variantsOf(text, chosen.left)! };
          else at = { ...at, text };
        }
        // what comes back stands behind what was there
        const [got, want] = [at.text, whole].map((text) => treesOf(format, text).map(canonical));
        assert.equal(got, want);
      }),
      { numRuns: 150 },
    );
  });
}

test("an empty map or list of another place does not come or go with a conflict", async () => {
  const format = await loadFormat("toml");
  const base = "p = []\na = {b = 1}\n";
  const ours = "p = 1\na = {}\n";
  const { text, theirs, conflicts } = mergePlain({ format, base, ours, theirs: "" });
  const said: Conflicts = { labels: {}, conflicts, theirs: patchOf(text, theirs) };
  const [first, second] = conflicts;
  const one = chooseOne(said, { conflict: first!, choice: "ours" }, variantsOf(text, said)!, format);
  assert.equal(one?.left?.conflicts, [second]);
  assert.is(variantsOf(text, one!.left!)!.theirs, "p = 1\n");
});

test("a value that stands elsewhere in theirs takes the place of ours, and does not stand beside it", async () => {
  const format = await loadFormat("json5");
  const ours = "{\n\ta: {\n\t\tn: 0\n\t},\n\tb: 1\n}\n";
  const theirs = '{\n\tb: "x",\n\ta: {\n\t\tn: 0\n\t}\n}\n';
  const conflict: Conflict = { document: 0, path: ["b"], kind: "added by both", ours: 1n, theirs: "x" };
  const said: Conflicts = { labels: {}, conflicts: [conflict], theirs: patchOf(ours, theirs) };
  const chosen = chooseOne(said, { conflict, choice: "theirs" }, variantsOf(ours, said)!, format);
  assert.is(chosen?.text, ours.replace("1", '"x"'));
});

test("nor does a comment of another place", async () => {
  const format = await loadFormat("yaml");
  const [base, ours, theirs] = [0, 1, 2].map((n) => `# note ${n}\na: 1\nb: ${n}\n`) as [
    string,
    string,
    string,
  ];
  const merged = mergePlain({ format, base, ours, theirs });
  const said: Conflicts = {
    labels: {},
    conflicts: merged.conflicts,
    theirs: patchOf(merged.text, merged.theirs),
  };
  assert.equal(
    merged.conflicts.map(({ kind, path }) => [kind, path]),
    [
      ["value", ["b"]],
      ["comment", ["a"]],
    ],
  );
  const variants = variantsOf(merged.text, said)!;
  const texts = merged.conflicts.map(
    (conflict) => chooseOne(said, { conflict, choice: "theirs" }, variants, format)?.text,
  );
  assert.equal(texts, ["# note 1\na: 1\nb: 2\n", "# note 2\na: 1\nb: 1\n"]);
});

test("nor does a value that reads like what another place said", async () => {
  const format = await loadFormat("yaml");
  const ours = "p: 1\na: x\nb: y\n";
  const theirs = 'p: 2\na: "x\\n0 [\\"b\\"] string y"\n';
  const merged = mergePlain({ format, base: "p: 0\na: w\nb: z\n", ours, theirs });
  const said: Conflicts = { labels: {}, conflicts: merged.conflicts, theirs: patchOf(ours, theirs) };
  const conflict = merged.conflicts.find(({ path }) => path[0] === "p")!;
  const chosen = chooseOne(said, { conflict, choice: "theirs" }, variantsOf(ours, said)!, format);
  assert.is(chosen?.text, ours.replace("1", "2"));
});

test("the choice of a comment changes no value at its place or below", async () => {
  const format = await loadFormat("yaml");
  const [base, ours, theirs] = [0, 1, 2].map((n) => `# note ${n}\ndb:\n  x: 0\n`) as [string, string, string];
  const merged = mergePlain({ format, base, ours, theirs: theirs.replace("x: 0", "x: 5") });
  const text = merged.text;
  // as if another change of theirs stood in the same lines
  const source = merged.theirs.replace("x: 5", "x: 7");
  const said: Conflicts = { labels: {}, conflicts: merged.conflicts, theirs: patchOf(text, source) };
  const [conflict] = merged.conflicts;
  assert.equal([conflict!.kind, conflict!.path], ["comment", ["db"]]);
  const chosen = chooseOne(said, { conflict: conflict!, choice: "theirs" }, variantsOf(text, said)!, format);
  assert.ok(chosen === undefined || chosen.text === text.replace("note 1", "note 2"), chosen?.text);
});

test.run();
