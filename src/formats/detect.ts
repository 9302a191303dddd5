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
    const flat = /^[ \t]*\w+__(?:list|map)_/m.test(text);
    // nearly every text can be read as INI: a TOML file with a fault in it is none
    if (!quoted) found.push("ini");
    found.push("toml");
    if (quoted && flat) found.push("ini");
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
