import type { Edit } from "../../text.ts";
import type { CollectionNode, Node } from "../compose/nodes.ts";
import { flowKey, flowTree } from "../print/flow.ts";
import { lineStartOf } from "../read/spacing.ts";
import { HASH, isBlank } from "../scan/chars.ts";
import type { Addition, Layout } from "./new-lines.ts";

/** Puts an entry or item behind the last one of a flow collection. */
export function appendToFlow(text: string, { holder, key, value }: Addition, layout: Layout): Edit[] {
  const added = (key === undefined ? "" : flowKey(key)) + flowTree(value);
  const close = holder.end - 1;
  const last = holder.items.at(-1);
  if (!last) return [{ start: holder.start + 1, end: holder.start + 1, text: added }];
  const end = endOf(last);
  const comma = commaBetween(text, end, close);
  const after = comma < 0 ? end : comma + 1;
  const lineEnd = text.indexOf("\n", after);
  const ownLine = /^[ \t]*$/.test(text.slice(lineStartOf(text, last.at), last.at));
  if (ownLine && lineEnd >= 0 && lineEnd < close) {
    const indent = text.slice(lineStartOf(text, last.at), last.at);
    const at = text[lineEnd - 1] === "\r" ? lineEnd - 1 : lineEnd;
    const edits = [{ start: at, end: at, text: layout.eol + indent + added + (comma < 0 ? "" : ",") }];
    return comma < 0 ? [{ start: end, end, text: "," }, ...edits] : edits;
  }
  if (comma < 0) return [{ start: end, end, text: `, ${added}` }];
  return [{ start: after, end: after, text: ` ${added},` }];
}

/** Takes an entry or item out of a flow collection, with a comma. */
export function removeFromFlow(text: string, node: CollectionNode, item: Node): Edit[] {
  const close = node.end - 1;
  const end = endOf(item);
  const after = commaBetween(text, end, close);
  const before = node.items[node.items.indexOf(item) - 1];
  if (after >= 0) {
    let to = after + 1;
    if (before || node.items.length > 1) while (isBlank(text.charCodeAt(to))) to++;
    return [{ start: item.at, end: to, text: "" }];
  }
  if (!before) return [{ start: item.at, end, text: "" }];
  const comma = commaBetween(text, endOf(before), item.at);
  if (!text.slice(comma, item.at).includes("#")) return [{ start: comma, end, text: "" }];
  return [
    { start: comma, end: comma + 1, text: "" },
    { start: item.at, end, text: "" },
  ];
}

const endOf = (item: Node): number => Math.max(item.end, item.key?.end ?? 0);

/** The comma between two offsets, outside of comments; -1 if there is none. */
export function commaBetween(text: string, from: number, to: number): number {
  for (let p = from; p < to; p++) {
    if (text[p] === ",") return p;
    if (text.charCodeAt(p) !== HASH) continue;
    p = text.indexOf("\n", p);
    if (p < 0) break;
  }
  return -1;
}
