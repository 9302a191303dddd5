import { TsopsError } from "../../errors.ts";
import type { PathElement, Reading } from "../format.ts";
import { type Edit, lineEnding } from "../text.ts";
import { type Tree, TreeList, TreeMap } from "../tree.ts";
import { blockSpan } from "./block.ts";
import { iniText, keysOf, printKeys } from "./print.ts";
import { type Key, METADATA_SECTION, type Section, sectionsOf } from "./read.ts";
import { restOfValue } from "./remarks.ts";
import { type IniKey, type Span, textStart } from "./scan.ts";
import { printValue, spellKey, spellSection, spellValue } from "./spell.ts";

/** Edits that give a section or a key of one its value: see Format.set. */
export function setIn(reading: Reading, path: readonly PathElement[], value: Tree): Edit[] {
  const [name, key, ...deeper] = path;
  if (typeof name !== "string" || typeof key === "number") throw badPath();
  if (name === METADATA_SECTION) {
    throw new TsopsError("already-encrypted", "an INI section named sops would be metadata", {
      hint: "choose another name",
    });
  }
  const { text } = reading;
  const section = sectionsOf(reading).find((candidate) => candidate.name === name);
  if (key === "-" || (value instanceof TreeMap && value.get("-") !== undefined)) throw numbered();
  if (key === undefined) return setSection(reading, section, name, value);
  if (deeper.length > 0 || value instanceof TreeMap || value instanceof TreeList) throw nested();
  const plain = iniText(value);
  // SOPS reads the last of equal keys
  const item = section?.keys.findLast((candidate) => candidate.item.name === key)?.item;
  if (item) return [respelled(text, item, plain)];
  if (section) return [addKey(text, section, key, plain)];
  return [addSection(reading, name, [{ name: key, value: plain }])];
}

/** Edits that take a section or a key away: see Format.unset. */
export function unsetIn(reading: Reading, path: readonly PathElement[]): Edit[] {
  const [name, key, ...deeper] = path;
  const { text } = reading;
  const sections = sectionsOf(reading);
  const at = sections.findIndex((candidate) => candidate.name === name);
  const section = sections[at];
  if (!section || deeper.length > 0) throw badPath();
  if (key !== undefined) {
    const found = section.keys.filter(({ item }) => item.name === key);
    if (found.length === 0) throw badPath();
    return removals(text, found);
  }
  if (!section.header) return removals(text, section.keys);
  const { start } = section.header.lines;
  // the empty line above goes as well, unless it ends a value that a backslash continues
  const continued = sections[at - 1]?.keys.at(-1)?.item.lines.end === start;
  const above = continued ? "" : text.slice(Math.max(0, start - 3), start);
  const blank = /\n(\r?\n)$/.exec(above)?.[1] ?? "";
  return [removal(text, { start: start - blank.length, end: endOf(section) })];
}

function setSection(reading: Reading, section: Section | undefined, name: string, value: Tree): Edit[] {
  if (!(value instanceof TreeMap)) {
    throw new TsopsError("print", "a section of an INI file cannot be a single value", {
      hint: 'set a key in it: ["section"]["key"]',
    });
  }
  const { text } = reading;
  const keys = keysOf(name, value);
  if (!section) return [addSection(reading, name, keys)];
  const start = section.header
    ? section.header.lines.end
    : (section.keys[0]?.item.lines.start ?? textStart(text));
  const end = Math.max(start, endOf(section));
  const newline = lineEnding(text);
  let lines = printKeys(keys, newline);
  if (end === text.length && end > 0 && text[end - 1] !== "\n") lines = lines.slice(0, -newline.length);
  if (start > 0 && text[start - 1] !== "\n" && start !== textStart(text) && lines !== "")
    lines = newline + lines;
  return [{ start, end, text: lines }];
}

/**
 * A value in the place of another one; where there was none, as far from the delimiter as that is from the
 * key. What stands behind the old value and was a part of it goes, too.
 */
function respelled(text: string, item: IniKey, value: string): Edit {
  const { start, end, quote, multiline } = item.value;
  const rest = restOfValue(text, item);
  const comment = item.inline !== undefined && !rest;
  const kept = rest ? "" : quote;
  const spelled = spellValue(value, { kind: "value", quote: kept, comment, multiline, metadata: false });
  const spaced = start < end || /\s/.test(text[start - 1]!) || !/\s/.test(text[item.delimiter - 1]!);
  return { start, end: rest?.end ?? end, text: spaced ? spelled : ` ${spelled}` };
}

/** A new line behind the section's last key, laid out like its other lines. */
function addKey(text: string, section: Section, name: string, value: string): Edit {
  const newline = lineEnding(text);
  const last = section.keys.at(-1)?.item;
  const line = last
    ? `${likeOthers(text, section, name)}${printValue(value)}`
    : `${spellKey(name)} = ${printValue(value)}`;
  const at = section.header || last ? endOf(section) : textStart(text);
  if (at === textStart(text)) return { start: at, end: at, text: line + newline };
  const before = text[at - 1] === "\n" ? "" : newline;
  // an open end would make the new line a part of its value
  const apart = last?.open ? newline : "";
  return { start: at, end: at, text: `${before}${apart}${line}${before === "" ? newline : ""}` };
}

/** Everything up to the value: indentation, key, delimiter. A common column of the delimiters is kept. */
function likeOthers(text: string, { keys }: Section, name: string): string {
  const last = keys.at(-1)!.item;
  const indent = text.slice(last.lines.start, last.nameSpan.start);
  const spelled = spellKey(name);
  const columns = keys.map(({ item }) => item.delimiter - item.nameSpan.start);
  const widths = keys.map(({ item }) => item.nameSpan.end - item.nameSpan.start);
  const aligned = new Set(columns).size === 1 && new Set(widths).size > 1;
  const gap = text.slice(last.nameSpan.end, last.delimiter);
  const narrowest = columns.reduce(
    (least, c, i) => Math.min(least, c - widths[i]!),
    Number.POSITIVE_INFINITY,
  );
  const before = aligned ? " ".repeat(Math.max(columns[0]! - spelled.length, narrowest)) : gap;
  const { value } = last;
  const blank = text[last.delimiter + 1];
  const spaced = value.start > last.delimiter + 1 && (blank === " " || blank === "\t");
  const likeBefore = gap === "" ? "" : " ";
  const after = spaced ? blank : likeBefore;
  return `${indent}${spelled}${before}${text[last.delimiter]}${after}`;
}

/** A new section at the end, before the metadata. */
function addSection(reading: Reading, name: string, keys: { name: string; value: string }[]): Edit {
  const { text } = reading;
  const newline = lineEnding(text);
  const block = blockSpan(reading);
  const atEnd = !block || block.start === 0 || text.slice(block.end).trim() !== "";
  const at = atEnd ? text.length : block.start;
  const lines = `${spellSection(name)}${newline}${printKeys(keys, newline)}`;
  if (at === textStart(text)) return { start: at, end: at, text: lines };
  if (text[at - 1] === "\n") return { start: at, end: at, text: newline + lines };
  return { start: at, end: at, text: newline + newline + lines.slice(0, -newline.length) };
}

/** Behind the section's last key, or behind its header. */
function endOf({ header, keys }: Section): number {
  return keys.reduce((end, { item }) => Math.max(end, item.lines.end), header?.lines.end ?? 0);
}

/** Takes keys away; neighbours as one, for the last of them may take the line break before it along. */
function removals(text: string, keys: readonly Key[]): Edit[] {
  const spans: { start: number; end: number }[] = [];
  for (const { item } of keys) {
    const last = spans.at(-1);
    if (last?.end === item.lines.start) last.end = item.lines.end;
    else spans.push({ ...item.lines });
  }
  return spans.map((span) => removal(text, span));
}

/** Takes lines away; at the end of a text that has no last line break, the one before them goes. */
function removal(text: string, { start, end }: Span): Edit {
  const open = end === text.length && start > 0 && text[end - 1] !== "\n";
  const newline = text[start - 2] === "\r" ? 2 : 1;
  return { start: open ? start - newline : start, end, text: "" };
}

function nested(): TsopsError {
  return new TsopsError("print", "INI has no maps and lists inside sections", {
    hint: 'set a single value: ["section"]["key"]',
  });
}

function numbered(): TsopsError {
  return new TsopsError("print", "SOPS reads an INI key that is a single - as a number of its own", {
    hint: "choose another name; an existing - is #1, the next one #2",
  });
}

function badPath(): TsopsError {
  return new TsopsError("bad-path", "a path in an INI file is a section and a key", {
    hint: 'write ["section"]["key"]; keys before the first section are in ["DEFAULT"]',
  });
}
