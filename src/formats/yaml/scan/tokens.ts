/** The tokens of a YAML text, in columns of numbers: a large file has several for each of its values. */

export const STREAM = 0;
export const EOF = 1;
export const DIRECTIVE = 2;
export const DOC_START = 3;
export const DOC_END = 4;
/** A block list, a block map: where the indentation grows. END closes either. */
export const SEQ = 5;
export const MAP = 6;
export const END = 7;
export const FLOW_SEQ = 8;
export const FLOW_SEQ_END = 9;
export const FLOW_MAP = 10;
export const FLOW_MAP_END = 11;
export const DASH = 12;
export const COMMA = 13;
/** `?`, or nothing at the start of a key without one. */
export const KEY = 14;
export const COLON = 15;
export const ALIAS = 16;
export const ANCHOR = 17;
export const TAG = 18;
export const PLAIN = 19;
export const SINGLE = 20;
export const DOUBLE = 21;
export const LITERAL = 22;
export const FOLDED = 23;

export class Tokens {
  count = 0;
  type = new Uint8Array(256);
  start = new Int32Array(256);
  end = new Int32Array(256);
  /** Index of what the token carries besides its span, plus one; 0 if it carries nothing. */
  extra = new Int32Array(256);

  push(type: number, start: number, end: number, extra = 0): void {
    if (this.count === this.type.length) this.grow();
    const i = this.count++;
    this.type[i] = type;
    this.start[i] = start;
    this.end[i] = end;
    this.extra[i] = extra;
  }

  /** Puts a token before others: a key is known as such only at its colon. */
  insert(at: number, type: number, offset: number): void {
    this.push(0, 0, 0);
    for (const column of [this.type, this.start, this.end, this.extra]) {
      column.copyWithin(at + 1, at, this.count - 1);
    }
    this.type[at] = type;
    this.start[at] = offset;
    this.end[at] = offset;
    this.extra[at] = 0;
  }

  private grow(): void {
    const size = this.type.length * 2;
    const type = new Uint8Array(size);
    type.set(this.type);
    this.type = type;
    this.start = larger(this.start, size);
    this.end = larger(this.end, size);
    this.extra = larger(this.extra, size);
  }
}

function larger(old: Int32Array<ArrayBuffer>, size: number): Int32Array<ArrayBuffer> {
  const array = new Int32Array(size);
  array.set(old);
  return array;
}
