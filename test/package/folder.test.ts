import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { installed } from "../support/callers.ts";

/* What the built program reads where it is started: packages that are inside look for files of their own at times. */

/** Before the program runs: writes down which files it looks for. */
const SPY = `
const fs = require("node:fs");
const { appendFileSync } = fs;
for (const name of ["readFileSync", "statSync", "lstatSync", "existsSync", "readdirSync", "openSync", "accessSync"]) {
  const real = fs[name];
  fs[name] = (path, ...more) => {
    appendFileSync.call(fs, process.env.SEEN, String(path) + "\\n");
    return real(path, ...more);
  };
}
require("node:module").syncBuiltinESMExports();`;

test("help reads no package.json and no locale of the current folder, and none of its own that is not there", () => {
  const folder = mkdtempSync(join(tmpdir(), "tsops-folder-"));
  try {
    const seen = join(folder, "seen");
    writeFileSync(seen, "");
    writeFileSync(join(folder, "spy.cjs"), SPY);
    writeFileSync(join(folder, "package.json"), '{ "version": "6.6.6", "yargs": { "strip-dashed": true } }');
    const argv = ["--require", join(folder, "spy.cjs"), installed("TSOPS"), "encrypt", "--help"];
    const env = { PATH: process.env.PATH, HOME: folder, SEEN: seen };
    const { status, stdout } = spawnSync(process.execPath, argv, { cwd: folder, encoding: "utf8", env });
    assert.is(status, 0);
    assert.match(stdout, "tsops encrypt");
    const paths = readFileSync(seen, "utf8").split("\n");
    assert.ok(paths.some((path) => path.endsWith("yargs.cjs")));
    assert.equal(
      paths.filter((path) => path.startsWith(folder)),
      [],
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test.run();
