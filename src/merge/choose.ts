/** Ends conflicts by taking what one side says. */

import { buildTrees } from "../formats/build.ts";
import type { Format, Reading } from "../formats/format.ts";
import { sameTree, valueAt } from "../formats/path.ts";
import { applyEdits } from "../formats/text.ts";
import type { Tree, TreeMap } from "../formats/tree.ts";
import { sameSequence } from "../sequences.ts";
import type { Conflict, Conflicts } from "../sops/conflicts.ts";
import { type Apart, apartFrom, sameApart } from "./apart.ts";
import { patched, patchOf } from "./patch.ts";

export type Choice = "ours" | "theirs" | "base";

/** A plaintext whose conflicts are resolved, all or some of them. */
export interface Chosen {
  readonly text: string;
  /** Those that are left. */
  readonly left: Conflicts | undefined;
}

/** The plaintexts that have ours, theirs and base in all places that are in conflict. */
export interface Variants {
  readonly ours: string;
  readonly theirs: string;
  readonly base: string | undefined;
}

/** Undefined if the file was changed since it was merged. */
export function variantsOf(text: string, { theirs, base }: Conflicts): Variants | undefined {
  const other = patched(text, theirs);
  const before = base && patched(text, base);
  if (other === undefined || (base && before === undefined)) return undefined;
  return { ours: text, theirs: other, base: before };
}

/** Conflicts about what stands in the text; who can read it is not among that. */
export function isOfText({ kind }: Conflict): boolean {
  return kind !== "recipients" && kind !== "selector";
}

/**
 * Whether ending a conflict can take this side. Who can read the file and what of it is encrypted stay as ours has them
 * (docs/security.md): nobody is let in by a merge alone.
 */
export function canTake(conflict: Conflict, choice: Choice): boolean {
  return choice === "ours" || isOfText(conflict);
}

/** What stays as ours has it, whichever side is taken; undefined if that is nothing. */
export function describeKept(conflicts: readonly Conflict[]): string | undefined {
  const kinds = conflicts.filter((conflict) => !isOfText(conflict)).map(({ kind }) => kind);
  if (kinds.length === 0) return undefined;
  return `its ${kinds.join(" and ")} ${kinds[0] === "selector" ? "stays as ours has it" : "stay as ours has them"}`;
}

/**
 * Takes one side at one place only. Undefined if there the sides cannot be taken by themselves: of an order of keys, a
 * comment that stands among other changes, or a whole text.
 */
export function chooseOne(
  conflicts: Conflicts,
  { conflict, choice }: { readonly conflict: Conflict; readonly choice: Choice },
  variants: Variants,
  format: Format,
): Chosen | undefined {
  const source = variants[choice];
  const changed = (text: string | undefined) =>
    text === undefined || source === undefined
      ? text
      : withPlace(text, source, { ...conflict, want: conflict[choice] }, format);
  const [ours, theirs] = [changed(variants.ours), changed(variants.theirs)];
  const base = changed(variants.base);
  if (ours === undefined || theirs === undefined || source === undefined) return undefined;
  const left = conflicts.conflicts.filter((one) => one !== conflict);
  if (left.length === 0) return { text: ours, left: undefined };
  return {
    text: ours,
    left: {
      ...conflicts,
      conflicts: left,
      theirs: patchOf(ours, theirs),
      base: base === undefined ? undefined : patchOf(ours, base),
    },
  };
}

/** A text with what another one has at a place, and nothing else of it. */
function withPlace(
  text: string,
  source: string,
  { document, path, kind, want }: Conflict & { readonly want: Tree | undefined },
  format: Format,
): string | undefined {
  if (text === source) return text;
  const comment = kind === "comment";
  if (path.length === 0 || kind === "order" || kind === "whole text") return undefined;
  const place = { document, path, what: comment ? "comments" : "all" } as const;
  const says = (candidate: string): boolean => {
    try {
      // lines of both sides together can have the key twice, and then it depends on the reader which of them counts
      if (duplicatesIn(format.read(candidate)) > duplicatesIn(format.read(text))) return false;
      const [before, after] = [treesOf(format, text), treesOf(format, candidate)];
      if (before.length !== after.length) return false;
      const [old, now] = [apartFrom(before, place), apartFrom(after, place)];
      if (!sameApart(old, now)) return false;
      if (comment) return hasComment(old, now, want);
      const at = valueAt(after[document]!, path);
      return want === undefined || at === undefined ? want === at : sameTree(at, want);
    } catch {
      return false;
    }
  };
  const ways = [
    ...oneChangeEach(text, source),
    ...(comment ? [] : edited(text, { document, path, want }, format)),
  ];
  return ways.find(says) ?? (!comment && says(text) ? text : undefined);
}

/** Whether just the comments above a place, or those at its end, became what is wanted. */
function hasComment(old: Apart, now: Apart, want: Tree | undefined): boolean {
  const changed = (["above", "trailing"] as const).filter((level) => !sameSequence(old[level], now[level]));
  return changed.length === 1 && now[changed[0]!].join("\n") === want;
}

const duplicatesIn = ({ duplicates = [] }: Reading): number => duplicates.length;

/** The text with one of the changes that lead to the other, or one line of a change. */
function oneChangeEach(text: string, source: string): string[] {
  const changes = patchOf(text, source).flatMap((change) => {
    const { line, old, now } = change;
    const lines = old.length === now.length && old.length > 1 ? old : [];
    return [change, ...lines.map((one, i) => ({ line: line + i, old: [one], now: [now[i]!] }))];
  });
  return changes.map((change) => patched(text, [change])!);
}

function edited(
  text: string,
  { document, path, want }: { document: number; path: Conflict["path"]; want: Tree | undefined },
  format: Format,
): string[] {
  try {
    const reading = format.read(text);
    const edits =
      want === undefined
        ? format.unset(reading, path, { document })
        : format.set(reading, path, want, { document });
    return [applyEdits(text, edits)];
  } catch {
    return [];
  }
}

function treesOf(format: Format, text: string): TreeMap[] {
  const { entries, documents } = format.read(text);
  return buildTrees(entries, documents);
}
