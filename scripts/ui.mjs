// Builds dist/ui.js, which draws the editor with ink. It is a module of its own: the layout engine of ink waits for
// WebAssembly while it is loaded, which no script can. It holds nothing of the rest of the program.
import { join } from "node:path";
import { build } from "esbuild";

/** ink asks for React's developer tools when an environment variable says so; a secret's editor has none. */
const withoutDeveloperTools = {
  name: "without-developer-tools",
  setup(hooks) {
    hooks.onResolve({ filter: /^react-devtools-core$/ }, ({ path }) => ({ path, namespace: "left-out" }));
    hooks.onLoad({ filter: /./, namespace: "left-out" }, () => ({ contents: "export default {};" }));
  },
};

/** @returns esbuild's metafile, which says which packages are inside. */
export async function buildUi(root, shared) {
  const { metafile } = await build({
    ...shared,
    entryPoints: [join(root, "src/ui/ink/ink.ts")],
    outfile: join(root, "dist/ui.js"),
    format: "esm",
    minify: true,
    metafile: true,
    legalComments: "none",
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
