import { createHash } from "node:crypto";
import { createReadStream, promises, readFileSync, statSync } from "node:fs";
import { isShortage, withRoom } from "../descriptors.ts";
import { TsopsError } from "../errors.ts";
import { MAX_TEXT_BYTES } from "../formats/text.ts";
import { readError } from "./errors.ts";

/**
 * What tells one state of a file from another: its content. Times and inode numbers would be cheaper to compare, but
 * a file written twice within one tick of the clock keeps them, and one that was only touched does not.
 */
export interface Fingerprint {
  readonly path: string;
  /** In bytes. */
  readonly size: number;
  /** SHA-256 of the bytes. */
  readonly digest: Buffer;
}

export interface ReadFile {
  readonly bytes: Buffer;
  readonly fingerprint: Fingerprint;
}

/** Up to this size a file is read at once: handing it to a thread and back costs several times the reading. */
const AT_ONCE_BYTES = 2 ** 20;

/**
 * A file's bytes, and what is needed to see later whether it changed. Pipes (`/dev/stdin`, `<(command)`) can be read
 * too. @throws TsopsError("no-such-file" | "read")
 */
export async function readDocument(path: string): Promise<ReadFile> {
  try {
    const bytes = await bytesOf(path);
    return { bytes, fingerprint: fingerprintOf(path, bytes) };
  } catch (error) {
    throw readError(error, path);
  }
}

/**
 * What a file is known by that says this. Of a file that was just written, reading it again could tell what somebody
 * else has written since.
 */
export function fingerprintOf(path: string, bytes: Uint8Array): Fingerprint {
  return { path, size: bytes.length, digest: sha256(bytes) };
}

/** Whether a file says something else than when it was read; a file that is gone has changed too. */
export async function changedSince(fingerprint: Fingerprint): Promise<boolean> {
  try {
    const bytes = await bytesOf(fingerprint.path);
    return bytes.length !== fingerprint.size || !sha256(bytes).equals(fingerprint.digest);
  } catch (error) {
    if (isShortage(error)) throw error;
    return true;
  }
}

/** What is read from a pipe is gone: but for opening it, nothing is tried twice. */
async function bytesOf(path: string): Promise<Buffer> {
  return await withRoom(() => bytesNow(path));
}

async function bytesNow(path: string): Promise<Buffer> {
  const info = statSync(path);
  // pipes may have nothing to say yet
  if (!info.isFile()) return await readToEnd(path);
  if (info.size > AT_ONCE_BYTES) return await promises.readFile(path);
  return readFileSync(path);
}

/** What has no size may have no end, such as a device that a link in a checkout leads to. */
async function readToEnd(path: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > MAX_TEXT_BYTES)
      throw new TsopsError("read", "more than 512 MiB came from it, and no end", { place: { file: path } });
  }
  return Buffer.concat(chunks, size);
}

function sha256(bytes: Uint8Array): Buffer {
  return createHash("sha256").update(bytes).digest();
}
