import { MAX_DEPTH } from "../../tree.ts";
import {
  AMPERSAND,
  BANG,
  BAR,
  CLOSE_BRACE,
  CLOSE_BRACKET,
  COLON_CHAR,
  COMMA_CHAR,
  DOT,
  DOUBLE_QUOTE,
  GREATER,
  HASH,
  isBlank,
  isBlankz,
  isBreakz,
  isDigit,
  isWord,
  MINUS,
  NUL,
  OPEN_BRACE,
  OPEN_BRACKET,
  PERCENT,
  QUESTION,
  SINGLE_QUOTE,
  STAR,
  TAB,
} from "./chars.ts";
import { lineComment, skipGap } from "./comments.ts";
import { isDocumentMark, scanBlock, scanPlain, scanQuoted } from "./scalars.ts";
import { LINE, newKey, Scanner, yamlError } from "./state.ts";
import { scanHandle, scanTag, scanUri } from "./tags.ts";
import * as T from "./tokens.ts";

/** How far from its start the colon of a key without `?` may be. */
const KEY_LENGTH = 1024;

/**
 * Cuts a YAML text into tokens and comment pieces.
 * @throws TsopsError("parse") where SOPS's reader would not read it, and for the characters that only SOPS's
 * reader takes for line breaks.
 */
export function scan(text: string): Scanner {
  refuseCharacters(text);
  const scanner = new Scanner(text);
  scanner.tokens.push(T.STREAM, scanner.pos, scanner.pos);
  while (nextToken(scanner));
  return scanner;
}

const ESCAPES: Readonly<Record<number, string>> = { 133: "\\N", 8232: "\\L", 8233: "\\P" };

function refuseCharacters(text: string): void {
  const offset = text.search(REFUSED);
  if (offset < 0) return;
  const code = text.charCodeAt(offset);
  if (code >= 0xd800 && code <= 0xdfff) {
    throw yamlError(text, "this file is not UTF-8", offset, "save it as UTF-8, or encrypt it as binary");
  }
  if (code === 0x0d || code === 0x85 || code === 0x2028 || code === 0x2029) {
    const name = code === 0x0d ? "a carriage return without a line feed" : `the line break U+${hex4(code)}`;
    const instead =
      code === 0x0d
        ? "end lines with LF or CR LF"
        : `write it as the escape ${ESCAPES[code]} in double quotes`;
    const hint = `SOPS ends a line here, other YAML readers do not: ${instead}`;
    throw yamlError(text, `${name} is not allowed in YAML`, offset, hint);
  }
  const hint = "remove it, or write it as an escape in double quotes";
  throw yamlError(text, `the control character U+${hex4(code)} is not allowed in YAML`, offset, hint);
}

const REFUSED =
  /[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff]|\r(?!\n)|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;

const hex4 = (code: number): string => code.toString(16).toUpperCase().padStart(4, "0");

/** Reads one token; false after the last. */
function nextToken(scanner: Scanner): boolean {
  skipGap(scanner);
  const column = scanner.flow > 0 && scanner.pos !== scanner.lineStart ? 1 : scanner.column();
  closeBlocks(scanner, column, scanner.gapStart);
  const code = scanner.code;
  if (code === NUL) {
    if (scanner.pos < scanner.text.length) scanner.fail("unexpected character", scanner.pos);
    closeBlocks(scanner, -1, scanner.pos);
    dropKey(scanner);
    scanner.tokens.push(T.EOF, scanner.pos, scanner.pos);
    return false;
  }
  if (scanner.pos === scanner.lineStart) {
    if (code === PERCENT) {
      scanDirective(scanner);
      return true;
    }
    if ((code === MINUS || code === DOT) && isDocumentMark(scanner, scanner.pos)) {
      closeBlocks(scanner, -1, scanner.pos);
      dropKey(scanner);
      scanner.simpleKeyAllowed = false;
      single(scanner, code === MINUS ? T.DOC_START : T.DOC_END, 3);
      return true;
    }
  }
  const before = scanner.tokens.start[scanner.tokens.count - 1]!;
  const anchor =
    (scanner.flow === 0 && code === COLON_CHAR) || (scanner.flow > 0 && code === COMMA_CHAR)
      ? before
      : scanner.pos;
  scanToken(scanner, code, column);
  if (scanner.tokens.type[scanner.tokens.count - 1] !== T.DASH) lineComment(scanner, anchor);
  return true;
}

function scanToken(scanner: Scanner, code: number, column: number): void {
  const next = scanner.src.charCodeAt(scanner.pos + 1);
  switch (code) {
    case OPEN_BRACKET:
    case OPEN_BRACE:
      saveKey(scanner, column);
      scanner.flow++;
      if (scanner.flow > MAX_DEPTH) tooDeep(scanner);
      if (scanner.keys.length <= scanner.flow) scanner.keys.push(newKey());
      scanner.keys[scanner.flow]!.possible = false;
      scanner.simpleKeyAllowed = true;
      single(scanner, code === OPEN_BRACKET ? T.FLOW_SEQ : T.FLOW_MAP);
      return;
    case CLOSE_BRACKET:
    case CLOSE_BRACE:
      dropKey(scanner);
      if (scanner.flow > 0) scanner.flow--;
      scanner.simpleKeyAllowed = false;
      single(scanner, code === CLOSE_BRACKET ? T.FLOW_SEQ_END : T.FLOW_MAP_END);
      return;
    case COMMA_CHAR:
      dropKey(scanner);
      scanner.simpleKeyAllowed = true;
      single(scanner, T.COMMA);
      return;
    case MINUS:
      if (!isBlankz(next)) break;
      scanDash(scanner, column);
      return;
    case QUESTION:
      if (scanner.flow === 0 && !isBlankz(next)) break;
      scanQuestion(scanner, column);
      return;
    case COLON_CHAR:
      if (scanner.flow === 0 && !isBlankz(next)) break;
      scanColon(scanner, column);
      return;
    case STAR:
    case AMPERSAND:
      scanAnchor(scanner, code === STAR ? T.ALIAS : T.ANCHOR, column);
      return;
    case BANG:
      saveKey(scanner, column);
      scanner.simpleKeyAllowed = false;
      scanTag(scanner);
      return;
    case BAR:
    case GREATER:
      if (scanner.flow > 0) break;
      dropKey(scanner);
      scanner.simpleKeyAllowed = true;
      scanBlock(scanner, code === BAR);
      return;
    case SINGLE_QUOTE:
    case DOUBLE_QUOTE:
      saveKey(scanner, column);
      scanner.simpleKeyAllowed = false;
      scanQuoted(scanner, code === SINGLE_QUOTE);
      return;
  }
  if (!startsPlain(scanner, code, next)) refuseStart(scanner, code);
  saveKey(scanner, column);
  scanner.simpleKeyAllowed = false;
  scanPlain(scanner);
}

function startsPlain(scanner: Scanner, code: number, next: number): boolean {
  if (code === MINUS) return !isBlank(next);
  if (code === QUESTION || code === COLON_CHAR) return scanner.flow === 0 && !isBlankz(next);
  return !NOT_PLAIN.has(code);
}

/** Characters that mean something else at the start of a token. */
const NOT_PLAIN = new Set([...",[]{}#&*!|>'\"%@`\t"].map((char) => char.charCodeAt(0)));

function refuseStart(scanner: Scanner, code: number): never {
  if (code === TAB)
    scanner.fail("there is a tab where the indentation should be", scanner.pos, "indent with spaces");
  const name = String.fromCharCode(code);
  scanner.fail(`nothing can start with \`${name}\` here`, scanner.pos, "put the text in quotes");
}

/** Pushes a token for characters that stand for themselves. */
function single(scanner: Scanner, type: number, length = 1): void {
  const start = scanner.pos;
  scanner.pos += length;
  scanner.breaks = 0;
  scanner.tokens.push(type, start, scanner.pos);
}

/**
 * Ends the block collections that are further right than a column. Their ends are put before the comments that
 * already belong to what is around them.
 */
function closeBlocks(scanner: Scanner, column: number, from: number): void {
  if (scanner.flow > 0) return;
  let at = from - 1;
  while (scanner.indent > column) {
    for (let i = scanner.gapPieces; i < scanner.pieces.length; i++) {
      const piece = scanner.pieces[i]!;
      if (piece.kind !== LINE && piece.column === scanner.indent) {
        at = piece.start;
        break;
      }
    }
    scanner.tokens.push(T.END, at, at);
    scanner.indent = scanner.indents.pop()!;
  }
}

/** Begins a block collection where the scanner is, unless what comes is in one that is open. */
function openBlock(scanner: Scanner, column: number, type: number): void {
  if (indents(scanner, column)) scanner.tokens.push(type, scanner.pos, scanner.pos);
}

/** Whether a column is further right than all block collections that are open; it is the innermost one's then. */
function indents(scanner: Scanner, column: number): boolean {
  if (scanner.flow > 0 || scanner.indent >= column) return false;
  scanner.indents.push(scanner.indent);
  scanner.indent = column;
  if (scanner.indents.length > MAX_DEPTH) tooDeep(scanner);
  return true;
}

function tooDeep(scanner: Scanner): never {
  scanner.fail(`maps and lists are nested more than ${MAX_DEPTH} deep`, scanner.pos);
}

/** Remembers that what comes may turn out to be a key. */
function saveKey(scanner: Scanner, column: number): void {
  if (!scanner.simpleKeyAllowed) return;
  dropKey(scanner);
  const key = scanner.keys[scanner.flow]!;
  key.possible = true;
  key.required = scanner.flow === 0 && scanner.indent === column;
  key.token = scanner.tokens.count;
  key.offset = scanner.pos;
  key.line = scanner.line;
  key.column = column;
}

/** Forgets what may have been a key. Where only a key may stand, that is an error. */
function dropKey(scanner: Scanner): void {
  const key = scanner.keys[scanner.flow]!;
  if (key.possible && key.required) missingColon(scanner, key.offset);
  key.possible = false;
}

function missingColon(scanner: Scanner, offset: number): never {
  const hint =
    "a key needs `:` and a space after it; text of several lines must be indented further than its key";
  scanner.fail("this looks like a key, but no `:` follows", offset, hint);
}

function scanDash(scanner: Scanner, column: number): void {
  if (scanner.flow === 0) {
    if (!scanner.simpleKeyAllowed)
      scanner.fail("a list item cannot start here", scanner.pos, "start it on a line of its own");
    openBlock(scanner, column, T.SEQ);
  }
  dropKey(scanner);
  scanner.simpleKeyAllowed = true;
  single(scanner, T.DASH);
}

function scanQuestion(scanner: Scanner, column: number): void {
  if (scanner.flow === 0) {
    if (!scanner.simpleKeyAllowed)
      scanner.fail("a key cannot start here", scanner.pos, "start it on a line of its own");
    openBlock(scanner, column, T.MAP);
  }
  dropKey(scanner);
  scanner.simpleKeyAllowed = scanner.flow === 0;
  single(scanner, T.KEY);
}

function scanColon(scanner: Scanner, column: number): void {
  const key = scanner.keys[scanner.flow]!;
  if (key.possible && key.line === scanner.line && scanner.distance(key.offset, scanner.pos) <= KEY_LENGTH) {
    scanner.tokens.insert(key.token, T.KEY, key.offset);
    if (indents(scanner, key.column)) scanner.tokens.insert(key.token, T.MAP, key.offset);
    key.possible = false;
    scanner.simpleKeyAllowed = false;
  } else {
    if (key.possible && key.required) missingColon(scanner, key.offset);
    key.possible = false;
    if (scanner.flow === 0) {
      if (!scanner.simpleKeyAllowed) {
        const hint = "text that holds `: ` must be in quotes; a map starts on a line of its own";
        scanner.fail("a second key cannot start on this line", scanner.pos, hint);
      }
      openBlock(scanner, column, T.MAP);
    }
    scanner.simpleKeyAllowed = scanner.flow === 0;
  }
  single(scanner, T.COLON);
}

function scanAnchor(scanner: Scanner, type: number, column: number): void {
  saveKey(scanner, column);
  scanner.simpleKeyAllowed = false;
  const start = scanner.pos++;
  while (isWord(scanner.code)) scanner.pos++;
  const code = scanner.code;
  if (scanner.pos === start + 1 || !(isBlankz(code) || "?:,]}%@`".includes(scanner.src[scanner.pos]!))) {
    const what = type === T.ALIAS ? "an alias" : "an anchor";
    scanner.fail(
      `${what} has a character that SOPS does not read`,
      scanner.pos,
      "use letters, digits, `-` and `_` only",
    );
  }
  scanner.breaks = 0;
  scanner.tokens.push(type, start, scanner.pos);
}

function scanDirective(scanner: Scanner): void {
  closeBlocks(scanner, -1, scanner.pos);
  dropKey(scanner);
  scanner.simpleKeyAllowed = false;
  const start = scanner.pos++;
  scanner.breaks = 0;
  const nameStart = scanner.pos;
  while (isWord(scanner.code)) scanner.pos++;
  const name = scanner.text.slice(nameStart, scanner.pos);
  if (!isBlankz(scanner.code) || (name !== "YAML" && name !== "TAG")) {
    scanner.fail(
      "unknown directive",
      start,
      "SOPS knows %YAML and %TAG; text that starts with `%` must be in quotes",
    );
  }
  skipBlanks(scanner);
  if (name === "YAML") scanVersion(scanner, start);
  else {
    const handle = scanHandle(scanner, true);
    if (!isBlank(scanner.code)) scanner.fail("a %TAG directive needs a handle and a prefix", start);
    skipBlanks(scanner);
    const prefix = scanUri(scanner, "");
    if (!isBlankz(scanner.code)) scanner.fail("the prefix of a %TAG directive ends oddly", scanner.pos);
    scanner.directives.push({ kind: "tag", handle, prefix });
  }
  scanner.tokens.push(T.DIRECTIVE, start, scanner.pos, scanner.directives.length);
  skipBlanks(scanner);
  if (scanner.code === HASH) {
    const from = scanner.pos;
    scanner.pos = scanner.lineEnd(from);
    scanner.addComment(from, scanner.pos);
  }
  if (!isBreakz(scanner.code)) scanner.fail("unexpected text after a directive", scanner.pos);
  if (scanner.code !== NUL) scanner.newline();
}

function scanVersion(scanner: Scanner, start: number): void {
  const number = (): number => {
    const from = scanner.pos;
    while (isDigit(scanner.code)) scanner.pos++;
    if (scanner.pos === from || scanner.pos > from + 2)
      scanner.fail("a %YAML directive needs a version such as 1.1", start);
    return Number(scanner.text.slice(from, scanner.pos));
  };
  const major = number();
  if (scanner.code !== DOT) scanner.fail("a %YAML directive needs a version such as 1.1", start);
  scanner.pos++;
  scanner.directives.push({ kind: "version", major, minor: number() });
}

function skipBlanks(scanner: Scanner): void {
  while (isBlank(scanner.code)) scanner.pos++;
}
