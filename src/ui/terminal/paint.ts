import type { Cell, Line, Screen, Style } from "../view/cells.ts";

const CODES: Record<Style, number> = {
  bold: 1,
  dim: 2,
  inverse: 7,
  red: 31,
  green: 32,
  yellow: 33,
  blue: 34,
  cyan: 36,
};
/** What is left of the styles where no colours are wanted. */
const WITHOUT_COLOURS: ReadonlySet<Style> = new Set<Style>(["bold", "inverse"]);

/** A line as a terminal takes it. */
export function ansiLine(line: Line, colours: boolean): string {
  return line.map((cell) => ansiCell(cell, colours)).join("");
}

function ansiCell({ text, style }: Cell, colours: boolean): string {
  if (style === undefined || text === "" || (!colours && !WITHOUT_COLOURS.has(style))) return text;
  return `\x1b[${CODES[style]}m${text}\x1b[0m`;
}

/** Draws screens by itself: only the lines that are not as they were. */
export class FirstPainter {
  readonly #write: (text: string) => void;
  readonly #colours: boolean;
  #before: readonly string[] = [];

  constructor(write: (text: string) => void, colours: boolean) {
    this.#write = write;
    this.#colours = colours;
  }

  draw({ lines, cursor }: Screen): void {
    const now = lines.map((line) => ansiLine(line, this.#colours));
    const changed = Array.from({ length: Math.max(now.length, this.#before.length) }, (_, i) =>
      now[i] === this.#before[i] ? "" : `\x1b[${i + 1};1H${now[i] ?? ""}\x1b[K`,
    );
    this.#before = now;
    const place = cursor ? `\x1b[${cursor.y + 1};${cursor.x + 1}H\x1b[?25h` : "";
    this.#write(`\x1b[?2026h\x1b[?25l${changed.join("")}${place}\x1b[?2026l`);
  }
}
