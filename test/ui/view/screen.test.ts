import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { fitted, visible, widthOf, wrapped } from "../../../src/ui/view/cells.ts";
import { screenOf } from "../../../src/ui/view/screen.ts";
import { Desk } from "../../support/ui/desk.ts";

const WIDE = '日本語キー: "値は秘密です"\n"family 👨‍👩‍👧": "👍🏽 ok"\nacc\u0301ent: e\u0301\n';

test("at 80×24 no line is longer than the screen, and no line more than it has", async () => {
  const long = Array.from({ length: 100 }, (_, i) => `key${i}: ${"x".repeat(i * 3)}\n`).join("");
  for (const text of [long, WIDE]) {
    const desk = await Desk.open(text);
    for (const keys of [
      "V return",
      "return",
      "escape",
      "?",
      "escape",
      "f",
      "escape",
      "d s",
      "escape",
      "q",
      "escape",
    ]) {
      desk.press(keys);
      const { lines } = screenOf(desk.state);
      assert.ok(lines.length <= 24, keys);
      for (const line of lines) {
        const width = line.reduce((sum, { text }) => sum + widthOf(text), 0);
        assert.ok(width <= 80, `${width}: ${line.map(({ text }) => text).join("")}`);
      }
    }
  }
});

test("where the rows are hidden nothing is said of one of them: it could be taken for what is decided", async () => {
  const desk = await Desk.open("a: 1\nb: 2\n");
  const detail = () => desk.lines.some((line) => line.includes('["b"]  '));
  desk.press("d");
  assert.ok(detail());
  desk.press("s");
  assert.match(desk.lines.join("\n"), 'Save  1 change\n - ["a"]');
  assert.not.ok(detail());
  desk.press("escape");
  assert.ok(detail());
});

test("the bottom lines stay in their place, whatever the message", async () => {
  const desk = await Desk.open("a: 1\n");
  assert.is(desk.lines.length, 24);
  desk.does({ type: "said", message: { tone: "error", lines: ["one", "two", "three"] } });
  assert.is(desk.lines.length, 24);
  assert.match(desk.lines.at(-1)!, /Enter edit/);
});

test("other sizes: the cursor stays on the screen", async () => {
  const text = Array.from({ length: 200 }, (_, i) => `key${i}: v\n`).join("");
  const desk = await Desk.open(text);
  desk.press("end");
  for (const size of [
    { width: 40, height: 10 },
    { width: 200, height: 60 },
    { width: 20, height: 6 },
  ]) {
    desk.does({ type: "resize", size });
    assert.is(desk.lines.length, size.height);
    assert.match(desk.row, /^key199/, JSON.stringify(size));
  }
  desk.does({ type: "resize", size: { width: 10, height: 3 } });
  assert.equal(desk.lines, ["too small"]);
});

test("wide characters and emoji are cut where they end", () => {
  assert.is(fitted("日本語", 6), "日本語");
  assert.is(fitted("日本語", 5), "日本…");
  assert.is(fitted("日本語", 4), "日…");
  assert.is(fitted("a👨‍👩‍👧b", 3), "a…");
  assert.is(visible("👨‍👩‍👧"), "👨‍👩‍👧");
});

test("a question is broken into lines that fit, also within a long word", () => {
  assert.equal(wrapped("one two three", 7), ["one two", "three"]);
  assert.equal(wrapped("Let age1abcdefghij in?", 8), ["Let", "age1abcd", "efghij", "in?"]);
  assert.equal(wrapped("日本語", 4), ["日本", "語"]);
  assert.equal(wrapped("ab c", 0), ["a", "b", "c"]);
});

test("whatever a text holds, nothing of it steers the terminal, and it is one line", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const shown = visible(text);
      assert.not.match(shown, /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u);
    }),
  );
  assert.is(visible("a\x1b[31m\r\n\u202e\ufeff"), "a␛[31m␍⏎<U+202E><U+FEFF>");
});

test("the cursor of a box is where the text goes on, also behind wide characters", async () => {
  const desk = await Desk.open("a: x\n");
  desk.press("return ctrl-u").type("日本");
  const { cursor, lines } = screenOf(desk.state);
  const line = lines[cursor!.y]!.map(({ text }) => text).join("");
  assert.is(widthOf(line.slice(0, line.indexOf("日本") + 2)), cursor!.x);
  desk.press("left");
  assert.is(screenOf(desk.state).cursor!.x, cursor!.x - 2);
});

test("a long text is seen where the cursor is", async () => {
  const desk = await Desk.open(`a: "${"x".repeat(300)}end"\n`);
  desk.press("return");
  const { cursor } = screenOf(desk.state);
  assert.ok(cursor!.x < 80);
  assert.match(desk.screen, /xend/);
  desk.press("home");
  assert.not.match(desk.screen, /xend/);
});

test("20,000 entries: a key is as quick as in a small document", async () => {
  const text = Array.from({ length: 20_000 }, (_, i) => `key${i}: v\n`).join("");
  const [small, large] = [await Desk.open("a: 1\nb: 2\n"), await Desk.open(text)];
  const cost = (desk: Desk): number => {
    const before = process.cpuUsage();
    for (let i = 0; i < 50; i++) {
      desk.press("j pagedown k end home");
      screenOf(desk.state);
    }
    const { user, system } = process.cpuUsage(before);
    return user + system;
  };
  cost(small);
  cost(large);
  const [few, many] = [cost(small), cost(large)];
  // 24 rows instead of 2 are drawn, a pass over the document would be a thousand times as much
  assert.ok(many < 60 * Math.max(few, 1000), `${many} µs instead of ${few}`);
});

test.run();
