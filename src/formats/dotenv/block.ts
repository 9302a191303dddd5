import { flatten } from "../flatten.ts";
import type { Reading } from "../format.ts";
import type { Edit } from "../text.ts";
import type { TreeMap } from "../tree.ts";
import { afterLine, isConverted, linesOf, type Span } from "./lines.ts";
import { PREFIX } from "./read.ts";
import { valueText } from "./spell.ts";

/** Edits that add the metadata behind all other lines. */
export function addBlock({ text }: Reading, metadata: TreeMap): Edit[] {
  const at = text.length;
  const lines = metadataLines(metadata);
  // A text without a line break at its end gets one before the block and none behind it: taking the block away
  // tells by that which it was.
  const add = at === 0 || text.endsWith("\n") ? `${lines}\n` : `\n${lines}`;
  return [{ start: at, end: at, text: add }];
}

/** Edits that put the metadata where its first lines stand. */
export function replaceBlock(reading: Reading, metadata: TreeMap): Edit[] {
  const [first, ...others] = metadataRuns(reading);
  if (!first) return addBlock(reading, metadata);
  const newline = newlineOf(reading);
  const { start, end } = first;
  const stop = reading.text.endsWith(newline, end) ? end - newline.length : end;
  const text = metadataLines(metadata).replaceAll("\n", newline);
  return [{ start, end: stop, text }, ...others.map(removal(reading))];
}

/** Edits that take the metadata's lines away. */
export function removeBlock(reading: Reading): Edit[] {
  return metadataRuns(reading).map(removal(reading));
}

function metadataLines(metadata: TreeMap): string {
  return flatten(metadata)
    .map(({ key, value }) => `${PREFIX}${key}=${valueText(value)}`)
    .join("\n");
}

/** Metadata lines with their line breaks, those that follow each other as one. */
export function metadataRuns({ text, metadata }: Reading): Span[] {
  const runs: { start: number; end: number }[] = [];
  for (const entry of metadata?.entries ?? []) {
    const start = text.lastIndexOf("\n", entry.start - 1) + 1;
    const end = afterLine(text, entry.end);
    const last = runs.at(-1);
    if (last?.end === start) last.end = end;
    else runs.push({ start, end });
  }
  return runs;
}

/** Takes lines away; at the end of a text that has no last line break, the one before them goes. */
export function removal(reading: Reading): (span: Span) => Edit {
  const { text } = reading;
  return ({ start, end }) => {
    const open = end === text.length && start > 0 && text[end - 1] !== "\n";
    const newline = open && text.endsWith(newlineOf(reading), start) ? newlineOf(reading).length : 1;
    return { start: open ? start - newline : start, end, text: "" };
  };
}

/** The line break of an encrypted text: CR LF only where something turned all of them into that. */
export function newlineOf({ text, metadata }: Reading): "\r\n" | "\n" {
  const lines = linesOf(text).filter(({ start }) => text.startsWith(PREFIX, start));
  return metadata && isConverted(text, lines) ? "\r\n" : "\n";
}
