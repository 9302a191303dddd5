import { holdsCiphertexts } from "../formats/detect.ts";
import type { Entry, Format, Reading } from "../formats/format.ts";
import { CIPHER_HEAD, parseCipher } from "./cipher.ts";
import { noMetadata } from "./metadata.ts";

/**
 * Whether a text without metadata is what is left of an encrypted one: a value of it is a ciphertext, or the beginning of
 * one. One is enough, since nothing else becomes of it than a value that nobody can open. Who really has such texts as
 * values says so (`encrypt --encrypt-twice`).
 */
export function lostMetadata(text: string, format: Format): boolean {
  if (!holdsCiphertexts(text)) return false;
  // any other text may be about ciphertexts: a manual, for instance
  if (format.wrapper && !beginsWrapped(text)) return false;
  let reading: Reading;
  try {
    reading = (format.wrapper ?? format).read(text);
  } catch {
    return format.wrapper !== undefined;
  }
  return reading.metadata === undefined && holdsLost(reading);
}

/** Whether a text begins as the document around a binary file does. */
export function beginsWrapped(text: string): boolean {
  return /^\s*\{\s*"data"\s*:\s*"ENC\[AES256_GCM,data:/.test(text);
}

/**
 * Encrypting what is left of an encrypted file would make it look as good as any other, and nobody would see that its
 * values are gone.
 * @throws TsopsError("no-metadata")
 */
export function refuseLost(text: string, format: Format): void {
  if (lostMetadata(text, format)) throw noMetadata(text);
}

/** Decrypting leaves comments that do not open as they are, so they say something only where they are all there is. */
function holdsLost({ entries, text }: Reading): boolean {
  const isLost = (entry: Entry): boolean =>
    typeof entry.value === "string" && (isWhole(entry.value) || isBegun(entry, text));
  const values = entries.filter(({ kind, value }) => kind !== "comment" && (value ?? "") !== "");
  return values.length > 0 ? values.some(isLost) : entries.some(isLost);
}

/** Only what was really encrypted: a text that merely looks like it, in an example for instance, is encrypted as by SOPS. */
function isWhole(value: string): boolean {
  try {
    parseCipher(value.trimStart());
    return true;
  } catch {
    return false;
  }
}

/** What the text ends in the middle of. */
function isBegun({ value, end }: Entry, text: string): boolean {
  const begun = String(value).trimStart();
  return begun.startsWith(CIPHER_HEAD) && !begun.includes("]") && text.slice(end).trim() === "";
}
