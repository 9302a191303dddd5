// Builds dist/: the program, the library and its types. Runs by itself at `npm ci` (as `prepare`).
//
// The program (dist/cli.js) is a single script rather than modules, since Node can run a script from V8's code cache
// and a module not: see bin/tsops.js, and docs/performance.md for what that is worth. The library (dist/index.js) is
// made of modules and leaves its dependencies to the one who installs it.
import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const dist = join(root, "dist");
const shared = {
  absWorkingDir: root,
  bundle: true,
  platform: "node",
  target: "node20",
  charset: "ascii",
  logLevel: "warning",
};

/**
 * What every command needs is in the program itself; other packages are loaded from node_modules when they are used.
 * A script that holds less loads faster.
 */
const INSIDE = ["yargs-parser"];
const { dependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

rmSync(dist, { recursive: true, force: true });
const types = runTypes();
await Promise.all([buildProgram(), buildLibrary(), types]);
refuseMachinePaths();
warmUp();

async function buildProgram() {
  const { outputFiles, metafile } = await build({
    ...shared,
    entryPoints: ["src/cli/main.ts"],
    outfile: join(dist, "cli.js"),
    write: false,
    metafile: true,
    format: "cjs",
    legalComments: "none",
    minifyWhitespace: true,
    minifySyntax: true,
    external: Object.keys(dependencies).filter((name) => !INSIDE.includes(name)),
    define: { "import.meta.url": "__moduleUrl" },
    banner: {
      js:
        '(function(exports,require,module,__filename,__dirname,__import){"use strict";' +
        'const __moduleUrl=require("node:url").pathToFileURL(require("node:path").join(__dirname,"../node_modules/x/x.js")).href;',
    },
    footer: { js: "})" },
  });
  const code = outputFiles[0].text.replaceAll(/\bimport\(/g, "__import(");
  const hash = createHash("sha256").update(code).digest("hex").slice(0, 16);
  mkdirSync(join(dist, "cache"), { recursive: true });
  writeFileSync(join(dist, "cli.js"), `// ${hash}\n${code}`);
  // a code cache fits one release of Node on one kind of machine: each makes its own
  writeFileSync(join(dist, "cache", ".npmignore"), "*\n");
  writeFileSync(join(dist, "LICENSES.txt"), licences(metafile));
}

async function buildLibrary() {
  await build({
    ...shared,
    entryPoints: ["src/index.ts"],
    outdir: dist,
    chunkNames: "lib/[name]-[hash]",
    format: "esm",
    splitting: true,
    packages: "external",
  });
}

/** Declarations for the library. */
async function runTypes() {
  const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
  const child = spawn(process.execPath, [tsc, "--project", "tsconfig.build.json"], {
    cwd: root,
    stdio: "inherit",
  });
  const code = await new Promise((resolve, reject) => child.once("error", reject).once("exit", resolve));
  if (code !== 0) fail("the declarations could not be made: see tsc's messages above");
}

/** The licences of the packages whose code is in the program. */
function licences(metafile) {
  const packages = new Set();
  for (const input of Object.keys(metafile.inputs)) {
    const inside = /^.*node_modules\/(?:@[^/]+\/)?[^/]+\//.exec(input)?.[0];
    if (inside) packages.add(inside);
  }
  const parts = [...packages].sort().map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8"));
    const file = readdirSync(join(root, folder)).find((entry) => /^(licen[cs]e|copying)/i.test(entry));
    const text = file ? readFileSync(join(root, folder, file), "utf8").trim() : `Licence: ${license}`;
    return `${name} ${version}\n\n${text}\n`;
  });
  return `dist/cli.js holds code of these packages.\n\n${parts.join(`\n${"-".repeat(80)}\n\n`)}`;
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

/** Decrypts a small file with the program that was built: it works, and its code cache is written. */
function warmUp() {
  const golden = join(root, "fixtures", "golden");
  const home = mkdtempSync(join(tmpdir(), "tsops-build-"));
  try {
    const env = { PATH: process.env.PATH, HOME: home, SOPS_AGE_KEY_FILE: join(golden, "keys", "age1.txt") };
    // the second run uses the cache, and a package that is not in the program
    for (const name of ["keys-age-two", "opt-regex-re2"]) {
      const file = join(golden, name, "in", "golden.enc.yaml");
      execFileSync(process.execPath, [join(root, "bin", "tsops.js"), "decrypt", file], {
        env,
        cwd: home,
        stdio: ["ignore", "ignore", "inherit"],
      });
    }
    if (!readdirSync(join(dist, "cache")).some((name) => name.endsWith(".bin")))
      fail("no code cache was written");
  } catch (error) {
    fail(`the program that was built cannot decrypt ${error.message}`);
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

function fail(message) {
  process.stderr.write(`build: ${message}\n`);
  process.exit(1);
}
