import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { sharedOptions } from "../../scripts/bundle.mjs";
import { buildProgram } from "../../scripts/program.mjs";

/** A program that is as small as the build lets it be: what starts, what is loaded later, what both use. */
const SOURCES: Readonly<Record<string, string>> = {
  "formats/yaml/index.ts": 'export const yaml = () => import("../later.ts");',
  "formats/later.ts": `import { delete as drop, Shared } from "../both.ts";
    export const later = () => [new Shared(), drop()];`,
  "config/sops-yaml.ts": "export {};",
  "config/user.ts": "export {};",
  "cli/commands/decrypt/run.ts": "export {};",
  "cli/commands/git/textconv.ts": "export {};",
  "cli/main.ts": `import { Shared } from "../both.ts"; import { yaml } from "../formats/yaml/index.ts";
    export const ended = yaml().then(({ later }) => console.log(later()[0] instanceof Shared, later()[1]));`,
  "both.ts": 'export class Shared {} const drop = () => "dropped"; export { drop as delete };',
};

/** In a folder of its own, with some of the sources as they are given here. */
async function inProgram(sources: Readonly<Record<string, string>>, look: (root: string) => Promise<void>) {
  const root = mkdtempSync(join(tmpdir(), "tsops-program-"));
  try {
    for (const [name, text] of Object.entries({ ...SOURCES, ...sources })) {
      mkdirSync(dirname(join(root, "src", name)), { recursive: true });
      writeFileSync(join(root, "src", name), `${text}\n`);
    }
    cpSync(fileURLToPath(new URL("../../bin", import.meta.url)), join(root, "bin"), { recursive: true });
    await look(root);
  } finally {
    rmSync(root, { recursive: true });
  }
}

async function built(root: string): Promise<string[]> {
  await buildProgram(root, sharedOptions(root), join(root, "dist"));
  return ["program.cjs", "rest.cjs"].map((name) => readFileSync(join(root, "dist", name), "utf8"));
}

test("a module is in one of the two scripts, the other has it from there, and they are the same bytes anywhere", () =>
  inProgram({}, async (root) => {
    const scripts = await built(root);
    assert.equal(
      scripts.map((text) => text.includes("dropped")),
      [true, false],
    );
    const argv = [join(root, "bin", "tsops.js"), "decrypt", "a.yaml"];
    const { stdout, stderr } = spawnSync(process.execPath, argv, { encoding: "utf8" });
    assert.equal([stdout, stderr], ["true dropped\n", ""]);
    await inProgram({}, async (another) => assert.equal(await built(another), scripts));
  }));

test("what would not get from one script into the other ends the build", async () => {
  for (const line of ["export default 1;", 'export * from "./config/more.ts";']) {
    const sources = {
      "both.ts": `${SOURCES["both.ts"]}\n${line}`,
      "config/more.ts": "export const more = 1;",
    };
    await inProgram(sources, async (root) => {
      const error = await built(root).catch((e: unknown) => e);
      assert.match(String(error), "src/both.ts: only what is exported by a name gets into another script");
    });
  }
});

test.run();
