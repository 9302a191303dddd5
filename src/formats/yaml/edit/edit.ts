import { TsopsError } from "../../../errors.ts";
import type { EditOptions, PathElement, Reading } from "../../format.ts";
import { applyEdits, type Edit } from "../../text.ts";
import { type Tree, TreeList, TreeMap } from "../../tree.ts";
import type { CollectionNode, Composed, DocumentNode, Node } from "../compose/nodes.ts";
import { flowTree } from "../print/flow.ts";
import { keyOf } from "../read/keys.ts";
import { composedOf, read } from "../read/read.ts";
import { eolOf, indentOf, lineStartOf } from "../read/spacing.ts";
import { spell } from "../spell/spell.ts";
import { detached } from "./detach.ts";
import {
  appendToBlock,
  endOf,
  lineEndOf,
  prependToBlock,
  removeFromBlock,
  replaceInBlock,
} from "./in-block.ts";
import { appendToFlow, removeFromFlow } from "./in-flow.ts";
import { blockCollection, isFilled, type Layout } from "./new-lines.ts";
import { sameTree, treesOf, without, withValue, wrap } from "./trees.ts";

/** Where a path leads in its document. */
interface Found {
  /** The collections on the way, outermost first. */
  readonly holders: readonly CollectionNode[];
  /** What stands at the path, or the scalar on the way where it ends; undefined if an entry is missing. */
  readonly node: Node | undefined;
  /** What is left of the path behind the node, or from the missing entry on. */
  readonly rest: readonly PathElement[];
}

/**
 * See {@link Format.set}. Every way to write the change is tried by reading its result, which must say what was
 * asked for and nothing else anew.
 */
export function set(
  reading: Reading,
  path: readonly PathElement[],
  value: Tree,
  options: EditOptions,
): Edit[] {
  const { document: index = 0 } = options;
  if (path.length === 0) throw new TsopsError("bad-path", "the path is empty");
  const apart = detached(reading, path, index);
  if (apart !== reading.text) return asOne(reading, apart, set(read(apart), path, value, options));
  const composed = composedOf(reading);
  const document = composed.documents[index];
  const layout = { eol: eolOf(reading), step: options.indent ?? indentOf(reading) };
  const wanted = treesOf(reading);
  const whole = withValue(wanted[index] ?? new TreeMap(), path, value) as TreeMap;
  wanted[index] = whole;
  if (!document || document.root.kind === "scalar") {
    if (typeof path[0] === "number") throw indexIntoMap();
    return firstThatSays(
      reading,
      wanted,
      index,
      [layout, { ...layout, flow: true }].map((form) => () => fillEmpty(reading.text, document, whole, form)),
    );
  }
  const found = find(composed, document.root, path);
  const attempts = found.node
    ? replacements(reading, found, wrap(found.rest, value), layout)
    : additions(reading.text, found, value, layout);
  return firstThatSays(reading, wanted, index, [
    ...attempts,
    () => rewritePair(reading.text, found, path, whole),
  ]);
}

/** See {@link Format.unset}. @throws TsopsError("bad-path") if there is nothing at the path. */
export function unset(reading: Reading, path: readonly PathElement[], options: EditOptions = {}): Edit[] {
  const { document: index = 0 } = options;
  const composed = composedOf(reading);
  const root = composed.documents[index]?.root;
  if (path.length === 0 || !root || root.kind === "scalar") throw nothingThere();
  const apart = detached(reading, path, index);
  if (apart !== reading.text) return asOne(reading, apart, unset(read(apart), path, options));
  const found = find(composed, root, path);
  const { holders, node, rest } = found;
  if (!node || rest.length > 0) throw nothingThere();
  const wanted = treesOf(reading);
  const whole = without(wanted[index]!, path) as TreeMap;
  wanted[index] = whole;
  const { text } = reading;
  const holder = holders.at(-1)!;
  if (holder.flow) {
    return firstThatSays(reading, wanted, index, [
      () => removeFromFlow(text, holder, node),
      () => rewritePair(text, found, path, whole),
    ]);
  }
  if (holder.items.length > 1) {
    return firstThatSays(
      reading,
      wanted,
      index,
      [false, true].map((keep) => () => removeFromBlock(text, holder, node, keep)),
    );
  }
  const outer = holders.at(-2);
  const empty = holder.kind === "map" ? new TreeMap() : new TreeList();
  if (outer) {
    const layout = { eol: eolOf(reading), step: indentOf(reading) };
    const emptied = { holder: outer, node: holder, value: empty };
    return firstThatSays(reading, wanted, index, [() => replaceInBlock(text, emptied, layout)]);
  }
  const end = lineEndOf(text, endOf(node));
  return firstThatSays(reading, wanted, index, [() => [{ start: holder.start, end, text: "{}" }]]);
}

/** The edits of a text in which aliases were written out, as one edit of the text before. */
function asOne(reading: Reading, apart: string, edits: readonly Edit[]): Edit[] {
  return [{ start: 0, end: reading.text.length, text: applyEdits(apart, edits) }];
}

function find(composed: Composed, root: Node, path: readonly PathElement[]): Found {
  const holders: CollectionNode[] = [];
  let node = root;
  for (const [depth, element] of path.entries()) {
    if (node.kind === "scalar" || node.kind === "alias") return { holders, node, rest: path.slice(depth) };
    holders.push(node);
    const item = itemAt(composed.text, node, element);
    if (!item) return { holders, node: undefined, rest: path.slice(depth) };
    node = item;
  }
  return { holders, node, rest: [] };
}

function itemAt(text: string, node: CollectionNode, element: PathElement): Node | undefined {
  if (node.kind === "map") {
    if (typeof element === "string") return node.items.find((item) => keyOf(text, item) === element);
    throw indexIntoMap();
  }
  if (typeof element === "number" && element >= 0) return node.items[element];
  throw new TsopsError("bad-path", "the path has a key where the document has a list", {
    hint: "items are counted from 0, as in [0]",
  });
}

function indexIntoMap(): TsopsError {
  return new TsopsError("bad-path", "the path has an index where the document has a map", {
    hint: 'keys stand in quotes, as in ["key"]',
  });
}

type Attempt = () => Edit[];

function additions(text: string, { holders, rest }: Found, value: Tree, layout: Layout): Attempt[] {
  const holder = holders.at(-1)!;
  const [element, ...more] = rest;
  const key = typeof element === "string" ? element : undefined;
  const added = { holder, key, value: wrap(more, value) };
  if (holder.flow) return [() => appendToFlow(text, added, layout)];
  const last = holder.items.at(-1);
  const isMetadata = holders.length === 1 && last?.key?.kind === "scalar" && last.key.text === "sops";
  return [layout, { ...layout, flow: true }].flatMap((form) => [
    () => [appendToBlock(text, added, form, isMetadata ? last : undefined)],
    () => [prependToBlock(text, added, form)],
  ]);
}

function replacements(reading: Reading, { holders, node }: Found, value: Tree, layout: Layout): Attempt[] {
  const { text } = reading;
  const holder = holders.at(-1)!;
  const target = node!;
  const attempts: Attempt[] = [];
  const entry = reading.entries.find(({ style, alias }) => style === target && !alias);
  if (entry && !(value instanceof TreeMap) && !(value instanceof TreeList)) {
    attempts.push(() => [{ start: entry.start, end: entry.end, text: spell(reading, entry, value) }]);
  }
  if (holder.flow) attempts.push(() => [replaceInFlow(target, value)]);
  else {
    for (const form of [layout, { ...layout, flow: true }]) {
      attempts.push(() => replaceInBlock(text, { holder, node: target, value }, form));
    }
  }
  return attempts;
}

function replaceInFlow(node: Node, value: Tree): Edit {
  const written = flowTree(value);
  if (node.kind === "scalar" && node.style === "absent" && !node.props) {
    const colon = node.key && node.start === node.key.end ? ":" : "";
    return { start: node.start, end: node.start, text: `${colon} ${written}` };
  }
  const anchor = node.props?.anchor === undefined ? "" : `&${node.props.anchor} `;
  return { start: node.props?.start ?? node.start, end: node.end, text: anchor + written };
}

/** An item `key: value` of a flow list is a map without braces: it gets them when it has to hold more or less. */
function rewritePair(
  text: string,
  { holders }: Found,
  path: readonly PathElement[],
  wanted: TreeMap,
): Edit[] {
  const pair = holders.at(-1)!;
  if (!pair.flow || text[pair.start] === "{" || text[pair.start] === "[") return [];
  const tree = path.slice(0, holders.length - 1).reduce<Tree | undefined>(childAt, wanted);
  return tree === undefined ? [] : [{ start: pair.start, end: pair.end, text: flowTree(tree) }];
}

function childAt(tree: Tree | undefined, element: PathElement): Tree | undefined {
  if (tree instanceof TreeMap) return typeof element === "string" ? tree.get(element) : undefined;
  return tree instanceof TreeList && typeof element === "number" ? tree.values()[element] : undefined;
}

/** A document that says nothing yet. */
function fillEmpty(text: string, document: DocumentNode | undefined, tree: TreeMap, layout: Layout): Edit[] {
  const lines = isFilled(tree) && !layout.flow ? blockCollection(tree, 0, layout) : flowTree(tree);
  const root = document?.root;
  if (root?.kind === "scalar" && root.style !== "absent") {
    const ownLine = lineStartOf(text, root.start) === root.start;
    return [{ start: root.start, end: root.end, text: (ownLine ? "" : layout.eol) + lines }];
  }
  const at = document?.end ?? text.length;
  const closed = at === 0 || text[at - 1] === "\n";
  return [{ start: at, end: at, text: closed ? lines + layout.eol : layout.eol + lines }];
}

function firstThatSays(
  reading: Reading,
  wanted: readonly TreeMap[],
  index: number,
  attempts: readonly Attempt[],
): Edit[] {
  let cause: unknown;
  for (const attempt of attempts) {
    try {
      const edits = attempt();
      const found = treesOf(read(applyEdits(reading.text, edits)));
      if (
        found.length === wanted.length &&
        found.every((tree, i) => sameTree(tree, wanted[i]!, i !== index))
      ) {
        return edits;
      }
    } catch (error) {
      if (!(error instanceof TsopsError)) throw error;
      cause = error;
    }
  }
  throw new TsopsError("print", "this change cannot be made without changing something else in the file", {
    hint: "use the editor: the place is written in a way that leaves no room for the value",
    cause,
  });
}

function nothingThere(): TsopsError {
  return new TsopsError("bad-path", "there is nothing at this path");
}
