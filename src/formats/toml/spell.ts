import { TsopsError } from "../../errors.ts";
import { spellFloat } from "../numbers.ts";
import { type Scalar, Time } from "../scalar.ts";
import { isDateText } from "./dates.ts";
import type { TomlStyle } from "./scan.ts";

const SHORT: ReadonlyMap<string, string> = new Map([
  ["\b", "\\b"],
  ["\t", "\\t"],
  ["\n", "\\n"],
  ["\f", "\\f"],
  ["\r", "\\r"],
  ['"', '\\"'],
  ["\\", "\\\\"],
]);

/** A value as TOML, strings in double quotes. @throws TsopsError("print") for null, which TOML does not have. */
export function tomlScalar(value: Scalar): string {
  if (typeof value === "string") return basicString(value);
  if (value instanceof Time) return isDateText(value.text) ? value.text : basicString(value.text);
  if (typeof value === "number") return tomlFloat(value);
  if (value !== null) return String(value);
  throw new TsopsError("print", "TOML has no null", { hint: "leave the key out, or use an empty text" });
}

function tomlFloat(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (Number.isFinite(value)) {
    const text = spellFloat(value);
    // TOML's floats have a point or an exponent, however large they are.
    return /[.e]/.test(text) ? text : `${text}.0`;
  }
  return value < 0 ? "-inf" : "inf";
}

/** A key as TOML: bare if it can be. */
export function tomlKey(name: string): string {
  return /^[A-Za-z0-9_-]+$/.test(name) ? name : basicString(name);
}

/** A string as it was written, where the text allows it; otherwise in double quotes. */
export function styledString(text: string, style: TomlStyle | undefined, newline: string): string {
  if (style?.date && isDateText(text)) return text;
  const broken = style?.broken ?? "";
  switch (style?.quote) {
    case "'":
      return /['\u0000-\u0008\n-\u001f\u007f]|\p{Surrogate}/u.test(text) ? basicString(text) : `'${text}'`;
    case '"""':
      return longString(text, broken, newline);
    case "'''":
      return /'''|'$|[\u0000-\u0008\u000b-\u001f\u007f]|\p{Surrogate}/u.test(text)
        ? longString(text, broken, newline)
        : `'''${lead(text, broken, newline)}${text.replaceAll("\n", newline)}'''`;
    default:
      return basicString(text);
  }
}

/** A multi-line string in double quotes. */
export function longString(text: string, broken: string, newline: string): string {
  const body = text.replace(/[\\\u0000-\u0008\u000b-\u001f\u007f]|"(?="")|"$|\p{Surrogate}/gu, escapeOf);
  return `"""${lead(text, broken, newline)}${body.replaceAll("\n", newline)}"""`;
}

/** A line break right behind the opening quotes does not count, so one that counts needs another before it. */
function lead(text: string, broken: string, newline: string): string {
  return broken || (text.startsWith("\n") ? newline : "");
}

function basicString(text: string): string {
  return `"${text.replace(/["\\\u0000-\u001f\u007f]|\p{Surrogate}/gu, escapeOf)}"`;
}

function escapeOf(char: string): string {
  const code = char.charCodeAt(0);
  const plain = code >= 0xd800 && code <= 0xdfff ? 0xfffd : code;
  return SHORT.get(char) ?? `\\u${plain.toString(16).padStart(4, "0")}`;
}

/** A ciphertext in the place of a value; see {@link toml} for what its quotes tell. */
export function styledCipher(cipher: string, style: TomlStyle | undefined): string {
  if (style?.date) return `'''${cipher}'''`;
  switch (style?.quote) {
    case "'":
      return `'${cipher}'`;
    case '"""':
      return `"""${style.broken ?? ""}${cipher}"""`;
    case "'''":
      return cipher === "" ? "''''''" : `'''${style.broken || "\n"}${cipher}'''`;
    default:
      return `"${cipher}"`;
  }
}
