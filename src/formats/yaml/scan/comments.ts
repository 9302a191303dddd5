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
export function skipGap(s: Scanner): void {
  const src = s.src;
  const firstLine = s.line === 0;
  s.gapStart = s.pos;
  s.gapPieces = s.pieces.length;
  for (;;) {
    let c = src.charCodeAt(s.pos);
    if (c === BOM && s.pos === s.lineStart) {
      s.fail("byte order mark at the start of a line", s.pos, "remove it: only a file may start with one");
    }
    while (c === SPACE || (c === TAB && (s.flow > 0 || !s.simpleKeyAllowed))) c = src.charCodeAt(++s.pos);
    if (c === HASH) {
      cutComments(s, firstLine);
      c = src.charCodeAt(s.pos);
    }
    if (!isBreak(c)) return;
    s.newline();
    if (s.flow === 0) s.simpleKeyAllowed = true;
  }
}

/** Takes a comment on the line of the token before it, for which `anchor` stands. */
export function lineComment(s: Scanner, anchor: number): void {
  if (s.breaks > 0) return;
  let p = s.pos;
  const limit = p + LOOK_AHEAD;
  while (p < limit && isBlank(s.src.charCodeAt(p))) p++;
  if (p === limit || s.src.charCodeAt(p) !== HASH) return;
  const column = s.column(p);
  s.pos = s.lineEnd(p);
  s.pieces.push({ kind: LINE, anchor, start: p, column, lines: [s.addComment(p, s.pos)] });
}

/**
 * The comments of a gap that stand on lines of their own, from the first `#` on. Which of them belong to what is
 * above (FOOT) and which to what is below (HEAD) depends on blank lines and columns; the rules are those that
 * SOPS's reader was found to follow, oddities included.
 */
function cutComments(s: Scanner, firstLine: boolean): void {
  const src = s.src;
  const outer = Math.max(s.indent, 0);
  let above = s.tokens.count - 1;
  if (s.tokens.type[above] === COMMA && above > 0) above--;
  let anchor = s.tokens.start[above]!;
  /** No blank line so far. */
  let fresh = s.breaks <= 1;
  const near = s.breaks === 1 && s.tokens.type[above] !== COLON && !firstLine;
  let blank = false;
  let group: Piece | undefined;
  let p = s.pos;
  let lineStart = s.lineStart;
  const close = (kind: number, at: number, next: number): void => {
    group!.kind = kind;
    group!.anchor = at;
    s.pieces.push(group!);
    group = undefined;
    anchor = next;
  };

  while (p - s.pos < LOOK_AHEAD) {
    const c = src.charCodeAt(p) | 0; // past the end: NUL
    if (isBlank(c)) {
      p++;
      continue;
    }
    const bracket = s.flow > 0 && (c === CLOSE_BRACKET || c === CLOSE_BRACE);
    if (bracket || isBreakz(c)) {
      if (group && (bracket || !blank)) {
        const nearAbove = near && s.pieces.length === s.gapPieces;
        if (bracket || (fresh && (nearAbove || group.column < outer))) {
          close(FOOT, group.column < outer ? group.start : anchor, p);
        } else if (c !== NUL) group.lines.push(undefined);
      }
      if (!isBreak(c)) break;
      fresh = false;
      blank = true;
      lineStart = ++p;
      continue;
    }
    const column = p === s.pos ? s.column() : p - lineStart;
    if (group && column < outer && column !== group.column) close(FOOT, anchor, p);
    if (c !== HASH) break;
    group ??= { kind: HEAD, anchor: p, start: p, column, lines: [] };
    blank = false;
    const end = s.lineEnd(p);
    group.lines.push(s.addComment(p, end));
    s.line += countBreaks(src, s.pos, end);
    s.lineStart = lineStart;
    s.pos = end;
    s.breaks = 0;
    // Of CR LF only the first is stepped over: SOPS's reader takes the LF for a blank line.
    p = end + 1;
    lineStart = p;
  }
  if (group) close(HEAD, group.start, p);
}

function countBreaks(src: string, from: number, to: number): number {
  let n = 0;
  for (let i = from; i < to; i++) if (src.charCodeAt(i) === LF) n++;
  return n;
}
