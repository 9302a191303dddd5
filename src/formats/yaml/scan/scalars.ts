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
export function isDocumentMark(s: Scanner, p: number): boolean {
  const c = s.src.charCodeAt(p);
  if (c !== MINUS && c !== DOT) return false;
  return s.src.charCodeAt(p + 1) === c && s.src.charCodeAt(p + 2) === c && isBlankz(s.src.charCodeAt(p + 3));
}

/** White space between two words of a scalar: where it ends, and how many line breaks it holds. */
function skipWhite(s: Scanner, plainIndent: number): number {
  const src = s.src;
  let breaks = 0;
  for (;;) {
    const c = src.charCodeAt(s.pos);
    if (isBreak(c)) {
      s.newline();
      breaks++;
    } else if (c === SPACE || c === TAB) {
      if (c === TAB && breaks > 0 && s.pos - s.lineStart < plainIndent) {
        s.fail("there is a tab where the indentation should be", s.pos, "indent with spaces");
      }
      s.pos++;
    } else return breaks;
  }
}

/** One line break between words is a blank, more are one less. */
const fold = (breaks: number): string => (breaks === 1 ? " " : "\n".repeat(breaks - 1));

export function scanPlain(s: Scanner): void {
  const src = s.src;
  const start = s.pos;
  const indent = s.indent + 1;
  const inFlow = s.flow > 0;
  let text = "";
  let from = start;
  let end = start;
  let breaks = 0;
  for (;;) {
    if (s.pos === s.lineStart && isDocumentMark(s, s.pos)) break;
    let p = s.pos;
    let c = src.charCodeAt(p);
    if (c === HASH) break;
    for (;;) {
      while (isPlainSafe(c)) c = src.charCodeAt(++p);
      if (isBlankz(c) || (c === COLON_CHAR && isBlankz(src.charCodeAt(p + 1)))) break;
      if (inFlow && isFlowEnd(c)) break;
      c = src.charCodeAt(++p);
    }
    if (p > s.pos) {
      if (breaks > 0) {
        text += s.text.slice(from, end) + fold(breaks);
        from = s.pos;
      }
      s.pos = end = p;
      s.breaks = 0;
    }
    if (!isBlank(c) && !isBreak(c)) break;
    breaks = skipWhite(s, indent);
    if (!inFlow && breaks > 0 && s.pos - s.lineStart < indent) break;
  }
  const extra = text === "" ? 0 : s.keep(text + s.text.slice(from, end));
  s.tokens.push(PLAIN, start, end, extra);
  if (s.breaks > 0) s.simpleKeyAllowed = true;
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

export function scanQuoted(s: Scanner, single: boolean): void {
  const src = s.src;
  const start = s.pos++;
  const quote = single ? SINGLE_QUOTE : DOUBLE_QUOTE;
  s.breaks = 0;
  let text = "";
  let from = s.pos;
  let simple = true;
  for (;;) {
    if (s.pos === s.lineStart && isDocumentMark(s, s.pos)) {
      s.fail("a new document begins inside quotes", s.pos, "close the quotes before it");
    }
    let c = src.charCodeAt(s.pos);
    if (c === NUL) s.fail("these quotes are never closed", start, "add the closing quote");
    let joined = false;
    while (!isBlankz(c)) {
      if (c === quote) {
        if (!single || src.charCodeAt(s.pos + 1) !== SINGLE_QUOTE) break;
        text += s.text.slice(from, s.pos + 1);
        s.pos += 2;
        from = s.pos;
        simple = false;
      } else if (!single && c === BACKSLASH) {
        text += s.text.slice(from, s.pos);
        simple = false;
        if (isBreak(src.charCodeAt(s.pos + 1))) {
          s.pos++;
          s.newline();
          joined = true;
          break;
        }
        text += readEscape(s);
        from = s.pos;
      } else s.pos++;
      c = src.charCodeAt(s.pos);
    }
    if (c === quote && !joined) break;
    const end = s.pos;
    const breaks = skipWhite(s, 0);
    if (joined) {
      text += "\n".repeat(breaks);
      from = s.pos;
    } else if (breaks > 0) {
      text += s.text.slice(from, end) + fold(breaks);
      from = s.pos;
      simple = false;
    }
  }
  const extra = simple ? 0 : s.keep(text + s.text.slice(from, s.pos));
  s.pos++;
  s.breaks = 0;
  s.tokens.push(single ? SINGLE : DOUBLE, start, s.pos, extra);
}

/** Reads the escape sequence at the current offset, of those that SOPS's reader knows: `\/` is none of them. */
function readEscape(s: Scanner): string {
  const letter = s.src[s.pos + 1]!;
  const length = letter === "x" ? 2 : letter === "u" ? 4 : letter === "U" ? 8 : 0;
  if (length === 0) {
    const found = ESCAPES.get(letter);
    if (found === undefined) {
      s.fail(
        "unknown escape sequence in double quotes",
        s.pos,
        "SOPS reads \\\\, \\\", \\', \\0 \\a \\b \\t \\n \\v \\f \\r \\e \\N \\_ \\L \\P, \\xHH, \\uHHHH and \\UHHHHHHHH",
      );
    }
    s.pos += 2;
    return found;
  }
  let code = 0;
  for (let i = 2; i < length + 2; i++) {
    const digit = hexValue(s.src.charCodeAt(s.pos + i));
    if (digit < 0) s.fail(`\\${letter} needs ${length} hexadecimal digits`, s.pos);
    code = code * 16 + digit;
  }
  if ((code >= 0xd800 && code <= 0xdfff) || code > 0x10ffff) {
    s.fail(
      "this escape sequence does not stand for a character",
      s.pos,
      "write the character itself, or \\U and its eight digits: SOPS does not read pairs of \\u",
    );
  }
  s.pos += length + 2;
  return String.fromCodePoint(code);
}

export function scanBlock(s: Scanner, literal: boolean): void {
  const src = s.src;
  const start = s.pos++;
  s.breaks = 0;
  let chomp: "" | "-" | "+" = "";
  let digit = 0;
  for (let i = 0; i < 2; i++) {
    const c = src.charCodeAt(s.pos);
    if ((c === PLUS || c === MINUS) && chomp === "") chomp = c === PLUS ? "+" : "-";
    else if (isDigit(c) && digit === 0) {
      if (c === ZERO) s.fail("an indentation indicator cannot be 0", s.pos);
      digit = c - ZERO;
    } else break;
    s.pos++;
  }
  const header = s.pos;
  while (isBlank(src.charCodeAt(s.pos))) s.pos++;
  const comment = src.charCodeAt(s.pos) === HASH;
  if (comment) lineComment(s, start);
  if (!isBreakz(src.charCodeAt(s.pos))) {
    s.fail("a block scalar's text must start on the next line", s.pos, "only a comment is allowed here");
  }
  if (src.charCodeAt(s.pos) !== NUL) s.newline();
  const body = s.pos;

  const lines = new BlockLines(s, digit > 0 ? Math.max(s.indent, 0) + digit : 0);
  let blanks = lines.skipBlank();
  let text = "";
  let end = 0;
  let broken = false; // a line break after the line before
  let deep = false; // the line before starts with white space
  while (s.pos - s.lineStart === lines.indent && src.charCodeAt(s.pos) !== NUL) {
    const white = isBlank(src.charCodeAt(s.pos));
    if (broken) text += literal || deep || white ? "\n" : blanks === 0 ? " " : "";
    text += "\n".repeat(blanks);
    deep = white;
    const from = s.pos;
    end = lines.endOfLine(from);
    text += s.text.slice(from, end);
    if (!lines.isWhite(from, end)) s.breaks = 0;
    s.pos = end;
    broken = src.charCodeAt(end) !== NUL;
    if (broken) s.newline();
    blanks = lines.skipBlank();
  }
  if (chomp !== "-" && broken) text += "\n";
  if (chomp === "+") text += "\n".repeat(blanks);

  // The span: blank lines at the end are part of it only if the value has them; the last line break never is.
  let spanEnd = end > 0 ? end : comment ? s.lineEnd(header) : header;
  if (chomp === "+" && blanks > 0) {
    spanEnd = lines.blankEnd - (src.charCodeAt(lines.blankEnd - 2) === CR ? 2 : 1);
  }
  const info = {
    outer: s.indent,
    indent: lines.indent,
    digit,
    chomp,
    header,
    body,
    comment,
    closed: src.charCodeAt(spanEnd) !== NUL,
  };
  const extra = s.keep(text);
  s.blocks.set(extra, info);
  s.tokens.push(literal ? LITERAL : FOLDED, start, spanEnd, extra);
}

/** The lines of a block scalar and their indentation, which may show itself only at the first line of text. */
class BlockLines {
  readonly s: Scanner;
  indent: number;
  /** End of the last blank line. */
  blankEnd = 0;

  constructor(s: Scanner, indent: number) {
    this.s = s;
    this.indent = indent;
  }

  /** Skips indentation and blank lines; says how many of these there were. */
  skipBlank(): number {
    const s = this.s;
    const src = s.src;
    let deepest = 0;
    let count = 0;
    for (;;) {
      const known = this.indent > 0;
      const limit = known ? s.lineStart + this.indent : Number.MAX_SAFE_INTEGER;
      while (s.pos < limit && src.charCodeAt(s.pos) === SPACE) s.pos++;
      deepest = Math.max(deepest, s.pos - s.lineStart);
      const c = src.charCodeAt(s.pos);
      if (c === TAB && s.pos < limit) {
        s.fail("there is a tab where a block scalar's indentation should be", s.pos, "indent with spaces");
      }
      if (!isBreak(c)) break;
      s.newline();
      this.blankEnd = s.pos;
      count++;
    }
    if (this.indent === 0) this.indent = Math.max(deepest, s.indent + 1, 1);
    return count;
  }

  endOfLine(from: number): number {
    const src = this.s.src;
    let end = src.indexOf("\n", from);
    if (end < 0) return src.length - 1;
    if (src.charCodeAt(end - 1) === CR && end > from) end--;
    return end;
  }

  isWhite(from: number, to: number): boolean {
    for (let i = from; i < to; i++) if (!isBlank(this.s.src.charCodeAt(i))) return false;
    return true;
  }
}
