import type { Format, FormatName } from "./format.ts";

/** Every format by its name, as `--input-type` and `--output-type` take it; each is loaded when it is used. */
const FORMATS: Readonly<Record<FormatName, () => Promise<Format>>> = {
  yaml: async () => (await import("./yaml/index.ts")).yaml,
  json: async () => (await import("./json/index.ts")).json,
  dotenv: async () => (await import("./dotenv/index.ts")).dotenv,
  ini: async () => (await import("./ini/index.ts")).ini,
  binary: async () => (await import("./binary/index.ts")).binary,
  toml: async () => (await import("./toml/index.ts")).toml,
  json5: async () => (await import("./json5/index.ts")).json5,
};

/** Which format each extension means to SOPS; case matters (docs/internals/sops.md §6). */
const EXTENSIONS: readonly (readonly [string, FormatName])[] = [
  [".yaml", "yaml"],
  [".yml", "yaml"],
  [".json", "json"],
  [".env", "dotenv"],
  [".ini", "ini"],
];

/** Names that SOPS takes for binary files. */
const OWN_NAMES: readonly (readonly [RegExp, FormatName])[] = [
  [/\.toml$/, "toml"],
  [/\.json5$/, "json5"],
  // JSON with comments: what JSON5 reads, and writes as it was
  [/\.jsonc$/, "json5"],
  // .env.production, prod.env.local
  [/\.env\.[^/\\]+$/, "dotenv"],
];

export const FORMAT_NAMES = Object.keys(FORMATS) as readonly FormatName[];

export async function loadFormat(name: FormatName): Promise<Format> {
  return await FORMATS[name]();
}

/** The format that a file's name has to SOPS; undefined for all those that it takes for binary. */
export function formatOfSopsName(name: string): FormatName | undefined {
  return EXTENSIONS.find(([extension]) => name.endsWith(extension))?.[1];
}

/** The format that a file's name says; undefined if it says nothing. */
export function formatOfName(name: string): FormatName | undefined {
  return formatOfSopsName(name) ?? OWN_NAMES.find(([pattern]) => pattern.test(name))?.[1];
}

/** The format of a file by its name; one that says nothing is binary. */
export function formatOfFile(name: string): FormatName {
  return formatOfName(name) ?? "binary";
}

/** Whether a type name is one; of an unknown one SOPS says nothing, and the extension decides. */
export function isFormatName(type: string | undefined): type is FormatName {
  return type !== undefined && Object.hasOwn(FORMATS, type);
}
