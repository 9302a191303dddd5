import type { CollectionNode, Node, ScalarNode } from "../compose/nodes.ts";

/** The style of a comment that is written as SOPS writes comments of lists: as an item. */
export interface ItemComment {
  readonly item: ScalarNode;
  /** What stands around the item's scalar in the entry's span. */
  readonly prefix: string;
  readonly suffix: string;
  /** What must stand before the `#` and after the text, so that the rest of the list stays what it is. */
  readonly before: string;
  readonly after: string;
}

export function isItemComment(style: unknown): style is ItemComment {
  return typeof style === "object" && style !== null && "item" in style;
}

/** A list item that is how SOPS writes a comment of a list (docs/internals/sops.md §10). */
export function isEncryptedComment(item: Node): item is ScalarNode {
  if (item.kind !== "scalar" || item.style === "absent" || !item.text.startsWith("ENC[AES256_GCM,"))
    return false;
  const end = item.text.lastIndexOf("]");
  return item.text.endsWith(",type:comment", end);
}

/** The span of such an item with its dash, or with its comma in a flow list. `alone`: the list has no other items. */
export function itemSpan(
  text: string,
  list: CollectionNode,
  item: ScalarNode,
  alone: boolean,
): { start: number; end: number; style: ItemComment } {
  const start = item.at;
  let end = item.end;
  let after = "";
  if (list.flow) {
    const comma = /[ \t]*,/y;
    comma.lastIndex = end;
    if (comma.test(text)) end = comma.lastIndex;
  }
  const restOfLine = /[ \t]*(?:\r?\n|$)/y;
  restOfLine.lastIndex = end;
  if (!restOfLine.test(text)) {
    const eol = text.charAt(text.indexOf("\n", end) - 1) === "\r" ? "\r\n" : "\n";
    after = eol + " ".repeat(Math.max(list.column, 0));
  }
  const style = {
    item,
    prefix: text.slice(start, item.start),
    suffix: text.slice(item.end, end),
    // A list that is left without items must still be one, and stand further right than its key.
    before: alone && !list.flow ? " [] " : "",
    after,
  };
  return { start, end, style };
}
