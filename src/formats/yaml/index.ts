import type { Format } from "../format.ts";
import { addMetadata, removeMetadata, replaceMetadata } from "./block.ts";
import { set, unset } from "./edit/edit.ts";
import { printYaml, printYamlValue } from "./print/print.ts";
import { ownText } from "./read/own-text.ts";
import { composedOf, read } from "./read/read.ts";
import { strangeTags } from "./read/strange-tags.ts";
import { expandAlias } from "./spell/alias.ts";
import { aroundComment, spell, spellCipher } from "./spell/spell.ts";

/** YAML as SOPS reads and writes it (SPEC section 6). */
export const yaml: Format = {
  name: "yaml",
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
