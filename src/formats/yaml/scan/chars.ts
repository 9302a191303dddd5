/** Character codes and classes. The scanner reads a text that ends in NUL, so that no test needs its length. */

export const NUL = 0;
export const TAB = 9;
export const LF = 10;
export const CR = 13;
export const SPACE = 32;
export const BANG = 33;
export const DOUBLE_QUOTE = 34;
export const HASH = 35;
export const PERCENT = 37;
export const AMPERSAND = 38;
export const SINGLE_QUOTE = 39;
export const STAR = 42;
export const PLUS = 43;
export const COMMA_CHAR = 44;
export const MINUS = 45;
export const DOT = 46;
export const ZERO = 48;
export const NINE = 57;
export const COLON_CHAR = 58;
export const LESS = 60;
export const GREATER = 62;
export const QUESTION = 63;
export const OPEN_BRACKET = 91;
export const BACKSLASH = 92;
export const CLOSE_BRACKET = 93;
export const OPEN_BRACE = 123;
export const BAR = 124;
export const CLOSE_BRACE = 125;
export const BOM = 0xfeff;

const BLANKZ = 1;
const WORD = 2;
const URI = 4;
const FLOW_END = 8;
/** What may end a plain scalar. */
const STOP = 16;
const CLASS = new Uint8Array(128);
for (const c of [NUL, TAB, LF, CR, SPACE]) CLASS[c]! |= BLANKZ;
for (let c = 48; c < 128; c++) if (/[0-9A-Za-z_]/.test(String.fromCharCode(c))) CLASS[c]! |= WORD | URI;
CLASS[MINUS]! |= WORD;
for (const c of "-;/?:@&=+$,.!~*'()[]%") CLASS[c.charCodeAt(0)]! |= URI;
for (const c of ",?[]{}") CLASS[c.charCodeAt(0)]! |= FLOW_END | STOP;
for (const c of "\0\t\n\r :") CLASS[c.charCodeAt(0)]! |= STOP;

export const isBlank = (c: number): boolean => c === SPACE || c === TAB;
export const isBreak = (c: number): boolean => c === LF || c === CR;
export const isBreakz = (c: number): boolean => c === LF || c === CR || c === NUL;
export const isBlankz = (c: number): boolean => c < 128 && (CLASS[c]! & BLANKZ) !== 0;
/** What an anchor's name and a directive's name are made of. */
export const isWord = (c: number): boolean => c < 128 && (CLASS[c]! & WORD) !== 0;
export const isUri = (c: number): boolean => c < 128 && (CLASS[c]! & URI) !== 0;
/** What ends a plain scalar in a flow collection. */
export const isFlowEnd = (c: number): boolean => c < 128 && (CLASS[c]! & FLOW_END) !== 0;
/** Whether a plain scalar goes on after this character, whatever follows. */
export const isPlainSafe = (c: number): boolean => c >= 128 || (CLASS[c]! & STOP) === 0;
export const isDigit = (c: number): boolean => c >= ZERO && c <= NINE;

/** The value of a hexadecimal digit, -1 for any other character. */
export function hexValue(c: number): number {
  if (c >= ZERO && c <= NINE) return c - ZERO;
  const lower = c | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}
