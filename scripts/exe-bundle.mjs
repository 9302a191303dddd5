// Run by bun, for scripts/exe.mjs: bundles the program and puts it into a copy of bun.
//
// What bun would read in the folder where it is started is switched off: a repository that somebody cloned must not run
// code in a process that opens secrets.
import { existsSync } from "node:fs";
import { isBuiltin } from "node:module";
import { dirname, join } from "node:path";
import { tablesAtNeed } from "./openpgp-tables.mjs";

const { root, outfile, metafile, target, executablePath, bytecode, order, windows } = JSON.parse(
  process.argv[2],
);
/** Where bun says that what is inside is; nothing is on a disk there. */
const inside = `${windows ? "/B:/~BUN" : "/$bunfs"}/root/node_modules/tsops`;

/** What packages would load in vain: see scripts/bundle.mjs. */
const withoutUnused = {
  name: "without-unused",
  setup(hooks) {
    const leftOut = ({ path }) => ({ path, namespace: "left-out" });
    hooks.onResolve(
      { filter: /^(axios|supports-color|web-streams-polyfill|react-devtools-core)(\/|$)/ },
      leftOut,
    );
    hooks.onResolve({ filter: /^node:module$/ }, (args) =>
      args.importer.includes("yargs-parser") ? leftOut(args) : undefined,
    );
    hooks.onLoad({ filter: /./, namespace: "left-out" }, ({ path }) => ({
      contents: path === "node:module" ? "export let createRequire;" : "export default {};",
      loader: "js",
    }));
  },
};

/**
 * bun has things of its own under these names. Its fetch chooses proxies by itself and ignores agents; what the packages do
 * is what is tested, and what follows src/net.
 */
const asInstalled = {
  name: "as-installed",
  setup(hooks) {
    const files = {
      "node-fetch": ["lib/index.js", "src/index.js"],
      "abort-controller": ["dist/abort-controller.js"],
    };
    hooks.onResolve({ filter: /^(node-fetch|abort-controller)$/ }, ({ path, importer }) => {
      for (let folder = dirname(importer); folder !== dirname(folder); folder = dirname(folder)) {
        const found = files[path].map((file) => join(folder, "node_modules", path, file)).find(existsSync);
        if (found) return { path: found };
      }
      throw new Error(`${path}, which ${importer} imports, is not installed`);
    });
  },
};

/** See scripts/openpgp-tables.mjs. */
const openpgpAtNeed = {
  name: "openpgp-at-need",
  setup(hooks) {
    hooks.onLoad({ filter: /[\\/]openpgp\.mjs$/ }, async ({ path }) => ({
      contents: tablesAtNeed(await Bun.file(path).text()),
      loader: "js",
    }));
  },
};

const result = await Bun.build({
  entrypoints: [`${root}/src/cli/exe.ts`],
  root,
  target: "bun",
  format: "esm",
  splitting: true,
  // names stay: SDKs tell errors and numbers by the names of their classes
  minify: { whitespace: true, syntax: true, identifiers: false },
  bytecode,
  metafile: true,
  env: "disable",
  // packages look there for files that are not read here. bun would put in the folder where this is built, and yargs looks
  // into the current folder unless it is below a node_modules
  define: {
    // else bun puts in "development", in which openpgp prints what fails inside of it
    "process.env.NODE_ENV": '"production"',
    __dirname: JSON.stringify(inside),
    __filename: JSON.stringify(`${inside}/tsops`),
    "import.meta.url": JSON.stringify(new URL(`${inside}/tsops`, "file:///").href),
  },
  plugins: [withoutUnused, asInstalled, openpgpAtNeed],
  compile: {
    target,
    outfile,
    executablePath,
    autoloadDotenv: false,
    autoloadBunfig: false,
    autoloadTsconfig: false,
    autoloadPackageJson: false,
    ...(order && bytecode && { bytecodeOrder: order }),
    // compiling to machine code takes longer than a small file gains by it: functions have to be called more often first
    jitPolicy: 30,
  },
});
for (const message of result.logs) console.error(String(message));
if (!result.success) process.exit(1);
refuseOutside(result.metafile);
await Bun.write(metafile, JSON.stringify(result.metafile));

/** What is not inside would be looked for at run time, in folders that others may write to. */
function refuseOutside({ outputs }) {
  for (const { imports } of Object.values(outputs))
    for (const { path, external } of imports)
      if (external && !isBuiltin(path)) {
        console.error(`${path} is imported, and not inside`);
        process.exit(1);
      }
}
