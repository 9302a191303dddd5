/** Whether two readings say the same. */

import { aadOf, type Entry } from "../formats/format.ts";
import { type Scalar, sameScalar } from "../formats/scalar.ts";
import { valueBytes } from "./cipher.ts";
import type { Item } from "./items.ts";

/** What an entry says. */
export type Said = Pick<Item, "entry" | "value">;

/** Whether entries have these values, in this order, at these paths. */
export function sayTheSame(entries: readonly Entry[], said: readonly Said[]): boolean {
  const wanted = said.filter(({ entry }) => entry.kind !== "comment");
  const found = entries.filter((entry) => entry.kind !== "comment");
  return (
    found.length === wanted.length &&
    found.every((entry, i) => {
      const { entry: other, value } = wanted[i]!;
      if (entry.kind !== other.kind || aadOf(entry) !== aadOf(other) || entry.key !== other.key) return false;
      return entry.kind !== "value" || sameContent(entry.value!, value!);
    })
  );
}

/** Equal values; numbers also across types, since SOPS prints the float 1.0 as `1` (docs/internals/sops.md §6). */
export function sameContent(a: Scalar, b: Scalar): boolean {
  const numbers = [a, b].every((value) => typeof value === "bigint" || typeof value === "number");
  return numbers ? valueBytes(a!).equals(valueBytes(b!)) : sameScalar(a, b);
}

export const saidBy = (entry: Entry): Said => ({ entry, value: entry.value });
