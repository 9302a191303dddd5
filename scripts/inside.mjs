// Whose code is in dist/: the packages that the bundler took something of, their licences, and the bill of materials
// (CycloneDX) by which scanners find advisories.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { NOTICE } from "./openpgp-tables.mjs";

const MODULES = "node_modules/";

/** The packages of which something is in what was bundled (esbuild's metafiles), and of files that were copied. */
export function packagesIn(root, metafiles, copied) {
  const folders = new Set(copied.map(folderOf));
  for (const { outputs } of metafiles)
    for (const { inputs } of Object.values(outputs))
      for (const [file, { bytesInOutput }] of Object.entries(inputs))
        if (bytesInOutput > 0 && file.includes(MODULES)) folders.add(folderOf(file));
  const locked = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")).packages;
  const packages = new Map();
  for (const folder of [...folders].sort()) {
    const { name, version, license, author } = JSON.parse(
      readFileSync(join(root, folder, "package.json"), "utf8"),
    );
    // one that is installed in several places is there once
    if (!license?.length) throw new Error(`${folder}/package.json names no licence`);
    const { integrity } = locked[folder];
    packages.set(`${name}@${version}`, { folder, name, version, license, author, integrity });
  }
  return [...packages.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, each]) => each);
}

/** `node_modules/a/node_modules/@b/c/d.js` is in `node_modules/a/node_modules/@b/c`. */
function folderOf(file) {
  const start = file.lastIndexOf(MODULES) + MODULES.length;
  const parts = file.slice(start).split("/");
  return file.slice(0, start) + parts.slice(0, parts[0].startsWith("@") ? 2 : 1).join("/");
}

/** LICENSES.txt: each text once, with the packages that it is for and their notices, below a word on what is where. */
export function licences(root, packages, word = WORD) {
  const named = new Map();
  for (const { folder, name, version, license, author } of packages) {
    const files = readdirSync(join(root, folder));
    const read = (name) => {
      const file = files.find((entry) => name.test(entry));
      return file && readFileSync(join(root, folder, file), "utf8").trim();
    };
    const own = read(/^(licen[cs]e|copying)/i) ?? `Licence: ${license} (${author?.name ?? author})`;
    const text = [own, read(/^notice/i)].filter(Boolean).join("\n\n");
    named.set(text, [...(named.get(text) ?? []), `${name} ${version}`]);
  }
  const parts = [...named].map(([text, names]) => `${names.join("\n")}\n\n${text}\n`);
  return `${word}\n${parts.join(`\n${"-".repeat(80)}\n\n`)}`;
}

const WORD = `The files of this folder hold code of these packages; sbom.cdx.json lists them for programs.

openpgp is in parts/openpgp.cjs, and under the GNU Lesser General Public License: you may put another version of it in
its place. Take dist/node/openpgp.cjs of any version 6 of the package, changed or not; tsops runs what it finds there.
Its source is at https://github.com/openpgpjs/openpgpjs. The General Public License, which that licence refers to, is in
GPL-3.0.txt.

${NOTICE}`;

/** sbom.cdx.json. Nothing in it depends on when or where it was made. */
export function billOfMaterials(root, packages) {
  const { name, version, license } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const bill = {
    $schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: {
      lifecycles: [{ phase: "build" }],
      component: { type: "application", ...component({ name, version, license }) },
    },
    components: packages.map((each) => ({ type: "library", ...component(each) })),
  };
  return `${JSON.stringify(bill, undefined, 1)}\n`;
}

function component({ name, version, license, integrity }) {
  const purl = `pkg:npm/${name.replace("@", "%40")}@${version}`;
  const content = integrity && Buffer.from(integrity.replace("sha512-", ""), "base64").toString("hex");
  return {
    "bom-ref": purl,
    name,
    version,
    ...(content && { hashes: [{ alg: "SHA-512", content }] }),
    licenses: licencesOf(license),
    purl,
    // the hash is that of the package as it was
    ...(name === "openpgp" && { pedigree: { notes: NOTICE.replaceAll("\n", " ").trim() } }),
  };
}

/** In SPDX's words; old packages have a list in words of their own. */
function licencesOf(license) {
  if (Array.isArray(license)) return license.map(({ type }) => ({ license: { name: type } }));
  return [license.includes(" ") ? { expression: license } : { license: { id: license } }];
}
