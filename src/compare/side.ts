import { scalarType } from "../formats/scalar.ts";
import { looksEncrypted, parseCipher } from "../sops/cipher.ts";
import type { Item } from "../sops/items.ts";
import type { EntryDifference, EntrySide } from "./difference.ts";
import { sameness } from "./node.ts";

/** What of an entry is not as it was. */
export function differencesOf(before: Item, after: Item): EntryDifference["differs"] {
  const [old, now] = [sideOf(before), sideOf(after)];
  const retyped = old.type !== now.type;
  const state = old.state !== now.state && old.state !== "none" && now.state !== "none";
  return [
    ...(sameness(before) === sameness(after) ? [] : ["value" as const]),
    ...(retyped ? ["type" as const] : []),
    ...(state ? ["state" as const] : []),
  ];
}

export function sideOf({ entry, value, encrypted }: Item): EntrySide {
  const plain = value === null || value === "" || value === undefined ? "none" : "plain";
  return { value, type: typeOf(entry.kind, value), state: encrypted ? "encrypted" : plain };
}

/** A ciphertext says what it is of. */
function typeOf(kind: Item["entry"]["kind"], value: Item["value"]): EntrySide["type"] {
  if (kind === "comment") return "comment";
  if (value === null || value === undefined) return "null";
  if (typeof value !== "string" || !looksEncrypted(value)) return scalarType(value);
  try {
    return parseCipher(value).type;
  } catch {
    return "str";
  }
}
