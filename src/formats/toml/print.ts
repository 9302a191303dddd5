import { append } from "../append.ts";
import { type Tree, TreeComment, TreeList, TreeMap } from "../tree.ts";
import { longString, tomlKey, tomlScalar } from "./spell.ts";

/** A tree on one line: arrays in brackets, tables in braces. Comments have no place there. */
export function writeInline(tree: Tree): string {
  if (tree instanceof TreeList) return `[${tree.values().map(writeInline).join(", ")}]`;
  if (!(tree instanceof TreeMap)) return tomlScalar(tree);
  const members = tree.entries().map(({ key, value }) => `${tomlKey(key)} = ${writeInline(value)}`);
  return members.length === 0 ? "{}" : `{ ${members.join(", ")} }`;
}

/** A value behind a key on lines of their own: texts of several lines stay so. */
export function writeValue(tree: Tree, newline: string): string {
  const isLong = typeof tree === "string" && tree.includes("\n");
  return isLong ? longString(tree, newline, newline) : writeInline(tree);
}

/**
 * A map as lines of TOML: first its keys with values, then its tables, each with a header. The order changes where a
 * table comes before a value: TOML cannot say that otherwise.
 * @throws TsopsError("print") for a null.
 */
export function writeTable(map: TreeMap, path: readonly string[], newline: string): string[] {
  const { lines, tables } = sortedItems(map, newline);
  const sections = tables.map(({ key, value, comments }) => [
    ...comments,
    ...writeSubtable(value, [...path, key], newline),
  ]);
  return joinSections([lines, ...sections]);
}

/** A table with its header, or each of an array of tables with theirs. */
export function writeSubtable(tree: Tree, path: readonly string[], newline: string): string[] {
  const name = path.map(tomlKey).join(".");
  if (tree instanceof TreeMap) return writeSection(`[${name}]`, tree, path, newline);
  const sections = (tree as TreeList).items.map((item) =>
    item instanceof TreeMap
      ? writeSection(`[[${name}]]`, item, path, newline)
      : commentLines(item as TreeComment),
  );
  return joinSections(sections);
}

/** The header, unless tables inside imply it. */
function writeSection(header: string, map: TreeMap, path: readonly string[], newline: string): string[] {
  const { lines, tables } = sortedItems(map, newline);
  const implied = lines.length === 0 && tables.length > 0 && !header.startsWith("[[");
  const sections = tables.map(({ key, value, comments }) => [
    ...comments,
    ...writeSubtable(value, [...path, key], newline),
  ]);
  return joinSections(implied ? sections : [[header, ...lines], ...sections]);
}

function joinSections(sections: readonly string[][]): string[] {
  return sections
    .filter((lines) => lines.length > 0)
    .flatMap((lines, i) => (i === 0 ? lines : ["", ...lines]));
}

interface Subtable {
  readonly key: string;
  readonly value: Tree;
  readonly comments: string[];
}

/** What is written as `key = value`, with comments, and what gets a header. */
function sortedItems(map: TreeMap, newline: string): { lines: string[]; tables: Subtable[] } {
  const lines: string[] = [];
  const tables: Subtable[] = [];
  let comments: string[] = [];
  let inline: string[] = [];
  for (const item of map.items) {
    if (item instanceof TreeComment) {
      if (item.inline) append(inline, commentLines(item));
      else append(comments, commentLines(item));
      continue;
    }
    const { key, value } = item;
    if (needsHeader(value)) tables.push({ key, value, comments: [...comments, ...inline] });
    else {
      const [tail, ...more] = inline;
      append(lines, comments);
      append(lines, more);
      lines.push(`${tomlKey(key)} = ${writeValue(value, newline)}${tail === undefined ? "" : ` ${tail}`}`);
    }
    comments = [];
    inline = [];
  }
  append(lines, comments);
  append(lines, inline);
  return { lines, tables };
}

function needsHeader(tree: Tree): boolean {
  if (tree instanceof TreeMap) return tree.items.length > 0;
  if (!(tree instanceof TreeList)) return false;
  const values = tree.values();
  return values.length > 0 && values.every((item) => item instanceof TreeMap);
}

/** A comment of several lines becomes several comments. */
function commentLines({ text }: TreeComment): string[] {
  return text
    .split(/\r\n|[\n\r]/)
    .map((line) => `#${line.replace(/[\u0000-\u0008\u000b-\u001f\u007f]/g, "\ufffd")}`);
}
