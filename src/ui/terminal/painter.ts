import type { InkScreen } from "../ink/ink.ts";
import type { Size } from "../state/state.ts";
import type { Screen } from "../view/cells.ts";
import { ansiLine, FirstPainter } from "./paint.ts";

export interface Canvas {
  readonly size: Size;
  write(text: string): void;
}

/**
 * Draws the screens. Ink takes longer to load than a small file to be decrypted, so the first screens are drawn without
 * it, and it goes on when it is there. Where it cannot be loaded, they are drawn without it to the end.
 */
export class Painter {
  readonly #canvas: Canvas;
  readonly #colours: boolean;
  #first: FirstPainter | undefined;
  #ink: InkScreen | undefined;
  #mount: typeof import("../ink/ink.ts").mount | undefined;
  #last: Screen | undefined;

  constructor(canvas: Canvas, colours: boolean) {
    this.#canvas = canvas;
    this.#colours = colours;
    this.#first = new FirstPainter((text) => canvas.write(text), colours);
  }

  /** Has ink go on. */
  async load(): Promise<void> {
    try {
      const { loadInk } = await import("../ink/load.ts");
      this.#mount = (await loadInk()).mount;
    } catch {
      return;
    }
    this.forget();
    if (this.#last) this.draw(this.#last);
  }

  draw(screen: Screen): void {
    this.#last = screen;
    if (!this.#mount) {
      this.#first!.draw(screen);
      return;
    }
    const frame = {
      lines: screen.lines.map((line) => ansiLine(line, this.#colours)),
      cursor: screen.cursor,
    };
    if (this.#ink) {
      this.#ink.draw(frame);
      return;
    }
    const { size, write } = this.#canvas;
    this.#ink = this.#mount({ ...size, write: write.bind(this.#canvas) }, frame);
  }

  /** The screen is empty, or of another size: all of it is drawn the next time. */
  forget(): void {
    this.close();
    this.#first = this.#mount
      ? undefined
      : new FirstPainter((text) => this.#canvas.write(text), this.#colours);
    this.#canvas.write("\x1b[0m\x1b[2J\x1b[H");
  }

  close(): void {
    this.#ink?.unmount();
    this.#ink = undefined;
  }
}
