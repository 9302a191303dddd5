import type { Format, Reading } from "../formats/format.ts";
import type { Scalar } from "../formats/scalar.ts";
import { applyEdits, type Edit, encodeText } from "../formats/text.ts";

/**
 * The text of an encrypted document as the seal sees it (docs/format.md): without its metadata and without white space,
 * but for that which means something to other readers of the format.
 */
export function significantText(
  format: Format,
  reading: Reading,
  values: readonly (Scalar | undefined)[],
  removal: readonly Edit[],
): Buffer {
  const seams = format.seams?.(reading, values) ?? [];
  if (seams.length === 0) return withoutWhiteSpace(encodeText(applyEdits(reading.text, removal)));
  const pieces: Buffer[] = [];
  let at = 0;
  for (const { start, end, text, seam } of inOrder(removal, seams)) {
    pieces.push(withoutWhiteSpace(encodeText(reading.text.slice(at, start))));
    pieces.push(seam ? encodeText(text) : withoutWhiteSpace(encodeText(text)));
    at = end;
  }
  pieces.push(withoutWhiteSpace(encodeText(reading.text.slice(at))));
  return Buffer.concat(pieces);
}

/** The edits of both sorts by their places, without the seams inside of what is taken away. */
function inOrder(removal: readonly Edit[], seams: readonly Edit[]): (Edit & { seam: boolean })[] {
  const gone = [...removal].sort((a, b) => a.start - b.start);
  const edits = gone.map((edit) => ({ ...edit, seam: false }));
  let next = 0;
  for (const seam of seams) {
    while (next < gone.length && gone[next]!.end <= seam.start) next++;
    const cut = gone[next];
    if (cut === undefined || seam.end <= cut.start) edits.push({ ...seam, seam: true });
  }
  return edits.sort((a, b) => a.start - b.start || a.end - b.end);
}

const SPACE = 0x20;
const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;

/** Takes blanks, tabs and line ends out of the buffer itself: files can be large. */
function withoutWhiteSpace(bytes: Buffer): Buffer {
  let length = 0;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!;
    if (byte <= SPACE && (byte === SPACE || byte === LF || byte === CR || byte === TAB)) continue;
    bytes[length++] = byte;
  }
  return bytes.subarray(0, length);
}
