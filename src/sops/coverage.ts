import { type Entry, type Format, type PathElement, pathOf } from "../formats/format.ts";
import type { Decrypted } from "./decrypt.ts";
import { compileSelector, type Selector, selectorIn } from "./selection.ts";

/** A value or a comment, by where it stands. */
export interface Bare {
  readonly kind: "value" | "comment";
  readonly path: readonly PathElement[];
}

/** What another selector would change in an open file. */
export interface CoverageChange {
  /** Encrypted now, and plain then. */
  readonly bared: readonly Bare[];
  /** Plain now, and encrypted then. */
  readonly covered: readonly Bare[];
}

/** What would be plain, and what encrypted, if a file had this selector instead of its own. */
export async function coverageChange(
  { items, text }: Decrypted,
  format: Format,
  selector: Selector,
): Promise<CoverageChange> {
  if (!selectorIn(format, selector)) return { bared: [], covered: [] };
  const secret = new Set(items.filter(({ encrypted }) => encrypted).map(({ entry }) => placeText(entry)));
  const plain = format.read(text);
  const selected = (await compileSelector(selector))(plain.entries);
  const full = plain.entries.flatMap((entry, i) => {
    const { value } = entry;
    return value === undefined || value === null || value === "" ? [] : [{ entry, selected: selected[i]! }];
  });
  return {
    bared: places(full.filter((e) => !e.selected && secret.has(placeText(e.entry)))),
    covered: places(full.filter((e) => e.selected && !secret.has(placeText(e.entry)))),
  };
}

function placeText(entry: Entry): string {
  return JSON.stringify([entry.kind, pathOf(entry)]);
}

/** Each place once: several comments may stand at one. */
function places(found: readonly { readonly entry: Entry }[]): Bare[] {
  const byPlace = new Map(found.map(({ entry }) => [placeText(entry), entry]));
  return [...byPlace.values()].map((entry) => ({
    kind: entry.kind === "comment" ? "comment" : "value",
    path: pathOf(entry),
  }));
}
