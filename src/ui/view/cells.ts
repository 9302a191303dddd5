import stringWidth from "string-width";
import { append } from "../../formats/append.ts";

/** A piece of a line in one style. Colours are those of the terminal's own palette, so they suit light and dark. */
export interface Cell {
  readonly text: string;
  readonly style?: Style;
}

export type Style = "bold" | "dim" | "inverse" | "red" | "green" | "yellow" | "blue" | "cyan";

export type Line = readonly Cell[];

export interface Screen {
  readonly lines: readonly Line[];
  /** Where the cursor is to be; hidden if undefined. */
  readonly cursor?: { readonly x: number; readonly y: number };
}

const SEGMENTS = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/** Columns that a text takes. */
export function widthOf(text: string): number {
  return /^[\x20-\x7e]*$/.test(text) ? text.length : stringWidth(text);
}

const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{DI}\u2800]/gu;
/** Joins emoji, and chooses how they look: they are seen as a part of them. */
const JOINED = /(?<=\p{Extended_Pictographic}\ufe0f?|\p{Emoji_Modifier})[\u200d\ufe0f]/u;

/** A text as one line that hides nothing and steers nothing: what cannot be seen is written out. */
export function visible(text: string): string {
  if (/^[\x20-\x7e]*$/.test(text)) return text;
  return [...SEGMENTS.segment(text)]
    .map(({ segment }) => (JOINED.test(segment) ? segment : segment.replace(UNSEEN, escaped)))
    .join("");
}

function escaped(character: string): string {
  if (character === "\n") return "⏎";
  if (character === "\t") return "⇥";
  const code = character.codePointAt(0)!;
  // a byte that is not UTF-8 (src/formats/text.ts)
  if (code >= 0xdc80 && code <= 0xdcff) return `\\x${(code - 0xdc00).toString(16)}`;
  return code < 0x20
    ? String.fromCharCode(0x2400 + code)
    : `<U+${code.toString(16).toUpperCase().padStart(4, "0")}>`;
}

/** Of a text, what fits: its end is marked where some is left out. */
export function fitted(text: string, width: number): string {
  if (width <= 0) return "";
  // a text of many lines is not looked at as a whole for one row
  const start = text.length > width * 8 ? text.slice(0, width * 8) : text;
  if (start === text && widthOf(text) <= width) return text;
  let [kept, used] = ["", 0];
  for (const { segment } of SEGMENTS.segment(start)) {
    const more = widthOf(segment);
    if (used + more > width - 1) break;
    kept += segment;
    used += more;
  }
  return `${kept}…`;
}

/** The first characters of a text, as many as fit; one at least. */
function start(text: string, width: number): string {
  let [kept, used] = ["", 0];
  for (const { segment } of SEGMENTS.segment(text.slice(0, width * 8))) {
    used += widthOf(segment);
    if (used > width && kept !== "") break;
    kept += segment;
  }
  return kept;
}

/** A line that is cut where the screen ends, and filled with blanks if it has a style to its end. */
export function lineOf(cells: readonly Cell[], width: number): Line {
  const line: Cell[] = [];
  let left = width;
  for (const cell of cells) {
    if (left <= 0) break;
    const text = fitted(cell.text, left);
    left -= widthOf(text);
    line.push({ ...cell, text });
  }
  return line;
}

/** Two parts of a line: the second one at its right end. */
export function spread(left: readonly Cell[], right: readonly Cell[], width: number): Line {
  const taken = right.reduce((sum, { text }) => sum + widthOf(text), 0);
  // where there is hardly any room, what is to the left matters more
  if (taken > width / 2) return lineOf(left, width);
  const room = Math.max(0, width - taken - 1);
  const start = lineOf(left, room);
  const used = start.reduce((sum, { text }) => sum + widthOf(text), 0);
  return lineOf([...start, { text: " ".repeat(Math.max(1, width - taken - used)) }, ...right], width);
}

/** A text in lines of at most so many columns, broken wherever one is full. */
export function broken(text: string, columns: number): string[] {
  // a window can be narrower than anything
  const width = Math.max(1, columns);
  const lines: string[] = [];
  let left = text;
  while (widthOf(left) > width) {
    const line = start(left, width);
    lines.push(line);
    left = left.slice(line.length);
  }
  return [...lines, left];
}

/** A text in lines of at most so many columns, broken between words where that is possible. */
export function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (widthOf(longer) <= width) {
      line = longer;
      continue;
    }
    if (line !== "") lines.push(line);
    // what has no blanks is broken where the line ends
    const parts = broken(word, width);
    append(lines, parts.slice(0, -1));
    line = parts.at(-1)!;
  }
  return [...lines, line];
}
