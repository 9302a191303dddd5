import { test } from "uvu";
import * as assert from "uvu/assert";
import { Desk } from "../../support/ui/desk.ts";

/** What somebody has typed or changed is there until they throw it away. */

const TEXT = "a: one\nb: two\nadd: three\n";
const HOUR = 3_600_000;

async function changedAndLocked(): Promise<Desk> {
  const desk = await Desk.open(TEXT);
  desk.to("a").press("d L").does({ type: "locked" });
  desk.effects = [];
  return desk;
}

const kinds = (desk: Desk): string[] => desk.effects.map(({ kind }) => kind);

test("a locked file with changes says so, and is not left without a question", async () => {
  const desk = await changedAndLocked();
  assert.match(desk.screen, /changed, not saved +locked/);
  assert.match(desk.screen, /your changes are kept/);
  desk.press("q");
  assert.equal(kinds(desk), []);
  assert.match(desk.screen, /There are changes that are not saved/);
  assert.match(desk.screen, /s unlock, to save them/);
  desk.press("q");
  assert.equal(kinds(desk), []);
  desk.press("s");
  assert.equal(kinds(desk), ["unlock"]);
  assert.is(desk.state.busy, "unlocking");
});

test("a locked file with changes can be left without them", async () => {
  assert.equal(kinds((await changedAndLocked()).press("q d")), ["quit"]);
});

test("a locked file without changes is left at once", async () => {
  const desk = await Desk.open(TEXT);
  desk.press("L").does({ type: "locked" });
  desk.effects = [];
  assert.not.match(desk.screen, /changed|changes/);
  assert.equal(kinds(desk.press("q")), ["quit"]);
});

test("while a value is in another editor the file stays open, however long that takes", async () => {
  const desk = await Desk.open(TEXT);
  desk.to("a").press("E").wait(HOUR);
  assert.equal(kinds(desk), ["editor"]);
  assert.is(desk.state.busy, "waiting for your editor");
  const [effect] = desk.effects;
  assert.ok(effect?.kind === "editor");
  desk.does({ type: "edited", node: effect.node, text: "from the editor" });
  assert.is(desk.state.busy, undefined);
  assert.match(desk.text, /^a: from the editor$/m);
  desk.effects = [];
  // who comes back from it is there
  assert.equal(kinds(desk.wait(1000)), []);
});

test("a value that another editor did not change, and one that could not be had, leave everything as it is", async () => {
  for (const key of ["E", "g u", "i"]) {
    const desk = await Desk.open(TEXT);
    desk.to("a").press(key);
    if (key === "i") desk.type("file").press("return");
    assert.ok(desk.state.busy, key);
    desk.press("d q");
    assert.is(desk.text, TEXT, "keys wait");
    if (key === "E") desk.does({ type: "edited", node: 0, text: undefined });
    else desk.does({ type: "failed", error: new Error() });
    assert.is(desk.state.busy, undefined, key);
    assert.is(desk.text, TEXT);
  }
});

test("what is typed into a search or help while the file is opened goes on there, and is no command", async () => {
  for (const [keys, kind] of [
    ["/", "box"],
    ["?", "help"],
  ] as const) {
    const open = await Desk.open(TEXT);
    const { draft } = open.state;
    const desk = await Desk.open(TEXT, { locked: true });
    desk.state = { ...desk.state, busy: "unlocking" };
    desk.press(keys).type("a");
    const about = { selector: undefined, format: "yaml", wanted: undefined };
    desk.does({
      type: "unlocked",
      draft: draft!,
      saved: draft!.base,
      merge: undefined,
      notes: [],
      about,
    });
    assert.is(desk.state.mode.kind, kind);
    desk.type("dd");
    assert.is(desk.text, TEXT);
    if (kind === "help") continue;
    desk.press("return");
    assert.match(desk.row, /^add/);
  }
});

test("a document with conflicts that nobody decided stays as it is shown, however long nobody is there", async () => {
  const desk = await Desk.open(TEXT);
  const { draft } = desk.state;
  const conflict = {
    kind: "value",
    document: 0,
    path: ["a"],
    base: "0",
    ours: "one",
    theirs: "1",
  } as const;
  const variants = { ours: TEXT, theirs: TEXT, base: TEXT };
  desk.state = {
    ...desk.state,
    merge: { conflicts: [conflict as never], decisions: [undefined], variants },
    mode: { kind: "conflicts", at: 0, reveal: false },
  };
  desk.wait(HOUR).wait(1000);
  assert.is(desk.state.mode.kind, "conflicts");
  assert.is(desk.state.message, undefined);
  assert.is(desk.state.draft, draft);
});

test("what cannot be locked is tried again after as long as before, not at once", async () => {
  const desk = await Desk.open(TEXT);
  desk.wait(HOUR);
  assert.equal(kinds(desk), ["lock"]);
  desk.does({ type: "failed", error: new Error() });
  desk.effects = [];
  assert.equal(kinds(desk.wait(1000)), []);
  assert.equal(kinds(desk.wait(HOUR)), ["lock"]);
});

test.run();
