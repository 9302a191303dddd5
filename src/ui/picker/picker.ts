import { chordOf, type Key, NAMES, withoutLast } from "../state/box.ts";
import type { Size } from "../state/state.ts";
import {
  type Cell,
  type Line,
  lineOf,
  type Screen,
  spread,
  visible,
  widthOf,
  wrapped,
} from "../view/cells.ts";

/** What is known of a file of the repository without opening it. */
export interface Listed {
  readonly name: string;
  readonly state: "encrypted" | "plain" | "conflict" | "damaged" | "unreadable" | "closed";
  /** What there is to say of it, a line each. */
  readonly remarks: readonly string[];
}

/** The files that can be edited; one is chosen. */
export interface PickerState {
  readonly folder: string;
  readonly files: readonly Listed[];
  /** What is typed: files that have it in their names are shown, else those with its letters in their order. */
  readonly query: string;
  readonly at: number;
  readonly top: number;
  readonly size: Size;
  readonly message: string | undefined;
}

export type PickerAction =
  | { readonly type: "key"; readonly key: Key }
  | { readonly type: "paste"; readonly text: string }
  | { readonly type: "resize"; readonly size: Size };

export type Picked = { readonly state: PickerState; readonly open?: string; readonly quit?: true };

export function shownFiles({ files, query }: PickerState): readonly Listed[] {
  const letters = query.toLowerCase().replace(/\s+/g, "");
  if (letters === "") return files;
  const exact = files.filter(({ name }) => name.toLowerCase().includes(letters));
  if (exact.length > 0) return exact;
  return files.filter(({ name }) => {
    let at = 0;
    for (const letter of letters) {
      at = name.toLowerCase().indexOf(letter, at) + 1;
      if (at === 0) return false;
    }
    return true;
  });
}

/** Rows for files: the others are the head, two lines on the file, and the keys. */
const rowsOf = ({ height }: Size): number => Math.max(1, height - 5);

export function pick(state: PickerState, action: PickerAction): Picked {
  if (action.type === "resize") return { state: moved({ ...state, size: action.size }, state.at) };
  if (action.type === "paste") {
    const text = action.text.replace(/[\r\n]+/g, " ").trim();
    return { state: moved({ ...state, query: state.query + text }, 0) };
  }
  const chord = chordOf(action.key);
  const rows = rowsOf(state.size);
  switch (chord) {
    case "up":
    case "ctrl-p":
      return { state: moved(state, state.at - 1) };
    case "down":
    case "ctrl-n":
      return { state: moved(state, state.at + 1) };
    case "pageup":
      return { state: moved(state, state.at - rows + 1) };
    case "pagedown":
      return { state: moved(state, state.at + rows - 1) };
    case "home":
      return { state: moved(state, 0) };
    case "end":
      return { state: moved(state, Number.MAX_SAFE_INTEGER) };
    case "escape":
      return state.query === "" ? { state } : { state: moved({ ...state, query: "" }, 0) };
    case "ctrl-c":
    case "ctrl-q":
      return { state, quit: true };
    case "backspace":
      return { state: moved({ ...state, query: withoutLast(state.query) }, 0) };
    case "return":
      return chosen(state);
    default: {
      const { name, ctrl, alt } = action.key;
      if (ctrl || alt || NAMES.has(name)) return { state };
      return { state: moved({ ...state, query: state.query + name }, 0) };
    }
  }
}

function moved(state: PickerState, to: number): PickerState {
  const last = shownFiles(state).length - 1;
  const at = Math.max(0, Math.min(to, last));
  const rows = rowsOf(state.size);
  const top = Math.max(0, Math.min(Math.max(Math.min(state.top, at), at - rows + 1), Math.max(0, last)));
  return { ...state, at, top, message: undefined };
}

function chosen(state: PickerState): Picked {
  const file = shownFiles(state)[state.at];
  if (!file) return { state };
  if (file.state === "encrypted" || file.state === "conflict" || file.state === "closed")
    return { state, open: file.name };
  const what = { plain: "it is not encrypted", damaged: "it is damaged", unreadable: "it cannot be read" }[
    file.state
  ];
  const next = file.state === "plain" ? ": tsops encrypt -i encrypts it" : "";
  return { state: { ...state, message: `${what}${next}` } };
}

const MARKS = {
  encrypted: { text: "secret", style: "green" },
  plain: { text: "PLAIN!", style: "red" },
  conflict: { text: "conflict", style: "yellow" },
  damaged: { text: "damaged", style: "red" },
  unreadable: { text: "unreadable", style: "red" },
  closed: { text: "no key", style: "yellow" },
} as const;

export function pickerScreen(state: PickerState): Screen {
  const { size, folder, query, at, top, message } = state;
  const files = shownFiles(state);
  const rows = rowsOf(size);
  const lines = files.slice(top, top + rows).map((file, i) => fileLine(file, top + i === at, size.width));
  const empty =
    files.length === 0
      ? [
          [
            {
              text: query === "" ? "  there are no encrypted files here" : "  nothing found",
              style: "dim" as const,
            },
          ],
        ]
      : [];
  const shown: Line[] = [...lines, ...empty];
  while (shown.length < rows) shown.push([]);
  const head = spread(
    [
      { text: " tsops ", style: "inverse" },
      { text: ` ${visible(folder)}`, style: "bold" },
    ],
    [{ text: `${files.length} of ${state.files.length}`, style: "dim" }],
    size.width,
  );
  const file = files[at];
  const said = message !== undefined ? [message] : (file?.remarks ?? []);
  const about = said.flatMap((text) => wrapped(visible(text), size.width - 2)).slice(0, 2);
  const remarks = [0, 1].map(
    (i): Line => (about[i] === undefined ? [] : [{ text: ` ${about[i]}`, style: "dim" }]),
  );
  const label = " open: ";
  const find = lineOf([{ text: label, style: "bold" }, { text: visible(query) }], size.width);
  const foot: Cell[] = [
    ...[
      ["type", "to search"],
      ["Enter", "open"],
      ["Ctrl-C", "quit"],
    ].flatMap(([key, what]): Cell[] => [
      { text: ` ${key}`, style: "bold" },
      { text: ` ${what} `, style: "dim" },
    ]),
  ];
  const all = [head, ...shown, ...remarks, find, lineOf(foot, size.width)];
  return {
    lines: all,
    cursor: { x: Math.min(label.length + widthOf(visible(query)), size.width - 1), y: all.length - 2 },
  };
}

function fileLine({ name, state, remarks }: Listed, selected: boolean, width: number): Line {
  const mark = MARKS[state];
  const odd = remarks.length > 0 && state === "encrypted" ? "!" : " ";
  const left: Cell[] = [{ text: selected ? "> " : "  ", style: "bold" }, { text: visible(name) }];
  const line = spread(
    left,
    [
      { text: odd, style: "yellow" },
      { ...mark, text: mark.text.padStart(10) },
    ],
    width,
  );
  return selected ? line.map((cell) => ({ ...cell, style: "inverse" as const })) : line;
}
