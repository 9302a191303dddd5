import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { IDENTITY, Project, RECIPIENT } from "../support/callers.ts";
import { REACHED, UNREACHABLE } from "../support/package.ts";

/* The tarball in a fresh project: loaded as module and script, checked by TypeScript, bundled, called by links. */

const root = new URL("../..", import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), "tsops-package-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

const run = (argv: readonly [string, ...string[]], cwd = folder): string =>
  execFileSync(argv[0], argv.slice(1), { cwd, encoding: "utf8", timeout: 300_000 });
const [{ filename }] = JSON.parse(
  run(["npm", "pack", "--json", "--ignore-scripts", "--pack-destination", folder], root),
);
writeFileSync(join(folder, "package.json"), '{ "private": true }\n');
const install = ["install", "--offline", "--no-audit", "--no-fund", "--loglevel=notice", `./${filename}`];
const added = spawnSync("npm", install, { cwd: folder, encoding: "utf8" });

cpSync(join(root, "node_modules", "@types", "node"), join(folder, "node_modules", "@types", "node"), {
  recursive: true,
});
mkdirSync(join(folder, "node_modules", "undici-types"), { recursive: true });
cpSync(join(root, "node_modules", "undici-types"), join(folder, "node_modules", "undici-types"), {
  recursive: true,
});

/** What a user writes, after the line that loads the library. */
const USE = `
async function main(): Promise<void> {
  const text: string = await encrypt('{"db": {"host": "localhost", "port": 5432}}', {
    format: "json",
    keys: { age: ["${RECIPIENT}"] },
  });
  writeFileSync("secrets.json", text);
  const options: Options = { identities: ["${IDENTITY}"] };
  const file = await open("secrets.json", options);
  const host: PlainValue | undefined = file.get(["db", "host"]);
  if (typeof host !== "string" || host !== "localhost") throw new Error("host");
  // @ts-expect-error: a value may be of any type, so TypeScript wants to know before something is taken out of it
  file.data.db.host;
  file.set(["db", "port"], 5433);
  await file.save();
  file.close();
  const plain: Buffer = await decryptFile("secrets.json", options);
  console.log(JSON.parse(plain.toString()).db.port);
  try {
    await decryptFile("none.json", options);
  } catch (error) {
    console.log(error instanceof TsopsError && error.code);
  }
}
void main();
`;
const OTHER = "age18dnrwj4wza5gevs27janaw742ujz7fl468yxdqmz50gg2vpre9nq7znm38";
const NAMES = "decryptFile, encrypt, open, TsopsError, type Options, type PlainValue";
const MODULE = `import { writeFileSync } from "node:fs";\nimport { ${NAMES} } from "tsops";\n${USE}`;

for (const [resolution, module, files] of [
  ["node16", "node16", ["use.mts", "use.cts"]],
  ["nodenext", "nodenext", ["use.mts", "use.cts"]],
  ["bundler", "esnext", ["use.ts"]],
  ["bundler", "preserve", ["use.ts"]],
] as const) {
  test(`tsc --strict with moduleResolution ${resolution}, module ${module}`, () => {
    const project = mkdtempSync(join(folder, "types-"));
    for (const file of files) writeFileSync(join(project, file), MODULE);
    const options = {
      ...{ strict: true, target: "es2022", lib: ["es2022"], module, moduleResolution: resolution },
      // declarations that a user's compiler would stumble over are ours
      ...{ skipLibCheck: false, types: ["node"], outDir: "out" },
    };
    writeFileSync(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions: options, files }));
    const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
    const { status, stdout } = spawnSync(process.execPath, [tsc, "-p", "."], {
      cwd: project,
      encoding: "utf8",
    });
    assert.is(status, 0, stdout);
    if (resolution === "bundler") return;
    for (const compiled of ["use.mjs", "use.cjs"]) {
      const done = spawnSync(process.execPath, [join("out", compiled)], { cwd: project, encoding: "utf8" });
      assert.is(done.status, 0, done.stderr);
      assert.is(done.stdout, "5433\nno-such-file\n");
      assert.is(done.stderr, "", compiled);
    }
  });
}

test("import and require give the same library, and neither says anything", () => {
  writeFileSync(
    join(folder, "both.cjs"),
    `const required = require("tsops");
import("tsops").then((imported) => {
  const names = Object.keys(imported);
  console.log(names.every((name) => imported[name] === required[name]), typeof required.encrypt);
  console.log(require("tsops/package.json").name);
});`,
  );
  const { stdout, stderr } = spawnSync(process.execPath, ["both.cjs"], { cwd: folder, encoding: "utf8" });
  assert.is(`${stdout}${stderr}`, "true function\ntsops\n");
});

test("where Node cannot require modules, the error says which Node can, and import works", () => {
  writeFileSync(join(folder, "required.cjs"), 'require("tsops");');
  writeFileSync(
    join(folder, "imported.cjs"),
    'import("tsops").then(({ encrypt }) => console.log(typeof encrypt));',
  );
  // as Node 22.0 to 22.11 do without being told
  const start = (file: string) =>
    spawnSync(process.execPath, ["--no-experimental-require-module", file], {
      cwd: folder,
      encoding: "utf8",
    });
  const { status, stderr } = start("required.cjs");
  assert.is(status, 1);
  assert.match(stderr, 'Error: require("tsops") needs Node 20.19, or 22.12 or newer');
  assert.match(stderr, "ERR_REQUIRE_ESM");
  assert.is(start("imported.cjs").stdout, "function\n");
  const { engines } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  assert.is(engines.node, "^20.19.0 || >=22.12.0");
});

test("it is one package, which needs no network and runs nothing when it is installed", () => {
  assert.match(added.stdout, /^\s*added 1 package in \S+\s*$/);
  assert.is(added.stderr, "");
  const manifest = JSON.parse(readFileSync(join(folder, "node_modules", "tsops", "package.json"), "utf8"));
  for (const field of ["dependencies", "optionalDependencies", "peerDependencies", "bundleDependencies"])
    assert.is(manifest[field], undefined, field);
  // npm warns of the last one where a package does not come from a registry
  for (const script of ["preinstall", "install", "postinstall", "prepare"])
    assert.is(manifest.scripts[script], undefined, script);
});

test("loading it loads none of its parts, neither way", () => {
  writeFileSync(
    join(folder, "trace.mjs"),
    `import { register } from "node:module";
import { writeFileSync } from "node:fs";
writeFileSync("seen", "");
register("./hook.mjs", import.meta.url);`,
  );
  writeFileSync(
    join(folder, "hook.mjs"),
    `import { appendFileSync } from "node:fs";
export async function resolve(specifier, context, next) {
  appendFileSync("seen", specifier + "\\n");
  return next(specifier, context);
}`,
  );
  const keyGroups = `[{ age: ["${RECIPIENT}"] }, { age: ["${OTHER}"] }]`;
  for (const [file, text, parts] of [
    ["load.mjs", 'await import("tsops");', []],
    [
      "load.cjs",
      'require("tsops"); require("fs").writeFileSync("seen", Object.keys(require.cache).join("\\n") + "\\ntsops");',
      [],
    ],
    // what is used is seen
    [
      "use.mjs",
      `await (await import("tsops")).encrypt("a: 1", { format: "yaml", keyGroups: ${keyGroups} });`,
      ["../parts/shamir.js"],
    ],
  ] as const) {
    writeFileSync(join(folder, file), text);
    const { status, stderr } = spawnSync(process.execPath, ["--import", "./trace.mjs", file], {
      cwd: folder,
      encoding: "utf8",
    });
    assert.is(status, 0, stderr);
    const seen = readFileSync(join(folder, "seen"), "utf8").split("\n");
    assert.ok(seen.some((line) => line.includes("tsops")));
    assert.equal(
      seen.filter((line) => line.includes("/parts/")),
      parts,
      file,
    );
  }
});

function runs(script: string): string {
  const { stdout, stderr } = spawnSync(process.execPath, [script], { cwd: folder, encoding: "utf8" });
  return stdout + stderr;
}

test("the library's SDKs are there", () => {
  writeFileSync(join(folder, "unreachable.mjs"), UNREACHABLE);
  assert.is(runs("unreachable.mjs"), REACHED);
});

test("a bundler takes the parts with it: as one script, and as modules that are loaded at need", async () => {
  const shared = { absWorkingDir: folder, bundle: true, platform: "node", logLevel: "error" } as const;
  const contents = `async function main() { ${UNREACHABLE.replace(/import .*/, "")} }\nmain();`;
  const stdin = { contents: `import { decrypt } from "tsops"; ${contents}`, resolveDir: folder };
  await build({ ...shared, stdin, format: "cjs", outfile: "elsewhere/one.cjs" });
  // what a bundle of modules needs where scripts are inside
  const js = 'import { createRequire as made } from "node:module"; const require = made(import.meta.url);';
  const modules = {
    format: "esm",
    splitting: true,
    banner: { js },
    outExtension: { ".js": ".mjs" },
  } as const;
  await build({ ...shared, ...modules, entryPoints: ["unreachable.mjs"], outdir: "modules" });
  rmSync(join(folder, "node_modules", "tsops"), { recursive: true });
  try {
    assert.is(runs("elsewhere/one.cjs"), REACHED);
    assert.is(runs("modules/unreachable.mjs"), REACHED);
  } finally {
    spawnSync("npm", install, { cwd: folder });
  }
});

test("the program runs by npm's link, by a link to that, and by a script named sops", () => {
  const project = new Project("tsops");
  const npm = join(folder, "node_modules", ".bin", "tsops");
  const shim = project.path("shims");
  mkdirSync(shim);
  symlinkSync(npm, join(shim, "linked"));
  writeFileSync(join(shim, "script"), `#!/bin/sh\nexec '${npm}' "$@"\n`, { mode: 0o755 });
  for (const program of [npm, join(shim, "linked"), join(shim, "script")]) {
    for (const argv of [["--version"], ["-v"], ["--version", "--disable-version-check"]]) {
      assert.match(project.out([program, ...argv]), /^sops 3\.\d+\.\d+\n?/);
    }
    project.write("a.yaml", "a: 1\n");
    project.out([program, "-e", "-i", "a.yaml"]);
    assert.is(project.out([program, "-d", "a.yaml"]), "a: 1\n");
  }
});

test.run();
