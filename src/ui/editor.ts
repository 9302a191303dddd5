import { setImmediate as turn } from "node:timers/promises";
import { TsopsError } from "../errors.ts";
import type { Draft } from "./draft/draft.ts";
import { outlineOf } from "./outline/node.ts";
import { reduce } from "./reduce/reduce.ts";
import { matchSelection } from "./rule.ts";
import type { EditSession, TakenOver } from "./session.ts";
import type { KeyLine } from "./state/keys-view.ts";
import type { Recipe } from "./state/recipe.ts";
import {
  type About,
  type Action,
  DEFAULTS,
  type Effect,
  type Options,
  type Result,
  type Size,
  type State,
} from "./state/state.ts";

/** What the editor can have done outside, besides what concerns its file. */
export interface Tools {
  /** The screen is to be drawn anew. */
  draw(state: State): void;
  copy(text: string, secret: boolean): Promise<string>;
  /** One value in $EDITOR. Undefined if it was not changed. */
  edit(name: string, text: string): Promise<string | undefined>;
  readFile(path: string): Promise<string>;
  generate(recipe: Recipe): Promise<string>;
  suspend(): void;
  quit(): void;
}

const DRAWN_MS = 20;

/** One session of the editor: hands what happens to the reducer, and does what that wants done. */
export class Editor {
  #state: State;
  readonly #session: EditSession;
  readonly #tools: Tools;
  #answer: ((text: string | undefined) => void) | undefined;

  constructor(
    session: EditSession,
    tools: Tools,
    start: { size: Size; options?: Partial<Options>; now: number },
  ) {
    this.#session = session;
    this.#tools = tools;
    this.#state = initialState(session.name, start);
  }

  get state(): State {
    return this.#state;
  }

  /** Reads the file and shows its keys. */
  async load(): Promise<void> {
    const encrypted = await this.#session.load();
    if (encrypted) {
      const { reading, format, metadata } = encrypted;
      const outline = outlineOf(reading);
      this.#set({ ...this.#state, encrypted, outline, format: format.name, selector: metadata.selector });
    }
    this.#set({ ...this.#state, busy: encrypted ? "unlocking" : "opening" });
  }

  /** Opens what was read. */
  async start(): Promise<void> {
    await this.#unlock();
  }

  dispatch(action: Action): void {
    const [state, effects] = this.#reduced(action);
    this.#set(state);
    for (const effect of effects) void this.#run(effect);
  }

  /** A fault of ours must not take along what somebody has typed: nothing has changed then. */
  #reduced(action: Action): Result {
    try {
      return reduce(this.#state, action);
    } catch (error) {
      const name = error instanceof Error ? error.name : "unknown error";
      const lines = [`internal error (${name}): this is a fault of tsops, not of yours; nothing has changed`];
      return [{ ...this.#state, message: { tone: "error", lines } }, []];
    }
  }

  /** Asks the person for a passphrase, a PIN or the like. @throws TsopsError("aborted") if they do not want to. */
  async ask(question: string): Promise<string> {
    const answer = new Promise<string | undefined>((resolve) => (this.#answer = resolve));
    this.dispatch({ type: "ask", question });
    const text = await answer;
    if (text === undefined) throw new TsopsError("aborted", "nothing was typed: the file stays locked");
    return text;
  }

  #set(state: State): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#tools.draw(state);
  }

  async #run(effect: Effect): Promise<void> {
    try {
      await this.#perform(effect);
    } catch (error) {
      this.dispatch({ type: "failed", error, notes: this.#session.notes() });
    }
  }

  async #perform(effect: Effect): Promise<void> {
    switch (effect.kind) {
      case "unlock":
        return await this.#unlock();
      case "answer":
        this.#answer?.(effect.text);
        this.#answer = undefined;
        return;
      case "save":
        return await this.#save(effect);
      case "lock":
        await this.#session.lock(effect.draft, effect.changed);
        return this.dispatch({ type: "locked" });
      case "copy":
        return this.#say(await this.#tools.copy(effect.text, effect.secret));
      case "editor": {
        const text = await this.#tools.edit(effect.name, effect.text);
        return this.dispatch({ type: "edited", node: effect.node, text });
      }
      case "read-file":
        return this.dispatch({
          type: "edited",
          node: effect.node,
          text: await this.#tools.readFile(effect.path),
        });
      case "generate":
        return this.dispatch({
          type: "generated",
          node: effect.node,
          text: await this.#tools.generate(effect.recipe),
        });
      case "keys": {
        const lines = await this.#session.keys();
        return this.#showKeys(lines);
      }
      case "change-keys":
        return await this.#changeKeys(effect);
      case "history": {
        const versions = await this.#session.history(effect.document, effect.path);
        return this.dispatch({ type: "history", title: effect.title, versions });
      }
      case "suspend":
        return this.#tools.suspend();
      case "quit":
        this.#session.close();
        return this.#tools.quit();
    }
  }

  async #changeKeys({ change, accepted }: Extract<Effect, { kind: "change-keys" }>): Promise<void> {
    try {
      const { lines, draft } = await this.#session.changeKeys(this.#state.draft!, change, accepted);
      this.#showKeys(lines, draft && { draft, about: await this.#about() });
    } catch (error) {
      if (accepted || !isDrift(error)) throw error;
      const notes = this.#session.notes();
      this.dispatch({ type: "refused", error, notes, leave: false, change, accepts: { drift: true } });
    }
  }

  #showKeys(lines: readonly KeyLine[], now?: { readonly draft: Draft; readonly about: About }): void {
    const { encrypted } = this.#session;
    this.dispatch({ type: "keys", lines, ...now, notes: this.#session.notes(), encrypted });
  }

  #say(text: string): void {
    this.dispatch({ type: "said", message: { tone: "info", lines: [text] } });
  }

  async #unlock(): Promise<void> {
    try {
      await drawn();
      const { draft, saved, merge } = await this.#session.unlock();
      this.dispatch({
        type: "unlocked",
        draft,
        saved,
        merge,
        notes: this.#session.notes(),
        about: await this.#about(),
      });
    } catch (error) {
      this.dispatch({ type: "failed", error, notes: this.#session.notes() });
    }
  }

  async #about(): Promise<About> {
    const { document, rule } = this.#session;
    const selector = document?.metadata.selector ?? this.#session.newDocument?.selector;
    return { selector, wanted: await matchSelection(rule, selector), format: this.#session.format };
  }

  async #takeOver({ draft, accepted, leave }: Extract<Effect, { kind: "save" }>): Promise<void> {
    const found = await this.#mergedUnlessGone(draft);
    if (!found) {
      const [error, notes] = [gone(), this.#session.notes()];
      this.dispatch({ type: "refused", error, notes, leave, accepts: { ...accepted, gone: true } });
      return;
    }
    const { remarks, ...merged } = found;
    const encrypted = this.#session.encrypted!;
    const notes = [...remarks, ...this.#session.notes()];
    this.dispatch({ type: "merged", ...merged, encrypted, about: await this.#about(), notes, leave });
  }

  async #mergedUnlessGone(draft: Draft): Promise<TakenOver | undefined> {
    try {
      return await this.#session.takeOver(draft);
    } catch (error) {
      if (error instanceof TsopsError && error.code === "no-such-file") return undefined;
      throw error;
    }
  }

  async #save(effect: Extract<Effect, { kind: "save" }>): Promise<void> {
    const { draft, accepted, leave } = effect;
    try {
      await drawn();
      await this.#session.save(draft, accepted);
      const encrypted = this.#session.encrypted!;
      this.dispatch({ type: "saved", draft, encrypted, notes: this.#session.notes(), leave });
    } catch (error) {
      if (error instanceof TsopsError && error.code === "changed-on-disk")
        return await this.#takeOver(effect);
      const notes = this.#session.notes();
      if (isDrift(error) && !accepted.drift && notes.length > 0)
        this.dispatch({ type: "refused", error, notes, leave, accepts: { ...accepted, drift: true } });
      else this.dispatch({ type: "failed", error, notes });
    }
  }
}

/** Whether a file is not written because it is not as its creation rule says: the person can want that. */
function isDrift(error: unknown): error is TsopsError {
  return error instanceof TsopsError && ["recipients-changed", "selectors-changed"].includes(error.code);
}

function gone(): TsopsError {
  return new TsopsError("no-such-file", "the file is not there any more: somebody deleted or renamed it", {
    hint: "y writes it again, with your changes; Esc goes back to them",
  });
}

/** Lets the screen be drawn before long work begins. */
async function drawn(): Promise<void> {
  await turn();
  await new Promise((resolve) => setTimeout(resolve, DRAWN_MS));
}

export function initialState(
  name: string,
  { size, options, now }: { size: Size; options?: Partial<Options>; now: number },
): State {
  return {
    name,
    size,
    now,
    touched: now,
    format: "",
    selector: undefined,
    wanted: undefined,
    encrypted: undefined,
    outline: { roots: [], nodes: [], byEntry: [] },
    draft: undefined,
    saved: undefined,
    held: false,
    cursor: 0,
    top: 0,
    folded: new Set(),
    list: undefined,
    find: { query: "", hits: [], values: false },
    revealed: { all: false, paths: new Set(), since: now },
    merge: undefined,
    mode: { kind: "tree" },
    message: undefined,
    busy: undefined,
    options: { ...DEFAULTS, ...options },
  };
}
