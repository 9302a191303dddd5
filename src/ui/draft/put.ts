/** What one side of a conflict says, put in its place. */

import type { PathElement, Reading } from "../../formats/format.ts";
import { type Tree, TreeList, TreeMap } from "../../formats/tree.ts";
import { nodeAt } from "../outline/node.ts";
import { type Draft, firstThatSays, flushed, withText } from "./draft.ts";
import { remove } from "./members.ts";
import { cannot, type Done, MANY } from "./operation.ts";
import { commentsOf, treesOf, type Wanted } from "./same.ts";

/** Has a place of the document say this tree, or nothing if that is undefined. */
export function put(
  draft: Draft,
  label: string,
  { document, path, value }: { document: number; path: readonly PathElement[]; value: Tree | undefined },
): Done {
  const ready = flushed(draft);
  const { base, setting } = ready;
  const { node, exact } = nodeAt(draft.base.outline, document, path);
  if (value === undefined) return node && exact ? remove(draft, node) : { draft, at: path };
  const { format, indent } = setting;
  const wanted = (after: Reading): Wanted => ({
    trees: treesOf(base.reading).map((tree, i) =>
      i === document ? withPath(tree, path, value, treesOf(after)[i]) : tree,
    ),
    comments: commentsOf(base.reading),
    mayGo: MANY,
  });
  const edits = () => format.set(base.reading, path, value, { indent, document });
  const made = firstThatSays(ready, [{ edits, wanted }], cannot("this side", ready));
  return { draft: withText(draft, label, made), at: path };
}

/** The tree with a value at a path; a key that is new stands where the format put it. */
function withPath(
  tree: TreeMap,
  path: readonly PathElement[],
  value: Tree,
  after: TreeMap | undefined,
): TreeMap {
  const change = (
    node: Tree | undefined,
    [first, ...rest]: readonly PathElement[],
    now: Tree | undefined,
  ): Tree => {
    if (first === undefined) return value;
    if (node instanceof TreeMap && typeof first === "string") {
      const entries = node.entries().map(({ key, value: old }) => ({ key, value: old }));
      const others = now instanceof TreeMap ? now.entries() : [];
      const place = others.findIndex(({ key }) => key === first);
      const at = entries.findIndex(({ key }) => key === first);
      const next = { key: first, value: change(entries[at]?.value, rest, others[place]?.value) };
      if (at >= 0) return new TreeMap(entries.toSpliced(at, 1, next));
      return new TreeMap(entries.toSpliced(place < 0 ? entries.length : place, 0, next));
    }
    if (node instanceof TreeList && typeof first === "number") {
      const items = node.values();
      const other = now instanceof TreeList ? now.values()[first] : undefined;
      return new TreeList(items.toSpliced(first, 1, change(items[first], rest, other)));
    }
    return typeof first === "string"
      ? TreeMap.of([[first, change(undefined, rest, undefined)]])
      : new TreeList([change(undefined, rest, undefined)]);
  };
  return change(tree, path, after) as TreeMap;
}
