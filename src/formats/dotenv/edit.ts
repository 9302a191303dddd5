import { TsopsError } from "../../errors.ts";
import type { Entry, PathElement, Reading } from "../format.ts";
import type { Edit } from "../text.ts";
import { type Tree, TreeList, TreeMap } from "../tree.ts";
import { metadataRuns, newlineOf, removal } from "./block.ts";
import { afterLine } from "./lines.ts";
import { PREFIX } from "./read.ts";
import { checkedKey, complex, givenText, withReturn } from "./spell.ts";

/** Edits that give a key this value, on its line or on a new one. */
export function setIn(reading: Reading, path: readonly PathElement[], value: Tree): Edit[] {
  const key = keyOf(path);
  if (path.length > 1 || value instanceof TreeMap || value instanceof TreeList) throw complex(key);
  if (key.startsWith(PREFIX)) {
    throw new TsopsError("already-encrypted", "a dotenv key that starts with sops_ would be metadata", {
      hint: "choose another name; in upper case, SOPS_, it is fine",
    });
  }
  const text = givenText(value);
  const entry = entryOf(reading, key);
  if (entry) return [{ start: entry.start, end: entry.end, text: withReturn(entry, text) }];
  return [insertion(reading, `${checkedKey(key)}=${text}`)];
}

/** Edits that take a key away with its line. */
export function unsetIn(reading: Reading, path: readonly PathElement[]): Edit[] {
  const entry = entryOf(reading, keyOf(path));
  if (!entry || path.length > 1) throw badPath();
  const { text } = reading;
  const start = text.lastIndexOf("\n", entry.start - 1) + 1;
  return [removal(reading)({ start, end: afterLine(text, entry.end) })];
}

/** A new line behind all others but the metadata at the end. */
function insertion(reading: Reading, line: string): Edit {
  const { text } = reading;
  const newline = newlineOf(reading);
  const last = metadataRuns(reading).at(-1);
  if (last?.end === text.length) return { start: last.start, end: last.start, text: line + newline };
  const open = text !== "" && !text.endsWith("\n");
  return { start: text.length, end: text.length, text: open ? newline + line : line + newline };
}

function keyOf([key]: readonly PathElement[]): string {
  if (typeof key !== "string") throw badPath();
  return key;
}

/** SOPS reads and sets the first of equal keys. */
function entryOf({ entries }: Reading, key: string): Entry | undefined {
  return entries.find((entry) => entry.key === key);
}

function badPath(): TsopsError {
  return new TsopsError("bad-path", "a path in a dotenv file is one key", { hint: 'write ["KEY"]' });
}
