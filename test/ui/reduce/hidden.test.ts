import { test } from "uvu";
import * as assert from "uvu/assert";
import { speechOf } from "../../../src/ui/linear/speech.ts";
import type { Options } from "../../../src/ui/state/state.ts";
import { Desk } from "../../support/ui/desk.ts";

/** In every view values are hidden until they are asked for, and again after a while or when nobody looks. */

const MARKER = "hush-hush";
const TEXT = `# key: ${MARKER}\na: ${MARKER}\nb: ${Buffer.from(MARKER).toString("base64")}\nc: |\n  one\n  ${MARKER}\n`;
const HIDE_AFTER = 5000;

const conflict = {
  kind: "value",
  document: 0,
  path: ["a"],
  base: `${MARKER}1`,
  ours: MARKER,
  theirs: `${MARKER}2`,
};
const version = { commit: "abc", value: MARKER, encrypted: true };

/** How a value gets into a view, and the keys that show it there. */
const VIEWS: Readonly<Record<string, (desk: Desk) => void>> = {
  "one value": (desk) => desk.to("a").press("v"),
  "all values": (desk) => desk.press("V return"),
  "an encrypted comment": (desk) => desk.press("home v"),
  "a value that is edited": (desk) => desk.to("a").press("return"),
  "a value that is typed": (desk) => desk.to("a").press("return ctrl-u").type(MARKER),
  "a value that is pasted": (desk) => desk.to("a").press("return ctrl-u").paste(MARKER),
  "a text of lines": (desk) => desk.to("c").press("return"),
  "a line that was made a text of lines": (desk) => desk.to("a").press("return ctrl-o"),
  "a text in base64": (desk) => desk.to("b").press("b"),
  "a comment that is edited": (desk) => desk.press("home return"),
  "a new comment": (desk) => desk.to("a").press("#").type(MARKER),
  "a new value": (desk) => desk.press("a a").type("new").press("return").type(MARKER),
  "what was typed, and accepted": (desk) => desk.to("a").press("return").type("x").press("return"),
  "a text behind the question whether to throw it away": (desk) =>
    desk.to("c").press("return").type("x").press("escape n"),
  "the changes before saving": (desk) => desk.to("a").press("d s v"),
  "a conflict": (desk) => {
    const variants = { ours: TEXT, theirs: TEXT, base: TEXT };
    desk.state = {
      ...desk.state,
      merge: { conflicts: [conflict as never], decisions: [undefined], variants },
      mode: { kind: "conflicts", at: 0, reveal: false },
    };
    desk.press("v");
  },
  history: (desk) => desk.does({ type: "history", title: "a", versions: [version] }).press("v"),
};

const said = ({ state }: Desk): string => speechOf(undefined, state).lines.join("\n");
const shows = (desk: Desk): boolean => `${desk.screen}\n${said(desk)}`.includes(MARKER);
const opened = (options: Partial<Options>): Promise<Desk> => Desk.open(TEXT, { options });

for (const [name, show] of Object.entries(VIEWS)) {
  test(`${name}: hidden when the window loses the focus, and after a while`, async () => {
    for (const away of ["blur", "time"] as const) {
      const desk = await opened({ hideAfter: HIDE_AFTER });
      assert.not.ok(shows(desk));
      show(desk);
      assert.ok(shows(desk), "it is shown");
      if (away === "blur") desk.does({ type: "blur" });
      else desk.wait(HIDE_AFTER - 1).wait(1);
      assert.not.ok(shows(desk), desk.screen);
    }
  });

  test(`${name}: never shown with --no-reveal`, async () => {
    const desk = await opened({ noReveal: true });
    show(desk);
    assert.not.ok(shows(desk), desk.screen);
    desk.press("ctrl-t");
    assert.not.ok(shows(desk), desk.screen);
    if (desk.state.mode.kind !== "box") desk.press("v V return");
    assert.not.ok(shows(desk), desk.screen);
  });
}

test("what is behind the question whether to throw it away stays hidden when one goes back to it", async () => {
  const desk = await opened({});
  desk.to("c").press("return").type("x").press("escape").does({ type: "blur" });
  desk.press("n");
  assert.match(desk.screen, /•/);
  assert.not.ok(shows(desk));
});

test.run();
