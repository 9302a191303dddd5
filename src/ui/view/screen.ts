import { formatPath } from "../../formats/path.ts";
import { type Node, pathOfNode } from "../outline/node.ts";
import { nextNode, seenNode } from "../outline/walk.ts";
import { viewOf } from "../reduce/cursor.ts";
import { secrecyOf, shouldBeEncrypted } from "../reduce/marks.ts";
import { BINDINGS, shownKey } from "../state/keys.ts";
import { isChanged, nodeOf, rowsOf, type State } from "../state/state.ts";
import { type Cell, type Line, lineOf, type Screen, spread, visible, widthOf, wrapped } from "./cells.ts";
import { dialogOf, MESSAGE_STYLES } from "./dialogs.ts";
import { rowLine, typeName } from "./row.ts";

/** The whole screen: the head, the rows of the document, what is said of one of them, and the keys that matter. */
export function screenOf(state: State): Screen {
  const { width, height } = state.size;
  if (width < 20 || height < 6) return { lines: [[{ text: "too small" }]] };
  const dialog = dialogOf(state);
  const rows = dialog.body?.map((line) => lineOf(line, width)) ?? rowLines(state);
  const room = rowsOf(state.size);
  const bottom = dialog.bottom ?? messageLines(state) ?? [];
  const kept = rows.slice(0, Math.max(0, room - Math.max(0, bottom.length - 1)));
  const fill = Array.from(
    { length: Math.max(0, room - kept.length - Math.max(0, bottom.length - 1)) },
    (): Line => [],
  );
  const last = bottom.length > 0 ? bottom.map((line) => lineOf(line, width)) : [[]];
  // where the rows cannot be seen, what is said of one of them could be taken for what is decided
  const detail = dialog.body ? [] : detailOf(state);
  const lines = [headOf(state), ...kept, ...fill, detail, ...last, footOf(state, dialog.keys)].slice(
    0,
    height,
  );
  const at = dialog.cursor;
  if (!at) return { lines };
  const first = at.in === "body" ? 1 : lines.length - 1 - last.length;
  return { lines, cursor: { x: at.x, y: first + at.y } };
}

function headOf(state: State): Line {
  const { name, format, draft, busy, list, size } = state;
  const left: Cell[] = [
    { text: " tsops ", style: "inverse" },
    { text: ` ${visible(name)}`, style: "bold" },
    { text: `  ${format}`, style: "dim" },
  ];
  if (list) left.push({ text: `  ${list.ids.length} ${list.title}`, style: "yellow" });
  const changed = isChanged(state) ? ["changed, not saved"] : [];
  const locked = draft ? [] : [state.encrypted ? "locked" : "new"];
  const said = busy ? `${busy}…` : [...changed, ...locked].join("  ");
  return spread(left, said === "" ? [] : [{ text: said, style: "yellow" }], size.width);
}

function rowLines(state: State): Line[] {
  const { outline, list, cursor, size } = state;
  const rows = rowsOf(size);
  if (list) {
    const ids = list.ids.slice(list.top, list.top + rows);
    return ids.map((id, i) => rowLine(state, outline.nodes[id]!, list.top + i === list.at));
  }
  const view = viewOf(state);
  const top = outline.nodes[state.top];
  if (!top && !state.draft) return [];
  if (!top) return [[], [{ text: "  the document is empty: a adds a key", style: "dim" }]];
  const lines: Line[] = [];
  for (
    let node: Node | undefined = seenNode(view, top);
    node && lines.length < rows;
    node = nextNode(view, node)
  )
    lines.push(rowLine(state, node, node.id === cursor));
  return lines;
}

/** What there is to say of the row under the cursor: its path, and whether it is encrypted and why. */
function detailOf(state: State): Line {
  const node = nodeOf(state);
  const { width } = state.size;
  if (!node) return [];
  const path = visible(formatPath(pathOfNode(node)));
  const cells: Cell[] = [
    { text: ` ${path}`, style: "cyan" },
    { text: `  ${whyOf(state, node)}`, style: "dim" },
  ];
  return lineOf(cells, width);
}

/** Whether a row is encrypted, and why. */
export function whyOf(state: State, node: Node): string {
  if (node.kind === "map" || node.kind === "list" || node.kind === "document")
    return `${node.kind}, ${node.size} ${node.size === 1 ? "entry" : "entries"}`;
  const secrecy = secrecyOf(state, node);
  const type = node.kind === "comment" ? "comment" : typeName(state, node);
  if (secrecy === "none") return `${type}, empty: never encrypted`;
  const rule = state.selector && `${state.selector.kind}: ${visible(state.selector.value)}`;
  const by = rule === undefined ? "" : ` (${rule})`;
  if (secrecy === "encrypted") return `${type}, encrypted${by}`;
  return `${type}, plain${by}${shouldBeEncrypted(state, node) ? "; the creation rule says to encrypt it" : ""}`;
}

function messageLines({ message, size }: State): Line[] | undefined {
  if (!message) return undefined;
  const lines = message.lines.flatMap((text) => wrapped(visible(text), size.width - 2));
  const most = Math.max(1, Math.floor(size.height / 3));
  const left = lines.length - most;
  const shown =
    left > 0 ? [...lines.slice(0, most - 1), `… ${left + 1} more lines: enlarge the window`] : lines;
  return shown.map((text) => [{ text: ` ${text}`, style: MESSAGE_STYLES[message.tone] }]);
}

/** The keys that matter here. */
function footOf(state: State, keys: readonly (readonly [key: string, what: string])[] | undefined): Line {
  const shown =
    keys ??
    BINDINGS.flatMap(({ keys: [key = ""], short }) => (short ? [[shownKey(key), short] as const] : []));
  const locked = !state.draft && !keys ? [["Enter", "unlock"] as const, ...shown.slice(-1)] : shown;
  const { width } = state.size;
  return lineOf(fittingKeys(locked, width).flatMap(keyCells), width);
}

type KeyHelp = readonly [key: string, what: string];

/** As many keys as there is room for, whole: the last one, which leads out, is there in any case. */
function fittingKeys(keys: readonly KeyHelp[], width: number): readonly KeyHelp[] {
  const widthOfKeys = keys.reduce((sum, [key, what]) => sum + widthOf(key) + widthOf(what) + 3, 0);
  return widthOfKeys - 1 > width && keys.length > 1
    ? fittingKeys([...keys.slice(0, -2), keys.at(-1)!], width)
    : keys;
}

const keyCells = ([key, what]: KeyHelp, i: number): Cell[] => [
  { text: `${i === 0 ? " " : "  "}${key}`, style: "bold" },
  { text: ` ${what}`, style: "dim" },
];
