import { BANG, GREATER, hexValue, isBlankz, isUri, isWord, LESS, PERCENT } from "./chars.ts";
import type { Scanner } from "./state.ts";
import { TAG } from "./tokens.ts";

/** Scans `!suffix`, `!handle!suffix`, `!<whole tag>` or `!` alone. */
export function scanTag(s: Scanner): void {
  const start = s.pos;
  let handle = "";
  let suffix: string;
  if (s.src.charCodeAt(start + 1) === LESS) {
    s.pos += 2;
    suffix = scanUri(s, "");
    if (s.src.charCodeAt(s.pos) !== GREATER) s.fail("a tag that starts with `!<` needs a `>`", start);
    s.pos++;
  } else {
    handle = scanHandle(s, false);
    if (handle.length > 1 && handle.endsWith("!")) suffix = scanUri(s, "");
    else {
      suffix = scanUri(s, handle);
      handle = suffix === "" ? "" : "!";
      if (suffix === "") suffix = "!";
    }
  }
  if (!isBlankz(s.src.charCodeAt(s.pos))) s.fail("a tag must be followed by a space", s.pos);
  s.breaks = 0;
  s.tags.push({ handle, suffix });
  s.tokens.push(TAG, start, s.pos, s.tags.length);
}

/** Scans `!`, `!!` or `!name!`; in a tag, `!name` may also turn out to be the whole of it. */
export function scanHandle(s: Scanner, directive: boolean): string {
  const start = s.pos;
  if (s.src.charCodeAt(start) !== BANG) s.fail("a tag handle must start with `!`", start);
  s.pos++;
  while (isWord(s.src.charCodeAt(s.pos))) s.pos++;
  if (s.src.charCodeAt(s.pos) === BANG) s.pos++;
  else if (directive && s.pos > start + 1) s.fail("a tag handle must end with `!`", start);
  return s.text.slice(start, s.pos);
}

/** Scans the rest of a tag; of `head`, which was scanned before, all but the `!` belongs to it. */
export function scanUri(s: Scanner, head: string): string {
  const start = s.pos;
  let text = head.slice(1);
  let from = start;
  for (let c = s.src.charCodeAt(s.pos); isUri(c); c = s.src.charCodeAt(s.pos)) {
    if (c === PERCENT) {
      text += s.text.slice(from, s.pos) + scanOctets(s);
      from = s.pos;
    } else s.pos++;
  }
  if (s.pos === start && head === "") s.fail("this tag is incomplete", start);
  return text + s.text.slice(from, s.pos);
}

/** Reads the `%XX` that make up one character. */
function scanOctets(s: Scanner): string {
  const bytes: number[] = [];
  let missing = 1;
  while (missing > 0) {
    const high = hexValue(s.src.charCodeAt(s.pos + 1));
    const low = hexValue(s.src.charCodeAt(s.pos + 2));
    if (s.src.charCodeAt(s.pos) !== PERCENT || high < 0 || low < 0) {
      s.fail("a `%` in a tag must be followed by two hexadecimal digits", s.pos);
    }
    const byte = high * 16 + low;
    if (bytes.length === 0) {
      missing = byte < 0x80 ? 1 : byte >= 0xc0 && byte < 0xe0 ? 2 : byte >= 0xe0 && byte < 0xf0 ? 3 : 4;
      if ((byte >= 0x80 && byte < 0xc0) || byte >= 0xf8)
        s.fail("a tag holds bytes that are not UTF-8", s.pos);
    } else if ((byte & 0xc0) !== 0x80) s.fail("a tag holds bytes that are not UTF-8", s.pos);
    bytes.push(byte);
    s.pos += 3;
    missing--;
  }
  return Buffer.from(bytes).toString("utf8");
}
