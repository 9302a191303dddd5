import { readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { baselineText, knownOf, readBaseline } from "../../src/check/baseline.ts";
import { type Finding, finding, inOrder, Lines, marked } from "../../src/check/finding.ts";
import { reportSchema } from "../../src/check/report.ts";
import { RULES } from "../../src/check/rules.ts";
import { sarif } from "../../src/check/sarif.ts";
import { TsopsError } from "../../src/errors.ts";
import { placeOf } from "../../src/formats/text.ts";

const same = (name: string): string => name;

function found(file: string, more: Partial<Finding> = {}): Finding {
  return { ...finding("secret-name", { file, message: "m" }), ...more };
}

test("the published schema is the one that the source describes", () => {
  const published = JSON.parse(readFileSync("schema/check.schema.json", "utf8"));
  assert.equal(published, JSON.parse(JSON.stringify(reportSchema())), "run `node scripts/schema.mjs`");
});

test("fingerprints: the same for a line that moved or a value that changed, others for all else", () => {
  const prints = (...findings: Finding[]): string[] =>
    marked(findings, same).map(({ fingerprint }) => fingerprint);
  const [a] = prints(found("a.yaml", { path: ["x"], line: 1, column: 2, message: "one" }));
  const [b] = prints(found("a.yaml", { path: ["x"], line: 9, column: 1, message: "two" }));
  assert.is(a, b);
  const others = prints(
    found("a.yaml", { path: ["x"] }),
    found("a.yaml", { path: ["x"] }),
    found("b.yaml", { path: ["x"] }),
    found("a.yaml", { path: ["y"] }),
    found("a.yaml", { path: ["x", 0] }),
    found("a.yaml", { path: ["x"], what: "w" }),
    found("a.yaml", { path: ["x"], rule: "secret-value" }),
    found("a.yaml"),
  );
  assert.is(others[0], a);
  assert.is(new Set(others).size, others.length);
});

test("a baseline comes back as it was written, and what is none is refused with the file's name", () => {
  const all = marked([found("a.yaml", { path: ["x", 0] }), found("b.txt")], same);
  const known = readBaseline(baselineText(knownOf(all, same)), "known.json");
  assert.equal(known, knownOf(all, same));
  assert.equal(readBaseline(baselineText([]), "known.json"), []);
  for (const text of [
    "",
    "[]",
    "{}",
    '{"version": 2, "findings": []}',
    '{"version": 1, "findings": [{}]}',
    '{"version": 1}',
  ]) {
    try {
      readBaseline(text, "known.json");
      assert.unreachable(text);
    } catch (error) {
      assert.instance(error, TsopsError);
      assert.is((error as TsopsError).place?.file, "known.json");
    }
  }
});

test("findings come in the order of files and lines", () => {
  const list = [found("b", { line: 1 }), found("a", { line: 10 }), found("a", { line: 9 }), found("a")];
  assert.equal(
    inOrder(list).map(({ file, line }) => [file, line]),
    [
      ["a", undefined],
      ["a", 9],
      ["a", 10],
      ["b", 1],
    ],
  );
});

test("places are those that all messages have, with every kind of line end and character", () => {
  const text = "a\r\nbé😀c\rd\n\n\ud83d x\n";
  const lines = new Lines(text);
  for (let offset = 0; offset <= text.length; offset++) {
    // between CR and LF there is no place of its own
    if (text[offset - 1] === "\r" && text[offset] === "\n") continue;
    const { line, column } = placeOf(text, offset);
    assert.equal(lines.at(offset), { line, column }, `offset ${offset}`);
  }
});

test("SARIF: names from the top of the repository, as addresses; settings of git have a place, too", () => {
  const findings = marked(
    [
      found("sub/ü x#1.yaml", { line: 3, column: 7, details: ["+++ a"] }),
      finding("textconv-cache", { message: "m", what: "diff.a.cachetextconv" }),
    ],
    same,
  );
  const failed = [{ file: "gone.yaml", error: "read", message: "no permission" }];
  const log = sarif(
    { findings, failed, files: 2, known: 0 },
    { version: "1.2.3", nameOf: (name) => `top/${name}` },
  );
  const [run] = log.runs;
  assert.is(run!.tool.driver.rules.length, RULES.length);
  assert.equal(
    run!.results.map(({ locations: [location] }) => location!.physicalLocation),
    [
      {
        artifactLocation: { uri: "top/sub/%C3%BC%20x%231.yaml" },
        region: { startLine: 3, startColumn: 7 },
      },
      { artifactLocation: { uri: ".git/config" }, region: { startLine: 1 } },
    ],
  );
  assert.match(run!.results[0]!.message.text, "+++ a");
  assert.is(run!.invocations[0]!.executionSuccessful, false);
});

test("rules: each has a summary without a full stop, and a text that says what to do", () => {
  for (const { id, summary, help } of RULES) {
    assert.match(id, /^[a-z-]+$/);
    assert.match(summary, /^[^A-Z].*[^.]$/);
    assert.match(help, /\.$/);
  }
});

test.run();
