// Builds the executable: node scripts/exe.mjs [TARGET … | all]; without a target, the one for this machine. --path prints
// where that is, --sizes writes the sizes of all that are built into docs/installation.md.
//
// One file that needs no Node: bun with the program inside, as bytecode. bun is an ordinary package of the registry, one
// for each target, pinned here by its hash and kept in a cache folder. The result is build/tsops-TARGET.
//
// Node runs this script: it fetches bun, checks it, and starts it with scripts/exe-bundle.mjs, which bundles. That is done
// twice: decrypting a file with the first build records which functions are used, and the second build lays their bytecode
// together, so that a start touches few pages of the file. Builds from the same sources are the same to the byte.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { homedir, tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { billOfMaterials, licences, packagesIn } from "./inside.mjs";
import { NOTICE } from "./openpgp-tables.mjs";

const BUN = "1.4.5";
/** bun's name of each target, and the registry's hash of `@oven/bun-NAME`. */
const TARGETS = {
  "linux-x64": [
    "linux-x64",
    "sha512-IWX9BELoGHAUtMonkeSaNaZwXzRk+oDw6Mk+HBFXd3KHYIBNBsIGRupMZPcgNoDbJpLu6gAJjIoIVPZtt1aJ1g==",
  ],
  "linux-arm64": [
    "linux-aarch64",
    "sha512-4BXmsSKnjOrlGWqZV4x/oWa7AVoR+B6lCXddMzOAXBIm3t50eslg9wb66gmtW1AamEQ1l1CDvmmruysEhqOWMg==",
  ],
  "linux-x64-musl": [
    "linux-x64-musl",
    "sha512-10QoW/YfTgnURaGEaHpJCiXjLI2e5iTtfVDaA5JKcyUzaa1cq6cVUY9/Uq5XkYzvtRjHLRe9Oj/lTDIQcxy8HQ==",
  ],
  "linux-arm64-musl": [
    "linux-aarch64-musl",
    "sha512-XCNc+WvvMAdNNb+OWTogpy+N9wm62fkVeEVLb6how0RZhW5LPi6c7BlkeVCuWps7XjEl2saFpHFa20/1E+PAHg==",
  ],
  "darwin-x64": [
    "darwin-x64",
    "sha512-qkLPMGHZM9NI6CeHTWwVezzmlo6cC4Ta7yUAjYIWXS366qQcOlcp75t2uZyiuVRBMPS0h9qE0tCcvCHGaFqjJg==",
  ],
  "darwin-arm64": [
    "darwin-aarch64",
    "sha512-4MIFXHmctH2EhAxLXm2/qxNtv17dFtLJylvaOCsrgq6KSqHTs6eW5YSrJjRbJxYUJaR901fsN8JfZOa+CsWpWQ==",
  ],
  "windows-x64": [
    "windows-x64",
    "sha512-FNvply651vcE/GHgNWz6mZvhmkwBuu8Hw54oNzA+CQog+HW+542rXQmZqNHRkFxazD9L3xi+iTtvO3engAgJfw==",
  ],
  "windows-arm64": [
    "windows-aarch64",
    "sha512-MiPFZnBNDnBXgr1oONc5pizC4fOLjnIOfNkYdFEnWzLmoFTg86naZIG3SvS7d/GglpQSAnCKMAzSjI/TAckiRw==",
  ],
};

/** What executables can be made for. */
export const ALL_TARGETS = Object.keys(TARGETS);

const root = fileURLToPath(new URL("..", import.meta.url));
/** What a recorded run decrypts. */
const GOLDEN = join(root, "fixtures", "golden");

/** Where the executable for a target is, or will be. */
export function exePath(target = hostTarget()) {
  return join(root, "build", `tsops-${target}${ending(target)}`);
}

/** What the bundler says of an executable: which source is in which of its files. */
export function metafileOf(target = hostTarget()) {
  return join(root, "build", `meta-${target}.json`);
}

/** `linux-x64` and the like. */
export function hostTarget() {
  const system = process.platform === "win32" ? "windows" : process.platform;
  // Alpine's C library is another one
  const musl = system === "linux" && !process.report.getReport().header.glibcVersionRuntime;
  return `${system}-${process.arch}${musl ? "-musl" : ""}`;
}

function ending(target) {
  return target.startsWith("windows") ? ".exe" : "";
}

/** The path of bun for a target; fetches it if need be. @throws if the registry gives another one than the pinned one. */
export function installBun(target = hostTarget()) {
  const [name, expected] = TARGETS[target];
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
  const folder = join(cache, "tsops-test", "bun", `${name}@${BUN}`);
  const path = join(folder, "package", "bin", `bun${ending(target)}`);
  if (existsSync(path)) return path;
  mkdirSync(join(folder, ".."), { recursive: true });
  // beside the place where it goes, so that what was interrupted leaves nothing that looks complete
  const fetching = mkdtempSync(join(folder, "..", ".fetching-"));
  try {
    const pack = ["pack", "--silent", "--pack-destination", fetching, `@oven/bun-${name}@${BUN}`];
    const file = join(fetching, execFileSync("npm", pack, { encoding: "utf8" }).trim());
    const found = `sha512-${createHash("sha512").update(readFileSync(file)).digest("base64")}`;
    if (found !== expected)
      throw new Error(`bun ${BUN} for ${target} is another one than expected: ${found}`);
    execFileSync("tar", ["-xzf", file, "-C", fetching]);
    rmSync(file);
    rmSync(folder, { recursive: true, force: true });
    renameSync(fetching, folder);
  } finally {
    rmSync(fetching, { recursive: true, force: true });
  }
  return path;
}

/** @throws if a target is unknown, or something does not build. */
export function buildExecutables(targets) {
  const unknown = targets.find((target) => !(target in TARGETS));
  if (unknown) throw new Error(`there is no target ${unknown}, but ${ALL_TARGETS.join(", ")}`);
  const scratch = mkdtempSync(join(tmpdir(), "tsops-exe-"));
  try {
    const order = record(scratch);
    mkdirSync(join(root, "build"), { recursive: true });
    writeInside(join(scratch, "meta.json"));
    for (const target of targets) {
      const made = bundle(target, scratch, order);
      copyFileSync(join(scratch, "meta.json"), metafileOf(target));
      copyFileSync(made, `${exePath(target)}.half`);
      chmodSync(`${exePath(target)}.half`, 0o755);
      renameSync(`${exePath(target)}.half`, exePath(target));
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** LICENSES.txt and sbom.cdx.json: whose code is inside. The same for all targets. */
function writeInside(metafile) {
  const packages = packagesIn(root, [JSON.parse(readFileSync(metafile, "utf8"))], []);
  const runtime = { name: "bun", version: BUN, license: "MIT" };
  writeFileSync(join(root, "build", "LICENSES.txt"), licences(root, packages, WORD));
  writeFileSync(join(root, "build", "sbom.cdx.json"), billOfMaterials(root, [...packages, runtime]));
}

const WORD = `The executables of this folder hold code of these packages, and bun ${BUN} (MIT; https://bun.sh), which has JavaScriptCore
(LGPL-2.0) and other libraries inside: https://github.com/oven-sh/bun/blob/bun-v${BUN}/LICENSE.md names them all.

openpgp is under the GNU Lesser General Public License: to put another version of it in its place, install that version in
tsops's source and run \`npm run build:exe\`. Its source is at https://github.com/openpgpjs/openpgpjs.

${NOTICE}`;

/** Decrypts a file with a build for this machine. @returns the record of which functions that used. */
function record(scratch) {
  const program = bundle(hostTarget(), scratch);
  const order = join(scratch, "order");
  execFileSync(program, ["decrypt", join(GOLDEN, "keys-age-two", "in", "golden.enc.yaml")], {
    cwd: scratch,
    env: {
      HOME: scratch,
      SOPS_AGE_KEY_FILE: join(GOLDEN, "keys", "age1.txt"),
      BUN_BYTECODE_ORDER_OUT: order,
    },
    stdio: ["ignore", "ignore", "inherit"],
  });
  return order;
}

/** @returns the path of the file that was made. */
function bundle(target, scratch, order) {
  const outfile = join(scratch, `tsops${ending(target)}`);
  const what = {
    root,
    outfile,
    metafile: join(scratch, "meta.json"),
    target: `bun-${TARGETS[target][0]}`,
    executablePath: installBun(target),
    windows: target.startsWith("windows"),
    // bun for Windows crashes on bytecode that another system made
    bytecode: !target.startsWith("windows"),
    ...(order && { order }),
  };
  execFileSync(installBun(), [join(root, "scripts", "exe-bundle.mjs"), JSON.stringify(what)], {
    cwd: root,
    stdio: ["ignore", "inherit", "inherit"],
  });
  return outfile;
}

/** Puts the sizes of what is built into docs/installation.md. */
function writeSizes() {
  const megabytes = (bytes) => `${Math.round(bytes / 1e6)} MB`;
  const rows = ALL_TARGETS.filter((target) => existsSync(exePath(target))).map((target) => {
    const file = readFileSync(exePath(target));
    return `| ${basename(exePath(target))} | ${megabytes(file.length)} | ${megabytes(gzipSync(file).length)} |`;
  });
  const page = join(root, "docs", "installation.md");
  const table = `| file | size | compressed |\n| --- | --- | --- |\n${rows.join("\n")}\n`;
  writeFileSync(page, readFileSync(page, "utf8").replace(SIZES, `$1${table}`));
}

const SIZES = /(<!-- made by scripts\/exe\.mjs --sizes -->\n\n)(\|.*\n)*/;

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const named = process.argv.slice(2);
  const targets = named.length === 0 ? [hostTarget()] : named;
  try {
    if (named[0] === "--path") console.log(exePath());
    else if (named[0] === "--sizes") writeSizes();
    else buildExecutables(named.includes("all") ? ALL_TARGETS : targets);
  } catch (error) {
    process.stderr.write(`exe: ${error.message}\n`);
    process.exit(1);
  }
}
