import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { IDENTITY, Project, RECIPIENT } from "../support/callers.ts";

/* The tarball in a fresh project: loaded as a module and as a script, checked by TypeScript, called by links named `sops`. */

const root = new URL("../..", import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), "tsops-package-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

const run = (argv: readonly [string, ...string[]], cwd = folder): string =>
  execFileSync(argv[0], argv.slice(1), { cwd, encoding: "utf8", timeout: 300_000 });
const [{ filename }] = JSON.parse(
  run(["npm", "pack", "--json", "--ignore-scripts", "--pack-destination", folder], root),
);
writeFileSync(join(folder, "package.json"), '{ "private": true }\n');
// from a registry, which may be late
for (let tries = 4; ; tries--) {
  const args = [
    "install",
    "--ignore-scripts",
    "--no-audit",
    "--no-fund",
    "--prefer-offline",
    `./${filename}`,
  ];
  const { status, stderr } = spawnSync("npm", args, { cwd: folder, encoding: "utf8" });
  if (status === 0) break;
  if (tries === 1) throw new Error(`npm install failed: ${stderr}`);
}
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

test("loading it loads no package, neither way", () => {
  const { dependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
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
  for (const [file, text] of [
    ["load.mjs", 'await import("tsops");'],
    [
      "load.cjs",
      'require("tsops"); require("fs").writeFileSync("seen", Object.keys(require.cache).join("\\n") + "\\ntsops");',
    ],
  ] as const) {
    writeFileSync(join(folder, file), text);
    const { status, stderr } = spawnSync(process.execPath, ["--import", "./trace.mjs", file], {
      cwd: folder,
      encoding: "utf8",
    });
    assert.is(status, 0, stderr);
    const seen = readFileSync(join(folder, "seen"), "utf8");
    assert.match(seen, "tsops");
    for (const name of Object.keys(dependencies)) {
      const found = seen
        .split("\n")
        .filter((line) => line === name || line.includes(`node_modules/${name}/`));
      assert.equal(found, [], file);
    }
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
