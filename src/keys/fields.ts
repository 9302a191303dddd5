import { TsopsError } from "../errors.ts";
import { inSeconds, Time } from "../formats/scalar.ts";
import { byKey, type Tree, TreeMap } from "../formats/tree.ts";
import { strictBase64 } from "../net/base64.ts";
import type { KeyContext, MasterKey } from "./kind.ts";
import { refuseSecretKey } from "./secret.ts";

/** The fields of a key's entry in the metadata (docs/internals/sops.md §5). */

/**
 * A field as text, weakly typed as SOPS reads it; empty if it is missing.
 * @throws TsopsError("parse") if it is a map, a list or a bare date.
 */
export function textField(fields: TreeMap, name: string): string {
  const value = fields.get(name);
  if (value === undefined || value === null) return "";
  // The library that SOPS reads its metadata with turns booleans into digits.
  if (typeof value === "boolean") return value ? "1" : "0";
  if (typeof value === "object") {
    const what = value instanceof Time ? "a date that is not in quotes" : "not a text";
    throw unreadable(`the ${name} of a master key is ${what}`);
  }
  return String(value);
}

/** A field that must be there. @throws TsopsError("parse") if it is missing or empty. */
export function neededField(fields: TreeMap, name: string, title: string): string {
  const text = textField(fields, name);
  if (text === "") throw unreadable(`${keyOf(title)} in it has no ${name}`);
  return text;
}

function keyOf(title: string): string {
  return `${/^[aeiou]/i.test(title) ? "an" : "a"} ${title} key`;
}

/** Metadata that cannot be read end SOPS with code 1. */
export function unreadable(why: string): TsopsError {
  return new TsopsError("parse", `the file's sops metadata cannot be read: ${why}`, {
    hint: "compare the metadata with the file's last good version in git",
    exit: 1,
  });
}

/** Checks `created_at`, which SOPS wants in all kinds but age. @throws TsopsError("parse") if it is not a time. */
export function checkCreatedAt(fields: TreeMap, title: string): void {
  if (Time.parse(neededField(fields, "created_at", title)) === undefined) {
    throw unreadable(`the created_at of ${keyOf(title)} is not a time in RFC 3339`);
  }
}

/** Fields in the order of their names, as SOPS writes them; undefined ones are left out. */
export function sortedFields(pairs: Iterable<readonly [string, Tree | undefined]>): TreeMap {
  return new TreeMap(TreeMap.of(pairs).entries().sort(byKey));
}

/** A key with some fields given or changed; the others stay, also those that only a later version knows. */
export function withFields(key: MasterKey, changes: Readonly<Record<string, Tree>>): MasterKey {
  const kept = key.fields.entries().filter((entry) => !Object.hasOwn(changes, entry.key));
  const pairs = kept.map((entry): [string, Tree] => [entry.key, entry.value]);
  return { ...key, fields: sortedFields([...pairs, ...Object.entries(changes)]) };
}

/** A key with a new wrapped data key. `created_at` is the key's, not the wrapping's: it is set once. */
export function withWrapped(key: MasterKey, enc: string, context: KeyContext): MasterKey {
  const created = textField(key.fields, "created_at") || inSeconds(context.now());
  return withFields(key, { created_at: created, enc });
}

/** The wrapped data key as bytes. @throws TsopsError("bad-key") if it is missing or damaged. */
export function wrappedKey(key: MasterKey, encoding: "base64" | "base64url" = "base64"): Buffer {
  // Go's decoder, which SOPS uses, passes line breaks over
  const enc = textField(key.fields, "enc").replace(/[\r\n]/g, "");
  const bytes = enc === "" ? undefined : strictBase64(enc, encoding);
  if (bytes) return bytes;
  const what = enc === "" ? "missing" : `damaged: it is not ${encoding}`;
  throw new TsopsError("bad-key", `the wrapped data key is ${what}`, {
    hint: "compare enc of the key in the file's metadata with the file's last good version in git",
  });
}

/**
 * The parts of an identifier list, which commas separate (docs/internals/sops.md §7).
 * @throws TsopsError("usage") if one is empty.
 */
export function splitList(list: string, title: string): string[] {
  refuseSecretKey(list);
  if (list === "") return [];
  const parts = list.split(",");
  if (parts.some((part) => part.trim() === "")) {
    throw new TsopsError("usage", `an entry in the list of ${title} keys is empty`, {
      hint: "commas separate the keys: look for one too many",
    });
  }
  return parts;
}
