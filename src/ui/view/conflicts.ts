import { type Tree, TreeList, TreeMap } from "../../formats/tree.ts";
import { isOfText } from "../../merge/choose.ts";
import { CHOICES, readersIn, recipientsIn } from "../../merge/recipients.ts";
import { type Conflict, describePlace } from "../../sops/conflicts.ts";
import { type Mode, rowsOf, type State } from "../state/state.ts";
import { lengthClass } from "../state/value.ts";
import {
  broken,
  type Cell,
  fitted,
  type Line,
  lineOf,
  type Style,
  visible,
  widthOf,
  wrapped,
} from "./cells.ts";
import type { Dialog } from "./dialog.ts";
import { MASK, textOfValue } from "./row.ts";

type ConflictsMode = Extract<Mode, { kind: "conflicts" }>;

/** Rows of the list that stay, however much the sides say. */
const LIST_ROWS = 3;
/** Rows below the list for the sides, at least. */
const SIDES_ROWS = 4;

/** The conflicts of a merge, and of one of them base, ours and theirs side by side. */
export function conflictsDialog(state: State, { at, reveal }: ConflictsMode): Dialog {
  const { width } = state.size;
  const { conflicts, decisions } = state.merge!;
  const chosen = conflicts[at]!;
  const sides = sidesOf(chosen, { width, reveal });
  const free = rowsOf(state.size) - 2;
  const below = Math.max(
    SIDES_ROWS - 1,
    Math.min(sides.length, free - Math.min(LIST_ROWS, conflicts.length)),
  );
  const rows = Math.max(1, free - below);
  const top = Math.max(0, at - rows + 1);
  const list = conflicts.slice(top, top + rows).map((conflict, i): Line => {
    const decision = decisions[top + i];
    const place = describePlace(conflict);
    const cells: Cell[] = [
      { text: top + i === at ? "> " : "  ", style: "bold" },
      { text: (decision ?? "open").padEnd(9), style: decision ? "green" : "yellow" },
      { text: ` ${visible(place)}`, style: top + i === at ? "inverse" : undefined },
      { text: place === conflict.kind ? "" : `  ${conflict.kind}`, style: "dim" },
    ];
    return lineOf(cells, width);
  });
  const head: Line = [
    { text: " Conflicts", style: "bold" },
    { text: "  the document has ours until you decide", style: "dim" },
  ];
  return { body: [head, ...list, [], ...cutTo(sides, below)], keys: keysFor(chosen, reveal) };
}

function keysFor(conflict: Conflict, reveal: boolean): NonNullable<Dialog["keys"]> {
  if (!isOfText(conflict))
    return [
      ["o", "ours stay"],
      ["Enter", "who can open the file"],
      ["Esc", "document"],
    ];
  return [
    ["o", "ours"],
    ["t", "theirs"],
    ["b", "base"],
    ["m", "as it is now"],
    ["Enter", "edit"],
    ["v", reveal ? "hide" : "show"],
    ["Esc", "document"],
  ];
}

/** What does not fit is never left out without a word. */
function cutTo(lines: readonly Line[], rows: number): readonly Line[] {
  if (lines.length <= rows) return lines;
  const left = lines.length - rows + 1;
  return [
    ...lines.slice(0, rows - 1),
    [{ text: ` ${left} more lines: a higher window shows them`, style: "yellow" }],
  ];
}

function sidesOf(conflict: Conflict, { width, reveal }: { width: number; reveal: boolean }): Line[] {
  if (conflict.kind === "recipients") return readerLines(conflict, width);
  if (conflict.kind === "selector") return selectorLines(conflict, width);
  const room = Math.floor(width / 3);
  const column = (text: string): string => {
    const cut = fitted(text, room - 2);
    return ` ${cut}${" ".repeat(Math.max(0, room - 1 - widthOf(cut)))}`;
  };
  return [
    lineOf([{ text: CHOICES.map(column).join(""), style: "bold" }], width),
    lineOf([{ text: CHOICES.map((side) => column(shownTree(conflict[side], reveal))).join("") }], width),
  ];
}

const MARKS_WIDTH = 22;

/** Each key with the sides that have it; those that not all of them have come first. No key is cut. */
function readerLines(conflict: Conflict, width: number): Line[] {
  const sides = CHOICES.filter((side) => conflict[side] !== undefined);
  const readers = readersIn(conflict);
  const several = readers.some(({ group }) => group > 0);
  const head = lineOf([{ text: "  base  ours  theirs", style: "bold" }], width);
  const lines = readers
    .map((reader) => ({ ...reader, everywhere: reader.sides.length === sides.length }))
    .sort((a, b) => Number(a.everywhere) - Number(b.everywhere))
    .flatMap(({ group, key, sides: having, everywhere }) => {
      const marks = CHOICES.map((side) => markOf(having.includes(side), conflict[side] !== undefined));
      const text = `${several ? `group ${group + 1}: ` : ""}${visible(key)}`;
      const [first = "", ...more] = broken(text, width - MARKS_WIDTH);
      const style: Style = everywhere ? "dim" : "yellow";
      return [
        lineOf([{ text: `  ${marks.join("")}`.padEnd(MARKS_WIDTH) }, { text: first, style }], width),
        ...more.map((part) => lineOf([{ text: " ".repeat(MARKS_WIDTH) }, { text: part, style }], width)),
      ];
    });
  return [head, ...lines, ...neededLines(conflict, width)];
}

function markOf(has: boolean, known: boolean): string {
  if (!known) return "?     ";
  return has ? "yes   " : "-     ";
}

/** How many groups each side needs, where one has several. */
function neededLines(conflict: Conflict, width: number): Line[] {
  const needed = CHOICES.map((side) => recipientsIn(conflict[side]).needed);
  if (needed.every((number) => number === undefined)) return [];
  const marks = CHOICES.map((side, i) => String(needed[i] ?? (conflict[side] ? 1 : "?")).padEnd(6));
  return [
    lineOf([{ text: `  ${marks.join("")}`.padEnd(MARKS_WIDTH) }, { text: "groups are needed" }], width),
  ];
}

function selectorLines(conflict: Conflict, width: number): Line[] {
  return CHOICES.flatMap((side) =>
    wrapped(visible(selectorText(conflict[side])), width - 10).map((text, i) =>
      lineOf([{ text: (i === 0 ? ` ${side}` : "").padEnd(10), style: "bold" }, { text }], width),
    ),
  );
}

/** A selector in words: it is no secret. */
export function selectorText(tree: Tree | undefined): string {
  if (!(tree instanceof TreeMap)) return "(not known)";
  return tree
    .entries()
    .map(({ key, value }) => `${key}: ${String(value)}`)
    .join(", ");
}

function shownTree(tree: Tree | undefined, reveal: boolean): string {
  if (tree === undefined) return "(nothing)";
  if (tree instanceof TreeMap) return `a map of ${tree.entries().length}`;
  if (tree instanceof TreeList) return `a list of ${tree.values().length}`;
  if (reveal || tree === null || tree === "") return textOfValue(tree);
  return typeof tree === "string" ? `${MASK} ${lengthClass(tree)}` : MASK;
}
