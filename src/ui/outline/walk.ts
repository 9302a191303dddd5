import type { Node, Outline } from "./node.ts";

/** The rows that are seen: what is folded hides what is in it. Each step is as long as the outline is deep. */
export interface View {
  readonly outline: Outline;
  readonly folded: ReadonlySet<number>;
}

const isOpen = ({ folded }: View, node: Node): boolean => node.children.length > 0 && !folded.has(node.id);

export function nextNode(view: View, node: Node): Node | undefined {
  if (isOpen(view, node)) return node.children[0];
  for (let at: Node | undefined = node; at; at = at.parent) {
    const siblings = at.parent?.children ?? view.outline.roots;
    const next = siblings[at.at + 1];
    if (next) return next;
  }
  return undefined;
}

export function previousNode(view: View, node: Node): Node | undefined {
  if (node.at === 0) return node.parent;
  const siblings = node.parent?.children ?? view.outline.roots;
  return lastIn(view, siblings[node.at - 1]!);
}

/** The last row of a node that is seen. */
function lastIn(view: View, node: Node): Node {
  let at = node;
  while (isOpen(view, at)) at = at.children.at(-1)!;
  return at;
}

export function firstNode({ outline }: View): Node | undefined {
  return outline.roots[0];
}

export function lastNode(view: View): Node | undefined {
  const last = view.outline.roots.at(-1);
  return last && lastIn(view, last);
}

/** The node so many rows further down, or up if negative: the first or last one where there are not as many. */
export function moved(view: View, from: Node, rows: number): Node {
  let node = from;
  const step = rows < 0 ? previousNode : nextNode;
  for (let i = Math.abs(rows); i > 0; i--) {
    const next = step(view, node);
    if (!next) break;
    node = next;
  }
  return node;
}

/** The node itself, or the outermost folded one that hides it. */
export function seenNode({ folded }: View, node: Node): Node {
  let seen = node;
  for (let at = node.parent; at; at = at.parent) if (folded.has(at.id)) seen = at;
  return seen;
}

/** The folds without those that hide a node. */
export function unfoldedFor(folded: ReadonlySet<number>, node: Node): ReadonlySet<number> {
  const hiding: number[] = [];
  for (let at = node.parent; at; at = at.parent) if (folded.has(at.id)) hiding.push(at.id);
  if (hiding.length === 0) return folded;
  const left = new Set(folded);
  for (const id of hiding) left.delete(id);
  return left;
}
