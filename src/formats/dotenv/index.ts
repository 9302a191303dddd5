import { TsopsError } from "../../errors.ts";
import { type FlatLine, flatBlock, flatten } from "../flatten.ts";
import { type Entry, type Format, type PathElement, type Reading, rootContainer } from "../format.ts";
import { type Scalar, valToString } from "../scalar.ts";
import { type Edit, placeOf, withoutWhiteSpace } from "../text.ts";
import { TreeComment, TreeList, TreeMap } from "../tree.ts";
import {
  afterLine,
  continuedLines,
  isConverted,
  linesOf,
  type Span,
  unquoted,
  withoutReturn,
} from "./lines.ts";
import { CONTINUED, CONTINUED_HINT, dotenvRemarks, shellName } from "./remarks.ts";

/** Keys that hold metadata (SPEC section 5). In upper case they are the user's. */
const PREFIX = "sops_";

/**
 * dotenv as SOPS reads it (SPEC section 6): `KEY=value` with everything kept, quotes and blanks and
 * carriage returns among it; `#` at the start of a line makes a comment; `\n` in a value is a line break. A
 * text with a key that starts with `sops_` counts as encrypted.
 *
 * What SOPS refuses is read more kindly: empty lines that end in CR LF, and encrypted files that other programs have
 * been at, which put quotes around the metadata, or CR at the ends of all lines (git's autocrlf).
 */
export const dotenv: Format = {
  name: "dotenv",

  read(text) {
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
  },

  spell(_reading, entry, value) {
    const text = entry.kind === "comment" ? commentText(valToString(value)) : valueText(value);
    return withReturn(entry, text);
  },

  spellCipher: (_reading, entry, cipher) => withReturn(entry, cipher),

  addMetadata({ text }, metadata) {
    const at = text.length;
    const lines = metadataLines(metadata);
    // A text without a line break at its end gets one before the block and none behind it: taking the block away
    // tells by that which it was.
    const add = at === 0 || text.endsWith("\n") ? `${lines}\n` : `\n${lines}`;
    return [{ start: at, end: at, text: add }];
  },

  replaceMetadata(reading, metadata, options) {
    const [first, ...others] = metadataRuns(reading);
    if (!first) return dotenv.addMetadata(reading, metadata, options);
    const newline = newlineOf(reading);
    const { start, end } = first;
    const stop = reading.text.endsWith(newline, end) ? end - newline.length : end;
    const text = metadataLines(metadata).replaceAll("\n", newline);
    return [{ start, end: stop, text }, ...others.map(removal(reading))];
  },

  removeMetadata: (reading) => metadataRuns(reading).map(removal(reading)),

  /** All white space is part of what SOPS reads but for empty lines; other readers have texts of several lines. */
  seams(reading, values) {
    const lines = quotedLines(reading, values);
    const found = lines.filter(({ empty }) => empty > 0);
    return found.map(({ empty, lineStart: at }) => ({ start: at, end: at, text: "\n".repeat(empty) }));
  },

  ownText(reading, values) {
    const lines = new Map(quotedLines(reading, values).map((line, i) => [reading.entries[i], line]));
    const { text } = reading;
    return (entry) =>
      withoutWhiteSpace(text.slice(entry.start, entry.end)) + (lines.get(entry)?.inside ? " quoted" : "");
  },

  // shells know `export`; some libraries quotes around a name, blanks and a colon behind it
  commonName: (key) => /^\s*(?:export\s+)?["'`]*([^\s:="'`]*)/.exec(key)![1]!,

  set(reading, path, value) {
    const key = keyOf(path);
    if (path.length > 1 || value instanceof TreeMap || value instanceof TreeList) throw complex(key);
    if (key.startsWith(PREFIX)) {
      throw new TsopsError("already-encrypted", "a dotenv key that starts with sops_ would be metadata", {
        hint: "choose another name; in upper case, SOPS_, it is fine",
      });
    }
    const text = ownText(value);
    const entry = entryOf(reading, key);
    if (entry) return [{ start: entry.start, end: entry.end, text: withReturn(entry, text) }];
    return [insertion(reading, `${checkedKey(key)}=${text}`)];
  },

  unset(reading, path) {
    const entry = entryOf(reading, keyOf(path));
    if (!entry || path.length > 1) throw badPath();
    const { text } = reading;
    const start = text.lastIndexOf("\n", entry.start - 1) + 1;
    return [removal(reading)({ start, end: afterLine(text, entry.end) })];
  },

  /** @throws TsopsError("print") for nested values and keys that a line cannot hold. */
  print([tree]) {
    const lines = (tree ?? new TreeMap()).items.map((item) => {
      // A comment of several lines comes from other formats; SOPS lets all but the first become something else.
      if (item instanceof TreeComment) return `#${item.text.replace(/\n(?!#)/g, "\n#")}\n`;
      if (item.value instanceof TreeMap || item.value instanceof TreeList) throw complex(item.key);
      return `${checkedKey(item.key)}=${valueText(item.value)}\n`;
    });
    return lines.join("");
  },

  printValue(value) {
    if (typeof value === "string") return value;
    throw new TsopsError("print", "dotenv can print a single value only if it is a text", {
      hint: "choose another type with --output-type",
    });
  },
};

/** What stands in a span, and the end of line that is no part of it. */
function contentOf(text: string, span: Span, converted: boolean) {
  const end = converted ? withoutReturn(text, span) : span.end;
  const style = end < span.end ? RETURN : undefined;
  return { ...span, value: text.slice(span.start, end), style };
}

/** The style of what stands before a CR that is the line's and not its own. The CR is in its span. */
const RETURN = "return";

/** A text for the place of an entry, with the CR that its line needs. A value that brought its own has it twice else. */
function withReturn({ style }: Entry, text: string): string {
  return style === RETURN && !text.endsWith("\r") ? `${text}\r` : text;
}

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

/** A value that is set. @throws TsopsError("print") for null, which SOPS writes as the text `<nil>`, as conversions do. */
function ownText(value: Scalar): string {
  if (value !== null) return valueText(value);
  throw new TsopsError("print", "dotenv has no null", {
    hint: "use an empty text (set … '\"\"'), or remove the key (tsops unset)",
  });
}

function valueText(value: Scalar): string {
  return valToString(value).replaceAll("\n", "\\n");
}

function commentText(text: string): string {
  if (!text.includes("\n")) return text;
  throw new TsopsError("print", "a dotenv comment cannot hold a line break", {
    hint: "write it as several comments",
  });
}

function metadataLines(metadata: TreeMap): string {
  return flatten(metadata)
    .map(({ key, value }) => `${PREFIX}${key}=${valueText(value)}`)
    .join("\n");
}

/** Metadata lines with their line breaks, those that follow each other as one. */
function metadataRuns({ text, metadata }: Reading): Span[] {
  const runs: { start: number; end: number }[] = [];
  for (const entry of metadata?.entries ?? []) {
    const start = text.lastIndexOf("\n", entry.start - 1) + 1;
    const end = afterLine(text, entry.end);
    const last = runs.at(-1);
    if (last?.end === start) last.end = end;
    else runs.push({ start, end });
  }
  return runs;
}

/** Takes lines away; at the end of a text that has no last line break, the one before them goes. */
function removal(reading: Reading): (span: Span) => Edit {
  const { text } = reading;
  return ({ start, end }) => {
    const open = end === text.length && start > 0 && text[end - 1] !== "\n";
    const newline = open && text.endsWith(newlineOf(reading), start) ? newlineOf(reading).length : 1;
    return { start: open ? start - newline : start, end, text: "" };
  };
}

/** The line break of an encrypted text: CR LF only where something turned all of them into that. */
function newlineOf({ text, metadata }: Reading): "\r\n" | "\n" {
  const lines = linesOf(text).filter(({ start }) => text.startsWith(PREFIX, start));
  return metadata && isConverted(text, lines) ? "\r\n" : "\n";
}

/** A new line behind all others but the metadata at the end. */
function insertion(reading: Reading, line: string): Edit {
  const { text } = reading;
  const newline = newlineOf(reading);
  const last = metadataRuns(reading).at(-1);
  if (last?.end === text.length) return { start: last.start, end: last.start, text: line + newline };
  const open = text !== "" && !text.endsWith("\n");
  return { start: text.length, end: text.length, text: open ? newline + line : line + newline };
}

function keyOf([key]: readonly PathElement[]): string {
  if (typeof key !== "string") throw badPath();
  return key;
}

/** SOPS reads and sets the first of equal keys. */
function entryOf({ entries }: Reading, key: string): Entry | undefined {
  return entries.find((entry) => entry.key === key);
}

function checkedKey(key: string): string {
  if (!/^#|[=\n]/.test(key)) return key;
  throw new TsopsError("print", `a dotenv line cannot hold the key ${JSON.stringify(key)}`, {
    hint: "a key there has no `=`, no line break, and no `#` at its start",
  });
}

function complex(key: string): TsopsError {
  return new TsopsError("print", `dotenv cannot hold maps and lists, such as ${JSON.stringify(key)}`, {
    hint: "choose another type with --output-type",
  });
}

function badPath(): TsopsError {
  return new TsopsError("bad-path", "a path in a dotenv file is one key", { hint: 'write ["KEY"]' });
}

/** What other readers take for a text of several lines: behind a quote that is open, or a backslash at a line's end. */
interface Quoted {
  /** Empty lines before the entry's line that stand inside such a text. */
  readonly empty: number;
  readonly inside: boolean;
  readonly lineStart: number;
}

/** Shells open a text at any quote in a value, other readers only at one that it begins with. */
function quotedLines({ text, entries }: Reading, values: readonly (Scalar | undefined)[]): Quoted[] {
  let atStart = "";
  let anywhere = "";
  let joined = false;
  let lastEnd = 0;
  return entries.map(({ kind, start, end }, i) => {
    const lineStart = text.lastIndexOf("\n", start - 1) + 1;
    const inside = atStart !== "" || anywhere !== "" || joined;
    const empty = inside ? Math.max(text.slice(lastEnd, lineStart).split("\n").length - 2, 0) : 0;
    lastEnd = end;
    const value = valToString(values[i] ?? "");
    const line = text.slice(lineStart, start) + value;
    const words = value.replace(/^[ \t]+/, "");
    if (atStart !== "") {
      if (closes(line, atStart)) atStart = "";
    } else if (kind === "value" && /^["'`]/.test(words) && !closes(words.slice(1), words[0]!)) {
      atStart = words[0]!;
    }
    if (kind === "value" || inside) anywhere = openBehind(anywhere === "" ? value : line, anywhere);
    // systemd lets comments go on, too
    joined = value.endsWith("\\");
    return { empty, inside, lineStart };
  });
}

/** Readers differ in what a backslash before a quote means. */
function closes(text: string, quote: string): boolean {
  return new RegExp(`(?<!\\\\)${quote}`).test(text);
}

/** The quote that is open behind a text, if `open` is before it. Behind a blank and `#` nothing opens. */
function openBehind(text: string, open: string): string {
  for (const [mark] of text.matchAll(/(?<!\\)["'`]|[ \t]#/g)) {
    if (open === mark) open = "";
    else if (open === "") {
      if (mark.endsWith("#")) break;
      open = mark;
    }
  }
  return open;
}
