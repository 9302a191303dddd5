import { TsopsError } from "../../errors.ts";
import { type FlatLine, flatBlock } from "../flatten.ts";
import { type Entry, type Reading, rootContainer } from "../format.ts";
import { placeOf } from "../text.ts";
import { continuedLines, isConverted, linesOf, type Span, unquoted, withoutReturn } from "./lines.ts";
import { CONTINUED, CONTINUED_HINT, dotenvRemarks, shellName } from "./remarks.ts";

/** Keys that hold metadata (docs/internals/sops.md §5). In upper case they are the user's. */
export const PREFIX = "sops_";

/** Lines to entries. @throws TsopsError("parse") for a line that is none of dotenv. */
export function readDotenv(text: string): Reading {
  const lines = linesOf(text);
  const block = lines.filter(({ start }) => text.startsWith(PREFIX, start));
  const root = rootContainer();
  const entries: Entry[] = [];
  const metadata: FlatLine[] = [];
  const seen = new Set<string>();
  const duplicates: number[] = [];
  const converted = isConverted(text, block);
  for (const line of lines) {
    const { start, end } = line;
    if (text[start] === "#") {
      const span = { start: start + 1, end };
      entries.push({ kind: "comment", in: root, key: undefined, ...contentOf(text, span, converted) });
      continue;
    }
    const equals = text.slice(start, end).indexOf("=");
    if (equals < 0) throw noEqualsSign(text, lines, line);
    const key = text.slice(start, start + equals);
    const span = { start: start + equals + 1, end };
    if (key.startsWith(PREFIX)) {
      metadata.push({ key: key.slice(PREFIX.length), keyStart: start, ...fieldOf(text, span) });
      continue;
    }
    if (seen.has(key)) duplicates.push(start);
    seen.add(key);
    entries.push({ kind: "value", in: root, key, ...lineValue(text, span, block.length > 0, converted) });
  }
  const remarks = dotenvRemarks(text, lines, entries);
  const reading: Reading = { text, entries, documents: 1, duplicates, remarks, seenName: shellName };
  return metadata.length === 0 ? reading : { ...reading, metadata: flatBlock(text, metadata) };
}

/** What stands in a span, and the end of line that is no part of it. */
function contentOf(text: string, span: Span, converted: boolean) {
  const end = converted ? withoutReturn(text, span) : span.end;
  const style = end < span.end ? RETURN : undefined;
  return { ...span, value: text.slice(span.start, end), style };
}

/** The style of what stands before a CR that is the line's and not its own. The CR is in its span. */
export const RETURN = "return";

function lineValue(text: string, span: Span, encrypted: boolean, converted: boolean) {
  const content = contentOf(text, span, converted);
  if (!encrypted) return { ...content, value: unescaped(content.value) };
  // other programs put ciphertexts in quotes, which SOPS does not read
  const inner = unquoted(content.value, { start: 0, end: content.value.length });
  const value = content.value.slice(inner.start, inner.end);
  return { ...content, value: value.startsWith("ENC[") ? value : unescaped(content.value) };
}

/** A field of the metadata: without quotes and without the CR of its line. */
function fieldOf(text: string, span: Span) {
  const { start, end } = unquoted(text, { start: span.start, end: withoutReturn(text, span) });
  return { start, end, value: unescaped(text.slice(start, end)) };
}

function unescaped(text: string): string {
  return text.replaceAll("\\n", "\n");
}

function noEqualsSign(text: string, lines: readonly Span[], line: Span): TsopsError {
  const place = placeOf(text, line.start);
  if (continuedLines(text, lines).has(line.start)) {
    return new TsopsError("parse", CONTINUED, { place, hint: CONTINUED_HINT });
  }
  const blank = text.slice(line.start, line.end).trim() === "";
  const what = blank ? "a line of nothing but white space" : "a line without `=`";
  return new TsopsError("parse", `${what} is not dotenv as SOPS reads it`, {
    place,
    hint: "write it as KEY=value, make it a comment with `#` in the first column, or leave the line empty",
  });
}
