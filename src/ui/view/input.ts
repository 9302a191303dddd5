import type { Box } from "../state/box.ts";
import { type Line, lineOf, visible, widthOf } from "./cells.ts";

/** What is being typed, with the place of the cursor. */
export interface Input {
  readonly lines: readonly Line[];
  readonly x: number;
  readonly y: number;
}

/** A window on a text: as many lines as there is room for, moved so that the cursor is in it. */
export function inputOf(box: Box, width: number, height: number): Input {
  const before = box.text.slice(0, box.at);
  const row = before.split("\n").length - 1;
  const lines = box.text.split("\n");
  const column = before.length - (before.lastIndexOf("\n") + 1);
  const top = Math.max(0, row - height + 1);
  const shown = (text: string): string =>
    box.hidden ? "•".repeat(Math.min([...text].length, width * 4)) : visible(text);
  const x = widthOf(shown(lines[row]!.slice(0, column)));
  const from = Math.max(0, x - width + 1);
  const cut = lines
    .slice(top, top + height)
    .map((text) => lineOf([{ text: behind(shown(text), from) }], width));
  return { lines: cut, x: x - from, y: row - top };
}

/** A text without its first columns. */
function behind(text: string, columns: number): string {
  if (columns === 0) return text;
  let used = 0;
  let at = 0;
  for (const character of text) {
    if (used >= columns) break;
    used += widthOf(character);
    at += character.length;
  }
  return text.slice(at);
}
