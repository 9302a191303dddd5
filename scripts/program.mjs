// Builds the program: two scripts, so that decrypting a file loads a third of it. bin/tsops.js runs them.
//
//   program.cjs    what starts and what decrypts a YAML file
//   rest.cjs       all else, loaded when something of it is needed
//
// Each module of src/ is in one of them only: there is one of every class. A module asks for one of the other script by
// "./SCRIPT#FILE", and the scripts export `moduleOf`, which gives what a file exports.
import { join, relative, resolve } from "node:path";
import { build } from "esbuild";
import { AS_SCRIPT, partsOutside, withoutUnused } from "./bundle.mjs";
import { inkOutside } from "./ui.mjs";

/** With all that they import. The last one is the start. */
const FIRST = [
  "src/formats/yaml/index.ts",
  "src/config/sops-yaml.ts",
  "src/config/user.ts",
  "src/cli/commands/decrypt/run.ts",
  "src/cli/commands/git/textconv.ts",
  "src/cli/main.ts",
];

/** @returns esbuild's metafiles, which say which packages are inside. */
export async function buildProgram(root, shared, outdir) {
  const script = {
    ...shared,
    ...AS_SCRIPT,
    // nothing here asks for its own address
    define: {},
    banner: { js: '"use strict";' },
    minifyIdentifiers: true,
  };
  const plugins = [partsOutside(root, (name) => `./parts/${name}.cjs`), withoutUnused, inkOutside(root)];
  const later = new Set();
  const restOutside = outside(root, ({ kind }, file) => {
    if (kind !== "dynamic-import") return undefined;
    if (FIRST.includes(file)) return "program.cjs";
    later.add(file);
    return "rest.cjs";
  });
  const first = { ...script, plugins: [restOutside, ...plugins] };
  const inFirst = await exportsOf(root, await modulesOf(first, outdir));
  const program = await build({
    ...first,
    ...fromText(root, modulesAtOnce(inFirst)),
    outfile: join(outdir, "program.cjs"),
  });
  const firstOutside = outside(root, (_, file) => (inFirst.has(file) ? "program.cjs" : undefined));
  const rest = await build({
    ...script,
    ...fromText(root, modulesAtNeed(later)),
    outfile: join(outdir, "rest.cjs"),
    plugins: [firstOutside, ...plugins],
  });
  const twice = Object.keys(rest.metafile.inputs).filter((file) => inFirst.has(file));
  if (twice.length > 0) throw new Error(`in both scripts: ${twice}`);
  return [program.metafile, rest.metafile];
}

/** The modules of src/ that the first script holds. */
async function modulesOf(first, outdir) {
  const { metafile } = await build({ ...first, entryPoints: FIRST, outdir, write: false });
  return Object.keys(metafile.inputs).filter((file) => file.startsWith("src/"));
}

/** The names that modules export, types left out. */
async function exportsOf(root, files) {
  const look = { absWorkingDir: root, entryPoints: files, outdir: "unused", write: false, metafile: true };
  const { metafile, outputFiles } = await build(look);
  const texts = new Map(
    outputFiles.map(({ path, text }) => [relative(root, path).replaceAll("\\", "/"), text]),
  );
  return new Map(
    Object.entries(metafile.outputs).map(([path, { entryPoint, exports }]) => {
      // the other script would find something else there, or nothing, and only when it runs
      const lost = exports.includes("default") || /^export \* from/m.test(texts.get(path));
      if (lost) throw new Error(`${entryPoint}: only what is exported by a name gets into another script`);
      return [entryPoint, exports];
    }),
  );
}

/** Modules that run at the start, in an order in which the program itself comes last. */
function modulesAtOnce(exportsOfFiles) {
  const imports = FIRST.map((file) => `import "./${file}";`);
  const cases = [...exportsOfFiles].map(([file, names], i) => {
    const own = (name) => `${name}_${i}`;
    if (names.length > 0)
      imports.push(`import { ${names.map((name) => `${name} as ${own(name)}`)} } from "./${file}";`);
    return [file, `{ ${names.map((name) => `${name}: ${own(name)}`)} }`];
  });
  const lines = [
    ...imports,
    `export { ended } from "./${FIRST.at(-1)}";`,
    switching(
      "export function moduleOf",
      cases.filter(([file]) => FIRST.includes(file)),
      "other(file)",
    ),
    // of its own, since most runs do not call it: what is not called costs V8 next to nothing
    switching(
      "function other",
      cases.filter(([file]) => !FIRST.includes(file)),
    ),
  ];
  return lines.join("\n");
}

/** Modules that run when they are asked for, by name: esbuild comes upon them in another order each time. */
function modulesAtNeed(files) {
  const cases = [...files].sort().map((file) => [file, `require("./${file}")`]);
  return switching("exports.moduleOf = function", cases);
}

/** A function that gives what a file exports. */
function switching(name, cases, otherwise = "undefined") {
  const lines = cases.map(([file, value]) => `case "${file}": return ${value};`);
  return `${name}(file) { switch (file) { ${lines.join("\n")} } return ${otherwise}; }`;
}

/** From a text that names files from the root. */
function fromText(root, contents) {
  return { stdin: { contents, resolveDir: root } };
}

/** Leaves modules out that are in another script, which `scriptOf` names. */
function outside(root, scriptOf) {
  return {
    name: "outside",
    setup(hooks) {
      hooks.onResolve({ filter: /^\./ }, (args) => {
        const file = relative(root, resolve(args.resolveDir, args.path)).replaceAll("\\", "/");
        const script = scriptOf(args, file);
        return script && { path: `./${script}#${file}`, external: true };
      });
    },
  };
}
