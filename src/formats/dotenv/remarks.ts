import { hasOddBlank, visibleName } from "../characters.ts";
import type { Entry, Remark } from "../format.ts";
import { continuedLines, type Span } from "./lines.ts";

/** A name that shells and other programs know as one. */
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** What a name that is none may look like and still be shown: else it could be a piece of a secret. */
const HARMLESS = /^[ \t]*(?:export[ \t]+)?[A-Za-z_][\w.-]{0,39}[ \t]*$/;

/** A name as shells read it: with `export` before it or without. */
export function shellName(name: string): string {
  return visibleName(name).replace(/^export\s+/, "");
}

/** What SOPS reads in a dotenv text, and other programs do not. */
export function dotenvRemarks(text: string, lines: readonly Span[], entries: readonly Entry[]): Remark[] {
  const continued = /=[ \t]*["']/.test(text) ? continuedLines(text, lines) : new Map<number, Span>();
  const lineOf = (entry: Entry): number => text.lastIndexOf("\n", entry.start - 1) + 1;
  const byLine = new Map(continued.size === 0 ? [] : entries.map((entry) => [lineOf(entry), entry]));
  const names = entries.flatMap((entry): Remark[] => {
    if (entry.kind !== "value") return [];
    const start = lineOf(entry);
    const opener = continued.get(start);
    if (opener) return [continuation(start, entry, byLine.get(opener.start) ?? entry)];
    return nameRemark(start, entry);
  });
  return [...windowsLines(text), ...names];
}

function continuation(offset: number, entry: Entry, opener: Entry): Remark {
  return {
    offset,
    message: CONTINUED,
    hint: CONTINUED_HINT,
    of: entry,
    as: opener,
    refused: true,
  };
}

export const CONTINUED =
  "this line goes on with a value in quotes that starts above, and SOPS reads dotenv line by line";
export const CONTINUED_HINT =
  "write the value on one line, with \\n for its line breaks, or encrypt the file with --input-type binary";

function nameRemark(offset: number, entry: Entry): Remark[] {
  const name = String(entry.key);
  // odd characters are named for all formats alike (remarksOf)
  if (NAME.test(name) || hasOddBlank(name)) return [];
  if (name.trim() === "")
    return [
      { offset, message: "there is no name before the `=`", hint: "write NAME=value, or remove the line" },
    ];
  const seen = shellName(name);
  const meant: Pick<Remark, "of" | "as"> = seen === name ? {} : { of: entry, as: { ...entry, key: seen } };
  const shown = HARMLESS.test(name) ? `\`${name}\`` : "the text before the `=`";
  const is = `the variable is named ${shown}, as SOPS reads dotenv`;
  if (/^\s*export\s/.test(name)) {
    return [
      {
        offset,
        message: is,
        hint: "leave out `export`, or use tsops exec --dotenv-dialect standard",
        ...meant,
      },
    ];
  }
  if (seen !== name && NAME.test(seen)) {
    return [
      {
        offset,
        message: `the variable is named ${shown}, spaces included, as SOPS reads dotenv`,
        hint: "remove the spaces from the name",
        ...meant,
      },
    ];
  }
  return [
    { offset, message: `${is}: no shell has such a name`, hint: "use A-Z, a-z, 0-9 and _ only", ...meant },
  ];
}

/** Said once for a text. */
function windowsLines(text: string): Remark[] {
  const offset = text.indexOf("\r\n");
  if (offset < 0) return [];
  const empty = /^\r\n/m.test(text) ? ", and cannot read lines that hold nothing else" : "";
  return [
    {
      offset,
      message: `this file has Windows line ends (CR LF): SOPS takes the CR for a part of each value${empty}`,
      hint: "save it with LF, and put `*.env text eol=lf` into .gitattributes",
    },
  ];
}
