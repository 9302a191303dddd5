/** How often each comment has to stand in a merged text. */

import type { Container, Entry, Reading } from "../formats/format.ts";
import type { Sides } from "./sides.ts";

/** A comment as it is counted; a value that an equal key hides (INI) is not the comment of the same text. */
export function commentText({ key, value }: Pick<Entry, "key" | "value">): string {
  return key === undefined ? String(value) : `${key}\0${String(value)}`;
}

export function commentCounts(reading: Reading): Map<string, number> {
  const counts = new Map<string, number>();
  for (const [text, places] of commentPlaces(reading)) {
    counts.set(
      text,
      [...places.values()].reduce((sum, number) => sum + number, 0),
    );
  }
  return counts;
}

/** How often each comment stands at which place. */
type Places = ReadonlyMap<string, ReadonlyMap<string, number>>;

/**
 * Equal comments at different entries are different ones. A place is the entry that a comment stands above, by the keys
 * that lead to it: numbers of list items change with each new one, so a list is one place.
 */
export function commentPlaces({ entries }: Reading): Places {
  const found = new Map<string, Map<string, number>>();
  let next: Entry | undefined;
  for (const entry of entries.toReversed()) {
    if (entry.alias) continue;
    if (entry.kind !== "comment") {
      next = entry;
      continue;
    }
    const text = commentText(entry);
    const place = placeOf(entry, next);
    const places = found.get(text) ?? new Map<string, number>();
    found.set(text, places.set(place, (places.get(place) ?? 0) + 1));
  }
  return found;
}

const LISTED = "list";

function placeOf({ in: holder }: Entry, next: Entry | undefined): string {
  const { document = 0, prefix = "" } = holder ?? {};
  const listed = isListed(holder);
  const key = listed ? undefined : keyIn(holder, next);
  return JSON.stringify([listed ? LISTED : "map", document, prefix, ...(key === undefined ? [] : [key])]);
}

function isListed(holder: Container | undefined): boolean {
  for (let at = holder; at; at = at.parent) if (at.kind === "list") return true;
  return false;
}

/** Under which key of a map an entry is; undefined if it is not in the map. */
function keyIn(holder: Container | undefined, entry: Entry | undefined) {
  if (entry?.in === holder) return entry?.key;
  for (let at = entry?.in; at; at = at.parent) if (at.parent === holder) return at.key;
  return undefined;
}

/** At least and at most how often each comment is wanted. */
export type CommentNumbers = ReadonlyMap<string, Numbers>;

export interface Numbers {
  readonly least: number;
  readonly most: number;
}

const NO_PLACES: ReadonlyMap<string, number> = new Map();

/**
 * What both sides added and took away. That both did the same, or each something of its own, can be told where the places
 * are the same ones; a comment whose place is gone on both sides may have come to another one on each.
 */
export function mergedNumbers(base: Places, a: Places, b: Places): Map<string, Numbers> {
  const merged = new Map<string, Numbers>();
  for (const text of new Set([...a.keys(), ...b.keys()])) {
    const [before, left, right] = [base, a, b].map((places) => places.get(text) ?? NO_PLACES);
    merged.set(text, numbersOf({ base: before!, a: left!, b: right! }));
  }
  return merged;
}

function numbersOf({ base, a, b }: Sides<ReadonlyMap<string, number>>): Numbers {
  let [least, most, moved] = [0, 0, false];
  const all: Sides<number>[] = [];
  for (const place of new Set([...base.keys(), ...a.keys(), ...b.keys()])) {
    const numbers = { base: base.get(place) ?? 0, a: a.get(place) ?? 0, b: b.get(place) ?? 0 };
    all.push(numbers);
    moved ||= numbers.base > Math.max(numbers.a, numbers.b);
    const same = alike(numbers);
    const apart = place.startsWith(`["${LISTED}"`) ? separate(numbers) : same;
    least += Math.min(same, apart);
    most += Math.max(same, apart);
  }
  if (!moved) return { least, most };
  const sum = (side: keyof Sides<number>) => all.reduce((total, numbers) => total + numbers[side], 0);
  const together = alike({ base: sum("base"), a: sum("a"), b: sum("b") });
  return { least: Math.min(least, together), most: Math.max(most, together) };
}

/** The same change on both sides is one change. */
function alike(numbers: Sides<number>): number {
  return numbers.a === numbers.b ? numbers.a : separate(numbers);
}

const separate = ({ base, a, b }: Sides<number>): number => Math.max(a + b - base, 0);
