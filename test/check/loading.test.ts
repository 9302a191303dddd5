import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { inSandbox, RECIPIENT } from "../support/cli.ts";
import { LOADER, modulePath } from "../support/program.ts";

/** Writes down what is imported, to the file that a variable names. */
const LOGGING = `import { appendFileSync } from "node:fs";
export async function resolve(name, context, next) {
  const found = await next(name, context);
  appendFileSync(process.env.LOADED, found.url + "\\n");
  return found;
}`;

test("without a key to use, no SDK is loaded and nothing that uses keys: only what reads options and expressions", () =>
  inSandbox(async (box) => {
    box.env.SOPS_AGE_RECIPIENTS = undefined;
    box.write(".sops.yaml", `creation_rules:\n  - path_regex: ^f\\.\n    age: ${RECIPIENT}\n`);
    for (const [name, text] of [
      ["f.yaml", "a: 1\n"],
      ["f.json", '{"a": 1}\n'],
      ["f.env", "A=1\n"],
    ] as const) {
      box.write(name, text);
      assert.is((await box.run(["encrypt", "-i", name])).code, 0);
    }
    box.write("code.txt", "redis://:hunter2x@db\n");
    const hooks = join(box.root, "hooks.mjs");
    const register = join(box.root, "register.mjs");
    const loaded = join(box.root, "loaded");
    writeFileSync(hooks, LOGGING);
    writeFileSync(
      register,
      `import { register } from "node:module";\nregister(${JSON.stringify(`file://${hooks}`)});\n`,
    );
    writeFileSync(loaded, "");
    const argv = [...LOADER, "--import", register, modulePath("src/cli/main.ts"), "check"];
    const { status, stdout, stderr } = spawnSync(process.execPath, argv, {
      cwd: box.folder,
      env: { ...(box.env as NodeJS.ProcessEnv), LOADED: loaded },
      encoding: "utf8",
    });
    assert.is(status, 1, stdout + stderr);
    assert.match(stdout, "4 files: 1 error");
    const urls = readFileSync(loaded, "utf8").split("\n");
    const packages = urls.flatMap((url) => /\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url)?.[1] ?? []);
    const known = [
      "tsx",
      "esbuild",
      "get-tsconfig",
      "resolve-pkg-maps",
      "@scure/base",
      "yargs-parser",
      "re2js",
    ];
    assert.equal(
      [...new Set(packages)].filter((name) => !known.includes(name)),
      [],
    );
    assert.equal(
      urls.filter((url) => /\/keys\/(?!age\/)\w+\/(?:use|client|sdk)\.[jt]s/.test(url)),
      [],
    );
    assert.ok(urls.some((url) => /\/check\//.test(url)) || urls.length > 5, urls.join("\n"));
  }));

test.run();
