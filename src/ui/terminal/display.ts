import type { Screen } from "../view/cells.ts";
import type { Painter } from "./painter.ts";

/** What shows a state to the person: as a screen, or in lines (speaker.ts). */
export interface Display<S> {
  show(state: S): void;
  /** Whether the next state comes from a key: then something is to be shown in any case. */
  pressed(): void;
  /** The screen is empty, or somebody else has written to it. */
  anew(): void;
  /** The window has another size. */
  resized(): void;
  /** There is time to load what shows it better. */
  load(): Promise<void>;
  close(): void;
}

/** Shows states as screens. */
export class ScreenDisplay<S> implements Display<S> {
  readonly #painter: Painter;
  readonly #screenOf: (state: S) => Screen;

  constructor(painter: Painter, screenOf: (state: S) => Screen) {
    this.#painter = painter;
    this.#screenOf = screenOf;
    painter.forget();
  }

  show(state: S): void {
    this.#painter.draw(this.#screenOf(state));
  }

  pressed(): void {}

  anew(): void {
    this.#painter.forget();
  }

  resized(): void {
    this.#painter.forget();
  }

  load(): Promise<void> {
    return this.#painter.load();
  }

  close(): void {
    this.#painter.close();
  }
}
