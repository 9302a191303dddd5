import { constants } from "node:os";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { mount } from "../../../src/ui/ink/ink.ts";
import { widthOf } from "../../../src/ui/view/cells.ts";

/**
 * ink-testing-library cannot show what has to be known here: its screen is always 100 columns wide, has no rows, and keeps
 * only whole frames, so neither the cursor nor which lines are drawn anew. So ink draws into a stream of our own.
 */

const lines = (text: string): string[] =>
  Array.from({ length: 24 }, (_, i) => (i === 3 ? text : `line ${i}`));

/** What ink writes for a while, until something is in it. */
async function until(written: () => string, what: string): Promise<void> {
  while (!written().includes(what)) await new Promise((resolve) => setTimeout(resolve, 5));
}

test("ink draws the lines and puts the cursor in its place; no signal is kept from ending the process", async () => {
  const signals = Object.keys(constants.signals).filter((name) => name !== "SIGKILL" && name !== "SIGSTOP");
  const counts = (): number[] => signals.map((name) => process.listenerCount(name));
  const before = counts();
  let out = "";
  const place = { width: 80, height: 24, write: (text: string) => void (out += text) };
  const screen = mount(place, { lines: lines("the \x1b[1mfirst\x1b[0m screen"), cursor: undefined });
  await until(() => out, "line 23");
  assert.equal(counts(), before);
  assert.match(out, /the \x1b\[1mfirst/);
  assert.not.match(out, /\x1b\[3J/, "nothing is taken out of the scrollback");
  out = "";
  screen.draw({ lines: lines("the second one"), cursor: { x: 5, y: 3 } });
  await until(() => out, "second");
  assert.not.match(out, /line 20/, "only what changed is drawn");
  assert.match(out, /\x1b\[\?25h/, "the cursor is shown");
  screen.unmount();
  assert.equal(counts(), before);
});

test("what is wider than the screen is cut, never broken; wide characters keep their places", async () => {
  let out = "";
  const place = { width: 20, height: 4, write: (text: string) => void (out += text) };
  const first = ["日本語".repeat(10), "👩‍👩‍👧 family", "x".repeat(40), "last"];
  const screen = mount(place, { lines: first, cursor: undefined });
  await until(() => out, "last");
  const shown = out.replace(/\x1b\[[\d;?]*[A-Za-z]/g, "").split(/\r?\n/);
  const rows = shown.filter((line) => line.trim() !== "");
  assert.is(rows.length, 4);
  for (const row of rows) assert.ok(widthOf(row) <= 20, row);
  assert.match(rows[1]!, /^👩‍👩‍👧 family/);
  screen.unmount();
});

test("fewer lines than before leave nothing of those", async () => {
  let out = "";
  const place = { width: 80, height: 24, write: (text: string) => void (out += text) };
  const screen = mount(place, { lines: lines("first"), cursor: undefined });
  await until(() => out, "line 23");
  out = "";
  screen.draw({ lines: ["only this"], cursor: undefined });
  await until(() => out, "only this");
  assert.not.match(out, /line 5/);
  assert.match(out, /\x1b\[(?:2K|K|J|0J)/, "the others are taken away");
  screen.unmount();
});

test.run();
