/** A text that is being typed: one line, or several. Line breaks never end the typing. */
export interface Box {
  readonly text: string;
  /** Where the cursor is, in UTF-16 units. */
  readonly at: number;
  readonly lines: boolean;
  /** Show marks instead of what is typed. */
  readonly hidden: boolean;
}

export function lineBox(text = "", hidden = false): Box {
  return { text, at: text.length, lines: false, hidden };
}

export function textBox(text: string, hidden = false): Box {
  return { text, at: text.length, lines: true, hidden };
}

/** A key as a terminal sends it: a name such as `up`, or the character itself. */
export interface Key {
  readonly name: string;
  readonly ctrl?: boolean;
  readonly alt?: boolean;
}

const SEGMENTS = new Intl.Segmenter(undefined, { granularity: "grapheme" });
/** A character as people see it is hardly longer, and a long text is not taken apart for one of them. */
const NEAR = 64;

function before({ text, at }: Box): number {
  const start = Math.max(0, at - NEAR);
  const last = [...SEGMENTS.segment(text.slice(start, at))].at(-1);
  return last ? start + last.index : at;
}

function after({ text, at }: Box): number {
  const [first] = SEGMENTS.segment(text.slice(at, at + NEAR));
  return first ? at + first.segment.length : at;
}

function lineStartOf({ text, at }: Box): number {
  return text.lastIndexOf("\n", at - 1) + 1;
}

function lineEndOf({ text, at }: Box): number {
  const end = text.indexOf("\n", at);
  return end < 0 ? text.length : end;
}

function wordBefore({ text, at }: Box): number {
  const word = /[^\s]*\s*$/.exec(text.slice(0, at))![0];
  return at - word.length;
}

function wordAfter({ text, at }: Box): number {
  return at + /^\s*[^\s]*/.exec(text.slice(at))![0].length;
}

/** A text without the last of its characters as people see them. */
export function withoutLast(text: string): string {
  return text.slice(0, before(lineBox(text)));
}

/** Puts a text where the cursor is. */
export function inserted(box: Box, text: string): Box {
  return {
    ...box,
    text: box.text.slice(0, box.at) + text + box.text.slice(box.at),
    at: box.at + text.length,
  };
}

function without(box: Box, start: number, end: number): Box {
  return { ...box, text: box.text.slice(0, start) + box.text.slice(end), at: start };
}

function vertical(box: Box, by: 1 | -1): Box {
  const start = lineStartOf(box);
  const column = [...box.text.slice(start, box.at)].length;
  const to = by < 0 ? start - 1 : lineEndOf(box) + 1;
  if (to < 0 || to > box.text.length) return box;
  const target = { ...box, at: to };
  const from = by < 0 ? lineStartOf(target) : to;
  const line = box.text.slice(from, lineEndOf({ ...box, at: from }));
  return { ...box, at: from + [...line].slice(0, column).join("").length };
}

/** So many lines are a page: a box does not know how many the window has. */
const PAGE = 10;

function page(box: Box, by: 1 | -1): Box {
  let now = box;
  for (let i = 0; i < PAGE; i++) now = vertical(now, by);
  return now;
}

type Edit = (box: Box) => Box;

const EDITS: ReadonlyMap<string, Edit> = new Map<string, Edit>([
  ["left", (box) => ({ ...box, at: before(box) })],
  ["right", (box) => ({ ...box, at: after(box) })],
  ["home", (box) => ({ ...box, at: lineStartOf(box) })],
  ["end", (box) => ({ ...box, at: lineEndOf(box) })],
  ["backspace", (box) => without(box, before(box), box.at)],
  ["delete", (box) => without(box, box.at, after(box))],
  ["ctrl-a", (box) => ({ ...box, at: lineStartOf(box) })],
  ["ctrl-e", (box) => ({ ...box, at: lineEndOf(box) })],
  ["ctrl-b", (box) => ({ ...box, at: before(box) })],
  ["ctrl-f", (box) => ({ ...box, at: after(box) })],
  ["ctrl-u", (box) => without(box, lineStartOf(box), box.at)],
  ["ctrl-k", (box) => without(box, box.at, lineEndOf(box))],
  ["ctrl-w", (box) => without(box, wordBefore(box), box.at)],
  ["alt-backspace", (box) => without(box, wordBefore(box), box.at)],
  ["alt-left", (box) => ({ ...box, at: wordBefore(box) })],
  ["alt-right", (box) => ({ ...box, at: wordAfter(box) })],
  ["ctrl-left", (box) => ({ ...box, at: wordBefore(box) })],
  ["ctrl-right", (box) => ({ ...box, at: wordAfter(box) })],
  ["alt-b", (box) => ({ ...box, at: wordBefore(box) })],
  ["alt-f", (box) => ({ ...box, at: wordAfter(box) })],
  ["ctrl-home", (box) => ({ ...box, at: 0 })],
  ["ctrl-end", (box) => ({ ...box, at: box.text.length })],
  ["ctrl-t", (box) => ({ ...box, hidden: !box.hidden })],
]);

const LINE_EDITS: ReadonlyMap<string, Edit> = new Map<string, Edit>([
  ["up", (box) => vertical(box, -1)],
  ["down", (box) => vertical(box, 1)],
  ["pageup", (box) => page(box, -1)],
  ["pagedown", (box) => page(box, 1)],
  ["return", (box) => inserted(box, "\n")],
  ["tab", (box) => inserted(box, "\t")],
]);

/** The name of a key with what is held down: `ctrl-a`. */
export function chordOf({ name, ctrl, alt }: Key): string {
  return `${ctrl ? "ctrl-" : ""}${alt ? "alt-" : ""}${name}`;
}

/** The box after a key; undefined if the key is not one for writing. */
export function typed(box: Box, key: Key): Box | undefined {
  const chord = chordOf(key);
  const edit = EDITS.get(chord) ?? (box.lines ? LINE_EDITS.get(chord) : undefined);
  if (edit) return edit(box);
  if (key.ctrl || key.alt || NAMES.has(key.name) || key.name === "") return undefined;
  return inserted(box, key.name);
}

/** Keys whose name is no text. */
export const NAMES: ReadonlySet<string> = new Set([
  "up",
  "down",
  "left",
  "right",
  "home",
  "end",
  "pageup",
  "pagedown",
  "insert",
  "delete",
  "backspace",
  "return",
  "tab",
  "backtab",
  "escape",
  "f1",
]);

/** A pasted text as it was copied: terminals send line breaks as carriage returns. */
export function pastedText(text: string): string {
  return text.replace(/\r\n?/g, "\n");
}

/**
 * The box after a paste. Of one line, the line break that was copied with it is left out; several lines make a box of
 * lines where `lines` are possible, and are refused (undefined) elsewhere.
 */
export function pasted(box: Box, text: string, lines: boolean): Box | undefined {
  const clean = pastedText(text);
  if (box.lines) return inserted(box, clean);
  const one = clean.replace(/\n$/, "");
  if (!one.includes("\n")) return inserted(box, one);
  return lines ? { ...inserted(box, clean), lines: true } : undefined;
}
