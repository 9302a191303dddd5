/**
 * What files have in common that no format can read: another encoding, a merge that nobody finished, blanks that are
 * none. Each has one message for all formats. The last two are looked for only when the format's own reader has failed,
 * since a text may well hold such lines.
 */

import { TsopsError } from "../errors.ts";
import { codePointOf, describeOdd, oddAt } from "./characters.ts";
import type { Format, Reading } from "./format.ts";
import { placeOf } from "./text.ts";
import { type Tree, TreeList, TreeMap } from "./tree.ts";

/** Reads a plaintext. @throws TsopsError("parse") */
export function readText(text: string, format: Format): Reading {
  // a binary file may be anything
  if (format.wrapper) return format.read(text);
  return reading(text, () => format.read(text));
}

/** Reads an encrypted text. @throws TsopsError("parse") */
export function readEncryptedText(text: string, format: Format): Reading {
  const read = () => {
    const found = (format.wrapper ?? format).read(text);
    // the ciphertext of a data key has lines of its own in TOML
    if (SIDES.test(text) && found.metadata && holdsMarks(found.metadata.tree)) throw unresolved(text);
    return found;
  };
  return reading(text, read);
}

function holdsMarks(tree: Tree): boolean {
  if (tree instanceof TreeMap) return tree.entries().some(({ value }) => holdsMarks(value));
  if (tree instanceof TreeList) return tree.values().some(holdsMarks);
  return typeof tree === "string" && tree.search(MARKS) >= 0;
}

/** Values can be merged only by those who can read them. */
const RESOLVE_ENCRYPTED =
  "while git still knows the file as unmerged: tsops git resolve FILE puts the two sides together; else\n" +
  "take one side (git checkout --ours FILE, or --theirs FILE), then bring the other side's values over with tsops set or edit\n" +
  "if you put both sides together by hand: tsops rotate -i --ignore-mac FILE, or edit --ignore-mac, writes a new MAC;\n" +
  "with --yes it also writes a new seal, so look at the values first";

function reading(text: string, read: () => Reading): Reading {
  if (isUtf16(text)) throw utf16();
  try {
    return read();
  } catch (error) {
    if (!(error instanceof TsopsError) || error.code !== "parse") throw error;
    throw conflict(text, error) ?? oddCharacter(text, error) ?? error;
  }
}

/** How many characters are looked at. */
const SAMPLE = 64;

/**
 * Whether a text is UTF-16 that was decoded as UTF-8 (src/formats/text.ts): it starts with a byte order mark, or every
 * other byte is zero.
 */
export function isUtf16(text: string): boolean {
  if (text.startsWith("\udcff\udcfe") || text.startsWith("\udcfe\udcff")) return true;
  const sample = text.slice(0, SAMPLE).split("");
  if (sample.length < 4 || !sample.includes("\0")) return false;
  return [0, 1].some((parity) => sample.every((unit, i) => (unit === "\0") === (i % 2 === parity)));
}

function utf16(): TsopsError {
  return new TsopsError("parse", "this file is UTF-16 (PowerShell's > writes it)", {
    hint: "save it as UTF-8, or have tsops write it: --output FILE instead of >",
    place: { line: 1, column: 1 },
  });
}

/** Where git begins, parts (diff3 style) and ends the two sides of a conflict; seven characters by default. */
const MARKS = /^(?:<{7,}|\|{7,}|>{7,})(?: .*)?\r?$|^={7,}\r?$/m;
/** Those of them that are hardly anything else: a row of equals signs may be anything. */
const SIDES = /^(?:<{7,}|>{7,})(?: .*)?\r?$/m;

/** The conflict that made a reader fail. */
function conflict(text: string, { place: wrong }: TsopsError): TsopsError | undefined {
  if (!SIDES.test(text)) return undefined;
  const error = unresolved(text);
  // a mistake above the marks is not theirs, but a reader may name the line before the one that it cannot read
  const above = wrong?.line !== undefined && wrong.line < error.place!.line! - 1;
  return above ? undefined : error;
}

/** @param text has such marks. */
function unresolved(text: string): TsopsError {
  const index = text.search(MARKS);
  const place = placeOf(text, index);
  const mark = /^(.)\1*/.exec(text.slice(index))![0];
  const message = `this file holds an unresolved merge conflict (line ${place.line}: ${mark})`;
  const hint = text.includes("ENC[") ? RESOLVE_ENCRYPTED : "resolve it, then try again";
  return new TsopsError("merge-conflict", message, { place, hint });
}

/** An error that such a character explains: the reader stopped at it, or before it on its line. */
function oddCharacter(text: string, error: TsopsError): TsopsError | undefined {
  const { line, column = 1 } = error.place ?? {};
  if (line === undefined) return undefined;
  const start = lineStart(text, line);
  const stop = text.slice(start).search(/[\r\n]/);
  const end = stop < 0 ? text.length : start + stop;
  const from = start + [...text.slice(start, end)].slice(0, column - 1).join("").length;
  const at = oddAt(text, from, end);
  // what stands in quotes may be any character
  if (at < 0 || /["'`]/.test(text.slice(from, at))) return undefined;
  // the format knows it, and says what to do
  if (error.message.includes(codePointOf(text[at]!))) return undefined;
  return new TsopsError("parse", describeOdd(text[at]!), {
    place: placeOf(text, at),
    hint: `put an ordinary character there; as it is: ${error.message}`,
    exit: error.exit,
    cause: error,
  });
}

function lineStart(text: string, line: number): number {
  let at = 0;
  let number = 1;
  for (const match of text.matchAll(/\r\n|\n|\r/g)) {
    if (number === line) break;
    number++;
    at = match.index + match[0].length;
  }
  return at;
}
