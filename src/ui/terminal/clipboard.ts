/**
 * The clipboard of the person's own machine, which the terminal fills (OSC 52), also through SSH. A value is taken out of
 * it again after a while, if it is still there: what somebody copied meanwhile is theirs.
 */
export class Clipboard {
  readonly #write: (text: string) => void;
  readonly #say: (text: string) => void;
  #ours: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  #asked: ((data: string | undefined) => void) | undefined;

  constructor(write: (text: string) => void, say: (text: string) => void) {
    this.#write = write;
    this.#say = say;
  }

  /** Fills it, for so many milliseconds if it is a secret. */
  copy(text: string, secretFor: number | undefined): void {
    clearTimeout(this.#timer);
    const data = Buffer.from(text, "utf8").toString("base64");
    this.#write(`\x1b]52;c;${data}\x07`);
    this.#ours = secretFor === undefined ? undefined : data;
    if (secretFor === undefined) return;
    this.#timer = setTimeout(() => void this.clear(ANSWER_MS), secretFor);
  }

  /** What the terminal says that the clipboard holds. */
  answered(data: string): void {
    this.#asked?.(data);
  }

  /** Empties it if it still holds what was copied. */
  async clear(wait: number): Promise<void> {
    clearTimeout(this.#timer);
    const ours = this.#ours;
    this.#ours = undefined;
    if (ours === undefined) return;
    const now = await this.#held(wait);
    if (now === undefined)
      this.#say("the terminal does not tell what the clipboard holds, so the copied value is still there");
    else if (now !== ours) this.#say("the clipboard holds something else by now: it was left alone");
    else {
      await this.#empty(ours, wait);
      this.#say("the copied value was taken out of the clipboard");
    }
  }

  /** As xterm does it; where that does nothing, as in tmux, a blank takes the place of the value. */
  async #empty(ours: string, wait: number): Promise<void> {
    this.#write("\x1b]52;c;!\x07");
    if ((await this.#held(wait)) === ours) this.#write("\x1b]52;c;IA==\x07");
  }

  async #held(wait: number): Promise<string | undefined> {
    const answer = new Promise<string | undefined>((resolve) => (this.#asked = resolve));
    this.#write("\x1b]52;c;?\x07");
    const timer = setTimeout(() => this.#asked?.(undefined), wait);
    const data = await answer;
    clearTimeout(timer);
    this.#asked = undefined;
    return data;
  }
}

/** How long a terminal may take to say what the clipboard holds, in milliseconds. */
export const ANSWER_MS = 1000;
