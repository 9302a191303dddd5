import { TsopsError } from "../errors.ts";
import { placeOf } from "../formats/text.ts";
import type { Variables } from "./variables.ts";

/*
 * SOPS takes a dotenv line as it stands: quotes are data, and a value ends with its line. Most programs that read
 * .env files take quotes as quotes. This reads a plaintext in that second way, for those who ask for it.
 */

/** Blanks, `export`, the name, `=`, blanks. */
const ASSIGNMENT = /[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_.-]*)[ \t]*=[ \t]*/y;
const BLANK = /[ \t]*(?:#[^\r\n]*)?(?:\r\n|\n|\r|$)/y;
const LINE = /[^\r\n]*/y;
const ESCAPES: Readonly<Record<string, string>> = {
  n: "\n",
  r: "\r",
  t: "\t",
  '"': '"',
  "\\": "\\",
  $: "$",
  "`": "`",
};

/**
 * The variables of a dotenv text in the standard dialect:
 * - `export` before a name is left out, and blanks around `=` and at the ends of an unquoted value;
 * - `'…'` and `` `…` `` hold text as it stands, `"…"` text with the escapes `\n \r \t \" \\ \$`; each may span lines;
 * - ` #` after a value starts a comment;
 * - `$NAME` is not replaced: what is stored is what the program gets;
 * - of a name that occurs twice the last value counts.
 * @throws TsopsError("parse") with the place, where a line is no assignment or a quote is not closed.
 */
export function readStandardDotenv(text: string): Variables {
  const variables: Variables = new Map();
  let at = text.startsWith("\uFEFF") ? 1 : 0;
  while (at < text.length) {
    const blank = match(BLANK, text, at);
    if (blank) {
      at += blank[0].length;
      continue;
    }
    const assignment = match(ASSIGNMENT, text, at);
    if (!assignment)
      throw bad(text, at, "this line assigns no value to a name", "write NAME=value, or # before it");
    at += assignment[0].length;
    const { value, end } = readValue(text, at);
    variables.set(assignment[1]!, value);
    const rest = match(BLANK, text, end);
    if (!rest)
      throw bad(
        text,
        end,
        "there is something after the closing quote",
        "put it into the quotes, or # before it",
      );
    at = end + rest[0].length;
  }
  return variables;
}

function readValue(text: string, at: number): { value: string; end: number } {
  const quote = text[at] ?? "";
  if (quote === '"') return readEscaped(text, at);
  if (quote === "'" || quote === "`") {
    const end = text.indexOf(quote, at + 1);
    if (end < 0) throw unclosed(text, at);
    return { value: text.slice(at + 1, end).replaceAll("\r\n", "\n"), end: end + 1 };
  }
  return readUnquoted(text, at);
}

/** To the end of the line, or to a `#` that has a blank before it; without blanks at its end. */
function readUnquoted(text: string, at: number): { value: string; end: number } {
  const line = match(LINE, text, at)![0];
  // NAME= # comment
  const comment = /[ \t]/.test(text[at - 1] ?? "") && line.startsWith("#") ? 0 : line.search(/[ \t]#/);
  let end = comment < 0 ? line.length : comment;
  while (end > 0 && " \t".includes(line[end - 1]!)) end--;
  return { value: line.slice(0, end), end: at + end };
}

function readEscaped(text: string, start: number): { value: string; end: number } {
  const parts: string[] = [];
  const stop = /["\\]/g;
  for (let at = start + 1; ; ) {
    stop.lastIndex = at;
    const found = stop.exec(text);
    if (!found) throw unclosed(text, start);
    parts.push(text.slice(at, found.index).replaceAll("\r\n", "\n"));
    if (found[0] === '"') return { value: parts.join(""), end: found.index + 1 };
    const char = text[found.index + 1] ?? "";
    // a backslash before anything else is a backslash
    parts.push(ESCAPES[char] ?? `\\${char}`);
    at = found.index + 1 + char.length;
  }
}

function match(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

function unclosed(text: string, at: number): TsopsError {
  return bad(text, at, "this quote is not closed", "close it, or write the value without quotes");
}

function bad(text: string, at: number, message: string, hint: string): TsopsError {
  return new TsopsError("parse", message, { hint, place: placeOf(text, at) });
}
