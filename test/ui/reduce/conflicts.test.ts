import { test } from "uvu";
import * as assert from "uvu/assert";
import { loadFormat } from "../../../src/formats/index.ts";
import { mergePlain } from "../../../src/merge/merge.ts";
import { compileSelector, DEFAULT_SELECTOR } from "../../../src/sops/selection.ts";
import { readBase } from "../../../src/ui/draft/base.ts";
import { withText } from "../../../src/ui/draft/draft.ts";
import { newMerge } from "../../../src/ui/state/merge.ts";
import { Desk } from "../../support/ui/desk.ts";

const BASE = `a: one
b: two
c: three
list:
  - x
  - y
`;

/** The editor after the file changed behind it: `ours` is what was edited, `theirs` what stands in the file now. */
async function merged(ours: string, theirs: string): Promise<Desk> {
  const desk = await Desk.open(BASE);
  const format = await loadFormat("yaml");
  const selection = await compileSelector(DEFAULT_SELECTOR);
  const { text, conflicts, theirs: other, base } = mergePlain({ format, base: BASE, ours, theirs });
  const draft = withText(desk.state.draft!, "edit", readBase(text, format, selection));
  const merge = conflicts.length > 0 ? newMerge(conflicts, { ours: text, theirs: other, base }) : undefined;
  const saved = readBase(theirs, format, selection);
  const encrypted = desk.state.encrypted!;
  return desk.does({ type: "merged", draft, saved, merge, encrypted, notes: [], leave: false });
}

test("changes in different places are put together, and shown before they are saved", async () => {
  const desk = await merged(BASE.replace("one", "mine"), BASE.replace("three", "theirs"));
  assert.is(desk.text, BASE.replace("one", "mine").replace("three", "theirs"));
  assert.is(desk.state.mode.kind, "save");
  assert.match(desk.screen, /changed by somebody else meanwhile/);
  assert.match(desk.screen, /\["a"\]/);
  assert.not.match(desk.screen, /\["c"\]/, "what stands in the file is no change");
  assert.equal(desk.effects, []);
});

const OURS = BASE.replace("one", "mine").replace("two", "mine2");
const THEIRS = BASE.replace("one", "theirs").replace("two", "theirs2").replace("- y", "- z");

test("conflicts are shown side by side, masked; a side is taken for each, and only then it can be saved", async () => {
  const desk = await merged(OURS, THEIRS);
  assert.is(desk.state.mode.kind, "conflicts");
  assert.match(desk.screen, /base +ours +theirs/);
  assert.not.match(desk.screen, /mine|theirs2/);
  desk.press("v");
  assert.match(desk.screen, /one +mine +theirs/);
  desk.press("escape s");
  assert.match(desk.screen, /2 conflicts are not decided yet/);
  desk.press("C t");
  assert.match(desk.text, /^a: theirs\nb: mine2\n/);
  assert.match(desk.text, /- z/, "what is no conflict was merged");
  desk.press("b");
  assert.match(desk.text, /^a: theirs\nb: two\n/);
  assert.match(desk.screen, /all conflicts are decided/);
  desk.press("escape s");
  assert.is(desk.state.mode.kind, "save");
  desk.press("escape u u");
  assert.match(desk.text, /^a: mine\nb: mine2\n/, "each choice can be undone");
});

test("a third value is typed in the document, and what was changed there stays when a side is taken elsewhere", async () => {
  const desk = await merged(OURS, THEIRS);
  desk.press("return");
  assert.is(desk.state.mode.kind, "tree");
  assert.match(desk.row, /a •/);
  desk.press("return ctrl-u").type("both").press("return C m");
  assert.match(desk.screen, /as it is/);
  desk.press("t");
  assert.is(desk.text, BASE.replace("one", "both").replace("two", "theirs2").replace("- y", "- z"));
});

test("deleted here and changed there: either is possible", async () => {
  const desk = await merged(BASE.replace("b: two\n", ""), BASE.replace("two", "theirs"));
  assert.match(desk.screen, /\(nothing\)/);
  desk.press("t");
  assert.match(desk.text, /b: theirs/);
  desk.press("o");
  assert.not.match(desk.text, /b:/);
});

test.run();
