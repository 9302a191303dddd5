import { TsopsError } from "../errors.ts";
import { formatsOfEncrypted } from "../formats/detect.ts";
import { printable, shellQuoted } from "../printable.ts";

/**
 * Whether a `.sopsrc` is plainly not ours: other programs have a file of that name, such as the extension vscode-sops, in
 * YAML. Ours is one object in brackets. What has a field of ours all the same was meant to be ours, and is an error.
 */
export async function isForeign(text: string): Promise<boolean> {
  const bare = text.replace(/^\uFEFF/, "").replace(LEADING_COMMENTS, "");
  if (bare === "" || bare.startsWith("{")) return false;
  const { SOPS_LISTS, SOPSRC } = await import("./schema.ts");
  const names = Object.keys({ ...SOPSRC.fields, ...SOPS_LISTS });
  const fields = [...text.matchAll(/^[ \t]*["']?([\w$]+)["']?[ \t]*:/gm)].map(([, name]) => name!);
  return fields.length > 0 && !fields.some((name) => names.includes(name));
}

/** Comments of JSON5 and of YAML. */
const LEADING_COMMENTS = /^(?:\s|\/\/.*|\/\*[\s\S]*?\*\/|#.*|---)*/;

/** @throws TsopsError("config") if a configuration was encrypted, as a folder that was encrypted as a whole may have it. */
export function refuseEncrypted(text: string, path: string): void {
  if (formatsOfEncrypted(text).length === 0) return;
  throw new TsopsError("config", "this configuration is itself encrypted", {
    place: { file: path },
    hint: `nobody can read it like that: tsops decrypt -i ${shellQuoted(printable(path))}`,
  });
}
