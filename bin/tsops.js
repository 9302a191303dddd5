#!/usr/bin/env node
// Starts the program. It and its parts are scripts (scripts/build.mjs), run from V8's code cache where there is one for
// this release of Node: compiling them anew would cost more than decrypting a small file.
const { createHash, randomBytes } = require("node:crypto");
const {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} = require("node:fs");
const { dirname, join } = require("node:path");
const { pathToFileURL } = require("node:url");
const { setFlagsFromString } = require("node:v8");
const vm = require("node:vm");

/** Bytes before the data of a cache. */
const HASH_BYTES = 32;
/**
 * What `tsops --version` and `tsops encrypt --help` run is little of the program: with a cache of that, all that comes
 * after would be slower.
 */
const ANSWERS_ONLY = process.argv.length < 4 || /^(-h|--help)$/.test(process.argv.at(-1));
/** Around a script, as Node puts them around one; in the buffer that it is read into, since it is too large to copy. */
const HEAD = Buffer.from("(function(exports,require,module,__filename,__dirname){");
const FOOT = Buffer.from("\n})");

// Compiling in other threads gains nothing in runs this short, and one of some ten thousand would never end: a thread that
// still compiles at the exit can wait for the main thread for ever (https://github.com/nodejs/node/issues/54918).
setFlagsFromString("--no-concurrent-recompilation");

const dist = join(__dirname, "..", "dist");
// ends without taking the heap apart first, which after a large file takes a tenth of the time
process.once("beforeExit", () => process.exit());
const loaded = new Map();
endSoon(load("./program.cjs").ended);

/**
 * Ends with the command where nothing is open any more: one more turn of the loop would collect garbage first. Node does
 * not list all that it would wait for (what is hashed or compressed in other threads, a module that is imported), so a
 * command has to wait for its own work.
 */
async function endSoon(ended) {
  await ended;
  // Node 26 leaves out what node:fs/promises waits for, too (tried with 26.12)
  if (Number.parseInt(process.versions.node, 10) > 24) return;
  process.nextTick(() => process.getActiveResourcesInfo().length === 0 && process.exit());
}

/** Runs a script of dist/ once, and gives what it exports. */
function load(name) {
  if (!loaded.has(name)) loaded.set(name, run(join(dist, name)));
  return loaded.get(name);
}

function run(file) {
  const source = readSource(file);
  // named by what the script says now: a cache is never used for another build, or for what took a script's place
  const hash = hashOf(source.subarray(HEAD.length, -FOOT.length)).toString("hex", 0, 8);
  const cache = join(dist, "cache", `${hash}-${process.version}-${process.arch}.bin`);
  const cachedData = readCache(cache);
  const script = new vm.Script(source.toString(), {
    filename: file,
    cachedData,
  });
  // V8 rejects one that was made under other flags, such as those of NODE_OPTIONS
  const wanted = !cachedData || script.cachedDataRejected;
  if (wanted && !ANSWERS_ONLY) process.once("exit", () => keepCache(script, cache));
  const made = { exports: {} };
  script.runInThisContext()(made.exports, requireHere, made, file, dirname(file));
  return made.exports;
}

function requireHere(name) {
  // a module, which waits for WebAssembly while it is loaded, and which a script cannot import
  if (name === "./ui.js") return { loadInk: () => import(pathToFileURL(join(dist, "ui.js")).href) };
  const [script, file] = name.split("#");
  if (file !== undefined) return load(script).moduleOf(file);
  return name.startsWith("./parts/") ? load(name) : require(name);
}

/** With HEAD and FOOT. */
function readSource(file) {
  let fd;
  try {
    fd = openSync(file);
    const source = Buffer.alloc(HEAD.length + fstatSync(fd).size + FOOT.length);
    const foot = source.length - FOOT.length;
    HEAD.copy(source);
    FOOT.copy(source, foot);
    for (let at = HEAD.length, read = 1; at < foot && read > 0; at += read)
      read = readSync(fd, source, at, foot - at);
    return source;
  } catch (error) {
    if (error.code !== "ENOENT") throw error;
    process.stderr.write("tsops: the program is not built yet\n  run `npm run build` in its folder\n");
    process.exit(1);
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/**
 * V8 trusts what a cache says and crashes on one that the disk or a loss of power damaged, so it has a hash of its own.
 * It is code: one that others can have put there is none.
 */
function readCache(cache) {
  let fd;
  try {
    if (!isOurs(lstatSync(dirname(cache)))) return undefined;
    fd = openSync(cache, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
    if (!isOurs(fstatSync(fd))) return undefined;
    const bytes = readFileSync(fd);
    const data = bytes.subarray(HASH_BYTES);
    return hashOf(data).equals(bytes.subarray(0, HASH_BYTES)) ? data : undefined;
  } catch {
    return undefined;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** Whether a folder or file belongs to whom the program belongs to, or to root, and nobody else can write to it. */
function isOurs(info) {
  if (!info.isDirectory() && !info.isFile()) return false;
  if (process.platform === "win32") return true;
  return (info.uid === statSync(dist).uid || info.uid === 0) && (info.mode & 0o022) === 0;
}

function hashOf(data) {
  return createHash("sha256").update(data).digest();
}

/** Beside the program and nowhere else, by its owner or root: they may change the program itself. */
function keepCache(script, cache) {
  const half = `${cache}.${process.pid}.${randomBytes(4).toString("hex")}`;
  try {
    const me = process.geteuid?.();
    if (me !== 0 && me !== statSync(dist).uid && process.platform !== "win32") return;
    makeFolder(dirname(cache));
    const data = script.createCachedData();
    // readable for all and writable for nobody else, whatever the umask
    const fd = openSync(half, "wx", 0o644);
    try {
      fchmodSync(fd, 0o644);
      writeFileSync(fd, Buffer.concat([hashOf(data), data]));
    } finally {
      closeSync(fd);
    }
    renameSync(half, cache);
  } catch {
    // a folder that cannot be written to makes the program slower, not worse
    dropQuietly(half);
  }
}

/** Makes the folder, or closes one that an earlier release or a build left open. */
function makeFolder(folder) {
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  const info = lstatSync(folder);
  if (!info.isDirectory()) throw new Error("something else stands there");
  if (process.platform === "win32" || (info.mode & 0o7777) === 0o755) return;
  // of somebody else's folder, this is not ours to do: it fails, or what is written there is never read
  if (info.uid === process.geteuid()) chmodSync(folder, 0o755);
}

/** What a full disk left. */
function dropQuietly(file) {
  try {
    rmSync(file, { force: true });
  } catch {
    // see above
  }
}
