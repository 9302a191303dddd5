import type { Speech } from "../linear/speech.ts";
import { type Display, faultText } from "./display.ts";

/** What is said of a state after the one before it, and where somebody is when a key changes nothing. */
export interface Words<S> {
  speechOf(before: S | undefined, state: S): Speech;
  hereSpeech(state: S): Speech;
}

const CLEAR = "\x1b[2J\x1b[H";

/**
 * Shows states in lines, one after the other: nothing that was written is written over, so a screen reader says what is
 * new, and a braille display has it. Only where values are hidden again the screen is emptied.
 */
export class Speaker<S> implements Display<S> {
  readonly #write: (text: string) => void;
  readonly #words: Words<S>;
  readonly #canClear: boolean;
  #before: S | undefined;
  #open = false;
  #pressed = false;

  /** @param canClear the terminal understands escape sequences. */
  constructor(write: (text: string) => void, words: Words<S>, canClear: boolean) {
    this.#write = write;
    this.#words = words;
    this.#canClear = canClear;
  }

  show(state: S): void {
    const speech = spoken(() => this.#words.speechOf(this.#before, state));
    const silent = speech.lines.length === 0 && speech.echo === "";
    const isHere = silent && this.#pressed;
    this.#before = state;
    this.#pressed = false;
    if (silent && !isHere) return;
    this.#say(isHere ? spoken(() => this.#words.hereSpeech(state)) : speech);
  }

  pressed(): void {
    this.#pressed = true;
  }

  anew(): void {
    this.#open = false;
    this.#pressed = true;
  }

  resized(): void {}

  load(): Promise<void> {
    return Promise.resolve();
  }

  close(): void {
    this.#write(this.#open ? "\r\n" : "");
    this.#open = false;
  }

  #say({ clears, lines, echo, open }: Speech): void {
    if (lines.length === 0) {
      this.#write(echo);
      return;
    }
    const end = this.#open ? "\r\n" : "";
    this.#write((clears && this.#canClear ? CLEAR : end) + lines.join("\r\n") + (open ? "" : "\r\n"));
    this.#open = open;
  }
}

function spoken(words: () => Speech): Speech {
  try {
    return words();
  } catch (error) {
    return { clears: false, lines: [faultText(error)], echo: "", open: false };
  }
}
