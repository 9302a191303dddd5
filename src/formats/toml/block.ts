import { type Edit, lineEnding } from "../text.ts";
import type { TreeMap } from "../tree.ts";
import { writeSubtable } from "./print.ts";
import type { TomlReading } from "./sections.ts";

/** The table that the metadata stands in, as in SOPS's other formats (docs/internals/sops.md §5). */
const KEY = "sops";

/**
 * Edits that add the metadata as a table at the end, after a blank line. Its last line has a line break if that of
 * the document had one.
 */
export function addBlock({ text }: TomlReading, metadata: TreeMap): Edit[] {
  const newline = lineEnding(text);
  const block = writeSubtable(metadata, [KEY], newline).join(newline);
  const { length } = text;
  const isEmpty = length === (text.startsWith("\ufeff") ? 1 : 0);
  if (isEmpty) return [{ start: length, end: length, text: `${block}${newline}` }];
  const whole = text.endsWith("\n");
  return [
    {
      start: length,
      end: length,
      text: whole ? `${newline}${block}${newline}` : `${newline}${newline}${block}`,
    },
  ];
}

/** Edits that print the block anew where its first header stands. */
export function replaceBlock(reading: TomlReading, metadata: TreeMap): Edit[] {
  const newline = lineEnding(reading.text);
  const parts = blockParts(reading);
  const [first, ...others] = parts;
  if (!first) return [];
  // Before the first header there is no place for a table of its own.
  if (!first.header) return [...removal(reading.text, parts), ...addBlock(reading, metadata)];
  const block = writeSubtable(metadata, [KEY], newline).join(newline);
  const { start, end } = first;
  return [{ start, end, text: block }, ...removal(reading.text, others)];
}

/** Edits that undo {@link addBlock} to the byte, and that take the block away wherever else it stands. */
export function removeBlock(reading: TomlReading): Edit[] {
  return removal(reading.text, blockParts(reading));
}

/** Lines that hold the metadata, from the first's first character to the last's last. */
interface Part {
  readonly start: number;
  end: number;
  /** It starts with a header, and is no line before the first. */
  readonly header: boolean;
}

/** Neighbouring sections are one part. */
function blockParts({ sections, root }: TomlReading): Part[] {
  const parts: Part[] = [];
  let open = false;
  for (const { start, end, table, keyValues } of sections) {
    if (table === root) {
      for (const { start: from, lineEnd, names } of keyValues) {
        if (names[0] === KEY) parts.push({ start: from, end: lineEnd, header: false });
      }
    } else if (table.block && open) parts.at(-1)!.end = end;
    else if (table.block) parts.push({ start, end, header: true });
    open = table !== root && table.block;
  }
  return parts;
}

function removal(text: string, parts: readonly Part[]): Edit[] {
  return parts.map(({ start, end, header }) => {
    const after = breakAt(text, end);
    let from = start;
    const blank = breakBefore(text, from);
    if (header && (from === blank || breakBefore(text, from - blank) > 0)) from -= blank;
    // No line break at the end says that there was none before either.
    if (after === 0 && end === text.length) from -= breakBefore(text, from);
    return { start: from, end: end + after, text: "" };
  });
}

function breakAt(text: string, at: number): number {
  if (text.startsWith("\r\n", at)) return 2;
  return text.startsWith("\n", at) ? 1 : 0;
}

function breakBefore(text: string, at: number): number {
  if (at === 0 || text[at - 1] !== "\n") return 0;
  return at > 1 && text[at - 2] === "\r" ? 2 : 1;
}
