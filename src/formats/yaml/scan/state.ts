import { TsopsError } from "../../../errors.ts";
import { placeOf } from "../../text.ts";
import { BOM, CR, isBreakz, LF } from "./chars.ts";
import { Tokens } from "./tokens.ts";

/** One comment of the text: from its `#` to the end of its words. */
export interface Comment {
  readonly start: number;
  readonly end: number;
  /** Whether something that SOPS reads holds it; if not, SOPS loses it. */
  held: boolean;
}

/** Lines of comments as SOPS's reader joins them; undefined stands for a blank line between them. */
export type Lines = (Comment | undefined)[];

export const LINE = 0;
export const FOOT = 1;
export const HEAD = 2;

/** Comments that go together, and the offset from which on a token may take them. */
export interface Piece {
  kind: number;
  anchor: number;
  readonly start: number;
  readonly column: number;
  readonly lines: Lines;
}

/** What a block scalar has besides its text. */
export interface Block {
  /** Column of the indentation around it, -1 at the root; an indentation indicator counts from there. */
  readonly outer: number;
  /** Column of its text. */
  readonly indent: number;
  /** The indentation indicator, 0 if there is none. */
  readonly digit: number;
  readonly chomp: "" | "-" | "+";
  /** End of the header, without a comment and the blanks before it. */
  readonly header: number;
  /** Start of the line after the header. */
  readonly body: number;
  readonly comment: boolean;
  /** Whether a line break follows the scalar's span. */
  readonly closed: boolean;
}

export interface Tag {
  /** Empty for a tag that is written out (`!<…>`) and for `!` alone. */
  readonly handle: string;
  readonly suffix: string;
}

export type Directive =
  | { readonly kind: "version"; readonly major: number; readonly minor: number }
  | { readonly kind: "tag"; readonly handle: string; readonly prefix: string };

/** A place where a key without `?` may begin, one for each depth of flow collections. */
export interface SimpleKey {
  possible: boolean;
  required: boolean;
  token: number;
  offset: number;
  line: number;
  column: number;
}

/**
 * Where the scanner stands, and what it found so far. It follows the scanner that SOPS's YAML library has from
 * libyaml, with its limits, because what counts is what SOPS reads.
 */
export class Scanner {
  readonly text: string;
  /** The text with a NUL at its end. */
  readonly src: string;
  pos = 0;
  line = 0;
  lineStart = 0;
  /** Line breaks since the last thing that is not white space. */
  breaks = 0;

  /** Depth of flow collections. */
  flow = 0;
  /** Column of the innermost block collection, -1 outside of all. */
  indent = -1;
  readonly indents: number[] = [];
  simpleKeyAllowed = true;
  readonly keys: SimpleKey[] = [newKey()];

  /** Where the white space before the next token began, and how many pieces there were then. */
  gapStart = 0;
  gapPieces = 0;

  readonly tokens = new Tokens();
  readonly pieces: Piece[] = [];
  readonly comments: Comment[] = [];
  /** Texts of scalars that are more than a slice. */
  readonly texts: string[] = [];
  /** By the number of their text. */
  readonly blocks = new Map<number, Block>();
  readonly tags: Tag[] = [];
  readonly directives: Directive[] = [];
  private readonly wide: boolean;
  /** How far surrogate pairs of the current line are counted, and how many there are. */
  private counted = 0;
  private pairs = 0;

  constructor(text: string) {
    this.text = text;
    this.src = `${text}\0`;
    this.wide = /[\ud800-\udbff]/.test(text);
    if (text.charCodeAt(0) === BOM) this.pos = this.lineStart = 1;
  }

  /** The character at the current offset. */
  get code(): number {
    return this.src.charCodeAt(this.pos);
  }

  /** Column of an offset in the current line, in characters. */
  column(offset = this.pos): number {
    const column = offset - this.lineStart;
    if (!this.wide) return column;
    if (this.counted < this.lineStart || this.counted > offset) {
      this.counted = this.lineStart;
      this.pairs = 0;
    }
    this.pairs += pairs(this.src, this.counted, offset);
    this.counted = offset;
    return column - this.pairs;
  }

  /** Characters from one offset to another. */
  distance(from: number, to: number): number {
    return this.wide && to - from > 1024 ? to - from - pairs(this.src, from, to) : to - from;
  }

  /** Steps over the line break at the current offset. */
  newline(): void {
    this.pos += this.src.charCodeAt(this.pos) === CR && this.src.charCodeAt(this.pos + 1) === LF ? 2 : 1;
    this.line++;
    this.lineStart = this.pos;
    this.breaks++;
  }

  /** End of the line that an offset is in. */
  lineEnd(offset: number): number {
    while (!isBreakz(this.src.charCodeAt(offset))) offset++;
    return offset;
  }

  addComment(start: number, end: number): Comment {
    const comment = { start, end, held: false };
    this.comments.push(comment);
    return comment;
  }

  keep(text: string): number {
    return this.texts.push(text);
  }

  fail(message: string, offset: number, hint?: string): never {
    throw yamlError(this.text, message, offset, hint);
  }
}

export function newKey(): SimpleKey {
  return { possible: false, required: false, token: 0, offset: 0, line: 0, column: 0 };
}

export function yamlError(text: string, message: string, offset: number, hint?: string): TsopsError {
  return new TsopsError("parse", message, { place: placeOf(text, offset), hint });
}

function pairs(src: string, from: number, to: number): number {
  let n = 0;
  for (let i = from; i < to; i++) if ((src.charCodeAt(i) & 0xfc00) === 0xdc00) n++;
  return n;
}
