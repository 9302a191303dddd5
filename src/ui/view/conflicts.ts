import { type Tree, TreeList, TreeMap } from "../../formats/tree.ts";
import { type Conflict, describePlace } from "../../sops/conflicts.ts";
import { type Mode, rowsOf, type State } from "../state/state.ts";
import { lengthClass } from "../state/value.ts";
import { type Cell, fitted, type Line, lineOf, visible, widthOf } from "./cells.ts";
import type { Dialog } from "./dialog.ts";
import { MASK, textOfValue } from "./row.ts";

type ConflictsMode = Extract<Mode, { kind: "conflicts" }>;

/** Rows below the list: what each side says of one conflict. */
const SIDES_ROWS = 4;

/** The conflicts of a merge, and of one of them base, ours and theirs side by side. */
export function conflictsDialog(state: State, { at, reveal }: ConflictsMode): Dialog {
  const { width } = state.size;
  const { conflicts, decisions } = state.merge!;
  const rows = Math.max(1, rowsOf(state.size) - SIDES_ROWS - 1);
  const top = Math.max(0, at - rows + 1);
  const list = conflicts.slice(top, top + rows).map((conflict, i): Line => {
    const chosen = decisions[top + i];
    const cells: Cell[] = [
      { text: top + i === at ? "> " : "  ", style: "bold" },
      { text: (chosen ?? "open").padEnd(9), style: chosen ? "green" : "yellow" },
      { text: ` ${visible(describePlace(conflict))}`, style: top + i === at ? "inverse" : undefined },
      { text: `  ${conflict.kind}`, style: "dim" },
    ];
    return lineOf(cells, width);
  });
  const head: Line = [
    { text: " Conflicts", style: "bold" },
    { text: "  the document has ours until you decide", style: "dim" },
  ];
  const body = [head, ...list, [], ...sidesOf(conflicts[at]!, { width, reveal })];
  const keys = [
    ["o", "ours"],
    ["t", "theirs"],
    ["b", "base"],
    ["m", "as it is now"],
    ["Enter", "edit"],
    ["v", reveal ? "hide" : "show"],
    ["Esc", "document"],
  ] as const;
  return { body, keys };
}

function sidesOf(conflict: Conflict, { width, reveal }: { width: number; reveal: boolean }): Line[] {
  const room = Math.floor(width / 3);
  const column = (text: string): string => {
    const cut = fitted(text, room - 2);
    return ` ${cut}${" ".repeat(Math.max(0, room - 1 - widthOf(cut)))}`;
  };
  const sides = ["base", "ours", "theirs"] as const;
  return [
    lineOf([{ text: sides.map(column).join(""), style: "bold" }], width),
    lineOf([{ text: sides.map((side) => column(shownTree(conflict[side], reveal))).join("") }], width),
  ];
}

function shownTree(tree: Tree | undefined, reveal: boolean): string {
  if (tree === undefined) return "(nothing)";
  if (tree instanceof TreeMap) return `a map of ${tree.entries().length}`;
  if (tree instanceof TreeList) return `a list of ${tree.values().length}`;
  if (reveal || tree === null || tree === "") return textOfValue(tree);
  return typeof tree === "string" ? `${MASK} ${lengthClass(tree)}` : MASK;
}
