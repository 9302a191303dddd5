import type { Reading } from "../formats/format.ts";
import { looksEncrypted } from "../sops/cipher.ts";
import type { EncryptedText } from "../sops/decrypt.ts";
import type { Item } from "../sops/items.ts";
import type { Selector } from "../sops/selection.ts";
import type { AccessDifference, Change, Difference, GroupedKey } from "./difference.ts";
import { compareDocuments } from "./entries.ts";
import { nodesOf } from "./node.ts";

/** One of two documents that are compared, as far as it is known. */
export interface Version {
  readonly items: readonly Item[];
  readonly documents: number;
  /** Undefined if it is not encrypted. */
  readonly access?: Access;
}

/** Who can open a file, and what is encrypted in it. */
export interface Access {
  readonly groups: readonly (readonly { readonly kind: string; readonly id: string }[])[];
  /** How many groups are needed. */
  readonly threshold: number;
  /** Undefined where the file is one value. */
  readonly selector: Selector | undefined;
  readonly macOnlyEncrypted: boolean;
  readonly sealed: boolean;
}

/** The items of a document that is not encrypted. */
export function plainItems({ entries }: Pick<Reading, "entries">): Item[] {
  return entries.map((entry) => ({ entry, value: entry.value, encrypted: false }));
}

/**
 * The items of an encrypted document that was not opened, or of one that is compared with such a one: the values are the
 * ciphertexts.
 */
export function closedItems({ reading }: Pick<EncryptedText, "reading">): Item[] {
  return reading.entries.map((entry) => {
    const encrypted = typeof entry.value === "string" && looksEncrypted(entry.value);
    return { entry, value: entry.value, encrypted };
  });
}

/**
 * Compares two versions of a document, or one with nothing. Both have to be opened, or neither: a ciphertext and what it
 * opens to are two values.
 */
export function compare(
  before: Version | undefined,
  after: Version | undefined,
  sameDataKey?: boolean,
): Difference {
  const [old, now] = [before, after].map((version) =>
    version ? nodesOf(version.items, version.documents) : [],
  );
  return {
    entries: compareDocuments(old!, now!),
    access: compareAccess(before, after),
    sameDataKey: before?.access && after?.access ? sameDataKey : undefined,
  };
}

function compareAccess(before: Version | undefined, after: Version | undefined): AccessDifference {
  const [old, now] = [before?.access, after?.access];
  const [keys, others] = [keysOf(old), keysOf(now)];
  const lists = { added: missingIn(keys, others), removed: missingIn(others, keys) };
  if (!old || !now) {
    if (old === now || !before || !after) return lists;
    return { ...lists, encryption: now ? "encrypted" : "decrypted" };
  }
  return {
    ...lists,
    threshold: changeOf(old.threshold, now.threshold),
    selector: changeOf(old.selector, now.selector, (a, b) => a?.kind === b?.kind && a?.value === b?.value),
    macOnlyEncrypted: changeOf(old.macOnlyEncrypted, now.macOnlyEncrypted),
    sealed: changeOf(old.sealed, now.sealed),
  };
}

function keysOf(access: Access | undefined): GroupedKey[] {
  const groups = access?.groups ?? [];
  return groups.flatMap((keys, group) => keys.map(({ kind, id }) => ({ kind, id, group })));
}

/** Of the second list, what the first does not have. */
function missingIn(first: readonly GroupedKey[], second: readonly GroupedKey[]): GroupedKey[] {
  const known = new Set(first.map(({ kind, id, group }) => JSON.stringify([kind, id, group])));
  return second.filter(({ kind, id, group }) => !known.has(JSON.stringify([kind, id, group])));
}

function changeOf<T>(before: T, after: T, same: (a: T, b: T) => boolean = Object.is): Change<T> | undefined {
  return same(before, after) ? undefined : { before, after };
}
