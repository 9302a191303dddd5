import type { PathElement } from "../formats/format.ts";
import type { Scalar, ScalarType } from "../formats/scalar.ts";
import type { Selector } from "../sops/selection.ts";

/** How two versions of a document differ. Plain data: what shows it decides which values may be seen. */
export interface Difference {
  /** In the order of the newer document; what was removed stands where it was. */
  readonly entries: readonly EntryDifference[];
  readonly access: AccessDifference;
  /** Whether the two have the same data key; undefined if that is not known, or one is not encrypted. */
  readonly sameDataKey: boolean | undefined;
}

export interface EntryDifference {
  readonly change: "added" | "removed" | "changed" | "moved";
  readonly kind: EntryKind;
  /** Of a YAML file, counted from 0. */
  readonly document: number;
  /** Where it is; where it was, if it was removed. For a comment the map or list that it is in. */
  readonly path: readonly PathElement[];
  /** Where it was, if that is another path. */
  readonly from?: readonly PathElement[];
  /** For a comment: the key or index of what follows it in its map or list; undefined at the end. */
  readonly next?: PathElement;
  readonly before?: EntrySide;
  readonly after?: EntrySide;
  /** What of a changed entry is not as it was; empty otherwise. */
  readonly differs: readonly ("value" | "type" | "state")[];
}

/** Maps and lists come by themselves only where they are empty, or moved as a whole. */
export type EntryKind = "value" | "comment" | "map" | "list";

export interface EntrySide {
  /** Undefined for maps and lists. Where no key opened the document, the ciphertext. */
  readonly value: Scalar | undefined;
  readonly type: ScalarType | "null" | "comment" | "map" | "list";
  /** `none` for what is never encrypted: null, empty texts, empty maps and lists. */
  readonly state: "encrypted" | "plain" | "none";
}

/** What differs of who can open a file, and of what is encrypted in it; what is as it was is undefined. */
export interface AccessDifference {
  /** The file became an encrypted one, or is none any more. */
  readonly encryption?: "encrypted" | "decrypted";
  readonly added: readonly GroupedKey[];
  readonly removed: readonly GroupedKey[];
  /** How many key groups are needed. */
  readonly threshold?: Change<number>;
  readonly selector?: Change<Selector | undefined>;
  readonly macOnlyEncrypted?: Change<boolean>;
  readonly sealed?: Change<boolean>;
}

export interface Change<T> {
  readonly before: T;
  readonly after: T;
}

/** A master key, by what its kind calls it; the group is counted from 0. */
export interface GroupedKey {
  readonly kind: string;
  readonly id: string;
  readonly group: number;
}

/** Whether anything differs. */
export function isDifferent({ entries, access, sameDataKey }: Difference): boolean {
  return entries.length > 0 || isAccessDifferent(access) || sameDataKey === false;
}

export function isAccessDifferent({ added, removed, ...changes }: AccessDifference): boolean {
  return added.length + removed.length > 0 || Object.values(changes).some((change) => change !== undefined);
}
