/**
 * What the agent and its clients say to each other: frames of a head in JSON and a body of bytes, each behind its length
 * (four bytes, big-endian). Secrets are only in bodies: buffers can be overwritten, texts cannot.
 */
export const VERSION = 1;

const MAX_HEAD_BYTES = 2 ** 17;
export const MAX_BODY_BYTES = 2 ** 16;
const LENGTHS = 8;

/** Names in one question: more than any file has keys. */
export const MAX_NAMES = 2000;
/** A SHA-256 hash in base64url. */
export const NAME = /^[\w-]{43}$/;

/** `v` is the version; `op` is one of the words that the server knows. */
export type Head = Readonly<Record<string, unknown>>;

export interface Frame {
  readonly head: Head;
  readonly body: Buffer;
}

export function encodeFrame(head: Head, body: Uint8Array = Buffer.alloc(0)): Buffer {
  const text = Buffer.from(JSON.stringify({ v: VERSION, ...head }));
  const frame = Buffer.alloc(LENGTHS + text.length + body.length);
  frame.writeUInt32BE(text.length, 0);
  frame.writeUInt32BE(body.length, 4);
  text.copy(frame, LENGTHS);
  frame.set(body, LENGTHS + text.length);
  return frame;
}

/** Puts frames together from what comes in, which is overwritten. */
export class FrameReader {
  #chunks: Buffer[] = [];
  #size = 0;
  /** As many bytes have to be there before anything can be read. */
  #due = LENGTHS;

  /** @throws Error if it is no frame, or too large. */
  push(chunk: Buffer): Frame[] {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    const frames: Frame[] = [];
    while (this.#size >= this.#due) {
      const all = this.#join();
      const [head, body] = [all.readUInt32BE(0), all.readUInt32BE(4)];
      if (head > MAX_HEAD_BYTES || body > MAX_BODY_BYTES) throw new Error("the frame is too large");
      this.#due = LENGTHS + head + body;
      if (this.#size < this.#due) break;
      frames.push({
        head: parseHead(all.subarray(LENGTHS, LENGTHS + head)),
        body: Buffer.from(all.subarray(LENGTHS + head, this.#due)),
      });
      const rest = Buffer.from(all.subarray(this.#due));
      all.fill(0);
      this.#chunks = [rest];
      this.#size = rest.length;
      this.#due = LENGTHS;
    }
    return frames;
  }

  clear(): void {
    for (const chunk of this.#chunks.splice(0)) chunk.fill(0);
    this.#size = 0;
    this.#due = LENGTHS;
  }

  #join(): Buffer {
    const all = Buffer.concat(this.#chunks);
    for (const chunk of this.#chunks) chunk.fill(0);
    this.#chunks = [all];
    return all;
  }
}

function parseHead(bytes: Buffer): Head {
  const head: unknown = JSON.parse(bytes.toString());
  if (typeof head !== "object" || head === null || Array.isArray(head))
    throw new Error("the head is no object");
  return head as Head;
}
