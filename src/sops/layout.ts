import type { Container, Entry, Reading } from "../formats/format.ts";
import { decodeText, encodeText } from "../formats/text.ts";
import { looksEncrypted, openBytes, parseCipher, type Random, sealBytes } from "./cipher.ts";

/**
 * The spellings that a ciphertext in its place cannot bring back (docs/format.md): where a folded scalar broke its
 * lines, `\u00e9` against `é`, an alias that had to be written out. Kept as the raw text of just those spans,
 * encrypted, since they spell secrets.
 */
export interface LayoutSpan {
  /** Index of the entry in SOPS's walking order of the encrypted file, metadata not counted. */
  readonly entry: number;
  /** 0: the entry's own span; n: the span of the n-th collection around it. */
  readonly up: number;
  readonly raw: string;
}

/** The AAD of every value and comment ends in a colon, and that of a MAC is a time: nothing else shares this one. */
const AAD = "sops:tsops:layout";

/** The layout field's text, or undefined where nothing has to be recorded. */
export function encryptLayout(
  spans: readonly LayoutSpan[],
  dataKey: Buffer,
  random: Random,
  previous?: string,
): string | undefined {
  if (spans.length === 0) return undefined;
  const text = JSON.stringify({ spans: spans.map(({ entry, up, raw }) => [entry, up, raw]) });
  if (previous !== undefined && openLayout(previous, dataKey) === text) return previous;
  return sealBytes(encodeText(text), "str", AAD, dataKey, random);
}

/** The recorded spans; none if the field is missing, damaged or says something that this does not understand. */
export function decryptLayout(field: string | undefined, dataKey: Buffer): LayoutSpan[] {
  const text = field === undefined ? undefined : openLayout(field, dataKey);
  if (text === undefined) return [];
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return [];
  }
  const spans = typeof parsed === "object" && parsed !== null && "spans" in parsed ? parsed.spans : undefined;
  if (!Array.isArray(spans)) return [];
  return spans.flatMap((span: unknown) => {
    if (!Array.isArray(span)) return [];
    const [entry, up, raw] = span as unknown[];
    const valid = Number.isSafeInteger(entry) && Number.isSafeInteger(up) && typeof raw === "string";
    return valid ? [{ entry: entry as number, up: up as number, raw: raw as string }] : [];
  });
}

function openLayout(field: string, dataKey: Buffer): string | undefined {
  if (!looksEncrypted(field)) return undefined;
  try {
    const bytes = openBytes(parseCipher(field), AAD, dataKey);
    return bytes && decodeText(bytes);
  } catch {
    return undefined;
  }
}

/** Where a recorded span stands in the encrypted text; undefined if there is no such place. */
export function placeOfSpan(reading: Reading, span: LayoutSpan): { start: number; end: number } | undefined {
  const entry = reading.entries[span.entry];
  if (!entry) return undefined;
  if (span.up === 0) return { start: entry.start, end: entry.end };
  let container = entry.in;
  for (let up = 1; container && up < span.up; up++) container = container.parent;
  if (container?.start === undefined || container.end === undefined) return undefined;
  return { start: container.start, end: container.end };
}

/** How many collections up from an entry the one is that spans exactly [start, end); 0 if it is the entry itself. */
export function levelsUp(entry: Entry, start: number, end: number): number | undefined {
  if (entry.start === start && entry.end === end) return 0;
  let up = 1;
  for (let container: Container | undefined = entry.in; container; container = container.parent, up++) {
    if (container.start === start && container.end === end) return up;
  }
  return undefined;
}
