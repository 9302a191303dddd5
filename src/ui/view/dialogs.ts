import type { EntryDifference, EntrySide } from "../../compare/difference.ts";
import { formatPath } from "../../formats/path.ts";
import { acceptLines, helpLines } from "../reduce/dialogs.ts";
import type { Version } from "../state/history.ts";
import { describeChange } from "../state/keys-view.ts";
import { type Mode, rowsOf, type State } from "../state/state.ts";
import { lengthClass } from "../state/value.ts";
import { type Cell, fitted, type Line, lineOf, type Style, visible, widthOf, wrapped } from "./cells.ts";
import { conflictsDialog } from "./conflicts.ts";
import type { Dialog } from "./dialog.ts";
import { inputOf } from "./input.ts";
import { MASK, textOfValue } from "./row.ts";

type Of<K extends Mode["kind"]> = Extract<Mode, { kind: K }>;

const BACK = ["Esc", "back"] as const;
const SCROLL = ["↑ ↓", "scroll"] as const;

export function dialogOf(state: State): Dialog {
  const { mode } = state;
  switch (mode.kind) {
    case "tree":
      return {};
    case "box":
      return mode.box.lines ? textDialog(state, mode) : lineDialog(state, mode);
    case "discard":
      return {
        ...question("Throw away what you typed?", state),
        keys: [
          ["d", "throw it away"],
          ["any other key", "go on typing"],
        ],
      };
    case "menu":
      return menuDialog(state, mode);
    case "help":
      return helpDialog(state, mode);
    case "save":
      return saveDialog(state, mode);
    case "accept":
      return acceptDialog(state, mode);
    case "conflicts":
      return conflictsDialog(state, mode);
    case "leave":
      return {
        ...question("There are changes that are not saved.", state),
        keys: [["s", state.draft ? "save them" : "unlock, to save them"], ["d", "leave without them"], BACK],
      };
    case "reveal-all":
      return {
        ...question("Show all values? Whoever sees the screen sees them, too.", state),
        keys: [
          ["Enter", "show them"],
          ["any other key", "back"],
        ],
      };
    case "keys":
      return keysDialog(state, mode);
    case "change-keys":
      return {
        ...question(describeChange(mode.change), state),
        ...keysBody(state, mode.before),
        keys: [
          ["Enter", "do it"],
          ["any other key", "back"],
        ],
      };
    case "history":
      return historyDialog(state, mode);
  }
}

function question(text: string, { size, message }: State): Pick<Dialog, "bottom"> {
  const asked = wrapped(visible(text), size.width - 2);
  const said = message?.passing ? message.lines.flatMap((one) => wrapped(visible(one), size.width - 2)) : [];
  const lineIn =
    (style: Style) =>
    (line: string): Line => [{ text: ` ${line}`, style }];
  return {
    bottom: [...said.map(lineIn(MESSAGE_STYLES[message?.tone ?? "info"])), ...asked.map(lineIn("yellow"))],
  };
}

/** How a message is shown. */
export const MESSAGE_STYLES = { info: "green", warning: "yellow", error: "red" } as const;

function lineDialog(state: State, { title, box, purpose }: Of<"box">): Dialog {
  const { width } = state.size;
  const label = `${fitted(` ${visible(title)}`, Math.max(1, Math.floor(width / 2) - 2))}: `;
  const start = widthOf(label);
  const input = inputOf(box, width - start - 1, 1);
  const line = lineOf([{ text: label, style: "bold" }, ...input.lines[0]!], width);
  const error = state.message?.tone === "error" ? state.message.lines : [];
  const above = error
    .flatMap((text) => wrapped(visible(text), width - 2))
    .map((text): Line => [{ text: ` ${text}`, style: "red" }]);
  const hits: Line[] =
    purpose.kind === "find" && box.text !== "" ? [[{ text: ` ${hitsText(state)}`, style: "dim" }]] : [];
  const keys = purpose.kind === "value" ? valueKeys(box.hidden) : ([["Enter", "accept"], BACK] as const);
  const before = [...above, ...hits];
  return { bottom: [...before, line], keys, cursor: { in: "bottom", x: start + input.x, y: before.length } };
}

function hitsText({ find, cursor }: State): string {
  const { hits } = find;
  if (hits.length === 0) return "nothing found";
  return `${Math.max(0, hits.indexOf(cursor)) + 1} of ${hits.length}; n and N go on to the others`;
}

function valueKeys(hidden: boolean): Dialog["keys"] {
  return [["Enter", "accept"], ["Ctrl-O", "several lines"], ["Ctrl-T", hidden ? "show" : "hide"], BACK];
}

function textDialog(state: State, { title, box }: Of<"box">): Dialog {
  const { width } = state.size;
  const rows = rowsOf(state.size) - 2;
  const input = inputOf(box, width - 2, rows);
  const count = box.text === "" ? "empty" : `${lengthOf(box.text)}`;
  const body: Line[] = [
    [
      { text: ` ${visible(title)}`, style: "bold" },
      { text: `  ${count}`, style: "dim" },
    ],
    ...input.lines.map((line): Line => [{ text: "│", style: "dim" }, ...line]),
  ];
  const keys = [["Ctrl-S", "accept"], ["Ctrl-T", box.hidden ? "show" : "hide"], BACK] as const;
  const error = state.message?.tone === "error" ? state.message.lines : [];
  const bottom = error.map((text): Line => [{ text: ` ${visible(text)}`, style: "red" }]);
  return {
    body,
    bottom: bottom.length > 0 ? bottom : undefined,
    keys,
    cursor: { in: "body", x: input.x + 1, y: input.y + 1 },
  };
}

function lengthOf(text: string): string {
  const lines = text.split("\n").length - (text.endsWith("\n") ? 1 : 0);
  const count = [...text].length;
  return `${lines} ${lines === 1 ? "line" : "lines"}, ${count} ${count === 1 ? "character" : "characters"}`;
}

function menuDialog(state: State, { title, items, top }: Of<"menu">): Dialog {
  const rows = rowsOf(state.size);
  const isLong = items.length > rows - 1;
  const body: Line[] = [
    ...(items.length > rows - 2 ? [] : [[]]),
    [{ text: ` ${visible(title)}`, style: "bold" }],
    ...items
      .slice(top)
      .map(({ key, label }): Line => [{ text: `   ${key}`, style: "bold" }, { text: `  ${label}` }]),
  ];
  const keys = [["the letter", "choose"], ...(isLong ? [SCROLL] : []), BACK] as const;
  return { body: body.map((line) => lineOf(line, state.size.width)), keys };
}

function helpDialog(state: State, { query, top }: Of<"help">): Dialog {
  const found = helpLines(query);
  const { width } = state.size;
  const left = Math.min(20, Math.floor(width / 3));
  const rows = found.slice(top).flatMap(({ keys, help }) => {
    const [named, said] = [wrapped(keys, left - 2), wrapped(help, width - left - 1)];
    return Array.from({ length: Math.max(named.length, said.length) }, (_, i): Line => {
      const name = `  ${named[i] ?? ""}`;
      const fill = " ".repeat(Math.max(1, left + 1 - widthOf(name)));
      return [{ text: name, style: "bold" }, { text: `${fill}${said[i] ?? ""}` }];
    });
  });
  const title: Line = [
    { text: " Keys", style: "bold" },
    { text: query === "" ? "  type to search" : `  with "${visible(query)}"`, style: "dim" },
  ];
  return { body: [title, ...rows], keys: [SCROLL, BACK] };
}

const SIGNS = { added: "+", removed: "-", changed: "*", moved: ">" } as const;
const COLOURS = { added: "green", removed: "red", changed: "yellow", moved: "cyan" } as const;

function saveDialog(state: State, { changes, reveal, top }: Of<"save">): Dialog {
  const { width } = state.size;
  const count = `${changes.length} ${changes.length === 1 ? "change" : "changes"}`;
  const head: Line = [
    { text: " Save", style: "bold" },
    { text: `  ${changes.length === 0 ? "the order or the layout changed" : count}`, style: "dim" },
  ];
  const rows = changes.slice(top).map((change) => lineOf(changeCells(change, reveal), width));
  const keys = [["Enter", "save"], ["v", reveal ? "hide values" : "show values"], SCROLL, BACK] as const;
  return { body: [head, ...rows], keys };
}

function changeCells(difference: EntryDifference, reveal: boolean): Cell[] {
  const { change, path, from, before, after, document, kind } = difference;
  const name = kind === "comment" ? `${visible(formatPath(path))} comment` : visible(formatPath(path));
  const where = document > 0 ? `document ${document + 1} ` : "";
  const style = COLOURS[change];
  const cells: Cell[] = [
    { text: ` ${SIGNS[change]} ${where}`, style },
    { text: name.trimStart(), style: "bold" },
  ];
  if (from) cells.push({ text: `  was ${visible(formatPath(from))}`, style: "dim" });
  const texts =
    change === "moved" ? [] : [before, after].flatMap((side) => (side ? [shownSide(side, reveal)] : []));
  const plain = change !== "moved" && kind === "value" && after?.state === "plain";
  return [
    ...cells,
    { text: `  ${texts.join("  →  ")}` },
    { text: plain ? "  in plain text" : "", style: "yellow" },
  ];
}

function shownSide({ type, value, state }: EntrySide, reveal: boolean): string {
  if (type === "map") return "{}";
  if (type === "list") return "[]";
  if (reveal || state !== "encrypted") return textOfValue(value);
  return typeof value === "string" ? `${MASK} ${lengthClass(value)}` : MASK;
}

function acceptDialog(state: State, mode: Of<"accept">): Dialog {
  const { width } = state.size;
  const { change, accepts, top } = mode;
  const lines = acceptLines(mode);
  const body = lines
    .slice(top)
    .flatMap((text) => wrapped(visible(text), width - 2))
    .map((text): Line => [{ text: ` ${text}` }]);
  const isLong = top > 0 || body.length > rowsOf(state.size) - 1;
  return {
    body: [[{ text: change ? " Not changed" : " Not saved", style: "red" }], ...body],
    keys: [
      ["y", accepts.gone ? "write it again" : `${change ? "do it" : "save"} all the same`],
      ...(isLong ? [SCROLL] : []),
      BACK,
    ],
  };
}

const TONES = { head: "bold", good: "green", bad: "red", note: "dim" } as const;

function keysBody(state: State, mode: Mode): Pick<Dialog, "body"> {
  return mode.kind === "keys" ? { body: keysDialog(state, mode).body } : {};
}

function keysDialog(state: State, { lines, at }: Of<"keys">): Dialog {
  const { width } = state.size;
  const rows = rowsOf(state.size) - 1;
  const top = Math.max(0, at - rows + 1);
  const body = lines.slice(top, top + rows).map(({ text, tone }, i): Line => {
    const mark = top + i === at ? "> " : "  ";
    return lineOf(
      [
        { text: mark, style: "bold" },
        { text: visible(text), style: TONES[tone] },
      ],
      width,
    );
  });
  const keys = [
    ["a", "add"],
    ["d", "remove"],
    ["r", "new data key"],
    ["u", "the rule's keys"],
    BACK,
  ] as const;
  return { body: [[{ text: " Who can open the file", style: "bold" }], ...body], keys };
}

function historyDialog(state: State, { title, versions, top, reveal }: Of<"history">): Dialog {
  const { width } = state.size;
  const head: Line = [
    { text: ` History of ${visible(title)}`, style: "bold" },
    { text: "  newest first", style: "dim" },
  ];
  const lines = versions.slice(top).map((version) => {
    const commit = fitted(visible(version.commit), Math.floor(width / 2));
    return lineOf(
      [{ text: ` ${commit}`, style: "dim" }, { text: `  ${visible(saidIn(version, reveal))}` }],
      width,
    );
  });
  const none: Line = [{ text: "  git has no version of the file", style: "dim" }];
  const keys = [["v", reveal ? "hide values" : "show values"], SCROLL, BACK] as const;
  return { body: [head, ...(lines.length > 0 ? lines : [none])], keys };
}

function saidIn({ value, encrypted, problem }: Version, reveal: boolean): string {
  if (problem !== undefined) return problem;
  if (value === undefined) return "(nothing)";
  if (reveal || !encrypted) return textOfValue(value);
  return typeof value === "string" ? `${MASK} ${lengthClass(value)}` : MASK;
}
