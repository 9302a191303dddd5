import type { FormatName } from "./format.ts";

/**
 * The formats that an encrypted text may have, by how its metadata is spelled, the likeliest first; none if there is no
 * sign of metadata. A reading of the text has to confirm it. Costs a few searches, and no parsing.
 */
export function formatsOfEncrypted(text: string): FormatName[] {
  // the MAC of every encrypted file is one of these
  if (!text.includes("ENC[")) return [];
  const found: FormatName[] = [];
  const start = text.slice(0, 1000).trimStart();
  if (/^(?:\{|\/[/*])/.test(start) && SOPS_MEMBER.test(text)) found.push("binary", "json", "json5");
  if (/^(?:"sops"|'sops'|sops)[ \t]*:/m.test(text)) found.push("yaml");
  if (/^[ \t]*\[[ \t]*sops[ \t]*\]/m.test(text)) {
    // TOML has strings in quotes, and INI the metadata in flat keys without them
    const quoted = /^[ \t]*mac[ \t]*=[ \t]*["']ENC\[/m.test(text);
    found.push(...(quoted ? (["toml", "ini"] as const) : (["ini", "toml"] as const)));
  }
  if (/^[ \t]*(?:export[ \t]+)?sops_(?:mac|version|lastmodified)[ \t]*=/m.test(text)) found.push("dotenv");
  if (found[0] === "binary") found.push("yaml");
  return [...new Set(found)];
}

/** In JSON5 the name may stand without quotes, and in YAML's flow style, too. */
const SOPS_MEMBER = /[{,\s](?:"sops"|'sops'|sops)\s*:/;

/** Whether a text holds ciphertexts, whatever became of its metadata. */
export function holdsCiphertexts(text: string): boolean {
  return text.includes("ENC[AES256_GCM,data:");
}

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
