import { TsopsError } from "../../errors.ts";
import { type Draft, labelOf, redo, undo } from "../draft/draft.ts";
import type { Done } from "../draft/operations.ts";
import { type Node, nodeAt } from "../outline/node.ts";
import type { Message, State } from "../state/state.ts";
import { nameOfRow, withOutline } from "./cursor.ts";

/** Changes of the document. */

/** The state after an operation; what cannot be done is said, and nothing has changed. */
export function changed(state: State, node: Node | undefined, operate: (draft: Draft) => Done): State {
  if (!state.draft) return state;
  try {
    const { draft, at } = operate(state.draft);
    const outline = draft.base.outline;
    const document = node?.document ?? 0;
    const kept = node && sameRow(state, draft, node);
    const target = kept ?? nodeAt(outline, document, at).node;
    return withOutline({ ...state, draft, message: undefined }, outline, target);
  } catch (error) {
    if (!(error instanceof TsopsError)) throw error;
    return { ...state, message: messageOf(error) };
  }
}

/** A row keeps its place where rows are neither added nor taken away: comments have no path of their own. */
function sameRow(state: State, draft: Draft, node: Node): Node | undefined {
  const { outline } = draft.base;
  if (node.kind !== "comment" || outline.nodes.length !== state.outline.nodes.length) return undefined;
  const now = outline.nodes[node.id];
  return now?.kind === "comment" ? now : undefined;
}

export function messageOf(error: TsopsError): Message {
  const hint = error.hint === undefined ? [] : error.hint.split("\n");
  return { tone: "error", lines: [error.message, ...hint] };
}

/** Takes the last change back, or takes that back again. */
export function stepped(state: State, which: "undo" | "redo"): State {
  const { draft } = state;
  if (!draft) return state;
  const label = labelOf(which === "undo" ? draft.past : draft.future);
  const next = (which === "undo" ? undo : redo)(draft);
  if (!next || label === undefined)
    return { ...state, message: { tone: "info", lines: [`there is nothing to ${which}`] } };
  const message: Message = {
    tone: "info",
    lines: [`${which === "undo" ? "undone" : "done again"}: ${label}`],
  };
  return withOutline({ ...state, draft: next, message }, next.base.outline);
}

/** The state with a value shown that was just typed or asked for. */
export function showing(state: State, node: Node): State {
  if (state.options.noReveal) return state;
  const paths = new Set(state.revealed.paths).add(nameOfRow(node));
  return { ...state, revealed: { ...state.revealed, paths, since: state.now } };
}
