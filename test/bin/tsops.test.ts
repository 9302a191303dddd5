import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
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
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";

/** A program with one part, as scripts/build.mjs makes them. */
const PROGRAM = `"use strict";
exports.name = "start";
Promise.resolve().then(() => require("./parts/late.cjs")).then(({ say }) => say(exports.name));
`;
const LATE = '"use strict";\nexports.say = (name) => console.log("late, after " + name);\n';

/** A command and what it is for: a run that only answers a question leaves no cache. */
const ARGS = ["decrypt", "a.yaml"];

let folder = "";
test.before.each(() => {
  folder = mkdtempSync(join(tmpdir(), "tsops-launcher-"));
  cpSync(fileURLToPath(new URL("../../bin", import.meta.url)), join(folder, "bin"), { recursive: true });
  mkdirSync(join(folder, "dist", "parts"), { recursive: true });
  writeFileSync(join(folder, "dist", "program.cjs"), PROGRAM);
  writeFileSync(join(folder, "dist", "parts", "late.cjs"), LATE);
});
test.after.each(() => rmSync(folder, { recursive: true, force: true }));

function runs(...flags: string[]): void {
  const program = join(folder, "bin", "tsops.js");
  const { status, signal, stdout } = spawnSync(process.execPath, [...flags, program, ...ARGS], {
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

test("a run that only answers a question leaves no code cache, which would hold too little for others", () => {
  const program = join(folder, "bin", "tsops.js");
  for (const args of [[], ["--version"], ["doctor"], ["encrypt", "--help"], ["set", "-h"]]) {
    const { stdout } = spawnSync(process.execPath, [program, ...args], { encoding: "utf8" });
    assert.is(stdout, "late, after start\n");
    assert.not.ok(readdirSync(join(folder, "dist")).includes("cache"), args.join(" "));
  }
  runs();
  assert.is(caches().size, 2);
});

test("what takes the place of a part is run at once, and has a code cache of its own", () => {
  const part = join(folder, "dist", "parts", "late.cjs");
  runs();
  // as long as the other: V8 compares no more than that
  writeFileSync(part, LATE.replace("late", "Late"));
  assert.is(says(), "Late, after start\n");
  assert.is(says(), "Late, after start\n");
  assert.is(caches().size, 3);
  writeFileSync(part, LATE);
  runs();
  assert.is(caches().size, 3);
});

test("a part is run once, however often it is asked for, and knows where it is", () => {
  const part = join(folder, "dist", "parts", "late.cjs");
  const lines = [
    `console.log(__filename === ${JSON.stringify(part)}, require("node:path").basename(__dirname));`,
    "exports.say = () => undefined;",
  ];
  writeFileSync(part, lines.join("\n"));
  writeFileSync(join(folder, "dist", "program.cjs"), `${PROGRAM}require("./parts/late.cjs");\n`);
  for (let times = 0; times < 2; times++) assert.is(says(), "true parts\n");
});

test("what another script holds is loaded when it is asked for, once, and is the same for both", () => {
  const [program, rest] = [join(folder, "dist", "program.cjs"), join(folder, "dist", "rest.cjs")];
  const asks = `Promise.resolve().then(() => require("./rest.cjs#late.ts")).then(({ say }) => say());`;
  writeFileSync(
    program,
    `const shared = {}; exports.moduleOf = (file) => file === "shared.ts" && shared; exports.own = shared;
     ${asks.repeat(2)}`,
  );
  writeFileSync(
    rest,
    `console.log("once"); const say = () => console.log(require("./program.cjs#shared.ts") === shared);
     const shared = require("./program.cjs#shared.ts"); exports.moduleOf = (file) => file === "late.ts" && { say };`,
  );
  assert.is(says(), "once\ntrue\ntrue\n");
});

test("a program that has ended still does what is open, and no more", () => {
  const open = {
    'require("node:fs/promises").readFile(__filename).then(() => console.log("read"));': "read\n",
    'setTimeout(() => console.log("waited"), 20);': "waited\n",
    'require("node:child_process").execFile("echo", ["ran"], (_, out) => console.log(out.trim()));': "ran\n",
    'Promise.resolve().then(() => 1).then(() => 2).then(() => console.log("settled"));': "settled\n",
    'setTimeout(() => console.log("never"), 20).unref();': "",
  };
  for (const [work, printed] of Object.entries(open)) {
    const program = `exports.ended = Promise.resolve().then(() => { ${work} });`;
    writeFileSync(join(folder, "dist", "program.cjs"), program);
    assert.is(says(), printed, work);
  }
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
  runs("--stack-size=900");
  const others = caches();
  runs();
  for (const [file, bytes] of caches()) assert.not.equal(bytes, others.get(file));
});

/** Caches that are looked for, and would say something else if they were run: what a stranger puts there. */
function plantCaches(): Map<string, Buffer> {
  const program = join(folder, "dist", "program.cjs");
  runs();
  const good = caches();
  // the same length, since that is all that V8 compares
  writeFileSync(program, PROGRAM.replace('"start"', '"other"'));
  assert.is(says(), "late, after other\n");
  const [strange] = [...caches()].filter(([name]) => !good.has(name));
  writeFileSync(program, PROGRAM);
  rmSync(join(folder, "dist", "cache"), { recursive: true });
  runs();
  const hash = createHash("sha256").update(PROGRAM).digest("hex").slice(0, 16);
  const name = [...good.keys()].find((file) => basename(file).startsWith(hash))!;
  writeFileSync(name, strange![1]);
  return caches();
}

const says = (): string =>
  spawnSync(process.execPath, [join(folder, "bin", "tsops.js"), ...ARGS], {
    encoding: "utf8",
    env: { PATH: process.env.PATH },
  }).stdout;

test("finding 17: whatever the umask, only the owner can write to the code cache", () => {
  for (const umask of ["000", "002", "077"]) {
    rmSync(join(folder, "dist", "cache"), { recursive: true, force: true });
    const program = join(folder, "bin", "tsops.js");
    const line = `umask ${umask}; exec "${process.execPath}" "${program}" ${ARGS.join(" ")}`;
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
  const { stdout } = spawnSync("setpriv", [...as, join(folder, "bin", "tsops.js"), ...ARGS], {
    encoding: "utf8",
  });
  assert.is(stdout, "late, after start\n");
  assert.not.ok(readdirSync(dist).includes("cache"));
  chownSync(dist, 54321, 54321);
  chmodSync(dist, 0o755);
  spawnSync("setpriv", [...as, join(folder, "bin", "tsops.js"), ...ARGS]);
  assert.is(caches().size, 2);
  // root's own run uses it, since the owner may change the program, too
  const kept = caches();
  runs();
  assert.equal(caches(), kept);
});

test.run();
