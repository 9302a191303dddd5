import { createHash } from "node:crypto";
import { closedItems } from "../../../compare/compare.ts";
import { sideOf } from "../../../compare/side.ts";
import { TsopsError } from "../../../errors.ts";
import { applyEdits } from "../../../formats/text.ts";
import type { EncryptedText } from "../../../sops/decrypt.ts";

/**
 * An encrypted text with words in the place of its ciphertexts, and without its metadata. The words say a type, and
 * some digits that change when the ciphertext does: they are made from what is in git anyway. No key is needed.
 */
export function hiddenText(encrypted: EncryptedText): string {
  const { format, reading } = encrypted;
  const items = closedItems(encrypted).filter((item) => item.encrypted);
  const words = items.map((item) => ({ item, word: wordFor(String(item.value), sideOf(item).type) }));
  if (format.wrapper) return words.map(({ word }) => `${word}\n`).join("");
  const edits = words.map(({ item: { entry }, word }) => ({
    start: entry.start,
    end: entry.end,
    text: spelled(() => format.spell(reading, entry, word), word),
  }));
  return applyEdits(reading.text, [...edits, ...format.removeMetadata(reading)]);
}

function wordFor(cipher: string, type: string): string {
  const digits = createHash("sha256").update(cipher).digest("hex").slice(0, 8);
  return `hidden ${type} ${digits}`;
}

function spelled(spell: () => string, word: string): string {
  try {
    return spell();
  } catch (error) {
    if (error instanceof TsopsError) return word;
    throw error;
  }
}
