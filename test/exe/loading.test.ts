import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { OPENPGP } from "../../scripts/bundle.mjs";
import { metafileOf } from "../../scripts/exe.mjs";
import { tablesAtNeed } from "../../scripts/openpgp-tables.mjs";
import { FILES_OF_ONE_KEY, withKeys } from "../support/integration/one-key.ts";
import { OTHER_PROGRAM } from "../support/program.ts";
import { scratchFolder } from "../support/scripts.ts";

/*
 * Which of what is inside the executable is run: opening a file with one kind of key runs the code of no other kind's SDK,
 * and for an age key that of no SDK at all. bun keeps a list of the bundle's files that were run, and the bundler's own
 * list says whose code is in which of them.
 */

const PROGRAM = OTHER_PROGRAM ?? "";
if (!PROGRAM) throw new Error("there is no executable to test: run npm run test:exe");

const scratch = scratchFolder();

interface Output {
  readonly inputs: Readonly<Record<string, { readonly bytesInOutput: number }>>;
}
const { outputs } = JSON.parse(readFileSync(metafileOf(), "utf8")) as {
  readonly outputs: Readonly<Record<string, Output>>;
};

/** By which packages an SDK is known; the names are those of dist/parts. */
const SDKS: Readonly<Record<string, RegExp>> = {
  age: /^age-encryption$/,
  aws: /^@(?:aws-sdk|smithy|aws-crypto|aws)\//,
  azure: /^@(?:azure|typespec)\//,
  google: /^(?:@google-cloud\/|google-auth-library$|google-gax$|gaxios$)/,
  grpc: /^@grpc\//,
  openpgp: /^openpgp$/,
  secretlint: /^@secretlint\//,
  sshpk: /^sshpk$/,
  ui: /^(?:ink|react|yoga-layout)$/,
  vault: /^node-vault$/,
  yargs: /^yargs$/,
};

function packageOf(file: string): string | undefined {
  return /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1];
}

/** Before the program runs: at its end, the names of the files that were run are written down. */
const SPY = `process.on("exit", () => {
  const names = Object.keys(require.cache).filter((name) => name !== __filename);
  require("node:fs").writeFileSync(process.env.SEEN, names.join("\\n"));
});`;

/** Runs the executable with the spy. @returns how it ended, and the SDKs of which some code was run. */
function sdksOf(start: (env: Record<string, string>) => { status: number | null; stderr: string }) {
  const folder = mkdtempSync(join(scratch, "run-"));
  const spy = join(folder, "spy.cjs");
  const seen = join(folder, "seen");
  writeFileSync(spy, SPY);
  const { status, stderr } = start({ BUN_OPTIONS: `--preload ${spy}`, SEEN: seen, HOME: folder });
  const names = readFileSync(seen, "utf8")
    .split("\n")
    .map((name) => `./${name.split("/").at(-1)}`);
  assert.ok(names.includes("./tsops") && names.length > 3, names.join(" "));
  const packages = new Set<string>();
  for (const name of names) {
    const output = outputs[name];
    assert.ok(output, `${name} is not of this build: npm run build:exe`);
    for (const [file, { bytesInOutput }] of Object.entries(output.inputs)) {
      const found = packageOf(file);
      if (found && bytesInOutput > 0) packages.add(found);
    }
  }
  const sdks = Object.keys(SDKS).filter((sdk) => [...packages].some((each) => SDKS[sdk]!.test(each)));
  return { status, stderr, sdks };
}

test("the names of packages are known: each SDK is somewhere inside", () => {
  const all = Object.values(outputs).flatMap(({ inputs }) => Object.keys(inputs).map(packageOf));
  for (const [sdk, pattern] of Object.entries(SDKS))
    assert.ok(
      all.some((name) => name && pattern.test(name)),
      sdk,
    );
});

test("openpgp in it fills its tables when they are needed, as in the package", () => {
  const tables = readFileSync(PROGRAM, "latin1").match(/=tableAtNeed\(/g);
  assert.is(
    tables?.length,
    tablesAtNeed(readFileSync(OPENPGP.file, "utf8")).match(/= tableAtNeed\(/g)?.length,
  );
});

test("a file with an age key is decrypted, and no SDK's code is run", () => {
  const { status, stderr, sdks } = sdksOf((env) => {
    const golden = new URL("../../fixtures/golden/", import.meta.url).pathname;
    const key = join(golden, "keys", "age1.txt");
    return spawnSync(PROGRAM, ["decrypt", join(golden, "keys-age-two", "in", "golden.enc.yaml")], {
      cwd: env.HOME!,
      encoding: "utf8",
      env: { ...env, SOPS_AGE_KEY_FILE: key },
    });
  });
  assert.is(status, 0, stderr);
  assert.equal(sdks, []);
});

for (const [name, { keys, env: needed = {}, parts }] of Object.entries(FILES_OF_ONE_KEY)) {
  test(`a file with a key of this kind runs the code of no other kind's SDK: ${name}`, () => {
    const { status, stderr, sdks } = sdksOf((env) => {
      const folder = env.HOME!;
      const file = join(folder, "s.json");
      writeFileSync(file, withKeys(keys));
      const all = { PATH: process.env.PATH ?? "", TSOPS_KMS_TIMEOUT: "5", ...needed, ...env };
      return spawnSync(PROGRAM, ["decrypt", file], { cwd: folder, encoding: "utf8", env: all });
    });
    assert.is(status, 128, stderr);
    assert.equal(
      sdks.filter((sdk) => !parts.includes(sdk)),
      [],
      stderr,
    );
    assert.ok(parts.length === 0 || sdks.includes(parts[0]!), stderr);
  });
}

test.run();
