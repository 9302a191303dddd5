import { TsopsError } from "../../errors.ts";
import type { IniStyle } from "./read.ts";
import { type Quote, readKeyName, readValue, scanIni } from "./scan.ts";
import { trim } from "./space.ts";

type ValueStyle = Extract<IniStyle, { kind: "value" }>;
type CommentStyle = Extract<IniStyle, { kind: "comment" }>;

/** What can stand without quotes beyond doubt. */
const SAFE = /^[\w./+:=@%,()-](?:[\w ./+:=@%,()-]*[\w./+:=@%,()-])?$/;

/** In the order in which they are tried. */
const QUOTES: readonly Quote[] = ["", '"', "`", '"""', "'"];

/**
 * A value so that SOPS reads it back: in the quotes that it had, else as SOPS prints it, else in any that do.
 * @throws TsopsError("print") if there are none.
 */
export function spellValue(value: string, { quote, comment, metadata }: ValueStyle): string {
  const text = metadata ? value.replaceAll("\n", "\\n") : value;
  const found = fitting(text, [quote, sopsQuote(text)], comment);
  if (found !== undefined) return found;
  throw new TsopsError("print", "an INI file cannot hold this value: no kind of quotes fits it", {
    hint: "INI has no way to write line breaks, backquotes and three double quotes in one value",
  });
}

/** A value as SOPS prints it, where it reads that back; else in other quotes. @throws TsopsError("print") */
export function printValue(value: string): string {
  const quote = sopsQuote(value);
  return spellValue(value, { kind: "value", quote, comment: false, multiline: false, metadata: false });
}

/** The quotes that SOPS's library chooses when it writes. */
function sopsQuote(text: string): Quote {
  if (/[\n`]/.test(text)) return '"""';
  if (/[#;]/.test(text)) return "`";
  return trim(text) === text ? "" : '"';
}

/** With a comment behind it those quotes are best that do not hide the comment from SOPS. */
function fitting(text: string, first: readonly Quote[], comment: boolean): string | undefined {
  if (first[0] === "" && SAFE.test(text)) return text;
  const order = [...first, ...QUOTES];
  const visible = comment ? order.find((quote) => fits(text, quote, true)) : undefined;
  const quote = visible ?? order.find((quote) => fits(text, quote, false));
  return quote === undefined ? undefined : quote + text + quote;
}

/** Whether a value in these quotes reads back as itself, and as nothing more than itself. */
function fits(text: string, quote: Quote, comment: boolean): boolean {
  const spelled = quote + text + quote;
  // a value of two lines: a backslash at the end would take in the next one
  const read = readValue(`${spelled}${comment ? " ;" : ""}\nx\n`);
  return (
    read?.value.value === text && read.value.end === spelled.length && (read.inline !== undefined) === comment
  );
}

/** A ciphertext in the place of a value: it needs no quotes, and keeps those that do no harm. */
export function spellCipher(cipher: string, { quote, comment, multiline }: ValueStyle): string {
  const kept = multiline && (comment || quote === "") ? "" : quote;
  return kept + cipher + kept;
}

/**
 * A key as SOPS prints it, where it reads that back; else in other quotes.
 * @throws TsopsError("print") if no kind of quotes fits.
 */
export function spellKey(name: string): string {
  const plain = name.includes("`") ? '"""' : "";
  const own = /["=:]/.test(name) ? "`" : plain;
  for (const quote of [own, "", "`", '"', '"""']) {
    const spelled = quote + name + quote;
    if (isKeyLine(`${spelled} = `, name)) return spelled;
  }
  // SOPS reads it as a number of its own; other programs do not
  if (name === "-") return name;
  throw new TsopsError("print", `an INI file cannot hold the key ${JSON.stringify(name)}`, {
    hint: "choose a name without line breaks, quotes, or spaces at its ends",
  });
}

function isKeyLine(line: string, name: string): boolean {
  if (/^[#;[\n]/.test(line) || line.includes("\n") || name === "-") return false;
  return readKeyName(line) === name;
}

/** The header of a section. @throws TsopsError("print") if no header reads as this name. */
export function spellSection(name: string): string {
  const header = `[${name}]`;
  if (name !== "" && !name.includes("\n")) {
    const [item] = scanIni(`\n${header}`);
    if (item?.kind === "section" && item.name === name) return header;
  }
  throw new TsopsError("print", `an INI file cannot hold a section named ${JSON.stringify(name)}`, {
    hint: "choose a name that is not empty and has no line break",
  });
}

/** A comment with what is around it in its span. Lines after the first need marks of their own. */
export function spellComment(text: string, { indent, mark, tail }: CommentStyle): string {
  const [first, ...lines] = text.split("\n");
  const more = lines.map((line) => `\n${indent}${/^[#;]/.test(line) ? line : `; ${line}`}`);
  return `${mark}${first}${more.join("")}${tail}`;
}
