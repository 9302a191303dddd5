/** Texts with git's conflict markers. */

import type { Labels } from "../sops/conflicts.ts";
import { type Chunk, threeWay } from "./align.ts";
import { linesOf, type Texts } from "./write.ts";

/** How conflicts are shown, as in git's merge.conflictStyle. */
export type ConflictStyle = "merge" | "diff3" | "zdiff3";

export interface Marking {
  readonly labels: Labels;
  /** How many characters a marker has; git's own are 7. */
  readonly size: number;
  readonly style: ConflictStyle;
}

export interface Marked {
  readonly text: string;
  /** How many places are in markers. */
  readonly places: number;
}

/** Three texts line by line; `a` is ours. What both sides changed stands in markers. */
export function withMarkers(texts: Texts, marking: Marking): Marked {
  const { base = "", a, b } = texts;
  const chunks = threeWay(linesOf(base), linesOf(a), linesOf(b), (line) => line);
  // without a base there is none to show
  const style = texts.base === undefined ? "merge" : marking.style;
  const parts = chunks.flatMap((chunk) =>
    chunk.kind === "agreed" ? chunk.items : markedLines(chunk, { ...marking, style }, a),
  );
  return { text: parts.join(""), places: chunks.filter(({ kind }) => kind === "conflict").length };
}

/**
 * The same where the two sides differ in nothing but what is in conflict. Then no change of one side may come together with
 * the other side's by lines: a person who takes one side at each place has to get that side's text.
 */
export function inMarkers(texts: Texts, marking: Marking): string {
  const { base = "", a, b } = texts;
  const chunks = threeWay(linesOf(base), linesOf(a), linesOf(b), (line) => line);
  const taken = (side: "a" | "b") =>
    chunks.flatMap((chunk) => (chunk.kind === "agreed" ? chunk.items : chunk[side])).join("");
  const { text, places } = withMarkers(texts, marking);
  if (places > 0 && taken("a") === a && taken("b") === b) return text;
  return wholeInMarkers(texts, { ...marking, style: "merge" });
}

/** Both sides as a whole: for texts that must not come together by themselves. */
export function wholeInMarkers({ base = "", a, b }: Texts, marking: Marking): string {
  const chunk = { kind: "conflict", base: linesOf(base), a: linesOf(a), b: linesOf(b) } as const;
  return markedLines(chunk, marking, a).join("");
}

function markedLines(
  chunk: Extract<Chunk<string>, { kind: "conflict" }>,
  { labels, size, style }: Marking,
  text: string,
): string[] {
  const end = text.includes("\r\n") ? "\r\n" : "\n";
  const marker = (character: string, label?: string) =>
    `${character.repeat(size)}${label === undefined ? "" : ` ${label}`}${end}`;
  const [head, tail] = style === "diff3" ? [0, 0] : commonEnds(chunk.a, chunk.b);
  const middle = (lines: readonly string[]) => lines.slice(head, lines.length - tail).map(ended(end));
  return [
    ...chunk.a.slice(0, head),
    marker("<", labels.ours ?? "ours"),
    ...middle(chunk.a),
    ...(style === "merge" ? [] : [marker("|", labels.base ?? "base"), ...chunk.base.map(ended(end))]),
    marker("="),
    ...middle(chunk.b),
    marker(">", labels.theirs ?? "theirs"),
    ...chunk.a.slice(chunk.a.length - tail),
  ].filter((line) => line !== "");
}

const ended = (end: string) => (line: string) => (line === "" || line.endsWith("\n") ? line : line + end);

/** How many lines at both ends are the same. */
function commonEnds(a: readonly string[], b: readonly string[]): [head: number, tail: number] {
  const shorter = Math.min(a.length, b.length);
  let head = 0;
  while (head < shorter && a[head] === b[head]) head++;
  let tail = 0;
  while (tail < shorter - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail++;
  return [head, tail];
}

/** A marker's size that no line of some texts looks like. */
export function freeSize(texts: readonly string[], size: number): number {
  let free = size;
  while (texts.some((text) => markerLines(text, free))) free++;
  return free;
}

/** Whether a text has lines that look like markers of this size. */
export function markerLines(text: string, size: number): boolean {
  return ["<", "|", "=", ">"].some((character) =>
    text.split(/\r?\n/).some((line) => {
      if (!line.startsWith(character.repeat(size)) || line[size] === character) return false;
      return line.length === size || line[size] === " ";
    }),
  );
}
