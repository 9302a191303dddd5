import { spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";

/** A program of two small scripts, made as scripts/program.mjs makes them. */
const START = `// 0123456789abcdef
(function(exports,require,module,__filename,__dirname,__import){"use strict";
exports.shared = () => ({ name: "start" });
__import("pack:src/late.ts").then(({ say }) => say());
})`;
const REST = `// fedcba9876543210
(function(exports,require,module,__filename,__dirname,__import){"use strict";
exports.modules = { "src/late.ts": async () => ({ say: () => console.log("late, after", require("start:src/a.ts").name) }) };
})`;

let folder = "";
test.before.each(() => {
  folder = mkdtempSync(join(tmpdir(), "tsops-launcher-"));
  cpSync(fileURLToPath(new URL("../../bin", import.meta.url)), join(folder, "bin"), { recursive: true });
  mkdirSync(join(folder, "dist"));
  writeFileSync(join(folder, "dist", "start.js"), START);
  writeFileSync(join(folder, "dist", "rest.js"), REST);
});
test.after.each(() => rmSync(folder, { recursive: true, force: true }));

function runs(...flags: string[]): void {
  const program = join(folder, "bin", "tsops.js");
  const { status, signal, stdout } = spawnSync(process.execPath, [...flags, program], {
    encoding: "utf8",
    env: { PATH: process.env.PATH },
  });
  assert.equal({ status, signal, stdout }, { status: 0, signal: null, stdout: "late, after start\n" });
}

function caches(): Map<string, Buffer> {
  const cache = join(folder, "dist", "cache");
  return new Map(readdirSync(cache).map((name) => [join(cache, name), readFileSync(join(cache, name))]));
}

test("the first run leaves a code cache of each script, which the next ones leave alone", () => {
  runs();
  const first = caches();
  assert.is(first.size, 2);
  runs();
  assert.equal(caches(), first);
});

test("an SDK, and a package that stays a file of its own, have code caches too; another file is used at once", () => {
  const sdk = 'exports.name = "the SDK";';
  writeFileSync(
    join(folder, "dist", "sdk-cloud.js"),
    `// aaaaaaaaaaaaaaaa\n(function(exports,require,module){${sdk}\n})`,
  );
  const packaged = join(folder, "node_modules", "openpgp");
  mkdirSync(packaged, { recursive: true });
  writeFileSync(
    join(packaged, "package.json"),
    '{"exports": {"require": "./one.cjs", "import": "./none.mjs"}}',
  );
  const late = 'const { say } = await __import("pack:src/late.ts"); say();';
  const used = `for (const name of ["sdk:cloud", "openpgp"]) if (!(await __import(name)).name) throw new Error(name);
    if ((await __import("openpgp")).name !== require("node:fs").readFileSync(__dirname + "/expected", "utf8")) throw new Error("another file");`;
  writeFileSync(
    join(folder, "dist", "start.js"),
    START.replace(/__import\(.*/, `(async () => { ${used} ${late} })();`),
  );
  for (const name of ["one", "two"]) {
    // as long as the other
    writeFileSync(join(packaged, "one.cjs"), `exports.name = "${name}";`);
    writeFileSync(join(folder, "dist", "expected"), name);
    for (let times = 0; times < 2; times++) runs();
  }
  assert.is(caches().size, 5);
});

test("a damaged code cache does no harm, and is made anew", () => {
  runs();
  const good = caches();
  for (const [file, bytes] of good) {
    const zeroed = Buffer.from(bytes);
    zeroed.fill(0, bytes.length / 2, bytes.length / 2 + 64);
    const others = [...good.values()].find((other) => other !== bytes)!;
    for (const damaged of [zeroed, bytes.subarray(0, 100), Buffer.from("rubbish"), Buffer.alloc(0), others]) {
      writeFileSync(file, damaged);
      runs();
      assert.not.equal(readFileSync(file), damaged);
      runs();
    }
  }
});

test("a code cache that was made under other flags of V8 is made anew", () => {
  runs("--interrupt-budget=540000");
  const others = caches();
  runs();
  for (const [file, bytes] of caches()) assert.not.equal(bytes, others.get(file));
});

/** Caches that would say something else if they were run: what a stranger puts there. */
function plantCaches(): Map<string, Buffer> {
  const strange = join(folder, "dist", "start.js");
  runs();
  const good = caches();
  // the same length, since that is all that V8 compares
  writeFileSync(strange, START.replace('"start" }', '"other" }'));
  rmSync(join(folder, "dist", "cache"), { recursive: true });
  spawnSync(process.execPath, [join(folder, "bin", "tsops.js")], { env: { PATH: process.env.PATH } });
  const bad = caches();
  writeFileSync(strange, START);
  assert.equal([...bad.keys()], [...good.keys()]);
  return bad;
}

const says = (): string =>
  spawnSync(process.execPath, [join(folder, "bin", "tsops.js")], {
    encoding: "utf8",
    env: { PATH: process.env.PATH },
  }).stdout;

test("finding 17: whatever the umask, only the owner can write to the code cache", () => {
  for (const umask of ["000", "002", "077"]) {
    rmSync(join(folder, "dist", "cache"), { recursive: true, force: true });
    const program = join(folder, "bin", "tsops.js");
    const line = `umask ${umask}; exec "${process.execPath}" "${program}"`;
    assert.is(spawnSync("sh", ["-c", line], { encoding: "utf8" }).stdout, "late, after start\n");
    assert.is(statSync(join(folder, "dist", "cache")).mode & 0o7777, 0o755, umask);
    assert.is(caches().size, 2);
    for (const file of caches().keys()) assert.is(statSync(file).mode & 0o7777, 0o644, umask);
  }
});

test("finding 17: a code cache that others can have written is not run, and made anew", () => {
  const bad = plantCaches();
  const cache = join(folder, "dist", "cache");
  // the attack works where nobody looks at modes and owners
  assert.is(says(), "late, after other\n");
  const spoil: (() => void)[] = [
    () => chmodSync(cache, 0o777),
    () => chmodSync(cache, 0o775),
    () => {
      for (const file of bad.keys()) chmodSync(file, 0o666);
    },
    () => {
      for (const file of bad.keys()) {
        renameSync(file, `${file}.real`);
        symlinkSync(`${file}.real`, file);
      }
    },
  ];
  if (process.getuid?.() === 0) {
    spoil.push(
      () => chownSync(cache, 54321, 54321),
      () => {
        for (const file of bad.keys()) chownSync(file, 54321, 54321);
      },
    );
  }
  for (const [i, make] of spoil.entries()) {
    rmSync(cache, { recursive: true, force: true });
    mkdirSync(cache, { mode: 0o755 });
    chmodSync(cache, 0o755);
    for (const [file, bytes] of bad) {
      writeFileSync(file, bytes);
      chmodSync(file, 0o644);
    }
    make();
    assert.is(says(), "late, after start\n", `${i}`);
    assert.is(says(), "late, after start\n", `${i} again`);
  }
});

test("finding 17: a cache is kept by the owner of the program and by root, and by nobody else", () => {
  if (process.getuid?.() !== 0) return;
  const dist = join(folder, "dist");
  chmodSync(folder, 0o755);
  chmodSync(dist, 0o777);
  const as = ["--reuid", "54321", "--regid", "54321", "--clear-groups", process.execPath];
  const { stdout } = spawnSync("setpriv", [...as, join(folder, "bin", "tsops.js")], { encoding: "utf8" });
  assert.is(stdout, "late, after start\n");
  assert.not.ok(readdirSync(dist).includes("cache"));
  chownSync(dist, 54321, 54321);
  chmodSync(dist, 0o755);
  spawnSync("setpriv", [...as, join(folder, "bin", "tsops.js")]);
  assert.is(caches().size, 2);
  // root's own run uses it, since the owner may change the program, too
  const kept = caches();
  runs();
  assert.equal(caches(), kept);
});

test.run();
