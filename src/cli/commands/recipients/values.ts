import { type Entry, type PathElement, pathOf } from "../../../formats/format.ts";
import { parsePath } from "../../../formats/path.ts";
import { looksEncrypted } from "../../../sops/cipher.ts";
import type { EncryptedFile } from "../../survey.ts";

/** Values of a file that a word names. */
export interface NamedValues {
  readonly path: readonly PathElement[];
  readonly encrypted: number;
  readonly plain: number;
}

/** Whether a word names the value at a path: how many elements of the path it names, or 0. */
export type NamesPath = (path: readonly PathElement[]) => number;

/**
 * A value by its path (`["db"]["password"]`, `db.password`), or by its key alone, wherever that is. It may also name a map or a
 * list: then all values in it are meant.
 */
export function namedValues(word: string): NamesPath {
  const path = word.startsWith("[") ? parsePath(word) : undefined;
  if (path) return (at) => (path.every((element, i) => String(at[i]) === String(element)) ? path.length : 0);
  return (at) => {
    const texts = at.map(String);
    const alone = texts.indexOf(word);
    if (alone >= 0) return alone + 1;
    return texts.findIndex((_, i) => texts.slice(0, i + 1).join(".") === word) + 1;
  };
}

/** What a file has of the values that are named. */
export function valuesIn({ read }: EncryptedFile, names: NamesPath): NamedValues[] {
  const found = new Map<string, { path: readonly PathElement[]; encrypted: number; plain: number }>();
  for (const entry of read.reading.entries) {
    if (entry.kind !== "value") continue;
    const path = pathOf(entry);
    const count = names(path);
    if (count === 0) continue;
    const at = path.slice(0, count);
    const name = JSON.stringify(at.map(String));
    const values = found.get(name) ?? { path: at, encrypted: 0, plain: 0 };
    if (isEncrypted(entry)) values.encrypted++;
    else values.plain++;
    found.set(name, values);
  }
  return [...found.values()];
}

function isEncrypted({ value }: Entry): boolean {
  return typeof value === "string" && looksEncrypted(value);
}
