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
  const s = new Scanner(text);
  s.tokens.push(T.STREAM, s.pos, s.pos);
  while (nextToken(s));
  return s;
}

function refuseCharacters(text: string): void {
  const offset = text.search(REFUSED);
  if (offset < 0) return;
  const c = text.charCodeAt(offset);
  if (c >= 0xd800 && c <= 0xdfff) {
    throw yamlError(text, "this file is not UTF-8", offset, "save it as UTF-8, or encrypt it as binary");
  }
  if (c === 0x0d || c === 0x85 || c === 0x2028 || c === 0x2029) {
    const name = c === 0x0d ? "a carriage return without a line feed" : `the line break U+${hex4(c)}`;
    const hint =
      "SOPS ends a line here, other YAML readers do not: remove it, or write it as an escape in double quotes";
    throw yamlError(text, `${name} is not allowed in YAML`, offset, hint);
  }
  const hint = "remove it, or write it as an escape in double quotes";
  throw yamlError(text, `the control character U+${hex4(c)} is not allowed in YAML`, offset, hint);
}

const REFUSED =
  /[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff]|\r(?!\n)|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;

const hex4 = (c: number): string => c.toString(16).toUpperCase().padStart(4, "0");

/** Reads one token; false after the last. */
function nextToken(s: Scanner): boolean {
  skipGap(s);
  const column = s.flow > 0 && s.pos !== s.lineStart ? 1 : s.column();
  closeBlocks(s, column, s.gapStart);
  const c = s.src.charCodeAt(s.pos);
  if (c === NUL) {
    if (s.pos < s.text.length) s.fail("unexpected character", s.pos);
    closeBlocks(s, -1, s.pos);
    dropKey(s);
    s.tokens.push(T.EOF, s.pos, s.pos);
    return false;
  }
  if (s.pos === s.lineStart) {
    if (c === PERCENT) {
      scanDirective(s);
      return true;
    }
    if ((c === MINUS || c === DOT) && isDocumentMark(s, s.pos)) {
      closeBlocks(s, -1, s.pos);
      dropKey(s);
      s.simpleKeyAllowed = false;
      single(s, c === MINUS ? T.DOC_START : T.DOC_END, 3);
      return true;
    }
  }
  const before = s.tokens.start[s.tokens.count - 1]!;
  const anchor = (s.flow === 0 && c === COLON_CHAR) || (s.flow > 0 && c === COMMA_CHAR) ? before : s.pos;
  scanToken(s, c, column);
  if (s.tokens.type[s.tokens.count - 1] !== T.DASH) lineComment(s, anchor);
  return true;
}

function scanToken(s: Scanner, c: number, column: number): void {
  const next = s.src.charCodeAt(s.pos + 1);
  switch (c) {
    case OPEN_BRACKET:
    case OPEN_BRACE:
      saveKey(s, column);
      s.flow++;
      if (s.flow > MAX_DEPTH) tooDeep(s);
      if (s.keys.length <= s.flow) s.keys.push(newKey());
      s.keys[s.flow]!.possible = false;
      s.simpleKeyAllowed = true;
      single(s, c === OPEN_BRACKET ? T.FLOW_SEQ : T.FLOW_MAP);
      return;
    case CLOSE_BRACKET:
    case CLOSE_BRACE:
      dropKey(s);
      if (s.flow > 0) s.flow--;
      s.simpleKeyAllowed = false;
      single(s, c === CLOSE_BRACKET ? T.FLOW_SEQ_END : T.FLOW_MAP_END);
      return;
    case COMMA_CHAR:
      dropKey(s);
      s.simpleKeyAllowed = true;
      single(s, T.COMMA);
      return;
    case MINUS:
      if (!isBlankz(next)) break;
      scanDash(s, column);
      return;
    case QUESTION:
      if (s.flow === 0 && !isBlankz(next)) break;
      scanQuestion(s, column);
      return;
    case COLON_CHAR:
      if (s.flow === 0 && !isBlankz(next)) break;
      scanColon(s, column);
      return;
    case STAR:
    case AMPERSAND:
      scanAnchor(s, c === STAR ? T.ALIAS : T.ANCHOR, column);
      return;
    case BANG:
      saveKey(s, column);
      s.simpleKeyAllowed = false;
      scanTag(s);
      return;
    case BAR:
    case GREATER:
      if (s.flow > 0) break;
      dropKey(s);
      s.simpleKeyAllowed = true;
      scanBlock(s, c === BAR);
      return;
    case SINGLE_QUOTE:
    case DOUBLE_QUOTE:
      saveKey(s, column);
      s.simpleKeyAllowed = false;
      scanQuoted(s, c === SINGLE_QUOTE);
      return;
  }
  if (!startsPlain(s, c, next)) refuseStart(s, c);
  saveKey(s, column);
  s.simpleKeyAllowed = false;
  scanPlain(s);
}

function startsPlain(s: Scanner, c: number, next: number): boolean {
  if (c === MINUS) return !isBlank(next);
  if (c === QUESTION || c === COLON_CHAR) return s.flow === 0 && !isBlankz(next);
  return !NOT_PLAIN.has(c);
}

/** Characters that mean something else at the start of a token. */
const NOT_PLAIN = new Set([...",[]{}#&*!|>'\"%@`\t"].map((c) => c.charCodeAt(0)));

function refuseStart(s: Scanner, c: number): never {
  if (c === TAB) s.fail("there is a tab where the indentation should be", s.pos, "indent with spaces");
  const name = String.fromCharCode(c);
  s.fail(`nothing can start with \`${name}\` here`, s.pos, "put the text in quotes");
}

/** Pushes a token for characters that stand for themselves. */
function single(s: Scanner, type: number, length = 1): void {
  const start = s.pos;
  s.pos += length;
  s.breaks = 0;
  s.tokens.push(type, start, s.pos);
}

/**
 * Ends the block collections that are further right than a column. Their ends are put before the comments that
 * already belong to what is around them.
 */
function closeBlocks(s: Scanner, column: number, from: number): void {
  if (s.flow > 0) return;
  let at = from - 1;
  while (s.indent > column) {
    for (let i = s.gapPieces; i < s.pieces.length; i++) {
      const piece = s.pieces[i]!;
      if (piece.kind !== LINE && piece.column === s.indent) {
        at = piece.start;
        break;
      }
    }
    s.tokens.push(T.END, at, at);
    s.indent = s.indents.pop()!;
  }
}

function openBlock(s: Scanner, column: number, type: number, at: number, offset: number): void {
  if (s.flow > 0 || s.indent >= column) return;
  s.indents.push(s.indent);
  s.indent = column;
  if (s.indents.length > MAX_DEPTH) tooDeep(s);
  if (at === s.tokens.count) s.tokens.push(type, offset, offset);
  else s.tokens.insert(at, type, offset);
}

function tooDeep(s: Scanner): never {
  s.fail(`maps and lists are nested more than ${MAX_DEPTH} deep`, s.pos);
}

/** Remembers that what comes may turn out to be a key. */
function saveKey(s: Scanner, column: number): void {
  if (!s.simpleKeyAllowed) return;
  dropKey(s);
  const key = s.keys[s.flow]!;
  key.possible = true;
  key.required = s.flow === 0 && s.indent === column;
  key.token = s.tokens.count;
  key.offset = s.pos;
  key.line = s.line;
  key.column = column;
}

/** Forgets what may have been a key. Where only a key may stand, that is an error. */
function dropKey(s: Scanner): void {
  const key = s.keys[s.flow]!;
  if (key.possible && key.required) missingColon(s, key.offset);
  key.possible = false;
}

function missingColon(s: Scanner, offset: number): never {
  const hint =
    "a key needs `:` and a space after it; text of several lines must be indented further than its key";
  s.fail("this looks like a key, but no `:` follows", offset, hint);
}

function scanDash(s: Scanner, column: number): void {
  if (s.flow === 0) {
    if (!s.simpleKeyAllowed) s.fail("a list item cannot start here", s.pos, "start it on a line of its own");
    openBlock(s, column, T.SEQ, s.tokens.count, s.pos);
  }
  dropKey(s);
  s.simpleKeyAllowed = true;
  single(s, T.DASH);
}

function scanQuestion(s: Scanner, column: number): void {
  if (s.flow === 0) {
    if (!s.simpleKeyAllowed) s.fail("a key cannot start here", s.pos, "start it on a line of its own");
    openBlock(s, column, T.MAP, s.tokens.count, s.pos);
  }
  dropKey(s);
  s.simpleKeyAllowed = s.flow === 0;
  single(s, T.KEY);
}

function scanColon(s: Scanner, column: number): void {
  const key = s.keys[s.flow]!;
  if (key.possible && key.line === s.line && s.distance(key.offset, s.pos) <= KEY_LENGTH) {
    s.tokens.insert(key.token, T.KEY, key.offset);
    openBlock(s, key.column, T.MAP, key.token, key.offset);
    key.possible = false;
    s.simpleKeyAllowed = false;
  } else {
    if (key.possible && key.required) missingColon(s, key.offset);
    key.possible = false;
    if (s.flow === 0) {
      if (!s.simpleKeyAllowed) {
        const hint = "text that holds `: ` must be in quotes; a map starts on a line of its own";
        s.fail("a second key cannot start on this line", s.pos, hint);
      }
      openBlock(s, column, T.MAP, s.tokens.count, s.pos);
    }
    s.simpleKeyAllowed = s.flow === 0;
  }
  single(s, T.COLON);
}

function scanAnchor(s: Scanner, type: number, column: number): void {
  saveKey(s, column);
  s.simpleKeyAllowed = false;
  const start = s.pos++;
  while (isWord(s.src.charCodeAt(s.pos))) s.pos++;
  const c = s.src.charCodeAt(s.pos);
  if (s.pos === start + 1 || !(isBlankz(c) || "?:,]}%@`".includes(s.src[s.pos]!))) {
    const what = type === T.ALIAS ? "an alias" : "an anchor";
    s.fail(`${what} has a character that SOPS does not read`, s.pos, "use letters, digits, `-` and `_` only");
  }
  s.breaks = 0;
  s.tokens.push(type, start, s.pos);
}

function scanDirective(s: Scanner): void {
  closeBlocks(s, -1, s.pos);
  dropKey(s);
  s.simpleKeyAllowed = false;
  const start = s.pos++;
  s.breaks = 0;
  const nameStart = s.pos;
  while (isWord(s.src.charCodeAt(s.pos))) s.pos++;
  const name = s.text.slice(nameStart, s.pos);
  if (!isBlankz(s.src.charCodeAt(s.pos)) || (name !== "YAML" && name !== "TAG")) {
    s.fail(
      "unknown directive",
      start,
      "SOPS knows %YAML and %TAG; text that starts with `%` must be in quotes",
    );
  }
  skipBlanks(s);
  if (name === "YAML") scanVersion(s, start);
  else {
    const handle = scanHandle(s, true);
    if (!isBlank(s.src.charCodeAt(s.pos))) s.fail("a %TAG directive needs a handle and a prefix", start);
    skipBlanks(s);
    const prefix = scanUri(s, "");
    if (!isBlankz(s.src.charCodeAt(s.pos))) s.fail("the prefix of a %TAG directive ends oddly", s.pos);
    s.directives.push({ kind: "tag", handle, prefix });
  }
  s.tokens.push(T.DIRECTIVE, start, s.pos, s.directives.length);
  skipBlanks(s);
  if (s.src.charCodeAt(s.pos) === HASH) {
    const from = s.pos;
    s.pos = s.lineEnd(from);
    s.addComment(from, s.pos);
  }
  if (!isBreakz(s.src.charCodeAt(s.pos))) s.fail("unexpected text after a directive", s.pos);
  if (s.src.charCodeAt(s.pos) !== NUL) s.newline();
}

function scanVersion(s: Scanner, start: number): void {
  const number = (): number => {
    const from = s.pos;
    while (isDigit(s.src.charCodeAt(s.pos))) s.pos++;
    if (s.pos === from || s.pos > from + 2) s.fail("a %YAML directive needs a version such as 1.1", start);
    return Number(s.text.slice(from, s.pos));
  };
  const major = number();
  if (s.src.charCodeAt(s.pos) !== DOT) s.fail("a %YAML directive needs a version such as 1.1", start);
  s.pos++;
  s.directives.push({ kind: "version", major, minor: number() });
}

function skipBlanks(s: Scanner): void {
  while (isBlank(s.src.charCodeAt(s.pos))) s.pos++;
}
