import { encodeText } from "../formats/text.ts";

/** Characters. */
const SHORT = 1024;
/** Small, since one is made for each collection; a short text fits with its length. */
const BUFFER_BYTES = 8 + 3 * SHORT;

/** Length-prefixed encoding: numbers are 8 bytes big endian, texts and blobs their length in bytes, then the bytes. */
export class Encoder {
  private readonly buffer = Buffer.allocUnsafe(BUFFER_BYTES);
  private readonly view = new DataView(this.buffer.buffer, this.buffer.byteOffset, BUFFER_BYTES);
  private used = 0;
  private readonly sink: (chunk: Buffer) => void;

  constructor(sink: (chunk: Buffer) => void) {
    this.sink = sink;
  }

  static bytes(write: (out: Encoder) => void): Buffer {
    const chunks: Buffer[] = [];
    const out = new Encoder((chunk) => chunks.push(Buffer.from(chunk)));
    write(out);
    out.flush();
    return Buffer.concat(chunks);
  }

  number(value: number): void {
    this.room(8);
    this.view.setUint32(this.used, Math.floor(value / 2 ** 32));
    this.view.setUint32(this.used + 4, value % 2 ** 32);
    this.used += 8;
  }

  text(value: string): void {
    // three bytes a unit are enough; most texts are short, and go in without a buffer of their own
    if (value.length > SHORT || !value.isWellFormed()) {
      this.blob(encodeText(value));
      return;
    }
    this.room(8 + 3 * value.length);
    const length = this.writeAscii(value) ?? this.buffer.write(value, this.used + 8, "utf8");
    this.number(length);
    this.used += length;
  }

  /** A short text, written here rather than by Node, whose call takes longer; undefined if it is not one. */
  private writeAscii(value: string): number | undefined {
    if (value.length > 32) return undefined;
    for (let i = 0, at = this.used + 8; i < value.length; i++, at++) {
      const code = value.charCodeAt(i);
      if (code > 0x7f) return undefined;
      this.buffer[at] = code;
    }
    return value.length;
  }

  blob(value: Buffer): void {
    this.number(value.length);
    if (value.length > this.buffer.length) {
      this.flush();
      this.sink(value);
      return;
    }
    this.room(value.length);
    value.copy(this.buffer, this.used);
    this.used += value.length;
  }

  flush(): void {
    if (this.used > 0) this.sink(this.buffer.subarray(0, this.used));
    this.used = 0;
  }

  private room(size: number): void {
    if (this.used + size > this.buffer.length) this.flush();
  }
}
