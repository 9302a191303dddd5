import { TsopsError } from "../../errors.ts";
import { encodeText, placeOf } from "../text.ts";
import { skipSpace, trim, trimEnd } from "./space.ts";

/** A piece of the text. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export type Quote = "" | "'" | '"' | "`" | '"""';

/** A value as it stands in the text, quotes and continued lines included. */
export interface IniValue extends Span {
  readonly value: string;
  readonly quote: Quote;
  /** Goes on over several lines. */
  readonly multiline: boolean;
}

export interface IniKey {
  readonly kind: "key";
  readonly name: string;
  readonly nameSpan: Span;
  /** Offset of the `=` or `:`. */
  readonly delimiter: number;
  readonly value: IniValue;
  /** The comment behind the value, from its mark. */
  readonly inline: Span | undefined;
  /** Text behind the value's quotes that SOPS skips. */
  readonly stray: Span | undefined;
  /** All its lines with their line breaks. */
  readonly lines: Span;
  /**
   * Its last line ends in a backslash, and no other line follows: what is put there would become part of
   * it.
   */
  readonly open: boolean;
}

export interface IniSection {
  readonly kind: "section";
  readonly name: string;
  /** The header with its brackets. */
  readonly header: Span;
  /** What stands behind it: SOPS keeps it from the first `#` or `;`, and skips what is before that. */
  readonly inline: Span | undefined;
  readonly lines: Span;
}

/** One line of a comment, from its mark; without the line break and white space at its end. */
export interface IniComment extends Span {
  readonly kind: "comment";
}

export type IniItem = IniKey | IniSection | IniComment;

const DELIMITER = /[=:]/;
const MARK = /[#;]/;

/**
 * The items of an INI text as SOPS's library, ini.v1, finds them (docs/internals/sops.md §6). @throws
 * TsopsError("parse")
 */
export function scanIni(text: string): IniItem[] {
  return new Scanner(text, textStart(text)).items();
}

/** Behind a byte order mark; of UTF-16's the two bytes are skipped as well, whatever comes then. */
export function textStart(text: string): number {
  if (text.startsWith("\ufeff")) return 1;
  return /^(?:\udcfe\udcff|\udcff\udcfe)/.test(text) ? 2 : 0;
}

/**
 * What ini.v1 reads as a value from the start of `text`, and how much of it it takes. Undefined if its
 * quotes are never closed.
 */
export function readValue(text: string): Pick<IniKey, "value" | "inline" | "stray"> | undefined {
  const scanner = new Scanner(text, 0);
  const [start, end] = scanner.nextLine()!;
  return unlessRefused(() => scanner.value(start, end));
}

/** What ini.v1 reads as a key from the start of a line, where it finds one. */
export function readKeyName(line: string): string | undefined {
  return unlessRefused(() => new Scanner(line, 0).keyName(0, line.length).name);
}

function unlessRefused<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof TsopsError) return undefined;
    throw error;
  }
}

class Scanner {
  private readonly text: string;
  private pos: number;

  constructor(text: string, pos: number) {
    this.text = text;
    this.pos = pos;
  }

  items(): IniItem[] {
    const { text } = this;
    const items: IniItem[] = [];
    let counter = 1;
    for (let line = this.nextLine(); line; line = this.nextLine()) {
      const [lineStart, lineEnd] = line;
      const start = skipSpace(text, lineStart, lineEnd);
      if (start === lineEnd) continue;
      const first = text[start];
      if (first === "#" || first === ";") {
        items.push({ kind: "comment", start, end: trimEnd(text, start, lineEnd) });
      } else if (first === "[") {
        items.push(this.section(lineStart, start, lineEnd));
        counter = 1;
      } else {
        const key = this.key(lineStart, start, lineEnd);
        // keys that are a `-` get numbers
        items.push(key.name === "-" ? { ...key, name: `#${counter++}` } : key);
      }
    }
    return items;
  }

  /** The next line with its line break. */
  nextLine(): [number, number] | undefined {
    const { text, pos } = this;
    if (pos >= text.length) return undefined;
    const newline = text.indexOf("\n", pos);
    this.pos = newline < 0 ? text.length : newline + 1;
    return [pos, this.pos];
  }

  private section(lineStart: number, start: number, end: number): IniSection {
    const line = this.text.slice(start, end);
    const close = line.lastIndexOf("]");
    if (close < 0) throw this.error(start, "this section is never closed", "put a ] at the end of its name");
    if (close === 1) throw this.error(start, "this section has no name", "put a name between the brackets");
    const name = line.slice(1, close);
    const header = { start, end: start + close + 1 };
    const inline = this.restOf(header.end, end);
    return { kind: "section", name, header, inline, lines: { start: lineStart, end } };
  }

  private key(lineStart: number, start: number, end: number): IniKey {
    const { name, nameSpan, delimiter } = this.keyName(start, end);
    const { value, inline, stray, open } = this.value(delimiter + 1, end);
    const lines = { start: lineStart, end: this.pos };
    return { kind: "key", name, nameSpan, delimiter, value, inline, stray, lines, open };
  }

  keyName(start: number, end: number): Pick<IniKey, "name" | "nameSpan" | "delimiter"> {
    const line = this.text.slice(start, end);
    const quote = keyQuote(line);
    let close = 0;
    if (quote !== "") {
      close = line.indexOf(quote, quote.length);
      if (close < 0)
        throw this.error(start, "the quotes around this key are never closed", "add the closing quote");
    }
    const after = close === 0 ? 0 : close + quote.length;
    const found = line.slice(after).search(DELIMITER);
    if (found < 0) {
      throw this.error(
        start,
        "this line is neither a section nor a comment, and has no `=`",
        "write it as key = value; SOPS's INI has no keys without a value",
      );
    }
    const nameEnd = close === 0 ? found : close;
    const name = trim(line.slice(quote.length, nameEnd));
    if (name === "") throw this.error(start, "this key has no name", "put a name before the `=`");
    const span = { start, end: quote === "" ? trimEnd(this.text, start, start + found) : start + after };
    return { name, nameSpan: span, delimiter: start + after + found };
  }

  /** Reads the value from behind the delimiter; lines that belong to it are taken from the text. */
  value(from: number, lineEnd: number): Pick<IniKey, "value" | "inline" | "stray" | "open"> {
    const { text } = this;
    const start = skipSpace(text, from, lineEnd);
    if (start === lineEnd) return this.emptyValue(from, undefined);
    if (lineEnd - start > 3 && text.startsWith('"""', start)) return this.quotedValue(start, lineEnd, '"""');
    if (text[start] === "`") return this.quotedValue(start, lineEnd, "`");
    const end = trimEnd(text, start, lineEnd);
    if (text[end - 1] === "\\") return this.continuedValue(start, end);
    return this.plainValue(from, start, end);
  }

  /** Where a value could stand: behind the blank that follows the delimiter. */
  private emptyValue(from: number, inline: Span | undefined) {
    const at = this.text[from] === " " || this.text[from] === "\t" ? from + 1 : from;
    const value: IniValue = { start: at, end: at, value: "", quote: "", multiline: false };
    return { value, inline, stray: undefined, open: false };
  }

  private plainValue(from: number, start: number, lineEnd: number) {
    const { text } = this;
    const line = text.slice(start, lineEnd);
    const mark = line.search(MARK);
    const inline = mark < 0 ? undefined : { start: start + mark, end: lineEnd };
    const end = mark < 0 ? lineEnd : trimEnd(text, start, start + mark);
    if (end === start) return this.emptyValue(from, inline);
    const raw = text.slice(start, end);
    const quote = surroundingQuote(raw);
    const value: IniValue = {
      start,
      end,
      value: quote === "" ? raw : raw.slice(1, -1),
      quote,
      multiline: false,
    };
    return { value, inline, stray: undefined, open: false };
  }

  /**
   * Backquotes and three double quotes go up to the last of their kind in the line; text behind is skipped.
   */
  private quotedValue(start: number, lineEnd: number, quote: Quote) {
    const { text } = this;
    const from = start + quote.length;
    const close = text.slice(from, lineEnd).lastIndexOf(quote);
    if (close < 0) return this.multilineValue(start, quote);
    const end = from + close + quote.length;
    const value: IniValue = {
      start,
      end,
      value: text.slice(from, from + close),
      quote,
      multiline: false,
    };
    return { value, inline: undefined, stray: this.restOf(end, lineEnd), open: false };
  }

  private multilineValue(start: number, quote: Quote) {
    const { text } = this;
    const from = start + quote.length;
    for (let line = this.nextLine(); line; line = this.nextLine()) {
      const [lineStart, lineEnd] = line;
      const close = text.slice(lineStart, lineEnd).lastIndexOf(quote);
      if (close < 0) continue;
      const end = lineStart + close + quote.length;
      // a backslash at the end of the line makes the quote a part of the value
      if (text[trimEnd(text, end, lineEnd) - 1] === "\\") continue;
      const value: IniValue = {
        start,
        end,
        value: text.slice(from, end - quote.length),
        quote,
        multiline: true,
      };
      const rest = this.restOf(end, lineEnd);
      const comment = rest && MARK.test(text[rest.start]!);
      return {
        value,
        inline: comment ? rest : undefined,
        stray: comment ? undefined : rest,
        open: false,
      };
    }
    throw this.error(start, "the quotes around this value are never closed", "add the closing quotes");
  }

  /** A backslash at the end of a line joins the next one to it, without the white space between. */
  private continuedValue(start: number, lineEnd: number) {
    const { text } = this;
    let value = text.slice(start, lineEnd - 1);
    let end = lineEnd;
    let open = true;
    for (let line = this.nextLine(); line; line = this.nextLine()) {
      const from = skipSpace(text, line[0], line[1]);
      const to = trimEnd(text, from, line[1]);
      open = from < to && text[to - 1] === "\\";
      if (from === to) break;
      end = to;
      value += text.slice(from, open ? to - 1 : to);
      if (!open) break;
    }
    const found: IniValue = { start, end, value, quote: "", multiline: true };
    return { value: found, inline: undefined, stray: undefined, open };
  }

  private restOf(start: number, lineEnd: number): Span | undefined {
    const from = skipSpace(this.text, start, lineEnd);
    return from === lineEnd ? undefined : { start: from, end: trimEnd(this.text, from, lineEnd) };
  }

  private error(offset: number, what: string, hint: string): TsopsError {
    return new TsopsError("parse", `${what}, as SOPS reads INI`, { place: placeOf(this.text, offset), hint });
  }
}

function keyQuote(line: string): Quote {
  if (line[0] === "`") return "`";
  if (line[0] !== '"') return "";
  // the library counts bytes
  return line.startsWith('"""') && (line.length > 6 || encodeText(line).length > 6) ? '"""' : '"';
}

/** Single or double quotes around all of it, and none of the same kind inside. */
function surroundingQuote(raw: string): Quote {
  const quote = raw[0];
  if (raw.length < 2 || (quote !== "'" && quote !== '"')) return "";
  return raw.indexOf(quote, 1) === raw.length - 1 ? quote : "";
}
