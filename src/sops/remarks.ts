import { TsopsError } from "../errors.ts";
import { remarksOf } from "../formats/characters.ts";
import { aadOf, type Entry, type Format, type Reading, type Remark } from "../formats/format.ts";
import { placeOf } from "../formats/text.ts";
import { type Decrypted, duplicateWarnings, type Warning } from "./decrypt.ts";
import type { Selection } from "./selection.ts";

/**
 * What is odd about a plaintext that is encrypted: equal keys, and places that SOPS reads in another way than people do. What
 * could be said of the file as it was is not said again.
 */
export function plainWarnings(
  reading: Reading,
  format: Format,
  selection: Selection,
  previous?: Pick<Decrypted, "text">,
): Warning[] {
  const duplicates = format.keepsDuplicates ? duplicateWarnings(reading) : [];
  const remarks = remarkWarnings(reading, selection);
  if (remarks.length === 0 || !previous) return [...duplicates, ...remarks];
  const before = remarkWarnings(format.read(previous.text), selection);
  const known = new Set(before.map(({ message }) => message));
  return [...duplicates, ...remarks.filter(({ message }) => !known.has(message))];
}

/** What is odd about a plaintext: a warning each. What {@link refuseBared} refuses is not among it. */
export function remarkWarnings(reading: Reading, selection: Selection): Warning[] {
  const remarks = remarksOf(reading);
  if (remarks.length === 0) return [];
  const selected = setOf(reading.entries, selection(reading.entries));
  const plain = stayingPlain(remarks, reading, selection, selected);
  return remarks.flatMap((remark) => {
    const { offset, message, hint, quiet, mild, refused } = remark;
    const bare = refused ? selected.has(remark.as ?? remark.of!) : plain.has(remark);
    if ((bare && !mild) || (quiet && !bare)) return [];
    return [{ message: `${message}; ${hint}`, offset }];
  });
}

/**
 * Refuses a text of which SOPS's reading would leave something in plaintext that the selector means to encrypt: the rest
 * of a value that SOPS takes for a comment, a key that it does not see as one. What the file said before passes.
 * @param known what of the entries is selected, where that was asked already.
 * @throws TsopsError("tree-encryption") with the place.
 */
export function refuseBared(
  reading: Reading,
  selection: Selection,
  previous?: Decrypted,
  known?: readonly boolean[],
): void {
  const remarks = remarksOf(reading).filter(({ of, mild }) => of && !mild);
  if (remarks.length === 0) return;
  const selected = setOf(reading.entries, known ?? selection(reading.entries));
  const plain = stayingPlain(remarks, reading, selection, selected);
  const before = previous && saidIn(previous);
  for (const remark of remarks) {
    const { of, refused } = remark;
    if (before?.has(refused ? nameOf(of!) : sayingOf(of!, of!.value))) continue;
    if (refused ? !selected.has(remark.as ?? of!) : !plain.has(remark)) continue;
    const { message, hint, offset } = remark;
    throw new TsopsError("tree-encryption", `${message}: it would stay in plaintext`, {
      hint,
      place: placeOf(reading.text, offset),
    });
  }
}

/**
 * Text of an encrypted file that stays readable although it looks like part of a value that is encrypted, or that no
 * reader of the format sees.
 */
export function readableText(
  reading: Reading,
  selection: Selection,
): Pick<Remark, "message" | "hint" | "offset">[] {
  const remarks = remarksOf(reading);
  if (remarks.length === 0) return [];
  const selected = setOf(reading.entries, selection(reading.entries));
  const plain = stayingPlain(remarks, reading, selection, selected);
  return remarks
    .filter((remark) => {
      if (remark.unseen) return true;
      if (remark.mild) return false;
      return plain.has(remark) || (remark.refused && selected.has(remark.as ?? remark.of!));
    })
    .map(({ message, hint, offset }) => ({ message, hint, offset }));
}

/** What the file as it was says: names, and names with what they stand for. */
function saidIn({ items }: Decrypted): Set<string> {
  return new Set(items.flatMap(({ entry, value }) => [nameOf(entry), sayingOf(entry, value)]));
}

function nameOf(entry: Entry): string {
  return `${entry.kind} ${aadOf(entry)}`;
}

function sayingOf(entry: Entry, value: Entry["value"]): string {
  return `${nameOf(entry)}\0${typeof value === "string" ? value : ""}`;
}

/** The remarks about something that stays plain, where what was meant is selected. */
function stayingPlain(
  remarks: readonly Remark[],
  { entries }: Reading,
  selection: Selection,
  selected: ReadonlySet<Entry>,
): Set<Remark> {
  const pairs = remarks.flatMap((remark) => {
    const { of, as } = remark;
    return of && as ? [{ remark, of, as }] : [];
  });
  if (pairs.length === 0) return new Set();
  const own = new Set(entries);
  const behind = new Map<Entry, Entry[]>();
  for (const { of, as } of pairs) {
    if (own.has(as)) continue;
    const others = behind.get(of);
    if (others) others.push(as);
    else behind.set(of, [as]);
  }
  // a comment applies to what follows it, so a value that was meant is put where it stands
  const asked = entries.flatMap((entry) => [entry, ...(behind.get(entry) ?? [])]);
  const meant = behind.size > 0 ? setOf(asked, selection(asked)) : selected;
  const found = pairs.filter(({ of, as }) => (own.has(as) ? selected : meant).has(as) && !selected.has(of));
  return new Set(found.map(({ remark }) => remark));
}

function setOf(entries: readonly Entry[], selected: readonly boolean[]): Set<Entry> {
  return new Set(entries.filter((_, i) => selected[i]));
}
