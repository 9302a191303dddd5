import { yamlFloat } from "../../numbers.ts";
import { type Scalar, Time } from "../../scalar.ts";
import { encodeText, firstBadByte } from "../../text.ts";
import { resolvePlain } from "../read/resolve.ts";

/** How SOPS spells one scalar (docs/internals/sops.md §6): its style, and what stands there. */
export interface Spelling {
  readonly style: "plain" | "single" | "double" | "literal";
  /** Stands before the text: `!!merge` for `<<`, `!!binary` for bytes that are not UTF-8. */
  readonly tag?: "!!merge" | "!!binary";
  /** The text itself, not escaped. */
  readonly text: string;
  /** Line breaks in the text: such a key is written with `? `. */
  readonly multiline: boolean;
}

/** Where a scalar stands: both allow less than a value in block style does. */
export interface Place {
  /** A key on the line of its value. */
  readonly simpleKey?: boolean;
  /** Inside `[…]` or `{…}`. */
  readonly flow?: boolean;
}

/**
 * YAML 1.1's booleans, which SOPS reads as strings and still writes in quotes, as it does numbers to base
 * 60.
 */
const OLD_BOOLEAN = /^(?:[yYnN]|yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF)$/;
const OLD_NUMBER = /^[-+]?\d[\d_]*(?::[0-5]?\d)+(?:\.[\d_]*)?$/;

/** Chooses the style for a value. */
export function spellAsSops(value: Scalar, place: Place = {}): Spelling {
  if (typeof value !== "string") return { style: "plain", text: otherText(value), multiline: false };
  if (!value.isWellFormed()) {
    if (firstBadByte(value) >= 0) return spellBytes(value, place);
    value = value.toWellFormed();
  }
  const multiline = /[\r\n\x85\u2028\u2029]/.test(value);
  const double = { style: "double", text: value, multiline } as const;
  if (value.includes("\n")) {
    return place.simpleKey || place.flow || !canBeLiteral(value) ? double : { ...double, style: "literal" };
  }
  // "" is null without quotes
  if (!meansItself(value)) return double;
  const tag = value === "<<" ? "!!merge" : undefined;
  if (canBePlain(value, place.flow ?? false)) return { style: "plain", tag, text: value, multiline };
  return canBeSingle(value) ? { ...double, style: "single" } : double;
}

function otherText(value: Exclude<Scalar, string>): string {
  if (typeof value === "number") return yamlFloat(value);
  return value instanceof Time ? value.text : String(value);
}

export function meansItself(text: string): boolean {
  return typeof resolvePlain(text) === "string" && !OLD_BOOLEAN.test(text) && !OLD_NUMBER.test(text);
}

/** Long ones are broken at 70 characters, each line ended. */
function spellBytes(value: string, place: Place): Spelling {
  const base64 = encodeText(value).toString("base64");
  const tag = "!!binary";
  if (base64.length < 70) return { style: "plain", tag, text: base64, multiline: false };
  const text = base64.replace(/.{1,70}/g, "$&\n");
  return { style: place.simpleKey || place.flow ? "double" : "literal", tag, text, multiline: true };
}

/** What YAML does not allow without escapes, and what SOPS escapes all the same: characters beyond U+FFFF. */
const UNPRINTABLE = /[^\t\n\x20-\x7e\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd]/u;
/**
 * Line breaks for SOPS but not for YAML 1.2: raw ones would be read differently, so they are always
 * escaped.
 */
const OTHER_BREAK = /[\u2028\u2029]/;

/**
 * A blank before a line break or at the end would be lost. A first line that starts with a tab SOPS cannot
 * read: it prints null there (docs/internals/sops.md §10).
 */
function canBeLiteral(text: string): boolean {
  return !/ (?:[\n\u2028\u2029]|$)|^\t/.test(text) && !UNPRINTABLE.test(text) && !OTHER_BREAK.test(text);
}

/** For text of one line. */
function canBeSingle(text: string): boolean {
  return !text.includes("\t") && !UNPRINTABLE.test(text) && !OTHER_BREAK.test(text);
}

/** What makes a plain scalar something else, in block and in flow style. */
const INDICATOR = /^(?:---|\.\.\.|[#,[\]{}&*!|>'"%@`]|[-?:](?:[ \t]|$))|:(?:[ \t]|$)|[ \t\0]#/;
const FLOW_INDICATOR = /^[?]|[,?[\]{}:]/;

function canBePlain(text: string, flow: boolean): boolean {
  if (/^ | $|\t/.test(text) || INDICATOR.test(text) || (flow && FLOW_INDICATOR.test(text))) return false;
  return !UNPRINTABLE.test(text) && !OTHER_BREAK.test(text);
}

/** The text in quotes, as SOPS escapes it. */
export function quoted({ style, text }: Spelling): string {
  if (style === "single") return `'${text.replaceAll("'", "''")}'`;
  // a BOM at the start makes the library escape all that follows
  const escaped = text.startsWith("\ufeff") ? /[\s\S]/gu : ESCAPED;
  return `"${text.replace(escaped, escapeSequence)}"`;
}

const ESCAPED = /["\\\n\u2028\u2029]|[^\n\x20-\x7e\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd]/gu;

const SHORT: ReadonlyMap<string, string> = new Map([
  ["\0", "0"],
  ["\x07", "a"],
  ["\b", "b"],
  ["\t", "t"],
  ["\n", "n"],
  ["\v", "v"],
  ["\f", "f"],
  ["\r", "r"],
  ["\x1b", "e"],
  ['"', '"'],
  ["\\", "\\"],
  ["\x85", "N"],
  ["\xa0", "_"],
  ["\u2028", "L"],
  ["\u2029", "P"],
]);

function escapeSequence(char: string): string {
  const short = SHORT.get(char);
  if (short !== undefined) return `\\${short}`;
  const code = char.codePointAt(0)!;
  const hex = code.toString(16).toUpperCase();
  if (code <= 0xff) return `\\x${hex.padStart(2, "0")}`;
  return code <= 0xffff ? `\\u${hex.padStart(4, "0")}` : `\\U${hex.padStart(8, "0")}`;
}

/**
 * What stands after the `|` of a literal. The digit says by how much its lines are indented more than the
 * collection around it, where the text itself starts with a blank or an empty line. (SOPS always writes the
 * file's own indent, which is wrong inside lists: such files cannot be read again.)
 */
export function literalHeader(text: string, deeper: number): string {
  const digit = /^[ \n]/.test(text) ? String(deeper) : "";
  let chomp = text.endsWith("\n") ? "" : "-";
  if (/^\n$|\n\n$/.test(text)) chomp = "+";
  return `|${digit}${chomp}`;
}

/** Where {@link yamlScalar}'s scalar is to stand. */
export interface ScalarContext extends Place {
  /** The column of a literal's lines, from 0. */
  readonly indent: number;
  /** The column of the collection that holds the scalar, -1 at the root of a document. */
  readonly outer: number;
}

/**
 * One scalar as SOPS prints it: plain, in quotes, or as a literal with its lines at the given column. What
 * follows must start with a line break: a literal's last line has none here, even where the value ends in
 * one.
 */
export function yamlScalar(value: Scalar, context: ScalarContext): string {
  const spelling = spellAsSops(value, context);
  const tag = spelling.tag ? `${spelling.tag} ` : "";
  if (spelling.style === "plain") return tag + spelling.text;
  if (spelling.style !== "literal") return tag + quoted(spelling);
  const { text } = spelling;
  const header = literalHeader(text, context.indent - Math.max(context.outer, 0));
  const lines = (text.endsWith("\n") ? text.slice(0, -1) : text).split("\n");
  const pad = " ".repeat(context.indent);
  return `${tag}${header}\n${lines.map((line) => (line === "" ? "" : pad + line)).join("\n")}`;
}
