import type { Mode, State } from "../state/state.ts";
import { visible, widthOf } from "../view/cells.ts";
import { saidLength } from "./row.ts";

export type BoxMode = Extract<Mode, { kind: "box" }>;

/** What is said of typing: on with the line that is open, or lines of their own, the last of which stays open. */
export type Typing = { readonly echo: string } | { readonly lines: readonly string[] };

/** Longer texts that come at once are counted, not read out. */
const MOST_ECHOED = 200;
const SEGMENTS = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/** The line that is typed in, up to where typing goes on. */
export function promptOf({ title, box }: BoxMode): string {
  const { line, number, lines } = lineOfBox(box);
  const which = box.lines ? `line ${number} of ${lines}` : visible(title);
  return `${which}: ${box.hidden ? "*".repeat(lengthOf(line)) : visible(line)}`;
}

/** What a box says when it opens, before its prompt. */
export function openedSpeech({ title, box }: BoxMode): string[] {
  const hidden = box.hidden && box.text !== "" ? [`hidden, ${saidLength(box.text)}`] : [];
  return box.lines ? [[visible(title), sizeOf(box.text), ...hidden].join(", ")] : hidden;
}

/** What a key or a paste did to what is typed. */
export function typingSpeech(before: BoxMode, mode: BoxMode, { size }: State): Typing {
  const [a, b] = [before.box, mode.box];
  if (a.hidden !== b.hidden) return { lines: [b.hidden ? "hidden" : "shown", promptOf(mode)] };
  if (a.lines !== b.lines && a.text === b.text) return { lines: ["several lines", promptOf(mode)] };
  if (a.text === b.text) return { lines: [atSpeech(mode)] };
  const added = addedText(a, b);
  if (added !== undefined && isAtLineEnd(b)) {
    if (added.length > MOST_ECHOED || (added.includes("\n") && added !== "\n"))
      return { lines: [`pasted ${sizeOf(added)}`, promptOf(mode)] };
    if (!added.includes("\n")) return { echo: shown(added, b.hidden) };
  }
  const gone = addedText(b, a);
  const columns = gone === undefined ? 0 : widthOf(shown(gone, b.hidden));
  const isOnLine = widthOf(promptOf(before)) < size.width;
  if (gone !== undefined && lengthOf(gone) === 1 && gone !== "\n" && isAtLineEnd(b) && isOnLine)
    return { echo: "\b \b".repeat(columns) };
  return { lines: [promptOf(mode)] };
}

/** What was put in where the cursor was, if nothing else changed. */
function addedText(a: BoxMode["box"], b: BoxMode["box"]): string | undefined {
  const [start, end] = [a.text.slice(0, a.at), a.text.slice(a.at)];
  if (b.text.length <= a.text.length || b.at < a.at) return undefined;
  return b.text.startsWith(start) && b.text.endsWith(end) && b.at === b.text.length - end.length
    ? b.text.slice(a.at, b.at)
    : undefined;
}

function isAtLineEnd({ text, at }: BoxMode["box"]): boolean {
  return at === text.length || text[at] === "\n";
}

/** Where the cursor is: the character that a key would delete or go over. */
function atSpeech(mode: BoxMode): string {
  const { box } = mode;
  if (isAtLineEnd(box)) return promptOf(mode);
  const { number, lines, column } = lineOfBox(box);
  const [next] = SEGMENTS.segment(box.text.slice(box.at, box.at + 64));
  const character = box.hidden ? "a hidden character" : visible(next!.segment).replace(/^ $/, "a blank");
  return `${box.lines ? `line ${number} of ${lines}, ` : ""}column ${column + 1}, before ${character}`;
}

function lineOfBox({ text, at }: BoxMode["box"]) {
  const start = text.lastIndexOf("\n", at - 1) + 1;
  const next = text.indexOf("\n", at);
  const line = text.slice(start, next < 0 ? text.length : next);
  return {
    line,
    number: text.slice(0, at).split("\n").length,
    lines: text.split("\n").length,
    column: lengthOf(text.slice(start, at)),
  };
}

function shown(text: string, hidden: boolean): string {
  return hidden ? "*".repeat(lengthOf(text)) : visible(text);
}

function lengthOf(text: string): number {
  return /^[\x20-\x7e]*$/.test(text) ? text.length : [...SEGMENTS.segment(text)].length;
}

function sizeOf(text: string): string {
  const lines = text.split("\n").length - (text.endsWith("\n") ? 1 : 0);
  const count = [...text].length;
  return `${lines} ${lines === 1 ? "line" : "lines"}, ${count} ${count === 1 ? "character" : "characters"}`;
}
