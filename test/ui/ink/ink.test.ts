import { constants } from "node:os";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { mount } from "../../../src/ui/ink/ink.ts";

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

test.run();
