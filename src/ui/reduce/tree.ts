import { formatPath } from "../../formats/path.ts";
import { valToString } from "../../formats/scalar.ts";
import { changesBetween } from "../draft/changes.ts";
import { settled, spellingOf, valueIn } from "../draft/draft.ts";
import { duplicate, move, remove } from "../draft/operations.ts";
import { holderOf, type Node, pathOfNode } from "../outline/node.ts";
import { lineBox, textBox } from "../state/box.ts";
import type { Command } from "../state/keys.ts";
import { openConflicts } from "../state/merge.ts";
import {
  type Effect,
  isChanged,
  type MenuItem,
  type Mode,
  nodeOf,
  type Purpose,
  type Result,
  rowsOf,
  type State,
} from "../state/state.ts";
import { editableText, isFlat, typeOf } from "../state/value.ts";
import { decodedBase64 } from "./base64.ts";
import { changed, stepped } from "./change.ts";
import { atEdge, closed, foldedAll, movedBy, nameOfRow, opened } from "./cursor.ts";
import { nextHit } from "./find.ts";
import { type Outcome, resultOf } from "./outcome.ts";
import { RECIPES } from "./recipes.ts";

/** What the keys of the document do. */

type Handler = (state: State, node: Node | undefined) => Outcome;

const HANDLERS: Record<Command, Handler> = {
  up: (state) => movedBy(state, -1),
  down: (state) => movedBy(state, 1),
  "page-up": (state) => movedBy(state, 1 - rowsOf(state.size)),
  "page-down": (state) => movedBy(state, rowsOf(state.size) - 1),
  first: (state) => atEdge(state, "first"),
  last: (state) => atEdge(state, "last"),
  open: opened,
  close: closed,
  "fold-all": foldedAll,
  edit: (state, node) =>
    node && node.kind !== "value" && node.kind !== "comment" ? toggled(state, node) : editing(state, node),
  editor: (state, node) => handedOver(state, node),
  "insert-file": (state, node) =>
    onText(state, node, (one) =>
      asking(state, `value of ${shownName(one)} from the file`, { kind: "insert-file", node: one.id }),
    ),
  add: adding,
  rename: renaming,
  duplicate: (state, node) => changed(state, node, (draft) => duplicate(draft, node!)),
  delete: (state, node) => changed(state, undefined, (draft) => remove(draft, node!)),
  "move-up": (state, node) => changed(state, node, (draft) => move(draft, node!, -1)),
  "move-down": (state, node) => changed(state, node, (draft) => move(draft, node!, 1)),
  type: choosingType,
  comment: (state, node) => {
    const purpose: Purpose = { kind: "new-comment", node: node!.id };
    const box = lineBox("", state.options.noReveal);
    return typing(state, `comment above ${shownName(node!)}`, purpose, { box, before: "" });
  },
  base64: editingBase64,
  generate: (state, node) => onText(state, node, (one) => menu(state, `generate ${shownName(one)}`, RECIPES)),
  undo: (state) => stepped(state, "undo"),
  redo: (state) => stepped(state, "redo"),
  reveal: revealing,
  "reveal-all": revealingAll,
  copy: copying,
  "copy-path": (state, node) => copied(state, node && pathOfNode(node).join(".")),
  "copy-extract": (state, node) => copied(state, node && formatPath(pathOfNode(node))),
  find: (state) => asking(state, "find", { kind: "find", from: state.cursor }),
  next: (state) => nextHit(state, 1),
  previous: (state) => nextHit(state, -1),
  filter: (state) => menu(state, "show only entries that are", FILTERS),
  save: (state) => saving(state, false),
  keys: (state) => [{ ...state, busy: "looking at the keys" }, [{ kind: "keys" }]],
  history: (state, node) =>
    onText(state, node, (one) => {
      const title = shownName(one);
      const effect: Effect = { kind: "history", title, document: one.document, path: pathOfNode(one) };
      return [{ ...state, busy: "asking git" }, [effect]];
    }),
  conflicts: (state) =>
    state.merge
      ? { ...state, mode: { kind: "conflicts", at: 0, reveal: false } }
      : said(state, "there are no conflicts"),
  lock: (state) => locking(state),
  suspend: (state) => [state, [{ kind: "suspend" }]],
  help: (state) => ({ ...state, mode: { kind: "help", query: "", top: 0 } }),
  quit: leaving,
  back: (state) => ({
    ...state,
    list: undefined,
    message: undefined,
    find: { ...state.find, query: "", hits: [] },
  }),
};

/** Commands that need a row under the cursor. */
const NEED_ROW: ReadonlySet<Command> = new Set(["duplicate", "delete", "move-up", "move-down", "comment"]);

export function treeCommand(state: State, command: Command): Result {
  const node = nodeOf(state);
  if (!node && NEED_ROW.has(command)) return said(state, "the document is empty: a adds a key");
  return resultOf(HANDLERS[command](state, node));
}

function said(state: State, ...lines: readonly string[]): Result {
  return [{ ...state, message: { tone: "info", lines } }, []];
}

export function asking(state: State, title: string, purpose: Purpose, text = ""): State {
  return typing(state, title, purpose, { box: lineBox(text), before: text });
}

function menu(state: State, title: string, items: readonly MenuItem[]): State {
  return { ...state, message: undefined, mode: { kind: "menu", title, items, top: 0 } };
}

function toggled(state: State, node: Node): State {
  return state.folded.has(node.id) ? opened(state) : closed(state);
}

export function shownName(node: Node): string {
  if (node.kind === "comment") return "the comment";
  const key = node.key ?? "";
  return typeof key === "number" ? `[${key}]` : key;
}

/** The box to edit a value or comment in: of lines, where it has several. */
function editing(state: State, node: Node | undefined): Outcome {
  const { draft, options } = state;
  if (!node || !draft) return state;
  const value = valueIn(draft, node);
  const type = typeOf(value);
  const text = editableText(value, spellingOf(draft, node));
  const several = text.includes("\n") || draft.setting.format.wrapper !== undefined;
  const box = (several ? textBox : lineBox)(text, options.noReveal);
  if (node.kind === "comment")
    return typing(state, "comment", { kind: "comment", node: node.id }, { box, before: text });
  const kind = type === "null" ? "text" : type;
  return typing(
    state,
    `${shownName(node)} (${kind})`,
    { kind: "value", node: node.id, type: kind },
    { box, before: text },
  );
}

function typing(
  state: State,
  title: string,
  purpose: Purpose,
  more: Pick<Extract<Mode, { kind: "box" }>, "box" | "before">,
): State {
  return { ...state, message: undefined, mode: { kind: "box", title, purpose, ...more } };
}

function onText(state: State, node: Node | undefined, work: (node: Node) => Outcome): Outcome {
  if (node?.kind === "value") return work(node);
  return said(state, "that is for values: this row is none");
}

function handedOver(state: State, node: Node | undefined): Outcome {
  if (state.options.noReveal)
    return said(state, "another editor shows the value: tsops was started with --no-reveal");
  return onText(state, node, (one) => {
    const value = valueIn(state.draft!, one);
    const text = editableText(value, spellingOf(state.draft!, one));
    const effect: Effect = { kind: "editor", node: one.id, name: shownName(one), text };
    return [{ ...state, busy: "waiting for your editor" }, [effect]];
  });
}

function editingBase64(state: State, node: Node | undefined): Outcome {
  return onText(state, node, (one) => {
    const value = valueIn(state.draft!, one);
    const text = typeof value === "string" ? decodedBase64(value) : undefined;
    if (text === undefined) return said(state, "the value is not the base64 of a text");
    const box = (text.includes("\n") ? textBox : lineBox)(text, state.options.noReveal);
    const purpose: Purpose = { kind: "base64", node: one.id };
    return typing(state, `${shownName(one)} (text in base64)`, purpose, { box, before: text });
  });
}

/** Where something is added: in the open map or list under the cursor, else beside the row. */
export function placeToAdd(
  state: State,
  node: Node | undefined,
): { holder: Node | undefined; document: number } {
  const inside = node && (node.kind === "map" || node.kind === "list") && !state.folded.has(node.id);
  const holder = inside ? node : holderOf(node?.kind === "document" ? node : node?.parent);
  return { holder: holder?.kind === "document" ? undefined : holder, document: node?.document ?? 0 };
}

function adding(state: State, node: Node | undefined): Outcome {
  const { draft } = state;
  if (!draft) return state;
  const { format } = draft.setting;
  if (format.wrapper) return said(state, "a binary file is one value: Enter edits it");
  const { holder } = placeToAdd(state, node);
  const items: MenuItem[] = [
    { key: "a", label: "a value", act: { kind: "add", what: "value" } },
    { key: "m", label: "a map: keys with values", act: { kind: "add", what: "map" } },
    { key: "l", label: "a list", act: { kind: "add", what: "list" } },
  ];
  const where = holder ? `in ${shownName(holder)}` : "at the top";
  const flat = isFlat(format) && !(format.name === "ini" && holder === undefined);
  if (flat) return menu(state, `add ${where}`, items.slice(0, 1));
  return menu(state, `add ${where}`, format.name === "ini" ? items.slice(0, 2) : items);
}

function renaming(state: State, node: Node | undefined): Outcome {
  if (typeof node?.key !== "string") return said(state, "only keys have names");
  return asking(state, `new name of ${node.key}`, { kind: "rename", node: node.id }, node.key);
}

function choosingType(state: State, node: Node | undefined): Outcome {
  return onText(state, node, (one) => {
    if (isFlat(state.draft!.setting.format)) return said(state, `${state.format} has only texts`);
    return menu(state, `type of ${shownName(one)}`, TYPES);
  });
}

const TYPES: readonly MenuItem[] = [
  { key: "t", label: "text", act: { kind: "type", type: "text" } },
  { key: "n", label: "number", act: { kind: "type", type: "number" } },
  { key: "b", label: "boolean", act: { kind: "type", type: "boolean" } },
  { key: "0", label: "null", act: { kind: "type", type: "null" } },
];

const FILTERS: readonly MenuItem[] = [
  { key: "c", label: "changed", act: { kind: "filter", filter: "changed" } },
  { key: "p", label: "plain", act: { kind: "filter", filter: "plain" } },
  { key: "e", label: "empty", act: { kind: "filter", filter: "empty" } },
  { key: "d", label: "duplicate values", act: { kind: "filter", filter: "duplicate" } },
  {
    key: "s",
    label: "plain, and should be encrypted",
    act: { kind: "filter", filter: "should-be-encrypted" },
  },
];

function revealing(state: State, node: Node | undefined): Outcome {
  const { revealed, options } = state;
  if (options.noReveal) return said(state, "values stay hidden: tsops was started with --no-reveal");
  if (!node || node.entry === undefined) return state;
  if (revealed.all) return { ...state, revealed: { all: false, paths: new Set(), since: state.now } };
  const paths = new Set(revealed.paths);
  const name = nameOfRow(node);
  if (!paths.delete(name)) paths.add(name);
  return { ...state, revealed: { all: false, paths, since: state.now } };
}

function revealingAll(state: State): Outcome {
  if (state.options.noReveal) return said(state, "values stay hidden: tsops was started with --no-reveal");
  if (state.revealed.all) return { ...state, revealed: { all: false, paths: new Set(), since: state.now } };
  return { ...state, mode: { kind: "reveal-all" } };
}

function copying(state: State, node: Node | undefined): Outcome {
  const value = node && state.draft ? valueIn(state.draft, node) : undefined;
  if (value === undefined || value === null) return said(state, "there is no value to copy here");
  return [state, [{ kind: "copy", text: valToString(value), secret: true }]];
}

function copied(state: State, text: string | undefined): Outcome {
  return text === undefined ? state : [state, [{ kind: "copy", text, secret: false }]];
}

/** Shows what would be saved. */
export function saving(state: State, leave: boolean): Outcome {
  const { draft, saved } = state;
  if (!draft || !saved) return state;
  const left = openConflicts(state.merge);
  if (left > 0)
    return said(
      state,
      `${left} ${left === 1 ? "conflict is" : "conflicts are"} not decided yet: C lists them`,
    );
  const isNew = state.encrypted === undefined;
  if (!isChanged(state) && !isNew && !state.merge)
    return said(state, "nothing has changed since it was saved");
  const ready = changed(state, nodeOf(state), (one) => ({ draft: settled(one), at: [] }));
  if (ready.message?.tone === "error") return ready;
  const changes = changesBetween(saved.base, ready.draft!.base);
  return { ...ready, mode: { kind: "save", changes, reveal: false, top: 0, leave } };
}

export function locking(state: State): Outcome {
  const { draft } = state;
  if (!draft) return state;
  if (openConflicts(state.merge) > 0)
    return said(state, "conflicts are not decided yet: the document stays open");
  if (!state.encrypted) return said(state, "a new file can be locked when it is saved");
  const effect: Effect = { kind: "lock", draft, changed: isChanged(state) };
  return [{ ...state, busy: "locking" }, [effect]];
}

function leaving(state: State): Outcome {
  if (isChanged(state)) return { ...state, mode: { kind: "leave" } };
  return [state, [{ kind: "quit" }]];
}
