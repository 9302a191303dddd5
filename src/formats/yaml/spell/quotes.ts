import { yamlFloat } from "../../numbers.ts";
import { type Scalar, Time } from "../../scalar.ts";
import { quoted } from "../print/scalar.ts";

/** Characters that no YAML text may hold as they are, in any style; tabs and line feeds are fine. */
const NOT_RAW = /[\0-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]/u;

/** Whether a text of one line can stand without escapes. */
export const isOneLine = (text: string): boolean => !text.includes("\n") && !NOT_RAW.test(text);
/** The same for several lines. */
export const isLines = (text: string): boolean => !NOT_RAW.test(text);

const NOT_PLAIN_START = /^(?:[\s,[\]{}#&*!|>'"%@`]|(?:---|\.\.\.)(?:\s|$)|-(?:\s|$))/;
const NOT_PLAIN_START_BLOCK = /^[?:](?:\s|$)/;
const NOT_PLAIN = /:(?:[ \t]|$)|[ \t]#|[ \t]$/;
const NOT_PLAIN_FLOW = /^[?:]|[,?[\]{}]/;

/** Whether a text can stand without quotes, whatever type it then has. */
export function canBePlainHere(text: string, flow: boolean): boolean {
  if (text === "" || !isOneLine(text) || NOT_PLAIN_START.test(text) || NOT_PLAIN.test(text)) return false;
  return !(flow ? NOT_PLAIN_FLOW : NOT_PLAIN_START_BLOCK).test(text);
}

export const quoteSingle = (text: string): string => `'${text.replaceAll("'", "''")}'`;

const ESCAPED = /["\\\0-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]/g;

/** A text in double quotes on one line, with no more escapes than needed. */
export function quoteDouble(text: string): string {
  return `"${text.replace(ESCAPED, (char) => quoted({ style: "double", text: char, multiline: false }).slice(1, -1))}"`;
}

/** A text in block style: without quotes if it can be, whatever type it then has. */
export const quoteIfNeeded = (text: string): string =>
  canBePlainHere(text, false) ? text : quoteDouble(text);

/**
 * A value that is no string, as SOPS prints it: the float 1.0 as `1`, which reads as an int (docs/internals/sops.md
 * §6).
 */
export function otherScalar(value: Exclude<Scalar, string>): string {
  if (value instanceof Time) return value.text;
  return typeof value === "number" ? yamlFloat(value) : String(value);
}
