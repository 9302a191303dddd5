import type { Format } from "../format.ts";
import { expandAlias } from "./alias.ts";
import { set, unset } from "./edit/edit.ts";
import { addMetadata, removeMetadata, replaceMetadata } from "./metadata.ts";
import { ownText } from "./own.ts";
import { printYaml, printYamlValue } from "./print.ts";
import { composedOf, read } from "./read.ts";
import { aroundComment, spell, spellCipher } from "./spell.ts";
import { strangeTags } from "./strange.ts";

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
