/** From values that were verified back to the plaintext: each in the place of its ciphertext, spelled as it was. */

import { TsopsError } from "../errors.ts";
import type { Entry, Format, Reading } from "../formats/format.ts";
import { applyEdits, type Edit, lineEnding, placeOf } from "../formats/text.ts";
import type { Item } from "./items.ts";
import { decryptLayout, fromLines, type LayoutSpan, placeOfSpan } from "./layout.ts";
import type { Metadata } from "./metadata.ts";
import { type Said, saidBy, sameContent, sayTheSame } from "./same.ts";

interface Spelled {
  readonly edits: readonly Edit[];
  readonly text: string;
  /** A line break that the last value needs behind it, and that the file had lost. */
  readonly end: string;
}

interface Opened {
  readonly format: Format;
  readonly reading: Reading;
  readonly metadata: Metadata;
  readonly items: readonly Item[];
}

/**
 * The plaintext whose values are those that were verified. A recorded spelling counts only if the text made with it
 * says the same; for one of a single line, a seal that holds has proved that already. Tools cut the line break at the
 * end of a file, and add empty lines; and what was no block scalar can have become one at such an end. Then the block
 * is taken out of the spelled text, which shows what belongs to a block scalar, or the line break is put back; and a
 * recorded spelling may have relied on what stood behind it.
 */
export function plaintextOf(
  opened: Opened,
  removal: readonly Edit[],
  dataKey: Buffer,
  { ignoreMac = false, trusted }: { ignoreMac?: boolean; trusted: boolean },
): Spelled {
  const { format, reading, metadata, items } = opened;
  for (const layout of layoutsToTry(recordedLayout(metadata, dataKey))) {
    const edits = spellPlaintext(opened, layout);
    const sure = layout.length === 0 || (trusted && !layout.some(hasLines));
    const draft = (end: string) => applyEdits(reading.text, edits) + end;
    const kept = (text: string) => ignoreMac || endsAreKept(opened, { edits, removal, text });
    for (const end of ["", lineEnding(reading.text)]) {
      if (!sure && !reads(format, draft(end), items)) continue;
      const text = applyEdits(reading.text, [...edits, ...removal]);
      if (end === "" && kept(text)) return { edits, text, end };
      const other = withoutBlock(format, draft(end));
      if (other !== undefined && kept(other)) return { edits, text: other, end };
    }
  }
  throw endChanged(reading);
}

/** Whether a text is read as what was verified. */
function reads(format: Format, text: string, items: readonly Item[]): boolean {
  const reading = tryRead(format, text);
  return reading !== undefined && sayTheSame(reading.entries, items);
}

function withoutBlock(format: Format, draft: string): string | undefined {
  const reading = tryRead(format, draft);
  return reading && applyEdits(draft, format.removeMetadata(reading));
}

function tryRead(format: Format, text: string): Reading | undefined {
  try {
    return format.read(text);
  } catch {
    return undefined;
  }
}

/** The field itself, or nothing. */
function recordedLayout(metadata: Metadata, dataKey: Buffer): LayoutSpan[] {
  const field = metadata.own.get("layout");
  return decryptLayout(typeof field === "string" ? field : undefined, dataKey);
}

/** Those of one line fit wherever their values stand; one of several lines relies on the lines around it. */
function layoutsToTry(layout: readonly LayoutSpan[]): (readonly LayoutSpan[])[] {
  const single = layout.filter((span) => !hasLines(span));
  return [layout, single, []].filter((spans, i, all) => spans.length !== all[i - 1]?.length);
}

function hasLines({ raw }: LayoutSpan): boolean {
  return typeof raw !== "string" || raw.includes("\n");
}

/** Edits that turn ciphertexts into plaintext, with the spellings that are recorded. */
function spellPlaintext({ format, reading, items }: Opened, layout: readonly LayoutSpan[]): Edit[] {
  const edits = recordedEdits(reading, items, layout);
  const recorded = [...edits];
  let next = 0;
  const order = items.filter(({ entry, encrypted }) => encrypted && !entry.alias);
  order.sort((a, b) => a.entry.start - b.entry.start);
  for (const { entry, value } of order) {
    const { start, end } = entry;
    while (next < recorded.length && recorded[next]!.end <= start) next++;
    const covered = next < recorded.length && recorded[next]!.start <= start;
    if (!covered) edits.push({ start, end, text: format.spell(reading, entry, value!) });
  }
  return edits;
}

function recordedEdits(reading: Reading, items: readonly Item[], layout: readonly LayoutSpan[]): Edit[] {
  const edits: Edit[] = [];
  for (const span of layout) {
    const place = placeOfSpan(reading, span);
    const text = typeof span.raw === "string" ? span.raw : fromLines(span.raw, items[span.entry]?.value);
    if (place && text !== undefined) edits.push({ ...place, text });
  }
  edits.sort((a, b) => a.start - b.start);
  const clash = edits.some((edit, i) => i > 0 && edit.start < edits[i - 1]!.end);
  return clash ? [] : edits;
}

/**
 * Whether the values at an end read in the plaintext as what was verified: line breaks behind a block scalar belong to
 * it, and tools add and remove them there; so does a comment that is indented as deep.
 */
function endsAreKept(
  { format, reading, items }: Opened,
  { edits, removal, text }: { edits: readonly Edit[]; removal: readonly Edit[]; text: string },
): boolean {
  if (!format.breaksAtEnd) return true;
  const values = valuesAmong(items);
  const ends = valuesAtEnds(values, removal);
  const starts = new Set(ends.map((i) => values[i]!.entry.start));
  const spellings = new Map<number, string>();
  for (const { start, text } of edits) if (starts.has(start)) spellings.set(start, text);
  const spelling = ({ start, end }: Entry) => spellings.get(start) ?? reading.text.slice(start, end);
  if (!ends.some((i) => MAY_BE_BLOCK.test(spelling(values[i]!.entry)))) return true;
  const again = tryRead(format, text);
  if (!again) return false;
  const found = valuesAmong(again.entries.map(saidBy));
  return (
    found.length === values.length && ends.every((i) => sameContent(found[i]!.value!, values[i]!.value!))
  );
}

const MAY_BE_BLOCK = /[|>\n]/;

function valuesAmong(items: readonly Said[]): Said[] {
  return items.filter(({ entry }) => entry.kind === "value");
}

/** Which values have an end behind them: that of a document, or the metadata, in whose place other lines come. */
function valuesAtEnds(values: readonly Said[], removal: readonly Edit[]): number[] {
  const last = new Map<unknown, number>();
  const keepLater = (end: unknown, i: number) => {
    const before = last.get(end);
    if (before === undefined || values[before]!.entry.start <= values[i]!.entry.start) last.set(end, i);
  };
  for (let i = 0; i < values.length; i++) {
    const { start, in: holder } = values[i]!.entry;
    keepLater(holder?.document ?? 0, i);
    for (const cut of removal) if (start < cut.start) keepLater(cut, i);
  }
  return [...new Set(last.values())];
}

function endChanged(reading: Reading): TsopsError {
  return new TsopsError(
    "tree-decryption",
    "lines were added or removed after the last value or the metadata",
    {
      place: placeOf(reading.text, reading.text.length),
      hint: "they are read as part of a value; compare the file with its last good version in git",
    },
  );
}
