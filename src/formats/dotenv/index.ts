import { TsopsError } from "../../errors.ts";
import type { Format } from "../format.ts";
import { valToString } from "../scalar.ts";
import { TreeMap } from "../tree.ts";
import { addBlock, removeBlock, replaceBlock } from "./block.ts";
import { setIn, unsetIn } from "./edit.ts";
import { printDotenv } from "./print.ts";
import { readDotenv } from "./read.ts";
import { ownText, seams } from "./seams.ts";
import { commentText, valueText, withReturn } from "./spell.ts";

/**
 * dotenv as SOPS reads it (docs/internals/sops.md §6): `KEY=value` with everything kept, quotes and blanks and
 * carriage returns among it; `#` at the start of a line makes a comment; `\n` in a value is a line break. A
 * text with a key that starts with `sops_` counts as encrypted.
 *
 * What SOPS refuses is read more kindly: empty lines that end in CR LF, and encrypted files that other programs have
 * been at, which put quotes around the metadata, or CR at the ends of all lines (git's autocrlf).
 */
export const dotenv: Format = {
  name: "dotenv",
  pieces: { are: "lines" },
  read: readDotenv,

  spell(_reading, entry, value) {
    const text = entry.kind === "comment" ? commentText(valToString(value)) : valueText(value);
    return withReturn(entry, text);
  },

  spellCipher: (_reading, entry, cipher) => withReturn(entry, cipher),
  addMetadata: addBlock,
  replaceMetadata: replaceBlock,
  removeMetadata: removeBlock,
  set: setIn,
  unset: unsetIn,
  seams,
  ownText,
  // Windows: in an encrypted file the CR of ciphertexts is inside them, and the metadata has none
  otherLineEnds: (text) =>
    text.replaceAll("\r\n", "\n").replace(/^(?!sops_|[^=\n]*=ENC\[|#ENC\[)([^\n]*)\n/gm, "$1\r\n"),
  // shells know `export`; some libraries quotes around a name, blanks and a colon behind it
  commonName: (key) => /^\s*(?:export\s+)?["'`]*([^\s:="'`]*)/.exec(key)![1]!,
  print: ([tree]) => printDotenv(tree ?? new TreeMap()),

  printValue(value) {
    if (typeof value === "string") return value;
    throw new TsopsError("print", "dotenv can print a single value only if it is a text", {
      hint: "choose another type with --output-type",
    });
  },
};
