import { compare } from "../../compare/compare.ts";
import type { EntryDifference } from "../../compare/difference.ts";
import type { Item } from "../../sops/items.ts";
import type { Base } from "./base.ts";

/** The changes from one text to another, entry by entry, in the order of the new text. */
export function changesBetween(before: Base, after: Base): readonly EntryDifference[] {
  return compare(versionOf(before), versionOf(after)).entries;
}

function versionOf({ reading, selected }: Base): { items: Item[]; documents: number } {
  const items = reading.entries.map((entry, i) => ({
    entry,
    value: entry.value,
    encrypted: selected[i] === true,
  }));
  return { items, documents: reading.documents };
}
