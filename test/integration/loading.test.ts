import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { FILES_OF_ONE_KEY, withKeys } from "../support/integration/one-key.ts";
import { installed, scratch } from "../support/integration/servers.ts";

/*
 * Which parts (dist/parts) the program loads for a file with one key of one kind: they are seen when they are read. The
 * keys are real enough for the SDK to be asked, and every address is one where nothing listens.
 */

/** Before the program runs. */
const PRELOAD = `
const fs = require("node:fs");
const { basename, dirname } = require("node:path");
const { appendFileSync, openSync } = fs;
fs.openSync = (path, ...more) => {
  if (typeof path === "string" && basename(dirname(path)) === "parts")
    appendFileSync(process.env.LOADED, basename(path, ".cjs") + "\\n");
  return openSync(path, ...more);
};`;

for (const [name, { keys, env = {}, parts }] of Object.entries(FILES_OF_ONE_KEY)) {
  test(`a file with a key of this kind loads no part of another: ${name}`, () => {
    const folder = scratch();
    const preload = join(folder, "preload.cjs");
    writeFileSync(preload, PRELOAD);
    const loaded = join(folder, "loaded");
    writeFileSync(loaded, "");
    const file = join(folder, "s.json");
    writeFileSync(file, withKeys(keys));
    const { status, stderr } = spawnSync(
      process.execPath,
      ["--require", preload, installed("TSOPS"), "decrypt", file],
      {
        cwd: folder,
        encoding: "utf8",
        env: {
          PATH: process.env.PATH,
          HOME: folder,
          TSOPS_KMS_TIMEOUT: "5",
          LOADED: loaded,
          ...env,
        },
      },
    );
    assert.is(status, 128, stderr);
    const seen = [...new Set(readFileSync(loaded, "utf8").split("\n").filter(Boolean))];
    assert.equal(
      seen.filter((part) => !parts.includes(part)),
      [],
      stderr,
    );
    assert.ok(parts.length === 0 || seen.includes(parts[0]!), stderr);
  });
}

test.run();
