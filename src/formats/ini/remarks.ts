/**
 * SOPS's INI library ends a value at the first `#` or `;`, quotes or not, and joins lines. Whoever wrote the file often
 * meant something else, as most other programs do: what they meant as part of a value then stands in a comment, and what
 * they meant as a key is part of another value.
 */

import type { Container, Entry, Remark } from "../format.ts";
import { type IniKey, type IniSection, readKeyName, type Span } from "./scan.ts";
import { isSpace, skipSpace, trim } from "./space.ts";

/**
 * The rest of a value that ends at a `#` or `;` which is hardly meant as a comment's mark: there are quotes around it, no
 * blank is before it, or nothing but it is there and no blank behind it.
 */
function cutRest(text: string, { value, inline }: IniKey): Span | undefined {
  if (!inline) return undefined;
  if (value.quote !== "" || value.multiline) return undefined;
  const { start, end } = value;
  if (start === end) return isSpace(text.charCodeAt(inline.start + 1)) ? undefined : inline;
  const inQuotes = /["']/.test(text[start]!) && text.slice(inline.start, inline.end).includes(text[start]!);
  return inQuotes || !isSpace(text.charCodeAt(inline.start - 1)) ? inline : undefined;
}

/**
 * What stands behind a value on its line and was hardly meant as something else: the rest that SOPS cut off, or text
 * behind the closing quotes, which it skips.
 */
export function restOfValue(text: string, item: IniKey): Span | undefined {
  return cutRest(text, item) ?? skipped(text, item);
}

function skipped(text: string, { stray }: IniKey): Span | undefined {
  return stray && !/[#;]/.test(text[stray.start]!) ? stray : undefined;
}

/** What is said of a key whose value and comment have become these entries. */
export function keyRemarks(text: string, item: IniKey, value: Entry, comment: Entry | undefined): Remark[] {
  return [
    ...restRemark(text, item, value, comment),
    ...swallowed(text, item, value),
    ...byEquals(text, item, value),
  ];
}

function restRemark(text: string, item: IniKey, as: Entry, of: Entry | undefined): Remark[] {
  const { inline } = item;
  const stray = skipped(text, item);
  if (stray) {
    const message = "SOPS ignores the text after the closing quotes of a value";
    const hint = "put it into the quotes, or on a line of its own";
    return [{ offset: stray.start, message, hint, unseen: true }];
  }
  if (!inline || !of) return [];
  const mark = text[inline.start];
  const hint = "write the whole value in backquotes (`…`), or encrypt the file with --input-type binary";
  if (cutRest(text, item)) {
    const message = `to SOPS, the value ends before this ${mark}, and the rest is a comment`;
    return [{ offset: inline.start, message, hint, of, as }];
  }
  // with a blank before it this is a comment to most, and a part of the value to some
  if (isSpace(text.charCodeAt(inline.start + 1))) return [];
  const message = `to SOPS, the text after this ${mark} is a comment, which stays in plaintext`;
  return [{ offset: inline.start, message, hint, of, as, quiet: true, mild: true }];
}

/** Lines of a value that look like keys of their own. */
function swallowed(text: string, { value }: IniKey, of: Entry): Remark[] {
  if (!value.multiline) return [];
  const why = {
    "": "since the line above ends in a backslash",
    "`": "since a backquote above closes only further down",
    '"""': "since it is in triple quotes",
  }[value.quote as string];
  const remarks: Remark[] = [];
  for (const { start, end } of linesIn(text, value)) {
    const name = readKeyName(text.slice(start, end));
    if (name === undefined) continue;
    const as: Entry = { ...of, kind: "value", key: name, value: "x", start, end };
    remarks.push({
      offset: start,
      message: `SOPS reads this line as part of the value that starts above, ${why}`,
      hint:
        value.quote === ""
          ? "put the value above in backquotes (`…\\`), or remove the backslash"
          : "put an empty line or other quotes around the value above, if this is a key of its own",
      of,
      as,
      // triple quotes are meant, and one warning is enough for a value
      ...((value.quote === '"""' || remarks.length > 0) && { quiet: true }),
    });
  }
  return remarks;
}

/** The lines of a value behind its first, without white space before them. */
function linesIn(text: string, { start, end }: Span): Span[] {
  const lines: Span[] = [];
  for (let at = text.indexOf("\n", start) + 1; at > 0 && at < end; at = text.indexOf("\n", at) + 1) {
    const newline = text.indexOf("\n", at);
    const stop = newline < 0 ? text.length : newline;
    lines.push({ start: skipSpace(text, at, stop), end: stop });
  }
  return lines;
}

/** `my:key = value`: SOPS ends the key at the `:`, and others at the `=`. */
function byEquals(text: string, { nameSpan, delimiter }: IniKey, of: Entry): Remark[] {
  if (text[delimiter] !== ":" || /["`]/.test(text[nameSpan.start]!)) return [];
  const newline = text.indexOf("\n", delimiter);
  const line = text.slice(nameSpan.start, newline < 0 ? text.length : newline);
  const equals = line.indexOf("=");
  if (equals < 0) return [];
  return [
    {
      offset: delimiter,
      message: "the name of this key ends at the `:`, as SOPS reads INI",
      hint: "put the name in backquotes (`a:b` = …)",
      of,
      as: { ...of, key: trim(line.slice(0, equals)) },
      quiet: true,
    },
  ];
}

/** Text behind a section's header that has no mark: SOPS skips it. */
export function headerRemarks(text: string, { inline }: IniSection, holder: Container, of: Entry): Remark[] {
  if (!inline || /[#;]/.test(text[inline.start]!)) return [];
  const name = readKeyName(text.slice(inline.start, inline.end));
  const as: Entry = { ...of, kind: "value", in: holder, key: name ?? "", value: "x" };
  return [
    {
      offset: inline.start,
      message: "SOPS ignores the text after the header of a section",
      hint: "write it on a line of its own",
      unseen: true,
      of,
      ...(name !== undefined && { as }),
    },
  ];
}
