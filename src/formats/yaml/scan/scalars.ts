import {
  BACKSLASH,
  COLON_CHAR,
  CR,
  DOT,
  DOUBLE_QUOTE,
  HASH,
  hexValue,
  isBlank,
  isBlankz,
  isBreak,
  isBreakz,
  isDigit,
  isFlowEnd,
  isPlainSafe,
  MINUS,
  NUL,
  PLUS,
  SINGLE_QUOTE,
  SPACE,
  TAB,
  ZERO,
} from "./chars.ts";
import { lineComment } from "./comments.ts";
import type { Scanner } from "./state.ts";
import { DOUBLE, FOLDED, LITERAL, PLAIN, SINGLE } from "./tokens.ts";

/** Whether `---` or `...` stands alone at the start of a line. */
export function isDocumentMark(scanner: Scanner, offset: number): boolean {
  const code = scanner.src.charCodeAt(offset);
  if (code !== MINUS && code !== DOT) return false;
  return (
    scanner.src.charCodeAt(offset + 1) === code &&
    scanner.src.charCodeAt(offset + 2) === code &&
    isBlankz(scanner.src.charCodeAt(offset + 3))
  );
}

/** White space between two words of a scalar: where it ends, and how many line breaks it holds. */
function skipWhite(scanner: Scanner, plainIndent: number): number {
  let breaks = 0;
  for (;;) {
    const code = scanner.code;
    if (isBreak(code)) {
      scanner.newline();
      breaks++;
    } else if (code === SPACE || code === TAB) {
      if (code === TAB && breaks > 0 && scanner.pos - scanner.lineStart < plainIndent) {
        scanner.fail("there is a tab where the indentation should be", scanner.pos, "indent with spaces");
      }
      scanner.pos++;
    } else return breaks;
  }
}

/** One line break between words is a blank, more are one less. */
const fold = (breaks: number): string => (breaks === 1 ? " " : "\n".repeat(breaks - 1));

export function scanPlain(scanner: Scanner): void {
  const src = scanner.src;
  const start = scanner.pos;
  const indent = scanner.indent + 1;
  const inFlow = scanner.flow > 0;
  let text = "";
  let from = start;
  let end = start;
  let breaks = 0;
  for (;;) {
    if (scanner.pos === scanner.lineStart && isDocumentMark(scanner, scanner.pos)) break;
    let offset = scanner.pos;
    let code = src.charCodeAt(offset);
    if (code === HASH) break;
    for (;;) {
      while (isPlainSafe(code)) code = src.charCodeAt(++offset);
      if (isBlankz(code) || (code === COLON_CHAR && isBlankz(src.charCodeAt(offset + 1)))) break;
      if (inFlow && isFlowEnd(code)) break;
      code = src.charCodeAt(++offset);
    }
    if (offset > scanner.pos) {
      if (breaks > 0) {
        text += scanner.text.slice(from, end) + fold(breaks);
        from = scanner.pos;
      }
      scanner.pos = end = offset;
      scanner.breaks = 0;
    }
    if (!isBlank(code) && !isBreak(code)) break;
    breaks = skipWhite(scanner, indent);
    if (!inFlow && breaks > 0 && scanner.pos - scanner.lineStart < indent) break;
  }
  const extra = text === "" ? 0 : scanner.keep(text + scanner.text.slice(from, end));
  scanner.tokens.push(PLAIN, start, end, extra);
  if (scanner.breaks > 0) scanner.simpleKeyAllowed = true;
}

const ESCAPES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    "0": "\0",
    a: "\x07",
    b: "\b",
    t: "\t",
    "\t": "\t",
    n: "\n",
    v: "\v",
    f: "\f",
    r: "\r",
    e: "\x1b",
    " ": " ",
    '"': '"',
    "'": "'",
    "\\": "\\",
    N: "\x85",
    _: "\xa0",
    L: "\u2028",
    P: "\u2029",
  }),
);

export function scanQuoted(scanner: Scanner, single: boolean): void {
  const src = scanner.src;
  const start = scanner.pos++;
  const quote = single ? SINGLE_QUOTE : DOUBLE_QUOTE;
  scanner.breaks = 0;
  let text = "";
  let from = scanner.pos;
  let simple = true;
  for (;;) {
    if (scanner.pos === scanner.lineStart && isDocumentMark(scanner, scanner.pos)) {
      scanner.fail("a new document begins inside quotes", scanner.pos, "close the quotes before it");
    }
    let code = scanner.code;
    if (code === NUL) scanner.fail("these quotes are never closed", start, "add the closing quote");
    let joined = false;
    while (!isBlankz(code)) {
      if (code === quote) {
        if (!single || src.charCodeAt(scanner.pos + 1) !== SINGLE_QUOTE) break;
        text += scanner.text.slice(from, scanner.pos + 1);
        scanner.pos += 2;
        from = scanner.pos;
        simple = false;
      } else if (!single && code === BACKSLASH) {
        text += scanner.text.slice(from, scanner.pos);
        simple = false;
        if (isBreak(src.charCodeAt(scanner.pos + 1))) {
          scanner.pos++;
          scanner.newline();
          joined = true;
          break;
        }
        text += readEscape(scanner);
        from = scanner.pos;
      } else scanner.pos++;
      code = scanner.code;
    }
    if (code === quote && !joined) break;
    const end = scanner.pos;
    const breaks = skipWhite(scanner, 0);
    if (joined) {
      text += "\n".repeat(breaks);
      from = scanner.pos;
    } else if (breaks > 0) {
      text += scanner.text.slice(from, end) + fold(breaks);
      from = scanner.pos;
      simple = false;
    }
  }
  const extra = simple ? 0 : scanner.keep(text + scanner.text.slice(from, scanner.pos));
  scanner.pos++;
  scanner.breaks = 0;
  scanner.tokens.push(single ? SINGLE : DOUBLE, start, scanner.pos, extra);
}

/** How many hexadecimal digits follow a letter. */
const ESCAPE_DIGITS: ReadonlyMap<string, number> = new Map([
  ["x", 2],
  ["u", 4],
  ["U", 8],
]);

/** Reads the escape sequence at the current offset, of those that SOPS's reader knows: `\/` is none of them. */
function readEscape(scanner: Scanner): string {
  const letter = scanner.src[scanner.pos + 1]!;
  const length = ESCAPE_DIGITS.get(letter);
  if (length === undefined) {
    const found = ESCAPES.get(letter);
    if (found === undefined) {
      scanner.fail(
        "unknown escape sequence in double quotes",
        scanner.pos,
        "SOPS reads \\\\, \\\", \\', \\0 \\a \\b \\t \\n \\v \\f \\r \\e \\N \\_ \\L \\P, \\xHH, \\uHHHH and \\UHHHHHHHH",
      );
    }
    scanner.pos += 2;
    return found;
  }
  let code = 0;
  for (let i = 2; i < length + 2; i++) {
    const digit = hexValue(scanner.src.charCodeAt(scanner.pos + i));
    if (digit < 0) scanner.fail(`\\${letter} needs ${length} hexadecimal digits`, scanner.pos);
    code = code * 16 + digit;
  }
  if ((code >= 0xd800 && code <= 0xdfff) || code > 0x10ffff) {
    scanner.fail(
      "this escape sequence does not stand for a character",
      scanner.pos,
      "write the character itself, or \\U and its eight digits: SOPS does not read pairs of \\u",
    );
  }
  scanner.pos += length + 2;
  return String.fromCodePoint(code);
}

export function scanBlock(scanner: Scanner, literal: boolean): void {
  const src = scanner.src;
  const start = scanner.pos++;
  scanner.breaks = 0;
  let chomp: "" | "-" | "+" = "";
  let digit = 0;
  for (let i = 0; i < 2; i++) {
    const code = scanner.code;
    if ((code === PLUS || code === MINUS) && chomp === "") chomp = code === PLUS ? "+" : "-";
    else if (isDigit(code) && digit === 0) {
      if (code === ZERO) scanner.fail("an indentation indicator cannot be 0", scanner.pos);
      digit = code - ZERO;
    } else break;
    scanner.pos++;
  }
  const header = scanner.pos;
  while (isBlank(scanner.code)) scanner.pos++;
  const comment = scanner.code === HASH;
  if (comment) lineComment(scanner, start);
  if (!isBreakz(scanner.code)) {
    scanner.fail(
      "a block scalar's text must start on the next line",
      scanner.pos,
      "only a comment is allowed here",
    );
  }
  if (scanner.code !== NUL) scanner.newline();
  const body = scanner.pos;

  const lines = new BlockLines(scanner, digit > 0 ? Math.max(scanner.indent, 0) + digit : 0);
  let blanks = lines.skipBlank();
  let text = "";
  let end = 0;
  let broken = false; // a line break after the line before
  let deep = false; // the line before starts with white space
  while (scanner.pos - scanner.lineStart === lines.indent && scanner.code !== NUL) {
    const white = isBlank(scanner.code);
    const folds = broken && !literal && !deep && !white;
    if (folds && blanks === 0) text += " ";
    else if (broken && !folds) text += "\n";
    text += "\n".repeat(blanks);
    deep = white;
    const from = scanner.pos;
    end = lines.endOfLine(from);
    text += scanner.text.slice(from, end);
    if (!lines.isWhite(from, end)) scanner.breaks = 0;
    scanner.pos = end;
    broken = src.charCodeAt(end) !== NUL;
    if (broken) scanner.newline();
    blanks = lines.skipBlank();
  }
  if (chomp !== "-" && broken) text += "\n";
  if (chomp === "+") text += "\n".repeat(blanks);

  // The span: blank lines at the end are part of it only if the value has them; the last line break never is.
  let spanEnd = comment ? scanner.lineEnd(header) : header;
  if (end > 0) spanEnd = end;
  if (chomp === "+" && blanks > 0) {
    spanEnd = lines.blankEnd - (src.charCodeAt(lines.blankEnd - 2) === CR ? 2 : 1);
  }
  const info = {
    outer: scanner.indent,
    indent: lines.indent,
    digit,
    chomp,
    header,
    body,
    comment,
    closed: src.charCodeAt(spanEnd) !== NUL,
  };
  const extra = scanner.keep(text);
  scanner.blocks.set(extra, info);
  scanner.tokens.push(literal ? LITERAL : FOLDED, start, spanEnd, extra);
}

/** The lines of a block scalar and their indentation, which may show itself only at the first line of text. */
class BlockLines {
  readonly scanner: Scanner;
  indent: number;
  /** End of the last blank line. */
  blankEnd = 0;

  constructor(scanner: Scanner, indent: number) {
    this.scanner = scanner;
    this.indent = indent;
  }

  /** Skips indentation and blank lines; says how many of these there were. */
  skipBlank(): number {
    const { scanner } = this;
    let deepest = 0;
    let count = 0;
    for (;;) {
      const known = this.indent > 0;
      const limit = known ? scanner.lineStart + this.indent : Number.MAX_SAFE_INTEGER;
      while (scanner.pos < limit && scanner.code === SPACE) scanner.pos++;
      deepest = Math.max(deepest, scanner.pos - scanner.lineStart);
      const code = scanner.code;
      if (code === TAB && scanner.pos < limit) {
        scanner.fail(
          "there is a tab where a block scalar's indentation should be",
          scanner.pos,
          "indent with spaces",
        );
      }
      if (!isBreak(code)) break;
      scanner.newline();
      this.blankEnd = scanner.pos;
      count++;
    }
    if (this.indent === 0) this.indent = Math.max(deepest, scanner.indent + 1, 1);
    return count;
  }

  endOfLine(from: number): number {
    const src = this.scanner.src;
    let end = src.indexOf("\n", from);
    if (end < 0) return src.length - 1;
    if (src.charCodeAt(end - 1) === CR && end > from) end--;
    return end;
  }

  isWhite(from: number, to: number): boolean {
    for (let i = from; i < to; i++) if (!isBlank(this.scanner.src.charCodeAt(i))) return false;
    return true;
  }
}
