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

/** Whether what was there before is of use: under a new data key only types are, and texts say those of numbers only. */
export function isOfUse({ sameKey }: Previous, value: Exclude<Scalar, null>): boolean {
  return sameKey || isNumber(value);
}

function isNumber(value: Scalar): boolean {
  return typeof value === "bigint" || typeof value === "number";
}

/**
 * For each entry the ciphertext that said the same at the same path, each used once. Equal list items share a path, so
 * what stands before and after the change is matched first: an item next to the changed one keeps its own.
 * @param wanted what is of use
 */
export function keepCiphers(previous: Previous, wanted: readonly Wanted[]): (Kept | undefined)[] {
  const { decrypted, others } = previous;
  const known = knownCiphers(decrypted, (value) => isOfUse(previous, value));
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
  const between = takerOf(known.slice(front, knownEnd), new Set());
  for (let i = front; i < end; i++) kept[i] = between(wanted[i]!.key);
  if (others) keepOthers(others, wanted, kept);
  return kept;
}

/** What is left gets the ciphertexts of other versions, none of which is used a second time. */
function keepOthers(
  others: readonly Decrypted[],
  wanted: readonly Wanted[],
  kept: (Kept | undefined)[],
): void {
  const used = new Set(kept.flatMap((one) => (one ? [one.cipher] : [])));
  const take = takerOf(
    others.flatMap((each) => knownCiphers(each)),
    used,
  );
  for (const [i, { key }] of wanted.entries()) kept[i] ??= take(key);
}

/** Gives out the first of some ciphertexts with a key that is not used yet, and each once. */
function takerOf(known: readonly Kept[], used: ReadonlySet<string>): (key: string) => Kept | undefined {
  const left = new Map<string, Kept[]>();
  for (const one of known.toReversed()) {
    const list = left.get(one.key);
    if (list) list.push(one);
    else left.set(one.key, [one]);
  }
  const given = new Set<string>();
  return (key) => {
    const list = left.get(key) ?? [];
    for (let one = list.pop(); one; one = list.pop()) {
      if (used.has(one.cipher) || given.has(one.cipher)) continue;
      given.add(one.cipher);
      return one;
    }
    return undefined;
  };
}

function knownCiphers(
  { reading, items, edits }: Decrypted,
  isWanted: (value: Exclude<Scalar, null>) => boolean = () => true,
): Kept[] {
  const known: Kept[] = [];
  const spellings = new Map(edits.map((edit) => [edit.start, edit]));
  for (const { entry, value, encrypted } of items) {
    if (!encrypted || entry.alias || value === undefined || value === null || !isWanted(value)) continue;
    const { start, end } = entry;
    const edit = spellings.get(start);
    const spelled = edit?.end === end ? edit.text : undefined;
    const key = reuseKey(value, entry.kind === "comment", aadOf(entry), spelled);
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
  used: ReadonlySet<string>,
): (value: Plain["value"], aad: string) => string | undefined {
  if (!previous?.sameKey) return () => undefined;
  const all = [previous.decrypted, ...(previous.others ?? [])];
  const take = takerOf(
    all.flatMap((each) => knownCiphers(each)),
    used,
  );
  return (value, aad) => take(reuseKey(value, true, aad, undefined))?.cipher;
}

/**
 * Numbers are the same if their bytes are, whichever type they have. SOPS prints the float -0 as `-0`, which reads as the
 * int 0: there the spelling counts.
 */
export function reuseKey(
  value: Exclude<Scalar, null>,
  comment: boolean,
  aad: string,
  spelled: string | undefined,
): string {
  const number = isNumber(value);
  const type = number ? "number" : scalarType(value);
  const text = number && spelled === "-0" ? spelled : valueText(value);
  const seen = text.isWellFormed() ? text : decodeText(encodeText(text));
  return `${comment ? "comment" : type}\0${aad}\0${seen}`;
}
