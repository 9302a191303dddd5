import { append } from "../append.ts";
import { type Tree, TreeComment, TreeList, TreeMap } from "../tree.ts";
import type { Dialect } from "./dialect.ts";
import type { Spacing } from "./spacing.ts";

/** What writing needs to know besides the tree. */
export interface Writing {
  readonly dialect: Dialect;
  readonly spacing: Spacing;
  /** How values are spelled: as SOPS prints them, or so that they keep their types. */
  readonly scalar: Dialect["print"];
  /** A key of the same document, whose quotes new keys imitate. */
  readonly likeKey?: string;
}

/** A tree as text; `indent` stands before its closing bracket, where it has lines of its own. */
export function writeTree(tree: Tree, writing: Writing, indent = ""): string {
  if (tree instanceof TreeMap || tree instanceof TreeList) return writeCollection(tree, writing, indent);
  return writing.scalar(tree);
}

/** A key with its value, to be put into an object. */
export function writeMember(key: string, value: Tree, writing: Writing, indent = ""): string {
  const { dialect, spacing, likeKey } = writing;
  return `${dialect.key(key, likeKey)}${spacing.colon}${writeTree(value, writing, indent)}`;
}

function writeCollection(tree: TreeMap | TreeList, writing: Writing, indent: string): string {
  const [open, close] = tree instanceof TreeMap ? "{}" : "[]";
  const { unit, newline, comma } = writing.spacing;
  if (unit === undefined) {
    const items = tree.items.filter((item) => !(item instanceof TreeComment));
    return `${open}${items.map((item) => writeItem(item, writing, "")).join(comma)}${close}`;
  }
  const inner = indent + unit;
  const lines = writeLines(tree, writing, inner);
  if (lines.length === 0) return `${open}${close}`;
  return `${open}${newline}${lines.map((line) => `${inner}${line}${newline}`).join("")}${indent}${close}`;
}

/** Members and comments, each on a line of its own; inline comments follow the item that they come before. */
function writeLines(tree: TreeMap | TreeList, writing: Writing, indent: string): string[] {
  const lines: string[] = [];
  const { comments } = writing.dialect;
  const total = tree.items.filter((item) => !(item instanceof TreeComment)).length;
  let inline: string[] = [];
  let count = 0;
  for (const item of tree.items) {
    if (item instanceof TreeComment) {
      if (!comments) continue;
      if (item.inline) append(inline, commentLines(item.text));
      else append(lines, commentLines(item.text));
      continue;
    }
    const comma = ++count < total ? "," : "";
    const [tail, ...more] = inline;
    append(lines, more);
    lines.push(`${writeItem(item, writing, indent)}${comma}${tail === undefined ? "" : ` ${tail}`}`);
    inline = [];
  }
  return [...lines, ...inline];
}

function writeItem(item: TreeMap["items"][number] | Tree, writing: Writing, indent: string): string {
  if (item instanceof TreeComment) return "";
  if (typeof item === "object" && item !== null && "key" in item) {
    return writeMember(item.key, item.value, writing, indent);
  }
  return writeTree(item, writing, indent);
}

/** A comment of several lines becomes several comments. */
function commentLines(text: string): string[] {
  return text.split(/\r\n|[\n\r\u2028\u2029]/).map((line) => `//${line}`);
}
