import { test } from "uvu";
import * as assert from "uvu/assert";
import { loadFormat } from "../../../src/formats/index.ts";
import { TreeMap } from "../../../src/formats/tree.ts";
import { mergePlain } from "../../../src/merge/merge.ts";
import { recipientsTree } from "../../../src/merge/recipients.ts";
import type { Conflict } from "../../../src/sops/conflicts.ts";
import { compileSelector, DEFAULT_SELECTOR } from "../../../src/sops/selection.ts";
import { readBase } from "../../../src/ui/draft/base.ts";
import { newDraft, withText } from "../../../src/ui/draft/draft.ts";
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

const OURS_KEY = `age ${"a".repeat(58)}`;
const THEIR_KEY = `age age1${"t".repeat(58)}`;

const recipients = (...keys: string[]) => recipientsTree({ groups: [keys] });

/** A file that a merge left conflicts in, opened: of who can open it, and of one value if the sides have two. */
async function held(ours: string, theirs: string, ...more: Conflict[]): Promise<Desk> {
  const desk = await Desk.open(BASE);
  const format = await loadFormat("yaml");
  const selection = await compileSelector(DEFAULT_SELECTOR);
  const { text, conflicts, theirs: other, base } = mergePlain({ format, base: BASE, ours, theirs });
  const merge = newMerge([...more, ...conflicts], { ours: text, theirs: other, base });
  const draft = newDraft(text, { format, selection });
  const about = { selector: DEFAULT_SELECTOR, format: "yaml", wanted: undefined };
  return desk.does({ type: "unlocked", draft, saved: draft.base, merge, notes: [], about });
}

const READERS: Conflict = {
  document: 0,
  path: [],
  kind: "recipients",
  base: recipients(OURS_KEY, "age gone"),
  ours: recipients(OURS_KEY, "age gone"),
  theirs: recipients(OURS_KEY, THEIR_KEY),
};

test("who can open the file: each key with the sides that have it, none of them cut", async () => {
  const desk = await held(BASE, BASE, READERS);
  assert.is(desk.state.mode.kind, "conflicts");
  assert.match(desk.screen, /base +ours +theirs/);
  assert.match(desk.screen, /yes +yes +yes +age aaaa/);
  assert.match(desk.screen, /yes +yes +- +age gone/);
  assert.match(desk.screen, /- +- +yes +age age1tttt/);
  assert.ok(desk.screen.replace(/[\s-]|yes/g, "").includes(THEIR_KEY.replace(" ", "")), desk.screen);
});

test("who can open the file stays as ours has it: theirs is refused with the way to it, and nothing is decided", async () => {
  const desk = await held(BASE, BASE, READERS);
  for (const side of ["t", "b"]) {
    desk.press(side);
    assert.equal(desk.state.merge!.decisions, [undefined]);
    assert.match(
      desk.screen.replace(/\s+/g, " "),
      /its recipients stay as ours has them: a merge alone lets nobody in/,
    );
    assert.match(desk.screen, /then w adds and removes keys/);
  }
  desk.press("escape s");
  assert.match(desk.screen, /1 conflict is not decided yet/);
  desk.press("C o");
  assert.match(
    desk.screen.replace(/\s+/g, " "),
    /its recipients stay as ours has them all conflicts are decided/,
  );
  assert.is(desk.text, BASE);
  desk.press("escape s return");
  const [saving] = desk.effects;
  assert.is(saving?.kind, "save");
  const { draft, encrypted } = desk.state;
  desk.does({ type: "saved", draft: draft!, encrypted: encrypted!, notes: [], leave: false });
  assert.match(desk.screen, /its recipients stay as ours has them: w shows and changes who can open it/);
  assert.is(desk.state.merge, undefined);
});

test("beside it, a value is decided as ever: theirs is the side's own text", async () => {
  const theirs = BASE.replace("one", "theirs # why");
  const desk = await held(BASE.replace("one", "mine"), theirs, READERS);
  desk.press("m");
  assert.match(desk.screen, /ours|as it is/);
  desk.press("t");
  assert.is(desk.text, theirs);
  assert.match(desk.screen, /all conflicts are decided/);
  desk.press("escape u");
  assert.match(desk.text, /^a: mine\n/);
});

test("keys are not changed while there are conflicts; Enter shows those of the file", async () => {
  const desk = await held(BASE, BASE, READERS);
  desk.press("return");
  assert.equal(desk.effects, [{ kind: "keys" }]);
  const lines = [{ text: "usable    age one", tone: "good", key: "age:one" }] as const;
  desk.does({ type: "keys", lines, notes: [], encrypted: undefined });
  for (const key of ["a", "d", "r", "u"]) {
    desk.press(key);
    assert.is(desk.state.mode.kind, "keys");
    assert.match(desk.screen, /decide the conflicts \(C\) and save first/);
  }
});

test("what of the file is encrypted: the selectors in full, and ours stays", async () => {
  const side = (value: string) => TreeMap.of([["encrypted_regex", value]]);
  const conflict: Conflict = {
    document: 0,
    path: [],
    kind: "selector",
    base: side("^a$"),
    ours: side("^b$"),
    theirs: TreeMap.of([
      ["encrypted_regex", "^c$"],
      ["mac_only_encrypted", true],
    ]),
  };
  const desk = await held(BASE, BASE, conflict);
  assert.match(desk.screen, /base +encrypted_regex: \^a\$/);
  assert.match(desk.screen, /ours +encrypted_regex: \^b\$/);
  assert.match(desk.screen, /theirs +encrypted_regex: \^c\$, mac_only_encrypted: true/);
  desk.press("t");
  assert.match(desk.screen, /updatekeys --update-selector/);
  desk.press("o");
  assert.match(desk.screen, /its selector stays as ours has it/);
});

test("several groups: how many are needed, and a long list says how much of it is not seen", async () => {
  const many = Array.from({ length: 30 }, (_, i) => `age their-${i}`);
  const side = (needed: number, ...more: string[]) =>
    recipientsTree({ groups: [["age one"], ["age two", ...more]], needed });
  const conflict = { ...READERS, base: undefined, ours: side(2), theirs: side(1, ...many) };
  const desk = await held(BASE, BASE, conflict);
  assert.match(desk.screen, /\? +- +yes +group 2: age their-0/);
  assert.match(desk.screen, /\d+ more lines: a higher window shows them/);
  desk.does({ type: "resize", size: { width: 80, height: 60 } });
  assert.match(desk.screen, /\? +2 +1 +groups are needed/);
  assert.not.match(desk.screen, /more lines/);
  // however narrow the window is, something is shown
  for (let width = 1; width < 40; width++) {
    desk.does({ type: "resize", size: { width, height: 24 } });
    assert.ok(desk.screen.length > 0);
  }
});

test.run();
