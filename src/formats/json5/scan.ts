import type { TsopsError } from "../../errors.ts";
import { type Scanner, syntaxError, type TokenKind } from "../json/scan.ts";
import { integerOrFloat } from "../numbers.ts";
import type { Scalar } from "../scalar.ts";

const PUNCTUATION = "{}[]:,";
const BLANKS = /[\t\v\f\n\r\u2028\u2029\ufeff\p{Zs}]*/uy;
const LINE_COMMENT = /\/\/[^\n\r\u2028\u2029]*/y;
const NUMBER =
  /[+-]?(?:Infinity|NaN|0[xX][0-9a-fA-F]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?|\.[0-9]+(?:[eE][+-]?[0-9]+)?)/y;
// ID_Continue and the joiners U+200C and U+200D are what ECMAScript allows inside of names.
// In bits: a loop over characters beyond U+FFFF needs stack for each of them.
const WORD = /[$\p{ID_Continue}\p{Join_Control}]{0,1000}/uy;
const WORD_ESCAPE = /\\u[0-9a-fA-F]{4}/y;
const NAME_START = /^[$_\p{ID_Start}]/u;
const NOT_IN_NAMES = /[^$\p{ID_Continue}\p{Join_Control}]/u;
const ESCAPE = /\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|0(?![0-9])|\r\n|[^0-9xu])/y;
const ESCAPES = /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|\r\n|([\s\S]))/g;

const SHORT: ReadonlyMap<string, string> = new Map([
  ["b", "\b"],
  ["f", "\f"],
  ["n", "\n"],
  ["r", "\r"],
  ["t", "\t"],
  ["v", "\v"],
  ["0", "\0"],
  // A backslash at the end of a line joins it with the next.
  ["\n", ""],
  ["\r", ""],
  ["\u2028", ""],
  ["\u2029", ""],
]);

/** JSON5 (spec.json5.org): its numbers are typed as in JSON, its strings made well-formed as in JSON. */
export class Json5Scanner implements Scanner {
  readonly text: string;
  kind: TokenKind = "end";
  start = 0;
  end = 0;

  constructor(text: string, at = 0) {
    this.text = text;
    this.end = at;
  }

  next(): TokenKind {
    const { text } = this;
    BLANKS.lastIndex = this.end;
    BLANKS.test(text);
    this.start = BLANKS.lastIndex;
    const char = text.charAt(this.start);
    if (char === "") {
      this.end = this.start;
      return (this.kind = "end");
    }
    if (PUNCTUATION.includes(char)) {
      this.end = this.start + 1;
      return (this.kind = char as TokenKind);
    }
    if (char === '"' || char === "'") {
      this.end = this.endOfString(char);
      return (this.kind = "string");
    }
    if (char === "/") {
      this.end = this.endOfComment();
      return (this.kind = "comment");
    }
    return (this.kind = this.numberOrWord());
  }

  /** For a comment the text between its marks, as it is. */
  scalar(): Scalar {
    const { text, start, end } = this;
    if (this.kind === "string") return this.string();
    if (this.kind === "comment") return text.slice(start + 2, text[start + 1] === "*" ? end - 2 : end);
    const raw = text.slice(start, end);
    if (this.kind === "number") return this.number(raw);
    if (raw === "true" || raw === "false") return raw === "true";
    if (raw === "null") return null;
    if (raw === "Infinity" || raw === "NaN") return Number(raw);
    throw this.error(start, "this is not a value", "JSON5 texts need quotes; only keys may do without");
  }

  name(): string | undefined {
    if (this.kind === "string") return this.string();
    if (this.kind !== "word") return undefined;
    const name = unescapeText(this.text.slice(this.start, this.end));
    return NAME_START.test(name) && !NOT_IN_NAMES.test(name) ? name : undefined;
  }

  private string(): string {
    // Made well-formed first: the escape of a high surrogate and a bad byte behind it are two characters.
    return unescapeText(this.text.slice(this.start + 1, this.end - 1).toWellFormed()).toWellFormed();
  }

  private number(raw: string): bigint | number {
    const unsigned = raw.replace(/^[+-]/, "");
    if (/^0[xX]|^[0-9]+$/.test(unsigned)) return integerOrFloat(raw);
    const value = Number(raw);
    if (Number.isFinite(value) || !/^[.0-9]/.test(unsigned)) return value;
    throw this.error(this.start, "this number is too large for a 64-bit float", "put it in quotes");
  }

  private numberOrWord(): TokenKind {
    const { text, start } = this;
    const char = text[start]!;
    if (/[-+.0-9]/.test(char)) {
      NUMBER.lastIndex = start;
      if (!NUMBER.test(text) || /[\w.$+-]/.test(text.charAt(NUMBER.lastIndex))) {
        throw this.error(start, "this is not a number", "JSON5 numbers look like 12, +3.5, .5, 1e6 or 0xFF");
      }
      this.end = NUMBER.lastIndex;
      return "number";
    }
    this.end = this.endOfWord();
    if (this.end === start) throw this.error(start, "this character is not allowed here");
    return "word";
  }

  private endOfWord(): number {
    const { text } = this;
    for (let at = this.start; ; ) {
      WORD.lastIndex = at;
      WORD.test(text);
      WORD_ESCAPE.lastIndex = WORD.lastIndex;
      const end = WORD_ESCAPE.test(text) ? WORD_ESCAPE.lastIndex : WORD.lastIndex;
      if (end === at) return at;
      at = end;
    }
  }

  private endOfComment(): number {
    const { text, start } = this;
    if (text[start + 1] === "*") {
      const end = text.indexOf("*/", start + 2);
      if (end < 0) throw this.error(start, "this comment has no end", "a block comment ends with */");
      return end + 2;
    }
    LINE_COMMENT.lastIndex = start;
    if (!LINE_COMMENT.test(text)) throw this.error(start, "this character is not allowed here");
    return LINE_COMMENT.lastIndex;
  }

  private endOfString(quote: string): number {
    const { text, start } = this;
    for (let at = start + 1; at < text.length; at++) {
      const char = text[at]!;
      if (char === quote) return at + 1;
      if (char === "\\") {
        ESCAPE.lastIndex = at;
        if (!ESCAPE.test(text)) {
          throw this.error(at, "JSON5 has no such escape", "a backslash in a text is written twice");
        }
        at = ESCAPE.lastIndex - 1;
      } else if (char === "\n" || char === "\r") {
        throw this.error(
          at,
          "a text may not hold a raw line break",
          "write it as \\n, or end the line with a backslash; or a closing quote is missing",
        );
      }
    }
    throw this.error(start, "this text has no closing quote");
  }

  private error(offset: number, message: string, hint?: string): TsopsError {
    return syntaxError(this.text, offset, message, hint);
  }
}

function unescapeText(raw: string): string {
  if (!raw.includes("\\")) return raw;
  return raw.replace(ESCAPES, (_match, hex?: string, unicode?: string, char?: string) => {
    if (hex !== undefined || unicode !== undefined)
      return String.fromCharCode(Number.parseInt(hex ?? unicode!, 16));
    return char === undefined ? "" : (SHORT.get(char) ?? char);
  });
}
