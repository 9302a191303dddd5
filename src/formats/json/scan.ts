import { TsopsError } from "../../errors.ts";
import { integerOrFloat } from "../numbers.ts";
import type { Scalar } from "../scalar.ts";
import { placeOf } from "../text.ts";

/** What stands at one place of a JSON or JSON5 text. A word is `true`, `null` or a name without quotes. */
export type TokenKind = "{" | "}" | "[" | "]" | ":" | "," | "string" | "number" | "word" | "comment" | "end";

/** Goes through a text token by token, whitespace left out. The current token is [start, end). */
export interface Scanner {
  readonly text: string;
  readonly kind: TokenKind;
  readonly start: number;
  readonly end: number;
  /** Moves to the next token. @throws TsopsError("parse") for what is no token. */
  next(): TokenKind;
  /** The value of a string, number or word. @throws TsopsError("parse") for words and numbers without a meaning. */
  scalar(): Scalar;
  /** The key that the current token is, undefined if it cannot be one. */
  name(): string | undefined;
}

/** An error at an offset of a text. */
export function syntaxError(text: string, offset: number, message: string, hint?: string): TsopsError {
  return new TsopsError("parse", message, { hint, place: placeOf(text, offset) });
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const PUNCTUATION = "{}[]:,";
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const WORD = /[a-z]+/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;

/**
 * JSON as Go's token reader takes it (docs/internals/sops.md §6): RFC 8259, no byte order mark, bytes that are not
 * UTF-8 and escapes of lone surrogates read as U+FFFD.
 */
export class JsonScanner implements Scanner {
  readonly text: string;
  kind: TokenKind = "end";
  start = 0;
  end = 0;
  private escaped = false;

  constructor(text: string, at = 0) {
    this.text = text;
    this.end = at;
  }

  next(): TokenKind {
    const { text } = this;
    let at = this.end;
    let code = text.charCodeAt(at);
    while (code === 0x20 || code === 0x0a || code === 0x09 || code === 0x0d) code = text.charCodeAt(++at);
    this.start = at;
    if (code === QUOTE) {
      this.end = this.endOfString(at);
      return (this.kind = "string");
    }
    if (at >= text.length) {
      this.end = at;
      return (this.kind = "end");
    }
    const char = text[at]!;
    if (PUNCTUATION.includes(char)) {
      this.end = at + 1;
      return (this.kind = char as TokenKind);
    }
    return (this.kind = this.numberOrWord(code));
  }

  scalar(): Scalar {
    if (this.kind === "string") return this.string();
    const raw = this.text.slice(this.start, this.end);
    if (this.kind === "number") return this.number(raw);
    if (raw === "true" || raw === "false") return raw === "true";
    if (raw === "null") return null;
    throw this.error(this.start, "this is not a value", "JSON knows true, false and null; texts need quotes");
  }

  name(): string | undefined {
    return this.kind === "string" ? this.string() : undefined;
  }

  private string(): string {
    const { text, start, end } = this;
    // Made well-formed first: the escape of a high surrogate and a bad byte behind it are two characters.
    const raw = text.slice(start, end).toWellFormed();
    return this.escaped ? (JSON.parse(raw) as string).toWellFormed() : raw.slice(1, -1);
  }

  private number(raw: string): bigint | number {
    if (!/[.eE]/.test(raw)) return this.finite(integerOrFloat(raw));
    return this.finite(Number(raw));
  }

  private finite(value: bigint | number): bigint | number {
    if (typeof value === "bigint" || Number.isFinite(value)) return value;
    throw this.error(this.start, "this number is too large for a 64-bit float", "put it in quotes");
  }

  private numberOrWord(code: number): TokenKind {
    const { text, start } = this;
    if (code === 0x2d || (code >= 0x30 && code <= 0x39)) {
      NUMBER.lastIndex = start;
      if (!NUMBER.test(text) || /[\w.+-]/.test(text.charAt(NUMBER.lastIndex))) {
        throw this.error(start, "this is not a number", "JSON numbers look like 0, -12, 3.5 or 1e6");
      }
      this.end = NUMBER.lastIndex;
      return "number";
    }
    WORD.lastIndex = start;
    if (WORD.test(text)) {
      this.end = WORD.lastIndex;
      return "word";
    }
    throw this.unexpected(code);
  }

  private unexpected(code: number): TsopsError {
    const { start } = this;
    const what = "this character is not allowed here";
    if (code === 0xfeff) {
      return this.error(start, "JSON may not have a byte order mark", "save the file as UTF-8 without one");
    }
    if (code === 0x27) return this.error(start, "JSON has no single quotes", "use double quotes, or JSON5");
    if (code === 0x2f || code === 0x23) {
      return this.error(start, what, "JSON has no comments; a file named .json5 may have them");
    }
    return this.error(start, what);
  }

  private error(offset: number, message: string, hint?: string): TsopsError {
    return syntaxError(this.text, offset, message, hint);
  }

  private endOfString(start: number): number {
    const { text } = this;
    this.escaped = false;
    for (let at = start + 1; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code === QUOTE) return at + 1;
      if (code === BACKSLASH) {
        ESCAPE.lastIndex = at;
        if (!ESCAPE.test(text)) {
          throw this.error(at, "JSON has no such escape", "a backslash in a text is written twice");
        }
        this.escaped = true;
        at = ESCAPE.lastIndex - 1;
      } else if (code < 0x20) {
        throw this.error(
          at,
          "a text may not hold a raw control character",
          "write a line break as \\n and a tab as \\t; or a closing quote is missing",
        );
      }
    }
    throw this.error(start, "this text has no closing quote");
  }
}
