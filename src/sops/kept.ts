/** Ciphertexts of the file before a change, for what did not change. */

import { aadOf, type Entry } from "../formats/format.ts";
import { type Scalar, scalarType } from "../formats/scalar.ts";
import { decodeText, encodeText } from "../formats/text.ts";
import { valueText } from "./cipher.ts";
import type { Decrypted } from "./decrypt.ts";
import type { Plain, Previous } from "./work.ts";

/** What is to be encrypted. */
export interface Wanted extends Omit<Plain, "cipher"> {
  readonly entry: Entry;
  readonly key: string;
}

/** A ciphertext that is there already. */
export interface Kept {
  readonly key: string;
  readonly cipher: string;
  /** What it decrypts to, which says more than the text: SOPS prints the float 1.0 as `1`, and that reads as an int. */
  readonly value: Exclude<Scalar, null>;
  /** How it stood in the encrypted text, and in the plaintext. */
  readonly raw: string;
  readonly spelled: string | undefined;
  readonly inBrackets: boolean;
}

/**
 * For each entry the ciphertext that said the same at the same path, each used once. Equal list items share a path, so
 * what stands before and after the change is matched first: an item next to the changed one keeps its own.
 */
export function keepCiphers(
  { decrypted, others }: Previous,
  wanted: readonly Wanted[],
): (Kept | undefined)[] {
  const known = knownCiphers(decrypted);
  const kept: (Kept | undefined)[] = new Array(wanted.length);
  const shorter = Math.min(known.length, wanted.length);
  let front = 0;
  while (front < shorter && known[front]!.key === wanted[front]!.key) {
    kept[front] = known[front];
    front++;
  }
  let [end, knownEnd] = [wanted.length, known.length];
  while (end > front && knownEnd > front && known[knownEnd - 1]!.key === wanted[end - 1]!.key) {
    kept[--end] = known[--knownEnd];
  }
  const between = new Map<string, Kept[]>();
  for (const one of known.slice(front, knownEnd).reverse()) {
    const list = between.get(one.key);
    if (list) list.push(one);
    else between.set(one.key, [one]);
  }
  for (let i = front; i < end; i++) kept[i] = between.get(wanted[i]!.key)?.pop();
  if (others) keepOthers(others, wanted, kept);
  return kept;
}

/** What is left gets the ciphertexts of other versions, none of which is used a second time. */
function keepOthers(
  others: readonly Decrypted[],
  wanted: readonly Wanted[],
  kept: (Kept | undefined)[],
): void {
  const used = new Set(kept.map((one) => one?.cipher));
  const left = new Map<string, Kept[]>();
  for (const one of others.flatMap(knownCiphers)) {
    const list = left.get(one.key);
    if (list) list.push(one);
    else left.set(one.key, [one]);
  }
  for (const [i, { key }] of wanted.entries()) {
    kept[i] ??= left.get(key)?.find(({ cipher }) => !used.has(cipher));
    used.add(kept[i]?.cipher);
  }
}

function knownCiphers({ reading, items, edits }: Decrypted): Kept[] {
  const known: Kept[] = [];
  const spellings = new Map(edits.map((edit) => [edit.start, edit]));
  for (const { entry, value, encrypted } of items) {
    if (!encrypted || entry.alias || value === undefined || value === null) continue;
    const key = reuseKey(value, entry.kind === "comment", aadOf(entry));
    const { start, end } = entry;
    const edit = spellings.get(start);
    const spelled = edit?.end === end ? edit.text : undefined;
    const raw = reading.text.slice(start, end);
    known.push({ key, cipher: String(entry.value), value, raw, spelled, inBrackets: inBrackets(entry) });
  }
  return known;
}

export const inBrackets = (entry: Entry): boolean => entry.in?.start !== undefined;

/**
 * Ciphertexts of comments for those that stand at another path in the encrypted text than in the plaintext: the one that
 * said the same there, each used once. @param used those that are in the text
 */
export function keptComments(
  previous: Previous | undefined,
  used: Set<string>,
): (value: Plain["value"], aad: string) => string | undefined {
  if (!previous?.sameKey) return () => undefined;
  const left = new Map<string, string[]>();
  for (const { key, cipher } of [previous.decrypted, ...(previous.others ?? [])].flatMap(knownCiphers)) {
    const list = left.get(key);
    if (list) list.push(cipher);
    else left.set(key, [cipher]);
  }
  return (value, aad) => {
    const found = left.get(reuseKey(value, true, aad))?.find((cipher) => !used.has(cipher));
    if (found !== undefined) used.add(found);
    return found;
  };
}

/** Numbers are the same if their bytes are, whichever type they have. */
export function reuseKey(value: Exclude<Scalar, null>, comment: boolean, aad: string): string {
  const type = typeof value === "bigint" || typeof value === "number" ? "number" : scalarType(value);
  const text = valueText(value);
  const seen = text.isWellFormed() ? text : decodeText(encodeText(text));
  return `${comment ? "comment" : type}\0${aad}\0${seen}`;
}
