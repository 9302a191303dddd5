import type { Container, Entry, Reading } from "../../format.ts";
import { type Edit, withoutWhiteSpace } from "../../text.ts";
import type { CollectionNode, DocumentNode, Node } from "../compose/nodes.ts";
import { composedOf } from "./read.ts";
import { scalarOf } from "./values.ts";

/**
 * See {@link Format.ownText}: an encrypted scalar with its tag, anchor, quotes and key, and the keys, tags and
 * anchors of the maps and lists around it, up to the directives of its document.
 */
export function ownText(reading: Reading): (entry: Entry) => string {
  const { text } = reading;
  const { documents, seams } = composedOf(reading);
  const words = (start: number, end: number) => withoutWhiteSpace(text.slice(start, end));
  const props = (node: Node): string =>
    node.props ? `${text.slice(node.props.start, node.props.end).replace(/[ \t\r\n]+/g, " ")}\n` : "";
  const named = ({ key }: Node): string => (key ? `${props(key)}${words(key.start, key.end)}\n` : "");
  const directives = textsBefore(documents, seams);
  const around = new Map<Container, string>();
  const aroundOf = (container: Container): string => {
    let found = around.get(container);
    if (found !== undefined) return found;
    found = container.parent ? aroundOf(container.parent) : directives[container.document]!;
    const node = container.style as CollectionNode | undefined;
    if (node) found += `${named(node)}${props(node)}`;
    around.set(container, found);
    return found;
  };
  return (entry) => {
    const holder = entry.in ? aroundOf(entry.in) : "";
    const node = entry.alias ? undefined : scalarOf(entry);
    if (!node) return holder + words(entry.start, entry.end);
    const own = `${holder}${named(node)}${props(node)}`;
    const { block } = node;
    if (!block) return own + words(node.start, node.end);
    // the digit says only how deep the lines are indented
    const header = text.slice(node.start, block.header).replace(/[0-9]/, "");
    return own + header + words(block.body, node.end);
  };
}

/** The directives of each document: seams and documents stand in the order of the text. */
function textsBefore(documents: readonly DocumentNode[], seams: readonly Edit[]): string[] {
  let next = 0;
  return documents.map(({ directives, start }) => {
    let words = "";
    for (; next < seams.length && seams[next]!.start < start; next++)
      if (seams[next]!.start >= directives) words += seams[next]!.text;
    return words;
  });
}
