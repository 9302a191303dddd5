import { test } from "uvu";
import * as assert from "uvu/assert";
import { Sides } from "../support/interop/sides.ts";

/* SOPS reads a file that holds conflicts of a merge: it gives our side. */
const TEXTS = {
  yaml: "a: base\nb: other\n",
  json: '{\n\t"a": "base",\n\t"b": "other"\n}\n',
  env: "a=base\nb=other\n",
  ini: "[s]\na = base\nb = other\n",
};

const sides = new Sides();

for (const [extension, text] of Object.entries(TEXTS)) {
  test(`SOPS decrypts a ${extension} file in conflict, and drops the conflicts when it writes it`, () => {
    const [base, ours, theirs] = ["base", "ours", "theirs"].map((name) => `${name}.${extension}`) as [
      string,
      string,
      string,
    ];
    sides.write(`plain.${extension}`, text);
    const encrypted = sides.tsops(["encrypt", `plain.${extension}`]).stdout;
    for (const [name, value] of [
      [base, undefined],
      [ours, '"mine"'],
      [theirs, '"yours"'],
    ] as const) {
      sides.write(name, encrypted);
      const path = extension === "ini" ? '["s"]["a"]' : '["a"]';
      if (value) assert.is(sides.tsops(["set", name, path, value]).code, 0);
    }
    assert.is(sides.tsops(["git", "merge", base, ours, theirs]).code, 1);
    assert.match(String(sides.read(ours)), /conflicts/);
    const read = sides.sops(["decrypt", ours]);
    assert.is(read.code, 0, String(read.stderr));
    assert.match(String(read.stdout), "mine");
    assert.not.match(String(read.stdout), "yours");
    const path = extension === "ini" ? '["s"]["b"]' : '["b"]';
    assert.is(sides.sops(["set", ours, path, '"more"']).code, 0);
    assert.not.match(String(sides.read(ours)), /conflicts/);
    assert.is(sides.tsops(["decrypt", ours]).code, 0);
  });
}

test.run();
