import type { Format, Reading } from "../format.ts";
import { TreeMap } from "../tree.ts";
import { addBlock, removeBlock, replaceBlock } from "./block.ts";
import { JSON_DIALECT } from "./dialect.ts";
import { openDocument, setIn, unsetIn } from "./edit.ts";
import { writeTree } from "./print.ts";
import { objectReading, readObject } from "./read.ts";
import { printedSpacing } from "./spacing.ts";
import { goJsonString } from "./spell.ts";

const dialect = JSON_DIALECT;
const open = (reading: Reading) => objectReading(reading, dialect);

/**
 * JSON as SOPS reads and prints it (docs/internals/sops.md §6): the root is an object, duplicate keys are kept,
 * integers of 64 bits are integers and all other numbers floats. The metadata is the root's member `sops`. Text behind
 * the root, which SOPS drops, is refused.
 */
export const json: Format = {
  name: "json",
  pieces: { are: "members" },
  keepsDuplicates: true,
  noComments: true,
  read: (text) => readObject(text, dialect),
  // as SOPS prints it: where the plaintext had it otherwise, the layout says so
  spell: (_reading, entry, value) => (entry.kind === "comment" ? "" : dialect.print(value)),
  spellCipher: (_reading, _entry, cipher) => goJsonString(cipher),
  addMetadata: (reading, metadata, options) => addBlock(open(reading), dialect, metadata, options),
  replaceMetadata: (reading, metadata, options) => replaceBlock(open(reading), dialect, metadata, options),
  removeMetadata: (reading) => removeBlock(open(reading), dialect),
  set: (reading, path, value, options) => setIn(openDocument(open(reading), dialect, options), path, value),
  unset: (reading, path) => unsetIn(openDocument(open(reading), dialect), path),
  // SOPS prints the first document and drops the others.
  print: ([first], options) => `${json.printValue(first ?? new TreeMap(), options)}\n`,
  printValue: (value, options) =>
    writeTree(value, { dialect, spacing: printedSpacing(options), scalar: dialect.print }),
};
