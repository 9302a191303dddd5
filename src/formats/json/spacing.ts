import type { PrintOptions } from "../format.ts";
import { lineEnding } from "../text.ts";
import { hasLineBreak } from "./comments.ts";
import type { Collection, Member } from "./members.ts";

/** How a document lays out its members. */
export interface Spacing {
  /** What a level is indented by; undefined if everything stands on one line. */
  readonly unit: string | undefined;
  readonly newline: string;
  /** The colon with the blank after it, if there is one. */
  readonly colon: string;
  /** The comma with the blank after it, between members on one line. */
  readonly comma: string;
}

/** As SOPS prints JSON (docs/internals/sops.md §6): a tab for each level, or that many blanks. */
export function printedSpacing({ indent }: PrintOptions, newline = "\n"): Spacing {
  return { unit: indent === undefined ? "\t" : " ".repeat(indent), newline, colon: ": ", comma: ", " };
}

/** The spacing that a collection is written in, seen from its first members; an indentation that was asked for wins. */
export function spacingOf(text: string, collection: Collection, options: PrintOptions): Spacing {
  const newline = lineEnding(text);
  const [first, second] = collection.members;
  if (!first) return printedSpacing(options, newline);
  const spaced = /[ \t]/.test(text[first.valueStart - 1]!);
  const pretty = onOwnLine(text, first);
  const colon = first.key === undefined || spaced ? ": " : ":";
  const comma = (second ? text[second.start - 1] === " " : spaced) ? ", " : ",";
  if (options.indent !== undefined) return { unit: " ".repeat(options.indent), newline, colon, comma };
  if (!pretty) return { unit: undefined, newline, colon, comma };
  const indent = indentAt(text, first.start);
  const outer = indentAt(text, collection.open);
  const unit = indent.startsWith(outer) ? indent.slice(outer.length) : indent;
  return { unit, newline, colon, comma };
}

/** Whether a member starts a line. */
export function onOwnLine(text: string, member: Member): boolean {
  return hasLineBreak(text, member.before, member.start);
}

/** The blanks at the start of the line that an offset is in. */
export function indentAt(text: string, offset: number): string {
  let start = offset;
  while (start > 0 && !hasLineBreak(text, start - 1, start)) start--;
  let end = start;
  while (end < offset && (text[end] === " " || text[end] === "\t")) end++;
  return text.slice(start, end);
}
