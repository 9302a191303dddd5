#!/usr/bin/env node
// Starts the program. It is one script, run from V8's code cache where there is one for this release of Node:
// compiling it anew would cost more than decrypting a small file.
const { accessSync, constants, mkdirSync, readFileSync, renameSync, writeFileSync } = require("node:fs");
const { dirname, join } = require("node:path");
const vm = require("node:vm");

const file = join(__dirname, "..", "dist", "cli.js");
const source = readSource();
// its first line is a hash of it, so that a cache is never used for another build
const build = source.slice(3, source.indexOf("\n"));
const cache = join(__dirname, "..", "dist", "cache", `${build}-${process.version}-${process.arch}.bin`);
const cachedData = readCache();
const script = new vm.Script(source, { filename: file, cachedData });
if (!cachedData) process.once("exit", keepCache);
// ends without taking the heap apart first, which after a large file takes a tenth of the time
process.once("beforeExit", () => process.exit());
const loaded = { exports: {} };
// a script that comes from the cache cannot import anything itself, so it is given this module's import
const importHere = (name) => import(name);
script.runInThisContext()(loaded.exports, require, loaded, file, dirname(file), importHere);

function readSource() {
  try {
    return readFileSync(file, "latin1");
  } catch (error) {
    if (error.code !== "ENOENT") throw error;
    process.stderr.write("tsops: the program is not built yet\n  run `npm run build` in its folder\n");
    process.exit(1);
  }
}

function readCache() {
  try {
    return readFileSync(cache);
  } catch {
    return undefined;
  }
}

/** Beside the program and nowhere else: whoever may write there may change the program itself. */
function keepCache() {
  try {
    accessSync(dirname(file), constants.W_OK);
    mkdirSync(dirname(cache), { recursive: true });
    const half = `${cache}.${process.pid}`;
    writeFileSync(half, script.createCachedData());
    renameSync(half, cache);
  } catch {
    // a folder that cannot be written to makes the program slower, not worse
  }
}
