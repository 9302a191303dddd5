import type { Reading } from "../../format.ts";
import { lineEnding } from "../../text.ts";
import type { Node } from "../compose/nodes.ts";
import { BOM } from "../scan/chars.ts";
import { composedOf } from "./read.ts";

/** Column of an offset in its line; a byte order mark at the start of the text counts for nothing. */
export function columnOf(text: string, offset: number): number {
  return offset - lineStartOf(text, offset);
}

/** Start of the line that an offset is in. */
export function lineStartOf(text: string, offset: number): number {
  const start = offset === 0 ? 0 : text.lastIndexOf("\n", offset - 1) + 1;
  return start === 0 && text.charCodeAt(0) === BOM ? Math.min(1, offset) : start;
}

/** What readings have in common with their texts, worked out once. */
interface Shape {
  readonly eol: "\r\n" | "\n";
  readonly indent: number;
}

const shapes = new WeakMap<Reading, Shape>();

function shapeOf(reading: Reading): Shape {
  let shape = shapes.get(reading);
  if (!shape) {
    const { like } = reading;
    shape = like ? shapeOf(like) : { eol: lineEnding(reading.text), indent: findIndent(reading) };
    shapes.set(reading, shape);
  }
  return shape;
}

export const eolOf = (reading: Reading): "\r\n" | "\n" => shapeOf(reading).eol;
/** By how many columns a map or list is indented more than the map around it; SOPS's own 4 if the text does not say. */
export const indentOf = (reading: Reading): number => shapeOf(reading).indent;

function findIndent(reading: Reading): number {
  const [first] = composedOf(reading).documents;
  const open: Node[] = first ? [first.root] : [];
  for (let node = open.shift(), seen = 0; node && seen < 1000; node = open.shift(), seen++) {
    if (node.kind === "scalar" || node.kind === "alias" || node.flow) continue;
    for (const item of node.items) {
      if ((item.kind === "map" || item.kind === "list") && !item.flow && node.kind === "map") {
        const step = item.column - node.column;
        if (step >= 2 && step <= 9) return step;
      }
      open.push(item);
    }
  }
  return 4;
}
