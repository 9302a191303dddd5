import { createHmac, hkdfSync, randomBytes, timingSafeEqual } from "node:crypto";
import { TsopsError } from "../../errors.ts";
import { strictBase64 } from "../../net/base64.ts";
import { encryptBytes, openBytes } from "./chacha20.ts";

/**
 * The age file format (C2SP age, age-encryption.org/v1) on node:crypto, for what wrapping a data key needs.
 * The library age-encryption does the same, but loading it costs half as much as starting node does; it is used
 * for post-quantum keys only (hybrid.ts), and the tests check the two against each other.
 */

/** One recipient's entry in the header: `args[0]` is its type, `body` the wrapped file key or what leads to it. */
export interface Stanza {
  readonly args: readonly string[];
  readonly body: Buffer;
}

export interface AgeFile {
  readonly stanzas: readonly Stanza[];
  /** The whole header, its MAC line included. */
  readonly header: Buffer;
  /** What the MAC covers: the header up to and with `---`. */
  readonly signed: Buffer;
  readonly mac: Buffer;
  readonly payload: Buffer;
}

const INTRO = "age-encryption.org/v1";
const BEGIN = "-----BEGIN AGE ENCRYPTED FILE-----";
const END = "-----END AGE ENCRYPTED FILE-----";
const FILE_KEY_BYTES = 16;
const CHUNK_BYTES = 65536;
const TAG_BYTES = 16;
const BODY_LINE_BYTES = 48;

function malformed(what: string): TsopsError {
  return new TsopsError("bad-key", `malformed age file: ${what}`);
}

/** HKDF-SHA-256 to 32 bytes. */
export function derive(secret: Uint8Array, salt: Uint8Array, label: string): Buffer {
  return Buffer.from(hkdfSync("sha256", secret, salt, label, 32));
}

const ZERO_NONCE = Buffer.alloc(12);

/** A file key under a key that is used once, hence the zero nonce. */
export function encryptFileKey(key: Uint8Array, fileKey: Uint8Array): Promise<Buffer> {
  return encryptBytes(key, ZERO_NONCE, fileKey);
}

/** The file key, or null if the wrapping key is another one. @throws if the body cannot hold one at all. */
export async function openFileKey(key: Uint8Array, body: Uint8Array): Promise<Buffer | null> {
  // The length is fixed, so that no ciphertext can be made that opens under several keys.
  if (body.length !== FILE_KEY_BYTES + TAG_BYTES) throw malformed("a stanza's body has the wrong length");
  return await openBytes(key, ZERO_NONCE, body);
}

/** Base64 as age writes it: no padding. */
export function encode64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64").replace(/=+$/, "");
}

/** Undoes `encode64`. @throws if the text is anything but what that would write. */
export function decode64(text: string): Buffer {
  const bytes = Buffer.from(text, "base64");
  if (encode64(bytes) !== text) throw malformed("base64 is not in its canonical form");
  return bytes;
}

/** Puts lines together to stanzas, for headers and for what plugins say. */
export class StanzaReader {
  #args: string[] | undefined;
  #body: Buffer[] = [];

  /** Whether a stanza has begun and not ended. */
  get inside(): boolean {
    return this.#args !== undefined;
  }

  /**
   * Takes the next line, without its end; gives the stanza that it completes. @throws if the line cannot stand there.
   */
  push(line: string): Stanza | undefined {
    if (!this.#args) {
      const [arrow, ...args] = line.split(" ");
      if (arrow !== "->" || args.length === 0 || !args.every((arg) => /^[!-~]+$/.test(arg))) {
        throw malformed("a stanza does not begin as it must");
      }
      this.#args = args;
      return undefined;
    }
    const bytes = decode64(line);
    if (bytes.length > BODY_LINE_BYTES) throw malformed("a line of a stanza's body is too long");
    this.#body.push(bytes);
    // A body always ends with a short line, an empty one if need be.
    if (bytes.length === BODY_LINE_BYTES) return undefined;
    const stanza = { args: this.#args, body: Buffer.concat(this.#body) };
    this.#args = undefined;
    this.#body = [];
    return stanza;
  }
}

/** A stanza as headers and plugins have it, with the final line break. */
export function stanzaText(stanza: Stanza): string {
  let text = `-> ${stanza.args.join(" ")}\n`;
  for (let at = 0; at <= stanza.body.length; at += BODY_LINE_BYTES) {
    text += `${encode64(stanza.body.subarray(at, at + BODY_LINE_BYTES))}\n`;
  }
  return text;
}

/** Reads a file's header. @throws TsopsError("bad-key") if it is not an age file. */
export function parseAge(bytes: Buffer): AgeFile {
  let at = 0;
  const nextLine = (): string => {
    const end = bytes.indexOf(10, at);
    if (end === -1) throw malformed("the header does not end");
    const line = bytes.toString("latin1", at, end);
    at = end + 1;
    return line;
  };
  if (nextLine() !== INTRO) throw malformed("the first line is not the one of age's version 1");
  const stanzas: Stanza[] = [];
  const reader = new StanzaReader();
  for (;;) {
    const start = at;
    const line = nextLine();
    if (!reader.inside && line.startsWith("---")) {
      const mac = line.startsWith("--- ") ? decode64(line.slice(4)) : undefined;
      if (mac?.length !== 32) throw malformed("the header's MAC is malformed");
      const signed = bytes.subarray(0, start + 3);
      return { stanzas, header: bytes.subarray(0, at), signed, mac, payload: bytes.subarray(at) };
    }
    const stanza = reader.push(line);
    if (stanza) stanzas.push(stanza);
  }
}

function headerMac(fileKey: Uint8Array, signed: Uint8Array): Buffer {
  return createHmac("sha256", derive(fileKey, Buffer.alloc(0), "header"))
    .update(signed)
    .digest();
}

/** Nonce of a chunk: its number in 11 bytes, and whether it is the last. */
function chunkNonce(number: number, last: boolean): Buffer {
  const nonce = Buffer.alloc(12);
  nonce.writeUIntBE(number, 5, 6);
  nonce[11] = last ? 1 : 0;
  return nonce;
}

/** What a file holds. The caller owns the buffer. @throws TsopsError("bad-key") if the file was changed. */
export async function openAge(file: AgeFile, fileKey: Uint8Array): Promise<Buffer> {
  if (fileKey.length !== FILE_KEY_BYTES) throw malformed("the file key has the wrong length");
  if (!timingSafeEqual(headerMac(fileKey, file.signed), file.mac)) throw malformed("the header was changed");
  if (file.payload.length < 16 + TAG_BYTES) throw malformed("the file is cut off");
  const key = derive(fileKey, file.payload.subarray(0, 16), "payload");
  const encrypted = file.payload.subarray(16);
  const chunks: Buffer[] = [];
  for (let at = 0, number = 0; at < encrypted.length; at += CHUNK_BYTES + TAG_BYTES, number++) {
    const end = Math.min(at + CHUNK_BYTES + TAG_BYTES, encrypted.length);
    const chunk = await openBytes(
      key,
      chunkNonce(number, end === encrypted.length),
      encrypted.subarray(at, end),
    );
    // Only a file that holds nothing at all may end with an empty chunk.
    if (!chunk || (chunk.length === 0 && number > 0)) throw malformed("the file was changed or cut off");
    chunks.push(chunk);
  }
  key.fill(0);
  if (chunks.length === 1) return chunks[0]!;
  const whole = Buffer.concat(chunks);
  for (const chunk of chunks) chunk.fill(0);
  return whole;
}

/**
 * An age file around a data key; `wrap` wraps its file key for the recipient.
 * @throws TsopsError("bad-key") for more than one chunk (64 KiB), which no data key has.
 */
export async function encryptAge(
  plaintext: Uint8Array,
  wrap: (fileKey: Buffer) => Stanza[] | Promise<Stanza[]>,
): Promise<Buffer> {
  if (plaintext.length > CHUNK_BYTES) throw new TsopsError("bad-key", "more than a data key to wrap");
  const fileKey = randomBytes(FILE_KEY_BYTES);
  try {
    const stanzas = await wrap(fileKey);
    const signed = Buffer.from(`${INTRO}\n${stanzas.map(stanzaText).join("")}---`);
    const nonce = randomBytes(16);
    const key = derive(fileKey, nonce, "payload");
    const payload = await encryptBytes(key, chunkNonce(0, true), plaintext);
    key.fill(0);
    return Buffer.concat([signed, Buffer.from(` ${encode64(headerMac(fileKey, signed))}\n`), nonce, payload]);
  } finally {
    fileKey.fill(0);
  }
}

/** The armored form, with the final line break, as SOPS stores it (docs/internals/sops.md §5). */
export function armor(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64");
  return [BEGIN, ...(text.match(/.{1,64}/g) ?? []), END, ""].join("\n");
}

/** Undoes `armor`; white space around it and CRLF are fine. @throws TsopsError("bad-key") for anything else. */
export function dearmor(text: string): Buffer {
  const lines = text.trim().split(/\r?\n/);
  if (lines.shift() !== BEGIN || lines.pop() !== END) throw malformed("its armor is missing or cut off");
  const last = lines.length - 1;
  const fits = lines.every((line, i) =>
    i < last ? line.length === 64 : line.length > 0 && line.length <= 64,
  );
  const base64 = lines.join("");
  const bytes = strictBase64(base64);
  if (!fits || !bytes) throw malformed("its armor was changed");
  return bytes;
}

/** Whether bytes begin like an age file, armored or not. */
export function looksLikeAge(bytes: Uint8Array): "binary" | "armored" | undefined {
  const start = Buffer.from(bytes.subarray(0, 14)).toString("latin1");
  if (start === "age-encryption") return "binary";
  return start === "-----BEGIN AGE" ? "armored" : undefined;
}
