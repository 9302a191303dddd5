import type { Format, FormatName } from "./format.ts";

/** Every format by its name, as `--input-type` and `--output-type` take it; each is loaded when it is used. */
const FORMATS: Readonly<Record<FormatName, () => Promise<Format>>> = {
  yaml: async () => (await import("./yaml/index.ts")).yaml,
  json: async () => (await import("./json.ts")).json,
  dotenv: async () => (await import("./dotenv.ts")).dotenv,
  ini: async () => (await import("./ini.ts")).ini,
  binary: async () => (await import("./binary.ts")).binary,
  toml: async () => (await import("./toml.ts")).toml,
  json5: async () => (await import("./json5.ts")).json5,
};

/** Which format each extension means; case matters, as for SOPS (SPEC section 6). The last two are ours. */
const EXTENSIONS: readonly (readonly [string, FormatName])[] = [
  [".yaml", "yaml"],
  [".yml", "yaml"],
  [".json", "json"],
  [".env", "dotenv"],
  [".ini", "ini"],
  [".toml", "toml"],
  [".json5", "json5"],
];

export async function loadFormat(name: FormatName): Promise<Format> {
  return await FORMATS[name]();
}

export const FORMAT_NAMES: readonly string[] = Object.keys(FORMATS);

/** The format of a file by its name; any unknown extension is binary. */
export function formatOfFile(name: string): FormatName {
  return EXTENSIONS.find(([extension]) => name.endsWith(extension))?.[1] ?? "binary";
}

/** Whether a type name is one; of an unknown one SOPS says nothing, and the extension decides. */
export function isFormatName(type: string | undefined): type is FormatName {
  return type !== undefined && Object.hasOwn(FORMATS, type);
}
