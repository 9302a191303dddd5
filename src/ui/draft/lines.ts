import { type Edit, lineEnding } from "../../formats/text.ts";
import type { Node } from "../outline/node.ts";
import { type Base, endBefore, entryOf, extentOf, lineEnd, lineStart, type Span } from "./base.ts";

/**
 * Members of maps and lists as the lines that they stand on, with the comments above them. Where exactly one begins,
 * the format knows and the outline does not: so there are several ways, and reading the result tells which is right.
 */

/** How many lines above the first value of a member may belong to it. */
const MAX_LINES = 20;

/** The lines of a member: the most likely ones first, which are those with all comments right above it. */
export function linesOf(base: Base, node: Node): Span[] {
  const extent = extentOf(base, node);
  if (!extent) return [];
  const end = lineEnd(base.text, Math.max(extent.start, extent.end - 1));
  const starts = lineStarts(base, extent);
  const blank = starts.findIndex((start) =>
    /[ \t]*\r?\n/y.test(base.text.slice(start, lineEnd(base.text, start))),
  );
  const near = blank < 0 ? starts : starts.slice(0, blank);
  return [...near.reverse(), ...(blank < 0 ? [] : starts.slice(blank))].map((start) => ({ start, end }));
}

/** The lines from that of the first value up to what is before it. */
function lineStarts(base: Base, extent: Span): number[] {
  const { text } = base;
  const from = endBefore(base, extent.start, true);
  const first = from === 0 ? 0 : lineEnd(text, from - 1);
  const starts = [lineStart(text, extent.start)];
  while (starts.length < MAX_LINES && starts.at(-1)! > first)
    starts.push(lineStart(text, starts.at(-1)! - 1));
  return starts;
}

/** Ways to take a member away with its lines. */
export function removals(base: Base, node: Node): Edit[][] {
  return linesOf(base, node).map((span) => [{ ...span, text: "" }]);
}

/** Ways to let two neighbours change places, whole lines first, and then what is between their first and last characters. */
export function swaps(base: Base, first: Node, second: Node): Edit[][] {
  const { text } = base;
  const ways: Edit[][] = [];
  for (const a of linesOf(base, first)) {
    for (const b of linesOf(base, second)) {
      if (a.end > b.start) continue;
      ways.push([{ start: a.start, end: b.end, text: swapped(text, a, b) }]);
    }
  }
  for (const a of startsOf(base, first)) {
    for (const b of startsOf(base, second)) {
      if (a.end > b.start) continue;
      ways.push([
        { ...a, text: text.slice(b.start, b.end) },
        { ...b, text: text.slice(a.start, a.end) },
      ]);
    }
  }
  return ways;
}

function swapped(text: string, a: Span, b: Span): string {
  const [upper, between, lower] = [
    text.slice(a.start, a.end),
    text.slice(a.end, b.start),
    text.slice(b.start, b.end),
  ];
  if (lower.endsWith("\n")) return lower + between + upper;
  // the last line of a file may have no end
  return lower + lineEnding(text) + between + upper.replace(/\r?\n$/, "");
}

/** Where a member that does not have its lines for itself may begin: behind a bracket, a comma, a dash or blanks. */
function startsOf(base: Base, node: Node): Span[] {
  const extent = extentOf(base, node);
  if (!extent) return [];
  const from = endBefore(base, extent.start);
  const starts = new Set([extent.start]);
  for (const match of base.text.slice(from, extent.start).matchAll(/[^\s,{}[\]-]/g))
    starts.add(from + match.index);
  const ends = node.kind === "value" ? [extent.end] : [extent.end, ...closingsBehind(base.text, extent.end)];
  return [...starts]
    .sort((a, b) => a - b)
    .slice(0, MAX_LINES)
    .flatMap((start) => ends.map((end) => ({ start, end })));
}

/** The brackets that end collections behind their last value. */
function closingsBehind(text: string, from: number): number[] {
  const ends: number[] = [];
  for (let at = from; at < text.length && /[\s,}\]]/.test(text[at]!) && ends.length < 8; at++)
    if (text[at] === "}" || text[at] === "]") ends.push(at + 1);
  return ends;
}

/** Ways to put a copy of a member behind it. */
export function copies(base: Base, node: Node): { at: number; text: string }[] {
  const { text } = base;
  return linesOf(base, node).map(({ start, end }) => {
    const lines = text.slice(start, end);
    return { at: end, text: lines.endsWith("\n") ? lines : lineEnding(text) + lines };
  });
}

/** Ways to take a comment away: with its line where it has one for itself, else with the blanks before it. */
export function commentRemovals(base: Base, node: Node): Edit[][] {
  const entry = entryOf(base, node);
  if (!entry) return [];
  const { text } = base;
  const line = {
    start: lineStart(text, entry.start),
    end: lineEnd(text, Math.max(entry.start, entry.end - 1)),
  };
  const before = text.slice(line.start, entry.start);
  const start = line.start + before.replace(/[ \t]*(?:#|\/\/|\/\*|;)?[ \t]*$/, "").length;
  const tight = line.start + before.replace(/[ \t]*(?:#|\/\/|\/\*|;)?$/, "").length;
  const closed = text.startsWith("*/", entry.end) ? entry.end + 2 : entry.end;
  return [
    [{ ...line, text: "" }],
    ...[start, tight, entry.start].map((from): Edit[] => [{ start: from, end: closed, text: "" }]),
  ];
}

/** Ways to write a comment on a line of its own above a member or comment, the lowest line first. */
export function commentsAbove(base: Base, node: Node, comment: string): Edit[][] {
  const { text } = base;
  const newline = lineEnding(text);
  const extent = extentOf(base, node);
  if (!extent) return [];
  return lineStarts(base, extent).flatMap((start) => {
    const indent = /^[ \t]*/.exec(text.slice(start, start + MAX_INDENT))![0];
    return MARKS.map((mark): Edit[] => [{ start, end: start, text: `${indent}${mark}${comment}${newline}` }]);
  });
}

const MARKS = ["#", "//", ";"] as const;
const MAX_INDENT = 1000;
