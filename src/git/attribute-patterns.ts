import { append } from "../formats/append.ts";

/**
 * File patterns of creation rules as git's attributes have them (gitattributes(5)). A pattern may match more files than
 * the rule, never mind: what is not encrypted is shown and merged as it is.
 */

/** A part of a path as a pattern spells it; `any` stands for any characters, slashes included. */
type Token = { readonly text: string } | "any" | "start" | "end";
type Sequence = readonly Token[];

/** More alternatives than these are not worth a line each. */
const MOST = 40;

/** Gives up: the expression says what patterns cannot. */
class Unsayable extends Error {}

/** The patterns that match what a regular expression (RE2) matches; undefined if that cannot be said. */
export function patternsOfRegex(expression: string): string[] | undefined {
  try {
    const found = new Reader(expression).read().flatMap(patternsOf);
    return found.length > MOST ? undefined : [...new Set(found)];
  } catch (error) {
    if (error instanceof Unsayable) return undefined;
    throw error;
  }
}

/** The patterns of a pattern of `.sopsrc` (src/config/glob.ts), which has braces in addition. */
export function patternsOfGlob(glob: string): string[] | undefined {
  const anchored = glob.startsWith("/") || glob.startsWith("./");
  const pattern = anchored ? glob.slice(glob.indexOf("/") + 1) : glob;
  const all = withoutBraces(pattern);
  if (all.length > MOST) return undefined;
  return [...new Set(all.map((one) => (anchored || pattern.includes("/") ? `/${one}` : one)))];
}

/** A pattern of a folder's configuration, seen from the top of the work tree. @param folder with slashes, "" at the top */
export function belowFolder(pattern: string, folder: string): string {
  if (folder === "") return pattern;
  const prefix = `/${literal(folder)}/`;
  return pattern.includes("/") ? prefix + pattern.replace(/^\//, "") : `${prefix}**/${pattern}`;
}

/** The pattern of just one file. */
export function patternOfFile(path: string): string {
  return `/${literal(path)}`;
}

/** Whether a pattern is for every file there is: nobody wants git to run a program for each. */
export function isForAll(pattern: string): boolean {
  return /^[/*]*$/.test(pattern);
}

/**
 * A line of an attributes file. Names that git would read otherwise are in quotes, as it has them itself.
 * @returns undefined for a name with characters that could end the line, or that nobody sees.
 */
export function attributeLine(pattern: string, attributes: string): string | undefined {
  if (/[\p{Cc}\p{Zl}\p{Zp}]/u.test(pattern)) return undefined;
  const start = /^[!#]/.test(pattern) ? `\\${pattern}` : pattern;
  // git skips blanks at the begin, and takes a quote there for one of its own
  const quoted = /[\s"]/.test(start) ? `"${start.replace(/["\\]/g, "\\$&")}"` : start;
  return `${quoted} ${attributes}`;
}

function literal(text: string): string {
  return text.replace(/[*?[\]\\]/g, "\\$&");
}

function withoutBraces(pattern: string): string[] {
  const from = bracesOf(pattern);
  if (!from) return [pattern];
  const [start, end] = from;
  const parts = splitTop(pattern.slice(start + 1, end));
  const all = parts.flatMap((part) => withoutBraces(pattern.slice(0, start) + part + pattern.slice(end + 1)));
  return all.slice(0, MOST + 1);
}

/** The first pair of braces that belong together. */
function bracesOf(pattern: string): [number, number] | undefined {
  let depth = 0;
  let start = -1;
  for (let i = 0; i < pattern.length; i++) {
    const char = pattern[i];
    if (char === "\\") i++;
    else if (char === "[") i = Math.max(i, pattern.indexOf("]", i + 2));
    else if (char === "{") {
      if (depth++ === 0) start = i;
    } else if (char === "}" && depth > 0 && --depth === 0) return [start, i];
  }
  return undefined;
}

function splitTop(text: string): string[] {
  const parts = [""];
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const char = text[i]!;
    if (char === "\\") {
      parts[parts.length - 1] += char + (text[++i] ?? "");
      continue;
    }
    if (char === "{") depth++;
    if (char === "}") depth--;
    if (char === "," && depth === 0) parts.push("");
    else parts[parts.length - 1] += char;
  }
  return parts;
}

/** Reads the part of the syntax that patterns can say, as sequences of which any may match. */
class Reader {
  private readonly text: string;
  private at = 0;

  constructor(text: string) {
    this.text = text;
  }

  read(): Sequence[] {
    const all = this.alternatives();
    if (this.at < this.text.length) throw new Unsayable();
    return all;
  }

  private alternatives(): Sequence[] {
    const all = [...this.sequence()];
    while (this.text[this.at] === "|") {
      this.at++;
      append(all, this.sequence());
    }
    return few(all);
  }

  private sequence(): Sequence[] {
    let all: Sequence[] = [[]];
    while (this.at < this.text.length && !"|)".includes(this.text[this.at]!)) {
      const next = this.repeated(this.atom());
      all = few(all.flatMap((before) => next.map((more) => [...before, ...more])));
    }
    return all;
  }

  private repeated(atom: Sequence[]): Sequence[] {
    const sign = this.text[this.at];
    if (sign === "{") throw new Unsayable();
    if (sign === undefined || !"*+?".includes(sign)) return atom;
    this.at++;
    if (this.text[this.at] === "?") this.at++;
    if ("*+?{".includes(this.text[this.at] ?? " ")) throw new Unsayable();
    if (sign === "?") return [[], ...atom];
    const [only, other] = atom;
    const [token, more] = only ?? [];
    if (other || more || token === undefined || typeof token === "string") {
      // of what is repeated as a whole, only anything may be repeated
      if (!other && !more && token === "any") return atom;
      throw new Unsayable();
    }
    if (token.text === ANY_CHARACTER) return [["any"]];
    if (token.text === "/") throw new Unsayable();
    return sign === "*" ? [[{ text: "*" }]] : [[token, { text: "*" }]];
  }

  private atom(): Sequence[] {
    const char = this.text[this.at++]!;
    switch (char) {
      case "^":
        return [["start"]];
      case "$":
        return [["end"]];
      case ".":
        return [[{ text: ANY_CHARACTER }]];
      case "(":
        return this.group();
      case "[":
        return [[{ text: this.characters() }]];
      case "\\":
        return [[{ text: escaped(this.text[this.at++]) }]];
      default:
        if ("*+?{".includes(char)) throw new Unsayable();
        return [[{ text: literal(char) }]];
    }
  }

  private group(): Sequence[] {
    if (this.text.startsWith("?:", this.at)) this.at += 2;
    else if (this.text[this.at] === "?") throw new Unsayable();
    const all = this.alternatives();
    if (this.text[this.at++] !== ")") throw new Unsayable();
    return all;
  }

  /** A class of characters, behind its bracket. Of those that leave some out only the one without slashes is known. */
  private characters(): string {
    const end = this.text.indexOf("]", this.at);
    const inside = this.text.slice(this.at, end);
    if (end < 0) throw new Unsayable();
    this.at = end + 1;
    if (inside === "^/" || inside === "^\\/") return ONE_CHARACTER;
    if (!/^[\w.\- @+]+$/.test(inside.replace(/\\([.\-+@])/g, "$1"))) throw new Unsayable();
    const plain = inside.replace(/\\([.+@])/g, "$1");
    if (plain.includes("\\")) throw new Unsayable();
    return `[${plain}]`;
  }
}

/** One character, which may be a slash in the expression; in a pattern it never is. */
const ANY_CHARACTER = "?";
/** One that is no slash: `?` as well, but what is repeated stays in one folder. */
const ONE_CHARACTER = "[!/]";

function escaped(char: string | undefined): string {
  if (char === "d") return "[0-9]";
  if (char === "w") return "[0-9A-Za-z_]";
  if (char === undefined || /\w/.test(char)) throw new Unsayable();
  return literal(char);
}

function few(all: Sequence[]): Sequence[] {
  if (all.length > MOST) throw new Unsayable();
  return all;
}

/** One sequence as patterns: where anything may stand, it may stand in one folder or lead through several. */
function patternsOf(sequence: Sequence): string[] {
  const tokens = [...sequence];
  const anchored = tokens[0] === "start";
  if (anchored) while (tokens[0] === "start") tokens.shift();
  const closed = tokens.at(-1) === "end";
  if (closed) while (tokens.at(-1) === "end") tokens.pop();
  if (tokens.some((token) => token === "start" || token === "end")) throw new Unsayable();
  const pieces = piecesOf([
    ...(anchored ? [] : ["any" as const]),
    ...tokens,
    ...(closed ? [] : ["any" as const]),
  ]);
  const [first = "", ...others] = pieces;
  let found = [anchored ? `/${first.replace(/^\//, "")}` : first];
  for (const piece of others) found = found.flatMap((before) => joined(before, piece));
  if (found.length > MOST) throw new Unsayable();
  return found.map(simplified);
}

/** The texts between those places where anything may stand. */
function piecesOf(tokens: readonly Token[]): string[] {
  const pieces = [""];
  for (const token of tokens) {
    if (token === "any") pieces.push("");
    else if (typeof token !== "string") pieces[pieces.length - 1] += token.text.replace(ONE_CHARACTER, "?");
  }
  return pieces;
}

/** Two texts with anything between them. */
function joined(before: string, after: string): string[] {
  const open = before === "" || before.endsWith("/");
  if (open && after === "") return [`${before}**`];
  if (open) return [after.startsWith("/") ? `${before}**${after}` : `${before}**/*${after}`];
  if (after.startsWith("/")) return [`${before}*/**${after}`];
  if (after === "") return [`${before}*`, `${before}*/**`];
  return [`${before}*${after}`, `${before}*/**/*${after}`];
}

function simplified(pattern: string): string {
  const shorter = starsJoined(pattern).replace(/(?<=^|\/)(?:\*\*\/)+/g, "**/");
  const [, name] = /^\/?\*\*\/([^/]*)$/.exec(shorter) ?? [];
  if (name !== undefined && name !== "") return name === "**" ? "*" : name;
  return /^\/?\*\*$/.test(shorter) ? "*" : shorter;
}

/** Two stars lead through folders only where they stand alone between slashes; elsewhere several are as good as one. */
function starsJoined(pattern: string): string {
  return pattern.replace(/\\.|(?<=^|\/)\*{2,}(?=\/|$)|\*+/g, (found, at: number) => {
    if (found.startsWith("\\")) return found;
    const alone = (at === 0 || pattern[at - 1] === "/") && /^(\/|$)/.test(pattern.slice(at + found.length));
    return found.length > 1 && alone ? "**" : "*";
  });
}
