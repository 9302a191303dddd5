import type { Entry } from "../formats/format.ts";
import type { Scalar } from "../formats/scalar.ts";

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
