import type { Container, Entry, Reading } from "../format.ts";
import { withoutWhiteSpace } from "../text.ts";
import type { CollectionNode, Node, ScalarNode } from "./nodes.ts";
import { composedOf } from "./read.ts";

/**
 * See {@link Format.ownText}: an encrypted scalar with its tag, anchor, quotes and key, and the keys, tags and
 * anchors of the maps and lists around it, up to the directives of its document.
 */
export function ownText(reading: Reading): (entry: Entry) => string {
  const { text } = reading;
  const { documents } = composedOf(reading);
  const plain = (start: number, end: number) => withoutWhiteSpace(text.slice(start, end));
  const named = (node: Node): string => (node.key ? `${tagged(node.key)}${spelled(node.key)}\n` : "");
  const tagged = ({ props }: Node): string =>
    props ? `${plain(props.start, props.end)} ${props.tag ?? ""}\n` : "";
  const spelled = ({ start, end }: Node): string => plain(start, end);
  const around = new Map<Container, string>();
  const aroundOf = (container: Container): string => {
    let found = around.get(container);
    if (found !== undefined) return found;
    if (container.parent) found = aroundOf(container.parent);
    else {
      const { directives, start } = documents[container.document]!;
      found = `${text.slice(Math.max(directives, 0), Math.max(start, 0)).replace(/\s+/g, " ")}\n`;
    }
    const node = container.style as CollectionNode | undefined;
    if (node) found += `${named(node)}${tagged(node)}`;
    around.set(container, found);
    return found;
  };
  return (entry) => {
    const holder = entry.in ? aroundOf(entry.in) : "";
    const node = entry.kind === "value" && !entry.alias ? (entry.style as ScalarNode) : undefined;
    if (!node) return holder + plain(entry.start, entry.end);
    const { block } = node;
    if (!block) return holder + named(node) + tagged(node) + spelled(node);
    // the digit says only how deep the lines are indented
    const header = text.slice(node.start, block.header).replace(/[0-9]/, "");
    return holder + named(node) + tagged(node) + header + plain(block.body, node.end);
  };
}
