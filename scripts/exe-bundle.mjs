// Run by bun, for scripts/exe.mjs: bundles the program and puts it into a copy of bun.
//
// What bun would read in the folder where it is started is switched off: a repository that somebody cloned must not run
// code in a process that opens secrets.
const { root, outfile, executablePath, bytecode, order } = JSON.parse(process.argv[2]);

/** What packages would load in vain: see scripts/program.mjs. */
const withoutUnused = {
  name: "without-unused",
  setup(hooks) {
    const leftOut = ({ path }) => ({ path, namespace: "left-out" });
    hooks.onResolve({ filter: /^(axios|supports-color|web-streams-polyfill)(\/|$)/ }, leftOut);
    hooks.onResolve({ filter: /^node:module$/ }, (args) =>
      args.importer.includes("yargs-parser") ? leftOut(args) : undefined,
    );
    hooks.onLoad({ filter: /./, namespace: "left-out" }, ({ path }) => ({
      contents: path === "node:module" ? "export let createRequire;" : "export default {};",
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
  minify: { whitespace: true, syntax: true, identifiers: true, keepNames: true },
  bytecode,
  metafile: true,
  env: "disable",
  // packages look there for files that are not read here; bun would put in the folder where this is built
  define: { __dirname: '"/$bunfs/root"', __filename: '"/$bunfs/root/tsops"' },
  plugins: [withoutUnused],
  compile: {
    outfile,
    executablePath,
    autoloadDotenv: false,
    autoloadBunfig: false,
    autoloadTsconfig: false,
    autoloadPackageJson: false,
    ...(order && { bytecodeOrder: order }),
    // compiling to machine code takes longer than a small file gains by it: functions have to be called more often first
    jitPolicy: 30,
  },
});
for (const message of result.logs) console.error(String(message));
if (!result.success) process.exit(1);
