// Builds dist/: the program, the library and its types. Runs by itself at `npm ci` (as `prepare`).
//
// The program is made of scripts rather than modules (scripts/program.mjs), since Node can run a script from V8's code
// cache and a module not: see bin/tsops.js, and docs/performance.md for what that is worth. The library (dist/index.js) is
// made of modules and leaves its dependencies to the one who installs it; dist/cjs/ is what `require` finds, with a copy of
// the types, since TypeScript asks of a declaration whether it is a module's or a script's.
import { execFileSync, spawn } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { buildProgram, packagesOutside } from "./program.mjs";
import { buildUi } from "./ui.mjs";

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

/** dist/cjs/index.js. */
const REQUIRED = `try {
  module.exports = require("../index.js");
} catch (error) {
  if (error.code !== "ERR_REQUIRE_ESM") throw error;
  const message =
    'require("tsops") needs Node 20.19, or 22.12 or newer, without --no-experimental-require-module ' +
    \`(this is Node \${process.versions.node}); await import("tsops") works without that, too\`;
  throw Object.assign(new Error(message, { cause: error }), { code: error.code });
}
`;

rmSync(dist, { recursive: true, force: true });
const types = runTypes();
await Promise.all([program(), buildLibrary(), types, commonJs()]);
refuseMachinePaths();
warmUp();

async function program() {
  const metafiles = [...(await buildProgram(root, shared)), await buildUi(root, shared)];
  // a code cache fits one release of Node on one kind of machine: each makes its own
  writeFileSync(join(dist, "cache", ".npmignore"), "*\n");
  writeFileSync(join(dist, "LICENSES.txt"), licences(metafiles));
}

async function buildLibrary() {
  await build({
    ...shared,
    entryPoints: ["src/index.ts"],
    outdir: dist,
    chunkNames: "lib/[name]-[hash]",
    format: "esm",
    splitting: true,
    external: packagesOutside(root),
  });
}

/**
 * For `require`: the same modules, which so exist once however they are loaded. Node does that from 20.19 and 22.12 on
 * (package.json, engines): packages that tsops is made of are modules only, so an older one cannot be helped.
 */
async function commonJs() {
  await types;
  const folder = join(dist, "cjs");
  cpSync(join(dist, "types"), join(folder, "types"), { recursive: true });
  writeFileSync(join(folder, "package.json"), '{ "type": "commonjs" }\n');
  writeFileSync(join(folder, "index.js"), REQUIRED);
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

/** The licences of the packages whose code is in the program: each text once, with those that it is for. */
function licences(metafiles) {
  const packages = new Set();
  for (const input of metafiles.flatMap(({ inputs }) => Object.keys(inputs))) {
    const inside = /^.*node_modules\/(?:@[^/]+\/)?[^/]+\//.exec(input)?.[0];
    if (inside) packages.add(inside);
  }
  const named = new Map();
  for (const folder of [...packages].sort()) {
    const { name, version, license } = JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8"));
    const file = readdirSync(join(root, folder)).find((entry) => /^(licen[cs]e|copying)/i.test(entry));
    const text = file ? readFileSync(join(root, folder, file), "utf8").trim() : `Licence: ${license}`;
    named.set(text, [...(named.get(text) ?? []), `${name} ${version}`]);
  }
  const parts = [...named].map(([text, names]) => `${names.join("\n")}\n\n${text}\n`);
  return `The files of this folder hold code of these packages.\n\n${parts.join(`\n${"-".repeat(80)}\n\n`)}`;
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
    const file = join(golden, "keys-age-two", "in", "golden.enc.yaml");
    // the first run writes a cache of the first script; the second one uses it, and writes one of the other
    for (const args of [
      ["decrypt", file],
      ["set", "--help"],
    ]) {
      execFileSync(process.execPath, [join(root, "bin", "tsops.js"), ...args], {
        env,
        cwd: home,
        stdio: ["ignore", "ignore", "inherit"],
      });
    }
    const caches = readdirSync(join(dist, "cache")).filter((name) => name.endsWith(".bin"));
    if (caches.length !== 2) fail(`there are ${caches.length} code caches instead of 2`);
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
