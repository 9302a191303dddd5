/** How a clipboard is reached. */
export interface ClipboardWays {
  /** To the terminal. */
  write(text: string): void;
  say(text: string): void;
  /** Whether somebody else has the terminal now: it can be asked nothing then. */
  isLent(): boolean;
  /** Takes a value out of wherever else copied values are kept. */
  forget(text: string): Promise<void>;
}

/**
 * The clipboard of the person's own machine, which the terminal fills (OSC 52), also through SSH. A value is taken out of
 * it again after a while, if it is still there: what somebody copied meanwhile is theirs.
 */
export class Clipboard {
  readonly #ways: ClipboardWays;
  #ours: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  #clearing: Promise<boolean> | undefined;
  #asked: ((data: string | undefined) => void) | undefined;

  constructor(ways: ClipboardWays) {
    this.#ways = ways;
  }

  /** Fills it, for so many milliseconds if it is a secret. */
  copy(text: string, secretFor: number | undefined): void {
    clearTimeout(this.#timer);
    const data = Buffer.from(text, "utf8").toString("base64");
    this.#ways.write(`\x1b]52;c;${data}\x07`);
    this.#ours = secretFor === undefined ? undefined : data;
    if (secretFor === undefined) return;
    this.#wait(secretFor);
  }

  #wait(ms: number): void {
    this.#timer = setTimeout(() => {
      if (this.#ways.isLent()) this.#wait(LENT_MS);
      else void this.clear(ANSWER_MS);
    }, ms);
  }

  /** What the terminal says that the clipboard holds. */
  answered(data: string): void {
    this.#asked?.(data);
  }

  /**
   * Empties it if it still holds what was copied, after what is being emptied already: whoever leaves waits for that.
   * Returns whether a value may still be in it.
   */
  clear(wait: number): Promise<boolean> {
    clearTimeout(this.#timer);
    const before = this.#clearing;
    const clearing = (async () => {
      const mayBeThere = await before;
      return (await this.#clearOurs(wait)) || mayBeThere === true;
    })().finally(() => {
      if (this.#clearing === clearing) this.#clearing = undefined;
    });
    this.#clearing = clearing;
    return clearing;
  }

  async #clearOurs(wait: number): Promise<boolean> {
    const ours = this.#ours;
    this.#ours = undefined;
    if (ours === undefined) return false;
    const now = await this.#held(wait);
    if (now === ours) await this.#empty(ours, wait);
    await this.#ways.forget(Buffer.from(ours, "base64").toString("utf8"));
    this.#ways.say(said(now, ours));
    return now === undefined;
  }

  /** As xterm does it; where that does nothing, as in tmux, a blank takes the place of the value. */
  async #empty(ours: string, wait: number): Promise<void> {
    this.#ways.write("\x1b]52;c;!\x07");
    if ((await this.#held(wait)) === ours) this.#ways.write("\x1b]52;c;IA==\x07");
  }

  async #held(wait: number): Promise<string | undefined> {
    const answer = new Promise<string | undefined>((resolve) => (this.#asked = resolve));
    this.#ways.write("\x1b]52;c;?\x07");
    const timer = setTimeout(() => this.#asked?.(undefined), wait);
    const data = await answer;
    clearTimeout(timer);
    this.#asked = undefined;
    return data;
  }
}

function said(now: string | undefined, ours: string): string {
  if (now === undefined) return STILL_THERE;
  return now === ours
    ? "the copied value was taken out of the clipboard"
    : "the clipboard holds something else by now: it was left alone";
}

export const STILL_THERE =
  "the terminal does not tell what the clipboard holds, so the copied value is still there";

/** How long a terminal may take to say what the clipboard holds, in milliseconds. */
export const ANSWER_MS = 1000;
/** How often it is looked whether the terminal is back. */
const LENT_MS = 500;
