import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { FormatName } from "../../../src/formats/format.ts";
import { textOf, undo } from "../../../src/ui/draft/draft.ts";
import { hereSpeech, speechOf } from "../../../src/ui/linear/speech.ts";
import { NAMES } from "../../../src/ui/state/box.ts";
import type { Size } from "../../../src/ui/state/state.ts";
import { widthOf } from "../../../src/ui/view/cells.ts";
import { screenOf } from "../../../src/ui/view/screen.ts";
import { Desk } from "../../support/ui/desk.ts";

/** Whatever somebody presses: nothing breaks, the screen fits, and what is to stay hidden stays hidden. */

const MARKER = "hushhush";
const SHOWN = new RegExp(MARKER);
const TEXTS: Readonly<Partial<Record<FormatName, string>>> = {
  yaml: `# top: ${MARKER}\na: ${MARKER}\nb: &x {c: ${MARKER}, d: [1, true]}\ne: *x\n---\nlong_key_${"日本".repeat(20)}: |\n  ${MARKER}\n  😀\nn: 1.50\n`,
  json: `{"a": "${MARKER}", "b": {"c": [1, "${MARKER}", null]}, "": {}}\n`,
  toml: `a = "${MARKER}"\n[t]\nb = 1 # c\n[[g]]\nc = "${MARKER}"\n`,
  ini: `; c\n[s]\na = ${MARKER}\nb = 2\n`,
  dotenv: `# c\nA=${MARKER}\nB=${MARKER}\n`,
};

const keys = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(..."aadDrtJKuUvVfgbeiyYxwHCLszn/?#j k<>") },
  { weight: 4, arbitrary: fc.constantFrom("return", "escape", "down", "up", "left", "right") },
  { weight: 2, arbitrary: fc.constantFrom(...NAMES) },
  {
    weight: 1,
    arbitrary: fc.constantFrom("ctrl-s", "ctrl-o", "ctrl-t", "ctrl-r", "ctrl-u", "ctrl-w", "alt-b"),
  },
  { weight: 1, arbitrary: fc.constantFrom("é", "日", "😀", "👨‍👩‍👧", "\u202e", "\u0301") },
);
type Step =
  | { readonly key: string }
  | { readonly paste: string }
  | { readonly wait: number }
  | { readonly blur: true }
  | { readonly size: Size };

const steps = fc.array(
  fc.oneof<[fc.WeightedArbitrary<Step>, ...fc.WeightedArbitrary<Step>[]]>(
    { weight: 20, arbitrary: keys.map((key) => ({ key: key === " " ? "Space" : key })) },
    {
      weight: 1,
      arbitrary: fc.constantFrom("one", "two\r\nlines\n", "日本 😀", "").map((paste) => ({ paste })),
    },
    { weight: 1, arbitrary: fc.constant<Step>({ blur: true }) },
    { weight: 1, arbitrary: fc.nat(20_000).map((wait) => ({ wait })) },
    {
      weight: 1,
      arbitrary: fc
        .record({ width: fc.integer({ min: 1, max: 120 }), height: fc.integer({ min: 1, max: 30 }) })
        .map((size) => ({ size })),
    },
  ),
  { minLength: 1, maxLength: 25 },
);

function take(desk: Desk, step: Step): void {
  if ("key" in step) desk.press(step.key);
  else if ("paste" in step) desk.paste(step.paste);
  else if ("wait" in step) desk.wait(step.wait);
  else if ("blur" in step) desk.does({ type: "blur" });
  else desk.does({ type: "resize", size: step.size });
}

/** What is done outside at once, as the session would. */
function answer(desk: Desk): void {
  for (const effect of desk.effects.splice(0)) {
    if (effect.kind === "generate") desk.does({ type: "generated", node: effect.node, text: "generated" });
    else if (effect.kind === "editor") desk.does({ type: "edited", node: effect.node, text: undefined });
    else if (desk.state.busy !== undefined) desk.does({ type: "failed", error: new Error() });
  }
}

function fits({ state }: Desk): void {
  const { width, height } = state.size;
  const { lines, cursor } = screenOf(state);
  if (width < 20 || height < 6) return;
  assert.is(lines.length, height);
  for (const line of lines)
    assert.ok(
      widthOf(line.map(({ text }) => text).join("")) <= width,
      `a line fits: ${JSON.stringify(line)}`,
    );
  if (cursor) assert.ok(cursor.x >= 0 && cursor.x < width && cursor.y >= 0 && cursor.y < height);
}

for (const format of Object.keys(TEXTS) as FormatName[])
  for (const noReveal of [false, true])
    test(`${format}${noReveal ? ", with --no-reveal" : ""}: any keys, pastes and sizes`, async () => {
      const text = TEXTS[format]!;
      const { state } = await Desk.open(text, { format, options: { noReveal, hideAfter: 5000 } });
      await fc.assert(
        fc.asyncProperty(steps, async (list) => {
          const desk = await Desk.open("x: 1\n");
          desk.state = state;
          for (const step of list) {
            const before = desk.state;
            take(desk, step);
            answer(desk);
            fits(desk);
            const said = [...speechOf(before, desk.state).lines, ...hereSpeech(desk.state).lines].join("\n");
            if (noReveal) assert.not.match(`${desk.screen}\n${said}`, SHOWN);
          }
          desk.does({ type: "blur" });
          assert.not.match(desk.screen, SHOWN);
          let draft = desk.state.draft!;
          for (let back = undo(draft); back; back = undo(back)) draft = back;
          assert.is(textOf(draft), text);
        }),
        { numRuns: 40, includeErrorInReport: true },
      );
    });

test.run();
