import { valToString } from "../../formats/scalar.ts";
import { valueIn } from "../draft/draft.ts";
import { type Node, type Outline, pathOfNode } from "../outline/node.ts";
import type { State } from "../state/state.ts";
import { jumped, nameOfRow } from "./cursor.ts";

/** The paths of an outline as they are searched: put together once. */
const paths = new WeakMap<Outline, string[]>();

function pathsOf(outline: Outline): string[] {
  let known = paths.get(outline);
  if (!known) {
    known = outline.nodes.map((node) =>
      node.kind === "comment" ? "" : pathOfNode(node).join(".").toLowerCase(),
    );
    paths.set(outline, known);
  }
  return known;
}

/** Rows whose path has the letters of the query in their order; those that have its words as they are, if there are any. */
export function hitsOf(state: State, query: string): number[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return [];
  const all = pathsOf(state.outline);
  const exact: number[] = [];
  const loose: number[] = [];
  const pattern = words.join("");
  for (let id = 0; id < all.length; id++) {
    const path = all[id]!;
    if (words.every((word) => path.includes(word))) exact.push(id);
    else if (exact.length === 0 && inOrder(pattern, path)) loose.push(id);
  }
  const values = inValues(state, query);
  if (values.length > 0) return [...new Set([...exact, ...values])].sort((a, b) => a - b);
  return exact.length > 0 ? exact : loose;
}

function inOrder(letters: string, path: string): boolean {
  let at = 0;
  for (let i = 0; i < letters.length; i++) {
    at = path.indexOf(letters[i]!, at) + 1;
    if (at === 0) return false;
  }
  return true;
}

/** Values count where they are shown anyway. */
function inValues(state: State, query: string): number[] {
  const { draft, revealed, outline } = state;
  if (!draft || (!revealed.all && revealed.paths.size === 0)) return [];
  const text = query.toLowerCase();
  return outline.nodes.flatMap((node) => {
    if (node.entry === undefined || (!revealed.all && !revealed.paths.has(nameOfRow(node)))) return [];
    const value = valueIn(draft, node);
    return value !== undefined && value !== null && valToString(value).toLowerCase().includes(text)
      ? [node.id]
      : [];
  });
}

/** The cursor on the best hit for what was typed so far: a key that is just that before one that begins with it. */
export function found(state: State, query: string, from: number): State {
  const hits = hitsOf(state, query);
  const next = { ...state, find: { query, hits, values: state.revealed.all } };
  const best = bestOf(state.outline, hits, query.toLowerCase(), from);
  return jumped(next, state.outline.nodes[best ?? from]!);
}

function bestOf(outline: Outline, hits: readonly number[], query: string, from: number): number | undefined {
  const rank = (node: Node): number => {
    const key = String(node.key ?? "").toLowerCase();
    if (key === query) return 0;
    if (key.startsWith(query)) return 1;
    return key.includes(query) ? 2 : 3;
  };
  let best: { id: number; rank: number } | undefined;
  const turn = hits.findIndex((id) => id >= from);
  const ordered = turn < 0 ? hits : [...hits.slice(turn), ...hits.slice(0, turn)];
  for (const id of ordered) {
    const value = rank(outline.nodes[id]!);
    if (!best || value < best.rank) best = { id, rank: value };
    if (value === 0) break;
  }
  return best?.id;
}

/** The next hit behind the cursor, or before it. */
export function nextHit(state: State, by: 1 | -1): State {
  const { query } = state.find;
  if (query === "")
    return { ...state, message: { tone: "info", lines: ["nothing was searched yet: / searches"] } };
  const hits = state.find.hits.length > 0 ? state.find.hits : hitsOf(state, query);
  const { cursor } = state;
  const id =
    by > 0
      ? (hits.find((hit) => hit > cursor) ?? hits[0])
      : (hits.findLast((hit) => hit < cursor) ?? hits.at(-1));
  if (id === undefined) return { ...state, message: { tone: "info", lines: [`nothing matches ${query}`] } };
  return jumped({ ...state, find: { ...state.find, hits } }, state.outline.nodes[id]!);
}
