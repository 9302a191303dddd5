import { bech32 } from "@scure/base";
import { TsopsError } from "../../errors.ts";

/** Bech32 (BIP 173) as age uses it: without the limit of 90 characters, since post-quantum recipients are long. */

/** Lower case; age writes identities in upper case. */
export function encodeBech32(prefix: string, bytes: Uint8Array): string {
  return bech32.encode(prefix, bech32.toWords(bytes), false);
}

/**
 * The prefix in lower case, and the bytes (which the caller clears where they are secret).
 * @throws TsopsError("bad-key") if a character is missing, changed or swapped. The message holds nothing of the text.
 */
export function decodeBech32(text: string): { prefix: string; bytes: Buffer } {
  // not `decode`: its errors quote the text
  const decoded = bech32.decodeUnsafe(text, false);
  const bytes = decoded && bech32.fromWordsUnsafe(decoded.words);
  if (!bytes) throw new TsopsError("bad-key", "its checksum does not fit: a character is missing or changed");
  return { prefix: decoded.prefix, bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length) };
}
