import type { BuildOptions, Metafile } from "esbuild";

export function buildProgram(root: string, shared: BuildOptions, outdir: string): Promise<Metafile[]>;
