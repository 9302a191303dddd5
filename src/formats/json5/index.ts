import { TsopsError } from "../../errors.ts";
import type { Entry, Format, Reading } from "../format.ts";
import { addBlock, removeBlock, replaceBlock } from "../json/block.ts";
import { openDocument, setIn, unsetIn } from "../json/edit.ts";
import { writeTree } from "../json/print.ts";
import { objectReading, readObject } from "../json/read.ts";
import { printedSpacing } from "../json/spacing.ts";
import type { Scalar } from "../scalar.ts";
import { placeOf, withoutWhiteSpace } from "../text.ts";
import { TreeMap } from "../tree.ts";
import { JSON5_DIALECT, json5String, quoteOf } from "./dialect.ts";

const dialect = JSON5_DIALECT;
const open = (reading: Reading) => objectReading(reading, dialect);

/**
 * JSON5, which SOPS does not know. Values are typed as in JSON: integers of 64 bits (hexadecimal ones and those with a plus, too)
 * are integers, other numbers floats, and Infinity and NaN are floats. Strings keep their quotes.
 *
 * Comments are entries, by the rule of {@link CommentPlacer}: they belong to the innermost object or array around
 * them, in text order, but those that end the line of a value come right before it and are marked inline.
 * Their value is what stands between the marks, blanks included. The metadata is the root's last member `sops`.
 */
export const json5: Format = {
  name: "json5",
  keepsDuplicates: true,
  ours: true,
  read: (text) => readObject(text, dialect),

  spell(reading, entry, value) {
    if (entry.kind === "comment") return spellComment(reading, entry, value);
    return dialect.spell(value, reading.text.slice(entry.start, entry.start + 1));
  },

  spellCipher({ text }, entry, cipher) {
    if (entry.kind === "comment") return cipher;
    return json5String(cipher, quoteOf(text.charAt(entry.start)));
  },

  addMetadata: (reading, metadata, options) => addBlock(open(reading), dialect, metadata, options),
  replaceMetadata: (reading, metadata, options) => replaceBlock(open(reading), dialect, metadata, options),
  removeMetadata: (reading) => removeBlock(open(reading), dialect),
  set: (reading, path, value, options) => setIn(openDocument(open(reading), dialect, options), path, value),
  unset: (reading, path) => unsetIn(openDocument(open(reading), dialect), path),
  /** A comment with its opening mark. */
  ownText:
    ({ text }) =>
    (entry) =>
      withoutWhiteSpace(text.slice(entry.kind === "comment" ? entry.start - 2 : entry.start, entry.end)),
  print: ([first], options) => `${json5.printValue(first ?? new TreeMap(), options)}\n`,
  printValue: (value, options) =>
    writeTree(value, { dialect, spacing: printedSpacing(options), scalar: dialect.print }),
};

/** Only what stands between the marks is replaced, so it must not end the comment. */
function spellComment({ text }: Reading, { start }: Entry, value: Scalar): string {
  const comment = String(value);
  const isBlock = text[start - 1] === "*";
  const ends = isBlock ? comment.includes("*/") : /[\n\r\u2028\u2029]/.test(comment);
  if (!ends) return comment;
  throw new TsopsError("print", `this comment would end early: it holds ${isBlock ? "*/" : "a line break"}`, {
    place: placeOf(text, start),
  });
}
