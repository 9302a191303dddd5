/** The lines of a dotenv text, and how far what they say goes. */

export interface Span {
  readonly start: number;
  readonly end: number;
}

/** The lines that are not empty, without their line feeds. A line of nothing but CR is empty. */
export function linesOf(text: string): Span[] {
  const lines: Span[] = [];
  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf("\n", start);
    const end = newline < 0 ? text.length : newline;
    if (end > start && !(end === start + 1 && text[start] === "\r")) lines.push({ start, end });
    start = end + 1;
  }
  return lines;
}

/** The end of the line at an offset, with its line feed. */
export function afterLine(text: string, offset: number): number {
  const newline = text.indexOf("\n", offset);
  return newline < 0 ? text.length : newline + 1;
}

/** The end of a span without a CR there. */
export function withoutReturn(text: string, { start, end }: Span): number {
  return end > start && text[end - 1] === "\r" ? end - 1 : end;
}

/**
 * Whether something turned the LF of an encrypted text into CR LF, as git does with autocrlf: the metadata is written
 * with LF, also where the values hold CR of their own.
 */
export function isConverted(text: string, metadata: readonly Span[]): boolean {
  const closed = metadata.filter(({ end }) => text[end] === "\n");
  return closed.length > 0 && closed.every(({ end }) => text[end - 1] === "\r");
}

/** A span without the quotes around it, where it has them on both sides. */
export function unquoted(text: string, { start, end }: Span): Span {
  const quote = text[start];
  const quoted = end - start > 1 && (quote === "'" || quote === '"') && text[end - 1] === quote;
  return quoted ? { start: start + 1, end: end - 1 } : { start, end };
}

/**
 * The lines that most programs take for the rest of a value in quotes, each with the line that opens it: quotes that do
 * not close on their line, and do at the end of a later one.
 */
export function continuedLines(text: string, lines: readonly Span[]): Map<number, Span> {
  const continued = new Map<number, Span>();
  let open: { quote: string; from: Span; lines: Span[] } | undefined;
  for (const line of lines) {
    const said = text.slice(line.start, line.end);
    if (open) {
      open.lines.push(line);
      const close = closing(said, 0, open.quote);
      if (close < 0) continue;
      if (/^\s*(?:#.*)?$/s.test(said.slice(close + 1))) {
        for (const { start } of open.lines) continued.set(start, open.from);
      }
      open = undefined;
    } else if (said[0] !== "#") {
      const quote = /^[^=]*=[ \t]*(["'])/.exec(said);
      if (quote && closing(said, quote[0].length, quote[1]!) < 0)
        open = { quote: quote[1]!, from: line, lines: [] };
    }
  }
  return continued;
}

/** Where a quote closes in a line; a backslash before a double quote makes it a part of the value. */
function closing(line: string, from: number, quote: string): number {
  const found = line.slice(from).search(quote === '"' ? /(?<!\\)"/ : /'/);
  return found < 0 ? -1 : from + found;
}
