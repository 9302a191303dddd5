import type { FormatName } from "../format.ts";
import { jsonFloat } from "../numbers.ts";
import { type Scalar, Time } from "../scalar.ts";
import { JsonScanner, type Scanner } from "./scan.ts";
import { goJsonString, jsonString } from "./spell.ts";

/** What tells JSON and JSON5 apart; all else they share. */
export interface Dialect {
  readonly name: FormatName;
  /** A scanner before the first token at or after an offset. */
  scan(text: string, at?: number): Scanner;
  /** Whether a comma may stand after the last member or item. */
  readonly trailingCommas: boolean;
  readonly comments: boolean;
  /**
   * A value that is set, as text that reads as the same value and type; in JSON a float without a fraction is spelled
   * as SOPS prints it. `like` is the text in whose place it comes, so that quotes can stay what they are.
   */
  spell(value: Scalar, like: string): string;
  /** A value as a printed file has it. @throws TsopsError("print") if the format has no such value. */
  print(value: Scalar): string;
  /** A key; `like` is the key of a neighbour, undefined in a printed file. */
  key(name: string, like?: string): string;
}

export const JSON_DIALECT: Dialect = {
  name: "json",
  scan: (text, at) => new JsonScanner(text, at),
  trailingCommas: false,
  comments: false,
  // SOPS prints the float 1.0 as `1` (docs/internals/sops.md §6), and people compare what it prints
  spell: (value) => jsonScalar(value, jsonString),
  print: (value) => jsonScalar(value, goJsonString),
  key: (name, like) => (like === undefined ? goJsonString : jsonString)(name),
};

function jsonScalar(value: Scalar, quote: (text: string) => string): string {
  if (typeof value === "string") return quote(value);
  if (value instanceof Time) return quote(value.text);
  return typeof value === "number" ? jsonFloat(value) : String(value);
}
