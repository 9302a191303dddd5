import { test } from "uvu";
import * as assert from "uvu/assert";
import { inSandbox } from "../../support/cli.ts";

/** An encrypted file without the block that lists its keys. */
const withoutKeys = (text: string) => text.replace(/ {4}age:\n(?: {8}.*\n)+/, "");

test("filestatus says whether a file is encrypted", () =>
  inSandbox(async (box) => {
    box.write("plain.yaml", "a: x\n");
    box.write("f.yaml", "a: x\n");
    await box.run(["encrypt", "-i", "f.yaml"]);
    assert.is((await box.run(["filestatus", "plain.yaml"])).stdout, '{"encrypted":false}\n');
    assert.is((await box.run(["filestatus", "f.yaml"])).stdout, '{"encrypted":true}\n');
    const encrypted = box.read("f.yaml");
    for (const field of ["mac", "version"]) {
      box.write("g.yaml", encrypted.replace(new RegExp(`\\n {4}${field}: .*`), ""));
      assert.is((await box.run(["filestatus", "g.yaml"])).stdout, '{"encrypted":false}\n', field);
    }
  }));

test("filestatus fails where decrypting could not begin", () =>
  inSandbox(async (box) => {
    box.write("f.yaml", "a: x\n");
    await box.run(["encrypt", "-i", "f.yaml"]);
    const encrypted = box.read("f.yaml");
    const damaged: Record<string, string> = {
      "no keys": withoutKeys(encrypted),
      "an empty list of keys": withoutKeys(encrypted).replace("sops:\n", "sops:\n    age: []\n"),
      "keys that are a text": withoutKeys(encrypted).replace("sops:\n", "sops:\n    age: x\n"),
      "a threshold that is no number": encrypted.replace("sops:\n", "sops:\n    shamir_threshold: x\n"),
    };
    for (const [what, text] of Object.entries(damaged)) {
      assert.is.not(text, encrypted, what);
      box.write("g.yaml", text);
      for (const command of ["filestatus", "decrypt"]) {
        const { code, stdout } = await box.run([command, "g.yaml"]);
        assert.is(code, 1, `${command}: ${what}`);
        assert.is(stdout, "");
      }
    }
  }));

test.run();
