import { constants, isUtf8 } from "node:buffer";
import { type Place, TsopsError } from "../errors.ts";

/** Longer ones cannot be held as a text: 512 MiB less some bytes in Node. bun could hold more, and is not asked to. */
export const MAX_TEXT_BYTES = Math.min(constants.MAX_STRING_LENGTH, 2 ** 29 - 24);

/**
 * Files are bytes, documents are strings. Bytes that are not UTF-8 become lone surrogates U+DC80…U+DCFF, one a
 * byte, and those become the same bytes again: valid UTF-8 never decodes to a surrogate, so nothing is lost
 * (PEP 383 does the same). A format that must be UTF-8 refuses such characters with {@link firstBadByte}.
 * @throws TsopsError("read") if there are too many.
 */
export function decodeText(bytes: Uint8Array): string {
  if (bytes.length > MAX_TEXT_BYTES) {
    throw new TsopsError("read", "it is larger than 512 MiB, and cannot be held as a text", {
      hint: "split it",
    });
  }
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (isUtf8(buffer)) return buffer.toString("utf8");
  const units = new Uint16Array(bytes.length);
  let n = 0;
  for (let i = 0; i < bytes.length; ) {
    const length = sequenceLength(bytes, i);
    if (length === 0) {
      units[n++] = 0xdc00 + bytes[i++]!;
      continue;
    }
    const first = bytes[i]!;
    let code = length === 1 ? first : first & (0xff >> (length + 1));
    for (let k = 1; k < length; k++) code = (code << 6) | (bytes[i + k]! & 0x3f);
    i += length;
    if (code > 0xffff) {
      code -= 0x10000;
      units[n++] = 0xd800 + (code >> 10);
      units[n++] = 0xdc00 + (code & 0x3ff);
    } else units[n++] = code;
  }
  return Buffer.from(units.buffer, 0, n * 2).toString("utf16le");
}

/** The bytes of a string made by {@link decodeText}; other lone surrogates become U+FFFD, as in Node. */
export function encodeText(text: string): Buffer {
  if (text.isWellFormed()) return Buffer.from(text, "utf8");
  const out = Buffer.allocUnsafe(text.length * 3);
  let n = 0;
  let from = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0xd800 || unit > 0xdfff) continue;
    if (unit < 0xdc00 && i + 1 < text.length && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00) {
      i++;
      continue;
    }
    if (unit < 0xdc80 || unit > 0xdcff) continue;
    n += out.write(text.slice(from, i), n, "utf8");
    out[n++] = unit - 0xdc00;
    from = i + 1;
  }
  n += out.write(text.slice(from), n, "utf8");
  return out.subarray(0, n);
}

/** Offset of the first character that stands for a byte that is not UTF-8, or -1. */
export function firstBadByte(text: string): number {
  return text.isWellFormed() ? -1 : text.search(/(?<![\ud800-\udbff])[\udc80-\udcff]/);
}

/** What may follow those first bytes behind which not every continuation may stand. */
const SECOND_BYTES: ReadonlyMap<number, readonly [low: number, high: number]> = new Map([
  [0xe0, [0xa0, 0xbf]],
  [0xed, [0x80, 0x9f]],
  [0xf0, [0x90, 0xbf]],
  [0xf4, [0x80, 0x8f]],
]);

/** How many bytes the UTF-8 sequence at `i` has (RFC 3629, table 3-7 of Unicode), 0 if there is none. */
function sequenceLength(bytes: Uint8Array, i: number): number {
  const a = bytes[i]!;
  if (a < 0x80) return 1;
  if (a < 0xc2 || a > 0xf4) return 0;
  const length = 2 + Number(a >= 0xe0) + Number(a >= 0xf0);
  const b = bytes[i + 1] ?? 0;
  const [low, high] = SECOND_BYTES.get(a) ?? [0x80, 0xbf];
  if (b < low || b > high) return 0;
  for (let k = 2; k < length; k++) if (((bytes[i + k] ?? 0) & 0xc0) !== 0x80) return 0;
  return length;
}

/** Line and column of an offset, both from 1; CR LF, LF and CR end a line. */
export function placeOf(text: string, offset: number): Place {
  let line = 1;
  let start = 0;
  for (const match of text.slice(0, offset).matchAll(/\r\n|\n|\r/g)) {
    line++;
    start = match.index + match[0].length;
  }
  return { line, column: [...text.slice(start, offset)].length + 1 };
}

/** The line ending that a text uses: that of its first line, LF if it has none. */
export function lineEnding(text: string): "\r\n" | "\n" {
  const lf = text.indexOf("\n");
  return lf > 0 && text[lf - 1] === "\r" ? "\r\n" : "\n";
}

/** A text without blanks, tabs and line ends. */
export function withoutWhiteSpace(text: string): string {
  return text.replace(/[ \t\r\n]+/g, "");
}

/** One replacement in a text: [start, end) becomes `text`. */
export interface Edit {
  start: number;
  end: number;
  text: string;
}

/** Applies edits that do not overlap. @throws RangeError if two do: a bug, never an input's fault. */
export function applyEdits(text: string, edits: readonly Edit[]): string {
  const sorted = [...edits].sort((a, b) => a.start - b.start || a.end - b.end);
  const parts: string[] = [];
  let at = 0;
  for (const edit of sorted) {
    if (edit.start < at || edit.end < edit.start) throw new RangeError(`edits overlap at ${edit.start}`);
    parts.push(text.slice(at, edit.start), edit.text);
    at = edit.end;
  }
  parts.push(text.slice(at));
  return parts.join("");
}
