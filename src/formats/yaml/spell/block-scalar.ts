import type { Style } from "../compose/nodes.ts";
import { isBlank, isBreak, isBreakz } from "../scan/chars.ts";
import { isLines } from "./quotes.ts";

/** Where a block scalar is to stand, and the style that it should keep if it can. */
export interface BlockPlace {
  readonly style: Style;
  /** Column of the collection around it, -1 at the root. */
  readonly outer: number;
  /** Column of its lines. */
  readonly indent: number;
  readonly digit: number;
  readonly chomp: "" | "-" | "+";
  /** End of the span in the text. */
  readonly end: number;
}

/** A block scalar with its header, or undefined if the value cannot be one here. */
export function writeBlock(text: string, at: BlockPlace, value: string, eol: string): string | undefined {
  if (!isLines(value)) return undefined;
  const chomp = chompFor(text, at, value);
  if (chomp === undefined) return undefined;
  let { digit } = at;
  if (digit === 0 && needsDigit(value)) {
    digit = at.indent - Math.max(at.outer, 0);
    if (digit < 1 || digit > 9) return undefined;
  }
  const header = (at.style === "folded" ? ">" : "|") + (digit > 0 ? digit : "") + chomp;
  return value === "" ? header : header + eol + blockBody(text, at, value, eol);
}

/** Whether a value can stand below a header that cannot change. */
export function fitsHeader(text: string, at: BlockPlace, value: string): boolean {
  if (!isLines(value) || (at.digit === 0 && needsDigit(value))) return false;
  // An empty line would be left, and kept.
  if (value === "" && at.chomp === "+") return false;
  return chompFor(text, at, value) === at.chomp;
}

/** How the end of the value has to be chomped, the present way if possible. */
function chompFor(text: string, at: BlockPlace, value: string): "" | "-" | "+" | undefined {
  const breaks = trailing(value);
  if (value === "") return at.chomp === "+" && blankFollows(text, at.end) ? "-" : at.chomp;
  if (breaks === 0) return isClosed(text, at.end) ? "-" : at.chomp;
  if (breaks === value.length || breaks > 1) return blankFollows(text, at.end) ? undefined : "+";
  return at.chomp === "+" && !blankFollows(text, at.end) ? "+" : "";
}

const trailing = (value: string): number => value.length - value.replace(/\n+$/, "").length;
/** The first line that is not empty would be taken for deeper than it is, or for a tab in the indentation. */
const needsDigit = (value: string): boolean => /^\n*[ \t]/.test(value);
const isClosed = (text: string, end: number): boolean => isBreak(text.charCodeAt(end));

/** Whether an empty line follows, which a scalar that keeps them would take for its own. */
function blankFollows(text: string, end: number): boolean {
  let p = end;
  while (!isBreakz(text.charCodeAt(p)) && p < text.length) p++;
  if (p >= text.length) return false;
  p = text.indexOf("\n", p) + 1;
  while (isBlank(text.charCodeAt(p))) p++;
  return isBreak(text.charCodeAt(p));
}

/** The lines of a block scalar, without the line break that follows the span. */
export function blockBody(text: string, at: BlockPlace, value: string, eol: string): string {
  const breaks = trailing(value);
  const words = value.slice(0, value.length - breaks);
  const pad = " ".repeat(at.indent);
  const lines = at.style === "folded" ? unfold(words) : words.split("\n");
  // One break ends the last line; that one is there already, unless this is the end of the text.
  const more = isClosed(text, at.end) ? breaks - 1 : breaks;
  const body = lines.map((line) => (line === "" ? "" : pad + line)).join(eol);
  return body + (more > 0 ? eol.repeat(more) : "");
}

/** Lines that fold to a text: between two that do not start with white space, a line break needs an empty line. */
function unfold(words: string): string[] {
  const lines: string[] = [];
  let before: string | undefined;
  for (const line of words.split("\n")) {
    if (line !== "") {
      if (before !== undefined && !/^[ \t]/.test(before) && !/^[ \t]/.test(line)) lines.push("");
      before = line;
    }
    lines.push(line);
  }
  return lines;
}
