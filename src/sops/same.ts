/** Whether two readings say the same. */

import { aadOf, type Entry, type Format, type Reading } from "../formats/format.ts";
import { type Scalar, sameScalar } from "../formats/scalar.ts";
import { applyEdits } from "../formats/text.ts";
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

/**
 * Whether a draft says all that its plaintext says. Where the metadata stand in the middle, a comment right below them
 * is one of theirs to SOPS, so that it would stay as it is; without them it can come to be text of the value above.
 */
export function saysAll(draft: Reading, plain: Reading): boolean {
  return sayTheSame(draft.entries, plain.entries.map(saidBy)) && sameComments(draft, plain);
}

/** The plaintext of a draft, if that says more than the draft does. */
export function plainThatSaysMore(draft: Reading, format: Format): string | undefined {
  if (format.wrapper) return undefined;
  const removal = format.removeMetadata(draft);
  const behind = removal.map(({ end }) => draft.text.slice(end).trimStart());
  if (!behind.some((text) => COMMENT.test(text))) return undefined;
  const plain = applyEdits(draft.text, removal);
  return saysAll(draft, format.read(plain)) ? undefined : plain;
}

const COMMENT = /^(?:[#;]|\/[/*])/;

export const saidBy = (entry: Entry): Said => ({ entry, value: entry.value });

function sameComments(a: Reading, b: Reading): boolean {
  const [some, others] = [commentsOf(a), commentsOf(b)];
  return some.length === others.length && some.every((text, i) => text === others[i]);
}

/** In no order: with the metadata gone, comments can belong to other values. */
function commentsOf({ entries }: Reading): string[] {
  return entries
    .filter(({ kind, alias }) => kind === "comment" && !alias)
    .map(({ value }) => String(value))
    .sort();
}
