import { formatPath } from "../../formats/path.ts";
import { counterpart, type Node, nodeAt, type Outline, pathOfNode } from "../outline/node.ts";
import { firstNode, lastNode, moved, seenNode, unfoldedFor, type View } from "../outline/walk.ts";
import { nodeOf, rowsOf, type State } from "../state/state.ts";

/** Where the cursor is, and which rows are seen. Nothing here takes longer in a larger document. */

export const viewOf = ({ outline, folded }: State): View => ({ outline, folded });

/** The state with the cursor on a row, which is on the screen. */
export function at(state: State, node: Node | undefined): State {
  if (!node) return state;
  if (state.list) {
    const index = state.list.ids.indexOf(node.id);
    if (index >= 0) return atRow(state, index);
    return at({ ...state, list: undefined }, node);
  }
  return scrolled({ ...state, cursor: node.id });
}

/** Lets the window follow the cursor. */
export function scrolled(state: State): State {
  const rows = rowsOf(state.size);
  const view = viewOf(state);
  const cursor = nodeOf(state);
  if (!cursor) return state;
  const top = state.outline.nodes[state.top];
  if (!top) return { ...state, top: cursor.id };
  const from = seenNode(view, top);
  let seen: Node | undefined = from;
  for (let i = 0; i < rows && seen; i++) {
    if (seen.id === cursor.id) return from.id === state.top ? state : { ...state, top: from.id };
    const next = moved(view, seen, 1);
    seen = next.id === seen.id ? undefined : next;
  }
  const far = cursor.id > moved(view, from, 2 * rows).id || cursor.id < moved(view, from, -rows).id;
  if (far) return { ...state, top: moved(view, cursor, -Math.floor(rows / 2)).id };
  return { ...state, top: cursor.id < from.id ? cursor.id : moved(view, cursor, 1 - rows).id };
}

/** Moves the cursor so many rows. */
export function movedBy(state: State, rows: number): State {
  const { list } = state;
  if (list) return atRow(state, list.at + rows);
  const cursor = nodeOf(state);
  return cursor ? at(state, moved(viewOf(state), cursor, rows)) : state;
}

export function atEdge(state: State, edge: "first" | "last"): State {
  const { list } = state;
  if (list) return atRow(state, edge === "first" ? 0 : list.ids.length - 1);
  return at(state, edge === "first" ? firstNode(viewOf(state)) : lastNode(viewOf(state)));
}

function atRow(state: State, row: number): State {
  const list = state.list!;
  const rows = rowsOf(state.size);
  const index = Math.max(0, Math.min(row, list.ids.length - 1));
  const top = Math.max(Math.min(list.top, index), index - rows + 1);
  return { ...state, cursor: list.ids[index] ?? state.cursor, list: { ...list, at: index, top } };
}

/** Unfolds what is folded; in what is open, or holds nothing, goes on to the first row in it. */
export function opened(state: State): State {
  const node = nodeOf(state);
  if (!node || node.children.length === 0) return state;
  if (!state.folded.has(node.id)) return at({ ...state, list: undefined }, node.children[0]);
  const folded = new Set(state.folded);
  folded.delete(node.id);
  return scrolled({ ...state, folded });
}

/** Folds what is open; elsewhere goes to what holds the row. */
export function closed(state: State): State {
  const node = nodeOf(state);
  if (!node) return state;
  if (!state.list && node.children.length > 0 && !state.folded.has(node.id))
    return scrolled({ ...state, folded: new Set(state.folded).add(node.id) });
  return node.parent ? at({ ...state, list: undefined }, node.parent) : state;
}

/** Folds or unfolds everything. */
export function foldedAll(state: State): State {
  const all = state.outline.nodes.filter(({ children }) => children.length > 0);
  const folded = state.folded.size > 0 ? new Set<number>() : new Set(all.map(({ id }) => id));
  const next = { ...state, folded, list: undefined };
  const node = nodeOf(next);
  return node ? at(next, seenNode(viewOf(next), node)) : next;
}

/** The cursor on a row that may be folded away. */
export function jumped(state: State, node: Node): State {
  return at({ ...state, folded: unfoldedFor(state.folded, node) }, node);
}

/** The state with another outline of the document: cursor, folds and window stay with their entries. */
export function withOutline(state: State, outline: Outline, target?: Node): State {
  if (outline === state.outline) return state;
  const found = (id: number): Node | undefined => {
    const node = state.outline.nodes[id];
    return node && counterpart(outline, node);
  };
  const folded = new Set<number>();
  for (const id of state.folded) {
    const node = state.outline.nodes[id];
    const now = node && nodeAt(outline, node.document, pathOfNode(node));
    if (now?.exact && now.node && now.node.children.length > 0) folded.add(now.node.id);
  }
  const cursor = (target ?? found(state.cursor) ?? outline.roots[0])?.id ?? 0;
  const top = (found(state.top) ?? outline.roots[0])?.id ?? 0;
  const next = { ...state, outline, folded, cursor, top, list: undefined, find: { ...state.find, hits: [] } };
  const node = outline.nodes[cursor];
  return node ? jumped(next, node) : next;
}

/** What stands for a row where ids may change. */
export function nameOfRow(node: Node): string {
  const name = `${node.document} ${formatPath(pathOfNode(node))}`;
  return node.kind === "comment" ? `${name} #${node.at}` : name;
}
