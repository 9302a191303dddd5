import { chmodSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { generateDotenv, generateIni, generateJson } from "../support/generate/others.ts";
import { generateYaml } from "../support/generate/yaml.ts";
import { contentDifference } from "../support/golden/content.ts";
import { persisting } from "../support/golden/masks.ts";
import { type Outcome, Sides } from "../support/interop/sides.ts";

/*
 * One file, changed in turn by tsops and by SOPS: each must read what the other left, and keep what it did not change.
 */
const KINDS = [
  { extension: "yaml", generate: generateYaml, path: '["added"]' },
  { extension: "json", generate: generateJson, path: '["added"]' },
  { extension: "env", generate: generateDotenv, path: '["added"]' },
  { extension: "ini", generate: generateIni, path: '["added"]["key"]' },
] as const;
const DOCUMENTS = 12;

const sides = new Sides();
const editor = sides.path("editor.sh");
sides.write("editor.sh", `#!/bin/sh\nsed -i 's/first value/second value/' "$1"\n`);
chmodSync(editor, 0o700);

for (const { extension, generate, path } of KINDS) {
  for (let seed = 3000; seed < 3000 + DOCUMENTS; seed++) {
    test(`changes to ${extension} document ${seed}`, () => {
      const file = `${seed}.${extension}`;
      sides.write(file, generate(seed));
      // SOPS refuses few of the documents, and reads fewer of its own files not at all
      if (sides.sops(["encrypt", "--in-place", file]).code !== 0) return;
      const before = sides.sops(["decrypt", file]);
      if (before.code === 0) changeInTurn(file, path, before);
    });
  }
}

function changeInTurn(file: string, path: string, before: Outcome): void {
  const original = sides.read(file)!;
  succeeds(sides.tsops(["set", file, path, '"first value"']), "tsops set");
  keepsCiphertexts(file, original);
  assert.match(sopsReads(file), "first value");

  succeeds(sides.tsops(["edit", file], { EDITOR: editor }), "tsops edit");
  keepsCiphertexts(file, original);
  assert.match(sopsReads(file), "second value");

  succeeds(sides.tsops(["rotate", "--in-place", file]), "tsops rotate");
  assert.equal(
    persisting(latin1(original), latin1(sides.read(file)!)),
    [],
    "rotating left ciphertexts as they were",
  );
  assert.match(sopsReads(file), "second value");

  succeeds(sides.sops(["set", file, path, '"third value"']), "SOPS set");
  assert.match(
    succeeds(sides.tsops(["decrypt", file]), "tsops decrypt").stdout.toString("latin1"),
    "third value",
  );

  succeeds(sides.tsops(["unset", file, path]), "tsops unset");
  const left = sopsReads(file).replace(/\[added\]\s*/, ""); // SOPS's INI keeps the empty section
  const difference = contentDifference(left, latin1(before.stdout), { moreComments: true });
  assert.not(difference, `after all this SOPS reads ${difference}:\n${left}`);
}

/** A whole list or object that tsops sets is one for SOPS, which cannot set lists itself. */
for (const extension of ["yaml", "json"] as const) {
  test(`a tree that is set in ${extension}`, () => {
    const file = `tree.${extension}`;
    sides.write(
      file,
      extension === "json" ? '{\n  "a": {"b": 1},\n  "c": 2\n}\n' : "a:\n  b: 1\nc: |\n  2\n",
    );
    succeeds(sides.tsops(["encrypt", "--in-place", file]), "tsops encrypt");
    for (const value of [
      '[1, "x", [true, {"y": 1.5}], {}, []]',
      '{"k": ["<&>", "two\\nlines\\n"], "big": 9007199254740993, "e": {"f": []}}',
      '"text"',
      '{"l": [[[]]]}',
    ]) {
      succeeds(sides.tsops(["set", file, '["a"]', value]), "tsops set");
      const read = latin1(
        succeeds(sides.sops(["decrypt", "--output-type", "json", file]), "SOPS decrypt").stdout,
      );
      const exact = (text: string) =>
        JSON.stringify(JSON.parse(text.replaceAll("9007199254740993", '"big"')));
      const [, a] = /^\{"a":(.*),"c":/.exec(exact(read))!;
      assert.is(a, exact(value));
    }
  });
}

/** What tsops did not change has the ciphertext that it had; only the MAC is new. */
function keepsCiphertexts(file: string, original: Buffer): void {
  const values = latin1(original).replace(/mac"?\s*[:=]\s*"?ENC\[[^\]]*\]/g, "");
  const count = values.split("ENC[").length - 1;
  const kept = persisting(values, latin1(sides.read(file)!)).length;
  assert.is(kept, count, `${count - kept} ciphertexts changed that need not have`);
}

function sopsReads(file: string): string {
  return latin1(succeeds(sides.sops(["decrypt", file]), "SOPS decrypt").stdout);
}

function succeeds(outcome: Outcome, what: string): Outcome {
  assert.is(outcome.code, 0, `${what}: ${outcome.stderr}`);
  return outcome;
}

const latin1 = (bytes: Buffer): string => bytes.toString("latin1");

test.after(() => sides.close());
test.run();
