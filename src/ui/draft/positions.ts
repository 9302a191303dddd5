import { type Tree, TreeList, TreeMap } from "../../formats/tree.ts";
import type { Node, Outline } from "../outline/node.ts";

/**
 * A place in a tree by counting, comments left out: keys can occur twice. Maps and lists are given anew where something
 * in them changes, so that the tree before stays what it was.
 */
export type Positions = readonly number[];

export function positionsOf(outline: Outline, node: Node): number[] {
  const positions: number[] = [];
  for (let at: Node | undefined = node; at && at.kind !== "document"; at = at.parent) {
    // a document that is an empty map has a node, and no place in a tree
    if (at.key === undefined) break;
    const siblings = at.parent?.children ?? outline.roots;
    let position = 0;
    for (let i = 0; i < at.at; i++) if (siblings[i]!.kind !== "comment") position++;
    positions.push(position);
  }
  return positions.reverse();
}

export function treeAt(root: Tree, positions: Positions): Tree | undefined {
  let tree: Tree | undefined = root;
  for (const position of positions) {
    if (tree instanceof TreeMap) tree = tree.entries()[position]?.value;
    else tree = tree instanceof TreeList ? tree.values()[position] : undefined;
  }
  return tree;
}

/** One member of a map or list: an item has no key. */
export interface Member {
  readonly key: string | undefined;
  readonly value: Tree;
}

/** The tree with the members of the map or list at a place changed. */
export function withMembers(
  tree: Tree,
  positions: Positions,
  change: (members: Member[]) => readonly Member[],
): Tree {
  const members = membersIn(tree);
  const [first, ...rest] = positions;
  if (first === undefined) return rebuilt(tree, change(members));
  const after = members.map((member, i) =>
    i === first ? { ...member, value: withMembers(member.value, rest, change) } : member,
  );
  return rebuilt(tree, after);
}

function membersIn(tree: Tree): Member[] {
  if (tree instanceof TreeMap) return tree.entries().map(({ key, value }) => ({ key, value }));
  return tree instanceof TreeList ? tree.values().map((value) => ({ key: undefined, value })) : [];
}

function rebuilt(tree: Tree, members: readonly Member[]): Tree {
  if (tree instanceof TreeList) return new TreeList(members.map(({ value }) => value));
  return new TreeMap(members.map(({ key, value }) => ({ key: key ?? "", value })));
}

/** The tree with another value at a place. */
export function withValueAt(tree: Tree, positions: Positions, value: Tree): Tree {
  const last = positions.at(-1)!;
  return withMembers(tree, positions.slice(0, -1), (members) =>
    members.map((member, i) => (i === last ? { ...member, value } : member)),
  );
}
