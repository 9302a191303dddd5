import { stripVTControlCharacters } from "node:util";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { hereSpeech, speechOf } from "../../../src/ui/linear/speech.ts";
import type { State } from "../../../src/ui/state/state.ts";
import { ScreenDisplay } from "../../../src/ui/terminal/display.ts";
import { Painter } from "../../../src/ui/terminal/painter.ts";
import { Speaker } from "../../../src/ui/terminal/speaker.ts";
import { screenOf } from "../../../src/ui/view/screen.ts";
import { Desk } from "../../support/ui/desk.ts";

/** A state that cannot be shown does not end the editor: what was changed is still there, and the next one is shown. */

/** A place for something that is written, and a state that no view can show. */
async function faulty() {
  const { state } = await Desk.open("a: 1\n");
  const broken: State = { ...state, mode: { kind: "conflicts", at: 7, reveal: false } };
  let written = "";
  const write = (text: string): void => {
    written += text;
  };
  const taken = (): string => {
    const text = stripVTControlCharacters(written);
    written = "";
    return text;
  };
  return { state, broken, write, taken };
}

test("as a screen", async () => {
  const { state, broken, write, taken } = await faulty();
  const painter = new Painter({ size: state.size, write }, false);
  const display = new ScreenDisplay(painter, screenOf);
  display.show(state);
  assert.match(taken(), /Enter edit/);
  display.show(broken);
  assert.match(taken(), /internal error \(TypeError\): this is[\s\S]*Esc goes back/);
  display.show(state);
  assert.match(taken(), /Enter edit/);
});

test("in lines", async () => {
  const { state, broken, write, taken } = await faulty();
  const display = new Speaker<State>(write, { speechOf, hereSpeech }, true);
  display.show(state);
  assert.match(taken(), /a, hidden/);
  display.show(broken);
  assert.match(taken(), /internal error \(TypeError\): this is a fault of tsops.*Esc goes back/);
  display.pressed();
  display.show({ ...state });
  assert.match(taken(), /a, hidden/);
});

test.run();
