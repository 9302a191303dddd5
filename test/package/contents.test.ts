import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { OPENPGP, PARTS } from "../../scripts/bundle.mjs";
import { tablesAtNeed } from "../../scripts/openpgp-tables.mjs";

/* What `npm pack` puts into the tarball of the program that was built: nothing more, and how large it may be. */

const root = new URL("../..", import.meta.url).pathname;
const MEGABYTE = 1_000_000;

interface Packed {
  readonly size: number;
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string; readonly mode: number }[];
}

const [packed] = JSON.parse(
  execFileSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], { cwd: root, encoding: "utf8" }),
) as [Packed];
const paths = packed.files.map(({ path }) => path);
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const read = (path: string): string => readFileSync(join(root, path), "utf8");

/** Folders whose files are those of the checkout, with the ends that names in them have. */
const FOLDERS: Readonly<Record<string, RegExp>> = {
  "dist/lib/": /^dist\/lib\/[\w-]+\.js$/,
  "dist/types/": /\.d\.ts$/,
  "dist/cjs/types/": /\.d\.ts$/,
  "docs/": /^docs\/(?:[a-z-]+\.md|pictures\/[a-z-]+\.svg)$/i,
  "man/": /^man\/tsops\.1$/,
  "schema/": /\.schema\.json$/,
};

test("the tarball holds these files and no others", () => {
  const rest = paths.filter(
    (path) => !Object.entries(FOLDERS).some(([folder, name]) => path.startsWith(folder) && name.test(path)),
  );
  const parts = [...Object.keys(PARTS), OPENPGP.name].flatMap((name) => [
    `dist/parts/${name}.cjs`,
    `dist/parts/${name}.js`,
  ]);
  assert.equal(
    rest.sort(),
    [
      ...parts,
      ...[".sopsrc.example", "CHANGELOG.md", "LICENSE", "README.md", "package.json"],
      ...["bin/package.json", "bin/tsops.js"],
      ...["dist/GPL-3.0.txt", "dist/LICENSES.txt", "dist/sbom.cdx.json"],
      ...["dist/cjs/index.js", "dist/cjs/package.json", "dist/program.cjs"],
      ...["dist/rest.cjs", "dist/ui.js"],
    ].sort(),
  );
});

test("it is small: at most 3 MB, and 12 MB when it is unpacked", () => {
  assert.ok(packed.size <= 3 * MEGABYTE, `${packed.size}`);
  assert.ok(packed.unpackedSize <= 12 * MEGABYTE, `${packed.unpackedSize}`);
});

test("it needs no other package, and only the program can be executed", () => {
  for (const field of ["dependencies", "optionalDependencies", "peerDependencies", "bundleDependencies"])
    assert.is(manifest[field], undefined, field);
  assert.equal(
    packed.files.filter(({ mode }) => mode & 0o111).map(({ path }) => path),
    ["bin/tsops.js"],
  );
});

test("declarations need nothing but Node's own", () => {
  for (const path of paths.filter((each) => each.endsWith(".d.ts"))) {
    const named = [...read(path).matchAll(/(?:from|import\() ?"([^"]+)"/g)].map(([, name]) => name!);
    assert.equal(
      named.filter((name) => !name.startsWith(".") && !name.startsWith("node:")),
      [],
      path,
    );
  }
});

test("openpgp is as its makers built it but for one marked change, and can be told from the rest", () => {
  const ours = read(`dist/parts/${OPENPGP.name}.cjs`);
  assert.is(ours, tablesAtNeed(read(OPENPGP.file)));
  assert.match(ours.slice(0, 300), "openpgp was changed for tsops on ");
  assert.ok(ours.split("\n").length > 10_000);
  for (const path of paths.filter((each) => each.endsWith("js") && !each.endsWith("openpgp.cjs")))
    assert.not.match(read(path), "OpenPGP.js v", path);
  assert.match(read("dist/LICENSES.txt"), /^openpgp \d+\.\d+\.\d+$/m);
  assert.match(read("dist/LICENSES.txt"), "openpgp was changed for tsops on ");
  const { components } = JSON.parse(read("dist/sbom.cdx.json"));
  const { pedigree } = components.find(({ name }: Component) => name === "openpgp");
  assert.match(pedigree.notes, "openpgp was changed for tsops on ");
  assert.match(read("dist/LICENSES.txt"), "GNU LESSER GENERAL PUBLIC LICENSE");
});

interface Component {
  readonly name: string;
  readonly version: string;
  readonly purl: string;
  readonly hashes: readonly { readonly alg: string; readonly content: string }[];
  readonly licenses: readonly {
    readonly license?: { readonly id?: string; readonly name?: string };
    readonly expression?: string;
  }[];
}

test("the bill of materials lists what is inside, with the hashes of the lockfile", () => {
  const bill = JSON.parse(read("dist/sbom.cdx.json"));
  assert.is(bill.bomFormat, "CycloneDX");
  assert.is(bill.metadata.component.purl, `pkg:npm/tsops@${manifest.version}`);
  const components: Component[] = bill.components;
  const locked = Object.values<{ version: string; integrity?: string }>(
    JSON.parse(read("package-lock.json")).packages,
  );
  const licences = read("dist/LICENSES.txt");
  assert.is(new Set(components.map(({ purl }) => purl)).size, components.length);
  for (const { name, version, purl, hashes, licenses } of components) {
    assert.is(purl, `pkg:npm/${name.replace("@", "%40")}@${version}`);
    const [{ alg, content }] = hashes as [Component["hashes"][number]];
    assert.is(alg, "SHA-512");
    const integrity = `sha512-${Buffer.from(content, "hex").toString("base64")}`;
    assert.ok(
      locked.some((each) => each.version === version && each.integrity === integrity),
      purl,
    );
    assert.ok(licenses.length > 0, purl);
    for (const { license, expression } of licenses)
      assert.type(expression ?? license?.id ?? license?.name, "string", purl);
    assert.match(licences, `\n${name} ${version}\n`);
  }
  // and what a package wants to be told of others
  const notice = readFileSync(join(root, "node_modules", "es-toolkit", "NOTICE"), "utf8").trim();
  assert.ok(components.some(({ name }) => name === "es-toolkit") && licences.includes(notice));
  // of each part something is there, and of what is left out nothing
  const names = new Set(components.map(({ name }) => name));
  for (const name of [
    "openpgp",
    "@aws-sdk/client-kms",
    "@azure/identity",
    "@grpc/grpc-js",
    "node-vault",
    "sshpk",
    "@scure/base",
  ])
    assert.ok(names.has(name), name);
  for (const name of ["axios", "esbuild", "uvu", "typescript", "whatwg-url"])
    assert.not.ok(names.has(name), name);
});

test.run();
