import { TsopsError } from "../../errors.ts";
import { spellingOf, valueIn } from "../draft/draft.ts";
import { setValue } from "../draft/operations.ts";
import { chordOf, type Key, lineBox, NAMES, withoutLast } from "../state/box.ts";
import { BINDINGS, shownKey, TYPING } from "../state/keys.ts";
import type { KeyChange } from "../state/keys-view.ts";
import { type Act, isChanged, type Mode, nodeOf, type Result, rowsOf, type State } from "../state/state.ts";
import { editableText, isFlat, typeOf, valueOfType } from "../state/value.ts";
import { added, generating } from "./boxes.ts";
import { changed, messageOf } from "./change.ts";
import { filtered } from "./marks.ts";
import { resultOf } from "./outcome.ts";
import { unitOf } from "./recipes.ts";
import { asking, placeToAdd, saving, shownName } from "./tree.ts";

/** Keys where the editor asks something. The key that confirms is never the one that asked, and Esc only goes back. */

type Of<K extends Mode["kind"]> = Extract<Mode, { kind: K }>;

const tree = (state: State): State => ({ ...state, mode: { kind: "tree" } });

export function menuKey(state: State, mode: Of<"menu">, key: Key): Result {
  const { items } = mode;
  const chord = chordOf(key);
  if (chord === "up" || chord === "down") {
    const top = scrolledTo(mode.top + (chord === "up" ? -1 : 1), items.length, rowsOf(state.size) - 1);
    return [{ ...state, mode: { ...mode, top } }, []];
  }
  if (chord === "escape" || chord === "ctrl-c") return [tree(state), []];
  const item =
    items.find((one) => one.key === chord) ??
    (items.length === 1 && chord === "return" ? items[0] : undefined);
  return item ? acted(tree(state), item.act) : [state, []];
}

/** Of so many rows the first that is shown, where there is room for some of them. */
function scrolledTo(top: number, count: number, room: number): number {
  return Math.max(0, Math.min(top, count - room));
}

function acted(state: State, act: Act): Result {
  const node = nodeOf(state);
  switch (act.kind) {
    case "filter": {
      const list = filtered(state, act.filter);
      if (list.ids.length === 0) return said(state, `no entry is ${list.title}`);
      return [{ ...state, list, cursor: list.ids[0]! }, []];
    }
    case "generate": {
      const unit = unitOf(act.recipe);
      if (!node) return [state, []];
      if (unit === undefined || !("length" in act.recipe)) return generating(state, node.id, act.recipe);
      const purpose = { kind: "recipe", node: node.id, recipe: act.recipe } as const;
      return [asking(state, `how many ${unit}`, purpose, String(act.recipe.length)), []];
    }
    case "type":
      return [withType(state, act.type), []];
    case "add":
      return addedAs(state, act.what);
  }
}

function said(state: State, ...lines: readonly string[]): Result {
  return [{ ...state, message: { tone: "info", lines } }, []];
}

/** The value as one of another type, where it is one; else it is typed anew. */
function withType(state: State, type: Parameters<typeof valueOfType>[0]): State {
  const node = nodeOf(state);
  if (!node || !state.draft) return state;
  const value = valueIn(state.draft, node);
  if (typeOf(value) === type) return state;
  const text = editableText(value, spellingOf(state.draft, node));
  try {
    const given = valueOfType(type, text);
    return changed(state, node, (draft) => setValue(draft, node, given));
  } catch {
    const purpose = { kind: "value", node: node.id, type } as const;
    const box = lineBox("", state.options.noReveal);
    return {
      ...state,
      mode: { kind: "box", title: `${shownName(node)} (${type})`, purpose, box, before: "" },
    };
  }
}

function addedAs(state: State, what: "value" | "map" | "list"): Result {
  const node = nodeOf(state);
  const { holder, document } = placeToAdd(state, node);
  const purpose = { kind: "key", holder: holder?.id, document, what } as const;
  if (holder?.kind === "list") {
    try {
      return [added(state, purpose, undefined), []];
    } catch (error) {
      if (!(error instanceof TsopsError)) throw error;
      return [{ ...state, message: messageOf(error) }, []];
    }
  }
  const flatSection = state.draft && isFlat(state.draft.setting.format) && what === "map";
  return [asking(state, flatSection ? "name of the new section" : "new key", purpose), []];
}

export function discardKey(state: State, { box }: Of<"discard">, key: Key): Result {
  return [chordOf(key) === "d" ? tree(state) : { ...state, mode: box }, []];
}

export function revealAllKey(state: State, key: Key): Result {
  const yes = chordOf(key) === "return";
  const revealed = yes ? { all: true, paths: new Set<string>(), since: state.now } : state.revealed;
  return [{ ...tree(state), revealed }, []];
}

export function leaveKey(state: State, key: Key): Result {
  switch (chordOf(key)) {
    case "s":
      if (!state.draft) return [{ ...tree(state), busy: "unlocking" }, [{ kind: "unlock" }]];
      return resultOf(saving(tree(state), true));
    case "d":
      return [tree(state), [{ kind: "quit" }]];
    case "escape":
    case "ctrl-c":
      return [tree(state), []];
    default:
      return [state, []];
  }
}

export function saveKey(state: State, mode: Of<"save">, key: Key): Result {
  const { changes } = mode;
  const scroll = (by: number): Result => {
    const top = scrolledTo(mode.top + by, changes.length, rowsOf(state.size) - 1);
    return [{ ...state, mode: { ...mode, top } }, []];
  };
  switch (chordOf(key)) {
    case "return":
      return [
        { ...tree(state), busy: "saving" },
        [{ kind: "save", draft: state.draft!, accepted: {}, leave: mode.leave }],
      ];
    case "v":
      if (state.options.noReveal) return [state, []];
      return [{ ...state, mode: { ...mode, reveal: !mode.reveal } }, []];
    case "escape":
    case "ctrl-c":
    case "q":
      return [tree(state), []];
    case "up":
    case "k":
      return scroll(-1);
    case "down":
    case "j":
      return scroll(1);
    case "pageup":
      return scroll(1 - rowsOf(state.size));
    case "pagedown":
    case " ":
      return scroll(rowsOf(state.size) - 1);
    default:
      return [state, []];
  }
}

/** What the creation rule says against the file was shown: it is written all the same, or not. */
export function acceptKey(state: State, mode: Of<"accept">, key: Key): Result {
  const scroll = (by: number): Result => {
    const top = scrolledTo(mode.top + by, acceptLines(mode).length, 1);
    return [{ ...state, mode: { ...mode, top } }, []];
  };
  switch (chordOf(key)) {
    case "y":
      if (mode.change)
        return [
          { ...tree(state), busy: "changing the keys" },
          [{ kind: "change-keys", change: mode.change, accepted: true }],
        ];
      return [
        { ...tree(state), busy: "saving" },
        [{ kind: "save", draft: state.draft!, accepted: mode.accepts, leave: mode.leave }],
      ];
    case "escape":
    case "ctrl-c":
    case "n":
    case "q":
      return [tree(state), []];
    case "up":
    case "k":
      return scroll(-1);
    case "down":
    case "j":
      return scroll(1);
    default:
      return [state, []];
  }
}

/** What is shown of a refusal: the error, what is different, and what can be done. */
export function acceptLines({ error, notes }: Of<"accept">): string[] {
  return [error.message, "", ...notes, "", ...(error.hint ?? "").split("\n")];
}

/** Help is searched by typing. */
export function helpKey(state: State, mode: Of<"help">, key: Key): Result {
  const chord = chordOf(key);
  const set = (more: Partial<Of<"help">>): Result => [{ ...state, mode: { ...mode, ...more } }, []];
  if (chord === "escape" || chord === "ctrl-c" || chord === "return") return [tree(state), []];
  const page = Math.max(1, rowsOf(state.size) - 2);
  const by = { up: -1, down: 1, pageup: -page, pagedown: page }[chord];
  if (by !== undefined) return set({ top: scrolledTo(mode.top + by, helpLines(mode.query).length, 1) });
  if (chord === "backspace") return set({ query: withoutLast(mode.query), top: 0 });
  if (key.ctrl || key.alt || NAMES.has(key.name)) return [state, []];
  return set({ query: mode.query + key.name, top: 0 });
}

export function helpLines(query: string): { keys: string; help: string }[] {
  const text = query.toLowerCase();
  const all = [...BINDINGS, ...TYPING.map(({ keys, help }) => ({ keys, help: `typing: ${help}` }))];
  return all
    .map(({ keys, help }) => ({ keys: keys.map(shownKey), help }))
    .filter(({ keys, help }) => [help, ...keys].some((one) => one.toLowerCase().includes(text)))
    .map(({ keys, help }) => ({ keys: keys.join(", "), help }));
}

/** Keys in the view of keys. What changes them is confirmed by another key, and needs a document that is saved. */
export function keysKey(state: State, mode: Of<"keys">, key: Key): Result {
  const chord = chordOf(key);
  const keyed = mode.lines.flatMap((line, i) => (line.key === undefined ? [] : [i]));
  const here = keyed.indexOf(mode.at);
  const to = (at: number): Result => [{ ...state, mode: { ...mode, at: keyed[at] ?? mode.at } }, []];
  switch (chord) {
    case "up":
    case "k":
      return to(here - 1);
    case "down":
    case "j":
      return to(here + 1);
    case "escape":
    case "ctrl-c":
    case "q":
      return [tree(state), []];
    default:
      if (!"adru".includes(chord)) return [state, []];
      if (state.merge)
        return said(state, "decide the conflicts (C) and save first: the file cannot be changed until then");
      if (isChanged(state))
        return said(state, "save or undo the changes first: the keys are changed in the file itself");
      return keyChange(state, mode, chord);
  }
}

function keyChange(state: State, mode: Of<"keys">, chord: string): Result {
  const ask = (change: KeyChange): Result => [
    { ...state, message: undefined, mode: { kind: "change-keys", change, before: mode } },
    [],
  ];
  const chosen = mode.lines[mode.at]?.key;
  switch (chord) {
    case "a":
      return [asking(state, "key to add, by its URI or its name", { kind: "add-key", before: mode }), []];
    case "d":
      return chosen === undefined ? [state, []] : ask({ kind: "remove", key: chosen });
    case "r":
      return ask({ kind: "rotate" });
    case "u":
      return ask({ kind: "rule" });
    default:
      return [state, []];
  }
}

export function changeKeysKey(state: State, { change, before }: Of<"change-keys">, key: Key): Result {
  if (chordOf(key) !== "return") return [{ ...state, mode: before }, []];
  return [
    { ...state, mode: before, busy: "changing the keys" },
    [{ kind: "change-keys", change, accepted: false }],
  ];
}

export function historyKey(state: State, mode: Of<"history">, key: Key): Result {
  const last = Math.max(0, mode.versions.length - rowsOf(state.size) + 1);
  const to = (top: number): Result => [
    { ...state, mode: { ...mode, top: Math.max(0, Math.min(top, last)) } },
    [],
  ];
  switch (chordOf(key)) {
    case "up":
    case "k":
      return to(mode.top - 1);
    case "down":
    case "j":
      return to(mode.top + 1);
    case "v":
      return [state.options.noReveal ? state : { ...state, mode: { ...mode, reveal: !mode.reveal } }, []];
    case "escape":
    case "ctrl-c":
    case "q":
      return [tree(state), []];
    default:
      return [state, []];
  }
}
