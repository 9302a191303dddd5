import type { Entry, Reading } from "../format.ts";
import type { Edit } from "../text.ts";
import { removeBlock } from "./block.ts";

/** A line that says something, without its indentation and the white space at its end. */
interface Line {
  readonly start: number;
  readonly end: number;
  /** The line as the seal sees it. */
  readonly words: string;
  readonly deeper: boolean;
}

/**
 * See {@link Format.seams}. Python's configparser takes a line that is indented deeper than the key above for more of
 * that key's value, and all that stands behind a delimiter for the value: comments and quotes, too. So the lines stay
 * lines, the deeper ones are marked, and white space inside of lines counts, but for that around the delimiter of others.
 */
export function seams(reading: Reading): Edit[] {
  return linesOf(reading).map(({ start, end, words }) => ({ start, end, text: words }));
}

/** See {@link Format.ownText}: the lines of an encrypted entry, and whether other readers end them where ours does. */
export function ownText(reading: Reading): (entry: Entry) => string {
  const lines = linesOf(reading);
  return ({ start, end }) => {
    let own = "";
    let i = firstEndingBehind(lines, start);
    for (let line = lines[i]; line && line.start < end; line = lines[++i]) own += line.words;
    return own + (lines[i]?.deeper ? "continued" : "");
  };
}

function firstEndingBehind(lines: readonly Line[], offset: number): number {
  let [low, high] = [0, lines.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (lines[middle]!.end > offset) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The lines outside of the metadata that are not empty. */
function linesOf(reading: Reading): Line[] {
  const { text } = reading;
  const blocks = removeBlock(reading);
  const lines: Line[] = [];
  let depth = Number.POSITIVE_INFINITY;
  let empty = 0;
  for (let from = 0; from < text.length; ) {
    const newline = text.indexOf("\n", from);
    const to = newline < 0 ? text.length : newline;
    const raw = text.slice(from, to);
    // a carriage return elsewhere ends a line for Python
    // behind a backslash, white space decides for some readers whether the line goes on in the next
    const line = raw.replace(/\r$/, "").replace(/^[ \t]+|(?<![\\ \t])[ \t]+$/g, "");
    const start = from + raw.indexOf(line);
    from = to + 1;
    if (blocks.some((block) => block.start <= start && start < block.end)) continue;
    if (line === "") {
      empty++;
      continue;
    }
    const indent = raw.length - raw.trimStart().length;
    const comment = /^[#;]/.test(line);
    const deeper = !comment && indent > depth;
    // empty lines above a line that continues a value are part of that value, too
    const lead = deeper ? `${"\n".repeat(empty)}${" ".repeat(indent - depth)}` : "";
    lines.push({ start, end: start + line.length, words: `${lead}${deeper ? line : tight(line)}\n`, deeper });
    if (comment) continue;
    if (!deeper) depth = line.startsWith("[") ? Number.POSITIVE_INFINITY : indent;
    empty = 0;
  }
  return lines;
}

/** Without blanks around the delimiter; readers differ in which one that is if a colon comes before an equals sign. */
function tight(line: string): string {
  return line.replace(/^([^=:]*?)[ \t]*(=|:(?!.*=))[ \t]*/, "$1$2");
}
