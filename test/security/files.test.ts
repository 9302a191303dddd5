import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { inSandbox } from "../support/cli.ts";

const test = suite("files and links");
const SRC = new URL("../../src", import.meta.url).pathname;

const MANY = 200_000;
const times = (line: string): string => line.repeat(MANY);

/** Texts with very many keys that stand there twice, or comments. What the format refuses is said in its own words. */
const CROWDED: readonly (readonly [name: string, text: string, code: number])[] = [
  ["a.json", `{${times('"k":1,')}"k":1}`, 0],
  ["a.ini", `[s]\n${times("k = 1\n")}`, 0],
  ["a.env", times("K=1\n"), 0],
  ["a.yaml", times("k: 1\n"), 2],
  ["a.toml", times("k = 1\n"), 2],
  ["a.json5", `{${times("k:1,")}}`, 0],
  ["comments.json5", `{\n${times("// c\n")}a: 1}`, 0],
  ["comments.toml", `${times("# c\n")}a = 1\n`, 0],
  ["comments.ini", `${times("; c\n")}[s]\na = 1\n`, 0],
];

for (const [name, text, expected] of CROWDED) {
  test(`finding 23: ${MANY} lines alike in ${name} are no internal error`, () =>
    inSandbox(async (box) => {
      box.write(name, text);
      const { code, stderr } = await box.run(["encrypt", "-i", "--encrypted-regex", "^a$", name]);
      assert.is(code, expected, stderr.slice(0, 300));
      assert.not.match(stderr, /internal error/);
      if (code !== 0) return;
      const shown = await box.run(["decrypt", name]);
      assert.is(shown.code, 0, shown.stderr.slice(0, 300));
      assert.ok(shown.stdout === text, "the text comes back");
      const other = await box.run([
        "decrypt",
        "--output-type",
        name.endsWith("toml") ? "json5" : "toml",
        name,
      ]);
      assert.not.match(other.stderr, /internal error/);
    }));
}

test("finding 23: no list of any length is spread into the arguments of a call", () => {
  const files = readdirSync(SRC, { recursive: true, encoding: "utf8" }).filter((name) =>
    name.endsWith(".ts"),
  );
  const spread = /\b(push|unshift|splice|min|max|fromCharCode|fromCodePoint|concat|apply)\([^;()[{]*\.\.\./;
  const found = files.filter((name) =>
    spread.test(readFileSync(join(SRC, name), "utf8").replace(/^\s*\*.*$/gm, "")),
  );
  assert.equal(found, []);
});

test.run();
