/** Keys and items that are there: taken away, renamed, copied and moved. */

import { TsopsError } from "../../errors.ts";
import type { Entry } from "../../formats/format.ts";
import { membersOf, type Node, pathOfNode } from "../outline/node.ts";
import { type Base, entryOf } from "./base.ts";
import { type Attempt, type Draft, firstThatSays, flushed, valueIn, withText } from "./draft.ts";
import { renamings } from "./keys.ts";
import { commentRemovals, copies, removals, swaps } from "./lines.ts";
import { freeName, refuseMetadata, refuseTaken } from "./names.ts";
import { cannot, changedMembers, type Done, labelOf, MANY, onRow } from "./operation.ts";
import { positionsOf, treeAt } from "./positions.ts";
import { commentsOf, treesOf, type Wanted } from "./same.ts";

/** Takes a key, an item, or a comment away. */
export function remove(draft: Draft, node: Node): Done {
  return onRow(draft, node, removeIn);
}

function removeIn(draft: Draft, node: Node): Done {
  const ready = flushed(draft);
  const { base, setting } = ready;
  const at = node.parent ? pathOfNode(node.parent) : [];
  const label = `delete ${labelOf(node)}`;
  if (node.kind === "comment") {
    const comments = commentsOf(base.reading);
    comments.splice(comments.indexOf(String(valueIn(ready, node))), 1);
    const wanted = { trees: treesOf(base.reading), comments };
    const attempts = commentRemovals(base, node).map((edits): Attempt => ({ edits: () => edits, wanted }));
    return {
      draft: withText(draft, label, firstThatSays(ready, attempts, cannot("the comment", ready))),
      at,
    };
  }
  if (node.kind === "document" || node.key === undefined)
    throw new TsopsError("print", "a document cannot be removed here");
  const inside = countComments(node) + inlineComments(base, node);
  const wanted = {
    ...changedMembers(base, node, (members, i) => members.filter((_, at) => at !== i)),
    mayGo: inside,
  };
  const byFormat: Attempt = {
    edits: () => setting.format.unset(base.reading, pathOfNode(node), { document: node.document }),
    wanted,
  };
  const byLines = removals(base, node).map((edits): Attempt => ({ edits: () => edits, wanted }));
  const attempts = [byFormat, ...byLines];
  return { draft: withText(draft, label, firstThatSays(ready, attempts, cannot("this entry", ready))), at };
}

/** Gives a key another name, in its place. */
export function rename(draft: Draft, node: Node, name: string): Done {
  const parent = node.parent ? pathOfNode(node.parent) : [];
  const at = [...parent, name];
  if (typeof node.key !== "string") throw new TsopsError("print", "only a key has a name");
  if (node.key === name) return { draft, at };
  refuseTaken(membersOf(draft.base.outline, node.parent), name);
  refuseMetadata(at, draft);
  return onRow(draft, node, (part, row) => renameIn(part, row, name));
}

function renameIn(draft: Draft, node: Node, name: string): Done {
  const ready = flushed(draft);
  const { base } = ready;
  const at = [...(node.parent ? pathOfNode(node.parent) : []), name];
  const wanted = changedMembers(base, node, (members, i) =>
    members.map((member, position) => (position === i ? { ...member, key: name } : member)),
  );
  const attempts = renamings(base, node, name).map((edits): Attempt => ({ edits: () => edits, wanted }));
  const made = firstThatSays(ready, attempts, cannot(`the name ${JSON.stringify(name)}`, ready));
  return { draft: withText(draft, `rename ${labelOf(node)}`, made), at };
}

/** Puts a copy behind a key or item: in a list the same, in a map under a name of its own. */
export function duplicate(draft: Draft, node: Node): Done {
  if (node.kind === "comment" || node.key === undefined)
    throw new TsopsError("print", "only keys and items can be copied");
  const isKey = typeof node.key === "string";
  const key = isKey ? freeName(node.key, membersOf(draft.base.outline, node.parent)) : undefined;
  return onRow(draft, node, (part, row) => duplicateIn(part, row, key));
}

/** @param key the name of the copy in a map. */
function duplicateIn(draft: Draft, node: Node, key: string | undefined): Done {
  const ready = flushed(draft);
  const { base, setting } = ready;
  const parent = node.parent ? pathOfNode(node.parent) : [];
  const members = membersOf(base.outline, node.parent);
  const value = treeAt(treesOf(base.reading)[node.document]!, positionsOf(base.outline, node))!;
  const behind = changedMembers(base, node, (all, i) => [
    ...all.slice(0, i + 1),
    { key, value },
    ...all.slice(i + 1),
  ]);
  const last = changedMembers(base, node, (all) => [...all, { key, value }]);
  const at = [...parent, key ?? members.length];
  const edits = () =>
    setting.format.set(base.reading, at, value, { indent: setting.indent, document: node.document });
  const attempts: Attempt[] = [
    ...copies(base, node).flatMap((copy) => copyAttempts(ready, node, copy, { ...behind, key })),
    { edits, wanted: last },
  ];
  const made = firstThatSays(ready, attempts, cannot("a copy", ready));
  return {
    draft: withText(draft, `duplicate ${labelOf(node)}`, made),
    at: key === undefined ? [...parent, Number(node.key) + 1] : at,
  };
}

/** The lines once more, with their comments; in a map, with another name in them. */
function copyAttempts(
  { base }: Draft,
  node: Node,
  { at, text }: { at: number; text: string },
  { key, ...wanted }: Wanted & { key: string | undefined },
): Attempt[] {
  const withComments = (lines: string): Wanted => ({
    ...wanted,
    // what of the lines is a comment, the format says: those of the member itself come twice
    comments: [...wanted.comments, ...commentsIn(base, node), ...aboveIn(base, node, lines)],
    mayGo: MANY,
  });
  const put = (lines: string): Attempt => ({
    edits: () => [{ start: at, end: at, text: lines }],
    wanted: withComments(lines),
  });
  if (key === undefined) return [put(text)];
  const name = String(node.key);
  const from = text.indexOf(name);
  if (from < 0) return [];
  return [put(text.slice(0, from) + key + text.slice(from + name.length))];
}

function commentsIn(base: Base, node: Node): string[] {
  const own = node.kind === "comment" ? [String(entryOf(base, node)?.value)] : [];
  return [...own, ...node.children.flatMap((child) => commentsIn(base, child))];
}

function aboveIn(base: Base, node: Node, lines: string): string[] {
  const siblings = node.parent?.children ?? base.outline.roots;
  return siblings
    .filter(({ kind }) => kind === "comment")
    .map((sibling) => String(entryOf(base, sibling)?.value))
    .filter((text) => lines.includes(text));
}

/** Moves a key or item so many places down, or up if negative, among its siblings. */
export function move(draft: Draft, node: Node, by: 1 | -1): Done {
  if (node.key === undefined) throw new TsopsError("print", "only keys and items can be moved");
  return onRow(draft, node, (part, row) => moveIn(part, row, by));
}

function moveIn(draft: Draft, node: Node, by: 1 | -1): Done {
  const at = pathOfNode(node);
  const ready = flushed(draft);
  const { base } = ready;
  const members = membersOf(base.outline, node.parent);
  const from = members.findIndex(({ id }) => id === node.id);
  const other = members[from + by];
  if (!other) return { draft, at };
  const [first, second] = by > 0 ? [members[from]!, other] : [other, members[from]!];
  const wanted = changedMembers(base, first, (all, i) => [
    ...all.slice(0, i),
    all[i + 1]!,
    all[i]!,
    ...all.slice(i + 2),
  ]);
  const attempts = swaps(base, first, second).map((edits): Attempt => ({ edits: () => edits, wanted }));
  const made = firstThatSays(ready, attempts, cannot("this order", ready));
  const key = typeof node.key === "number" ? node.key + by : node.key!;
  return { draft: withText(draft, `move ${labelOf(node)}`, made), at: [...at.slice(0, -1), key] };
}

function countComments(node: Node): number {
  return node.children.reduce((sum, child) => sum + countComments(child), node.kind === "comment" ? 1 : 0);
}

/** Comments on the line of a value go with it. */
function inlineComments({ reading }: Base, node: Node): number {
  const first = firstEntry(node);
  let count = 0;
  for (let i = (first ?? 0) - 1; first !== undefined && i >= 0; i--) {
    const entry: Entry = reading.entries[i]!;
    if (entry.kind !== "comment") break;
    count++;
  }
  // those that stand between a key and what it holds, or behind the last value
  const next = lastEntry(node);
  for (let i = (next ?? reading.entries.length) + 1; reading.entries[i]?.kind === "comment"; i++) count++;
  return count;
}

function firstEntry(node: Node): number | undefined {
  if (node.entry !== undefined) return node.entry;
  return node.children.reduce<number | undefined>((least, child) => {
    const entry = firstEntry(child);
    return entry === undefined || (least !== undefined && least < entry) ? least : entry;
  }, undefined);
}

function lastEntry(node: Node): number | undefined {
  return node.children.reduce<number | undefined>((most, child) => {
    const entry = lastEntry(child);
    return entry === undefined || (most !== undefined && most > entry) ? most : entry;
  }, node.entry);
}
