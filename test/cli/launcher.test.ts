import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
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

test.run();
