import { type Tree, TreeList, TreeMap } from "../../tree.ts";
import type { CollectionNode } from "../compose/nodes.ts";
import { printYaml } from "../print/print.ts";

/** What comes into a collection: an entry of a map, or without a key an item of a list. */
export interface Addition {
  readonly holder: CollectionNode;
  readonly key: string | undefined;
  readonly value: Tree;
}

/** How the text to be written in looks. */
export interface Layout {
  readonly eol: string;
  /** Columns a level. */
  readonly step: number;
  /** Everything on one line, where lines of block style have no room. */
  readonly flow?: boolean;
}

/** An entry of a block map at a column: its lines, the first without indentation, the last without line break. */
export function blockPair(key: string, value: Tree, column: number, layout: Layout): string {
  const lines = printed(TreeMap.of([[key, value]]), layout);
  return shift(lines, 0, column, layout);
}

/** An item of a block list, likewise, with its dash. */
export function blockItem(value: Tree, column: number, layout: Layout): string {
  const [, ...lines] = printed(TreeMap.of([["x", new TreeList([value])]]), layout);
  return shift(lines, lines[0]!.indexOf("-"), column, layout);
}

/** A map or list that holds something, likewise, with its keys or dashes at a column. */
export function blockCollection(value: TreeMap | TreeList, column: number, layout: Layout): string {
  if (value instanceof TreeMap) {
    const pairs = value.entries().map(({ key, value: inner }) => blockPair(key, inner, column, layout));
    return pairs.join(layout.eol + " ".repeat(column));
  }
  const items = value.values().map((item) => blockItem(item, column, layout));
  return items.join(layout.eol + " ".repeat(column));
}

export function isFilled(value: Tree): value is TreeMap | TreeList {
  if (value instanceof TreeMap) return value.entries().length > 0;
  return value instanceof TreeList && value.values().length > 0;
}

function printed(map: TreeMap, { step }: Layout): string[] {
  return printYaml([map], step).replace(/\n$/, "").split("\n");
}

function shift(lines: readonly string[], from: number, to: number, { eol }: Layout): string {
  const pad = " ".repeat(to);
  return lines.map((line, i) => (i === 0 || line === "" ? "" : pad) + line.slice(from)).join(eol);
}
