import { test } from "uvu";
import * as assert from "uvu/assert";
import { Clipboard, STILL_THERE } from "../../../src/ui/terminal/clipboard.ts";

/** A terminal that has a clipboard, and tells what is in it when it is let. */
class Owner {
  held = "";
  readonly said: string[] = [];
  readonly forgotten: string[] = [];
  #asks = 0;
  readonly clipboard = new Clipboard({
    write: (text) => this.#take(text),
    say: (text) => this.said.push(text),
    isLent: () => false,
    forget: async (text) => void this.forgotten.push(text),
  });

  #take(text: string): void {
    const data = /^\x1b\]52;c;(.*)\x07$/.exec(text)![1]!;
    if (data === "?") this.#asks++;
    else this.held = data === "!" ? "" : Buffer.from(data, "base64").toString();
  }

  /** Answers what was asked until now, and what is asked then. */
  async answers(): Promise<void> {
    for (let turns = 0; turns < 20; turns++) {
      for (; this.#asks > 0; this.#asks--) this.clipboard.answered(Buffer.from(this.held).toString("base64"));
      await new Promise(setImmediate);
    }
  }
}

const LONG = 60_000;

test("a value is taken out again, and what somebody copied meanwhile is left alone", async () => {
  const owner = new Owner();
  owner.clipboard.copy("secret", LONG);
  assert.is(owner.held, "secret");
  const cleared = owner.clipboard.clear(LONG);
  await owner.answers();
  assert.is(await cleared, false);
  assert.is(owner.held, "");
  assert.equal(owner.forgotten, ["secret"]);
  owner.clipboard.copy("secret", LONG);
  owner.held = "theirs";
  const left = owner.clipboard.clear(LONG);
  await owner.answers();
  assert.is(await left, false);
  assert.is(owner.held, "theirs");
});

test("who leaves while a value is being taken out waits until it is", async () => {
  const owner = new Owner();
  owner.clipboard.copy("secret", LONG);
  const first = owner.clipboard.clear(LONG);
  let done = false;
  const leaving = owner.clipboard.clear(LONG).then((left) => {
    done = true;
    return left;
  });
  await new Promise(setImmediate);
  assert.is(done, false);
  await owner.answers();
  assert.equal(await Promise.all([first, leaving]), [false, false]);
  assert.is(owner.held, "");
});

test("a value that is copied while another is being taken out is taken out, too", async () => {
  const owner = new Owner();
  owner.clipboard.copy("one", LONG);
  const first = owner.clipboard.clear(LONG);
  owner.clipboard.copy("two", LONG);
  const second = owner.clipboard.clear(LONG);
  await owner.answers();
  await Promise.all([first, second]);
  assert.is(owner.held, "");
});

test("where the terminal does not answer, that is what whoever leaves is told", async () => {
  const owner = new Owner();
  owner.clipboard.copy("secret", LONG);
  const first = owner.clipboard.clear(1);
  assert.equal(await Promise.all([first, owner.clipboard.clear(1)]), [true, true]);
  assert.equal(owner.said, [STILL_THERE]);
  assert.is(await owner.clipboard.clear(1), false);
});

test.run();
