import type { Format } from "../format.ts";
import { addMetadata, removeMetadata, replaceMetadata } from "./block.ts";
import { set, unset } from "./edit/edit.ts";
import { printYaml, printYamlValue } from "./print/print.ts";
import { ownText } from "./read/own-text.ts";
import { composedOf, read } from "./read/read.ts";
import { strangeTags } from "./read/strange-tags.ts";
import { expandAlias } from "./spell/alias.ts";
import { aroundComment, spell, spellCipher } from "./spell/spell.ts";

/**
 * YAML as SOPS reads and writes it (docs/internals/sops.md §6). A text passes three stages, each a folder:
 *
 *     # a        scan     pieces  HEAD "# a"
 *     k: [1]              tokens  MAP KEY PLAIN COLON FLOW_SEQ PLAIN FLOW_SEQ_END END
 *                compose  nodes   a map with the key `k`, which has the comment "# a", and a list with the scalar `1`
 *                read     entries a comment " a", and a value 1 at ["k", 0]: each with its span in the text
 *
 * `spell/` says what stands in a span for a value, `edit/` changes a plaintext, `print/` writes a tree as SOPS does.
 */
export const yaml: Format = {
  name: "yaml",
  // an anchor or alias; in other texts it may be anything
  pieces: { are: "lines", linked: /(?:^|[\s\x85,[{:?-])[&*][^\s,[\]{}]/m },
  breaksAtEnd: true,
  read,
  spell,
  spellCipher,
  aroundComment,
  expandAlias,
  addMetadata,
  replaceMetadata,
  removeMetadata,
  set,
  unset,
  seams: (reading) => composedOf(reading).seams,
  ownText,
  strangeTags,
  print: (documents, options) => printYaml(documents, options.indent),
  printValue: (value) => printYamlValue(value),
};
