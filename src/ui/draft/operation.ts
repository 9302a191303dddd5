/** What the operations on a document share. */

import { TsopsError } from "../../errors.ts";
import type { PathElement } from "../../formats/format.ts";
import { type Tree, TreeMap } from "../../formats/tree.ts";
import { type Node, pathOfNode } from "../outline/node.ts";
import type { Base } from "./base.ts";
import { type Draft, draftOfPart, isLarge, withPartChanged } from "./draft.ts";
import { nodeInPart, type Part, partAround } from "./part.ts";
import { type Member, positionsOf, withMembers } from "./positions.ts";
import { commentsOf, treesOf, type Wanted } from "./same.ts";

/** What an operation made. */
export interface Done {
  readonly draft: Draft;
  /** The path of what was made or changed; of what holds it if it is gone. */
  readonly at: readonly PathElement[];
}

/**
 * In a large text, an operation is done in the part around some rows, which is read by itself. Undefined if it has to be
 * done in the whole text: where the part is too large, or cannot tell, or the operation fails in it.
 */
export function inPart(
  draft: Draft,
  [from, to]: readonly [Node, Node],
  operate: (draft: Draft, part: Part) => Done,
): Done | undefined {
  const { base, setting } = draft;
  const part = isLarge(draft) ? partAround(base, [from, to], setting.format) : undefined;
  if (!part) return undefined;
  try {
    const done = operate(draftOfPart(draft, part), part);
    const at = [...(part.holder ? pathOfNode(part.holder) : []), ...done.at];
    if (!done.draft.past) return { draft, at };
    const after = withPartChanged(draft, part, done.draft);
    return after && { draft: after, at };
  } catch (error) {
    // what is wrong the whole text says best
    if (error instanceof TsopsError || error instanceof RangeError) return undefined;
    throw error;
  }
}

/** An operation on one row. */
export function onRow(draft: Draft, node: Node, operate: (draft: Draft, node: Node) => Done): Done {
  const done = inPart(draft, [node, node], (own, part) => {
    const row = nodeInPart(draft.base, part, node);
    if (!row) throw cannot("this row", own);
    return operate(own, row);
  });
  return done ?? operate(draft, node);
}

export function changedTree(
  base: Base,
  node: Node,
  change: (tree: Tree, positions: readonly number[]) => Tree,
): Wanted {
  return wantedWith(base, node.document, (tree) => change(tree, positionsOf(base.outline, node)));
}

export function changedMembers(
  base: Base,
  node: Node,
  change: (members: Member[], i: number) => Member[],
): Wanted {
  return changedTree(base, node, (tree, positions) =>
    withMembers(tree, positions.slice(0, -1), (members) => change(members, positions.at(-1)!)),
  );
}

export function wantedWith({ reading }: Base, document: number, change: (tree: Tree) => Tree): Wanted {
  const before = treesOf(reading);
  // a text that says nothing has no document yet
  if (before.length === 0) before.push(new TreeMap());
  const trees = before.map((tree, i) => (i === document ? (change(tree) as TreeMap) : tree));
  return { trees, comments: commentsOf(reading) };
}

/** A copy may have fewer comments than the original: those above it can belong to what is before it. */
export const MANY = Number.POSITIVE_INFINITY;

export function labelOf(node: Node): string {
  return node.kind === "comment" ? "a comment" : shownKey(node.key ?? "");
}

export function shownKey(key: PathElement): string {
  return typeof key === "number" ? `[${key}]` : key;
}

export function cannot(what: string, { setting }: Draft): TsopsError {
  return new TsopsError(
    "print",
    `${what} cannot be written here as ${setting.format.name} without changing more`,
    {
      hint: "use $EDITOR for this change: tsops edit with EDITOR set",
    },
  );
}
