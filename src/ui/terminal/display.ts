import { type Screen, wrapped } from "../view/cells.ts";
import type { Painter } from "./painter.ts";

/** In columns: how wide the window is belongs to what cannot be trusted then. */
const FAULT_WIDTH = 40;

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

/** What is shown where a state cannot be: a fault of ours must not take along what somebody has changed. */
export function faultText(error: unknown): string {
  const name = error instanceof Error ? error.name : "unknown error";
  return `internal error (${name}): this is a fault of tsops. Your changes are still here: Esc goes back, s saves`;
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
    this.#painter.draw(this.#screen(state));
  }

  #screen(state: S): Screen {
    try {
      return this.#screenOf(state);
    } catch (error) {
      return { lines: wrapped(faultText(error), FAULT_WIDTH).map((text) => [{ text }]) };
    }
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
