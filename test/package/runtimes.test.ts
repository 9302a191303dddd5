import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { installDeno } from "../../scripts/deno.mjs";
import { installBun } from "../../scripts/exe.mjs";
import { IDENTITY, RECIPIENT } from "../support/callers.ts";
import { REACHED, UNREACHABLE } from "../support/package.ts";

/* The library from the tarball, in bun and in Deno: as a module and by `require`. */

const root = new URL("../..", import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), "tsops-runtimes-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

const pack = ["pack", "--json", "--ignore-scripts", "--pack-destination", folder];
const [{ filename }] = JSON.parse(execFileSync("npm", pack, { cwd: root, encoding: "utf8" }));
writeFileSync(join(folder, "package.json"), '{ "private": true }\n');
execFileSync("npm", ["install", "--offline", "--no-audit", "--no-fund", "--silent", `./${filename}`], {
  cwd: folder,
});

const RUNTIMES: readonly (readonly [name: string, argv: readonly [string, ...string[]]])[] = [
  ["bun", [installBun()]],
  ["Deno", [await installDeno(), "run", "--allow-all", "--no-lock"]],
];

const keys = join(root, "fixtures", "golden", "keys");
const FINGERPRINT = readFileSync(join(keys, "pgp1.fp"), "utf8").trim();

/** There and back, with the ciphers, formats and parts that a run without a network can use. */
const USE = `
async function main() {
  const { decrypt, decryptFile, encrypt, open, TsopsError } = await library;
  const age = { identities: ["${IDENTITY}"] };
  writeFileSync("a.yaml", await encrypt("a: 1 # note\\n\\nb: [two]\\n", { format: "yaml", keys: { age: ["${RECIPIENT}"] } }));
  const file = await open("a.yaml", age);
  file.set(["a"], 2);
  await file.save();
  file.close();
  console.log(JSON.stringify((await decryptFile("a.yaml", age)).toString()));
  const groups = [{ age: ["${RECIPIENT}"] }, { age: ["${RECIPIENT}"] }];
  const shared = await encrypt("A=1\\n", { format: "dotenv", keyGroups: groups });
  console.log((await decrypt(shared, { format: "dotenv", ...age })).toString().trim());
  const env = { TSOPS_PGP_KEY: ${JSON.stringify(readFileSync(join(keys, "pgp1.asc"), "utf8"))}, PATH: "/nowhere" };
  const locked = await encrypt('{"a": "x"}', { format: "json", keys: { pgp: ["${FINGERPRINT}"] }, env });
  console.log((await decrypt(locked, { format: "json", env })).toString());
  const changed = readFileSync("a.yaml", "utf8").replace(/data:./, (found) => found.slice(0, -1) + (found.endsWith("A") ? "B" : "A"));
  await decrypt(changed, { format: "yaml", ...age }).catch((error) => console.log(error instanceof TsopsError, error.code));
}
main();
`;
const SAID = '"a: 2 # note\\n\\nb: [two]\\n"\nA=1\n{"a": "x"}\ntrue tree-decryption\n';

const FORMS = {
  "use.mjs": `import { readFileSync, writeFileSync } from "node:fs";\nconst library = import("tsops");\n${USE}`,
  "static.mjs": `import { readFileSync, writeFileSync } from "node:fs";\nimport * as library from "tsops";\n${USE}`,
  "use.cjs": `const { readFileSync, writeFileSync } = require("node:fs");\nconst library = require("tsops");\n${USE}`,
};

function said([program, ...argv]: readonly [string, ...string[]], script: string): string {
  const { stdout, stderr } = spawnSync(program, [...argv, script], {
    cwd: folder,
    encoding: "utf8",
    // neither asks its maker for anything
    env: { PATH: process.env.PATH, HOME: folder, DENO_NO_UPDATE_CHECK: "1", DO_NOT_TRACK: "1" },
  });
  return stdout + stderr;
}

for (const [name, argv] of RUNTIMES) {
  for (const [file, text] of Object.entries(FORMS))
    test(`${name}: encrypts, changes and decrypts, ${file}`, () => {
      writeFileSync(join(folder, file), text);
      assert.is(said(argv, file), SAID);
    });

  test(`${name}: the SDKs of all clouds get as far as the network`, () => {
    writeFileSync(join(folder, "unreachable.mjs"), UNREACHABLE);
    assert.is(said(argv, "unreachable.mjs"), REACHED);
  });
}

test.run();
