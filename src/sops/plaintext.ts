/** From values that were verified back to the plaintext: each in the place of its ciphertext, spelled as it was. */

import { TsopsError } from "../errors.ts";
import { aadOf, type Entry, type Format, type Reading } from "../formats/format.ts";
import { type Scalar, sameScalar } from "../formats/scalar.ts";
import { applyEdits, type Edit, lineEnding, placeOf } from "../formats/text.ts";
import { valueBytes } from "./cipher.ts";
import type { Item } from "./items.ts";
import { decryptLayout, fromLines, type LayoutSpan, placeOfSpan } from "./layout.ts";
import type { Metadata } from "./metadata.ts";

/** What an entry says. */
type Said = Pick<Item, "entry" | "value">;

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
 * end of a file, and add empty lines: then the block is taken out of the spelled text, which shows what belongs to a
 * block scalar, or the line break is put back; and a recorded spelling may have relied on what stood behind it.
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
    const kept = (text: string) => ignoreMac || endsAreKept(opened, edits, text);
    for (const end of ["", lineEnding(reading.text)]) {
      if (!sure && !saysTheSame(format, draft(end), items)) continue;
      const text = applyEdits(reading.text, [...edits, ...removal]);
      if (end === "" && kept(text)) return { edits, text, end };
      const other = withoutBlock(format, draft(end));
      if (other !== undefined && kept(other)) return { edits, text: other, end };
    }
  }
  throw endChanged(reading);
}

function withoutBlock(format: Format, draft: string): string | undefined {
  try {
    return applyEdits(draft, format.removeMetadata(format.read(draft)));
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
 * Whether the last value of each document reads in the plaintext as what was verified: line breaks behind a block
 * scalar belong to it, and tools add and remove them at the end of a file.
 */
function endsAreKept({ format, reading, items }: Opened, edits: readonly Edit[], text: string): boolean {
  if (!format.breaksAtEnd) return true;
  const last = lastValues(items);
  const starts = new Set(last.map((item) => item?.entry.start));
  const spellings = new Map<number, string>();
  for (const { start, text } of edits) if (starts.has(start)) spellings.set(start, text);
  const spelling = ({ start, end }: Entry) => spellings.get(start) ?? reading.text.slice(start, end);
  if (!last.some((item) => item && spelling(item.entry).includes("\n"))) return true;
  const found = lastValues(format.read(text).entries.map((entry) => ({ entry, value: entry.value })));
  return last.every((item, document) => {
    const other = found[document];
    if (!item || !other) return item === other;
    return sameContent(other.value!, item.value!);
  });
}

/** For each document its last value in the text. */
function lastValues(items: readonly Said[]): (Said | undefined)[] {
  const last: (Said | undefined)[] = [];
  for (const item of items) {
    const { kind, start, in: holder } = item.entry;
    if (kind !== "value") continue;
    const document = holder?.document ?? 0;
    const before = last[document];
    if (!before || before.entry.start <= start) last[document] = item;
  }
  return last;
}

function endChanged(reading: Reading): TsopsError {
  return new TsopsError("tree-decryption", "line breaks were added or removed after the last value", {
    place: placeOf(reading.text, reading.text.length),
    hint: "they would become part of it; compare the file with its last good version in git",
  });
}

/** Whether a plaintext draft has these values, in this order, at these paths. */
function saysTheSame(format: Format, draft: string, items: readonly Item[]): boolean {
  let reading: Reading;
  try {
    reading = format.read(draft);
  } catch {
    return false;
  }
  const wanted = items.filter(({ entry }) => entry.kind !== "comment");
  const found = reading.entries.filter((entry) => entry.kind !== "comment");
  return (
    found.length === wanted.length &&
    found.every((entry, i) => {
      const { entry: other, value } = wanted[i]!;
      if (entry.kind !== other.kind || aadOf(entry) !== aadOf(other) || entry.key !== other.key) return false;
      return entry.kind !== "value" || sameContent(entry.value!, value!);
    })
  );
}

/** Equal values; numbers also across types, since SOPS prints the float 1.0 as `1` (docs/internals/sops.md §6). */
function sameContent(a: Scalar, b: Scalar): boolean {
  const numbers = [a, b].every((value) => typeof value === "bigint" || typeof value === "number");
  return numbers ? valueBytes(a!).equals(valueBytes(b!)) : sameScalar(a, b);
}
