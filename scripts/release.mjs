// Makes all files of a release, in build/release: node scripts/release.mjs [--tag vX.Y.Z] [--twice] [TARGET …]
//
//   tsops-X.Y.Z.tgz              the npm package
//   tsops-X.Y.Z-TARGET.tar.gz    an executable for each target of scripts/exe.mjs, with manual page, completions, licences
//   tsops_X.Y.Z-1_amd64.deb …    the same for Debian's and Fedora's families
//   tsops.rb                     the formula for Homebrew
//   …cdx.json                    bills of materials: of the npm package, and of the executables
//   SHA256SUMS                   the checksum of each of them
//
// build/release-notes.md is what CHANGELOG.md says. Without --tag it publishes nothing and needs no repository: that is
// `npm run release:dry`. With it, the tag has to be that of the version, and package.json has to name the repository.
// --twice builds a second time in another folder, and fails if one byte is another. .github/workflows/release.yml
// publishes what this makes.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  createReadStream,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { ALL_TARGETS, buildExecutables } from "./exe.mjs";
import { archive, unpack } from "./release/archives.mjs";
import { formula } from "./release/formula.mjs";
import { notesOf, product, refuseOtherTag, timeOf } from "./release/product.mjs";
import { installNfpm, MACHINES, makePackages } from "./release/system-packages.mjs";
import { builtAgain } from "./release/twice.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const into = join(root, "build", "release");

try {
  await release(optionsOf(process.argv.slice(2)));
} catch (error) {
  process.stderr.write(`release: ${error.message}\n`);
  process.exit(1);
}

function optionsOf(words) {
  const options = { twice: false, tag: undefined, targets: [] };
  for (let i = 0; i < words.length; i++) {
    if (words[i] === "--twice") options.twice = true;
    else if (words[i] === "--tag") options.tag = words[++i] ?? "";
    else if (words[i].startsWith("-")) throw new Error(`unknown option ${words[i]}: see scripts/release.mjs`);
    else options.targets.push(words[i]);
  }
  if (options.targets.length === 0) options.targets = ALL_TARGETS;
  return options;
}

async function release({ tag, twice, targets }) {
  const what = product(root);
  if (tag !== undefined) refuseOtherTag(tag, what, process.env);
  const notes = notesOf(readFileSync(join(root, "CHANGELOG.md"), "utf8"), what.version, tag !== undefined);
  const time = timeOf(root, process.env);

  execFileSync(process.execPath, [join(root, "scripts", "build.mjs")], {
    stdio: ["ignore", "inherit", "inherit"],
  });
  buildExecutables(targets);
  rmSync(into, { recursive: true, force: true });
  mkdirSync(into);
  packNpm();
  const nfpm = await installNfpm();
  await packExecutables(nfpm, { what, targets, time });
  copyFileSync(join(root, "dist", "sbom.cdx.json"), join(into, `tsops-${what.version}-npm.cdx.json`));
  copyFileSync(
    join(root, "build", "sbom.cdx.json"),
    join(into, `tsops-${what.version}-executables.cdx.json`),
  );
  writeFileSync(join(into, "tsops.rb"), formula(what, await sums()));
  writeFileSync(join(root, "build", "release-notes.md"), `${notes}\n${madeWith(nfpm)}\n`);
  await writeSums();

  if (!what.released)
    console.log(
      `package.json names no repository: tsops.rb has ${what.url} in its place, and deb and rpm none`,
    );
  if (!twice) return;
  const other = builtAgain(root, targets, time);
  for (const name of other) console.log(`${name} is another one when it is built again`);
  if (other.length > 0) throw new Error(`${other.length} files are not the same to the byte`);
  console.log("built twice: every file is the same to the byte");
}

/** What decides about the bytes besides the sources: these compress. docs/releasing.md says how to make them again. */
function madeWith(nfpm) {
  const said = (...argv) => execFileSync(argv[0], argv.slice(1), { encoding: "utf8" }).trim();
  const go = said("go", "version", nfpm).split(" ").at(-1);
  return `Made with Node ${process.versions.node}, npm ${said("npm", "--version")} and ${go}.`;
}

function packNpm() {
  // prepack would build once more
  const pack = (...more) =>
    execFileSync("npm", ["pack", "--silent", "--ignore-scripts", ...more], {
      cwd: root,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "inherit"],
    });
  // npm takes the modes that files have here, and those depend on who made the checkout
  const [{ files }] = JSON.parse(pack("--dry-run", "--json"));
  for (const { path, mode } of files) chmodSync(join(root, path), mode & 0o100 ? 0o755 : 0o644);
  pack("--pack-destination", into);
}

async function packExecutables(nfpm, { what, targets, time }) {
  const scratch = mkdtempSync(join(root, "build", ".unpacked-"));
  try {
    const folders = unpack(root, scratch, what, targets);
    await Promise.all(Object.values(folders).map((folder) => archive(scratch, basename(folder), into, time)));
    for (const target of targets.filter((each) => each in MACHINES))
      makePackages(nfpm, { product: what, target, folder: folders[target], into, time });
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** The checksum of each file that is there, by name. */
async function sums() {
  const found = {};
  for (const name of readdirSync(into).sort()) {
    const hash = createHash("sha256");
    for await (const chunk of createReadStream(join(into, name))) hash.update(chunk);
    found[name] = hash.digest("hex");
  }
  return found;
}

async function writeSums() {
  const found = Object.entries(await sums());
  writeFileSync(join(into, "SHA256SUMS"), found.map(([name, sum]) => `${sum}  ${name}\n`).join(""));
  for (const [name, sum] of found)
    console.log(`${sum}  ${megabytes(statSync(join(into, name)).size)}  ${name}`);
}

function megabytes(bytes) {
  return `${(bytes / 1e6).toFixed(3)} MB`.padStart(10);
}
