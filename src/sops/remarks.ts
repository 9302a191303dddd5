import { TsopsError } from "../errors.ts";
import { remarksOf } from "../formats/characters.ts";
import { aadOf, type Entry, type Reading, type Remark } from "../formats/format.ts";
import { placeOf } from "../formats/text.ts";
import type { Decrypted, Warning } from "./decrypt.ts";
import type { Selection } from "./selection.ts";

/** What is odd about a plaintext: a warning each. What {@link refuseBared} refuses is not among it. */
export function remarkWarnings(reading: Reading, selection: Selection): Warning[] {
  return remarksOf(reading).flatMap((remark) => {
    const { offset, message, hint, quiet, mild } = remark;
    const bare = staysPlain(remark, reading, selection);
    if (remark.refused || (bare && !mild) || (quiet && !bare)) return [];
    return [{ message: `${message}; ${hint}`, offset }];
  });
}

/**
 * Refuses a text of which SOPS's reading would leave something in plaintext that the selector means to encrypt: the rest
 * of a value that SOPS takes for a comment, a key that it does not see as one. What the file said before passes.
 * @throws TsopsError("tree-encryption") with the place.
 */
export function refuseBared(reading: Reading, selection: Selection, previous?: Decrypted): void {
  const remarks = remarksOf(reading).filter(({ of, mild }) => of && !mild);
  if (remarks.length === 0) return;
  const before = previous && saidIn(previous);
  for (const remark of remarks) {
    const { of, refused } = remark;
    if (before?.has(refused ? nameOf(of!) : sayingOf(of!, of!.value))) continue;
    if (!refused && !staysPlain(remark, reading, selection)) continue;
    const { message, hint, offset } = remark;
    throw new TsopsError("tree-encryption", `${message}: it would stay in plaintext`, {
      hint,
      place: placeOf(reading.text, offset),
    });
  }
}

/** What the file as it was says: names, and names with what they stand for. */
function saidIn({ reading, values }: Decrypted): Set<string> {
  return new Set(reading.entries.flatMap((entry, i) => [nameOf(entry), sayingOf(entry, values[i])]));
}

function nameOf(entry: Entry): string {
  return `${entry.kind} ${aadOf(entry)}`;
}

function sayingOf(entry: Entry, value: Entry["value"]): string {
  return `${nameOf(entry)}\0${typeof value === "string" ? value : ""}`;
}

function staysPlain({ of, as }: Remark, { entries }: Reading, selection: Selection): boolean {
  if (!of || !as) return false;
  const at = entries.indexOf(of);
  // a comment applies to what follows it, so the value that was meant is put where it stands
  const asked = entries.includes(as) ? entries : [...entries.slice(0, at + 1), as, ...entries.slice(at + 1)];
  const selected = selection(asked);
  return selected[asked.indexOf(as)]! && !selected[at]!;
}
