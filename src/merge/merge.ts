/**
 * The merge of three plaintexts. First what they say is merged, then a text is looked for that says just that: never is a
 * value other than a merge of the meanings has it, and no comment is lost.
 */

import { buildTrees } from "../formats/build.ts";
import type { Format, Reading } from "../formats/format.ts";
import type { TreeMap } from "../formats/tree.ts";
import { readText } from "../formats/unreadable.ts";
import type { Conflict } from "../sops/conflicts.ts";
import { commentCounts, commentPlaces, mergedNumbers } from "./comments.ts";
import type { Wanted } from "./compare.ts";
import { type Clash, mergeDocuments } from "./meaning.ts";
import type { Side } from "./sides.ts";
import { type Texts, writeMerged } from "./write.ts";

export interface PlainTexts {
  readonly format: Format;
  /** Undefined where both sides made the file. */
  readonly base: string | undefined;
  readonly ours: string;
  readonly theirs: string;
}

export interface PlainMerge {
  /** The merged text. Where there are conflicts, ours stands in their places. */
  readonly text: string;
  readonly conflicts: readonly Conflict[];
  /** The same text with theirs, or base, in the places of the conflicts; the text itself where there are none. */
  readonly theirs: string;
  readonly base: string | undefined;
}

/** @throws TsopsError("parse") if one of the texts cannot be read. */
export function mergePlain(texts: PlainTexts): PlainMerge {
  const { format, base, ours, theirs } = texts;
  const only = (text: string): PlainMerge => ({ text, conflicts: [], theirs: text, base: text });
  if (ours === theirs || base === theirs) return only(ours);
  if (base === ours) return only(theirs);
  if (format.wrapper) return wholeText(texts);
  const swapped = theirs < ours;
  const sides: Texts = swapped ? { base, a: theirs, b: ours } : { base, a: ours, b: theirs };
  const readings = {
    base: base === undefined ? undefined : readText(base, format),
    a: readText(sides.a, format),
    b: readText(sides.b, format),
  };
  const side = (name: "ours" | "theirs"): Side => ((name === "ours") === swapped ? "b" : "a");
  const { clashes, ...wanted } = meaningOf(readings, "a");
  if (clashes.length === 0) {
    const text = writeMerged(sides, wanted, format, "a");
    return text === undefined ? wholeText(texts) : only(text);
  }
  const written = (prefer: Side): string | undefined =>
    writeMerged(sides, meaningOf(readings, prefer), format, prefer);
  const text = written(side("ours"));
  const other = written(side("theirs"));
  if (text === undefined || other === undefined || clashes.some(({ kind }) => kind === "whole text"))
    return wholeText(texts);
  return {
    text,
    theirs: other,
    base: base === undefined ? undefined : written("base"),
    conflicts: clashes.map((clash) => conflictOf(clash, swapped)),
  };
}

function meaningOf(
  { base, a, b }: { base: Reading | undefined; a: Reading; b: Reading },
  prefer: Side,
): Wanted & { clashes: readonly Clash[] } {
  const trees = ({ entries, documents }: Reading): TreeMap[] => buildTrees(entries, documents);
  const sides = { base: base && trees(base), a: trees(a), b: trees(b) };
  const { disputed, ...meaning } = mergeDocuments(sides, prefer);
  const comments = mergedNumbers(base ? commentPlaces(base) : new Map(), commentPlaces(a), commentPlaces(b));
  const preferred = { base, a, b }[prefer];
  const counts = preferred && disputed.size > 0 ? commentCounts(preferred) : new Map<string, number>();
  for (const text of disputed) {
    const number = counts.get(text) ?? 0;
    comments.set(text, { least: number, most: number });
  }
  return { ...meaning, comments };
}

/** Nothing finer can be said: ours stays as a whole, and theirs is kept as a whole. */
function wholeText({ base, ours, theirs }: PlainTexts): PlainMerge {
  return { text: ours, theirs, base, conflicts: [{ document: 0, path: [], kind: "whole text" }] };
}

function conflictOf({ kind, a, b, ...clash }: Clash, swapped: boolean): Conflict {
  const [ours, theirs] = swapped ? [b, a] : [a, b];
  const deleted = (side: "a" | "b") =>
    (side === "a") === swapped ? ("deleted by theirs" as const) : ("deleted by ours" as const);
  if (kind === "deleted by a") return { ...clash, ours, theirs, kind: deleted("a") };
  if (kind === "deleted by b") return { ...clash, ours, theirs, kind: deleted("b") };
  return { ...clash, ours, theirs, kind };
}
