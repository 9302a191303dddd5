import { flatten } from "../flatten.ts";
import type { Reading } from "../format.ts";
import { valToString } from "../scalar.ts";
import { type Edit, lineEnding } from "../text.ts";
import type { TreeMap } from "../tree.ts";
import { printKeys } from "./print.ts";
import { METADATA_SECTION, type Section, sectionsOf } from "./read.ts";
import type { Span } from "./scan.ts";
import { trim } from "./space.ts";

/**
 * Edits that add the metadata as the last section, behind an empty line. A text without a line break at its
 * end gets one before the block and none behind it: taking the block away tells by that which it was.
 */
export function addBlock({ text }: Reading, metadata: TreeMap): Edit[] {
  const at = text.length;
  const newline = lineEnding(text);
  const block = blockText(metadata, newline);
  if (text === "") return [{ start: at, end: at, text: block + newline }];
  const add = text.endsWith("\n") ? `${newline}${block}${newline}` : `${newline}${newline}${block}`;
  return [{ start: at, end: at, text: add }];
}

/** Edits that print the block anew in its place. */
export function replaceBlock(reading: Reading, metadata: TreeMap): Edit[] {
  const [first, ...others] = blocks(reading);
  if (!first) return addBlock(reading, metadata);
  const { text } = reading;
  const { start, end } = first.lines;
  const stop = text[end - 1] === "\n" ? end - (text[end - 2] === "\r" ? 2 : 1) : end;
  const block = blockText(metadata, lineEnding(text));
  return [{ start, end: stop, text: block }, ...others.map(({ whole }) => ({ ...whole, text: "" }))];
}

/** Edits that take the block away as it was added. */
export function removeBlock(reading: Reading): Edit[] {
  return blocks(reading).map(({ whole }) => ({ ...whole, text: "" }));
}

/** Where the metadata stands, with the line break before it; undefined if there is none. */
export function blockSpan(reading: Reading): Span | undefined {
  return blocks(reading)[0]?.whole;
}

function blockText(metadata: TreeMap, newline: string): string {
  const keys = flatten(metadata).map(({ key, value }) => ({
    name: key,
    value: valToString(value).replaceAll("\n", "\\n"),
  }));
  const lines = printKeys(keys, newline);
  return `[${METADATA_SECTION}]${newline}${lines.slice(0, lines.length - newline.length)}`;
}

/** The sections that hold metadata: their lines, and what goes when they are taken away. */
function blocks(reading: Reading): { lines: Span; whole: Span }[] {
  return sectionsOf(reading)
    .filter(({ name, header }) => header && name === METADATA_SECTION)
    .map((section) => {
      const lines = linesOf(section);
      return { lines, whole: { start: startOfBlock(reading.text, lines), end: lines.end } };
    });
}

function linesOf({ header, keys }: Section): Span {
  const { start, end } = header!.lines;
  return { start, end: keys.reduce((last, { item }) => Math.max(last, item.lines.end), end) };
}

/**
 * Before the empty line above the block; if the block ends the text without a line break, before another
 * one. Where something follows, the empty line stays: it may be what ends a value that a backslash
 * continues.
 */
function startOfBlock(text: string, { start, end }: Span): number {
  if (trim(text.slice(end)) !== "") return start;
  const blank = /(?:^|\n)(\r?\n)$/.exec(text.slice(Math.max(0, start - 3), start));
  if (!blank) return start;
  const newline = blank[1]!;
  const at = start - newline.length;
  return text[end - 1] !== "\n" && text.endsWith(newline, at) ? at - newline.length : at;
}
