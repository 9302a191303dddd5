import type { FormatName } from "./format.ts";

/**
 * The format that a plaintext looks like, for advice only: most of all, every line has to be one of that format. Undefined
 * where it is anything else: a certificate, a key, prose.
 */
export function formatOfPlain(text: string): FormatName | undefined {
  const lines = text
    .slice(0, 20_000)
    .split(/\r\n|\n|\r/)
    .filter((line) => /\S/.test(line) && !/^\s*[#;]/.test(line))
    .slice(0, 100);
  const all = (pattern: RegExp): boolean => lines.every((line) => pattern.test(line));
  const [first] = lines;
  if (first === undefined) return undefined;
  if (/^\s*\{/.test(first)) return /^\s*\{\s*(?:"|$|\})/.test(first) ? "json" : "json5";
  // base64 ends like a name without a value
  const valued = lines.some((line) => /^[^=]+=[^=]/.test(line));
  if (valued && all(/^(?:export\s+)?[A-Za-z_][\w.-]*=/)) return "dotenv";
  if (valued && all(/^\s*(?:\[\[?[\w."' -]+\]\]?\s*$|[\w."' -]+=)/)) return iniOrToml(lines);
  if (all(/^(?:---|\s*-(?:\s|$)|\s*(?:- )*["']?[\w./-][^:=]*["']?:(?:\s|$)|\s+\S)/) && lines.some(isYamlPair))
    return "yaml";
  return undefined;
}

function isYamlPair(line: string): boolean {
  return /^["']?[\w./-]+["']?:(?:\s|$)/.test(line);
}

function iniOrToml(lines: readonly string[]): FormatName {
  const values = lines.flatMap((line) => /^[^[=]+=\s*(.*)$/.exec(line)?.[1] ?? []);
  const isToml = (value: string): boolean => /^(?:["'[{]|true$|false$|[+-]?\d)/.test(value);
  return values.every(isToml) && values.some((value) => /^["'[{]/.test(value)) ? "toml" : "ini";
}
