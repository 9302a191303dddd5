import { formatPath } from "../../formats/path.ts";
import { valueIn } from "../draft/draft.ts";
import { type Node, pathOfNode } from "../outline/node.ts";
import { changeOf, secrecyOf, shouldBeEncrypted } from "../reduce/marks.ts";
import type { State } from "../state/state.ts";
import { lengthClass } from "../state/value.ts";
import { visible } from "../view/cells.ts";
import { hidesComment, isShown, nameOf, shownValue, typeName } from "../view/row.ts";
import { whyOf } from "../view/screen.ts";

/** One row of the document as a sentence: its name, its value or that it is hidden, its state, and where it stands. */
export function rowSpeech(state: State, node: Node): string {
  return [what(state, node), ...stateOf(state, node), placeOf(state, node)].join(", ");
}

/** Its path, and whether it is encrypted and why: for somebody who asks where they are. */
export function whereSpeech(state: State, node: Node): string {
  const path = visible(formatPath(pathOfNode(node))) || "the document";
  return `${path}: ${whyOf(state, node)}`;
}

function what(state: State, node: Node): string {
  const name = visible(nameOf(state, node));
  switch (node.kind) {
    case "document":
      return `${name}, ${sizeOf(node)}`;
    case "map":
    case "list":
      return node.children.length === 0 ? `${name}, empty ${node.kind}` : `${name}, ${node.kind}`;
    case "comment":
      return hidesComment(state, node) ? "comment, hidden" : `comment: ${shownValue(state, node).trim()}`;
    case "value":
      return isHidden(state, node)
        ? `${name}, hidden${lengthOf(state, node)}`
        : `${name}: ${shownValue(state, node)}`;
  }
}

function isHidden(state: State, node: Node): boolean {
  return secrecyOf(state, node) === "encrypted" && !isShown(state, node);
}

function lengthOf({ draft }: State, node: Node): string {
  const value = draft && valueIn(draft, node);
  return typeof value === "string" ? `, ${saidLength(value)}` : "";
}

/** How long a text is, roughly, in words that can be read out. */
export function saidLength(text: string): string {
  return lengthClass(text).replace("–", " to ").replace("65+", "more than 64");
}

const sizeOf = ({ size }: Node): string => `${size} ${size === 1 ? "entry" : "entries"}`;

function stateOf(state: State, node: Node): string[] {
  const change = changeOf(state, node);
  const words: string[] = change ? [change] : [];
  if (node.children.length > 0 && !state.list)
    words.unshift(`${state.folded.has(node.id) ? "folded" : "open"}, ${sizeOf(node)}`);
  if (node.kind !== "value") return words;
  const secrecy = secrecyOf(state, node);
  const type = typeName(state, node);
  if (secrecy === "none") return [type, ...words];
  if (secrecy === "encrypted") return [type, isHidden(state, node) ? "secret" : "secret, shown", ...words];
  return [type, shouldBeEncrypted(state, node) ? "plain, should be encrypted" : "plain", ...words];
}

/** Where it stands among those that are held with it; of what a filter left, its number there. */
function placeOf({ list, outline }: State, node: Node): string {
  if (list) return `${list.at + 1} of ${list.ids.length}`;
  const siblings = node.parent?.children ?? outline.roots;
  return `level ${node.depth + 1}, ${node.at + 1} of ${siblings.length}`;
}
