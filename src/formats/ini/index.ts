import type { Entry, Format } from "../format.ts";
import { json } from "../json/index.ts";
import { valToString } from "../scalar.ts";
import { TreeMap } from "../tree.ts";
import { addBlock, removeBlock, replaceBlock } from "./block.ts";
import { setIn, unsetIn } from "./edit.ts";
import { printIni } from "./print.ts";
import { type IniStyle, readIni } from "./read.ts";
import { ownText, seams } from "./seams.ts";
import { spellCipher, spellComment, spellValue } from "./spell.ts";

/**
 * INI as SOPS reads it with ini.v1 (docs/internals/sops.md §6): sections of texts, at the path [section, key]. What
 * SOPS loses when it reads (all but the last of equal keys, comments at the end, a second comment for the
 * same key) is marked as lost, and encrypted all the same.
 */
export const ini: Format = {
  name: "ini",
  read: readIni,

  spell(_reading, entry, value) {
    const style = styleOf(entry);
    const text = valToString(value);
    if (style.kind === "stray") return text;
    return style.kind === "comment" ? spellComment(text, style) : spellValue(text, style);
  },

  spellCipher(_reading, entry, cipher) {
    const style = styleOf(entry);
    if (style.kind === "stray") return cipher;
    return style.kind === "comment" ? style.mark + cipher + style.tail : spellCipher(cipher, style);
  },

  addMetadata: (reading, metadata) => addBlock(reading, metadata),
  replaceMetadata: (reading, metadata) => replaceBlock(reading, metadata),
  removeMetadata: removeBlock,
  set: setIn,
  unset: unsetIn,
  seams,
  ownText,
  commonName: (key) => key.trim().replace(/^["'`]+|["'`]+$/g, ""),
  print: ([tree]) => printIni(tree ?? new TreeMap()),
  // as SOPS does; a single value has no INI form of its own
  printValue: (value) => json.printValue(value, { indent: 0 }).replaceAll("\n", ""),
};

/** Every entry of an INI reading has one, but for empty sections, which nobody spells. */
function styleOf(entry: Entry): IniStyle {
  return entry.style as IniStyle;
}
