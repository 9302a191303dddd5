import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { globExpression } from "../../src/config/glob.ts";
import {
  attributeLine,
  belowFolder,
  isForAll,
  patternOfFile,
  patternsOfGlob,
  patternsOfRegex,
} from "../../src/git/attribute-patterns.ts";

const folder = mkdtempSync(join(tmpdir(), "tsops-attributes-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
const git = (args: readonly string[], input = "") =>
  execFileSync("git", args, { cwd: folder, input, env: { PATH: process.env.PATH, HOME: folder } }).toString();
git(["init", "-q"]);

/** Of some paths those that real git takes the patterns for. */
function matched(patterns: readonly string[], paths: readonly string[]): string[] {
  writeFileSync(
    join(folder, ".gitattributes"),
    patterns.map((pattern) => `${attributeLine(pattern, "found")}\n`).join(""),
  );
  const output = git(["check-attr", "-z", "--stdin", "found"], paths.map((path) => `${path}\0`).join(""));
  const parts = output.split("\0").slice(0, -1);
  return paths.filter((_, i) => parts[i * 3 + 2] === "set");
}

const PATHS = [
  ...["a.yaml", "a.yml", "a.json", "secrets.yaml", "secrets/a.yaml", "secrets/b/c.yaml", "x/secrets/a.yaml"],
  ...["mysecrets/a.yaml", "secrets/a.json", "prod/a.yaml", "prod/b/a.yaml", "x/prod/a.yaml", "a.enc.yaml"],
  ...[
    "x/a.enc.yaml",
    "a.sops.json",
    ".env",
    "x/.env.prod",
    "prod.env",
    "deep/er/prod.env",
    "secrets",
    "a/b/c/d",
  ],
  ...["ayaml", "a.yaml.bak", "prod-1.yaml", "prod-22.yaml", "prod-x.yaml", "secretsx/a.yaml", "a b.yaml"],
];

test("expressions that people write match in git what they match in RE2", () => {
  const expressions = [
    ...[
      "\\.yaml$",
      "\\.ya?ml$",
      ".*\\.yaml",
      "^secrets/.*\\.yaml$",
      "secrets/.*\\.yaml$",
      "^secrets/",
      "secrets/",
    ],
    ...["(^|/)secrets\\.yaml$", "\\.(yaml|json)$", "\\.(?:enc|sops)\\.(yaml|json)$", "^prod/[^/]+\\.yaml$"],
    ...[
      "^[^/]*\\.yaml$",
      "\\.env(\\..*)?$",
      "^a\\.yaml$",
      "prod.*",
      "^.*$",
      "prod-[0-9]+\\.yaml$",
      "prod-\\d\\.yaml",
    ],
    ...["^(secrets|prod)/.*", "/a\\.yaml$", "a b\\.yaml", "^secrets/.+/c\\.yaml$", "secrets"],
  ];
  for (const expression of expressions) {
    const patterns = patternsOfRegex(expression);
    assert.ok(patterns, expression);
    const expected = PATHS.filter((path) => new RegExp(expression).test(path));
    const found = matched(patterns, PATHS);
    const missing = expected.filter((path) => !found.includes(path));
    assert.equal(missing, [], `${expression} is ${patterns.join(" ")}`);
    // a class behind which anything may follow, and a slash that was optional
    const wider = ["prod-[0-9]+\\.yaml$", "/a\\.yaml$"];
    if (!wider.includes(expression)) assert.equal(found, expected, `${expression} is ${patterns.join(" ")}`);
  }
});

test("what patterns cannot say is not said", () => {
  for (const expression of ["(?i)a", "a{2}", "(ab)+", "[^a]x", "\\bfoo", "a^b", "[[:alpha:]]", "(a", "*a"])
    assert.is(patternsOfRegex(expression), undefined, expression);
  assert.is(patternsOfRegex("(a|b|c)(a|b|c)(a|b|c)(a|b|c)"), undefined);
});

test("the shortest pattern is chosen", () => {
  assert.equal(patternsOfRegex("\\.yaml$"), ["*.yaml"]);
  assert.equal(patternsOfRegex("^.*\\.yaml$"), ["*.yaml"]);
  assert.equal(patternsOfRegex("^secrets/.*\\.yaml$"), ["/secrets/**/*.yaml"]);
  assert.equal(patternsOfRegex("\\.ya?ml$"), ["*.yml", "*.yaml"]);
  assert.equal(patternsOfRegex(".*"), ["*"]);
  assert.ok(isForAll(patternsOfRegex("")![0]!));
  assert.not.ok(isForAll("*.yaml"));
});

const piece = fc.constantFrom(
  "a",
  "b",
  "/",
  "\\.",
  ".",
  ".*",
  "[^/]*",
  "[ab]",
  "a?",
  "(a|b/)",
  "[^/]+",
  ".+",
);
const path = fc
  .array(fc.constantFrom("a", "b", "ab", ".", "a.b", "x"), { minLength: 1, maxLength: 4 })
  .map((parts) => parts.join("/"))
  .filter((text) => !/(^|\/)\.(\/|$)/.test(text));

test("random expressions: what they match, git's pattern matches; a dot is never a slash there", () => {
  fc.assert(
    fc.property(
      fc.array(piece, { minLength: 1, maxLength: 5 }),
      fc.boolean(),
      fc.boolean(),
      fc.array(path, { minLength: 5, maxLength: 20 }),
      (pieces, start, end, paths) => {
        const expression = `${start ? "^" : ""}${pieces.join("")}${end ? "$" : ""}`;
        const patterns = patternsOfRegex(expression);
        if (!patterns) return;
        // as patterns have it: a single character is no slash, and no path begins or ends with one
        const known = expression.replace(/(?<!\\)\.(?![*+])/g, "[^/]");
        const expected = [...new Set(paths)].filter((text) => new RegExp(known).test(text));
        const found = matched(patterns, expected);
        assert.equal(found, expected, `${expression} is ${patterns.join(" ")}`);
      },
    ),
    { numRuns: 200, examples: [[["[^/]+", ".+", "a", "[^/]+"], true, false, ["a/a/a.b"]]] },
  );
});

test("patterns of .sopsrc mean the same in git", () => {
  const globs = [
    "*.yaml",
    "secrets/**",
    "/a.yaml",
    "./a.yaml",
    "**/a.yaml",
    "*.{yaml,json}",
    "{secrets,prod}/*.yaml",
  ];
  globs.push(
    "prod-[0-9].yaml",
    "prod-[!0-9].yaml",
    "secrets/**/c.yaml",
    "a\\.yaml",
    "?.yaml",
    "{a,{b,secrets}}.yaml",
  );
  for (const glob of globs) {
    const expected = PATHS.filter((text) => new RegExp(globExpression(glob)).test(text));
    assert.equal(matched(patternsOfGlob(glob)!, PATHS), expected, glob);
  }
});

test("patterns of a folder's configuration, and of one file", () => {
  const found = (pattern: string) =>
    matched([pattern], ["s [1]/a.yaml", "s [1]/b/a.yaml", "a.yaml", "s 1/a.yaml"]);
  assert.equal(found(belowFolder("*.yaml", "s [1]")), ["s [1]/a.yaml", "s [1]/b/a.yaml"]);
  assert.equal(found(belowFolder("/a.yaml", "s [1]")), ["s [1]/a.yaml"]);
  assert.equal(found(patternOfFile("s [1]/b/a.yaml")), ["s [1]/b/a.yaml"]);
});

test("names of every kind in quotes as git reads them; what could end the line is refused", () => {
  const odd = [
    'a"b.yaml',
    "a\\b.yaml",
    "#a.yaml",
    "!a.yaml",
    " a.yaml",
    "a .yaml",
    "[x].yaml",
    "*.yaml",
    "ü.yaml",
    '"a"',
  ];
  for (const name of odd) assert.equal(matched([patternOfFile(name)], [...odd, "b.yaml"]), [name], name);
  assert.is(attributeLine("/a\nb", "x"), undefined);
  assert.is(attributeLine("/a\u2028b", "x"), undefined);
  assert.equal(matched(["#a.yaml", "!a.yaml"], ["#a.yaml", "!a.yaml"]), ["#a.yaml", "!a.yaml"]);
});

test.run();
