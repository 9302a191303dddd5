import type { Kinds } from "./kind.ts";
import { KINDS, kindNamed } from "./table.ts";
import { keysIn } from "./uri.ts";

/** The table of kinds as {@link KeyContext} has it: kinds themselves cannot import the table that is made of them. */
export const TABLE_OF_KINDS: Kinds = { all: KINDS, keysOfUri: keysIn, kindOf: (key) => kindNamed(key.kind) };
