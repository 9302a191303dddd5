import { buildTrees } from "../../formats/build.ts";
import { type PathElement, pathOf, type Reading } from "../../formats/format.ts";
import { formatPath } from "../../formats/path.ts";
import { type Scalar, sameScalar } from "../../formats/scalar.ts";
import { type Tree, TreeList, TreeMap } from "../../formats/tree.ts";

/** What a text has to say after a change: its documents, and which comments are left. */
export interface Wanted {
  readonly trees: readonly TreeMap[];
  readonly comments: readonly string[];
  /** So many of the comments may have gone with what was removed. */
  readonly mayGo?: number;
  /** A comment that must be in the map or list of this path. */
  readonly placed?: { readonly text: string; readonly in: readonly PathElement[]; readonly document: number };
}

/** Values in their order, without comments. */
export function treesOf(reading: Reading): TreeMap[] {
  const entries = reading.entries.filter(({ kind }) => kind !== "comment");
  return buildTrees(entries, reading.documents);
}

/** The comments that stand in the text themselves. */
export function commentsOf({ entries }: Reading): string[] {
  return entries.flatMap(({ kind, alias, value }) => (kind === "comment" && !alias ? [String(value)] : []));
}

/** Whether a text says what is wanted, and nothing else anew. */
export function says(reading: Reading, { trees, comments, mayGo = 0, placed }: Wanted): boolean {
  const found = treesOf(reading);
  if (found.length !== trees.length || !found.every((tree, i) => same(tree, trees[i]!))) return false;
  return missing(comments, commentsOf(reading), mayGo) && (!placed || isPlaced(reading, placed));
}

function isPlaced({ entries }: Reading, placed: NonNullable<Wanted["placed"]>): boolean {
  const path = formatPath(placed.in);
  return entries.some(
    ({ kind, value, in: holder }) =>
      kind === "comment" &&
      value === placed.text &&
      holder?.document === placed.document &&
      formatPath(pathOf(holder)) === path,
  );
}

/** Whether the second list is the first one, in any order, but for so many. */
function missing(wanted: readonly string[], found: readonly string[], mayGo: number): boolean {
  const left = new Map<string, number>();
  for (const text of wanted) left.set(text, (left.get(text) ?? 0) + 1);
  for (const text of found) {
    const count = left.get(text) ?? 0;
    if (count === 0) return false;
    left.set(text, count - 1);
  }
  return wanted.length - found.length <= mayGo;
}

/** Whether two trees say the same, keys in the same order. */
export function same(a: Tree, b: Tree): boolean {
  if (a instanceof TreeMap) {
    if (!(b instanceof TreeMap)) return false;
    const [left, right] = [a.entries(), b.entries()];
    return (
      left.length === right.length &&
      left.every(({ key, value }, i) => key === right[i]!.key && same(value, right[i]!.value))
    );
  }
  if (a instanceof TreeList) {
    if (!(b instanceof TreeList)) return false;
    const [left, right] = [a.values(), b.values()];
    return left.length === right.length && left.every((item, i) => same(item, right[i]!));
  }
  return !(b instanceof TreeMap) && !(b instanceof TreeList) && sameValue(a, b);
}

/** Numbers also across types: SOPS prints the float 1.0 as `1` (docs/internals/sops.md §6). */
export function sameValue(a: Scalar, b: Scalar): boolean {
  if (typeof a === "number" && typeof b === "bigint") return Number(b) === a;
  if (typeof a === "bigint" && typeof b === "number") return Number(a) === b;
  return sameScalar(a, b);
}
