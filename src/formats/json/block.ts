import type { PrintOptions } from "../format.ts";
import type { Edit } from "../text.ts";
import type { TreeMap } from "../tree.ts";
import type { Dialect } from "./dialect.ts";
import { insertAfter } from "./edit.ts";
import { collectionAt, type Member } from "./members.ts";
import { type Writing, writeMember, writeTree } from "./print.ts";
import type { ObjectReading } from "./read.ts";
import { indentAt, onOwnLine, printedSpacing, spacingOf } from "./spacing.ts";

/** The key that SOPS keeps its metadata under (docs/internals/sops.md §5). */
const KEY = "sops";

/**
 * Edits that add the metadata as the root's last member, in the style of the document. A comma behind it says that
 * the member before had one (JSON5), and that one stays when the block is taken away.
 */
export function addBlock(
  { text, root }: ObjectReading,
  dialect: Dialect,
  metadata: TreeMap,
  options: PrintOptions,
): Edit[] {
  const collection = collectionAt(text, dialect, root.start!);
  const { members, lastToken, open } = collection;
  const spacing = spacingOf(text, collection, options);
  const last = members.at(-1);
  const likeKey = last && text.slice(last.start, last.valueStart);
  const writing: Writing = { dialect, spacing, scalar: dialect.print, likeKey };
  const ownLine = last && onOwnLine(text, last);
  const indent = ownLine ? indentAt(text, last.start) : indentAt(text, open) + (spacing.unit ?? "");
  const block = writeMember(KEY, metadata, writing, indent);
  if (last) return insertAfter(collection, last, { text: block, indent: spacing.unit && indent }, spacing);
  const { newline } = spacing;
  return [{ start: lastToken, end: lastToken, text: `${newline}${indent}${block}${newline}` }];
}

/** Edits that print the block anew in its place, laid out as it was. */
export function replaceBlock(
  { text, root }: ObjectReading,
  dialect: Dialect,
  metadata: TreeMap,
  options: PrintOptions,
): Edit[] {
  const member = blockIn(text, dialect, root.start!);
  if (!member) return [];
  const block = collectionAt(text, dialect, member.valueStart);
  const [first] = block.members;
  const likeKey = first && text.slice(first.start, first.valueStart);
  const spacing = first ? spacingOf(text, block, options) : printedSpacing(options);
  const writing: Writing = { dialect, spacing, scalar: dialect.print, likeKey };
  const written = writeTree(metadata, writing, indentAt(text, member.start));
  return [{ start: member.valueStart, end: member.end, text: written }];
}

/** Edits that undo {@link addBlock} to the byte, and that take a block away wherever else it stands. */
export function removeBlock({ text, root }: ObjectReading, dialect: Dialect): Edit[] {
  const collection = collectionAt(text, dialect, root.start!);
  const { members } = collection;
  const index = members.findIndex(({ key }) => key === KEY);
  const member = members[index];
  if (!member) return [];
  const { before, end, comma } = member;
  if (members.length === 1) {
    const after = comma === undefined ? end : comma + 1;
    const lineBreak = /\r?\n/y;
    lineBreak.lastIndex = after;
    return [{ start: before, end: after + (lineBreak.exec(text)?.[0].length ?? 0), text: "" }];
  }
  if (comma !== undefined) return [{ start: before, end: comma + 1, text: "" }];
  const previous = members[index - 1]!.comma!;
  if (before === previous + 1) return [{ start: previous, end, text: "" }];
  return [
    { start: previous, end: previous + 1, text: "" },
    { start: before, end, text: "" },
  ];
}

function blockIn(text: string, dialect: Dialect, open: number): Member | undefined {
  return collectionAt(text, dialect, open).members.find(({ key }) => key === KEY);
}
