// Builds dist/: the program, the library and its types. `npm ci` and `npm pack` run it (package.json).
//
//   program.cjs    the start of the program, and what decrypts a YAML file (program.mjs)
//   rest.cjs       the rest of the program, loaded at need
//   ui.js          what draws the editor, loaded at need by the program (ui.mjs)
//   parts/         what is loaded at need, by the program (NAME.cjs) and by the library (NAME.js): see bundle.mjs
//   lib/, types/   the library as modules, and its declarations
//   cjs/           what `require` finds
//   LICENSES.txt, GPL-3.0.txt, sbom.cdx.json: whose code is in all that (inside.mjs)
//
// Why the program is two scripts with code caches of their own: user and system CPU of decrypting a YAML file of ten
// values, beside `node -e 0`, medians of runs that took turns on 2026-11-29.
//
//                                               Node 20.20   22.23   24.22   26.12
//   two scripts, code caches (this)                 × 2.03  × 1.90  × 1.96  × 1.99
//
// earlier that day, before 3 ms of the start were saved in other places:
//
//   two scripts, code caches                        × 2.07  × 1.96  × 2.11  × 2.09
//   one script, code cache                          × 2.36  × 2.22  × 2.32  × 2.29
//
// and in an earlier run, in a busier hour:
//
//   one script, code cache                          × 2.50  × 2.30  × 2.55  × 2.47
//   one script, module.enableCompileCache()              -  × 2.74  × 3.03  × 2.90
//   modules, module.enableCompileCache()                 -  × 3.56  × 3.83  × 4.00
//   one script, compiled each time                  × 3.92  × 3.52  × 3.83  × 3.67
//   modules, compiled each time                     × 4.88  × 3.81  × 4.93  × 4.43
//
// Where NODE_EXTRA_CA_CERTS is set, Node 20 itself costs more than twice as much, and the first three lines are × 1.43,
// × 1.46 and × 1.55. A script costs more the larger it is, used or not: V8 reads it, and makes something for each of its
// functions.
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import {
  AS_SCRIPT,
  OPENPGP,
  overRestOnly,
  PARTS,
  partsOutside,
  sharedOptions,
  withoutUnused,
} from "./bundle.mjs";
import { billOfMaterials, licences, packagesIn } from "./inside.mjs";
import { tablesAtNeed } from "./openpgp-tables.mjs";
import { buildProgram } from "./program.mjs";
import { buildUi } from "./ui.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const dist = join(root, "dist");
const shared = sharedOptions(root);

rmSync(dist, { recursive: true, force: true });
mkdirSync(join(dist, "parts"), { recursive: true });
// what others could write to is not used as a cache of code (bin/tsops.js)
mkdirSync(join(dist, "cache"), { mode: 0o755 });

const made = [
  ...(await buildProgram(root, shared, dist)),
  await parts(),
  await library(),
  await buildUi(root, shared),
];
putOpenPgp();
modulesOfParts();
types();
commonJs();
const packages = packagesIn(root, made, [OPENPGP.file]);
writeFileSync(join(dist, "LICENSES.txt"), licences(root, packages));
writeFileSync(join(dist, "sbom.cdx.json"), billOfMaterials(root, packages));
refuseMachinePaths();
warmUp();

/** Of all names, those of functions and classes stay where they are seen, since errors are told by them. */
async function parts() {
  const { metafile } = await build({
    ...shared,
    ...AS_SCRIPT,
    entryPoints: PARTS,
    outdir: join(dist, "parts"),
    outExtension: { ".js": ".cjs" },
    minifyIdentifiers: true,
    keepNames: true,
    // modules before scripts: of those, what is not used can be left out
    mainFields: ["module", "main"],
    plugins: [withoutUnused, overRestOnly],
  });
  return metafile;
}

/**
 * In pieces, so that loading it loads no more of Node than it needs; and with its white space: where an error is not
 * caught, Node shows the line that it comes from.
 */
async function library() {
  const { metafile } = await build({
    ...shared,
    format: "esm",
    splitting: true,
    minifyWhitespace: false,
    entryPoints: { index: "src/index.ts" },
    outdir: join(dist, "lib"),
    plugins: [partsOutside(root, (name) => `../parts/${name}.js`), withoutUnused],
  });
  return metafile;
}

/** With the text that its licence refers to; the licence itself is in LICENSES.txt. */
function putOpenPgp() {
  const source = readFileSync(join(root, OPENPGP.file), "utf8");
  writeFileSync(join(dist, "parts", `${OPENPGP.name}.cjs`), tablesAtNeed(source));
  cpSync(join(root, "LICENSES", "GPL-3.0.txt"), join(dist, "GPL-3.0.txt"));
}

/** For the library: bundlers do not see which names a script exports. */
function modulesOfParts() {
  const require = createRequire(import.meta.url);
  for (const name of [...Object.keys(PARTS), OPENPGP.name]) {
    const file = join(dist, "parts", `${name}.cjs`);
    const names = Object.keys(require(file)).filter((each) => each !== "default");
    const lines = [
      `import part from "./${name}.cjs";`,
      "export default part;",
      `export const { ${names.join(", ")} } = part;`,
    ];
    writeFileSync(join(dist, "parts", `${name}.js`), `${lines.join("\n")}\n`);
  }
}

/** Declarations: those that the library's own leads to. */
function types() {
  const all = mkdtempSync(join(root, ".types-"));
  try {
    tsc("--project", "tsconfig.build.json", "--outDir", all);
    const options = ["--ignoreConfig", "--module", "nodenext", "--target", "es2023", "--types", "node"];
    const files = tsc(...options, "--listFilesOnly", join(all, "index.d.ts")).split("\n");
    for (const file of files.filter((each) => each.startsWith(all)))
      cpSync(file, join(dist, "types", relative(all, file)));
  } finally {
    rmSync(all, { recursive: true, force: true });
  }
}

function tsc(...args) {
  const program = join(root, "node_modules", "typescript", "bin", "tsc");
  try {
    return execFileSync(process.execPath, [program, ...args], { cwd: root, encoding: "utf8" });
  } catch (error) {
    return fail(`the declarations could not be made:\n${error.stdout}`);
  }
}

/**
 * For `require`: the same modules, which so exist once however they are loaded. Node does that from 20.19 and 22.12 on
 * (package.json, engines). The types are there twice, since TypeScript asks whether a declaration is a module's or a
 * script's.
 */
function commonJs() {
  const folder = join(dist, "cjs");
  cpSync(join(dist, "types"), join(folder, "types"), { recursive: true });
  writeFileSync(join(folder, "package.json"), '{ "type": "commonjs" }\n');
  cpSync(join(root, "scripts", "required.cjs"), join(folder, "index.js"));
}

/** What is published must not say where it was built. */
function refuseMachinePaths() {
  for (const entry of readdirSync(dist, { recursive: true, withFileTypes: true })) {
    // code caches stay on this machine
    if (!entry.isFile() || entry.parentPath === join(dist, "cache")) continue;
    const file = join(entry.parentPath, entry.name);
    if (readFileSync(file, "latin1").includes(root)) fail(`${file} holds a path of this machine`);
  }
}

/** Encrypts a small file with the program that was built, and decrypts it: it works, and its code cache is written. */
function warmUp() {
  const keys = join(root, "fixtures", "golden", "keys");
  const home = mkdtempSync(join(tmpdir(), "tsops-build-"));
  const cache = join(dist, "cache");
  const env = { PATH: process.env.PATH, HOME: home, SOPS_AGE_KEY_FILE: join(keys, "age1.txt") };
  const tsops = (...args) =>
    execFileSync(process.execPath, [join(root, "bin", "tsops.js"), ...args], {
      env,
      cwd: home,
      stdio: ["ignore", "pipe", "inherit"],
    });
  try {
    const [recipient] = /age1\w+/.exec(readFileSync(env.SOPS_AGE_KEY_FILE, "utf8"));
    writeFileSync(
      join(home, ".sops.yaml"),
      `creation_rules:\n  - path_regex: yaml$\n    age: ${recipient}\n`,
    );
    writeFileSync(join(home, "secrets.yaml"), "# a comment\nname: text\nlist:\n  - 1\n  - true\n");
    tsops("encrypt", "--in-place", "secrets.yaml");
    // a cache holds what its first run used, and most runs decrypt
    for (const file of readdirSync(cache)) rmSync(join(cache, file));
    tsops("decrypt", "secrets.yaml");
    if (readdirSync(cache).length !== 1)
      fail("the program wrote no code cache, or needed more than one script");
  } catch (error) {
    fail(`the program that was built does not work: ${error.message}`);
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

function fail(message) {
  process.stderr.write(`build: ${message}\n`);
  process.exit(1);
}
