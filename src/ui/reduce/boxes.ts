import { TsopsError } from "../../errors.ts";
import type { Tree } from "../../formats/tree.ts";
import { add, addComment, emptyTree, rename, setValue } from "../draft/operations.ts";
import { type Box, chordOf, type Key, lineBox, pasted, typed } from "../state/box.ts";
import type { Recipe } from "../state/recipe.ts";
import type { Mode, Purpose, Result, State } from "../state/state.ts";
import { valueOfType } from "../state/value.ts";
import { encodedBase64 } from "./base64.ts";
import { changed, messageOf, showing } from "./change.ts";
import { found } from "./find.ts";
import { type Outcome, resultOf } from "./outcome.ts";

type BoxMode = Extract<Mode, { kind: "box" }>;

/** Keys while a text is typed. */
export function boxKey(state: State, mode: BoxMode, key: Key): Result {
  const chord = chordOf(key);
  if (chord === "escape" || chord === "ctrl-c") return back(state, mode);
  if (chord === "ctrl-s" || (chord === "return" && !mode.box.lines)) return finished(state, mode);
  // a second line, or a text of several lines
  if (chord === "ctrl-o" && mode.purpose.kind === "value" && mode.purpose.type === "text")
    return [{ ...state, mode: { ...mode, box: { ...mode.box, lines: true } } }, []];
  if (chord === "ctrl-t" && state.options.noReveal) return [state, []];
  const box = typed(mode.box, key);
  return box ? withBox(state, mode, box) : [state, []];
}

export function boxPaste(state: State, mode: BoxMode, text: string): Result {
  const { purpose } = mode;
  const several = purpose.kind === "value" ? purpose.type === "text" : purpose.kind === "base64";
  const box = pasted(mode.box, text, several);
  if (!box) {
    const lines = ["what was pasted has several lines, and only one is possible here: nothing was used"];
    return [{ ...state, message: { tone: "error", lines } }, []];
  }
  return withBox(state, mode, box);
}

function withBox(state: State, mode: BoxMode, box: Box): Result {
  const next: State = { ...state, message: undefined, mode: { ...mode, box } };
  if (mode.purpose.kind !== "find" || box.text === mode.box.text) return [next, []];
  return [{ ...found(next, box.text, mode.purpose.from), mode: next.mode }, []];
}

/** Esc only goes back; what was typed at length is not thrown away by one key. */
function back(state: State, mode: BoxMode): Result {
  const { purpose, box, before } = mode;
  if (purpose.kind === "passphrase")
    return [{ ...tree(state), busy: undefined }, [{ kind: "answer", text: undefined }]];
  if (box.lines && box.text !== before) return [{ ...state, mode: { kind: "discard", box: mode } }, []];
  if (purpose.kind === "add-key") return [{ ...tree(state), mode: purpose.before }, []];
  if (purpose.kind === "find") return [{ ...tree(state), cursor: purpose.from }, []];
  return [tree(state), []];
}

const tree = (state: State): State => ({ ...state, mode: { kind: "tree" }, message: undefined });

function finished(state: State, mode: BoxMode): Result {
  const { purpose, box } = mode;
  const [after, effects] = resultOf(done(tree(state), purpose, box.text));
  // what was typed is still there where it cannot be used
  return [after.message?.tone === "error" ? { ...after, mode } : after, effects];
}

function done(state: State, purpose: Purpose, text: string): Outcome {
  const nodes = state.outline.nodes;
  try {
    switch (purpose.kind) {
      case "value": {
        const node = nodes[purpose.node]!;
        const given = valueOfType(purpose.type, text);
        return changed(showing(state, node), node, (draft) => setValue(draft, node, given));
      }
      case "base64": {
        const node = nodes[purpose.node]!;
        return changed(state, node, (draft) => setValue(draft, node, { value: encodedBase64(text) }));
      }
      case "comment": {
        const node = nodes[purpose.node]!;
        return changed(state, node, (draft) => setValue(draft, node, { value: text }));
      }
      case "new-comment": {
        const node = nodes[purpose.node]!;
        return changed(state, node, (draft) => addComment(draft, node, text));
      }
      case "rename": {
        const node = nodes[purpose.node]!;
        return changed(state, node, (draft) => rename(draft, node, text));
      }
      case "key":
        return added(state, purpose, text);
      case "add-key": {
        const change = { kind: "add", key: text.trim() } as const;
        if (change.key === "") return { ...state, mode: purpose.before };
        return { ...state, mode: { kind: "change-keys", change, before: purpose.before } };
      }
      case "find":
        return text === "" ? state : { ...state, find: { ...state.find, query: text } };
      case "passphrase":
        return [{ ...state, busy: "unlocking" }, [{ kind: "answer", text }]];
      case "insert-file":
        return [
          { ...state, busy: "reading the file" },
          [{ kind: "read-file", node: purpose.node, path: text }],
        ];
      case "recipe":
        return generated(state, purpose, text);
    }
  } catch (error) {
    if (!(error instanceof TsopsError)) throw error;
    return { ...state, message: messageOf(error) };
  }
}

/** Adds the key, and asks for its value. */
export function added(
  state: State,
  purpose: Extract<Purpose, { kind: "key" }>,
  key: string | undefined,
): State {
  const { what, document } = purpose;
  if (key === "") throw new TsopsError("bad-path", "a key needs a name");
  const holder = purpose.holder === undefined ? undefined : state.outline.nodes[purpose.holder];
  const value: Tree = what === "value" ? "" : emptyTree(what);
  const place = holder ?? state.outline.roots[document];
  const next = changed(state, place, (draft) => add(draft, { holder, document, key, value }));
  const node = next.outline.nodes[next.cursor];
  if (next.message?.tone === "error" || what !== "value" || !node) return next;
  return {
    ...next,
    mode: {
      kind: "box",
      title: `${key ?? `[${String(node.key)}]`} (text)`,
      purpose: { kind: "value", node: node.id, type: "text" },
      box: lineBox("", state.options.noReveal),
      before: "",
    },
  };
}

export function generating(state: State, node: number, recipe: Recipe): Result {
  return [{ ...state, busy: "generating" }, [{ kind: "generate", node, recipe }]];
}

function generated(
  state: State,
  { node, recipe }: Extract<Purpose, { kind: "recipe" }>,
  text: string,
): Result {
  if (!("length" in recipe)) return generating(state, node, recipe);
  const length = Number(text);
  if (!/^\d{1,4}$/.test(text) || length < 1) {
    throw new TsopsError("invalid-set-value", "this is not a number from 1 to 9999");
  }
  return generating(state, node, { ...recipe, length });
}
