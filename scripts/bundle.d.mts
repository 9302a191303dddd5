import type { BuildOptions, Plugin } from "esbuild";

export const PARTS: Readonly<Record<string, string>>;
export const OPENPGP: { readonly name: string; readonly file: string };
export const AS_SCRIPT: BuildOptions;
export function sharedOptions(root: string): BuildOptions & { metafile: true };
export function partsOutside(root: string, fileOf: (name: string) => string): Plugin;
export const withoutUnused: Plugin;
