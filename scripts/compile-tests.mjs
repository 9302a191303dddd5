// Makes JavaScript of src/ and test/, file by file, in a folder of its own: loading TypeScript takes each test file's
// process a second, and this takes one for all of them. A file's `import.meta.url` stays that of its source.
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";

/** @returns the folder, in the root so that packages are found from it; it is removed when the process ends. */
export async function compileTests(root) {
  const folder = mkdtempSync(join(root, ".test-"));
  // tests start what is in it as other users, too
  chmodSync(folder, 0o755);
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  await build({
    absWorkingDir: root,
    entryPoints: ["src", "test"].flatMap((name) => sources(join(root, name))),
    outdir: folder,
    outbase: root,
    bundle: true,
    packages: "external",
    format: "esm",
    platform: "node",
    target: "node20",
    sourcemap: "linked",
    sourcesContent: false,
    logLevel: "warning",
    // in code, and not in texts that hold code
    define: { "import.meta.url": "SOURCE_URL" },
    plugins: [fileByFile],
  });
  return folder;
}

function sources(folder) {
  return readdirSync(folder, { recursive: true })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => join(folder, name));
}

const fileByFile = {
  name: "file-by-file",
  setup(hooks) {
    hooks.onLoad({ filter: /\.ts$/ }, ({ path }) => ({
      contents: `const SOURCE_URL = ${JSON.stringify(pathToFileURL(path).href)}; ${readFileSync(path, "utf8")}`,
      loader: "ts",
    }));
    hooks.onResolve({ filter: /^\.\.?\// }, ({ path, importer, kind }) => {
      if (kind === "entry-point" || path.endsWith(".json")) return undefined;
      if (path.endsWith(".ts")) return { path: path.replace(/\.ts$/, ".js"), external: true };
      return { path: pathToFileURL(resolve(dirname(importer), path)).href, external: true };
    });
  },
};
