import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { TsopsError } from "../../../src/errors.ts";
import { buildTrees } from "../../../src/formats/build.ts";
import type { PathElement } from "../../../src/formats/format.ts";
import { applyEdits } from "../../../src/formats/text.ts";
import { toml } from "../../../src/formats/toml/index.ts";
import { type Tree, TreeList, TreeMap } from "../../../src/formats/tree.ts";
import { canonical, METADATA, modelSet, modelUnset, pathsOf } from "../../support/formats/laws.ts";
import { tomlDocuments } from "../../support/formats/toml-texts.ts";
import { trees } from "../../support/formats/trees.ts";

fc.configureGlobal({ includeErrorInReport: true });

function treeOf(text: string): TreeMap {
  return buildTrees(toml.read(text).entries, 1)[0]!;
}

function adding(text: string): string {
  return applyEdits(text, toml.addMetadata(toml.read(text), METADATA, {}));
}

function setting(text: string, path: PathElement[], value: Tree): string {
  return applyEdits(text, toml.set(toml.read(text), path, value, {}));
}

function unsetting(text: string, path: PathElement[]): string {
  return applyEdits(text, toml.unset(toml.read(text), path));
}

test("set puts new keys behind their neighbours", () => {
  const text = `# top
a = 1
d.e = 2

[t]
  x = 'y' # x
  l = [1, 2]

# about u
[u.v]

[[m]]
n = 1
`;
  assert.is(setting(text, ["a"], "s"), text.replace("a = 1", 'a = "s"'));
  assert.is(setting(text, ["b"], 5n), text.replace("d.e = 2\n", "d.e = 2\nb = 5\n"));
  assert.is(setting(text, ["d", "f", "g"], true), text.replace("d.e = 2\n", "d.e = 2\nd.f.g = true\n"));
  assert.is(setting(text, ["t", "x"], "z"), text.replace("'y'", "'z'"));
  assert.is(setting(text, ["t", "z z"], 1), text.replace("[1, 2]\n", '[1, 2]\n  "z z" = 1.0\n'));
  assert.is(setting(text, ["t", "l", 9], new TreeList([true])), text.replace("[1, 2]", "[1, 2, [true]]"));
  assert.is(setting(text, ["t", "l", 0], TreeMap.of([["k", 1n]])), text.replace("[1, 2]", "[{ k = 1 }, 2]"));
  assert.is(setting(text, ["u", "w"], 1n), text.replace("# about u\n", "[u]\nw = 1\n\n# about u\n"));
  assert.is(setting(text, ["u", "v", "w"], "a\nb"), text.replace("[u.v]\n", '[u.v]\nw = """\na\nb"""\n'));
  assert.is(setting(text, ["m", 5, "n"], 2n), `${text}\n[[m]]\nn = 2\n`);
  assert.is(setting(text, ["m", 0, "o", 0], 2n), text.replace("n = 1\n", "n = 1\no = [2]\n"));
  const nested = TreeMap.of([["p", TreeMap.of([["q", 1n]])]]);
  assert.is(setting(text, ["m", 0], nested), text.replace("n = 1", "\n[m.p]\nq = 1"));
  assert.is(setting("", ["a", "b"], 1n), "a.b = 1\n");
  assert.is(setting("# c", ["a"], 1n), "# c\na = 1\n");
  assert.is(setting("# c\n\n# t\n[t]\n", ["a"], 1n), "# c\n\na = 1\n\n# t\n[t]\n");
  assert.is(setting("a = {}", ["a", "b"], 1n), "a = { b = 1 }");
  assert.is(setting("a = { b.c = 1 } # x", ["a", "b", "d"], 2n), "a = { b.c = 1, b.d = 2 } # x");
  assert.is(
    setting("a = [\n  1, # one\n  2 # two\n]\n", ["a", 2], 3n),
    "a = [\n  1, # one\n  2, # two\n  3\n]\n",
  );
  assert.is(setting("a = [\n  1,\n  2, # two\n]\n", ["a", 2], 3n), "a = [\n  1,\n  2, # two\n  3,\n]\n");
  assert.is(setting("a = 1\n\n[sops]\nmac = 'm'\n", ["b"], 2n), "a = 1\nb = 2\n\n[sops]\nmac = 'm'\n");
});

test("a line of a text that looks like a comment is none: nothing goes into the text", () => {
  for (const quotes of ["'''", '"""']) {
    const above = `a = ${quotes}\n# x\n# y${quotes}\n`;
    const text = `${above}[t.u]\n`;
    assert.is(setting(text, ["t", "n"], 1n), `${above}[t]\nn = 1\n\n[t.u]\n`);
    const inList = `# c\na = [${quotes}\n# x${quotes}]\n`;
    assert.is(setting(`${inList}# t\n[t.u]\n`, ["t", "n"], 1n), `${inList}[t]\nn = 1\n\n# t\n[t.u]\n`);
  }
  assert.is(setting("# x\n[t.u]\n", ["a"], 1n), "a = 1\n\n# x\n[t.u]\n");
});

test("set refuses what has no place", () => {
  const fails = (path: PathElement[], value: Tree, code: string) =>
    assert.throws(
      () => setting("a = [1]\n[t]\n[[l]]\n", path, value),
      (error: TsopsError) => error.code === code,
    );
  fails([], 1n, "bad-path");
  fails([0], 1n, "bad-path");
  fails(["a", "x"], 1n, "bad-path");
  fails(["l", "x"], 1n, "bad-path");
  fails(["l", 1], 1n, "print");
  fails(["l", 0], "x", "print");
  fails(["t", "x"], null, "print");
});

test("unset takes lines and sections", () => {
  const t = "[t]\nx = [\n  1,\n]\nl = [1, 2, 3]\n\n";
  const u = "[u]\ny = {b = 1, c = 2}\n\n[u.v]\n\n";
  const text = `a = 1 # a\nd.e = 2\n\n${t}${u}[[m]]\nn = 1\n\n[[m]]\nn = 2\n`;
  assert.is(unsetting(text, ["a"]), text.replace("a = 1 # a\n", ""));
  assert.is(unsetting(text, ["d", "e"]), text.replace("d.e = 2\n", "d = {}\n"));
  assert.is(unsetting(text, ["t", "x"]), text.replace("x = [\n  1,\n]\n", ""));
  assert.is(unsetting(text, ["t", "x", 0]), text.replace("[\n  1,\n]", "[]"));
  assert.is(unsetting(text, ["t", "l", 2]), text.replace("[1, 2, 3]", "[1, 2 ]"));
  assert.is(unsetting(text, ["t", "l", 0]), text.replace("[1, 2, 3]", "[2, 3]"));
  assert.is(unsetting(text, ["t"]), text.replace(t, ""));
  assert.is(unsetting(text, ["u"]), text.replace(u, ""));
  assert.is(unsetting(text, ["u", "y", "b"]), text.replace("{b = 1, c = 2}", "{c = 2}"));
  assert.is(unsetting(text, ["m", 0]), text.replace("[[m]]\nn = 1\n\n", ""));
  assert.is(unsetting(text, ["m", 1]), text.replace("\n[[m]]\nn = 2\n", ""));
  assert.is(unsetting("[a.b]\nc = 1\n", ["a", "b"]), "a = {}\n");
  assert.throws(
    () => unsetting(text, ["zz"]),
    (error: TsopsError) => error.code === "bad-path",
  );
});

test("property: set does what it does in SOPS", () => {
  const more = fc.array(fc.oneof(fc.constantFrom("a", "b", "z z"), fc.constantFrom(0, 99)), { maxLength: 2 });
  fc.assert(
    fc.property(
      tomlDocuments,
      fc.tuple(fc.nat(), more),
      trees(),
      fc.boolean(),
      (text, [n, rest], value, encrypted) => {
        const before = encrypted ? adding(text) : text;
        const paths = pathsOf(toml.read(text));
        const path = [...(paths.length === 0 ? [] : paths[n % paths.length]!), ...rest];
        const wanted = path.length === 0 ? undefined : modelSet(treeOf(text), path, value);
        let after: string;
        try {
          after = setting(before, path, value);
        } catch (error) {
          assert.instance(error, TsopsError);
          // A value that is no table cannot stand in an array of tables.
          assert.ok(wanted === undefined || (error as TsopsError).code === "print", `${text} ${path}`);
          return;
        }
        assert.ok(wanted !== undefined, "the model panics");
        assert.equal(canonical(treeOf(after)), canonical(wanted), `${before} -> ${after}`);
        assert.equal(canonical(toml.read(after).metadata?.tree), canonical(toml.read(before).metadata?.tree));
      },
    ),
    { numRuns: 500 },
  );
});

test("property: unset does what it does in SOPS", () => {
  fc.assert(
    fc.property(tomlDocuments, fc.nat(), fc.boolean(), (text, n, encrypted) => {
      const before = encrypted ? adding(text) : text;
      const paths = pathsOf(toml.read(text));
      if (paths.length === 0) return;
      const path = paths[n % paths.length]!;
      const after = unsetting(before, path);
      const wanted = modelUnset(treeOf(text), path);
      assert.equal(canonical(treeOf(after)), canonical(wanted), `${before} ${path} -> ${after}`);
      assert.equal(canonical(toml.read(after).metadata?.tree), canonical(toml.read(before).metadata?.tree));
    }),
    { numRuns: 500 },
  );
});

test.run();
