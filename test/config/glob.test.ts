import { RE2JS } from "re2js";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { GlobError, globExpression } from "../../src/config/glob.ts";

const CASES: readonly (readonly [glob: string, yes: readonly string[], no: readonly string[]])[] = [
  ["*.yaml", ["a.yaml", "x/y/a.yaml", ".yaml"], ["a.yaml.bak", "a.yml", "ayaml", "a.yaml/b"]],
  ["/*.yaml", ["a.yaml"], ["x/a.yaml"]],
  ["./a.env", ["a.env"], ["x/a.env", "a_env"]],
  ["a/*.env", ["a/b.env"], ["a/b/c.env", "x/a/b.env"]],
  ["a/**/b", ["a/b", "a/x/b", "a/x/y/b"], ["a/xb", "ab", "a/x/bb"]],
  ["**/secrets/**", ["secrets/a", "x/secrets/a/b"], ["secrets", "xsecrets/a"]],
  ["prod/**", ["prod/a", "prod/a/b"], ["prod", "prod/", "xprod/a"]],
  ["a?c", ["abc", "x/abc"], ["ac", "a/c"]],
  ["[ab].env", ["a.env", "b.env"], ["c.env"]],
  ["[!ab].env", ["c.env"], ["a.env", "/.env"]],
  ["[a-c]1", ["b1"], ["d1"]],
  ["*.{yaml,json}", ["a.yaml", "b.json"], ["a.toml", "a.yaml,json"]],
  ["{a,b/{c,d}}.x", ["a.x", "b/c.x", "b/d.x"], ["b.x", "c.x"]],
  ["a+(b)|$^.x", ["a+(b)|$^.x"], ["aab.x"]],
  ["\\*.x", ["*.x"], ["a.x"]],
  ["a,b}", ["a,b}"], ["a"]],
];

test("what globs match", () => {
  for (const [glob, yes, no] of CASES) {
    const expression = RE2JS.compile(globExpression(glob));
    for (const path of yes) assert.ok(expression.matcher(path).find(), `${glob} should match ${path}`);
    for (const path of no) assert.not(expression.matcher(path).find(), `${glob} should not match ${path}`);
  }
});

test("what is not a glob says where", () => {
  for (const [glob, at] of [
    ["", 0],
    ["/", 0],
    ["a[b", 1],
    ["x/{a", 2],
    ["a**", 1],
    ["/a/**b", 3],
    ["ab\\", 2],
  ] as const) {
    try {
      globExpression(glob);
      assert.unreachable(glob);
    } catch (error) {
      assert.instance(error, GlobError);
      assert.is((error as GlobError).at, at, glob);
    }
  }
});

test.run();
