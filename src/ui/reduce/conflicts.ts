import { TsopsError } from "../../errors.ts";
import { formatPath } from "../../formats/path.ts";
import { canTake, chooseOne, describeKept, isOfText, variantsOf } from "../../merge/choose.ts";
import { patchOf } from "../../merge/patch.ts";
import type { Conflict } from "../../sops/conflicts.ts";
import { readBase } from "../draft/base.ts";
import { type Draft, flushed, withText } from "../draft/draft.ts";
import { type Done, put } from "../draft/operations.ts";
import { nodeAt } from "../outline/node.ts";
import { chordOf, type Key } from "../state/box.ts";
import { type Decision, type MergeState, openConflicts } from "../state/merge.ts";
import type { Message, Mode, Result, State } from "../state/state.ts";
import { changed } from "./change.ts";
import { jumped } from "./cursor.ts";

type ConflictsMode = Extract<Mode, { kind: "conflicts" }>;

const DECISIONS: Readonly<Record<string, Decision>> = { o: "ours", t: "theirs", b: "base", m: "as it is" };

/** Keys in the list of conflicts: a side is taken, or what stands in the document is said to be right. */
export function conflictsKey(state: State, mode: ConflictsMode, key: Key): Result {
  const merge = state.merge!;
  const chord = chordOf(key);
  const last = merge.conflicts.length - 1;
  const to = (at: number): Result => [
    { ...state, mode: { ...mode, at: Math.max(0, Math.min(at, last)) } },
    [],
  ];
  const decision = DECISIONS[chord];
  if (decision !== undefined) return [decided(state, mode, decision), []];
  const chosen = merge.conflicts[mode.at]!;
  switch (chord) {
    case "up":
    case "k":
      return to(mode.at - 1);
    case "down":
    case "j":
      return to(mode.at + 1);
    case "v":
      return [state.options.noReveal ? state : { ...state, mode: { ...mode, reveal: !mode.reveal } }, []];
    case "return":
    case "e":
      if (!isOfText(chosen)) return [{ ...state, busy: "looking at the keys" }, [{ kind: "keys" }]];
      return [atConflict(state, chosen), []];
    case "escape":
    case "ctrl-c":
    case "q":
      return [{ ...state, mode: { kind: "tree" } }, []];
    default:
      return [state, []];
  }
}

/** The document, with the cursor where the conflict is: what is right is typed there. */
function atConflict(state: State, { document, path }: Conflict): State {
  const { node } = nodeAt(state.outline, document, path);
  const next: State = { ...state, mode: { kind: "tree" } };
  return node ? jumped(next, node) : next;
}

function decided(state: State, mode: ConflictsMode, decision: Decision): State {
  const merge = state.merge!;
  const conflict = merge.conflicts[mode.at]!;
  const side = decision === "as it is" ? "ours" : decision;
  if (!canTake(conflict, side)) return { ...state, message: staysOurs(conflict) };
  const stays = decision === "as it is" || !isOfText(conflict);
  const next = stays ? { ...state, message: undefined } : taken(state, conflict, decision);
  if (next.message?.tone === "error") return next;
  const decisions = merge.decisions.map((one, i) => (i === mode.at ? decision : one));
  const after = { ...merge, decisions };
  const at = openConflicts(after) > 0 ? decisions.indexOf(undefined) : mode.at;
  const kept = describeKept([conflict]);
  const lines = [
    ...(kept === undefined ? [] : [kept]),
    ...(openConflicts(after) > 0 ? [] : ["all conflicts are decided: Esc goes to the document, s saves it"]),
  ];
  return {
    ...next,
    merge: after,
    mode: { ...mode, at },
    message: lines.length > 0 ? { tone: "info", lines } : undefined,
  };
}

/** Who can read the file is decided where that is shown and confirmed key by key, never by the way. */
function staysOurs(conflict: Conflict): Message {
  const how =
    conflict.kind === "selector"
      ? "take ours and save; then tsops updatekeys --update-selector gives it that of its creation rule"
      : "take ours and save; then w adds and removes keys, one by one";
  return { tone: "error", lines: [`${describeKept([conflict])}: a merge alone lets nobody in`, how] };
}

function taken(state: State, conflict: Conflict, choice: Exclude<Decision, "as it is">): State {
  const { node } = nodeAt(state.outline, conflict.document, conflict.path);
  const { mode } = state;
  const next = changed(state, node, (draft) => taking(draft, state.merge!, { conflict, choice }));
  return { ...next, mode };
}

interface Taking {
  readonly conflict: Conflict;
  readonly choice: Exclude<Decision, "as it is">;
}

function taking(draft: Draft, merge: MergeState, { conflict, choice }: Taking): Done {
  const { variants } = merge;
  const conflicts = merge.conflicts.filter(isOfText);
  const label = `take ${choice} at ${formatPath(conflict.path) || "the whole text"}`;
  const at = conflict.path;
  const ready = flushed(draft);
  const { format, selection } = ready.setting;
  const { text } = ready.base;
  const written = (after: string): Done => ({
    draft: withText(draft, label, readBase(after, format, selection)),
    at,
  });
  const source = variants[choice];
  if (source === undefined)
    throw new TsopsError("merge-conflict", "there is no base: both sides made the file");
  const asMerged = text === variants.ours;
  if (conflict.kind === "whole text" || (conflicts.length === 1 && asMerged)) return written(source);
  // as it was merged, the side's own text can be taken; else what the side says there
  const said = { labels: {}, conflicts, theirs: patchOf(text, variants.theirs), base: undefined };
  const now = variantsOf(text, said);
  const chosen =
    now && asMerged
      ? chooseOne(said, { conflict, choice }, { ...now, base: variants.base }, format)
      : undefined;
  if (chosen) return written(chosen.text);
  if (conflict.kind === "comment" || conflict.kind === "order") {
    throw new TsopsError("merge-conflict", "this cannot be taken by itself any more", {
      hint: "make it right in the document, then m in this list",
    });
  }
  return put(draft, label, { document: conflict.document, path: conflict.path, value: conflict[choice] });
}
