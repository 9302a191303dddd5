import type { Container, Reading } from "../formats/format.ts";
import type { Scalar } from "../formats/scalar.ts";
import { decodeText, encodeText } from "../formats/text.ts";
import { type CipherInputs, encryptBytes, looksEncrypted, openBytes, parseCipher } from "./cipher.ts";

/**
 * The spellings that a ciphertext in its place cannot bring back (docs/format.md): where a folded scalar broke its
 * lines, `\u00e9` against `é`, an alias that had to be written out. Kept as the raw text of just those spans,
 * encrypted, since they spell secrets.
 */
export interface LayoutSpan {
  /** Index of the entry in SOPS's walking order of the encrypted file, metadata not counted. */
  readonly entry: number;
  /**
   * 0: the entry's own span; n: the span of the n-th collection around it; -1: from the entry to the end of the comment
   * behind it.
   */
  readonly up: number;
  /** The text that stood there, or how the lines of the value made that. */
  readonly raw: string | Lines;
}

/** A block scalar whose lines are those of its value: what stands before the first line, and before each. */
export interface Lines {
  readonly header: string;
  readonly pad: string;
}

/** Below a header, so that a value of many lines is not kept twice. */
export function asLines(raw: string, value: Scalar): Lines | undefined {
  const header = raw.slice(0, raw.indexOf("\n") + 1);
  if (header === "" || typeof value !== "string") return undefined;
  const shown = raw.slice(header.length).split("\n").find(notEmpty) ?? "";
  const said = value.split("\n").find(notEmpty) ?? "";
  const lines = { header, pad: " ".repeat(Math.max(shown.length - said.length, 0)) };
  return fromLines(lines, value) === raw ? lines : undefined;
}

/** The text again; undefined if there are no lines. */
export function fromLines({ header, pad }: Lines, value: Scalar | undefined): string | undefined {
  if (typeof value !== "string") return undefined;
  const lines = value.replace(/\n$/, "").split("\n");
  return header + lines.map((line) => (line === "" ? "" : pad + line)).join("\n");
}

const notEmpty = (line: string): boolean => line !== "";

/** The AAD of every value and comment ends in a colon, and that of a MAC is a time: nothing else shares this one. */
const AAD = "sops:tsops:layout";

/** The layout field's text, or undefined where nothing has to be recorded. */
export function encryptLayout(
  spans: readonly LayoutSpan[],
  inputs: CipherInputs,
  previous?: string,
): string | undefined {
  if (spans.length === 0) return undefined;
  const text = JSON.stringify({ spans: spans.map(({ entry, up, raw }) => [entry, up, rawField(raw)]) });
  if (previous !== undefined && openLayout(previous, inputs.dataKey) === text) return previous;
  return encryptBytes(encodeText(text), "str", AAD, inputs);
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
    const text = readRaw(raw);
    const valid = Number.isSafeInteger(entry) && Number.isSafeInteger(up) && text !== undefined;
    return valid ? [{ entry: entry as number, up: up as number, raw: text }] : [];
  });
}

const rawField = (raw: string | Lines) => (typeof raw === "string" ? raw : [raw.header, raw.pad]);

function readRaw(raw: unknown): string | Lines | undefined {
  if (typeof raw === "string" || !Array.isArray(raw)) return typeof raw === "string" ? raw : undefined;
  const [header, pad] = raw as unknown[];
  return typeof header === "string" && typeof pad === "string" ? { header, pad } : undefined;
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
  if (span.up === WITH_COMMENT) {
    const end = endOfComment(reading, span.entry);
    return end === undefined ? undefined : { start: entry.start, end };
  }
  let container = entry.in;
  for (let up = 1; container && up < span.up; up++) container = container.parent;
  if (container?.start === undefined || container.end === undefined) return undefined;
  return { start: container.start, end: container.end };
}

const WITH_COMMENT = -1;

/** Where the comment on the line of an entry ends; such a comment comes next to it in walking order. */
function endOfComment({ text, entries }: Reading, index: number): number | undefined {
  const { end } = entries[index]!;
  const next = [entries[index - 1], entries[index + 1]].find(
    (entry) =>
      entry?.kind === "comment" && entry.start > end && /^[ \t]*$/.test(text.slice(end, entry.start)),
  );
  return next?.end;
}

/**
 * How many collections up from an entry the one is that spans exactly [start, end); 0 if it is the entry itself, -1 with
 * the comment behind it.
 */
export function levelsUp(reading: Reading, index: number, start: number, end: number): number | undefined {
  const entry = reading.entries[index]!;
  if (entry.start === start && entry.end === end) return 0;
  if (entry.start === start && endOfComment(reading, index) === end) return WITH_COMMENT;
  let up = 1;
  for (let container: Container | undefined = entry.in; container; container = container.parent, up++) {
    if (container.start === start && container.end === end) return up;
  }
  return undefined;
}
