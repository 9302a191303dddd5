import {
  BOM,
  CLOSE_BRACE,
  CLOSE_BRACKET,
  HASH,
  isBlank,
  isBreak,
  isBreakz,
  LF,
  NUL,
  SPACE,
  TAB,
} from "./chars.ts";
import { FOOT, HEAD, LINE, type Piece, type Scanner } from "./state.ts";
import { COLON, COMMA } from "./tokens.ts";

/** SOPS's reader looks no further ahead than this for a comment. */
const LOOK_AHEAD = 512;

/** Goes to the next token, and cuts the comments on the way into pieces. */
export function skipGap(scanner: Scanner): void {
  const src = scanner.src;
  const firstLine = scanner.line === 0;
  scanner.gapStart = scanner.pos;
  scanner.gapPieces = scanner.pieces.length;
  for (;;) {
    let code = scanner.code;
    if (code === BOM && scanner.pos === scanner.lineStart) {
      scanner.fail(
        "byte order mark at the start of a line",
        scanner.pos,
        "remove it: only a file may start with one",
      );
    }
    while (code === SPACE || (code === TAB && (scanner.flow > 0 || !scanner.simpleKeyAllowed)))
      code = src.charCodeAt(++scanner.pos);
    if (code === HASH) {
      cutComments(scanner, firstLine);
      code = scanner.code;
    }
    if (!isBreak(code)) return;
    scanner.newline();
    if (scanner.flow === 0) scanner.simpleKeyAllowed = true;
  }
}

/** Takes a comment on the line of the token before it, for which `anchor` stands. */
export function lineComment(scanner: Scanner, anchor: number): void {
  if (scanner.breaks > 0) return;
  let offset = scanner.pos;
  const limit = offset + LOOK_AHEAD;
  while (offset < limit && isBlank(scanner.src.charCodeAt(offset))) offset++;
  if (offset === limit || scanner.src.charCodeAt(offset) !== HASH) return;
  const column = scanner.column(offset);
  scanner.pos = scanner.lineEnd(offset);
  scanner.pieces.push({
    kind: LINE,
    anchor,
    start: offset,
    column,
    lines: [scanner.addComment(offset, scanner.pos)],
  });
}

/**
 * The comments of a gap that stand on lines of their own, from the first `#` on. Which of them belong to what is
 * above (FOOT) and which to what is below (HEAD) depends on blank lines and columns; the rules are those that
 * SOPS's reader was found to follow, oddities included.
 */
function cutComments(scanner: Scanner, firstLine: boolean): void {
  const src = scanner.src;
  const outer = Math.max(scanner.indent, 0);
  let above = scanner.tokens.count - 1;
  if (scanner.tokens.type[above] === COMMA && above > 0) above--;
  let anchor = scanner.tokens.start[above]!;
  /** No blank line so far. */
  let fresh = scanner.breaks <= 1;
  const near = scanner.breaks === 1 && scanner.tokens.type[above] !== COLON && !firstLine;
  let blank = false;
  let group: Piece | undefined;
  let offset = scanner.pos;
  let lineStart = scanner.lineStart;
  const close = (kind: number, at: number, next: number): void => {
    group!.kind = kind;
    group!.anchor = at;
    scanner.pieces.push(group!);
    group = undefined;
    anchor = next;
  };

  while (offset - scanner.pos < LOOK_AHEAD) {
    const code = src.charCodeAt(offset) | 0; // past the end: NUL
    if (isBlank(code)) {
      offset++;
      continue;
    }
    const bracket = scanner.flow > 0 && (code === CLOSE_BRACKET || code === CLOSE_BRACE);
    if (bracket || isBreakz(code)) {
      if (group && (bracket || !blank)) {
        const nearAbove = near && scanner.pieces.length === scanner.gapPieces;
        if (bracket || (fresh && (nearAbove || group.column < outer))) {
          close(FOOT, group.column < outer ? group.start : anchor, offset);
        } else if (code !== NUL) group.lines.push(undefined);
      }
      if (!isBreak(code)) break;
      fresh = false;
      blank = true;
      lineStart = ++offset;
      continue;
    }
    const column = offset === scanner.pos ? scanner.column() : offset - lineStart;
    if (group && column < outer && column !== group.column) close(FOOT, anchor, offset);
    if (code !== HASH) break;
    group ??= { kind: HEAD, anchor: offset, start: offset, column, lines: [] };
    blank = false;
    const end = scanner.lineEnd(offset);
    group.lines.push(scanner.addComment(offset, end));
    scanner.line += countBreaks(src, scanner.pos, end);
    scanner.lineStart = lineStart;
    scanner.pos = end;
    scanner.breaks = 0;
    // Of CR LF only the first is stepped over: SOPS's reader takes the LF for a blank line.
    offset = end + 1;
    lineStart = offset;
  }
  if (group) close(HEAD, group.start, offset);
}

function countBreaks(src: string, from: number, to: number): number {
  let n = 0;
  for (let i = from; i < to; i++) if (src.charCodeAt(i) === LF) n++;
  return n;
}
