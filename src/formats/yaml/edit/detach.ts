import { TsopsError } from "../../../errors.ts";
import { buildTrees } from "../../build.ts";
import type { PathElement, Reading } from "../../format.ts";
import { applyEdits, type Edit } from "../../text.ts";
import { type Tree, TreeList, TreeMap } from "../../tree.ts";
import type { AliasNode, Node } from "../compose/nodes.ts";
import { flowTree } from "../print/flow.ts";
import { keyOf } from "../read/keys.ts";
import { composedOf, read } from "../read/read.ts";
import { sameTree } from "./trees.ts";

/**
 * The text with those aliases written out that a change at a path would change or break as well, or that the path leads
 * through: to SOPS an alias is a copy, so `set` and `unset` change one place and never another. The text itself if
 * there is none. Comments of what is copied are not repeated.
 */
export function detached(reading: Reading, path: readonly PathElement[], index: number): string {
  let at = reading;
  // a path may lead through one alias into another
  for (let found = onTheWay(at, path, index); found; found = onTheWay(at, path, index))
    at = writtenOut(at, [found]);
  const others = concerned(at, path, index);
  return (others.length > 0 ? writtenOut(at, others) : at).text;
}

/** An alias in a value's place, and where that is. */
interface Place {
  readonly alias: AliasNode;
  /** Anchors hold in later documents, too. */
  readonly document: number;
  readonly path: readonly PathElement[];
}

/** The first alias that the path leads through, to something in what it repeats. */
function onTheWay(reading: Reading, path: readonly PathElement[], document: number): Place | undefined {
  const { nodes, last } = follow(reading, path, document);
  return last?.kind === "alias" && nodes.length < path.length
    ? { alias: last, document, path: path.slice(0, nodes.length) }
    : undefined;
}

/** The collections on a path, and the node where it ends; undefined if it leads to nothing yet. */
function follow(
  reading: Reading,
  path: readonly PathElement[],
  index: number,
): { nodes: Node[]; last: Node | undefined } {
  const { text, documents } = composedOf(reading);
  const nodes: Node[] = [];
  let node: Node | undefined = documents[index]?.root;
  for (const element of path) {
    if (!node || node.kind === "scalar" || node.kind === "alias") return { nodes, last: node };
    nodes.push(node);
    node =
      node.kind === "map"
        ? node.items.find((item) => keyOf(text, item) === element)
        : node.items[typeof element === "number" ? element : -1];
  }
  return { nodes, last: node };
}

/** Aliases elsewhere that repeat what stands at the path, something in it, or something around it. */
function concerned(reading: Reading, path: readonly PathElement[], index: number): Place[] {
  const { nodes, last } = follow(reading, path, index);
  const changing = new Set<Node>(nodes);
  const places: Place[] = [];
  const { text, documents } = composedOf(reading);
  const walk = (node: Node, document: number, here: readonly PathElement[], inside: boolean): void => {
    if (inside) changing.add(node);
    else if (node.kind === "alias") places.push({ alias: node, document, path: here });
    if (node.kind !== "map" && node.kind !== "list") return;
    for (const [i, item] of node.items.entries()) {
      const key = node.kind === "map" ? (keyOf(text, item) ?? "") : i;
      walk(item, document, [...here, key], inside || item === last);
    }
  };
  for (const [i, { root }] of documents.entries()) walk(root, i, [], false);
  return places.filter(({ alias }) => changing.has(alias.target));
}

function writtenOut(reading: Reading, places: readonly Place[]): Reading {
  const before = buildTrees(reading.entries, reading.documents);
  const edits = places.map(({ alias, document, path }): Edit => {
    const copy = path.reduce<Tree | undefined>(childAt, before[document]);
    if (copy === undefined) throw cannot();
    return { start: alias.start, end: alias.end, text: flowTree(withoutComments(copy)) };
  });
  const after = read(applyEdits(reading.text, edits));
  const trees = buildTrees(after.entries, after.documents).map(withoutComments);
  if (!trees.every((tree, i) => sameTree(tree, withoutComments(before[i]!)))) throw cannot();
  return after;
}

function childAt(tree: Tree | undefined, element: PathElement): Tree | undefined {
  if (tree instanceof TreeMap) return typeof element === "string" ? tree.get(element) : undefined;
  return tree instanceof TreeList && typeof element === "number" ? tree.values()[element] : undefined;
}

function withoutComments(tree: Tree): Tree {
  if (tree instanceof TreeMap) {
    return new TreeMap(tree.entries().map(({ key, value }) => ({ key, value: withoutComments(value) })));
  }
  return tree instanceof TreeList ? new TreeList(tree.values().map(withoutComments)) : tree;
}

function cannot(): TsopsError {
  return new TsopsError("print", "an alias that repeats this value cannot be written out", {
    hint: "use the editor: write the alias out, or change the value at its anchor",
  });
}
