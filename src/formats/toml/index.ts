import { TsopsError } from "../../errors.ts";
import type { Entry, Format, Reading } from "../format.ts";
import type { Scalar } from "../scalar.ts";
import { lineEnding, placeOf, withoutWhiteSpace } from "../text.ts";
import { addBlock, removeBlock, replaceBlock } from "./block.ts";
import { setIn, unsetIn } from "./edit.ts";
import { writeInline, writeTable } from "./print.ts";
import { readToml, tomlReading } from "./read.ts";
import type { TomlStyle } from "./scan.ts";
import { styledCipher, styledString, tomlScalar } from "./spell.ts";

/**
 * TOML 1.1, which SOPS does not know. Integers are those of 64 bits (larger ones floats, as in JSON), a date-time
 * with an offset is a point in time. Local dates and times, which SOPS has no type for, are texts.
 *
 * A ciphertext stands in the quotes of the string that it replaces, and in double quotes if that was none. So that
 * a local date comes back without quotes, its ciphertext stands in three single quotes on one line; that of a
 * string in three single quotes always starts on a new line.
 *
 * Comments are entries: they belong to the table whose header they follow, or to the array or inline table whose brackets
 * are around them, in text order. A comment behind a value on its line belongs to the table that this is in; it
 * comes before it and is marked inline unless the value is an array or table. Comments behind the metadata belong
 * to the root.
 *
 * The metadata is the table `[sops]` with its subtables, at the end of the file.
 */
export const toml: Format = {
  name: "toml",
  ours: true,
  read: readToml,

  spell(reading, entry, value) {
    if (entry.kind === "comment") return spellComment(reading, entry, value);
    return typeof value === "string"
      ? styledString(value, styleOf(entry), lineEnding(reading.text))
      : tomlScalar(value);
  },

  spellCipher(_reading, entry, cipher) {
    if (entry.kind === "comment") return cipher;
    return styledCipher(cipher, styleOf(entry));
  },

  addMetadata: (reading, metadata) => addBlock(tomlReading(reading), metadata),
  replaceMetadata: (reading, metadata) => replaceBlock(tomlReading(reading), metadata),
  removeMetadata: (reading) => removeBlock(tomlReading(reading)),
  set: (reading, path, value) => setIn(tomlReading(reading), path, value),
  unset: (reading, path) => unsetIn(tomlReading(reading), path),
  /** The line break behind the three single quotes of a ciphertext says that it is not that of a date. */
  seams({ entries }) {
    const texts = entries.filter(isText).sort((a, b) => a.start - b.start);
    return texts.map(({ start }) => ({ start: start + 3, end: start + 3, text: "\n" }));
  },
  ownText:
    ({ text }) =>
    (entry) =>
      withoutWhiteSpace(text.slice(entry.start, entry.end)) + (isText(entry) ? "\n" : ""),

  print([first]) {
    const lines = first ? writeTable(first, [], "\n") : [];
    return lines.map((line) => `${line}\n`).join("");
  },
  printValue: writeInline,
};

/** In an encrypted text the quotes tell which ciphertext is a date's. */
function styleOf(entry: Entry): TomlStyle {
  const read = readStyle(entry);
  return isLongCipher(entry) && !read.broken ? { date: true } : read;
}

function readStyle({ style }: Entry): TomlStyle {
  return (style ?? {}) as TomlStyle;
}

/** Whether this is the ciphertext of a text in three single quotes. */
function isText(entry: Entry): boolean {
  return isLongCipher(entry) && Boolean(readStyle(entry).broken);
}

function isLongCipher(entry: Entry): boolean {
  const { value } = entry;
  return readStyle(entry).quote === "'''" && typeof value === "string" && value.startsWith("ENC[");
}

function spellComment({ text }: Reading, { start }: Entry, value: Scalar): string {
  const comment = String(value);
  if (!/[\u0000-\u0008\n-\u001f\u007f]/.test(comment)) return comment;
  throw new TsopsError("print", "a TOML comment cannot hold a line break or a control character", {
    place: placeOf(text, start),
  });
}
