import { BANG, GREATER, hexValue, isBlankz, isUri, isWord, LESS, PERCENT } from "./chars.ts";
import type { Scanner } from "./state.ts";
import { TAG } from "./tokens.ts";

/** Scans `!suffix`, `!handle!suffix`, `!<whole tag>` or `!` alone. */
export function scanTag(scanner: Scanner): void {
  const start = scanner.pos;
  let handle = "";
  let suffix: string;
  if (scanner.src.charCodeAt(start + 1) === LESS) {
    scanner.pos += 2;
    suffix = scanUri(scanner, "");
    if (scanner.code !== GREATER) scanner.fail("a tag that starts with `!<` needs a `>`", start);
    scanner.pos++;
  } else {
    handle = scanHandle(scanner, false);
    if (handle.length > 1 && handle.endsWith("!")) suffix = scanUri(scanner, "");
    else {
      suffix = scanUri(scanner, handle);
      handle = suffix === "" ? "" : "!";
      if (suffix === "") suffix = "!";
    }
  }
  if (!isBlankz(scanner.code)) scanner.fail("a tag must be followed by a space", scanner.pos);
  scanner.breaks = 0;
  scanner.tags.push({ handle, suffix });
  scanner.tokens.push(TAG, start, scanner.pos, scanner.tags.length);
}

/** Scans `!`, `!!` or `!name!`; in a tag, `!name` may also turn out to be the whole of it. */
export function scanHandle(scanner: Scanner, directive: boolean): string {
  const start = scanner.pos;
  if (scanner.src.charCodeAt(start) !== BANG) scanner.fail("a tag handle must start with `!`", start);
  scanner.pos++;
  while (isWord(scanner.code)) scanner.pos++;
  if (scanner.code === BANG) scanner.pos++;
  else if (directive && scanner.pos > start + 1) scanner.fail("a tag handle must end with `!`", start);
  return scanner.text.slice(start, scanner.pos);
}

/** Scans the rest of a tag; of `head`, which was scanned before, all but the `!` belongs to it. */
export function scanUri(scanner: Scanner, head: string): string {
  const start = scanner.pos;
  let text = head.slice(1);
  let from = start;
  for (let code = scanner.code; isUri(code); code = scanner.code) {
    if (code === PERCENT) {
      text += scanner.text.slice(from, scanner.pos) + scanOctets(scanner);
      from = scanner.pos;
    } else scanner.pos++;
  }
  if (scanner.pos === start && head === "") scanner.fail("this tag is incomplete", start);
  return text + scanner.text.slice(from, scanner.pos);
}

/** Reads the `%XX` that make up one character. */
function scanOctets(scanner: Scanner): string {
  const bytes: number[] = [];
  let missing = 1;
  while (missing > 0) {
    const high = hexValue(scanner.src.charCodeAt(scanner.pos + 1));
    const low = hexValue(scanner.src.charCodeAt(scanner.pos + 2));
    if (scanner.code !== PERCENT || high < 0 || low < 0) {
      scanner.fail("a `%` in a tag must be followed by two hexadecimal digits", scanner.pos);
    }
    const byte = high * 16 + low;
    if (bytes.length === 0) missing = sequenceLength(byte);
    if (missing === 0 || (bytes.length > 0 && (byte & 0xc0) !== 0x80)) {
      scanner.fail("a tag holds bytes that are not UTF-8", scanner.pos);
    }
    bytes.push(byte);
    scanner.pos += 3;
    missing--;
  }
  return Buffer.from(bytes).toString("utf8");
}

/** How many bytes a UTF-8 sequence has that starts with this one; 0 if none does. */
function sequenceLength(byte: number): number {
  if (byte < 0x80) return 1;
  if (byte < 0xc0 || byte >= 0xf8) return 0;
  if (byte < 0xe0) return 2;
  return byte < 0xf0 ? 3 : 4;
}
