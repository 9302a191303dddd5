import { test } from "uvu";
import * as assert from "uvu/assert";
import { parseArguments } from "../../src/cli/parse.ts";
import { TsopsError } from "../../src/errors.ts";
import { codeBlocks, codeSpans, PAGES, type Page } from "../support/docs/pages.ts";
import { callsOfTsops, commandsOf } from "../support/docs/shell.ts";

/** Made from the program's own help, with usage lines that are no calls. */
const MADE = "docs/commands.md";
/** Quotes texts that go into keys, such as `tsops seal v2`. */
const LABELS = "docs/format.md";

/** Why the program would not take these words; undefined if it would. */
function refused(argv: readonly string[], { mention = false } = {}): string | undefined {
  try {
    const { words } = parseArguments(argv);
    // the old style takes any word for a file, so that a command with a typing mistake would pass
    const first = argv[0];
    const old = words.length === 0 && first !== undefined && !first.startsWith("-");
    return old && !/[./]/.test(first) ? `there is no command ${first}` : undefined;
  } catch (error) {
    if (!(error instanceof TsopsError)) throw error;
    return mention && error.code === "no-file" ? undefined : error.message;
  }
}

/** `…` stands for what is left out, and words in capitals for names: neither is an option. */
const meant = (argv: readonly string[]) => argv.filter((word) => word !== "…" && word !== "...");

test("the words of a line are those that a shell makes", () => {
  assert.equal(commandsOf(`a 'b c'"d" \\e # f`), [["a", "b cd", "e"]]);
  assert.equal(commandsOf("a | b && c; d > out 2>&1 < in"), [["a"], ["b"], ["c"], ["d"]]);
  assert.equal(commandsOf("source <(tsops completion bash)"), [["source"], ["tsops", "completion", "bash"]]);
  assert.equal(callsOfTsops("$ A=1 npx tsops decrypt f\nb | tsops set \\\n  f x"), [
    ["decrypt", "f"],
    ["set", "f", "x"],
  ]);
});

test("a wrong command or option is found", () => {
  assert.match(refused(["decript", "f.yaml"]) ?? "", "there is no command decript");
  assert.match(refused(["decrypt", "--out-put", "f.yaml"]) ?? "", "there is no option --out-put");
  assert.match(refused(["config", "chek"]) ?? "", /./);
  assert.is(refused(["decrypt", "--extract", "x", "f.yaml"]), undefined);
});

/** Looks at all calls in what `textsOf` finds on the pages: how many there are, and what is wrong with which. */
function look(textsOf: (page: Page) => string[], mention: boolean): { count: number; wrong: string[] } {
  let count = 0;
  const wrong: string[] = [];
  for (const page of PAGES) {
    if (page.name === MADE) continue;
    for (const argv of textsOf(page).flatMap(callsOfTsops)) {
      count++;
      const why = refused(meant(argv), { mention });
      if (why !== undefined) wrong.push(`${page.name}: tsops ${argv.join(" ")}: ${why}`);
    }
  }
  return { count, wrong };
}

test("code blocks call tsops with commands and options that exist", () => {
  const { count, wrong } = look((page) => codeBlocks(page).map(({ text }) => text), false);
  assert.equal(wrong, []);
  assert.ok(count > 60, `only ${count} calls were found`);
});

test("so does what stands in the text, where files may be left out", () => {
  const calls = (page: Page) => codeSpans(page).filter((span) => !/^tsops COMMAND /.test(span));
  const { count, wrong } = look((page) => (page.name === LABELS ? [] : calls(page)), true);
  assert.equal(wrong, []);
  assert.ok(count > 60, `only ${count} calls were found`);
});

test.run();
