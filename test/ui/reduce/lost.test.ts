import { test } from "uvu";
import * as assert from "uvu/assert";
import { TsopsError } from "../../../src/errors.ts";
import { chordOf, type Key, lineBox, NAMES, textBox, typed } from "../../../src/ui/state/box.ts";
import { BINDINGS, TYPING } from "../../../src/ui/state/keys.ts";
import type { State } from "../../../src/ui/state/state.ts";
import { widthOf } from "../../../src/ui/view/cells.ts";
import { dialogOf } from "../../../src/ui/view/dialogs.ts";
import { screenOf } from "../../../src/ui/view/screen.ts";
import { Desk } from "../../support/ui/desk.ts";

/** Somebody who does not know the editor finds their way: no key is silent, and help has all of them. */

const TEXT = "a: one\nb:\n  - 1\n  - 2\nc: dHdv\n";

/** Keys that a keyboard has. */
const KEYS: readonly Key[] = [
  ...Array.from({ length: 0x5f }, (_, i) => ({ name: String.fromCharCode(0x20 + i) })),
  ...[...NAMES].map((name) => ({ name })),
  ..."abcdefghijklmnopqrstuvwxyz".split("").flatMap((name) => [
    { name, ctrl: true },
    { name, alt: true },
  ]),
  ...["up", "down", "left", "right", "home", "end", "backspace"].flatMap((name) => [
    { name, ctrl: true },
    { name, alt: true },
  ]),
];

const press = (desk: Desk, key: Key): Desk => desk.does({ type: "key", key });
const isSilent = ({ state }: Desk): boolean => !/does nothing here/.test(state.message?.lines[0] ?? "");

test("help has the keys of the document, and no others; the rest say that they do nothing", async () => {
  const desk = await Desk.open(TEXT);
  const start = desk.state;
  const listed = BINDINGS.flatMap(({ keys }) => keys);
  for (const key of KEYS) {
    desk.state = start;
    assert.is(isSilent(press(desk, key)), listed.includes(chordOf(key)), chordOf(key));
  }
  assert.is(new Set(listed).size, listed.length, "no key has two meanings");
});

test("help has the keys for typing, and no others", () => {
  const listed = TYPING.flatMap(({ keys }) => keys);
  // what boxes do besides changing what is typed
  const around = ["escape", "ctrl-c", "ctrl-s", "ctrl-o"];
  const writes = (key: Key): boolean =>
    [lineBox("one two"), { ...textBox("a\nb c\nd"), at: 3 }].some((box) => typed(box, key) !== undefined);
  const isText = ({ name, ctrl, alt }: Key): boolean => [...name].length === 1 && !ctrl && !alt;
  for (const key of KEYS) {
    if (isText(key)) continue;
    const chord = chordOf(key);
    assert.is(writes(key) || around.includes(chord), listed.includes(chord), chord);
  }
});

test("the help is searched by what keys do and by their names, and scrolled", async () => {
  const desk = await Desk.open(TEXT, { size: { width: 40, height: 10 } });
  desk.press("?").type("duplicate");
  assert.match(desk.screen, /^ {2}D +duplicate the entry$/m);
  desk.press("escape ?").type("ctrl-o");
  assert.match(desk.screen, /Ctrl-O +typing: several lines/);
  desk.press("escape ? pagedown");
  assert.not.match(desk.screen, /edit the value/);
  for (let i = 0; i < 30; i++) desk.press("pagedown");
  assert.match(desk.screen, /Tab .*typing: a tab/);
  desk.press("escape ?").paste("rename");
  assert.match(desk.screen, /^ {2}r +rename the key$/m);
});

type Modes = { readonly [name: string]: (desk: Desk) => void };

const conflict = { kind: "value", document: 0, path: ["a"], base: "0", ours: "one", theirs: "1" };
const versions = [{ commit: "abc", value: "x", encrypted: true }];

const MODES: Modes = {
  save: (desk) => desk.press("d s"),
  leave: (desk) => desk.press("d q"),
  "leave, locked": (desk) => desk.press("d L").does({ type: "locked" }).press("q"),
  accept: (desk) => desk.does(refusal("age1".repeat(5))),
  menu: (desk) => desk.press("g"),
  history: (desk) => desk.does({ type: "history", title: "a", versions }),
  conflicts: (desk) => {
    const variants = { ours: TEXT, theirs: TEXT, base: TEXT };
    desk.state = {
      ...desk.state,
      merge: { conflicts: [conflict as never], decisions: [undefined], variants },
      mode: { kind: "conflicts", at: 0, reveal: false },
    };
  },
  keys: (desk) => desk.does({ type: "keys", lines: KEY_LINES, notes: [], encrypted: undefined }),
};

const KEY_LINES = [{ text: "usable  age1x", tone: "good", key: "age:age1x" }] as const;

function refusal(...notes: string[]) {
  const error = new TsopsError("recipients-changed", "the recipients are others", { hint: "look" });
  return { type: "refused", error, accepts: { drift: true }, notes, leave: false } as const;
}

/** Keys that move, go back, or are the same as one in the last line. */
const ALSO = ["up", "down", "j", "k", "pageup", "pagedown", " ", "escape", "ctrl-c", "q", "n", "e", "return"];

function footKeys(state: State): string[] {
  const names: Readonly<Record<string, string[]>> = {
    Enter: ["return"],
    Esc: ["escape"],
    "↑ ↓": ["up", "down"],
    "the letter": state.mode.kind === "menu" ? state.mode.items.map(({ key }) => key) : [],
  };
  return (dialogOf(state).keys ?? []).flatMap(([key]) => names[key] ?? [key]);
}

for (const [name, open] of Object.entries(MODES)) {
  test(`${name}: the last line has the keys that do something; the others say that they do nothing`, async () => {
    const desk = await Desk.open(TEXT);
    open(desk);
    const start = { ...desk.state, message: undefined };
    const listed = footKeys(start);
    for (const key of KEYS) {
      desk.state = start;
      press(desk, key);
      const chord = chordOf(key);
      if (listed.includes(chord)) assert.ok(isSilent(desk), `${chord} is listed, and does nothing`);
      else if (!ALSO.includes(chord)) assert.not.ok(isSilent(desk), `${chord} is silent`);
      if (isSilent(desk)) continue;
      assert.match(desk.screen, /does nothing here: the last line has the keys/);
      assert.is(desk.state.mode, start.mode);
      press(desk, { name: "f1", alt: true });
    }
  });

  test(`${name}: in a small window the way back is there`, async () => {
    const desk = await Desk.open(TEXT, { size: { width: 40, height: 10 } });
    open(desk);
    assert.match(desk.lines.at(-1)!, /(Esc \w+|other key back)$/);
    assert.ok(desk.lines.every((line) => widthOf(line) <= 40));
  });
}

test("a paste without an end is said, and what was typed before it is still there", async () => {
  const desk = await Desk.open(TEXT);
  desk.press("return").type("more").does({ type: "lost-paste" });
  assert.match(desk.screen, /the end of a paste did not come: nothing of it was taken/);
  desk.type("!");
  assert.match(desk.screen, /more!/);
  assert.not.match(desk.screen, /did not come/);
});

test("a paste where nothing is typed says where it can be pasted", async () => {
  const desk = await Desk.open(TEXT);
  assert.match(desk.paste("dqs\n").screen, /nothing was pasted: Enter opens a value/);
  assert.is(desk.text, TEXT);
});

test("a menu that is longer than the window is scrolled", async () => {
  const desk = await Desk.open(TEXT, { size: { width: 40, height: 10 } });
  desk.press("g");
  assert.match(desk.screen, /↑ ↓ scroll/);
  assert.not.match(desk.screen, /an SSH key/);
  desk.press("down down down down down");
  assert.match(desk.screen, /an SSH key/);
  assert.is(desk.press("s").effects.at(-1)?.kind, "generate");
});

test("a long difference from the rule is scrolled before it is accepted", async () => {
  const desk = await Desk.open(TEXT, { size: { width: 60, height: 10 } });
  desk.does(refusal(...Array.from({ length: 20 }, (_, i) => `recipient ${i}`)));
  assert.not.match(desk.screen, /recipient 19/);
  assert.match(desk.screen, /↑ ↓ scroll/);
  for (let i = 0; i < 18; i++) desk.press("down");
  assert.match(desk.screen, /recipient 19/);
});

test("a long name leaves room for what is typed, and the cursor is behind it", async () => {
  const key = "ANTHROPIC_API_KEY_FOR_PRODUCTION_IN_EUROPE_日本";
  for (const width of [40, 80]) {
    const desk = await Desk.open(`${key}${key}: secret1\n`, { size: { width, height: 10 } });
    desk.press("return");
    const row = desk.lines.at(-2)!;
    assert.match(row, /…: secret1$/);
    assert.is(screenOf(desk.state).cursor?.x, widthOf(row));
  }
});

test("a message that is longer than there is room for says that there is more", async () => {
  const desk = await Desk.open(TEXT, { size: { width: 40, height: 10 } });
  desk.does({ type: "said", message: { tone: "warning", lines: ["a", "b", "c", "d", "e"] } });
  assert.match(desk.screen, / a\n b\n … 3 more lines: enlarge the window/);
});

test.run();
