import type { FormatName } from "../../../src/formats/format.ts";
import { loadFormat } from "../../../src/formats/index.ts";
import { readEncrypted } from "../../../src/sops/decrypt.ts";
import { compileSelector, DEFAULT_SELECTOR, type Selector } from "../../../src/sops/selection.ts";
import { newDraft, textOf } from "../../../src/ui/draft/draft.ts";
import { initialState } from "../../../src/ui/editor.ts";
import { outlineOf } from "../../../src/ui/outline/node.ts";
import { reduce } from "../../../src/ui/reduce/reduce.ts";
import { matchSelection } from "../../../src/ui/rule.ts";
import type { Action, Effect, Options, Size, State } from "../../../src/ui/state/state.ts";
import { screenOf } from "../../../src/ui/view/screen.ts";
import { box } from "../sealed.ts";

export interface DeskOptions {
  readonly format?: FormatName;
  readonly options?: Partial<Options>;
  readonly size?: Size;
  readonly selector?: Selector;
  readonly rule?: Selector;
  /** Leave it as it is before it is decrypted. */
  readonly locked?: boolean;
}

/** The editor without a terminal and without files: what happens is typed here, and the screen is read as text. */
export class Desk {
  state: State;
  /** What was to be done outside, in order. */
  effects: Effect[] = [];
  #now = 1000;

  private constructor(state: State) {
    this.state = state;
  }

  static async open(text: string, more: DeskOptions = {}): Promise<Desk> {
    const { format: name = "yaml", size = { width: 80, height: 24 }, selector = DEFAULT_SELECTOR } = more;
    const format = await loadFormat(name);
    const selection = await compileSelector(selector);
    const encrypted = readEncrypted((await box(format, selector)).encrypt(text), format);
    const start = initialState("secrets.yaml", { size, options: more.options, now: 1000 });
    const outline = outlineOf(encrypted.reading);
    const desk = new Desk({ ...start, encrypted, outline, format: name, selector });
    if (more.locked) return desk;
    const draft = newDraft(text, { format, selection });
    const about = { selector, format: name, wanted: await matchSelection(more.rule, selector) };
    desk.does({ type: "unlocked", draft, saved: draft.base, merge: undefined, notes: [], about });
    return desk;
  }

  does(action: Action): this {
    const [state, effects] = reduce(this.state, action);
    this.state = state;
    this.effects.push(...effects);
    return this;
  }

  /** Keys by their names, with blanks between them: `j j Enter ctrl-s`. */
  press(keys: string): this {
    for (const word of keys.split(" ")) {
      const [, held, name = word] = /^(ctrl|alt)-(.+)$/.exec(word) ?? [];
      this.does({
        type: "key",
        key: { name: name === "Space" ? " " : name, ctrl: held === "ctrl", alt: held === "alt" },
      });
    }
    return this;
  }

  type(text: string): this {
    for (const name of text) this.does({ type: "key", key: { name } });
    return this;
  }

  paste(text: string): this {
    return this.does({ type: "paste", text });
  }

  /** Lets so many milliseconds pass. */
  wait(milliseconds: number): this {
    this.#now += milliseconds;
    return this.does({ type: "tick", now: this.#now });
  }

  get lines(): string[] {
    return screenOf(this.state).lines.map((line) =>
      line
        .map(({ text }) => text)
        .join("")
        .trimEnd(),
    );
  }

  get screen(): string {
    return this.lines.join("\n");
  }

  /** The plaintext with all changes. */
  get text(): string {
    return textOf(this.state.draft!);
  }

  /** The row under the cursor, without the mark of it. */
  get row(): string {
    return (this.lines.find((line) => line.startsWith(">")) ?? "").slice(1).trim().replace(/\s+/g, " ");
  }

  /** Puts the cursor on the row that a search finds. */
  to(path: string): this {
    return this.press("/").type(path).press("return");
  }
}
