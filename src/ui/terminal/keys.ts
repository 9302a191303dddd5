import { StringDecoder } from "node:string_decoder";
import type { Key } from "../state/box.ts";

/** What a terminal sends: keys, pasted texts, whether its window has the focus, and answers. */
export type Input =
  | { readonly type: "key"; readonly key: Key }
  | { readonly type: "paste"; readonly text: string }
  /** A paste whose end did not come: nothing of it counts. */
  | { readonly type: "lost-paste" }
  | { readonly type: "focus" }
  | { readonly type: "blur" }
  /** What the clipboard holds (OSC 52), as base64. */
  | { readonly type: "clipboard"; readonly data: string };

const PASTE_START = "\x1b[200~";
const PASTE_END = "\x1b[201~";

/** Esc or Ctrl-C: who is caught in a paste that does not end presses one of them. */
const isPressed = (text: string): boolean => text.endsWith("\x1b") || text.endsWith("\x03");
/** A sequence that has begun. */
const BEGUN = /^\x1b(?:$|\[[<=>?]?[\d;:]*[ -/]*$|O$|\][^\x07\x1b]*\x1b?$)/;
/** What only a terminal begins, and no key is. */
const NO_KEY = /^\x1b(?:\[[<=>?]?[\d;:]|\]\d)/;

const LETTERS: Readonly<Record<string, string>> = {
  A: "up",
  B: "down",
  C: "right",
  D: "left",
  F: "end",
  H: "home",
  P: "f1",
  Z: "backtab",
};
const NUMBERS: Readonly<Record<string, string>> = {
  1: "home",
  2: "insert",
  3: "delete",
  4: "end",
  5: "pageup",
  6: "pagedown",
  7: "home",
  8: "end",
  11: "f1",
};

/** Reads what a terminal sends, in whatever pieces it comes. */
export class KeyReader {
  readonly #decoder = new StringDecoder("utf8");
  #rest = "";

  /** What is complete of the input so far. */
  read(chunk: Uint8Array): Input[] {
    this.#rest += this.#decoder.write(Buffer.from(chunk));
    return this.#take(false);
  }

  /**
   * Whether something has begun, and `flush` says what it was if nothing follows. What may be a key is one if nothing
   * follows soon. The rest of an answer, or the end of a paste that has an Esc in it, can be late on a slow line.
   */
  get waits(): "soon" | "late" | undefined {
    if (this.#rest.startsWith(PASTE_START)) return isPressed(this.#rest) ? "late" : undefined;
    if (!this.#rest.startsWith("\x1b")) return undefined;
    return NO_KEY.test(this.#rest) ? "late" : "soon";
  }

  /** Nothing more came: what is there counts as it is. */
  flush(): Input[] {
    return this.#take(true);
  }

  #take(all: boolean): Input[] {
    const found: Input[] = [];
    while (this.#rest !== "") {
      const step = this.#rest.startsWith(PASTE_START) ? pasteIn(this.#rest, all) : inputIn(this.#rest, all);
      if (!step) break;
      this.#rest = this.#rest.slice(step.length);
      if (step.input) found.push(step.input);
    }
    return found;
  }
}

interface Step {
  readonly length: number;
  /** Undefined for what means nothing here. */
  readonly input: Input | undefined;
}

function pasteIn(text: string, all: boolean): Step | undefined {
  const end = text.indexOf(PASTE_END);
  if (end < 0)
    return all && isPressed(text) ? { length: text.length, input: { type: "lost-paste" } } : undefined;
  return {
    length: end + PASTE_END.length,
    input: { type: "paste", text: text.slice(PASTE_START.length, end) },
  };
}

const key = (name: string, more: Omit<Key, "name"> = {}): Input => ({ type: "key", key: { name, ...more } });

function inputIn(text: string, all: boolean): Step | undefined {
  if (text[0] !== "\x1b") return characterIn(text);
  const sequence = /^\x1b(?:\[([<=>?]?)([\d;:]*)[ -/]*([@-~])|O([ -~]))/.exec(text);
  if (sequence) return { length: sequence[0].length, input: sequenceInput(sequence) };
  const command = /^\x1b\](\d+);(?:[^\x07\x1b]*;)?([^\x07\x1b]*)(?:\x07|\x1b\\)/.exec(text);
  if (command) {
    const input: Input | undefined =
      command[1] === "52" ? { type: "clipboard", data: command[2]! } : undefined;
    return { length: command[0].length, input };
  }
  const begun = BEGUN.test(text);
  if (begun && !all) return undefined;
  if (begun && NO_KEY.test(text)) return { length: text.length, input: undefined };
  const next = text.codePointAt(1);
  if (next === undefined || next === 0x1b) return { length: 1, input: key("escape") };
  const step = characterIn(text.slice(1));
  if (step.input?.type !== "key") return { length: 1 + step.length, input: undefined };
  return { length: 1 + step.length, input: key(step.input.key.name, { ...step.input.key, alt: true }) };
}

function sequenceInput([, mark, numbers = "", end = "", ss3]: RegExpExecArray): Input | undefined {
  if (ss3 !== undefined) return LETTERS[ss3] === undefined ? undefined : key(LETTERS[ss3]);
  if (mark !== "") return undefined;
  if (numbers === "" && end === "I") return { type: "focus" };
  if (numbers === "" && end === "O") return { type: "blur" };
  const [first = "", second = "1"] = numbers.split(";");
  const name = end === "~" ? NUMBERS[first] : LETTERS[end];
  if (name === undefined) return undefined;
  // 1 and a bit for each key that is held: shift, alt, ctrl
  const held = Number(second) - 1;
  return key(name, { ...(held & 2 ? { alt: true } : {}), ...(held & 4 ? { ctrl: true } : {}) });
}

function characterIn(text: string): Step {
  const code = text.codePointAt(0)!;
  const character = String.fromCodePoint(code);
  const input = controlInput(code) ?? (code < 0x20 ? undefined : key(character));
  return { length: character.length, input };
}

function controlInput(code: number): Input | undefined {
  switch (code) {
    case 0x0d:
    case 0x0a:
      return key("return");
    case 0x09:
      return key("tab");
    case 0x7f:
    case 0x08:
      return key("backspace");
    default:
      return code > 0 && code <= 0x1a ? key(String.fromCharCode(code + 0x60), { ctrl: true }) : undefined;
  }
}
