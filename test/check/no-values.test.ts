import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { inSandbox, RECIPIENT } from "../support/cli.ts";

/*
 * Whatever is wrong with a file, and wherever its secret stands: no report holds it, in none of the outputs. Names of keys
 * are no secrets, and are printed.
 */

const MARK = "hunter2mark";
const TOKEN = `ghp_${"aB3xK9mQ2".repeat(4)}`;

const PLAIN: Readonly<Record<string, string>> = {
  "f.yaml": "a: one\nb_unencrypted: two\nlist:\n  - three\n  - four\n# note\ntext: |\n  five\n  six\n",
  "f.json": '{\n\t"a": "one",\n\t"b_unencrypted": "two",\n\t"list": ["three", "four"]\n}\n',
  "f.json5": "{\n  // note\n  a: 'one',\n  b_unencrypted: 'two',\n  list: ['three', 'four'],\n}\n",
  "f.toml": '# note\na = "one"\nb_unencrypted = "two"\nlist = ["three", "four"]\n',
  "f.ini": "[s]\n; note\na = one\nb_unencrypted = two\n",
  "f.env": "# note\nA=one\nB_unencrypted=two\n",
  "f.txt": "one\ntwo\n",
};

/** What somebody may have put into a file. */
const piece = fc.constantFrom(
  MARK,
  ` ${MARK} `,
  `"${MARK}"`,
  `'${MARK}`,
  `# ${MARK}`,
  `\n# ${MARK}\n`,
  `\n<<<<<<< ${MARK}\n`,
  `\n=======\n>>>>>>> ${MARK}\n`,
  `https://bob:${MARK}@db.internal/x`,
  `Bearer ${TOKEN}`,
  TOKEN,
  `\u0000${MARK}`,
  `\ufeff${MARK}`,
  `ENC[${MARK}]`,
  `ENC[AES256_GCM,data:${MARK},iv:${MARK},tag:${MARK},type:str]`,
  `-----BEGIN EC PRIVATE ${"KEY"}-----\\n${MARK.repeat(10)}`,
);

/** Where values are: pieces that land in a name, or in a recipient, would be printed as one. */
const VALUE = /ENC\[[^\]]*\]|\b(?:one|two|three|four|five|six)\b|v2:\S+/g;

for (const [name, plain] of Object.entries(PLAIN)) {
  test(`no report holds a value: ${name}`, () =>
    inSandbox(async (box) => {
      box.env.SOPS_AGE_RECIPIENTS = undefined;
      box.write(".sops.yaml", `creation_rules:\n  - path_regex: ^f\\.\n    age: ${RECIPIENT}\n`);
      box.write(name, plain);
      assert.is((await box.run(["encrypt", "-i", name])).code, 0);
      const encrypted = box.read(name);
      const edit = fc.record({ piece, place: fc.nat(), inside: fc.nat(), replaces: fc.boolean() });
      await fc.assert(
        fc.asyncProperty(
          fc.constantFrom(plain, encrypted),
          fc.array(edit, { minLength: 1, maxLength: 3 }),
          async (text, edits) => {
            for (const { piece: put, place, inside, replaces } of edits) {
              const values = [...text.matchAll(VALUE)].filter(([value]) => !value.includes(MARK));
              const match = values[place % values.length];
              if (!match) continue;
              const [value] = match;
              const at = match.index + (inside % (value.length + 1));
              const [start, end] = replaces ? [match.index, match.index + value.length] : [at, at];
              text = text.slice(0, start) + put + text.slice(end);
            }
            box.write(name, text);
            for (const output of ["text", "json", "sarif"]) {
              const { code, stdout, stderr } = await box.run([
                "check",
                "--decrypt",
                "--output",
                output,
                name,
              ]);
              assert.ok(code <= 2, `${code}: ${stderr}`);
              const said = stdout + stderr;
              assert.not.ok(said.includes(MARK), said);
              assert.not.ok(said.includes(TOKEN), said);
            }
          },
        ),
        { numRuns: 60 },
      );
    }));
}

test.run();
