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

/**
 * Takes blanks, tabs and line ends out of the buffer itself. Files can be large, and most of them is ciphertexts: four
 * bytes are looked at together, and what lies between two gaps is moved as a whole.
 */
function withoutWhiteSpace(bytes: Buffer): Buffer {
  const words = bytes.byteOffset % 4 === 0 ? bytes.length >> 2 : 0;
  const fours = new Int32Array(bytes.buffer, words > 0 ? bytes.byteOffset : 0, words);
  let length = 0;
  let from = 0;
  const look = (start: number, end: number): void => {
    for (let i = start; i < end; i++) {
      const byte = bytes[i]!;
      if (byte !== SPACE && byte !== LF && byte !== CR && byte !== TAB) continue;
      if (i > from) {
        bytes.copyWithin(length, from, i);
        length += i - from;
      }
      from = i + 1;
    }
  };
  for (let k = 0; k < words; k++) {
    const four = fours[k]!;
    // the highest bit of a byte is set in this if the byte is 0x20 or less (or, at times, the one above such a byte)
    if (((four - 0x21212121) & ~four & 0x80808080) !== 0) look(k * 4, k * 4 + 4);
  }
  look(words * 4, bytes.length);
  bytes.copyWithin(length, from, bytes.length);
  return bytes.subarray(0, length + bytes.length - from);
}
