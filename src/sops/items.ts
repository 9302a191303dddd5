import { buildTrees } from "../formats/build.ts";
import type { Entry, Reading } from "../formats/format.ts";
import type { Scalar } from "../formats/scalar.ts";
import type { TreeMap } from "../formats/tree.ts";

/** An entry of an encrypted text with what it says. */
export interface Item {
  readonly entry: Entry;
  /** Decrypted where it is a ciphertext; undefined for empty collections. */
  readonly value: Scalar | undefined;
  /** Whether it is a ciphertext. */
  readonly encrypted: boolean;
}

export function valuesOf(items: readonly Item[]): (Scalar | undefined)[] {
  return items.map(({ value }) => value);
}

/** A tree for each document, with the decrypted values. */
export function treesOf({ reading, items }: { reading: Reading; items: readonly Item[] }): TreeMap[] {
  const values = new Map(items.map(({ entry, value }) => [entry, value]));
  return buildTrees(reading.entries, reading.documents, (entry) => values.get(entry));
}
