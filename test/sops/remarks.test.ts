import { test } from "uvu";
import * as assert from "uvu/assert";
import { TsopsError } from "../../src/errors.ts";
import type { FormatName } from "../../src/formats/format.ts";
import { loadFormat } from "../../src/formats/index.ts";
import { placeOf } from "../../src/formats/text.ts";
import { refuseBared, remarkWarnings } from "../../src/sops/remarks.ts";
import { compileSelector, DEFAULT_SELECTOR, type Selector } from "../../src/sops/selection.ts";

const PASSWORD: Selector = { kind: "encrypted_regex", value: "^password$" };
const ALL = DEFAULT_SELECTOR;

/** `refused` or `warned` with line and column of each, or `nothing`. */
async function judge(name: FormatName, text: string, selector: Selector): Promise<string> {
  const reading = (await loadFormat(name)).read(text);
  const selection = await compileSelector(selector);
  try {
    refuseBared(reading, selection);
  } catch (error) {
    if (!(error instanceof TsopsError)) throw error;
    return `refused ${error.place?.line}:${error.place?.column}`;
  }
  const warnings = remarkWarnings(reading, selection);
  const places = warnings.map(({ offset }) => placeOf(text, offset)).map((at) => ` ${at.line}:${at.column}`);
  return warnings.length === 0 ? "nothing" : `warned${places.join("")}`;
}

/** What is selected, and what is not: `password` alone, everything, and another key alone. */
const CASES: readonly (readonly [name: FormatName, text: string, password: string, all: string])[] = [
  // a value that SOPS ends at a mark
  ["ini", '[s]\npassword = "p#ss;word"\n', "refused 2:14", "warned 2:14"],
  ["ini", "[s]\npassword = 'p;ss'\n", "refused 2:14", "warned 2:14"],
  ["ini", "[s]\npassword = 'a ; b'\n", "refused 2:15", "warned 2:15"],
  ["ini", "[s]\npassword = p#ss\n", "refused 2:13", "warned 2:13"],
  ["ini", "[s]\r\npassword: p;ss\r\n", "refused 2:12", "warned 2:12"],
  ["ini", "[s]\npassword = #secret\n", "refused 2:12", "warned 2:12"],
  ["ini", "[s]\npassword = ;secret\n", "refused 2:12", "warned 2:12"],
  ["ini", "password = p#ss\n", "refused 1:13", "warned 1:13"],
  ["ini", "[s]\npassword = p#ss\npassword = b\n", "refused 2:13", "warned 2:13"],
  // what is a comment to most, but may be a part of the value to some
  ["ini", "[s]\npassword = pass #1\n", "warned 2:17", "nothing"],
  ["ini", "[s]\npassword = pass # the old one\n", "nothing", "nothing"],
  ["ini", "[s]\npassword = # none yet\n", "nothing", "nothing"],
  ["ini", "[s]\npassword = `p#ss;word`\n", "nothing", "nothing"],
  ["ini", '[s]\npassword = "abc" ; "old"\n', "nothing", "nothing"],
  ["ini", "[s]\npassword = `abc` def\n", "warned 2:18", "warned 2:18"],
  ["ini", "[s]\npassword = `abc` ; old\n", "nothing", "nothing"],
  // keys that SOPS takes for parts of values
  ["ini", "[s]\ndir = C:\\data\\\npassword = x\n", "refused 3:1", "warned 3:1"],
  ["ini", "[s]\ndir = C:\\data\\\n  other = x\n", "warned 3:3", "warned 3:3"],
  ["ini", "[s]\ntick = `\npassword = x\nb = `\n", "refused 3:1", "warned 3:1"],
  ["ini", '[s]\nt = """\npassword = x\nb = """\n', "refused 3:1", "nothing"],
  ["ini", '[s]\nt = """\nother = x\n"""\n', "nothing", "nothing"],
  ["ini", "[s]\nlist = a \\\n  b \\\n  c\n", "nothing", "nothing"],
  // text behind a header
  ["ini", "[s] password = x\na = 1\n", "refused 1:5", "warned 1:5"],
  ["ini", "[s] # password = x\na = 1\n", "nothing", "nothing"],
  // names
  ["ini", "[s]\nmy:password = x\n", "nothing", "nothing"],
  ["dotenv", "export password=x\n", "refused 1:1", "warned 1:1"],
  ["dotenv", "password =x\n", "refused 1:1", "warned 1:1"],
  ["dotenv", "my-key=x\n", "warned 1:1", "warned 1:1"],
  ["dotenv", "A=1 # a comment to others\n", "nothing", "nothing"],
  ["dotenv", 'K="a\nb=\nc="\n', "warned 2:1 3:1", "refused 2:1"],
  ["dotenv", 'password="a\nb=\nc="\n', "refused 2:1", "refused 2:1"],
  // characters that cannot be seen
  ["dotenv", "\ufeffpassword=x\n", "refused 1:1", "warned 1:1"],
  ["dotenv", "A=1\npassword\u00a0=x\n", "refused 2:9", "warned 2:9"],
  ["yaml", "a:\n\u00a0\u00a0password: x\n", "refused 2:1", "warned 2:1"],
  ["yaml", "password\u200b:\n  b: x\n  c: y\n", "refused 1:9", "warned 1:9"],
  ["yaml", "a: x\u00a0y # \u00a0\n", "nothing", "nothing"],
  ["json", '{"password\u00a0": "x"}', "refused 1:11", "warned 1:11"],
  ["json5", "{'password\u200b': 'x'}", "refused 1:11", "warned 1:11"],
  ["toml", '"\u00a0password" = "x"\n', "refused 1:2", "warned 1:2"],
  ["ini", "[s]\npass\u200bword = x\n", "refused 2:5", "warned 2:5"],
];

for (const [name, text, password, all] of CASES) {
  test(`${name} ${JSON.stringify(text)}`, async () => {
    assert.is(await judge(name, text, PASSWORD), password, "only password selected");
    assert.is(await judge(name, text, ALL), all, "everything selected");
  });
}

test("a key whose name SOPS ends at a colon is refused if the longer name is selected", async () => {
  const selector: Selector = { kind: "encrypted_regex", value: "^my:password$" };
  assert.is(await judge("ini", "[s]\nmy:password = x\n", selector), "refused 2:3");
});

test("what is said holds no secret", async () => {
  const selection = await compileSelector(ALL);
  for (const [name, text] of CASES) {
    const reading = (await loadFormat(name)).read(text);
    for (const { message } of remarkWarnings(reading, selection))
      assert.not.match(message, /ss;word|C:\\data|secret1/);
  }
});

test.run();
