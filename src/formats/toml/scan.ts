import type { TsopsError } from "../../errors.ts";
import { syntaxError } from "../json/scan.ts";
import { integerOrFloat } from "../numbers.ts";
import type { Scalar } from "../scalar.ts";
import { dateLength, dateValue } from "./dates.ts";

/** The quotes of TOML's four kinds of strings. */
export type Quote = '"' | "'" | '"""' | "'''";

/** How a value is written; undefined for numbers, booleans and points in time. */
export interface TomlStyle {
  readonly quote?: Quote;
  /** The line break that a multi-line string starts with, which does not count; empty if there is none. */
  readonly broken?: string;
  /** A date or time that SOPS has no type for; its value is its text. */
  readonly date?: boolean;
}

export interface ScannedValue {
  readonly value: Scalar;
  readonly style: TomlStyle | undefined;
}

export interface KeyPart {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

const LF = 0x0a;
const CR = 0x0d;
const BACKSLASH = 0x5c;
const BARE_KEY = /[A-Za-z0-9_-]+/y;
const NUMBER =
  /[+-]?(?:inf|nan)|0x[0-9A-Fa-f_]+|0o[0-7_]+|0b[01_]+|[+-]?[0-9][0-9_]*(?:\.[0-9_]+)?(?:[eE][+-]?[0-9_]+)?/y;
/** An underscore that does not stand between two digits. */
const LOOSE = /(?<![0-9])_|_(?![0-9])/;
const LOOSE_IN_HEX = /(?<=^0x|_)_|_$/;
const WORD = /true|false/y;
/** What may follow a value. */
const AFTER_VALUE = /[\s,\]}#]/;
const ESCAPE = /\\(?:[btnfre"\\]|x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|[ \t]*\r?\n[ \t\r\n]*)/y;
const ESCAPES =
  /\\(?:([btnfre"\\])|x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|[ \t]*\r?\n[ \t\r\n]*)/g;

const SHORT: ReadonlyMap<string, string> = new Map([
  ["b", "\b"],
  ["t", "\t"],
  ["n", "\n"],
  ["f", "\f"],
  ["r", "\r"],
  ["e", "\x1b"],
  ['"', '"'],
  ["\\", "\\"],
]);

/** Reads the pieces of a TOML text (toml.io, version 1.1, which 1.0 is a part of) at a place that moves on. */
export class TomlScanner {
  readonly text: string;
  at: number;

  constructor(text: string) {
    this.text = text;
    // A byte order mark is no part of the document.
    this.at = text.startsWith("\ufeff") ? 1 : 0;
  }

  /** The character at the place, empty at the end. */
  get char(): string {
    return this.text.charAt(this.at);
  }

  skipBlanks(): void {
    while (this.char === " " || this.char === "\t") this.at++;
  }

  /** Goes past a line break if there is one. */
  lineBreak(): boolean {
    if (this.text.startsWith("\r\n", this.at)) this.at += 2;
    else if (this.char === "\n") this.at++;
    else return false;
    return true;
  }

  /** Goes past `char` if it stands here. */
  eat(char: string): boolean {
    if (this.char !== char) return false;
    this.at++;
    return true;
  }

  /** Reads a comment without its mark; the place is at the mark, and then at the end of the line. */
  comment(): string {
    const { text } = this;
    const start = ++this.at;
    for (; this.at < text.length; this.at++) {
      const code = text.charCodeAt(this.at);
      if (code === LF || (code === CR && text.charCodeAt(this.at + 1) === LF)) break;
      if (isControl(code)) throw this.error(this.at, "a comment may not hold a control character");
    }
    return text.slice(start, this.at);
  }

  /** Reads a key with its dots. */
  key(): KeyPart[] {
    const parts: KeyPart[] = [];
    do {
      this.skipBlanks();
      parts.push(this.keyPart());
      this.skipBlanks();
    } while (this.eat("."));
    return parts;
  }

  private keyPart(): KeyPart {
    const start = this.at;
    const { char } = this;
    if (char === '"' || char === "'") {
      if (this.text.startsWith(char.repeat(3), start)) {
        throw this.error(
          start,
          "a key may not be a multi-line string",
          "write it in single quotes on one line",
        );
      }
      const name = this.string(char);
      return { name, start, end: this.at };
    }
    BARE_KEY.lastIndex = start;
    if (!BARE_KEY.test(this.text)) {
      throw this.error(
        start,
        "a key was expected here",
        "keys with other characters than A-Z a-z 0-9 _ - need quotes",
      );
    }
    this.at = BARE_KEY.lastIndex;
    return { name: this.text.slice(start, this.at), start, end: this.at };
  }

  /** Reads a value that is neither an array nor a table. */
  scalar(): ScannedValue {
    const { text, at, char } = this;
    if (char === '"' || char === "'") return this.stringValue(char);
    const length = dateLength(text, at);
    if (length < 0) throw this.error(at, "there is no such date or time");
    if (length > 0) {
      this.at += length;
      this.endOfValue(at);
      const value = dateValue(text.slice(at, this.at));
      return { value, style: typeof value === "string" ? { date: true } : undefined };
    }
    WORD.lastIndex = at;
    if (WORD.test(text)) {
      this.at = WORD.lastIndex;
      this.endOfValue(at);
      return { value: char === "t", style: undefined };
    }
    return { value: this.number(), style: undefined };
  }

  private number(): bigint | number {
    const { text, at } = this;
    NUMBER.lastIndex = at;
    if (!NUMBER.test(text)) {
      const missing = this.char === "" || AFTER_VALUE.test(this.char);
      throw this.error(
        at,
        missing ? "a value was expected here" : "this is not a value",
        "texts need quotes",
      );
    }
    this.at = NUMBER.lastIndex;
    this.endOfValue(at);
    const raw = text.slice(at, this.at);
    if ((raw.startsWith("0x") ? LOOSE_IN_HEX : LOOSE).test(raw)) {
      throw this.error(at, "an underscore in a number must be between digits");
    }
    const digits = raw.replaceAll("_", "");
    if (/^[+-]?(?:inf|nan)$/.test(digits)) {
      if (digits.endsWith("nan")) return Number.NaN;
      return digits.startsWith("-") ? -Infinity : Infinity;
    }
    if (/^0[xob]/.test(digits)) return integerOrFloat(digits);
    if (/^[+-]?0[0-9]/.test(digits)) throw this.error(at, "a number may not start with a zero");
    const value = /[.eE]/.test(digits) ? Number(digits) : integerOrFloat(digits);
    if (typeof value === "bigint" || Number.isFinite(value)) return value;
    throw this.error(at, "this number is too large for a 64-bit float", "put it in quotes");
  }

  private endOfValue(start: number): void {
    if (this.char !== "" && !AFTER_VALUE.test(this.char)) {
      throw this.error(start, "this is not a value", "texts need quotes");
    }
  }

  private stringValue(char: '"' | "'"): ScannedValue {
    const start = this.at;
    const long = char === '"' ? '"""' : "'''";
    if (!this.text.startsWith(long, start)) return { value: this.string(char), style: { quote: char } };
    this.at += 3;
    const opened = this.at;
    this.lineBreak();
    const broken = this.text.slice(opened, this.at);
    const from = this.at;
    this.skipLong(start, char);
    const value = unescapeText(this.text.slice(from, this.at - 3).replaceAll("\r\n", "\n"), char);
    return { value, style: { quote: long, broken } };
  }

  /** Reads a string on one line, of a value or a key. */
  private string(quote: '"' | "'"): string {
    const { text } = this;
    const start = this.at;
    const end = quote.charCodeAt(0);
    for (let at = start + 1; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code === end) {
        this.at = at + 1;
        return unescapeText(text.slice(start + 1, at), quote);
      }
      if (code === BACKSLASH && quote === '"') at = this.escape(at, false);
      else if (code === LF || code === CR) break;
      else if (isControl(code)) throw this.rawControl(at);
    }
    throw this.error(start, "this text has no closing quote", "a text of several lines needs three quotes");
  }

  /** Goes past a multi-line string from behind its opening quotes. Up to two quotes may stand before the closing ones. */
  private skipLong(start: number, quote: '"' | "'"): void {
    const { text } = this;
    const closing = quote.repeat(3);
    for (let at = this.at; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code === quote.charCodeAt(0) && text.startsWith(closing, at)) {
        let end = at + 3;
        while (text[end] === quote && end < at + 5) end++;
        this.at = end;
        return;
      }
      if (code === BACKSLASH && quote === '"') at = this.escape(at, true);
      else if (code === CR && text.charCodeAt(at + 1) !== LF) {
        throw this.error(at, "a text may not hold a carriage return without a line feed", "write it as \\r");
      } else if (code !== LF && code !== CR && isControl(code)) throw this.rawControl(at);
    }
    throw this.error(start, "this text has no closing quotes");
  }

  /** Offset of the last character of the escape at `at`. */
  private escape(at: number, long: boolean): number {
    const { text } = this;
    ESCAPE.lastIndex = at;
    const [found] = ESCAPE.exec(text) ?? [];
    const joins = found !== undefined && /^\\[ \t\r\n]/.test(found);
    if (found === undefined || (joins && (!long || /\r(?!\n)/.test(found)))) {
      throw this.error(
        at,
        "TOML has no such escape",
        "a backslash is written twice, or the text in single quotes",
      );
    }
    if (/^\\[uU]/.test(found) && !isScalar(Number.parseInt(found.slice(2), 16))) {
      throw this.error(at, "there is no character with this number");
    }
    return ESCAPE.lastIndex - 1;
  }

  private rawControl(at: number): TsopsError {
    return this.error(
      at,
      "a text may not hold a raw control character",
      "write it as \\u and four hexadecimal digits",
    );
  }

  error(offset: number, message: string, hint?: string): TsopsError {
    return syntaxError(this.text, offset, message, hint);
  }
}

/** The control characters that TOML forbids: all but the tab. */
function isControl(code: number): boolean {
  return (code < 0x20 && code !== 0x09) || code === 0x7f;
}

function isScalar(code: number): boolean {
  return code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
}

function unescapeText(raw: string, quote: '"' | "'"): string {
  if (quote === "'" || !raw.includes("\\")) return raw;
  return raw.replace(ESCAPES, (_match, short?: string, ...digits: (string | undefined)[]) => {
    if (short !== undefined) return SHORT.get(short)!;
    const hex = digits.slice(0, 3).find((found) => found !== undefined);
    return hex === undefined ? "" : String.fromCodePoint(Number.parseInt(hex, 16));
  });
}
