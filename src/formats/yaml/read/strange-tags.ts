import type { Reading } from "../../format.ts";
import type { Node } from "../compose/nodes.ts";
import { composedOf } from "./read.ts";

/** What SOPS's YAML library knows by its tag (docs/internals/sops.md §6). */
const KNOWN: ReadonlySet<string> = new Set(
  ["null", "bool", "int", "float", "str", "timestamp", "binary", "seq", "map", "merge"].map(
    (name) => `!!${name}`,
  ),
);

/** See {@link Format.strangeTags}; in text order, those of the metadata left out. */
export function strangeTags(reading: Reading): { tag: string; offset: number }[] {
  const found: { tag: string; offset: number }[] = [];
  const open: Node[] = composedOf(reading).documents.map(({ root }) => root);
  const roots = new Set(open);
  for (let node = open.pop(); node; node = open.pop()) {
    const { props } = node;
    if (props?.tag !== undefined && !KNOWN.has(props.tag)) {
      found.push({ tag: props.tag, offset: props.tagStart });
    }
    if (node.kind !== "map" && node.kind !== "list") continue;
    for (const item of node.items) {
      const { key } = item;
      if (key?.kind === "scalar" && key.text === "sops" && roots.has(node)) continue;
      if (key) open.push(key);
      open.push(item);
    }
  }
  return found.sort((a, b) => a.offset - b.offset);
}
