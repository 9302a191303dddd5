import { TsopsError } from "../../errors.ts";
import { type Container, type PathElement, pathOf } from "../format.ts";
import { applyEdits, type Edit, lineEnding } from "../text.ts";
import { type Tree, TreeList, TreeMap } from "../tree.ts";
import { writeInline, writeSubtable, writeValue } from "./print.ts";
import { readToml } from "./read.ts";
import type { Section, TomlReading } from "./sections.ts";
import { styledString, tomlKey } from "./spell.ts";
import type { Item, List, Node, Table, TableList } from "./tables.ts";

/**
 * Edits that give a path this value, as SOPS's `set` does (docs/internals/sops.md §7): a scalar on the way replaced, an
 * index past the end of a list appended. New keys stand behind the others of their table.
 * @throws TsopsError("bad-path") for an index into a table, a key into an array, or no path at all,
 * TsopsError("print") for what TOML cannot hold: a null, or anything but a table in an array of tables.
 */
export function setIn(reading: TomlReading, path: readonly PathElement[], value: Tree): Edit[] {
  return difference(reading.text, applySet(reading, path, value));
}

/** Edits that take away what stands at a path. @throws TsopsError("bad-path") if nothing does. */
export function unsetIn(reading: TomlReading, path: readonly PathElement[]): Edit[] {
  const { node, rest } = follow(reading, path);
  if (rest.length > 0) throw new TsopsError("bad-path", "there is nothing at this path");
  const parentPath = path.slice(0, -1);
  const { node: parent } = follow(reading, parentPath);
  let text = remove(reading, path, node);
  // A table or list that nothing but its content defined is still there, and empty now.
  const again = readToml(text);
  if (parentPath.length > 0 && follow(again, parentPath).rest.length > 0) {
    text = applySet(again, parentPath, parent.kind === "table" ? new TreeMap() : new TreeList());
  }
  return difference(reading.text, text);
}

/** One edit that turns a text into another; none if they are the same. */
function difference(before: string, after: string): Edit[] {
  if (before === after) return [];
  const shorter = Math.min(before.length, after.length);
  let start = 0;
  while (start < shorter && before[start] === after[start]) start++;
  let same = 0;
  while (same < shorter - start && before[before.length - 1 - same] === after[after.length - 1 - same])
    same++;
  return [{ start, end: before.length - same, text: after.slice(start, after.length - same) }];
}

/** Where a path leads, and what of it is left where nothing stands, or where a scalar is in the way. */
interface Found {
  readonly node: Node;
  readonly rest: readonly PathElement[];
  /** The innermost table on the way that is no dotted one, and the dotted names from there. */
  readonly host: Table;
  readonly prefix: readonly string[];
}

function follow({ root }: TomlReading, path: readonly PathElement[]): Found {
  let node: Node = root;
  let host = root;
  let prefix: string[] = [];
  for (const [i, element] of path.entries()) {
    const next = childOf(node, element);
    if (!next) return { node, rest: path.slice(i), host, prefix };
    if (next.kind === "table" && next.how !== "dotted") {
      host = next;
      prefix = [];
    } else if (next.kind === "table") prefix = [...prefix, String(element)];
    node = next;
  }
  return { node, rest: [], host, prefix };
}

function childOf(node: Node, element: PathElement): Node | undefined {
  if (node.kind === "value") return undefined;
  if (node.kind === "table") {
    if (typeof element === "string") return node.children.get(element);
    throw new TsopsError("bad-path", "the path has an index where the document has a table", {
      hint: 'keys stand in quotes, as in ["key"]',
    });
  }
  if (typeof element === "number" && element >= 0) {
    return node.kind === "list" ? node.items[element]?.node : node.tables[element];
  }
  throw new TsopsError("bad-path", "the path has a key where the document has an array", {
    hint: "items are counted from 0, as in [0]",
  });
}

function applySet(reading: TomlReading, path: readonly PathElement[], value: Tree): string {
  if (path.length === 0) throw new TsopsError("bad-path", "the path is empty");
  const { text } = reading;
  const found = follow(reading, path);
  const { node, rest } = found;
  if (rest.length === 0) return replace(reading, path, node, value);
  if (node.kind === "value") return splice(text, node, writeInline(wrap(rest, value)));
  if (node.kind === "table") return addToTable(reading, found, value);
  const item = wrap(rest.slice(1), value);
  return node.kind === "list" ? addToList(text, node, item) : addSection(reading, node, item);
}

/** The value with what is missing around it, as in SOPS. */
function wrap(path: readonly PathElement[], value: Tree): Tree {
  return path.reduceRight<Tree>(
    (inner, element) =>
      typeof element === "string" ? TreeMap.of([[element, inner]]) : new TreeList([inner]),
    value,
  );
}

function splice(text: string, { start, end }: { start: number; end: number }, by: string): string {
  return text.slice(0, start) + by + text.slice(end);
}

function replace(reading: TomlReading, path: readonly PathElement[], node: Node, value: Tree): string {
  const { text } = reading;
  if (node.kind === "value") {
    const keepsQuotes = typeof value === "string" && node.style?.quote !== undefined;
    const style = keepsQuotes ? node.style : undefined;
    return splice(
      text,
      node,
      style ? styledString(String(value), style, lineEnding(text)) : writeInline(value),
    );
  }
  if (node.kind === "list") return splice(text, node, writeInline(value));
  if (node.kind === "table" && node.start !== undefined) {
    return splice(text, { start: node.start, end: node.end! }, writeInline(value));
  }
  const isElement = typeof path.at(-1) === "number";
  if (!isElement) return applySet(readToml(remove(reading, path, node)), path, value);
  const own = reading.sections.find((section) => section.table === node)!;
  const lines = writeSection(own, asTable(value), lineEnding(text));
  const others = sectionsIn(reading, node).filter((section) => section !== own);
  const edits = [
    ...cuts(
      text,
      others.map((section) => wholeSection(text, section)),
    ),
    { start: own.start, end: own.end, text: lines },
  ];
  return applyEdits(text, edits);
}

function asTable(value: Tree): TreeMap {
  if (value instanceof TreeMap) return value;
  throw new TsopsError("print", "an array of tables holds tables only", {
    hint: "set the whole array, or give the item as an object",
  });
}

/** A table of an array with its header. */
function writeSection({ names }: Pick<Section, "names">, value: TreeMap, newline: string): string {
  return writeSubtable(new TreeList([value]), names, newline).join(newline);
}

/** Adds a key that is missing in a table, with all that is missing below it. */
function addToTable(reading: TomlReading, { host, prefix, rest }: Found, value: Tree): string {
  const { text } = reading;
  const names = [...prefix];
  const below = [...rest];
  while (typeof below[0] === "string") names.push(below.shift() as string);
  const key = names.map(tomlKey).join(".");
  const tree = wrap(below, value);
  if (host.how === "inline") return addMember(text, host, `${key} = ${writeInline(tree)}`);
  const newline = lineEnding(text);
  const line = `${key} = ${writeValue(tree, newline)}`;
  const section = reading.sections.find(({ table }) => table === host);
  if (!section) return addHeader(reading, host, line);
  const related = section.keyValues.filter(({ names: other }) =>
    prefix.every((name, i) => other[i] === name),
  );
  const after = (related.length > 0 ? related : section.keyValues).at(-1);
  if (after) return insert(text, after.lineEnd, `${newline}${indentAt(text, after.start)}${line}`);
  if (host !== reading.root)
    return insert(text, section.end, `${newline}${indentAt(text, section.start)}${line}`);
  const next = reading.sections[1];
  if (next) return insert(text, withComments(reading, next), `${line}${newline}${newline}`);
  const lead = text.length === section.start || text.endsWith("\n") ? "" : newline;
  return insert(text, text.length, `${lead}${line}${newline}`);
}

/** Gives a header to a table that had none, before those inside it. */
function addHeader(reading: TomlReading, table: Table, line: string): string {
  const { text } = reading;
  const newline = lineEnding(text);
  const [first] = sectionsIn(reading, table);
  const name = namesOf(table.container).map(tomlKey).join(".");
  return insert(text, withComments(reading, first!), `[${name}]${newline}${line}${newline}${newline}`);
}

/** Adds a table at the end of an array of tables. */
function addSection(reading: TomlReading, list: TableList, value: Tree): string {
  const { text } = reading;
  const newline = lineEnding(text);
  const last = sectionsIn(reading, list).at(-1)!;
  const lines = writeSection({ names: namesOf(list.container) }, asTable(value), newline);
  return insert(text, last.end, `${newline}${newline}${lines}`);
}

/** The names in a header for this table: its path without indices. */
function namesOf(container: Container): string[] {
  return pathOf(container).filter((element) => typeof element === "string");
}

function addMember(text: string, table: Table, member: string): string {
  const { members, start, end } = table;
  if (members.length > 0) return addBehind(text, members, member);
  const inside = text.slice(start! + 1, end! - 1);
  if (inside.trim() === "") return splice(text, { start: start!, end: end! }, `{ ${member} }`);
  return insert(text, start! + 1, ` ${member}`);
}

function addToList(text: string, { items, start, end }: List, value: Tree): string {
  const item = writeInline(value);
  if (items.length > 0) return addBehind(text, items, item);
  const inside = text.slice(start + 1, end - 1);
  if (inside.trim() === "") return splice(text, { start, end }, `[${item}]`);
  return insert(text, start + 1, item);
}

/** Adds behind the last item, on a line of its own if that has one. */
function addBehind(text: string, items: readonly Item[], item: string): string {
  const last = items.at(-1)!;
  const ownLine = /^[ \t]*$/.test(text.slice(lineStart(text, last.start), last.start));
  const lead = ownLine ? lineEnding(text) + indentAt(text, last.start) : " ";
  const end = last.comma === undefined ? last.end : last.comma + 1;
  const at = ownLine ? endOfItemLine(text, last) : end;
  if (last.comma !== undefined) return insert(text, at, `${lead}${item},`);
  return applyEdits(text, [
    { start: last.end, end: last.end, text: "," },
    { start: at, end: at, text: `${lead}${item}` },
  ]);
}

/** Behind an item, its comma, and a comment on that line. */
function endOfItemLine(text: string, { end, comma }: Item): number {
  const comment = /[ \t]*#[^\r\n]*/y;
  for (const at of [comma === undefined ? end : comma + 1, end]) {
    comment.lastIndex = at;
    if (comment.test(text)) return Math.max(comment.lastIndex, comma === undefined ? 0 : comma + 1);
  }
  return comma === undefined ? end : comma + 1;
}

function insert(text: string, at: number, by: string): string {
  return splice(text, { start: at, end: at }, by);
}

/** Takes a node away; what only it defined goes with it. */
function remove(reading: TomlReading, path: readonly PathElement[], node: Node): string {
  const { text } = reading;
  const parent = follow(reading, path.slice(0, -1));
  if (parent.node.kind === "list")
    return removeItems(text, parent.node.items, parent.node, [Number(path.at(-1))]);
  const { host, prefix } = parent;
  if (host.how === "inline" && parent.node.kind === "table") {
    const names = [...prefix, String(path.at(-1))];
    const gone = host.members.flatMap((item, i) =>
      names.every((name, k) => item.names[k] === name) ? [i] : [],
    );
    return removeItems(text, host.members, { start: host.start!, end: host.end! }, gone);
  }
  const spans = sectionsIn(reading, node).map((section) => wholeSection(text, section));
  if (parent.node.kind === "table") {
    const names = [...prefix, String(path.at(-1))];
    const section = reading.sections.find(({ table }) => table === host);
    for (const { start, lineEnd, names: other } of section?.keyValues ?? []) {
      if (names.every((name, k) => other[k] === name)) spans.push(wholeLines(text, start, lineEnd));
    }
  }
  return applyEdits(text, cuts(text, spans));
}

interface Span {
  readonly start: number;
  readonly end: number;
}

/** Takes items away with a comma each. Those that stay have their comments left. */
function removeItems(text: string, items: readonly Item[], around: Span, gone: readonly number[]): string {
  if (gone.length === items.length && !text.slice(items[0]!.start, around.end).includes("#")) {
    return splice(text, { start: around.start + 1, end: around.end - 1 }, "");
  }
  const edits: Edit[] = [];
  const stays = items.filter((_, i) => !gone.includes(i)).at(-1);
  for (const i of gone) {
    const { start, end, comma } = items[i]!;
    const ownLine = /^[ \t]*$/.test(text.slice(lineStart(text, start), start));
    const tail = endOfItemLine(text, items[i]!);
    if (ownLine && /^[ \t]*(?:\r?\n|$)/.test(text.slice(tail, around.end))) {
      edits.push({ ...wholeLines(text, start, tail), text: "" });
    } else edits.push({ start, end: comma === undefined ? end : afterBlanks(text, comma + 1), text: "" });
  }
  // The last one may have had no comma, and then the one that is last now has none either.
  const hadNone = items.at(-1)!.comma === undefined;
  if (hadNone && stays?.comma !== undefined)
    edits.push({ start: stays.comma, end: stays.comma + 1, text: "" });
  return applyEdits(text, edits);
}

function afterBlanks(text: string, at: number): number {
  while (text[at] === " " || text[at] === "\t") at++;
  return at;
}

/** The sections of a table or array of tables, and of all tables inside. */
function sectionsIn({ sections, root }: TomlReading, node: Node): Section[] {
  if (node.kind === "value" || node === root) return [];
  return sections.filter(({ table }) => {
    for (let container: Container | undefined = table.container; container; container = container.parent) {
      if (container === node.container) return true;
    }
    return false;
  });
}

/** Lines with their last line break; with the one before instead if they are the last and have none. */
function wholeLines(text: string, start: number, end: number): Span {
  const from = lineStart(text, start);
  const lineBreak = /[ \t]*(?:\r?\n|$)/y;
  lineBreak.lastIndex = end;
  const to = end + (lineBreak.exec(text)?.[0].length ?? 0);
  const endsHere = to === text.length && text[to - 1] !== "\n";
  if (!endsHere || from === 0) return { start: from, end: to };
  return { start: from - (text[from - 2] === "\r" ? 2 : 1), end: to };
}

/** A section with the blank lines behind it, or before it if nothing follows. */
function wholeSection(text: string, { start, end }: Section): Span {
  const lines = wholeLines(text, start, end);
  const blank = /(?:[ \t]*\r?\n)*/y;
  blank.lastIndex = lines.end;
  const to = lines.end + blank.exec(text)![0].length;
  if (to < text.length) return { start: lines.start, end: to };
  let from = lines.start;
  while (from > 1 && /\n\r?\n$/.test(text.slice(Math.max(0, from - 3), from)))
    from -= text[from - 2] === "\r" ? 2 : 1;
  return { start: from, end: to };
}

/** Edits that take these spans away, where some may overlap. */
function cuts(text: string, spans: readonly Span[]): Edit[] {
  const edits: Edit[] = [];
  for (const { start, end } of [...spans].sort((a, b) => a.start - b.start)) {
    const last = edits.at(-1);
    if (last && start <= last.end) last.end = Math.max(last.end, end);
    else edits.push({ start, end: Math.min(end, text.length), text: "" });
  }
  return edits;
}

/** Start of the line of an offset; a byte order mark is no part of the first. */
function lineStart(text: string, at: number): number {
  const lineBreak = at === 0 ? -1 : text.lastIndexOf("\n", at - 1);
  return lineBreak < 0 && text.startsWith("\ufeff") ? Math.min(1, at) : lineBreak + 1;
}

/** The blanks that the line of an offset starts with. */
function indentAt(text: string, at: number): string {
  return /^[ \t]*/.exec(text.slice(lineStart(text, at), at))![0];
}

/** The start of a section, or of the comment lines right above it; what looks like one may belong to a text before. */
function withComments({ text, sections }: TomlReading, section: Section): number {
  const least = sections[sections.indexOf(section) - 1]?.end ?? 0;
  let start = lineStart(text, section.start);
  while (start > 0) {
    const above = lineStart(text, start - 1);
    if (above < least || !/^[ \t]*#/.test(text.slice(above, start))) break;
    start = above;
  }
  return start;
}
