import type { Entry, Reading } from "../format.ts";
import { type Scalar, valToString } from "../scalar.ts";
import { type Edit, withoutWhiteSpace } from "../text.ts";

/** See {@link Format.seams}. All white space is part of what SOPS reads but for empty lines; other readers have texts of several lines. */
export function seams(reading: Reading, values: readonly (Scalar | undefined)[]): Edit[] {
  const lines = quotedLines(reading, values);
  const found = lines.filter(({ empty }) => empty > 0);
  return found.map(({ empty, lineStart: at }) => ({ start: at, end: at, text: "\n".repeat(empty) }));
}

/** See {@link Format.ownText}. */
export function ownText(reading: Reading, values: readonly (Scalar | undefined)[]): (entry: Entry) => string {
  const lines = new Map(quotedLines(reading, values).map((line, i) => [reading.entries[i], line]));
  const { text } = reading;
  return (entry) =>
    withoutWhiteSpace(text.slice(entry.start, entry.end)) + (lines.get(entry)?.inside ? " quoted" : "");
}

/** What other readers take for a text of several lines: behind a quote that is open, or a backslash at a line's end. */
interface Quoted {
  /** Empty lines before the entry's line that stand inside such a text. */
  readonly empty: number;
  readonly inside: boolean;
  readonly lineStart: number;
}

/** Shells open a text at any quote in a value, other readers only at one that it begins with. */
function quotedLines({ text, entries }: Reading, values: readonly (Scalar | undefined)[]): Quoted[] {
  let atStart = "";
  let anywhere = "";
  let joined = false;
  let lastEnd = 0;
  return entries.map(({ kind, start, end }, i) => {
    const lineStart = text.lastIndexOf("\n", start - 1) + 1;
    const inside = atStart !== "" || anywhere !== "" || joined;
    const empty = inside ? Math.max(text.slice(lastEnd, lineStart).split("\n").length - 2, 0) : 0;
    lastEnd = end;
    const value = valToString(values[i] ?? "");
    const line = text.slice(lineStart, start) + value;
    const words = value.replace(/^[ \t]+/, "");
    if (atStart !== "") {
      if (closes(line, atStart)) atStart = "";
    } else if (kind === "value" && /^["'`]/.test(words) && !closes(words.slice(1), words[0]!)) {
      atStart = words[0]!;
    }
    if (kind === "value" || inside) anywhere = openBehind(anywhere === "" ? value : line, anywhere);
    // systemd lets comments go on, too
    joined = value.endsWith("\\");
    return { empty, inside, lineStart };
  });
}

/** Readers differ in what a backslash before a quote means. */
function closes(text: string, quote: string): boolean {
  return new RegExp(`(?<!\\\\)${quote}`).test(text);
}

/** The quote that is open behind a text, if `open` is before it. Behind a blank and `#` nothing opens. */
function openBehind(text: string, open: string): string {
  for (const [mark] of text.matchAll(/(?<!\\)["'`]|[ \t]#/g)) {
    if (open === mark) open = "";
    else if (open === "") {
      if (mark.endsWith("#")) break;
      open = mark;
    }
  }
  return open;
}
