/** What is wrong with a file pattern, and where in it. */
export class GlobError extends Error {
  readonly at: number;
  constructor(message: string, at: number) {
    super(message);
    this.at = at;
  }
}

/**
 * The RE2 expression of a file pattern: `*` and `?` for anything but a slash, `**` for any folders, `[abc]`, `{a,b}`,
 * a backslash before a character that is meant as itself. Without a slash the pattern is for names in any folder,
 * otherwise for the whole path below the folder of the `.sopsrc`; a slash at its begin only says the latter.
 * @throws GlobError
 */
export function globExpression(glob: string): string {
  const anchored = glob.startsWith("/") || glob.startsWith("./");
  const offset = anchored ? glob.indexOf("/") + 1 : 0;
  const pattern = glob.slice(offset);
  if (pattern === "") throw new GlobError("it is empty", 0);
  const prefix = anchored || pattern.includes("/") ? "" : "(?:[^/]+/)*";
  return `^${prefix}${translate(pattern, offset)}$`;
}

function translate(pattern: string, offset: number): string {
  let out = "";
  const open: number[] = [];
  for (let i = 0; i < pattern.length; i++) {
    const char = pattern[i]!;
    if (char === "*" && pattern[i + 1] === "*") {
      const whole = (i === 0 || pattern[i - 1] === "/") && /^\*\*(?:\/|$)/.test(pattern.slice(i, i + 3));
      if (!whole) throw new GlobError("`**` must be between slashes", i + offset);
      if (pattern[i + 2] === "/") {
        out += "(?:[^/]+/)*";
        i += 2;
      } else {
        out += ".+";
        i += 1;
      }
    } else if (char === "*") out += "[^/]*";
    else if (char === "?") out += "[^/]";
    else if (char === "[") {
      const end = pattern.indexOf("]", i + 2);
      if (end < 0) throw new GlobError("a `[` is not closed", i + offset);
      out += characterClass(pattern.slice(i + 1, end));
      i = end;
    } else if (char === "{") {
      open.push(i);
      out += "(?:";
    } else if (char === "}" && open.length > 0) {
      open.pop();
      out += ")";
    } else if (char === "," && open.length > 0) out += "|";
    else if (char === "\\") {
      if (i + 1 === pattern.length) throw new GlobError("nothing follows the `\\`", i + offset);
      out += quote(pattern[++i]!);
    } else out += quote(char);
  }
  if (open.length > 0) throw new GlobError("a `{` is not closed", open.at(-1)! + offset);
  return out;
}

function characterClass(inside: string): string {
  const negated = inside.startsWith("!") || inside.startsWith("^");
  const characters = (negated ? inside.slice(1) : inside).replace(/[\\[\]^]/g, "\\$&");
  return negated ? `[^/${characters}]` : `[${characters}]`;
}

function quote(char: string): string {
  return char.replace(/[\\^$.|?*+()[\]{}]/, "\\$&");
}
