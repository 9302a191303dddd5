// Builds dist/ui.js, which draws the editor with ink. It is a module of its own: the layout engine of ink waits for
// WebAssembly while it is loaded, which no script can. It holds nothing of the rest of the program.
import { join, resolve } from "node:path";
import { build } from "esbuild";

/** ink asks for React's developer tools when an environment variable says so; a secret's editor has none. */
const withoutDeveloperTools = {
  name: "without-developer-tools",
  setup(hooks) {
    hooks.onResolve({ filter: /^react-devtools-core$/ }, ({ path }) => ({ path, namespace: "left-out" }));
    hooks.onLoad({ filter: /./, namespace: "left-out" }, () => ({ contents: "export default {};" }));
  },
};

/** In the program, bin/tsops.js loads the module: a script that comes from a code cache cannot import anything itself. */
export function inkOutside(root) {
  return {
    name: "ink-outside",
    setup(hooks) {
      hooks.onResolve({ filter: /\/ink\/load\.ts$/ }, ({ path, resolveDir }) =>
        resolve(resolveDir, path) === join(root, "src/ui/ink/load.ts")
          ? { path: "./ui.js", external: true }
          : undefined,
      );
    },
  };
}

/** @returns esbuild's metafile, which says which packages are inside. */
export async function buildUi(root, shared) {
  const { metafile } = await build({
    ...shared,
    entryPoints: [join(root, "src/ui/ink/ink.ts")],
    outfile: join(root, "dist/ui.js"),
    format: "esm",
    minify: true,
    // React checks a lot in development, which takes half of the time of a frame
    define: {
      "process.env.NODE_ENV": '"production"',
      "process.env.DEV": '"false"',
      "process.env['DEV']": '"false"',
    },
    plugins: [withoutDeveloperTools],
    banner: {
      js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
    },
  });
  return metafile;
}
