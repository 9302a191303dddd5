import { TsopsError } from "../../errors.ts";

/** Bech32 (BIP 173) as age uses it: without the limit of 90 characters, since post-quantum recipients are long. */

const ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
const GENERATOR = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];

function checksum(prefix: string, words: Iterable<number>): number {
  let sum = 1;
  const step = (word: number): void => {
    const top = sum >>> 25;
    sum = ((sum & 0x1ffffff) << 5) ^ word;
    for (let bit = 0; bit < 5; bit++) if ((top >>> bit) & 1) sum ^= GENERATOR[bit]!;
  };
  for (const char of prefix) step(char.charCodeAt(0) >> 5);
  step(0);
  for (const char of prefix) step(char.charCodeAt(0) & 31);
  for (const word of words) step(word);
  return sum;
}

/** Words of `to` bits from words of `from` bits; undefined if bits are left over that are not padding. */
function regroup(words: Iterable<number>, from: number, to: number, pad: boolean): number[] | undefined {
  const out: number[] = [];
  let held = 0;
  let bits = 0;
  for (const word of words) {
    held = ((held << from) | word) & 0xfff;
    bits += from;
    while (bits >= to) {
      bits -= to;
      out.push((held >> bits) & ((1 << to) - 1));
    }
  }
  const rest = held & ((1 << bits) - 1);
  if (pad) {
    if (bits > 0) out.push((rest << (to - bits)) & ((1 << to) - 1));
  } else if (bits >= from || rest !== 0) return undefined;
  return out;
}

/** Lower case; age writes identities in upper case. */
export function encodeBech32(prefix: string, bytes: Uint8Array): string {
  const words = regroup(bytes, 8, 5, true)!;
  const sum = checksum(prefix, [...words, 0, 0, 0, 0, 0, 0]) ^ 1;
  for (let i = 5; i >= 0; i--) words.push((sum >>> (5 * i)) & 31);
  return `${prefix}1${words.map((word) => ALPHABET[word]).join("")}`;
}

/**
 * The prefix in lower case, and the bytes (which the caller clears where they are secret).
 * @throws TsopsError("generic") if a character is missing, changed or swapped. The message holds nothing of the text.
 */
export function decodeBech32(text: string): { prefix: string; bytes: Buffer } {
  const lower = text.toLowerCase();
  const split = lower.lastIndexOf("1");
  const prefix = lower.slice(0, split);
  const words = Array.from(lower.slice(split + 1), (char) => ALPHABET.indexOf(char));
  const sound =
    (text === lower || text === text.toUpperCase()) &&
    split > 0 &&
    words.length >= 6 &&
    /^[!-~]+$/.test(prefix) &&
    !words.includes(-1) &&
    checksum(prefix, words) === 1;
  const bytes = sound ? regroup(words.slice(0, -6), 5, 8, false) : undefined;
  if (!bytes) throw new TsopsError("generic", "its checksum does not fit: a character is missing or changed");
  return { prefix, bytes: Buffer.from(bytes) };
}
