import type { Dialect } from "../json/dialect.ts";
import { jsonFloat, spellFloat } from "../numbers.ts";
import { type Scalar, Time } from "../scalar.ts";
import { Json5Scanner } from "./scan.ts";

const SHORT: ReadonlyMap<string, string> = new Map([
  ["\b", "\\b"],
  ["\f", "\\f"],
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
  ["\v", "\\v"],
]);

export const JSON5_DIALECT: Dialect = {
  name: "json5",
  scan: (text, at) => new Json5Scanner(text, at),
  trailingCommas: true,
  comments: true,
  spell: (value, like) => json5Scalar(value, quoteOf(like), spellFloat),
  print: (value) => json5Scalar(value, '"', jsonFloat),
  key(name, like = "") {
    const bare = !/^["']/.test(like) && /^[A-Za-z_$][\w$]*$/.test(name);
    return bare ? name : json5String(name, quoteOf(like));
  },
};

/** A string in these quotes, with nothing escaped that need not be. */
export function json5String(text: string, quote: '"' | "'"): string {
  const body = text.replace(/["'\\\u0000-\u001f\u007f\u2028\u2029]|\p{Surrogate}/gu, (char) => {
    if (char === "\\" || char === quote) return `\\${char}`;
    if (char === '"' || char === "'") return char;
    const code = char.charCodeAt(0);
    if (code >= 0xd800) return "\\ufffd";
    const hex = code.toString(16);
    return SHORT.get(char) ?? (code > 0xff ? `\\u${hex}` : `\\x${hex.padStart(2, "0")}`);
  });
  return `${quote}${body}${quote}`;
}

/** The quotes that a text starts with, else double ones. */
export function quoteOf(text: string): '"' | "'" {
  return text.startsWith("'") ? "'" : '"';
}

function json5Scalar(value: Scalar, quote: '"' | "'", float: (value: number) => string): string {
  if (typeof value === "string") return json5String(value, quote);
  if (value instanceof Time) return json5String(value.text, quote);
  if (typeof value !== "number") return String(value);
  return Number.isFinite(value) ? float(value) : String(value);
}
