import { TsopsError } from "../../errors.ts";
import { describeKept } from "../../merge/choose.ts";
import { type Draft, valueIn } from "../draft/draft.ts";
import { setValue } from "../draft/operations.ts";
import { counterpart, type Outline, outlineOf } from "../outline/node.ts";
import { chordOf, type Key, lineBox } from "../state/box.ts";
import { bindingFor, shownKey } from "../state/keys.ts";
import { openConflicts } from "../state/merge.ts";
import {
  type Action,
  isChanged,
  type Message,
  type Mode,
  type Purpose,
  type Result,
  type State,
} from "../state/state.ts";
import { typeOf, valueOfType } from "../state/value.ts";
import { boxKey, boxPaste } from "./boxes.ts";
import { changed, messageOf } from "./change.ts";
import { conflictsKey } from "./conflicts.ts";
import { scrolled, withOutline } from "./cursor.ts";
import {
  acceptKey,
  changeKeysKey,
  discardKey,
  helpKey,
  historyKey,
  keysKey,
  leaveKey,
  menuKey,
  revealAllKey,
  saveKey,
} from "./dialogs.ts";
import { resultOf } from "./outcome.ts";
import { locking, saving, treeCommand } from "./tree.ts";

type BoxMode = Extract<Mode, { kind: "box" }>;

/** What becomes of the editor's state when something happens, and what is to be done outside. Nothing else decides. */
export function reduce(state: State, action: Action): Result {
  switch (action.type) {
    case "key":
      return keyPressed({ ...state, touched: state.now }, action.key);
    case "paste":
      return paste({ ...state, touched: state.now }, action.text);
    case "lost-paste":
      return [{ ...state, touched: state.now, message: LOST_PASTE }, []];
    case "resize":
      return [scrolled({ ...state, size: action.size }), []];
    case "tick":
      return ticked({ ...state, now: action.now });
    case "blur":
      return [hidden(state), []];
    case "focus":
      return [state, []];
    case "ask":
      return [asked(state, action.question), []];
    case "unlocked":
      return [unlocked(state, action), []];
    case "merged":
      return [merged(state, action), []];
    case "locked":
      return [locked(state), []];
    case "keys":
      return [keysShown(state, action), []];
    case "history": {
      const { title, versions } = action;
      const mode = { kind: "history", title, versions, top: 0, reveal: false } as const;
      return [{ ...state, busy: undefined, mode }, []];
    }
    case "saved":
      return saved(state, action);
    case "refused":
      return [refused(state, action), []];
    case "failed":
      return [failed(state, action), []];
    case "edited":
    case "generated":
      return [received(state, action.node, action.text), []];
    case "said":
      return [{ ...state, message: action.message }, []];
  }
}

function keyPressed(before: State, key: Key): Result {
  const state = before.message?.passing ? { ...before, message: undefined } : before;
  if (state.busy !== undefined && state.mode.kind !== "box") return busyKey(state, key);
  const [next, effects] = keyIn(state, key);
  return next === state && effects.length === 0 && isNone(state, key)
    ? [{ ...state, message: doesNothing(state, key) }, []]
    : [next, effects];
}

/** Whether a key that changed nothing is none here: moving where there is no more to move to is no mistake. */
function isNone({ mode, message }: State, key: Key): boolean {
  if (mode.kind === "tree") return !bindingFor(chordOf(key));
  // what is said there matters more
  return mode.kind !== "box" && message === undefined;
}

/** A key that is none: who does not know the keys is not left alone. */
function doesNothing({ mode }: State, key: Key): Message {
  const name = shownKey(chordOf(key));
  const where = mode.kind === "tree" ? "? lists the keys" : "the last line has the keys";
  return { tone: "info", lines: [`${name} does nothing here: ${where}`], passing: true };
}

function keyIn(state: State, key: Key): Result {
  const { mode } = state;
  switch (mode.kind) {
    case "tree":
      return treeKey(state, key);
    case "box":
      return boxKey(state, mode, key);
    case "discard":
      return discardKey(state, mode, key);
    case "menu":
      return menuKey(state, mode, key);
    case "help":
      return helpKey(state, mode, key);
    case "save":
      return saveKey(state, mode, key);
    case "accept":
      return acceptKey(state, mode, key);
    case "conflicts":
      return conflictsKey(state, mode, key);
    case "leave":
      return leaveKey(state, key);
    case "reveal-all":
      return revealAllKey(state, key);
    case "keys":
      return keysKey(state, mode, key);
    case "change-keys":
      return changeKeysKey(state, mode, key);
    case "history":
      return historyKey(state, mode, key);
  }
}

function paste(state: State, text: string): Result {
  const { mode } = state;
  if (mode.kind === "box") return boxPaste(state, mode, text);
  if (mode.kind === "help" && !/[\r\n]/.test(text))
    return [{ ...state, mode: { ...mode, query: mode.query + text, top: 0 } }, []];
  const lines = ["nothing was pasted: Enter opens a value, and there it can be pasted"];
  return [{ ...state, message: { tone: "warning", lines, passing: true } }, []];
}

const LOST_PASTE: Message = {
  tone: "error",
  lines: ["the end of a paste did not come: nothing of it was taken, nor what was typed since then"],
  passing: true,
};

/** While the file is opened one can look around in it, and leave; while it is written keys have to wait. */
function busyKey(state: State, key: Key): Result {
  const binding = bindingFor(chordOf(key));
  const looks = state.busy === "unlocking" && state.mode.kind === "tree" && binding && !binding.open;
  return looks ? treeCommand(state, binding.command) : [state, []];
}

function treeKey(state: State, key: Key): Result {
  const binding = bindingFor(chordOf(key));
  if (!binding) return [state, []];
  const next = binding.command === "back" ? state : { ...state, message: undefined };
  if (!binding.open || state.draft) return treeCommand(next, binding.command);
  // it is locked: the key that would need what is in it opens it
  return [{ ...next, busy: "unlocking" }, [{ kind: "unlock" }]];
}

/** Time passes: what was shown is hidden again, and what nobody uses is locked. */
function ticked(state: State): Result {
  const { options, now, touched, draft } = state;
  const next = now - shownSince(state) >= options.hideAfter ? hidden(state) : state;
  const idle = options.lockAfter > 0 && draft && next.encrypted && now - touched >= options.lockAfter;
  if (!idle || next.busy !== undefined || !mayLock(next)) return [next, []];
  // where that fails, it is tried again after as long as now
  return resultOf(locking({ ...next, mode: { kind: "tree" }, touched: now }));
}

/** Since when something is in clear: in a dialog or a box, since the last key. */
function shownSince({ revealed, mode, touched }: State): number {
  if (("reveal" in mode && mode.reveal) || (mode.kind === "box" && isSecret(mode) && !mode.box.hidden))
    return touched;
  return revealed.all || revealed.paths.size > 0 ? revealed.since : Number.POSITIVE_INFINITY;
}

/** What is being typed or decided is not thrown away. */
function mayLock({ mode, merge }: State): boolean {
  if (openConflicts(merge) > 0) return false;
  return mode.kind === "box" ? mode.box.text === mode.before : mode.kind !== "discard";
}

/** Nothing is in clear any more, wherever it was shown. */
function hidden(state: State): State {
  const { mode, revealed } = state;
  const next: State =
    "reveal" in mode && mode.reveal ? { ...state, mode: { ...mode, reveal: false } } : state;
  const covered = { ...next, mode: coveredMode(next.mode) };
  return { ...covered, revealed: { ...revealed, all: false, paths: new Set() } };
}

/** What is typed, also behind the question whether to throw it away. */
function coveredMode(mode: Mode): Mode {
  if (mode.kind === "discard") return { ...mode, box: covered(mode.box) };
  return mode.kind === "box" && isSecret(mode) ? covered(mode) : mode;
}

const covered = (mode: BoxMode): BoxMode => ({ ...mode, box: { ...mode.box, hidden: true } });

function isSecret({ purpose }: BoxMode): boolean {
  return SECRETS.has(purpose.kind);
}

const SECRETS: ReadonlySet<Purpose["kind"]> = new Set([
  "value",
  "base64",
  "comment",
  "new-comment",
  "passphrase",
]);

function asked(state: State, question: string): State {
  const box = lineBox("", true);
  return {
    ...state,
    mode: { kind: "box", title: question, purpose: { kind: "passphrase", question }, box, before: "" },
  };
}

function notesOf(notes: readonly string[]): Message | undefined {
  return notes.length > 0 ? { tone: "warning", lines: notes } : undefined;
}

function unlocked(
  state: State,
  { draft, saved, merge, notes, about }: Extract<Action, { type: "unlocked" }>,
): State {
  const next = withOutline(state, draft.base.outline);
  const looking = lookingIn(state, draft.base.outline);
  return {
    ...next,
    ...about,
    draft,
    // the first version is that of the file
    saved: { base: saved, version: 0 },
    held: false,
    merge,
    busy: undefined,
    mode: looking ?? (merge ? { kind: "conflicts", at: 0, reveal: false } : { kind: "tree" }),
    // what other commands say of conflicts is what is shown here anyway
    message: notesOf(
      merge && !looking ? notes.filter((text) => !text.includes("conflicts of a merge")) : notes,
    ),
    touched: state.now,
  };
}

/** What somebody does while the file is opened, they go on with: what they type next is meant for that. */
function lookingIn({ mode, outline }: State, now: Outline): Mode | undefined {
  if (mode.kind === "help") return mode;
  if (mode.kind !== "box" || mode.purpose.kind !== "find") return undefined;
  const node = outline.nodes[mode.purpose.from];
  const from = node && counterpart(now, node)?.id;
  return { ...mode, purpose: { kind: "find", from: from ?? 0 } };
}

/** The file changed meanwhile: what came in is shown before anything is written. */
function merged(
  state: State,
  { draft, saved, merge, encrypted, about, notes, leave }: Extract<Action, { type: "merged" }>,
): State {
  const now = { ...state, ...about, draft, encrypted, merge, busy: undefined };
  const next = withOutline(now, draft.base.outline);
  // no version of the draft is that of the file any more, unless the file says just that
  const after: State = {
    ...next,
    saved: { base: saved, version: draft.base.text === saved.text ? draft.version : -1 },
  };
  const what = "the file was changed by somebody else meanwhile";
  if (merge) {
    const lines = [`${what}, in the same places: decide them, then save`, ...notes];
    return {
      ...after,
      mode: { kind: "conflicts", at: 0, reveal: false },
      message: { tone: "warning", lines },
    };
  }
  const lines = [`${what}; both changes are put together, and this is what would be saved`, ...notes];
  const [shown] = resultOf(saving({ ...after, message: undefined }, leave));
  return { ...shown, message: { tone: "warning", lines } };
}

/** Nothing that was decrypted is left in the state. */
function locked(state: State): State {
  const held = isChanged(state);
  const { encrypted, size, options, name, format, now, selector } = state;
  const outline = outlineOf(encrypted!.reading);
  const next = withOutline(
    { ...state, draft: undefined, message: undefined, mode: { kind: "tree" } },
    outline,
  );
  const { cursor, top, folded } = next;
  return {
    ...{ name, format, selector, encrypted, size, options, now, touched: now },
    ...{ outline, cursor, top, folded },
    wanted: undefined,
    draft: undefined,
    saved: undefined,
    held,
    list: undefined,
    find: { query: "", hits: [], values: false },
    revealed: { all: false, paths: new Set(), since: now },
    merge: undefined,
    mode: { kind: "tree" },
    busy: undefined,
    message: {
      tone: "info",
      lines: [
        "locked: keys and values are forgotten; Enter unlocks",
        ...(held ? ["your changes are kept, encrypted, and are there again then"] : []),
      ],
    },
  };
}

/** The state with a draft that says what the file says. */
function withFile(state: State, draft: Draft): State {
  const saved = { base: draft.base, version: draft.version };
  return withOutline({ ...state, draft, saved }, draft.base.outline);
}

function keysShown(
  state: State,
  { lines, notes, encrypted, draft, about }: Extract<Action, { type: "keys" }>,
): State {
  const before = state.mode.kind === "keys" ? state.mode.at : -1;
  const first = lines.findIndex(({ key }) => key !== undefined);
  const at = lines[before]?.key === undefined ? first : before;
  const mode = { kind: "keys", lines, at } as const;
  const next = draft ? withFile({ ...state, ...about }, draft) : state;
  const others = draft ? ["the file was changed by somebody else meanwhile: it is shown as it is now"] : [];
  return {
    ...next,
    busy: undefined,
    encrypted: encrypted ?? state.encrypted,
    mode,
    message: notesOf([...others, ...notes]),
  };
}

function saved(state: State, { draft, notes, leave, encrypted }: Extract<Action, { type: "saved" }>): Result {
  const kept = describeKept(state.merge?.conflicts ?? []);
  const more = kept === undefined ? [] : [`${kept}: w shows and changes who can open it`];
  const message: Message = {
    tone: notes.length > 0 ? "warning" : "info",
    lines: ["saved", ...more, ...notes],
  };
  const next: State = {
    ...state,
    encrypted,
    merge: undefined,
    saved: { base: draft.base, version: draft.version },
    busy: undefined,
    message,
  };
  return [next, leave && notes.length === 0 ? [{ kind: "quit" }] : []];
}

function refused(state: State, { type: _, ...asked }: Extract<Action, { type: "refused" }>): State {
  return { ...state, busy: undefined, mode: { kind: "accept", top: 0, ...asked } };
}

function failed(state: State, { error, notes = [] }: Extract<Action, { type: "failed" }>): State {
  const known =
    error instanceof TsopsError ? messageOf(error).lines : ["internal error: this is a fault of tsops"];
  const mode =
    state.mode.kind === "box" && state.mode.purpose.kind === "passphrase"
      ? ({ kind: "tree" } as const)
      : state.mode;
  return { ...state, mode, busy: undefined, message: { tone: "error", lines: [...known, ...notes] } };
}

/** A text that came from outside: an editor, a file, or chance. */
function received(before: State, id: number, text: string | undefined): State {
  // whoever did that elsewhere was there all the time
  const state = { ...before, busy: undefined, touched: before.now };
  const node = state.outline.nodes[id];
  if (!node || !state.draft) return state;
  if (text === undefined)
    return { ...state, message: { tone: "info", lines: ["the value was not changed"] } };
  try {
    const type = typeOf(valueIn(state.draft, node));
    const given =
      type === "text" || type === "null" ? { value: text } : valueOfType(type, text.replace(/\n$/, ""));
    const next = changed(state, node, (draft) => setValue(draft, node, given));
    if (next.message?.tone === "error") return next;
    return {
      ...next,
      message: { tone: "info", lines: [`there is a new value, ${text.length} characters long: v shows it`] },
    };
  } catch (error) {
    if (!(error instanceof TsopsError)) throw error;
    return { ...state, message: messageOf(error) };
  }
}
