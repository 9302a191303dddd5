import { test } from "uvu";
import * as assert from "uvu/assert";
import { inSandbox } from "../support/cli.ts";

/** A comment that is typed below all else, as by editors that end no line. */
const TYPES = `sh -c 'printf "# SECRET" >> "$1"' sh`;

for (const flags of [[], ["--show-master-keys"]]) {
  test(`a comment that is typed at the end is encrypted: ${["edit", ...flags].join(" ")}`, () =>
    inSandbox(async (box) => {
      box.write("a.yaml", "a: 1\n");
      assert.is((await box.run(["encrypt", "-i", "a.yaml"])).code, 0);
      box.env = { ...box.env, EDITOR: TYPES };
      const { code, stderr } = await box.run(["edit", ...flags, "a.yaml"]);
      assert.is(code, 0, stderr);
      assert.not.match(box.read("a.yaml"), "SECRET");
      assert.is((await box.run(["decrypt", "a.yaml"])).stdout, "a: 1\n# SECRET");
    }));
}

test("unset leaves no comment in plaintext that stood between the metadata and the key", () =>
  inSandbox(async (box) => {
    box.write("a.yaml", "a: 1\n  # SECRET\nb: |\n  x");
    assert.is((await box.run(["encrypt", "-i", "a.yaml"])).code, 0);
    const { code, stderr } = await box.run(["unset", "a.yaml", '["a"]']);
    assert.is(code, 0, stderr);
    assert.not.match(box.read("a.yaml"), "SECRET");
    assert.is((await box.run(["decrypt", "a.yaml"])).stdout, "  # SECRET\nb: |\n  x");
  }));

for (const indent of ["", "  ", "    ", "      "]) {
  test(`set encrypts a comment that was typed below the metadata, indented by ${indent.length}`, () =>
    inSandbox(async (box) => {
      box.write("a.yaml", "a: 1\nb: |\n    text\n    more\n");
      assert.is((await box.run(["encrypt", "-i", "a.yaml"])).code, 0);
      // as SOPS writes it: a seal would not hold with the comment
      const bare = box.read("a.yaml").replace(/^ +tsops:\n( {8}.*\n)+/m, "");
      assert.not.match(bare, "seal");
      box.write("a.yaml", `${bare}${indent}# SECRET\n`);
      const { code, stderr } = await box.run(["set", "a.yaml", '["a"]', "5"]);
      assert.is(code, 0, stderr);
      assert.not.match(box.read("a.yaml"), "SECRET");
      const { stdout } = await box.run(["decrypt", "a.yaml"]);
      // what is indented as the lines above would be one of them
      const column = indent.length < 4 ? indent : "";
      assert.is(stdout, `a: 5\nb: |\n    text\n    more\n${column}# SECRET\n`);
    }));
}

test.run();
