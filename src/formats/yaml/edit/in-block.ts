import type { Edit } from "../../text.ts";
import { type Tree, TreeList, TreeMap } from "../../tree.ts";
import type { CollectionNode, Node } from "../compose/nodes.ts";
import { flowKey, flowScalar, flowTree } from "../print/flow.ts";
import { yamlScalar } from "../print/scalar.ts";
import { columnOf, lineStartOf } from "../read/spacing.ts";
import { CR } from "../scan/chars.ts";
import { otherScalar } from "../spell/quotes.ts";
import { type Addition, blockCollection, blockItem, blockPair, isFilled, type Layout } from "./new-lines.ts";

/** Puts an entry or item behind the last one of a block collection; `before` stays below it. */
export function appendToBlock(text: string, added: Addition, layout: Layout, before?: Node): Edit {
  const { column, items } = added.holder;
  const lines = entryLines(added, layout);
  const pad = " ".repeat(column);
  const last = before ? items[items.indexOf(before) - 1] : items.at(-1);
  if (!last) {
    const at = lineStartOf(text, before!.at);
    return { start: at, end: at, text: pad + lines + layout.eol };
  }
  const at = lineEndOf(text, endOf(last));
  return { start: at, end: at, text: layout.eol + pad + lines };
}

function entryLines({ holder, key, value }: Addition, layout: Layout): string {
  if (layout.flow) return (key === undefined ? "- " : flowKey(key)) + flowTree(value);
  if (key === undefined) return blockItem(value, holder.column, layout);
  return blockPair(key, value, holder.column, layout);
}

/** The same, before the first one: where something open stands at the end of the text. */
export function prependToBlock(text: string, added: Addition, layout: Layout): Edit {
  const lines = entryLines(added, layout);
  const { at } = added.holder.items[0]!;
  return { start: at, end: at, text: lines + layout.eol + " ".repeat(columnOf(text, at)) };
}

/** Another value for one that stands in a collection. */
interface Replacement {
  readonly holder: CollectionNode;
  readonly node: Node;
  readonly value: Tree;
}

/** Puts another value in the place of one in block style, whatever either of them is. */
export function replaceInBlock(text: string, { holder, node, value }: Replacement, layout: Layout): Edit[] {
  const anchor = node.props?.anchor === undefined ? "" : ` &${node.props.anchor}`;
  const from = separatorEnd(text, holder, node);
  const oldBlock = (node.kind === "map" || node.kind === "list") && !node.flow;
  const end = endOf(node);
  const filled = !layout.flow && isFilled(value);
  // What stays: a comment on the line of the key, or behind a value that was on one line with it.
  const keyLine = lineEndOf(text, from);
  const below = oldBlock && node.start > keyLine;
  if (oldBlock && !below) {
    const written = filled ? compact(holder, node, value, layout) : inline(value, holder, layout);
    return [{ start: from, end: lineEndOf(text, end), text: `${anchor} ${written}` }];
  }
  const column = childColumn(holder, node, layout);
  const lines = filled ? layout.eol + " ".repeat(column) + blockCollection(value, column, layout) : "";
  const words = filled ? anchor : `${anchor} ${inline(value, holder, layout)}`;
  if (below) {
    const valueEnd = node.props && node.props.end <= keyLine ? node.props.end : from;
    return [
      { start: from, end: valueEnd, text: words },
      { start: keyLine, end: lineEndOf(text, end), text: lines },
    ];
  }
  const rest = lineEndOf(text, end);
  const hasComment = text.slice(end, rest).includes("#");
  if (filled && node.key === undefined && !hasComment && anchor === "") {
    return [{ start: from, end, text: ` ${compact(holder, node, value, layout)}` }];
  }
  return [
    { start: from, end, text: words },
    ...(lines === "" ? [] : [{ start: rest, end: rest, text: lines }]),
  ];
}

/** Takes an entry or item out of a block collection that has others. */
export function removeFromBlock(text: string, node: CollectionNode, item: Node, keepBreak: boolean): Edit[] {
  const lineStart = lineStartOf(text, item.at);
  const lineEnd = lineEndOf(text, endOf(item));
  if (/^[ \t]*$/.test(text.slice(lineStart, item.at))) {
    const next = afterBreak(text, lineEnd);
    if (next > lineEnd || keepBreak) return [{ start: lineStart, end: next, text: "" }];
    return [{ start: beforeBreak(text, lineStart), end: lineEnd, text: "" }];
  }
  // It shares its line with the dash of a list around it: the next one moves up.
  const next = node.items[node.items.indexOf(item) + 1]!;
  if (!text.slice(lineEnd, next.at).includes("#")) return [{ start: item.at, end: next.at, text: "" }];
  let start = item.at;
  while (text[start - 1] === " ") start--;
  return [{ start, end: lineEnd, text: "" }];
}

/** End of what stands before a value: its colon, its dash or its `?` without a colon. */
function separatorEnd(text: string, holder: CollectionNode, node: Node): number {
  if (holder.kind === "list") return node.at + 1;
  const start = node.props?.start ?? node.start;
  let p = node.key!.end;
  if (node.kind === "scalar" && node.style === "absent" && !node.props) return Math.max(node.start, p);
  for (; p < start; p++) {
    if (text[p] === ":") return p + 1;
    if (text[p] === "#") p = lineEndOf(text, p);
  }
  return start;
}

/** A map or list right behind a dash, on its line. */
function compact(holder: CollectionNode, node: Node, value: TreeMap | TreeList, layout: Layout): string {
  const column = holder.kind === "list" ? holder.column + 2 : childColumn(holder, node, layout);
  return blockCollection(value, column, layout);
}

function childColumn(holder: CollectionNode, node: Node, { step }: Layout): number {
  if ((node.kind === "map" || node.kind === "list") && !node.flow && node.column > holder.column)
    return node.column;
  return holder.kind === "list" ? holder.column + 2 : holder.column + step;
}

/** What can stand on the line of a key or dash: a scalar, or an empty collection. */
function inline(value: Tree, holder: CollectionNode, { eol, step, flow }: Layout): string {
  if (value instanceof TreeMap || value instanceof TreeList) return flowTree(value);
  if (typeof value !== "string") return otherScalar(value);
  if (flow) return flowScalar(value);
  const indent = holder.kind === "list" ? holder.column + 2 : holder.column + step;
  return yamlScalar(value, { indent, outer: holder.column }).replaceAll("\n", eol);
}

export const endOf = (item: Node): number => Math.max(item.end, item.key?.end ?? 0);

/** End of the line that an offset is in, before its line break. */
export function lineEndOf(text: string, offset: number): number {
  const end = text.indexOf("\n", offset);
  if (end < 0) return text.length;
  return end > offset && text.charCodeAt(end - 1) === CR ? end - 1 : end;
}

export function afterBreak(text: string, offset: number): number {
  if (text.charCodeAt(offset) === CR) offset++;
  return text[offset] === "\n" ? offset + 1 : offset;
}

export function beforeBreak(text: string, offset: number): number {
  if (offset === 0 || text[offset - 1] !== "\n") return offset;
  return text.charCodeAt(offset - 2) === CR ? offset - 2 : offset - 1;
}
