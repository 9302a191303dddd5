import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  type ConflictStyle,
  freeSize,
  inMarkers,
  type Marking,
  markerLines,
  wholeInMarkers,
  withMarkers,
} from "../../src/merge/markers.ts";
import { patched, patchOf } from "../../src/merge/patch.ts";

const MARKING: Marking = { labels: { ours: "HEAD", theirs: "side" }, size: 7, style: "merge" };
const TEXTS = { base: "x\n1\ny\n", a: "x\nsame\n2\ny\n", b: "x\nsame\n3\ny\n" };

test("the three styles of git", () => {
  const merge = "x\nsame\n<<<<<<< HEAD\n2\n=======\n3\n>>>>>>> side\ny\n";
  assert.equal(withMarkers(TEXTS, MARKING), { text: merge, places: 1 });
  assert.is(
    withMarkers(TEXTS, { ...MARKING, style: "zdiff3" }).text,
    "x\nsame\n<<<<<<< HEAD\n2\n||||||| base\n1\n=======\n3\n>>>>>>> side\ny\n",
  );
  assert.is(
    withMarkers(TEXTS, { ...MARKING, style: "diff3" }).text,
    "x\n<<<<<<< HEAD\nsame\n2\n||||||| base\n1\n=======\nsame\n3\n>>>>>>> side\ny\n",
  );
});

test("line ends, a missing one at the end, and longer markers", () => {
  const { text } = withMarkers({ base: "1", a: "2", b: "3" }, { ...MARKING, size: 9, labels: {} });
  assert.is(text, "<<<<<<<<< ours\n2\n=========\n3\n>>>>>>>>> theirs\n");
  const crlf = withMarkers({ base: "a\r\n1\r\n", a: "a\r\n2\r\n", b: "a\r\n3\r\n" }, MARKING).text;
  assert.is(crlf, "a\r\n<<<<<<< HEAD\r\n2\r\n=======\r\n3\r\n>>>>>>> side\r\n");
});

test("what does not differ is in no markers, unless it is to be", () => {
  const texts = { base: "1\n2\n", a: "0\n2\n", b: "1\n3\n" };
  assert.equal(withMarkers(texts, MARKING), { text: "0\n3\n", places: 0 });
  assert.is(wholeInMarkers(texts, MARKING), "<<<<<<< HEAD\n0\n2\n=======\n1\n3\n>>>>>>> side\n");
});

/** What is left of a text with markers if one side is taken everywhere. */
function taken(text: string, side: "ours" | "theirs"): string {
  let at: "both" | "ours" | "base" | "theirs" = "both";
  const lines = text.split(/(?<=\n)/).filter((line) => {
    const next = { "<": "ours", "|": "base", "=": "theirs", ">": "both" }[
      /^([<|=>])\1{6}/.exec(line)?.[1] ?? ""
    ];
    if (next === undefined) return at === "both" || at === side;
    at = next as typeof at;
    return false;
  });
  return lines.join("");
}

test("where the sides differ in nothing but conflicts, each of them comes out of the markers whole", () => {
  const texts = fc
    .array(fc.constantFrom("a\n", "b\n", "c\n", "d\n"), { maxLength: 8 })
    .map((lines) => lines.join(""));
  const styles = fc.constantFrom<ConflictStyle[]>("merge", "diff3", "zdiff3");
  fc.assert(
    fc.property(fc.option(texts, { nil: undefined }), texts, texts, styles, (base, a, b, style) => {
      const text = inMarkers({ base, a, b }, { ...MARKING, style });
      assert.is(taken(text, "ours"), a);
      assert.is(taken(text, "theirs"), b);
      assert.ok(markerLines(text, 7), "something is in markers");
    }),
    { numRuns: 500 },
  );
  // theirs has the line elsewhere: by lines alone it would stand there twice
  const moved = { base: "A=0\nB=0\n", a: "A=1\nB=0\nN=1\n", b: "N=2\nA=2\nB=0\n" };
  assert.is(taken(withMarkers(moved, MARKING).text, "theirs"), "N=2\nA=2\nB=0\nN=1\n");
  assert.is(taken(inMarkers(moved, MARKING), "theirs"), moved.b);
});

test("lines of the text that look like markers make ours longer", () => {
  const text = "a\n=======\nb\n";
  assert.ok(markerLines(text, 7));
  assert.not.ok(markerLines("  =======\n======== \n=====\n", 7));
  assert.is(freeSize([text, "<<<<<<<< x\n"], 7), 9);
});

test("a patch makes one text of the other, and of no third one", () => {
  const texts = fc
    .array(fc.constantFrom("a\n", "b\n", "c\n", "d"), { maxLength: 8 })
    .map((lines) => lines.join(""));
  fc.assert(fc.property(texts, texts, (from, to) => patched(from, patchOf(from, to)) === to));
  assert.is(patched("a\nx\n", patchOf("a\nb\n", "a\nc\n")), undefined);
});

test.run();
