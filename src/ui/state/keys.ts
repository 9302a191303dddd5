/** The keys of the document, what they do, and what they are called in help. */

export type Command =
  | "up"
  | "down"
  | "page-up"
  | "page-down"
  | "first"
  | "last"
  | "open"
  | "close"
  | "fold-all"
  | "edit"
  | "editor"
  | "insert-file"
  | "add"
  | "rename"
  | "duplicate"
  | "delete"
  | "move-up"
  | "move-down"
  | "type"
  | "comment"
  | "base64"
  | "generate"
  | "undo"
  | "redo"
  | "reveal"
  | "reveal-all"
  | "copy"
  | "copy-path"
  | "copy-extract"
  | "find"
  | "next"
  | "previous"
  | "filter"
  | "save"
  | "conflicts"
  | "keys"
  | "history"
  | "lock"
  | "suspend"
  | "help"
  | "quit"
  | "back";

export interface Binding {
  readonly command: Command;
  /** Chords as `chordOf` names them. */
  readonly keys: readonly string[];
  readonly help: string;
  /** For the line at the bottom: what matters most. */
  readonly short?: string;
  /** Needs the decrypted document. */
  readonly open?: true;
}

export const BINDINGS: readonly Binding[] = [
  { command: "edit", keys: ["return", "e"], help: "edit the value or comment", short: "edit", open: true },
  { command: "add", keys: ["a"], help: "add a key or an item", short: "add", open: true },
  { command: "delete", keys: ["d", "delete"], help: "delete the entry; u brings it back", open: true },
  { command: "undo", keys: ["u"], help: "undo the last change", open: true },
  { command: "redo", keys: ["ctrl-r", "U"], help: "redo what was undone", open: true },
  { command: "reveal", keys: ["v"], help: "show or hide this value", short: "reveal", open: true },
  { command: "reveal-all", keys: ["V"], help: "show all values, after a question", open: true },
  {
    command: "save",
    keys: ["s", "ctrl-s"],
    help: "save: shows the changes first",
    short: "save",
    open: true,
  },
  { command: "quit", keys: ["q", "ctrl-c"], help: "quit; asks if there are changes" },
  { command: "help", keys: ["?", "f1"], help: "this help; type to search in it", short: "help" },
  { command: "up", keys: ["up", "k"], help: "one row up" },
  { command: "down", keys: ["down", "j"], help: "one row down" },
  { command: "page-up", keys: ["pageup", "ctrl-b"], help: "one screen up" },
  { command: "page-down", keys: ["pagedown", "ctrl-f", " "], help: "one screen down" },
  { command: "first", keys: ["home", "<"], help: "to the first row" },
  { command: "last", keys: ["end", ">"], help: "to the last row" },
  { command: "open", keys: ["right", "l"], help: "unfold, or go into it" },
  { command: "close", keys: ["left", "h"], help: "fold, or go to what holds it" },
  { command: "fold-all", keys: ["z"], help: "fold or unfold everything" },
  { command: "find", keys: ["/"], help: "find a path by some of its letters; in values that are shown, too" },
  { command: "next", keys: ["n"], help: "to the next one that was found" },
  { command: "previous", keys: ["N"], help: "to the one before" },
  { command: "filter", keys: ["f"], help: "show only some entries: changed, plain, empty, …" },
  { command: "rename", keys: ["r"], help: "rename the key", open: true },
  { command: "duplicate", keys: ["D"], help: "duplicate the entry", open: true },
  { command: "move-up", keys: ["K", "alt-up"], help: "move the entry up", open: true },
  { command: "move-down", keys: ["J", "alt-down"], help: "move the entry down", open: true },
  { command: "type", keys: ["t"], help: "change the type: text, number, boolean, null", open: true },
  { command: "comment", keys: ["#", "c"], help: "add a comment above the entry", open: true },
  { command: "generate", keys: ["g"], help: "generate a password, words, a UUID, a key", open: true },
  { command: "base64", keys: ["b"], help: "edit the text that is in the value as base64", open: true },
  { command: "editor", keys: ["E"], help: "edit this value alone in $EDITOR, in memory", open: true },
  { command: "insert-file", keys: ["i"], help: "take the value from a file", open: true },
  { command: "copy", keys: ["y"], help: "copy the value to the clipboard, for a while", open: true },
  { command: "copy-path", keys: ["Y"], help: "copy the path" },
  { command: "copy-extract", keys: ["x"], help: "copy the path as --extract takes it" },
  { command: "keys", keys: ["w"], help: "who can open the file; add, remove and rotate keys", open: true },
  { command: "history", keys: ["H"], help: "what the entry was in earlier commits", open: true },
  { command: "conflicts", keys: ["C"], help: "the conflicts of a merge, to decide them", open: true },
  {
    command: "lock",
    keys: ["L", "ctrl-l"],
    help: "lock: forget keys and values until they are unlocked again",
    open: true,
  },
  { command: "suspend", keys: ["ctrl-z"], help: "back to the shell; fg comes back" },
  { command: "back", keys: ["escape"], help: "back: ends a filter, a message, a question" },
];

/** Keys while something is typed, as help has them. */
export const TYPING: readonly Pick<Binding, "keys" | "help">[] = [
  { keys: ["return"], help: "accept; in a text of several lines, a line break" },
  { keys: ["ctrl-s"], help: "accept, also a text of several lines" },
  { keys: ["escape", "ctrl-c"], help: "back, without what was typed" },
  { keys: ["ctrl-o"], help: "several lines" },
  { keys: ["ctrl-t"], help: "hide what is typed, or show it" },
  { keys: ["left", "ctrl-b"], help: "one character to the left" },
  { keys: ["right", "ctrl-f"], help: "one character to the right" },
  { keys: ["up"], help: "one line up, in a text of several lines" },
  { keys: ["down"], help: "one line down, in a text of several lines" },
  { keys: ["pageup", "pagedown"], help: "ten lines up or down" },
  { keys: ["home", "ctrl-a"], help: "to the beginning of the line" },
  { keys: ["end", "ctrl-e"], help: "to the end of the line" },
  { keys: ["ctrl-home", "ctrl-end"], help: "to the beginning or the end of the text" },
  { keys: ["ctrl-left", "alt-left", "alt-b"], help: "one word to the left" },
  { keys: ["ctrl-right", "alt-right", "alt-f"], help: "one word to the right" },
  { keys: ["backspace"], help: "delete the character before the cursor" },
  { keys: ["delete"], help: "delete the character at the cursor" },
  { keys: ["ctrl-w", "alt-backspace"], help: "delete the word before the cursor" },
  { keys: ["ctrl-u"], help: "delete the line up to the cursor" },
  { keys: ["ctrl-k"], help: "delete the line from the cursor on" },
  { keys: ["tab"], help: "a tab, in a text of several lines" },
];

const BY_KEY = new Map(BINDINGS.flatMap((binding) => binding.keys.map((key) => [key, binding] as const)));

export function bindingFor(chord: string): Binding | undefined {
  return BY_KEY.get(chord);
}

/** How a key is written for people. */
export function shownKey(chord: string): string {
  const names: Record<string, string> = {
    return: "Enter",
    escape: "Esc",
    up: "↑",
    down: "↓",
    left: "←",
    right: "→",
    pageup: "PgUp",
    pagedown: "PgDn",
    home: "Home",
    end: "End",
    delete: "Del",
    backspace: "Backspace",
    insert: "Ins",
    tab: "Tab",
    backtab: "Shift-Tab",
    f1: "F1",
    " ": "Space",
  };
  const [, modifier = "", name = chord] = /^(ctrl-|alt-)?(.+)$/s.exec(chord) ?? [];
  const held = { "ctrl-": "Ctrl-", "alt-": "Alt-" }[modifier] ?? "";
  return held + (names[name] ?? (held !== "" && name.length === 1 ? name.toUpperCase() : name));
}
